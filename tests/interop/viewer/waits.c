/*
 * Runs of all that a workflow may be, most of which wait, each for something else: `waits FILE` fills a file with them,
 * prints their ids as JSON on one line, and stays, since some of them run for as long as it does.
 */
#include <cleat/cleat.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOUR_MS = 3600000, ERROR_SIZE = 4096 };

typedef struct program {
    cleat_client *client;
    cleat_instrumentor *instrumentor;
    cleat_worker *worker;
    json_t *runs; /* name: id */
} program;

/* ---- Tasks ---- */

static cleat_status run_done(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_task_log(task, CLEAT_LOG_INFO, "done: żółć, 完了, 🚢");
    return cleat_task_return(task, "{\"boxes\":3}");
}

/* For as long as the process is there. */
static cleat_status run_on(cleat_task *task, void *user_data)
{
    (void)user_data;
    while (!cleat_task_is_cancelled(task)) {
        pause(); /* until a signal comes, which none does but for the last one */
    }
    return CLEAT_CANCELLED;
}

static cleat_status run_failing(cleat_task *task, void *user_data)
{
    (void)user_data;
    static const char words[] = "the carrier's API said nein, 不行, 🚫; ";
    char error[ERROR_SIZE + sizeof words];
    size_t size = 0;
    for (; size < ERROR_SIZE; size += sizeof(words) - 1) {
        memcpy(error + size, words, sizeof words);
    }
    return cleat_task_fail(task, CLEAT_FAILED, "%s", error);
}

static cleat_status run_all_on(cleat_batch *batch, void *user_data)
{
    (void)user_data;
    while (!cleat_batch_is_cancelled(batch)) {
        pause();
    }
    return CLEAT_CANCELLED;
}

static cleat_status run_all(cleat_batch *batch, void *user_data)
{
    (void)user_data;
    return cleat_batch_return(batch, "{\"sent\":true}");
}

/* ---- What is declared ---- */

static const cleat_concurrency one[] = {
    {.expression = "input.customer", .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN}};

/* 15 tasks: one that is skipped, one that waits for a time or an event, and some behind it. */
static cleat_status declare_shipment(program *self)
{
    static const char *const order[] = {"receive-the-order", NULL}, *const check[] = {"check", NULL};
    static const char *const pieces[] = {"label", "pack", "wrap", NULL}, *const sign[] = {"sign", NULL};
    static const char *const send[] = {"send", NULL};
    static const cleat_dag_condition small[] = {
        {.parent = "receive-the-order", .expression = "output.boxes < 10"}};
    static const cleat_dag_condition is_signed[] = {{.event_key = "ship:signed", .or_group = 1},
                                                    {.sleep_for = "48h", .or_group = 1}};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "receive-the-order", .run = run_done),
        CLEAT_DAG_TASK(.name = "check", .run = run_done, .parents = order),
        CLEAT_DAG_TASK(.name = "label", .run = run_done, .parents = check),
        CLEAT_DAG_TASK(.name = "pack", .run = run_done, .parents = check),
        CLEAT_DAG_TASK(.name = "wrap", .run = run_done, .parents = order, .skip_if = small,
                       .skip_if_count = 1),
        CLEAT_DAG_TASK(.name = "weigh", .run = run_done, .parents = check),
        CLEAT_DAG_TASK(.name = "photo", .run = run_done, .parents = check),
        CLEAT_DAG_TASK(.name = "insure", .run = run_done, .parents = check),
        CLEAT_DAG_TASK(.name = "measure-each-of-the-boxes-on-all-sides", .run = run_done, .parents = check),
        CLEAT_DAG_TASK(.name = "notify", .run = run_done, .parents = check),
        CLEAT_DAG_TASK(.name = "sign", .run = run_done, .parents = pieces, .wait_for = is_signed,
                       .wait_for_count = 2),
        CLEAT_DAG_TASK(.name = "send", .run = run_done, .parents = sign),
        CLEAT_DAG_TASK(.name = "bill", .run = run_done, .parents = send),
        CLEAT_DAG_TASK(.name = "thank", .run = run_done, .parents = send),
        CLEAT_DAG_TASK(.name = "archive", .run = run_done, .parents = sign),
        NULL,
    };
    return cleat_worker_add_dag(self->worker, CLEAT_DAG_OPTIONS(.name = "shipment", .tasks = tasks));
}

/* A task that fails, one that is cancelled with it, one that completes, and what is done about it. */
static cleat_status declare_import(program *self)
{
    static const char *const customs[] = {"customs", NULL};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "customs", .run = run_failing),
        CLEAT_DAG_TASK(.name = "release", .run = run_done, .parents = customs),
        CLEAT_DAG_TASK(.name = "announce", .run = run_done),
        NULL,
    };
    return cleat_worker_add_dag(
        self->worker, CLEAT_DAG_OPTIONS(.name = "import", .tasks = tasks,
                                        .on_failure = CLEAT_DAG_TASK(.name = "tell", .run = run_done)));
}

/* A run of it waits until one of another has ended, which does not. */
static cleat_status declare_pour(program *self)
{
    static const char *const fill[] = {"fill", NULL};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "fill", .run = run_on, .execution_timeout_ms = -1, .schedule_timeout_ms = -1),
        CLEAT_DAG_TASK(.name = "seal", .run = run_done, .parents = fill),
        NULL,
    };
    return cleat_worker_add_dag(self->worker, CLEAT_DAG_OPTIONS(.name = "pour", .tasks = tasks,
                                                                .concurrency = one, .concurrency_count = 1));
}

static const cleat_rate_limit sms[] = {{.key = "sms-gateway", .units = 2}};
static const cleat_batch_config many = {.max_size = 10, .interval_ms = HOUR_MS, .group_key = "input.shop"};
static const cleat_batch_config two = {.max_size = 2, .interval_ms = HOUR_MS};
static const cleat_idempotency once = {.expression = "'paid-' + input.id", .ttl_ms = HOUR_MS};
static const cleat_filter filter = {
    .scope = "customer:7", .expression = "input.total >= payload.least", .payload = "{\"least\":100}"};
static const char *const paid[] = {"order:paid", NULL}, *const nightly[] = {"0 3 * * MON-FRI", NULL};
static const cleat_desired_label gpu[] = {{.key = "gpu", .text = "a100", .required = true}};

static cleat_status add_tasks(program *self)
{
    const cleat_task_options tasks[] = {
        {.struct_size = sizeof(tasks[0]),
         .name = "invoice:print",
         .run = run_on,
         .concurrency = one,
         .concurrency_count = 1,
         .execution_timeout_ms = -1,
         .schedule_timeout_ms = -1},
        {.struct_size = sizeof(tasks[0]),
         .name = "sms:send",
         .run = run_done,
         .rate_limits = sms,
         .rate_limit_count = 1,
         .schedule_timeout_ms = -1},
        {.struct_size = sizeof(tasks[0]),
         .name = "push:notify",
         .run_batch = run_all,
         .batch = &many,
         .schedule_timeout_ms = -1},
        {.struct_size = sizeof(tasks[0]),
         .name = "mail:merge",
         .run_batch = run_all_on,
         .batch = &two,
         .execution_timeout_ms = -1},
        {.struct_size = sizeof(tasks[0]),
         .name = "carrier:call",
         .run = run_failing,
         .retries = 5,
         .backoff_initial_ms = HOUR_MS},
        {.struct_size = sizeof(tasks[0]),
         .name = "order:book",
         .run = run_done,
         .idempotency = &once,
         .priority = CLEAT_PRIORITY_HIGH},
        {.struct_size = sizeof(tasks[0]),
         .name = "order:thank",
         .run = run_done,
         .on_events = paid,
         .default_filters = &filter,
         .default_filter_count = 1,
         .on_crons = nightly},
        {.struct_size = sizeof(tasks[0]),
         .name = "model:train",
         .run = run_done,
         .desired_labels = gpu,
         .desired_label_count = 1,
         .schedule_timeout_ms = -1},
    };
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; status == CLEAT_OK && i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        status = cleat_worker_add_task(self->worker, &tasks[i]);
    }
    return status;
}

static cleat_status declare(program *self)
{
    cleat_status status =
        cleat_worker_new(self->client, CLEAT_WORKER_OPTIONS(.name = "seed", .slots = 8), &self->worker);
    if (status == CLEAT_OK) {
        status = add_tasks(self);
    }
    if (status == CLEAT_OK) {
        status = declare_shipment(self);
    }
    if (status == CLEAT_OK) {
        status = declare_import(self);
    }
    if (status == CLEAT_OK) {
        status = declare_pour(self);
    }
    return status == CLEAT_OK ? cleat_worker_start(self->worker) : status;
}

/* ---- The runs ---- */

static cleat_status start(program *self, const char *name, const char *task, const char *input)
{
    cleat_run_id id;
    cleat_status status = cleat_client_run_no_wait(self->client, task, input, NULL, &id);
    if (status == CLEAT_OK) {
        json_object_set_new(self->runs, name, json_string(id.text));
    }
    return status;
}

static cleat_status await(program *self, const char *name)
{
    cleat_run_id id;
    cleat_run_result result = {0};
    snprintf(id.text, sizeof id.text, "%s", json_string_value(json_object_get(self->runs, name)));
    cleat_status status = cleat_client_wait(self->client, &id, 30000, &result);
    cleat_run_result_deinit(&result);
    return status;
}

static cleat_status start_all(program *self)
{
    static const struct {
        const char *name, *task, *input;
        bool ends; /* and is waited for */
    } rows[] = {
        {"shipment", "shipment", "{\"to\":\"Łódź, 東京 🚢\"}", false},
        {"import", "import", "{}", true},
        {"failed", "carrier:call", "{\"tracking\":\"1Z999\"}", false},
        {"booked", "order:book", "{\"id\":\"7\"}", true},
        {"taken", "sms:send", "{\"to\":\"+48\"}", true},
        {"sms", "sms:send", "{\"to\":\"+49\"}", false},
        {"push", "push:notify", "{\"shop\":\"north\"}", false},
        {"push 2", "push:notify", "{\"shop\":\"north\"}", false},
        {"push 3", "push:notify", "{\"shop\":\"south\"}", false},
        {"merge", "mail:merge", "{}", false},
        {"merge 2", "mail:merge", "{}", false},
        {"train", "model:train", "{}", false},
        {"printing", "invoice:print", "{\"customer\":\"acme\"}", false},
        {"print", "invoice:print", "{\"customer\":\"acme\"}", false},
        {"pouring", "pour", "{\"customer\":\"acme\"}", false},
        {"pour", "pour", "{\"customer\":\"acme\"}", false},
    };
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; status == CLEAT_OK && i < sizeof(rows) / sizeof(rows[0]); i++) {
        status = start(self, rows[i].name, rows[i].task, rows[i].input);
        if (status == CLEAT_OK && rows[i].ends) {
            status = await(self, rows[i].name);
        }
    }
    if (status == CLEAT_OK) {
        status = cleat_client_push(self->client, "order:paid", "{\"total\":120}",
                                   CLEAT_EVENT_OPTIONS(.scope = "customer:7"), NULL);
    }
    return status;
}

static cleat_status open(program *self, const char *file)
{
    cleat_status status = cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = file), &self->client);
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(self->client, NULL, &self->instrumentor);
    }
    if (status == CLEAT_OK) {
        status = cleat_client_put_rate_limit(self->client, "sms-gateway", 2, CLEAT_PER_DAY);
    }
    return status == CLEAT_OK ? declare(self) : status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: waits FILE\n", stderr);
        return 2;
    }
    program self = {.runs = json_object()};
    cleat_status status = open(&self, argv[1]);
    if (status == CLEAT_OK) {
        status = start_all(&self);
    }
    if (status != CLEAT_OK) {
        fprintf(stderr, "waits: %s\n", cleat_error_message());
        return EXIT_FAILURE;
    }
    json_dumpf(self.runs, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    for (;;) {
        pause(); /* until a signal ends it */
    }
}
