/*
 * What the pages are tested with: `seed FILE SPANS` fills a file, one run with a trace of SPANS spans among the rest,
 * and prints the ids of its runs as JSON. `seed --work` is a worker of the same tasks at a server, which HATCHET_CLIENT_*
 * name; it prints "ready" and ends at SIGTERM.
 */
#include <cleat/cleat.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define HOSTILE "<img src=x onerror=\"document.title='taken'\">"

enum {
    CHILDREN = 12,
    QUEUED = 3,
    DEPTH = 40, /* of the spans of the large trace */
};

static const int64_t in_2100_ms = INT64_C(4102444800000);

typedef struct program {
    cleat_client *client;
    cleat_instrumentor *instrumentor;
    cleat_tracer *tracer;
    cleat_worker *worker;
    int spans;    /* of the large trace */
    json_t *runs; /* name: id */
} program;

/* ---- Tasks ---- */

static cleat_status run_leaf(cleat_task *task, void *user_data)
{
    const program *self = user_data;
    cleat_span span = cleat_span_start(self->tracer, "leaf work", NULL);
    cleat_span_set_string(span, "leaf.kind", "plain");
    cleat_span_end(span);
    return cleat_task_return(task, "{\"done\":true}");
}

static cleat_status run_hostile(cleat_task *task, void *user_data)
{
    const program *self = user_data;
    const cleat_attribute attribute = cleat_attribute_string(HOSTILE, HOSTILE);
    cleat_span span = cleat_span_start(self->tracer, HOSTILE,
                                       CLEAT_SPAN_OPTIONS(.attributes = &attribute, .attribute_count = 1));
    cleat_span_add_event(span, HOSTILE, &attribute, 1, 0);
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, HOSTILE);
    cleat_span_end(span);
    cleat_task_log(task, CLEAT_LOG_ERROR, "%s", HOSTILE);
    return cleat_task_fail(task, CLEAT_FAILED, "%s", HOSTILE);
}

static cleat_status wait_for(cleat_task *task, const cleat_run_id *id)
{
    cleat_run_result result = {0};
    cleat_status status = cleat_client_wait(cleat_task_client(task), id, 30000, &result);
    cleat_run_result_deinit(&result);
    return status;
}

/* Its input says how its children's traces are tied to it: {"relation":"link"}. */
static cleat_status run_parent(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_slice input = cleat_task_input(task);
    bool is_link = input.size >= 4 && strstr(input.data, "link") != NULL;
    cleat_run_options options = {.struct_size = sizeof(options),
                                 .trace = is_link ? CLEAT_TRACE_LINK : CLEAT_TRACE_PARENT};
    cleat_run_item items[CHILDREN];
    cleat_run_id ids[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        items[i] = (cleat_run_item){.task = "page:leaf", .input = "{}", .options = &options};
    }
    cleat_status status = cleat_task_spawn_many(task, items, CHILDREN, ids);
    for (int i = 0; i < CHILDREN && status == CLEAT_OK; i++) {
        status = wait_for(task, &ids[i]);
    }
    return status;
}

/* Spans below one another: down twice, up once, until there is no deeper. */
static cleat_status run_large(cleat_task *task, void *user_data)
{
    const program *self = user_data;
    cleat_span open[DEPTH];
    int depth = 0;
    (void)task;
    for (int i = 0; i < self->spans; i++) {
        char name[32];
        snprintf(name, sizeof name, "part %d", i);
        if (depth == DEPTH || (depth > 0 && i % 3 == 2)) {
            cleat_span_end(open[--depth]);
        }
        cleat_context *parent =
            depth > 0 ? cleat_context_with_span(cleat_context_current(), open[depth - 1]) : NULL;
        open[depth++] = cleat_span_start(self->tracer, name, CLEAT_SPAN_OPTIONS(.parent = parent));
        cleat_context_release(parent);
    }
    while (depth > 0) {
        cleat_span_end(open[--depth]);
    }
    return CLEAT_OK;
}

static cleat_status run_step(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"step\":1}");
}

static cleat_status run_durable(cleat_task *task, void *user_data)
{
    cleat_status status = cleat_step(task, "first", run_step, "{}", NULL);
    (void)user_data;
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "200ms");
    }
    return status == CLEAT_OK ? cleat_step(task, "second", run_step, "{}", NULL) : status;
}

static cleat_status run_waiting(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_wait_event(task, "page:never", NULL, NULL, NULL);
}

/* ---- The program ---- */

static cleat_status declare(program *self)
{
    const cleat_task_options tasks[] = {
        {.struct_size = sizeof(tasks[0]), .name = "page:leaf", .run = run_leaf, .schedule_timeout_ms = -1},
        {.struct_size = sizeof(tasks[0]),
         .name = "page:hostile",
         .run = run_hostile,
         .retries = 1,
         .backoff_initial_ms = 50},
        {.struct_size = sizeof(tasks[0]), .name = "page:parent", .run = run_parent},
        {.struct_size = sizeof(tasks[0]), .name = "page:large", .run = run_large},
    };
    cleat_status status =
        cleat_worker_new(self->client, CLEAT_WORKER_OPTIONS(.name = "seed", .slots = 8), &self->worker);
    for (size_t i = 0; status == CLEAT_OK && i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        cleat_task_options task = tasks[i];
        task.user_data = self;
        status = cleat_worker_add_task(self->worker, &task);
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_workflow(
            self->worker, CLEAT_WORKFLOW_OPTIONS(.name = "page:durable", .run = run_durable));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_workflow(
            self->worker, CLEAT_WORKFLOW_OPTIONS(.name = "page:waiting", .run = run_waiting));
    }
    return status == CLEAT_OK ? cleat_worker_start(self->worker) : status;
}

static cleat_status start(program *self, const char *name, const char *task, const char *input,
                          const char *metadata, cleat_run_id *id)
{
    cleat_status status =
        cleat_client_run_no_wait(self->client, task, input, CLEAT_RUN_OPTIONS(.metadata = metadata), id);
    if (status == CLEAT_OK) {
        json_object_set_new(self->runs, name, json_string(id->text));
    }
    return status;
}

static cleat_status run(program *self, const char *name, const char *task, const char *input,
                        const char *metadata)
{
    cleat_run_id id;
    cleat_run_result result = {0};
    cleat_status status = start(self, name, task, input, metadata, &id);
    if (status == CLEAT_OK) {
        status = cleat_client_wait(self->client, &id, 60000, &result);
    }
    cleat_run_result_deinit(&result);
    return status;
}

static cleat_status run_all(program *self)
{
    static const struct {
        const char *name, *task, *input, *metadata;
    } rows[] = {
        {"leaf", "page:leaf", "{\"needle\":\"in the haystack\"}", "{\"customer\":\"acme\"}"},
        {"hostile", "page:hostile", "{\"text\":\"<script>document.title='taken'</script>\"}",
         "{\"<b>bold</b>\":\"<img src=x onerror=\\\"document.title='taken'\\\">\"}"},
        {"parent", "page:parent", "{\"relation\":\"parent\"}", NULL},
        {"link", "page:parent", "{\"relation\":\"link\"}", NULL},
        {"durable", "page:durable", "{}", NULL},
        {"large", "page:large", "{}", NULL},
    };
    cleat_run_id waiting;
    cleat_status status = start(self, "waiting", "page:waiting", "{}", NULL, &waiting);
    for (size_t i = 0; status == CLEAT_OK && i < sizeof(rows) / sizeof(rows[0]); i++) {
        status = run(self, rows[i].name, rows[i].task, rows[i].input, rows[i].metadata);
    }
    return status;
}

/* What nobody takes: the worker has gone. */
static cleat_status leave(program *self)
{
    cleat_run_id id;
    cleat_status status = CLEAT_OK;
    for (int i = 0; status == CLEAT_OK && i < QUEUED; i++) {
        char name[16];
        snprintf(name, sizeof name, "queued %d", i);
        status = start(self, name, "page:leaf", "{}", NULL, &id);
    }
    if (status == CLEAT_OK) {
        status = start(self, "cancelled", "page:leaf", "{}", NULL, &id);
    }
    if (status == CLEAT_OK) {
        status = cleat_client_cancel(self->client, &id);
    }
    if (status == CLEAT_OK) {
        status = cleat_client_create_cron(self->client, "page:leaf", "yearly", "0 3 1 1 *", NULL, NULL, NULL);
    }
    return status == CLEAT_OK ? cleat_client_schedule(self->client, "page:leaf", in_2100_ms, "{}", NULL, NULL)
                              : status;
}

static cleat_status fill(program *self)
{
    cleat_status status = run_all(self);
    if (status == CLEAT_OK) {
        status = cleat_worker_stop(self->worker, 10000);
    }
    if (status == CLEAT_OK) {
        status = leave(self);
    }
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_flush(self->instrumentor, 30000);
    }
    if (status == CLEAT_OK) {
        json_dumpf(self->runs, stdout, JSON_COMPACT);
    }
    return status;
}

static cleat_status work(program *self)
{
    puts("ready");
    fflush(stdout);
    return cleat_worker_run(self->worker);
}

static cleat_status open(program *self, const char *file)
{
    /* A span that finds no room in the queue waits, so that all are there. */
    const cleat_batch_processor_options batch = {.struct_size = sizeof(batch), .blocks_when_full = true};
    cleat_status status = cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = file), &self->client);
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(self->client, CLEAT_INSTRUMENTOR_OPTIONS(.collector_batch = batch),
                                        &self->instrumentor);
    }
    if (status == CLEAT_OK) {
        self->tracer = cleat_tracer_provider_get_tracer(cleat_instrumentor_provider(self->instrumentor),
                                                        "page.seed", NULL);
        status = declare(self);
    }
    return status;
}

int main(int argc, char **argv)
{
    bool is_worker = argc == 2 && strcmp(argv[1], "--work") == 0;
    if (!is_worker && argc != 3) {
        fputs("usage: seed FILE SPANS | seed --work\n", stderr);
        return 2;
    }
    program self = {.spans = is_worker ? 10 : atoi(argv[2]), .runs = json_object()};
    cleat_status status = open(&self, is_worker ? NULL : argv[1]);
    if (status == CLEAT_OK) {
        status = is_worker ? work(&self) : fill(&self);
    }
    if (status != CLEAT_OK) {
        fprintf(stderr, "seed: %s\n", cleat_error_message());
    }
    cleat_worker_free(self.worker);
    cleat_instrumentor_free(self.instrumentor);
    cleat_client_free(self.client);
    json_decref(self.runs);
    return status == CLEAT_OK ? 0 : 1;
}
