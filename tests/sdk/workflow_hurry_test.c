/* A worker that is told twice to stop: what its workflows have done stays done, and another worker goes on. */
#include "sdk/worker.h"
#include "support/workflow_suite.h"

#include <setjmp.h>

#include <cmocka.h>

static cleat_status open_embedded(const char *database, cleat_client **out)
{
    return cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = database), out);
}

static const sdk_target embedded = {"embedded", open_embedded, cleat_client_free};

static int set_up(void **state)
{
    workflow_use(&embedded);
    return workflow_set_up(state);
}

/* As the second signal in cleat_worker_run(). */
static void hurry(workflow_fixture *it)
{
    assert_int_equal(cleat_worker_stop(it->worker, 0), CLEAT_TIMEOUT);
    pthread_mutex_lock(&it->worker->mutex);
    it->worker->impatient = true;
    pthread_mutex_unlock(&it->worker->mutex);
    cleat__worker_cancel_all(it->worker);
}

/* And before it is freed, all that it runs has ended. */
static void finish(workflow_fixture *it)
{
    assert_ok(cleat_worker_stop(it->worker, 300000));
    workflow_stop(it);
}

static cleat_status charge(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->steps);
    gate_add(&it->seen);
    gate_wait(&it->go, 1);
    return cleat_task_return(task, "990");
}

static cleat_status heed(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    bool is_first = gate_add(&it->steps) == 1;
    gate_add(&it->seen);
    gate_wait(&it->go, 1);
    return is_first && cleat_task_is_cancelled(task) ? cleat_task_fail(task, CLEAT_FAILED, "in a hurry")
                                                     : cleat_task_return(task, "991");
}

static cleat_status order(cleat_task *task, workflow_fixture *it, cleat_task_function run)
{
    cleat_slice output;
    gate_add(&it->calls);
    cleat_status status =
        cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = "charge", .run = run, .user_data = it), &output);
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "1ms");
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(output)) : status;
}

static cleat_status charged(cleat_task *task, void *user_data)
{
    return order(task, user_data, charge);
}

static cleat_status heeded(cleat_task *task, void *user_data)
{
    return order(task, user_data, heed);
}

static void run_with_two_workers(workflow_fixture *it, cleat_task_function run, const char *output)
{
    workflow_add(it, "order", run);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "order", NULL);
    gate_wait(&it->seen, 1);
    hurry(it);
    gate_add(&it->go);
    finish(it);
    workflow_add(it, "order", run);
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, output);
}

static void test_a_step_that_has_ended_is_not_run_again(void **state)
{
    workflow_fixture *it = *state;
    run_with_two_workers(it, charged, "990");
    assert_int_equal(gate_count(&it->steps), 1);
}

/* It is the worker that was in a hurry, not the step that has failed. */
static void test_a_step_that_breaks_off_is_run_again(void **state)
{
    workflow_fixture *it = *state;
    run_with_two_workers(it, heeded, "991");
    assert_int_equal(gate_count(&it->steps), 2);
}

static cleat_status look_around(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    if (gate_add(&it->calls) > 1) {
        return cleat_task_return(task, "1");
    }
    gate_add(&it->seen);
    gate_wait(&it->go, 1);
    return cleat_task_is_cancelled(task) ? CLEAT_CANCELLED : CLEAT_FAILED;
}

static void test_a_function_that_sees_it_itself(void **state)
{
    workflow_fixture *it = *state;
    run_with_two_workers(it, look_around, "1");
    assert_int_equal(gate_count(&it->calls), 2);
}

/* What the engine has cancelled stays so, however its worker ends. */
static void test_a_run_that_was_cancelled_as_well(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "order", charged);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "order", NULL);
    gate_wait(&it->seen, 1);
    assert_ok(cleat_client_cancel(it->client, &id));
    hurry(it);
    gate_add(&it->go);
    finish(it);
    workflow_ends(it, &id, CLEAT_RUN_CANCELLED, NULL);
    assert_int_equal(gate_count(&it->calls), 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_step_that_has_ended_is_not_run_again),
        TEST(test_a_step_that_breaks_off_is_run_again),
        TEST(test_a_function_that_sees_it_itself),
        TEST(test_a_run_that_was_cancelled_as_well),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
