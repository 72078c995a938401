/*
 * A workflow that starts many runs at once, waits for all of them without holding a thread, and puts
 * their results together.
 */
#include <cleat/cleat.h>

#include <stdio.h>

#define PARTS 50

/* A task as any other: it runs on whatever worker has room. The input is {"from":1,"to":100}. */
static cleat_status sum(cleat_task *task, void *user_data)
{
    char text[64];
    long from = 0, to = 0, total = 0;
    (void)user_data;
    cleat_slice input = cleat_task_input(task);
    snprintf(text, sizeof text, "%.*s", CLEAT_SLICE_ARGS(input));
    if (sscanf(text, "{\"from\":%ld,\"to\":%ld}", &from, &to) != 2) {
        return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "no range: %s", text);
    }
    for (long i = from; i <= to; i++) {
        total += i;
    }
    return cleat_task_return_format(task, "%ld", total);
}

static cleat_status sum_all(cleat_task *task, void *user_data)
{
    cleat_future futures[PARTS];
    cleat_slice outputs[PARTS];
    long total = 0;
    (void)user_data;
    for (int i = 0; i < PARTS; i++) {
        char input[64];
        snprintf(input, sizeof input, "{\"from\":%d,\"to\":%d}", 100 * i + 1, 100 * (i + 1));
        cleat_status status = cleat_spawn(task, "sums:part", input, NULL, &futures[i]);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    /* Here they are stored, in one transaction. The function returns, and is called again at the end of the last. */
    cleat_status status = cleat_await_all(task, futures, PARTS, outputs);
    if (status != CLEAT_OK) {
        return status;
    }
    for (int i = 0; i < PARTS; i++) {
        char text[32];
        long part = 0;
        snprintf(text, sizeof text, "%.*s", CLEAT_SLICE_ARGS(outputs[i]));
        if (sscanf(text, "%ld", &part) != 1) {
            return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "part %d is %s", i, text);
        }
        total += part;
    }
    return cleat_task_return_format(task, "{\"sum\":%ld}", total);
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    cleat_run_result result = {0};
    bool is_right = false;
    if (cleat_client_new(NULL, &client) == CLEAT_OK && cleat_worker_new(client, NULL, &worker) == CLEAT_OK &&
        cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "sums:part", .run = sum, .retries = 2)) ==
            CLEAT_OK &&
        cleat_worker_add_workflow(worker, CLEAT_WORKFLOW(sum_all, .name = "sums:all", .retries = 5)) ==
            CLEAT_OK &&
        cleat_worker_start(worker) == CLEAT_OK &&
        cleat_client_run(client, "sums:all", NULL, NULL, &result) == CLEAT_OK) {
        printf("1 to %d in %d parts: %s\n", 100 * PARTS, PARTS,
               result.output != NULL ? result.output : result.error);
        is_right = result.output != NULL && strcmp(result.output, "{\"sum\":12502500}") == 0;
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }
    cleat_run_result_deinit(&result);
    cleat_worker_free(worker);
    cleat_client_free(client);
    return is_right ? 0 : 1;
}
