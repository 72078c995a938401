/* What workflows do wrong, and the one clear error that each mistake has. */
#include "sdk/client.h"
#include "sdk/worker.h"
#include "support/workflow_suite.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

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

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

/* ---- Another order ---- */

static cleat_status restless(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    bool is_first = gate_add(&it->calls) == 1;
    cleat_status status = cleat_step(task, is_first ? "pack" : "ship", nothing, NULL, NULL);
    return status == CLEAT_OK ? cleat_sleep(task, "5ms") : status;
}

static void test_another_order_of_calls(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "restless", restless);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "restless", NULL);
    workflow_ends(it, &id, CLEAT_RUN_FAILED, "pack");
    workflow_ends(it, &id, CLEAT_RUN_FAILED, "ship");
}

static cleat_status other_kind(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    bool is_first = gate_add(&it->calls) == 1;
    cleat_status status = CLEAT_OK;
    if (!is_first) {
        status = cleat_step(task, "pack", nothing, NULL, NULL);
        assert_int_equal(status, CLEAT_NON_DETERMINISTIC);
        assert_true(cleat_task_is_stopped(task));
        status = CLEAT_OK; /* it does not help to ignore it */
    }
    return is_first ? cleat_sleep(task, "5ms") : status;
}

static void test_another_kind_of_call(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "other", other_kind);
    workflow_start(it);
    workflow_runs(it, "other", NULL, CLEAT_RUN_FAILED,
                  "got CLEAT_NON_DETERMINISTIC from cleat_step_run() and returned CLEAT_OK");
}

static cleat_status (*durable_of)(cleat__transport *self, const cleat__uuid *run_id, int32_t invocation_count,
                                  cleat__durable_request *requests, size_t count, size_t *done_count);

/* The first invocation is answered as if another worker were at it too. */
static cleat_status count_otherwise(cleat__transport *self, const cleat__uuid *run_id,
                                    int32_t invocation_count, cleat__durable_request *requests, size_t count,
                                    size_t *done_count)
{
    cleat_status status = durable_of(self, run_id, invocation_count, requests, count, done_count);
    if (invocation_count == 1 && count > 0 && requests[0].kind == CLEAT__DURABLE_MEMO) {
        requests[0].as.memo.node.number++;
    }
    return status;
}

static cleat_status packing(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    return cleat_step(task, "pack", nothing, NULL, NULL);
}

/* That is no mistake of the function's: another attempt comes through. */
static void test_an_engine_that_counts_otherwise(void **state)
{
    workflow_fixture *it = *state;
    cleat__transport *transport = it->client->transport;
    durable_of = transport->durable;
    transport->durable = count_otherwise;
    workflow_add_options(
        it, CLEAT_WORKFLOW_OPTIONS(.run = packing, .name = "packing", .user_data = it, .retries = 1));
    workflow_start(it);
    workflow_runs(it, "packing", NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(gate_count(&it->calls), 2);
    transport->durable = durable_of;
}

/* ---- The suspension ---- */

static cleat_status forgetful(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    (void)cleat_sleep(task, "1h");
    assert_int_equal(cleat_sleep(task, "2h"), CLEAT_SUSPENDED);
    return cleat_task_return(task, "\"slept well\"");
}

static void test_a_forgotten_suspension(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_options(
        it, CLEAT_WORKFLOW_OPTIONS(.run = forgetful, .name = "forgetful", .user_data = it, .retries = 3));
    workflow_start(it);
    workflow_runs(it, "forgetful", NULL, CLEAT_RUN_FAILED,
                  "workflow \"forgetful\" got CLEAT_SUSPENDED from cleat_sleep() and did not return it");
    assert_int_equal(gate_count(&it->calls), 1); /* no retry helps */
}

static cleat_status sleepless(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_SUSPENDED;
}

static void test_an_invented_suspension(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "sleepless", sleepless);
    workflow_start(it);
    workflow_runs(it, "sleepless", NULL, CLEAT_RUN_FAILED, "no call had answered");
}

/* ---- The wrong place ---- */

static cleat_status wait_in_step(cleat_task *task, void *user_data)
{
    cleat_task *workflow = user_data;
    cleat_run_id id;
    assert_false(cleat_task_is_workflow(task));
    assert_int_equal(cleat_task_invocation(task), 0);
    assert_refused(cleat_sleep(task, "1h"), CLEAT_FAILED_PRECONDITION,
                   "cleat_sleep() inside the step \"bad\"");
    assert_refused(cleat_sleep(workflow, "1h"), CLEAT_FAILED_PRECONDITION, "inside the step \"bad\"");
    assert_refused(cleat_task_spawn(task, "any", NULL, NULL, &id), CLEAT_FAILED_PRECONDITION,
                   "cleat_spawn()");
    return CLEAT_OK;
}

static cleat_status with_bad_step(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = "bad", .run = wait_in_step, .user_data = task),
                          NULL);
}

static void test_waiting_in_a_step(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "bad", with_bad_step);
    workflow_start(it);
    workflow_runs(it, "bad", NULL, CLEAT_RUN_COMPLETED, "null");
}

static cleat_status suspended_step(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_SUSPENDED;
}

static cleat_status with_suspended_step(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_step(task, "asleep", suspended_step, NULL, NULL);
}

static void test_a_step_that_suspends(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "asleep", with_suspended_step);
    workflow_start(it);
    workflow_runs(it, "asleep", NULL, CLEAT_RUN_FAILED, "step \"asleep\" returned CLEAT_SUSPENDED");
}

static void *call_from_thread(void *task)
{
    assert_refused(cleat_step(task, "pack", nothing, NULL, NULL), CLEAT_FAILED_PRECONDITION,
                   "another thread");
    assert_int_equal(cleat_random(task), 0);
    assert_string_equal(cleat_uuid(task).text, "00000000-0000-0000-0000-000000000000");
    return NULL;
}

static cleat_status with_thread(cleat_task *task, void *user_data)
{
    pthread_t thread;
    (void)user_data;
    assert_int_equal(pthread_create(&thread, NULL, call_from_thread, task), 0);
    pthread_join(thread, NULL);
    return CLEAT_OK;
}

static void test_another_thread(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "threads", with_thread);
    workflow_start(it);
    workflow_runs(it, "threads", NULL, CLEAT_RUN_COMPLETED, "null");
}

static cleat_status as_task(cleat_task *task, void *user_data)
{
    (void)user_data;
    assert_refused(cleat_sleep(task, "1h"), CLEAT_FAILED_PRECONDITION, "cleat_worker_add_workflow()");
    assert_false(cleat_task_is_replaying(task));
    return CLEAT_OK;
}

static void test_a_task_is_no_workflow(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "task", as_task);
    workflow_start(it);
    workflow_runs(it, "task", NULL, CLEAT_RUN_COMPLETED, "null");
    assert_refused(cleat_sleep(NULL, "1h"), CLEAT_INVALID_ARGUMENT, "task is NULL");
}

/* What still waits is of the version before, which has no log. */
static void test_a_task_that_became_a_workflow(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "order", nothing);
    workflow_start(it);
    workflow_stop(it);
    cleat_run_id id = workflow_run(it, "order", NULL);
    workflow_add_task(it, "plain", nothing); /* who has workflows only has no slot for it */
    workflow_add_options(
        it, CLEAT_WORKFLOW_OPTIONS(.run = packing, .name = "order", .user_data = it, .retries = 3));
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_FAILED,
                  "was started when \"order:order\" was a task, and here it is a workflow: start it anew");
    assert_int_equal(gate_count(&it->calls), 0);
    workflow_runs(it, "order", NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(gate_count(&it->calls), 1);
}

/* ---- Wrong arguments, which stop nothing ---- */

static void check_steps(cleat_task *task)
{
    char name[300];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_refused(cleat_step(task, name, nothing, NULL, NULL), CLEAT_INVALID_ARGUMENT, "255");
    assert_refused(cleat_step(task, "", nothing, NULL, NULL), CLEAT_INVALID_ARGUMENT, "name");
    assert_refused(cleat_step(task, NULL, nothing, NULL, NULL), CLEAT_INVALID_ARGUMENT, "name");
    assert_refused(cleat_step(task, "cleat:now", nothing, NULL, NULL), CLEAT_INVALID_ARGUMENT, "library");
    assert_refused(cleat_step(task, "pack", NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "run");
    assert_refused(cleat_step(task, "pack", nothing, "{", NULL), CLEAT_INVALID_ARGUMENT, "input");
    assert_refused(
        cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = "pack", .run = nothing, .retries = -1), NULL),
        CLEAT_INVALID_ARGUMENT, "retries");
    assert_refused(
        cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = "pack", .run = nothing, .timeout_ms = -1), NULL),
        CLEAT_INVALID_ARGUMENT, "timeout_ms");
}

static void check_waits(cleat_task *task)
{
    cleat_hook hook = {"a b"};
    cleat_future future = {77};
    size_t index;
    assert_refused(cleat_sleep(task, "soon"), CLEAT_INVALID_ARGUMENT, "duration");
    assert_refused(cleat_sleep(task, NULL), CLEAT_INVALID_ARGUMENT, "duration");
    assert_refused(cleat_sleep(task, "90000h"), CLEAT_INVALID_ARGUMENT, "10 years");
    assert_refused(cleat_sleep_until(task, INT64_MAX), CLEAT_INVALID_ARGUMENT, "10 years");
    assert_refused(cleat_timer(task, "1h", NULL), CLEAT_INVALID_ARGUMENT, "future");
    assert_refused(cleat_wait_event(task, NULL, NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "key");
    assert_refused(cleat_wait_event(task, "k", NULL, "soon", NULL), CLEAT_INVALID_ARGUMENT, "timeout");
    assert_refused(cleat_wait_event(task, "k", "payload.a", NULL, NULL), CLEAT_INVALID_ARGUMENT, "payload");
    assert_refused(cleat_wait_event(task, "k", "input.", NULL, NULL), CLEAT_INVALID_ARGUMENT, "character");
    assert_refused(cleat_hook_create(task, "a/b", &hook), CLEAT_INVALID_ARGUMENT, "token");
    assert_refused(cleat_hook_create(task, "a", NULL), CLEAT_INVALID_ARGUMENT, "hook");
    assert_refused(cleat_hook_wait(task, NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "hook");
    assert_refused(cleat_await(task, &future, NULL), CLEAT_INVALID_ARGUMENT, "future");
    assert_refused(cleat_await(task, NULL, NULL), CLEAT_INVALID_ARGUMENT, "futures");
    assert_refused(cleat_await_any(task, NULL, 0, &index, NULL), CLEAT_INVALID_ARGUMENT, "count");
    assert_ok(cleat_await_all(task, NULL, 0, NULL));
}

static cleat_status clumsy(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_future future;
    check_steps(task);
    check_waits(task);
    assert_refused(cleat_spawn(task, NULL, NULL, NULL, &future), CLEAT_INVALID_ARGUMENT, "task");
    assert_refused(cleat_spawn(task, "child", "[", NULL, &future), CLEAT_INVALID_ARGUMENT, "input");
    assert_refused(cleat_now(task, NULL), CLEAT_INVALID_ARGUMENT, "unix_ms");
    assert_refused(cleat_stream_write(task, (cleat_slice){"\xff", 1}), CLEAT_INVALID_ARGUMENT, "UTF-8");
    assert_refused(cleat_continue_as_new(task, "7"), CLEAT_INVALID_ARGUMENT, "input");
    assert_false(cleat_task_is_stopped(task));
    return cleat_step(task, "pack", nothing, NULL, NULL);
}

static void test_wrong_arguments(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "clumsy", clumsy);
    workflow_start(it);
    workflow_runs(it, "clumsy", NULL, CLEAT_RUN_COMPLETED, "null");
}

static cleat_status go_on_twice(cleat_task *task, void *user_data)
{
    (void)user_data;
    assert_ok(cleat_continue_as_new(task, NULL));
    return cleat_continue_as_new(task, NULL);
}

static void test_going_on_twice(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "twice", go_on_twice);
    workflow_start(it);
    workflow_runs(it, "twice", NULL, CLEAT_RUN_FAILED, "return what cleat_continue_as_new() has answered");
}

static cleat_status big(cleat_task *task, void *user_data)
{
    (void)user_data;
    size_t size = CLEAT_PAYLOAD_MAX - 10;
    char *json = malloc(size + 1);
    assert_non_null(json);
    memset(json, 'x', size);
    json[0] = json[size - 1] = '"';
    json[size] = '\0';
    cleat_status status = cleat_task_return(task, json);
    free(json);
    return status;
}

static cleat_status with_big_step(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_step(task, "big", big, NULL, NULL);
}

static void test_a_payload_that_is_too_large(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "big", with_big_step);
    workflow_start(it);
    workflow_runs(it, "big", NULL, CLEAT_RUN_FAILED, "the output of step \"big\"");
}

/* ---- Long messages ---- */

enum { STORY_SIZE = 30000 }; /* more than cleat_error_message() has room for */

static cleat_status complain(cleat_task *task, void *user_data)
{
    static char story[STORY_SIZE + 1];
    (void)user_data;
    memset(story, 'x', STORY_SIZE);
    return cleat_task_fail(task, CLEAT_FAILED, "%s the end", story);
}

/* Asked twice: when it has failed, and when it is read from the log. */
static cleat_status complain_in_step(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    bool is_first = gate_add(&it->calls) == 1;
    cleat_status failed = cleat_step(task, "complain", complain, NULL, NULL);
    cleat_status status = is_first ? cleat_sleep(task, "1ms") : CLEAT_OK;
    return status == CLEAT_OK ? failed : status;
}

static cleat_status complain_at_once(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_step(task, "complain", complain, NULL, NULL);
}

static cleat_status complain_in_child(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_future future;
    cleat_status status = cleat_spawn(task, "complain", NULL, NULL, &future);
    return status == CLEAT_OK ? cleat_await(task, &future, NULL) : status;
}

static void test_a_long_message_is_kept(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "complain", complain);
    workflow_add(it, "recorded", complain_in_step);
    workflow_add(it, "once", complain_at_once);
    workflow_add(it, "child", complain_in_child);
    workflow_start(it);
    workflow_runs(it, "once", NULL, CLEAT_RUN_FAILED, "xxx the end");
    workflow_runs(it, "recorded", NULL, CLEAT_RUN_FAILED, "xxx the end");
    workflow_runs(it, "child", NULL, CLEAT_RUN_FAILED, "xxx the end");
}

/* ---- Declarations ---- */

static void test_bad_declarations(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "order", nothing);
    workflow_add_task(it, "task", nothing);
    assert_refused(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(nothing, .name = "order")),
                   CLEAT_ALREADY_EXISTS, "order");
    assert_refused(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(nothing, .name = "task")),
                   CLEAT_ALREADY_EXISTS, "task");
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "order", .run = nothing)),
                   CLEAT_ALREADY_EXISTS, "order");
    assert_refused(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(nothing, .version = "1")),
                   CLEAT_INVALID_ARGUMENT, "name");
    assert_refused(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(NULL, .name = "none")),
                   CLEAT_INVALID_ARGUMENT, "run");
    assert_refused(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(nothing, .name = "v", .version = "")),
                   CLEAT_INVALID_ARGUMENT, "version");
    assert_refused(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(nothing, .name = "v", .spans = 7)),
                   CLEAT_INVALID_ARGUMENT, "spans");
    assert_refused(cleat_worker_add_workflow(NULL, CLEAT_WORKFLOW(nothing, .name = "v")),
                   CLEAT_INVALID_ARGUMENT, "worker");
    assert_refused(cleat_worker_add_workflow(it->worker, NULL), CLEAT_INVALID_ARGUMENT, "options");
}

static void test_a_refused_workflow_leaves_nothing_behind(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "mail", nothing);
    size_t slots = it->worker->slot_count;
    assert_refused(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(nothing, .name = "mail")),
                   CLEAT_ALREADY_EXISTS, "mail");
    assert_int_equal(it->worker->slot_count, slots);
    assert_null(cleat__client_known_workflow(it->client, "mail:mail"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_another_order_of_calls),
        TEST(test_another_kind_of_call),
        TEST(test_a_forgotten_suspension),
        TEST(test_an_invented_suspension),
        TEST(test_waiting_in_a_step),
        TEST(test_a_step_that_suspends),
        TEST(test_another_thread),
        TEST(test_a_task_is_no_workflow),
        TEST(test_wrong_arguments),
        TEST(test_going_on_twice),
        TEST(test_a_payload_that_is_too_large),
        TEST(test_bad_declarations),
        TEST(test_a_refused_workflow_leaves_nothing_behind),
        TEST(test_a_long_message_is_kept),
        TEST(test_an_engine_that_counts_otherwise),
        TEST(test_a_task_that_became_a_workflow),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
