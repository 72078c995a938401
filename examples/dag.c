/*
 * A workflow of several tasks: an order is checked, then priced, packed and wrapped at the same time, and billed when
 * all of that has been done. It is packed when somebody has approved it, by an event, or a tenth of a second later.
 */
#include <cleat/cleat.h>

#include <stdio.h>
#include <stdlib.h>

static cleat_status check(cleat_task *task, void *user_data)
{
    (void)user_data;
    /* What is behind it looks at this. */
    return cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(cleat_task_input(task)));
}

static cleat_status price(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"cents\":990}");
}

static cleat_status pack(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"boxes\":1}");
}

/* Is skipped where the order is small. */
static cleat_status wrap(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"ribbon\":true}");
}

static cleat_status bill(cleat_task *task, void *user_data)
{
    cleat_slice priced;
    (void)user_data;
    cleat_status status = cleat_task_parent_output(task, "price", &priced);
    if (status != CLEAT_OK) {
        return cleat_task_fail(task, status, "%s", cleat_error_message());
    }
    return cleat_task_return_format(task, "{\"bill\":%.*s,\"plain\":%s}", CLEAT_SLICE_ARGS(priced),
                                    cleat_task_parent_was_skipped(task, "wrap") ? "true" : "false");
}

/* Runs when one of the others has failed for good. */
static cleat_status apologize(cleat_task *task, void *user_data)
{
    const char *error = cleat_task_step_error(task, "price");
    (void)user_data;
    printf("we are sorry: %s\n", error != NULL ? error : "something else than the price");
    return CLEAT_OK;
}

static cleat_status add_order(cleat_worker *worker)
{
    static const char *const after_check[] = {"check", NULL};
    static const char *const after_all[] = {"price", "pack", "wrap", NULL};
    static const cleat_dag_condition small[] = {{.parent = "check", .expression = "output.items < 10"}};
    static const cleat_dag_condition approved[] = {
        {.event_key = "order:approved", .expression = "input.ok", .or_group = 1},
        {.sleep_for = "100ms", .or_group = 1},
    };
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "check", .run = check),
        CLEAT_DAG_TASK(.name = "price", .run = price, .parents = after_check, .retries = 3),
        CLEAT_DAG_TASK(.name = "pack", .run = pack, .parents = after_check, .wait_for = approved,
                       .wait_for_count = 2),
        CLEAT_DAG_TASK(.name = "wrap", .run = wrap, .parents = after_check, .skip_if = small,
                       .skip_if_count = 1),
        CLEAT_DAG_TASK(.name = "bill", .run = bill, .parents = after_all),
        NULL,
    };
    return cleat_worker_add_dag(
        worker, CLEAT_DAG_OPTIONS(.name = "mail-order", .tasks = tasks,
                                  .on_failure = CLEAT_DAG_TASK(.name = "apologize", .run = apologize)));
}

int main(void)
{
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    cleat_run_result result = {0};
    bool is_right = false;

    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 4), &worker);
    }
    if (status == CLEAT_OK) {
        status = add_order(worker);
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_start(worker);
    }
    if (status == CLEAT_OK) {
        status = cleat_client_run(client, "mail-order", "{\"items\":3}", NULL, &result);
    }
    if (status == CLEAT_OK) {
        const char *output = result.output != NULL ? result.output : result.error;
        printf("run %s %s\n%s\n", result.id.text, cleat_run_status_name(result.status), output);
        is_right = result.status == CLEAT_RUN_COMPLETED &&
                   strstr(output, "\"bill\":{\"bill\":{\"cents\":990},\"plain\":true}") != NULL;
    } else {
        fprintf(stderr, "%s\n", cleat_error_message());
    }

    cleat_run_result_deinit(&result);
    cleat_worker_free(worker);
    cleat_client_free(client);
    return is_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
