/*
 * A task, a worker, a run: the smallest whole program.
 *
 *     cc hello.c $(pkg-config --cflags --libs cleat) -o hello && ./hello
 */
#include <cleat/cleat.h>

#include <stdio.h>

static cleat_status greet(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_slice input = cleat_task_input(task); /* {"name":"Ada"} */
    cleat_task_log(task, CLEAT_LOG_INFO, "attempt %d", cleat_task_retry_count(task));
    return cleat_task_return_format(task, "{\"greeting\":\"Hello!\",\"of\":%.*s}", CLEAT_SLICE_ARGS(input));
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_instrumentor *instrumentor = NULL;
    cleat_worker *worker = NULL;
    cleat_run_result result = {0};

    cleat_status status = cleat_client_new(NULL, &client); /* the engine, on ./cleat.db */
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(client, NULL, &instrumentor); /* traces, in the same file */
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_new(client, NULL, &worker);
    }
    if (status == CLEAT_OK) {
        status =
            cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "greet", .run = greet, .retries = 3));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_start(worker);
    }
    if (status == CLEAT_OK) {
        status = cleat_client_run(client, "greet", "{\"name\":\"Ada\"}", NULL, &result);
    }
    if (status == CLEAT_OK) {
        printf("run %s %s: %s\n", result.id.text, cleat_run_status_name(result.status),
               result.output != NULL ? result.output : result.error);
        printf("look at it:  cleat runs show %s    cleat traces ls\n", result.id.text);
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }

    cleat_run_result_deinit(&result);
    cleat_worker_free(worker);
    cleat_instrumentor_free(instrumentor);
    cleat_client_free(client);
    return status == CLEAT_OK ? 0 : 1;
}
