#include "support/dag_durable_suite.h"

#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const sdk_target *target;

typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker;
    cleat_run_result result;
    gate waits;       /* it is about to wait for the event */
    atomic_int steps; /* that were taken */
    atomic_int begun; /* invocations */
    char told[256];   /* to the task for failures */
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->waits);
    assert_ok(target->open(it->dir.database, &it->client));
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2), &it->worker));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    cleat_run_result_deinit(&it->result);
    target->close(it->client);
    gate_deinit(&it->waits);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* ---- Tasks ---- */

static cleat_status give_input(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, cleat_task_input(task).data);
}

static cleat_status give_parent(cleat_task *task, void *user_data)
{
    cleat_slice output;
    cleat_status status = cleat_task_parent_output(task, user_data, &output);
    return status == CLEAT_OK ? cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(output))
                              : cleat_task_fail(task, status, "%s", cleat_error_message());
}

static cleat_status take_step(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    atomic_fetch_add(&it->steps, 1);
    return cleat_task_return(task, "{\"step\":1}");
}

/* A step, a sleep, a child run, an event; and all the time it knows what its parent has made. */
static cleat_status wait_for_all(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_future child;
    cleat_slice parent, step, made, payload;
    atomic_fetch_add(&it->begun, 1);
    cleat_status status = cleat_task_parent_output(task, "first", &parent);
    if (status == CLEAT_OK) {
        status = cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = "step", .run = take_step, .user_data = it),
                                &step);
    }
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "1ms");
    }
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "child", "{\"c\":1}", NULL, &child);
    }
    if (status == CLEAT_OK) {
        status = cleat_await(task, &child, &made);
    }
    if (status == CLEAT_OK) {
        gate_add(&it->waits);
        status = cleat_wait_event(task, "go", NULL, NULL, &payload);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    return cleat_task_return_format(task, "{\"parent\":%.*s,\"step\":%.*s,\"child\":%.*s,\"event\":%.*s}",
                                    CLEAT_SLICE_ARGS(parent), CLEAT_SLICE_ARGS(step), CLEAT_SLICE_ARGS(made),
                                    CLEAT_SLICE_ARGS(payload));
}

static cleat_status give_up(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_sleep(task, "1ms");
    return status == CLEAT_OK ? cleat_task_fail(task, CLEAT_NON_RETRYABLE, "no way") : status;
}

static cleat_status tell(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    const char *error = cleat_task_step_error(task, "middle");
    cleat_status status = cleat_sleep(task, "1ms"); /* it may wait, too */
    if (status == CLEAT_OK) {
        (void)snprintf(it->told, sizeof(it->told), "%s", error != NULL ? error : "nothing");
    }
    return status;
}

static const char *const after_first[] = {"first", NULL}, *const after_middle[] = {"middle", NULL};

static void start(fixture *it, cleat_task_function middle)
{
    const cleat_dag_task *const tasks[] = {CLEAT_DAG_TASK(.name = "first", .run = give_input),
                                           CLEAT_DAG_TASK(.name = "middle", .run = middle, .user_data = it,
                                                          .parents = after_first, .is_durable = true),
                                           CLEAT_DAG_TASK(.name = "last", .run = give_parent,
                                                          .user_data = (void *)(uintptr_t) "middle",
                                                          .parents = after_middle),
                                           NULL};
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "child", .run = give_input)));
    assert_ok(cleat_worker_add_dag(
        it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks,
                                      .on_failure = CLEAT_DAG_TASK(.name = "tell", .run = tell,
                                                                   .user_data = it, .is_durable = true))));
    assert_ok(cleat_worker_start(it->worker));
}

/* ---- Tests ---- */

static void push_go(fixture *it)
{
    assert_ok(cleat_client_push(it->client, "go", "{\"e\":1}", NULL, NULL));
}

static void test_a_durable_task_waits_between_others(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    start(it, wait_for_all);
    assert_ok(cleat_client_run_no_wait(it->client, "w", "{\"n\":1}", NULL, &id));
    gate_wait(&it->waits, 1);
    cleat_status status;
    do { /* an event that comes before the wait is stored is none */
        push_go(it);
        status = cleat_client_wait(it->client, &id, 20, &it->result);
    } while (status == CLEAT_TIMEOUT);
    assert_ok(status);
    assert_int_equal(it->result.status, CLEAT_RUN_COMPLETED);
    const char *made = "{\"parent\":{\"n\":1},\"step\":{\"step\":1},\"child\":{\"c\":1},\"event\":{\"e\":1}}";
    char expected[512];
    (void)snprintf(expected, sizeof(expected), "{\"first\":{\"n\":1},\"middle\":%s,\"last\":%s,\"tell\":%s}",
                   made, made, "{\"skipped\":true}");
    assert_string_equal(it->result.output, expected);
    assert_int_equal(atomic_load(&it->steps), 1);
}

static void test_a_durable_task_fails_for_the_others(void **state)
{
    fixture *it = *state;
    start(it, give_up);
    assert_ok(cleat_client_run(it->client, "w", "{}", NULL, &it->result));
    assert_int_equal(it->result.status, CLEAT_RUN_FAILED);
    assert_string_equal(it->result.error, "no way");
    assert_string_equal(it->told, "no way");
}

static void test_a_run_is_cancelled_while_a_task_waits(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    start(it, wait_for_all);
    assert_ok(cleat_client_run_no_wait(it->client, "w", "{}", NULL, &id));
    gate_wait(&it->waits, 1);
    assert_ok(cleat_client_cancel(it->client, &id));
    assert_ok(cleat_client_wait(it->client, &id, 300000, &it->result));
    assert_int_equal(it->result.status, CLEAT_RUN_CANCELLED);
}

static cleat_status go_on(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_status status = cleat_continue_as_new(task, "{}");
    (void)snprintf(it->told, sizeof(it->told), "%s", cleat_error_message());
    return cleat_task_return(task, status == CLEAT_FAILED_PRECONDITION ? "{\"refused\":true}" : "{}");
}

static void test_a_task_does_not_go_on_as_a_run(void **state)
{
    fixture *it = *state;
    start(it, go_on);
    assert_ok(cleat_client_run(it->client, "w", "{}", NULL, &it->result));
    assert_non_null(strstr(it->result.output, "\"last\":{\"refused\":true}"));
    assert_non_null(strstr(it->told, "cannot go on as a new run"));
}

static cleat_status turn_page(cleat_task *task, void *user_data)
{
    (void)user_data;
    return strcmp(cleat_task_input(task).data, "{\"page\":1}") == 0
               ? cleat_continue_as_new(task, "{\"page\":2}")
               : cleat_task_return(task, cleat_task_input(task).data);
}

/* Its run is its task. */
static void test_a_workflow_of_one_task_goes_on(void **state)
{
    fixture *it = *state;
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "only", .run = turn_page, .is_durable = true), NULL};
    assert_ok(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "book", .tasks = tasks)));
    assert_ok(cleat_worker_start(it->worker));
    assert_ok(cleat_client_run(it->client, "book", "{\"page\":1}", NULL, &it->result));
    assert_int_equal(it->result.status, CLEAT_RUN_COMPLETED);
    assert_string_equal(it->result.output, "{\"page\":2}");
}

static void test_its_name_is_taken(void **state)
{
    fixture *it = *state;
    start(it, go_on);
    cleat_worker *worker = NULL;
    const cleat_dag_task *const tasks[] = {CLEAT_DAG_TASK(.name = "a", .run = give_up, .is_durable = true),
                                           CLEAT_DAG_TASK(.name = "b", .run = give_input), NULL};
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 1), &worker));
    assert_ok(cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "v", .tasks = tasks)));
    assert_int_equal(cleat_worker_add_workflow(worker, CLEAT_WORKFLOW_OPTIONS(.name = "v:a", .run = give_up)),
                     CLEAT_ALREADY_EXISTS);
    cleat_worker_free(worker);
}

int dag_durable_suite_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_durable_task_waits_between_others),   TEST(test_a_durable_task_fails_for_the_others),
        TEST(test_a_run_is_cancelled_while_a_task_waits), TEST(test_a_task_does_not_go_on_as_a_run),
        TEST(test_a_workflow_of_one_task_goes_on),        TEST(test_its_name_is_taken),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
