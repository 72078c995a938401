/* What interceptors see of workflows, and what they say to the next invocation. */
#include "base/error.h"
#include "sdk/invocation.h"
#include "support/workflow_suite.h"

#include <setjmp.h>
#include <stdio.h>

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

/* ---- What was seen ---- */

#define INVOCATIONS 5

/* In each invocation, on its own thread; 0: outside. The next one may begin before the former is through. */
static char seen[INVOCATIONS][1024];
static _Thread_local int present;

static void CLEAT_PRINTF(1, 2) see(const char *format, ...)
{
    char *text = seen[present];
    size_t size = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + size, sizeof(seen[0]) - size, format, arguments);
    va_end(arguments);
}

static void note(cleat_text_map map, const char *value)
{
    assert_ok(map.set(map.self, "from", cleat_slice_of(value)));
}

/* "-" where there is nothing. */
static cleat_slice origin(cleat_text_map map)
{
    cleat_slice value = map.get(map.self, "from");
    return value.data != NULL ? value : cleat_slice_of("-");
}

static cleat_status on_trigger(void *user_data, cleat_trigger_call *call)
{
    (void)user_data;
    cleat_status status = cleat_trigger_call_proceed(call);
    see("trigger %s %s;", cleat_trigger_call_item(call, 0)->task,
        cleat_trigger_call_run_id(call, 0) != NULL ? "started" : "kept");
    return status;
}

static cleat_status on_execute(void *user_data, cleat_execute_call *call)
{
    (void)user_data;
    cleat_suspension suspension;
    const cleat_task *task = cleat_execute_call_task(call);
    if (!cleat_task_is_workflow(task)) {
        cleat_status status = cleat_execute_call_proceed(call);
        note(cleat_execute_call_end_metadata(call), "child");
        return status;
    }
    cleat_slice from = origin(cleat_execute_call_metadata(call));
    present = cleat_task_invocation(task);
    assert_in_range(present, 1, INVOCATIONS - 1);
    see("from %.*s;", CLEAT_SLICE_ARGS(from));
    cleat_status status = cleat_execute_call_proceed(call);
    bool is = cleat_execute_call_suspension(call, &suspension);
    assert_int_equal(is, status == CLEAT_SUSPENDED);
    assert_null(cleat_execute_call_error(call));
    see("%s %d+%d+%d;", is ? "suspended" : "ended", (int)suspension.step_count, (int)suspension.hook_count,
        (int)suspension.wait_count);
    present = 0;
    return status;
}

static cleat_status on_step(void *user_data, cleat_step_call *call)
{
    (void)user_data;
    cleat_status status = cleat_step_call_proceed(call);
    assert_false(cleat_task_is_workflow(cleat_step_call_task(call)));
    assert_true(cleat_task_is_workflow(cleat_step_call_workflow(call)));
    see("step %s %d %s %s;", cleat_step_call_name(call), cleat_step_call_attempt(call),
        cleat_task_machine_name(cleat_step_call_task(call)),
        cleat_step_call_error(call) != NULL ? cleat_step_call_error(call) : "well");
    return status;
}

static cleat_status on_wait(void *user_data, cleat_wait_call *call)
{
    (void)user_data;
    assert_true(cleat_task_is_workflow(cleat_wait_call_task(call)));
    see("wait for %s;", cleat_wait_call_label(call));
    return cleat_wait_call_proceed(call);
}

static cleat_status on_suspend(void *user_data, cleat_suspend_call *call)
{
    (void)user_data;
    assert_true(cleat_task_is_workflow(cleat_suspend_call_task(call)));
    note(cleat_suspend_call_metadata(call), "suspension");
    cleat_suspension suspension = cleat_suspend_call_suspension(call);
    see("suspend %d;", (int)(suspension.step_count + suspension.hook_count + suspension.wait_count));
    return cleat_suspend_call_proceed(call);
}

static cleat_status on_resume(void *user_data, cleat_resume_call *call)
{
    (void)user_data;
    note(cleat_resume_call_metadata(call), "outside");
    assert_null(cleat_resume_call_run_id(call));
    cleat_status status = cleat_resume_call_proceed(call);
    cleat_text_map run = cleat_resume_call_run_metadata(call);
    cleat_slice shop = run.get(run.self, "shop");
    see("resume %s %.*s of %.*s;", cleat_resume_call_token(call),
        CLEAT_SLICE_ARGS(cleat_resume_call_payload(call)), CLEAT_SLICE_ARGS(shop));
    assert_non_null(cleat_resume_call_run_id(call));
    return status;
}

/* ---- One run with all of it ---- */

static cleat_status flaky(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_retry_count(task) == 0 ? cleat_task_fail(task, CLEAT_FAILED, "badly") : CLEAT_OK;
}

static cleat_status child(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

static cleat_status whole(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_future future;
    cleat_hook hook;
    cleat_status status = cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = "flaky", .run = flaky, .retries = 1, .machine_name = "step//flaky"),
        NULL);
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "5ms");
    }
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "child", NULL, NULL, &future);
    }
    if (status == CLEAT_OK) {
        status = cleat_await(task, &future, NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_hook_create(task, "hook", &hook);
        gate_add(&it->seen);
    }
    return status == CLEAT_OK ? cleat_hook_wait(task, &hook, "1h", NULL) : status;
}

static cleat_interceptor all_hooks(void)
{
    return (cleat_interceptor){
        .struct_size = sizeof(cleat_interceptor),
        .trigger = on_trigger,
        .execute = on_execute,
        .step = on_step,
        .wait = on_wait,
        .suspend = on_suspend,
        .resume = on_resume,
    };
}

static void test_hooks_see_what_is_new(void **state)
{
    workflow_fixture *it = *state;
    const cleat_interceptor interceptor = all_hooks();
    cleat_run_id id;
    memset(seen, 0, sizeof(seen));
    assert_ok(cleat_client_add_interceptor(it->client, &interceptor));
    workflow_add_task(it, "child", child);
    workflow_add(it, "whole", whole);
    workflow_start(it);
    assert_ok(cleat_client_run_no_wait(it->client, "whole", NULL,
                                       CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"north\"}"), &id));
    gate_wait(&it->seen, 1);
    workflow_stop(it);
    assert_ok(cleat_hook_resume(it->client, "hook", "7", NULL));
    workflow_add_task(it, "child", child);
    workflow_add(it, "whole", whole);
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, NULL);
    workflow_stop(it);
    assert_string_equal(seen[0], "trigger whole:whole started;resume hook 7 of north;");
    assert_string_equal(seen[1], "from -;step flaky 1 step//flaky badly;step flaky 2 step//flaky well;"
                                 "wait for sleep 5ms;suspend 1;suspended 0+0+1;");
    assert_string_equal(seen[2], "from suspension;trigger child:child kept;suspend 1;suspended 1+0+0;");
    assert_string_equal(seen[3], "from child;wait for hook ho...;suspend 1;suspended 0+1+0;");
    assert_string_equal(seen[4], "from outside;ended 0+0+0;");
}

/* ---- Hooks that do not let it go on ---- */

static cleat_status refuse_step(void *user_data, cleat_step_call *call)
{
    (void)user_data;
    (void)call;
    return CLEAT_NON_RETRYABLE;
}

static cleat_status refused_step(cleat_task *task, void *user_data)
{
    (void)user_data;
    assert_int_equal(cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = "flaky", .run = flaky), NULL),
                     CLEAT_NON_RETRYABLE);
    assert_false(cleat_task_is_stopped(task));
    return CLEAT_OK;
}

static void test_a_refused_step_is_one_that_failed(void **state)
{
    workflow_fixture *it = *state;
    const cleat_interceptor interceptor = {.struct_size = sizeof(cleat_interceptor), .step = refuse_step};
    assert_ok(cleat_client_add_interceptor(it->client, &interceptor));
    workflow_add(it, "refused", refused_step);
    workflow_start(it);
    workflow_runs(it, "refused", NULL, CLEAT_RUN_COMPLETED, "null");
}

static cleat_status refuse_first_wait(void *user_data, cleat_wait_call *call)
{
    workflow_fixture *it = user_data;
    return gate_add(&it->seen) == 1 ? CLEAT_RESOURCE_EXHAUSTED : cleat_wait_call_proceed(call);
}

/* With a status that bad arguments have too. */
static cleat_status refuse_first_child(void *user_data, cleat_trigger_call *call)
{
    workflow_fixture *it = user_data;
    bool is_refused =
        strcmp(cleat_trigger_call_item(call, 0)->task, "child:child") == 0 && gate_add(&it->seen) == 1;
    return is_refused ? cleat__fail(CLEAT_INVALID_ARGUMENT, "not today") : cleat_trigger_call_proceed(call);
}

static cleat_status count(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    (void)task;
    gate_add(&it->steps);
    return CLEAT_OK;
}

/* What is refused is made in no replay: nothing that follows it is recorded. */
static cleat_status go_on(cleat_task *task, workflow_fixture *it, cleat_status status, cleat_status refusal)
{
    bool is_first = gate_count(&it->calls) == 1;
    assert_int_equal(status, is_first ? refusal : CLEAT_OK);
    assert_int_equal(cleat_task_is_stopped(task), is_first);
    status = cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = "count", .run = count, .user_data = it), NULL);
    assert_int_equal(status, is_first ? refusal : CLEAT_OK);
    return CLEAT_OK;
}

static cleat_status wait_and_count(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    cleat_status status = cleat_sleep(task, "1ms");
    return status == CLEAT_SUSPENDED ? status : go_on(task, it, status, CLEAT_RESOURCE_EXHAUSTED);
}

static cleat_status spawn_and_count(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    cleat_future future;
    return go_on(task, it, cleat_spawn(task, "child", NULL, NULL, &future), CLEAT_INVALID_ARGUMENT);
}

static void run_refused(workflow_fixture *it, cleat_task_function run, const cleat_interceptor *interceptor,
                        int retries, cleat_run_status status, const char *text)
{
    assert_ok(cleat_client_add_interceptor(it->client, interceptor));
    workflow_add_task(it, "child", child);
    workflow_add_options(it, CLEAT_WORKFLOW(run, .name = "refused", .user_data = it, .retries = retries));
    workflow_start(it);
    workflow_runs(it, "refused", NULL, status, text);
    assert_int_equal(gate_count(&it->steps), retries);
}

static void test_a_refused_wait_ends_the_attempt(void **state)
{
    workflow_fixture *it = *state;
    const cleat_interceptor interceptor = {
        .struct_size = sizeof(cleat_interceptor), .user_data = it, .wait = refuse_first_wait};
    run_refused(it, wait_and_count, &interceptor, 0, CLEAT_RUN_FAILED,
                "got CLEAT_RESOURCE_EXHAUSTED from cleat_sleep() and returned CLEAT_OK");
}

static void test_a_refused_wait_is_asked_for_again(void **state)
{
    workflow_fixture *it = *state;
    const cleat_interceptor interceptor = {
        .struct_size = sizeof(cleat_interceptor), .user_data = it, .wait = refuse_first_wait};
    run_refused(it, wait_and_count, &interceptor, 1, CLEAT_RUN_COMPLETED, "null");
}

static void test_a_refused_spawn_ends_the_attempt(void **state)
{
    workflow_fixture *it = *state;
    const cleat_interceptor interceptor = {
        .struct_size = sizeof(cleat_interceptor), .user_data = it, .trigger = refuse_first_child};
    run_refused(it, spawn_and_count, &interceptor, 0, CLEAT_RUN_FAILED, "not today");
}

static void test_a_refused_spawn_is_asked_for_again(void **state)
{
    workflow_fixture *it = *state;
    const cleat_interceptor interceptor = {
        .struct_size = sizeof(cleat_interceptor), .user_data = it, .trigger = refuse_first_child};
    run_refused(it, spawn_and_count, &interceptor, 1, CLEAT_RUN_COMPLETED, "null");
}

/* ---- Hooks that have let it go on, and answer otherwise ---- */

static cleat_status complain(void *user_data, cleat_trigger_call *call)
{
    (void)user_data;
    cleat_status status = cleat_trigger_call_proceed(call);
    return strcmp(cleat_trigger_call_item(call, 0)->task, "child:child") == 0 ? CLEAT_FAILED : status;
}

static cleat_status await_child(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_future future;
    cleat_status status = cleat_spawn(task, "child", NULL, NULL, &future);
    return status == CLEAT_OK ? cleat_await(task, &future, NULL) : status;
}

static void test_a_run_that_was_taken_is_there(void **state)
{
    workflow_fixture *it = *state;
    const cleat_interceptor interceptor = {.struct_size = sizeof(cleat_interceptor), .trigger = complain};
    assert_ok(cleat_client_add_interceptor(it->client, &interceptor));
    workflow_add_task(it, "child", child);
    workflow_add(it, "await", await_child);
    workflow_start(it);
    workflow_runs(it, "await", NULL, CLEAT_RUN_COMPLETED, "null");
}

/* ---- An engine that does not say how long its log is ---- */

static cleat_status forget_log(void *user_data, cleat_execute_call *call)
{
    cleat_task *task = cleat_execute_call_task(call);
    if (cleat_task_invocation(task) > 1) {
        task->invocation->log_size = -1;
    }
    return on_execute(user_data, call);
}

static cleat_status sleep_and_await(cleat_task *task, void *user_data)
{
    cleat_status status = cleat_sleep(task, "1ms");
    return status == CLEAT_OK ? await_child(task, user_data) : status;
}

/* Waits and runs alike, sooner twice than never. */
static void test_hooks_see_what_may_be_new(void **state)
{
    workflow_fixture *it = *state;
    cleat_interceptor interceptor = all_hooks();
    interceptor.execute = forget_log;
    memset(seen, 0, sizeof(seen));
    assert_ok(cleat_client_add_interceptor(it->client, &interceptor));
    workflow_add_task(it, "child", child);
    workflow_add(it, "unknown", sleep_and_await);
    workflow_start(it);
    workflow_runs(it, "unknown", NULL, CLEAT_RUN_COMPLETED, "null");
    workflow_stop(it);
    assert_string_equal(seen[1], "from -;wait for sleep 1ms;suspend 1;suspended 0+0+1;");
    assert_string_equal(seen[2], "from suspension;wait for sleep 1ms;trigger child:child kept;suspend 1;"
                                 "suspended 1+0+0;");
    assert_string_equal(seen[3], "from child;wait for sleep 1ms;trigger child:child kept;ended 0+0+0;");
}

static void test_calls_that_are_none(void **state)
{
    (void)state;
    assert_null(cleat_step_call_task(NULL));
    assert_null(cleat_step_call_workflow(NULL));
    assert_null(cleat_step_call_name(NULL));
    assert_null(cleat_step_call_error(NULL));
    assert_int_equal(cleat_step_call_attempt(NULL), 0);
    assert_null(cleat_wait_call_task(NULL));
    assert_null(cleat_wait_call_label(NULL));
    assert_null(cleat_suspend_call_task(NULL));
    assert_int_equal(cleat_suspend_call_suspension(NULL).wait_count, 0);
    assert_null(cleat_resume_call_token(NULL));
    assert_null(cleat_resume_call_payload(NULL).data);
    assert_null(cleat_resume_call_run_id(NULL));
    assert_false(cleat_execute_call_suspension(NULL, NULL));
    assert_refused(cleat_step_call_proceed(NULL), CLEAT_INVALID_ARGUMENT, "call");
    assert_refused(cleat_wait_call_proceed(NULL), CLEAT_INVALID_ARGUMENT, "call");
    assert_refused(cleat_suspend_call_proceed(NULL), CLEAT_INVALID_ARGUMENT, "call");
    assert_refused(cleat_resume_call_proceed(NULL), CLEAT_INVALID_ARGUMENT, "call");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_hooks_see_what_is_new),
        TEST(test_a_refused_step_is_one_that_failed),
        TEST(test_a_refused_wait_ends_the_attempt),
        TEST(test_a_refused_wait_is_asked_for_again),
        TEST(test_a_refused_spawn_ends_the_attempt),
        TEST(test_a_refused_spawn_is_asked_for_again),
        TEST(test_a_run_that_was_taken_is_there),
        TEST(test_hooks_see_what_may_be_new),
        cmocka_unit_test(test_calls_that_are_none),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
