#include "work.h"

#include "mix.h"

#include <cleat/cleat.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Failures that are none of the mix, such as of a server that is away: of these there may be any number. */
enum { RETRIES = 1000, SLOTS = 200, THREADS = 8, DAWDLE_MS = 20, KEEP_TRYING_MS = 600000 };

static int64_t number_of(const cleat_task *task)
{
    cleat_slice input = cleat_task_input(task);
    return mix_number(input.data, input.size);
}

static cleat_status make(cleat_task *task, void *user_data)
{
    int64_t number = number_of(task);
    (void)user_data;
    return cleat_task_return_format(task, "{\"n\":%" PRId64 ",\"made\":%" PRId64 "}", number,
                                    mix_made(number));
}

static cleat_status make_in_the_end(cleat_task *task, void *user_data)
{
    return cleat_task_retry_count(task) < mix_failures(number_of(task))
               ? cleat_task_fail(task, CLEAT_FAILED, "attempt %d", cleat_task_retry_count(task))
               : make(task, user_data);
}

/* Half of them without a retry. */
static cleat_status make_nothing(cleat_task *task, void *user_data)
{
    int64_t number = number_of(task);
    (void)user_data;
    return cleat_task_fail(task, number % 2 == 0 ? CLEAT_FAILED : CLEAT_NON_RETRYABLE, "ticket %" PRId64,
                           number);
}

static cleat_status make_slowly(cleat_task *task, void *user_data)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; mix_cancelled_dawdles(number_of(task)) && i < DAWDLE_MS && !cleat_task_is_cancelled(task);
         i++) {
        nanosleep(&moment, NULL);
    }
    return make(task, user_data);
}

static cleat_status fan_out(cleat_task *task, void *user_data)
{
    cleat_run_item items[MIX_CHILDREN];
    cleat_run_id ids[MIX_CHILDREN];
    char input[MIX_INPUT];
    int64_t number = number_of(task);
    (void)user_data;
    snprintf(input, sizeof(input), "{\"n\":%" PRId64 "}", number);
    for (int i = 0; i < MIX_CHILDREN; i++) {
        items[i] = (cleat_run_item){.task = MIX_LEAF, .input = input};
    }
    cleat_status status = cleat_task_spawn_many(task, items, MIX_CHILDREN, ids);
    if (status != CLEAT_OK) {
        return cleat_task_fail(task, status, "spawn: %s", cleat_error_message());
    }
    if (number % 4 == 0 && cleat_task_retry_count(task) == 0) {
        return cleat_task_fail(task, CLEAT_FAILED, "and once more");
    }
    return cleat_task_return_format(task, "{\"n\":%" PRId64 ",\"children\":%d}", number, MIX_CHILDREN);
}

/* ---- The graph: first, then left, right and late beside each other, then last ---- */

static cleat_status make_left(cleat_task *task, void *user_data)
{
    int64_t number = number_of(task);
    return mix_graph_fails(number) ? cleat_task_fail(task, CLEAT_NON_RETRYABLE, "ticket %" PRId64, number)
                                   : make(task, user_data);
}

/* What a parent has made; 0 of one that was skipped. */
static int64_t made_by(cleat_task *task, const char *parent)
{
    static const char sign[] = "\"made\":";
    cleat_slice output;
    char text[MIX_INPUT];
    if (cleat_task_parent_was_skipped(task, parent) ||
        cleat_task_parent_output(task, parent, &output) != CLEAT_OK) {
        return 0;
    }
    snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(output));
    const char *at = strstr(text, sign);
    return at != NULL ? strtoll(at + strlen(sign), NULL, 10) : -1;
}

static cleat_status make_last(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return_format(task, "{\"n\":%" PRId64 ",\"sum\":%" PRId64 "}", number_of(task),
                                    made_by(task, "left") + made_by(task, "right") + made_by(task, "late"));
}

static cleat_status mend(cleat_task *task, void *user_data)
{
    return cleat_task_step_error(task, "left") != NULL
               ? make(task, user_data)
               : cleat_task_fail(task, CLEAT_NON_RETRYABLE, "nothing is told of what has failed");
}

static cleat_status add_graph(cleat_worker *worker)
{
    static const char *const after_first[] = {"first", NULL};
    static const char *const after_all[] = {"left", "right", "late", NULL};
    static const cleat_dag_condition even[] = {
        {.parent = "first", .expression = "int(output.made) % 2 == 0"}};
    static const cleat_dag_condition soon[] = {{.event_key = MIX_GO_KEY, .or_group = 1},
                                               {.sleep_for = "200ms", .or_group = 1}};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = make, .schedule_timeout_ms = -1),
        CLEAT_DAG_TASK(.name = "left", .run = make_left, .parents = after_first, .schedule_timeout_ms = -1),
        CLEAT_DAG_TASK(.name = "right", .run = make, .parents = after_first, .schedule_timeout_ms = -1,
                       .skip_if = even, .skip_if_count = 1),
        CLEAT_DAG_TASK(.name = "late", .run = make, .parents = after_first, .schedule_timeout_ms = -1,
                       .wait_for = soon, .wait_for_count = 2),
        CLEAT_DAG_TASK(.name = "last", .run = make_last, .parents = after_all, .schedule_timeout_ms = -1),
        NULL,
    };
    return cleat_worker_add_dag(worker,
                                CLEAT_DAG_OPTIONS(.name = mix_name(MIX_GRAPH), .tasks = tasks,
                                                  .on_failure = CLEAT_DAG_TASK(.name = "mend", .run = mend,
                                                                               .schedule_timeout_ms = -1)));
}

/* ---- The flow ---- */

static cleat_status add_leaves(cleat_task *task, int64_t number, int64_t *sum)
{
    cleat_future futures[MIX_LEAVES];
    cleat_slice outputs[MIX_LEAVES];
    char input[MIX_INPUT];
    cleat_status status = CLEAT_OK;
    snprintf(input, sizeof(input), "{\"n\":%" PRId64 "}", number);
    for (int i = 0; i < MIX_LEAVES && status == CLEAT_OK; i++) {
        status = cleat_spawn(task, MIX_LEAF, input, NULL, &futures[i]);
    }
    if (status == CLEAT_OK) {
        status = cleat_await_all(task, futures, MIX_LEAVES, outputs);
    }
    for (int i = 0; i < MIX_LEAVES && status == CLEAT_OK; i++) {
        char text[MIX_INPUT];
        snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(outputs[i]));
        const char *at = strrchr(text, ':');
        *sum += at != NULL ? strtoll(at + 1, NULL, 10) : -1;
    }
    return status;
}

static cleat_status add_step(cleat_task *task, const char *name, const char *input, int64_t *sum)
{
    cleat_slice output;
    cleat_status status = cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = name, .run = make, .input = input, .retries = 3), &output);
    if (status == CLEAT_OK) {
        char text[MIX_INPUT];
        snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(output));
        const char *at = strrchr(text, ':');
        *sum += at != NULL ? strtoll(at + 1, NULL, 10) : -1;
    }
    return status;
}

static bool is_again(const cleat_task *task)
{
    char text[MIX_INPUT];
    snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(cleat_task_input(task)));
    return strstr(text, "\"again\"") != NULL;
}

static cleat_status flow(cleat_task *task, void *user_data)
{
    int64_t number = number_of(task), sum = 0;
    char input[MIX_INPUT];
    (void)user_data;
    snprintf(input, sizeof(input), "{\"n\":%" PRId64 ",\"lane\":%" PRId64 ",\"again\":1}", number,
             number % MIX_LANES);
    cleat_status status = add_step(task, "first", input, &sum);
    if (status == CLEAT_OK && mix_flow_goes_on(number) && !is_again(task)) {
        return cleat_continue_as_new(task, input);
    }
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "50ms");
    }
    if (status == CLEAT_OK && mix_flow_waits(number)) {
        char expression[64];
        snprintf(expression, sizeof(expression), "input.lane == %" PRId64, number % MIX_LANES);
        status = cleat_wait_event(task, MIX_GO_KEY, expression, NULL, NULL);
    }
    if (status == CLEAT_OK) {
        status = add_leaves(task, number, &sum);
    }
    if (status == CLEAT_OK) {
        status = add_step(task, "last", input, &sum);
    }
    return status == CLEAT_OK
               ? cleat_task_return_format(task, "{\"n\":%" PRId64 ",\"sum\":%" PRId64 "}", number, sum)
               : status;
}

/* ---- The batch ---- */

static bool is_of_key(const cleat_task *task, const char *key)
{
    char text[MIX_INPUT], sign[MIX_INPUT];
    snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(cleat_task_input(task)));
    snprintf(sign, sizeof(sign), "\"key\":\"%s\"", key);
    return strstr(text, sign) != NULL;
}

/* What is said of one run counts for that one alone. */
static cleat_status make_all(cleat_batch *batch, void *user_data)
{
    for (size_t i = 0; i < cleat_batch_count(batch); i++) {
        cleat_task *task = cleat_batch_task(batch, i);
        int64_t number = number_of(task);
        (void)cleat_task_log(task, CLEAT_LOG_INFO, MIX_BATCH_LOG "%s", cleat_batch_id(batch));
        if (!is_of_key(task, cleat_batch_key(batch))) {
            (void)cleat_task_fail(task, CLEAT_NON_RETRYABLE, "it is in a batch of %s",
                                  cleat_batch_key(batch));
        } else if (mix_batched_fails(number)) {
            (void)cleat_task_fail(task, CLEAT_NON_RETRYABLE, "ticket %" PRId64, number);
        } else {
            (void)make(task, user_data);
        }
    }
    return CLEAT_OK;
}

static cleat_status add_batched(cleat_worker *worker)
{
    static const cleat_batch_config by_key = {
        .max_size = MIX_BATCH, .interval_ms = 100, .group_key = "input.key"};
    return cleat_worker_add_task(worker,
                                 CLEAT_TASK_OPTIONS(.name = mix_name(MIX_BATCHED), .run_batch = make_all,
                                                    .batch = &by_key, .schedule_timeout_ms = -1));
}

/* ---- The worker ---- */

static cleat_status add_limited(cleat_worker *worker)
{
    static const cleat_concurrency by_key[] = {
        {.expression = "input.key", .max_runs = MIX_KEY_RUNS, .strategy = CLEAT_GROUP_ROUND_ROBIN}};
    static const cleat_rate_limit some[] = {{.key = MIX_LIMIT, .units = 1}};
    static const cleat_idempotency once = {.expression = "'once-' + string(input.n)", .ttl_ms = 86400000};
    cleat_status status = cleat_worker_add_task(
        worker, CLEAT_TASK_OPTIONS(.name = mix_name(MIX_KEYED), .run = make, .schedule_timeout_ms = -1,
                                   .concurrency = by_key, .concurrency_count = 1));
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            worker, CLEAT_TASK_OPTIONS(.name = mix_name(MIX_LIMITED), .run = make, .schedule_timeout_ms = -1,
                                       .rate_limits = some, .rate_limit_count = 1));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(worker,
                                       CLEAT_TASK_OPTIONS(.name = mix_name(MIX_ONCE), .run = make,
                                                          .schedule_timeout_ms = -1, .idempotency = &once));
    }
    return status;
}

static cleat_status add_started(cleat_worker *worker)
{
    static const char *const events[] = {MIX_EVENT_KEY, NULL};
    static const char *const each_second[] = {"* * * * * *", NULL};
    cleat_status status =
        cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = mix_name(MIX_EVENT), .run = make,
                                                         .schedule_timeout_ms = -1, .on_events = events));
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            worker, CLEAT_TASK_OPTIONS(.name = MIX_TICK, .run = make, .schedule_timeout_ms = -1,
                                       .on_crons = each_second, .cron_input = "{\"n\":0}"));
    }
    return status;
}

static cleat_status add_all(cleat_worker *worker)
{
    const struct {
        const char *name;
        cleat_task_function run;
        int retries;
    } simple[] = {
        {mix_name(MIX_PLAIN), make, 0},
        {mix_name(MIX_FLAKY), make_in_the_end, 3},
        {mix_name(MIX_FAILING), make_nothing, 1},
        {mix_name(MIX_FAN), fan_out, RETRIES},
        {mix_name(MIX_CANCELLED), make_slowly, 0},
        {mix_name(MIX_AGAIN), make, 0},
        {mix_name(MIX_LATER), make, 0},
        {MIX_LEAF, make, 0},
    };
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < sizeof(simple) / sizeof(*simple) && status == CLEAT_OK; i++) {
        status = cleat_worker_add_task(
            worker, CLEAT_TASK_OPTIONS(.name = simple[i].name, .run = simple[i].run,
                                       .retries = simple[i].retries, .schedule_timeout_ms = -1));
    }
    if (status == CLEAT_OK) {
        status = add_limited(worker);
    }
    if (status == CLEAT_OK) {
        status = add_started(worker);
    }
    if (status == CLEAT_OK) {
        status = add_batched(worker);
    }
    if (status == CLEAT_OK) {
        status = add_graph(worker);
    }
    if (status == CLEAT_OK) {
        status =
            cleat_worker_add_workflow(worker, CLEAT_WORKFLOW(flow, .name = mix_name(MIX_FLOW),
                                                             .retries = RETRIES, .schedule_timeout_ms = -1));
    }
    return status;
}

cleat_client *work_connect(const char *token, const char *grpc, const char *http)
{
    cleat_client *client = NULL;
    char url[96];
    snprintf(url, sizeof(url), "http://%s", http);
    return cleat_client_new(CLEAT_CLIENT_OPTIONS(.token = token, .host_port = grpc, .api_url = url,
                                                 .tls_strategy = "none",
                                                 .connect_timeout_ms = KEEP_TRYING_MS),
                            &client) == CLEAT_OK
               ? client
               : NULL;
}

int work(const char *token, const char *grpc, const char *http)
{
    cleat_worker *worker = NULL;
    cleat_client *client = work_connect(token, grpc, http);
    cleat_status status = client != NULL ? CLEAT_OK : CLEAT_UNAVAILABLE;
    if (status == CLEAT_OK) {
        status = cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = SLOTS, .threads = THREADS), &worker);
    }
    if (status == CLEAT_OK) {
        status = add_all(worker);
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_run(worker);
    }
    if (status != CLEAT_OK) {
        fprintf(stderr, "nightly worker: %s\n", cleat_error_message());
    }
    cleat_worker_free(worker);
    cleat_client_free(client);
    return status == CLEAT_OK ? 0 : 1;
}
