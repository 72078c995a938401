/*
 * A saga: when a step fails for good, what was done before is undone, in reverse. All of it is in the log, so
 * a crash in the middle of either goes on where it was.
 */
#include <cleat/cleat.h>

#include <stdio.h>

typedef struct stage {
    const char *name, *undo_name;
    cleat_task_function run, undo;
} stage;

static cleat_status book(cleat_task *task, void *user_data)
{
    printf("book %s\n", (const char *)user_data);
    return cleat_task_return_format(task, "{\"booked\":\"%s\"}", (const char *)user_data);
}

/* For good: no retry would help. */
static cleat_status book_in_vain(cleat_task *task, void *user_data)
{
    return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "no %s to be had", (const char *)user_data);
}

static cleat_status cancel(cleat_task *task, void *user_data)
{
    printf("cancel %s\n", (const char *)user_data);
    return cleat_task_return(task, "{\"cancelled\":true}");
}

static const stage stages[] = {
    {"flight", "cancel flight", book, cancel},
    {"hotel", "cancel hotel", book, cancel},
    {"car", "cancel car", book_in_vain, cancel},
};
#define STAGES (sizeof stages / sizeof *stages)

static cleat_status run_stage(cleat_task *task, const char *name, cleat_task_function run, const char *what)
{
    return cleat_step_run(task,
                          CLEAT_STEP_OPTIONS(.name = name, .run = run, .user_data = (void *)(uintptr_t)what,
                                             .retries = 2, .backoff_initial_ms = 50, .timeout_ms = 10000),
                          NULL);
}

/* A stage that has failed may have done half of its work, so programs whose steps are no transactions begin
 * with that one. */
static cleat_status undo(cleat_task *task, size_t done)
{
    while (done > 0) {
        const stage *it = &stages[--done];
        cleat_status status = run_stage(task, it->undo_name, it->undo, it->name);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}

static cleat_status travel(cleat_task *task, void *user_data)
{
    (void)user_data;
    for (size_t i = 0; i < STAGES; i++) {
        cleat_status status = run_stage(task, stages[i].name, stages[i].run, stages[i].name);
        if (status == CLEAT_OK) {
            continue;
        }
        /* Then it is not the step that has failed: the run waits, or is cancelled. */
        if (cleat_task_is_stopped(task)) {
            return status;
        }
        char why[100];
        snprintf(why, sizeof why, "%s", cleat_error_message());
        status = undo(task, i);
        return status != CLEAT_OK ? status
                                  : cleat_task_fail(task, CLEAT_NON_RETRYABLE, "all undone: %s", why);
    }
    return cleat_task_return(task, "{\"travel\":\"booked\"}");
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    cleat_run_result result = {0};
    bool is_right = false;
    if (cleat_client_new(NULL, &client) == CLEAT_OK && cleat_worker_new(client, NULL, &worker) == CLEAT_OK &&
        cleat_worker_add_workflow(worker, CLEAT_WORKFLOW(travel, .name = "travel", .retries = 5)) ==
            CLEAT_OK &&
        cleat_worker_start(worker) == CLEAT_OK &&
        cleat_client_run(client, "travel", "{\"to\":\"Lisbon\"}", NULL, &result) == CLEAT_OK) {
        printf("%s: %s\n", cleat_run_status_name(result.status),
               result.error != NULL ? result.error : result.output);
        is_right = result.error != NULL && strcmp(result.error, "all undone: no car to be had") == 0;
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }
    cleat_run_result_deinit(&result);
    cleat_worker_free(worker);
    cleat_client_free(client);
    return is_right ? 0 : 1;
}
