/*
 * A worker: does what others ask for, until SIGINT or SIGTERM. examples/client.c asks.
 *
 * Without a token in the environment the engine is in this process, on ./cleat.db or $CLEAT_DB; with
 * HATCHET_CLIENT_TOKEN it is `cleat serve` or a Hatchet cluster, and any number of these may run; a server
 * without TLS needs HATCHET_CLIENT_TLS_STRATEGY=none as well.
 */
#include <cleat/cleat.h>

#include <stdio.h>

/* Fails at first, so that there is something to retry. */
static cleat_status greet(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_slice input = cleat_task_input(task); /* {"name":"Ada"} */
    cleat_task_log_metadata(task, CLEAT_LOG_INFO, "{\"part\":\"greeting\"}", "attempt %d",
                            cleat_task_retry_count(task));
    if (cleat_task_retry_count(task) == 0) {
        return cleat_task_fail(task, CLEAT_FAILED, "a greeting never succeeds at once");
    }
    printf("greeted %.*s\n", CLEAT_SLICE_ARGS(input));
    (void)fflush(stdout);
    return cleat_task_return_format(task, "{\"greeting\":\"Hello!\",\"of\":%.*s}", CLEAT_SLICE_ARGS(input));
}

/* Tells a story word by word to whoever looks on, and stops when it is cancelled. */
static cleat_status tell(cleat_task *task, void *user_data)
{
    static const char *const words[] = {"once ", "upon ", "a ", "time"};
    (void)user_data;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (cleat_task_is_cancelled(task)) {
            return CLEAT_CANCELLED;
        }
        cleat_status status = cleat_task_put_stream(task, cleat_slice_of(words[i]));
        if (status != CLEAT_OK) {
            return cleat_task_fail(task, status, "%s", cleat_error_message());
        }
    }
    return cleat_task_return(task, "{\"words\":4}");
}

static cleat_status declare(cleat_worker *worker)
{
    cleat_status status = cleat_worker_add_task(
        worker, CLEAT_TASK_OPTIONS(.name = "greet", .run = greet, .retries = 3, .backoff_initial_ms = 50,
                                   .description = "greets whoever it is given"));
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            worker, CLEAT_TASK_OPTIONS(.name = "story:tell", .run = tell, .execution_timeout_ms = 10000));
    }
    return status;
}

/* What the library has to say outside of a call, such as that it cannot reach the server yet. */
static void on_log(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    (void)level;
    fprintf(stderr, "%s\n", message);
}

int main(void)
{
    const cleat_label labels[] = {{"region", "north", 0}}; /* what runs may desire */
    cleat_client *client = NULL;
    cleat_instrumentor *instrumentor = NULL;
    cleat_worker *worker = NULL;

    cleat_log_set_handler(on_log, NULL, CLEAT_LOG_WARN);
    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(client, NULL, &instrumentor);
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_new(
            client,
            CLEAT_WORKER_OPTIONS(.name = "example-worker", .slots = 8, .labels = labels, .label_count = 1),
            &worker);
    }
    if (status == CLEAT_OK) {
        status = declare(worker);
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_start(worker);
    }
    if (status == CLEAT_OK) {
        printf("worker %s is ready\n", cleat_worker_id(worker));
        (void)fflush(stdout);
        status = cleat_worker_run(worker); /* until a signal; running tasks are finished first */
    }
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s\n", cleat_error_message());
    }

    cleat_worker_free(worker);
    cleat_instrumentor_free(instrumentor);
    cleat_client_free(client);
    return status == CLEAT_OK ? 0 : 1;
}
