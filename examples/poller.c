/*
 * A poller: looks, sleeps, looks again, for ever. A log that grows for ever would be replayed ever more slowly,
 * so after some looks it goes on as a new run with an empty one.
 *
 *     poller [DURATION [LOOKS]]     by default 20ms and 6; a real one has "5m" and does not end
 */
#include <cleat/cleat.h>

#include <stdio.h>
#include <stdlib.h>

#define LOOKS_OF_A_RUN 3

typedef struct settings {
    const char *interval;
    int looks; /* in all */
} settings;

/* A step, because what it finds differs from time to time. */
static cleat_status look(cleat_task *task, void *user_data)
{
    int *number = user_data;
    printf("look %d\n", *number);
    return cleat_task_return(task, "{\"new\":0}");
}

/* The input is {"looks":3}, that were made in runs before. */
static cleat_status poll(cleat_task *task, void *user_data)
{
    const settings *known = user_data;
    char text[64];
    int number = 0;
    cleat_slice input = cleat_task_input(task);
    snprintf(text, sizeof text, "%.*s", CLEAT_SLICE_ARGS(input));
    if (sscanf(text, "{\"looks\":%d}", &number) != 1) {
        number = 0;
    }
    for (int i = 0; i < LOOKS_OF_A_RUN; i++) {
        number++;
        cleat_status status = cleat_step_run(
            task, CLEAT_STEP_OPTIONS(.name = "look", .run = look, .user_data = &number, .retries = 5), NULL);
        if (status == CLEAT_OK && number == known->looks) {
            return cleat_task_return_format(task, "{\"looks\":%d}", number);
        }
        if (status == CLEAT_OK) {
            status = cleat_sleep(task, known->interval);
        }
        if (status != CLEAT_OK) {
            return status;
        }
    }
    snprintf(text, sizeof text, "{\"looks\":%d}", number);
    return cleat_continue_as_new(task, text);
}

int main(int argc, char **argv)
{
    settings known = {argc > 1 ? argv[1] : "20ms", argc > 2 ? atoi(argv[2]) : 6};
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    cleat_run_result result = {0};
    bool is_right = false;
    if (cleat_client_new(NULL, &client) == CLEAT_OK && cleat_worker_new(client, NULL, &worker) == CLEAT_OK &&
        cleat_worker_add_workflow(
            worker, CLEAT_WORKFLOW(poll, .name = "poller", .user_data = &known, .retries = 5)) == CLEAT_OK &&
        cleat_worker_start(worker) == CLEAT_OK &&
        cleat_client_run(client, "poller", NULL, NULL, &result) == CLEAT_OK) {
        char expected[32];
        snprintf(expected, sizeof expected, "{\"looks\":%d}", known.looks);
        printf("%s\n", result.output != NULL ? result.output : result.error);
        is_right = result.output != NULL && strcmp(result.output, expected) == 0;
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }
    cleat_run_result_deinit(&result);
    cleat_worker_free(worker);
    cleat_client_free(client);
    return is_right ? 0 : 1;
}
