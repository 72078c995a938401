/* Workflows that wait: times, events and hooks; what becomes of a run meanwhile: versions, cancellation. */
#include "support/overheard.h"
#include "support/workflow_suite.h"

#include "base/clock.h"
#include "model/duration.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static void wake(void *user_data)
{
    gate_add(user_data);
}

/* ---- Times ---- */

static cleat_status wait_for_go(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    (void)task;
    gate_wait(&it->go, 1);
    return CLEAT_OK;
}

/* A run that takes too long is left alone. */
static cleat_status with_timer(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_future futures[2];
    size_t index = 9;
    cleat_status status = cleat_spawn(task, "slow", NULL, NULL, &futures[0]);
    if (status == CLEAT_OK) {
        status = cleat_timer(task, "20ms", &futures[1]);
    }
    if (status == CLEAT_OK) {
        status = cleat_await_any(task, futures, 2, &index, NULL);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    gate_add(&it->go);
    status = cleat_await(task, &futures[0], NULL);
    return status == CLEAT_OK ? cleat_task_return_format(task, "%zu", index) : status;
}

static void test_a_timer_is_a_future(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "slow", wait_for_go);
    workflow_add(it, "timer", with_timer);
    workflow_start(it);
    workflow_runs(it, "timer", NULL, CLEAT_RUN_COMPLETED, "1");
}

static cleat_status until(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    if (gate_add(&it->calls) == 1) {
        it->numbers[0] = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS + 50;
    }
    cleat_status status = cleat_sleep_until(task, 1);
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "0s");
    }
    return status == CLEAT_OK ? cleat_sleep_until(task, it->numbers[0]) : status;
}

static void test_sleeping_until(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "until", until);
    workflow_start(it);
    workflow_runs(it, "until", NULL, CLEAT_RUN_COMPLETED, "null");
    /* It waits for the last one alone, and not for that where this machine had been as slow. */
    assert_in_range(gate_count(&it->calls), 1, 2);
    assert_true(cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS >= it->numbers[0]);
}

/* ---- Events ---- */

/* The first that concerns it, then none in time. */
static cleat_status events(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_slice paid, none;
    gate_add(&it->calls);
    cleat_status status = cleat_wait_event(task, "order:paid", "input.n == 3", "1h", &paid);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat_wait_event(task, "order:lost", NULL, "20ms", &none);
    if (status == CLEAT_TIMEOUT) {
        assert_null(none.data);
        return cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(paid));
    }
    return status != CLEAT_OK ? status : CLEAT_NON_RETRYABLE;
}

/* Once it waits: its slot is free, so that another run of the same worker is through. */
static void test_events(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "events", events);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "events", NULL);
    gate_wait(&it->calls, 1);
    workflow_stop(it);
    assert_ok(cleat_client_push(it->client, "order:other", "{\"n\":3}", NULL, NULL));
    assert_ok(cleat_client_push(it->client, "order:paid", "{\"n\":2}", NULL, NULL));
    assert_ok(cleat_client_push(it->client, "order:paid", "{\"n\":3}", NULL, NULL));
    workflow_add(it, "events", events);
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "{\"n\":3}");
    assert_int_equal(gate_count(&it->calls), 3);
}

/* ---- Branches ---- */

static cleat_status count_children(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", gate_add(&it->steps));
    return cleat_task_return(task, number);
}

/* Node 1 an event, 2 a run; answers what came of both. */
static cleat_status event_and_run(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_slice event, run;
    cleat_future child;
    char output[100];
    gate_add(&it->calls);
    cleat_status status = cleat_wait_event(task, "order:paid", NULL, NULL, &event);
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "count", NULL, NULL, &child);
    }
    if (status == CLEAT_OK) {
        status = cleat_await(task, &child, &run);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    (void)snprintf(output, sizeof(output), "[%.*s,%.*s]", CLEAT_SLICE_ARGS(event), CLEAT_SLICE_ARGS(run));
    return cleat_task_return(task, output);
}

static void start_branches(workflow_fixture *it)
{
    workflow_add(it, "branches", event_and_run);
    workflow_add_task(it, "count", count_children);
    workflow_start(it);
}

/* What was recorded from the node on counts no more: it waits for another event, and another run. */
static void test_branches(void **state)
{
    workflow_fixture *it = *state;
    start_branches(it);
    cleat_run_id id = workflow_run(it, "branches", NULL);
    gate_wait(&it->calls, 1);
    workflow_stop(it);
    assert_ok(cleat_client_push(it->client, "order:paid", "{\"n\":1}", NULL, NULL));
    start_branches(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "[{\"n\":1},1]");
    int calls = gate_count(&it->calls);

    workflow_branch(it, &id, 1, 1);
    start_branches(it);
    gate_wait(&it->calls, calls + 1);
    workflow_stop(it);
    assert_ok(cleat_client_push(it->client, "order:paid", "{\"n\":2}", NULL, NULL));
    start_branches(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "[{\"n\":2},2]");

    workflow_branch(it, &id, 2, 2);
    start_branches(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "[{\"n\":2},3]");
}

static void test_bad_branches(void **state)
{
    workflow_fixture *it = *state;
    const cleat_run_id none = {"01890000-0000-7000-8000-000000000001"};
    int64_t made = 0;
    start_branches(it);
    const cleat_run_id task = workflow_run(it, "count", NULL), id = workflow_run(it, "branches", NULL);
    workflow_ends(it, &task, CLEAT_RUN_COMPLETED, NULL);
    gate_wait(&it->calls, 1);
    workflow_stop(it); /* its wait is in the log */
    assert_refused(cleat_workflow_branch(it->client, &id, 1, 1, &made), CLEAT_FAILED_PRECONDITION,
                   "has not ended");
    assert_ok(cleat_client_cancel(it->client, &id));
    assert_refused(cleat_workflow_branch(it->client, &id, 1, 9, &made), CLEAT_NOT_FOUND, "has no node 1:9");
    assert_refused(cleat_workflow_branch(it->client, &task, 1, 1, &made), CLEAT_NOT_FOUND, "has no node 1:1");
    assert_refused(cleat_workflow_branch(it->client, &none, 1, 1, &made), CLEAT_NOT_FOUND, none.text);
    assert_refused(cleat_workflow_branch(it->client, &id, 1, 0, &made), CLEAT_INVALID_ARGUMENT, "node");
    assert_refused(cleat_workflow_branch(it->client, &id, -1, 1, &made), CLEAT_INVALID_ARGUMENT, "branch");
    assert_refused(cleat_workflow_branch(NULL, &id, 1, 1, &made), CLEAT_INVALID_ARGUMENT, "client");
    assert_int_equal(made, 0);
    assert_ok(cleat_workflow_branch(it->client, &id, 0, 1, &made));
    assert_int_equal(made, 2);
}

/* ---- Hooks ---- */

/* Adds up what comes, until null does. */
static cleat_status add_up(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_hook hook;
    cleat_slice payload;
    char text[256] = "";
    gate_add(&it->calls);
    cleat_status status = cleat_hook_create(task, NULL, &hook);
    if (status != CLEAT_OK) {
        return status;
    }
    it->numbers[0] += it->token[0] != '\0' && strcmp(it->token, hook.token) != 0;
    (void)snprintf(it->token, sizeof(it->token), "%s", hook.token);
    gate_add(&it->seen);
    while ((status = cleat_hook_wait(task, &hook, NULL, &payload)) == CLEAT_OK) {
        if (cleat_slice_equals(payload, cleat_slice_of("null"))) {
            return cleat_task_return_format(task, "[%s]", text + 1);
        }
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",%.*s", CLEAT_SLICE_ARGS(payload));
    }
    return status;
}

static void test_payloads_come_in_order(void **state)
{
    workflow_fixture *it = *state;
    cleat_run_id resumed;
    workflow_add(it, "sum", add_up);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "sum", NULL);
    gate_wait(&it->seen, 1);
    /* Before it waits, while it waits, and while it is away. */
    assert_ok(cleat_hook_resume(it->client, it->token, "1", &resumed));
    assert_string_equal(resumed.text, id.text);
    assert_ok(cleat_hook_resume(it->client, it->token, "{\"two\":2}", NULL));
    workflow_stop(it);
    assert_ok(cleat_hook_resume(it->client, it->token, "[3]", NULL));
    assert_ok(cleat_hook_resume(it->client, it->token, NULL, NULL));
    workflow_add(it, "sum", add_up);
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "[1,{\"two\":2},[3]]");
    assert_int_equal(it->numbers[0], 0);
    assert_refused(cleat_hook_resume(it->client, it->token, "4", NULL), CLEAT_FAILED_PRECONDITION, "");
}

static cleat_status hook_in_time(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_hook hook;
    cleat_slice payload;
    cleat_status status = cleat_hook_create(task, "in-time", &hook);
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, "20ms", &payload);
    }
    return status == CLEAT_TIMEOUT ? cleat_task_return(task, "\"too late\"") : status;
}

static void test_a_hook_that_nobody_resumes(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "in-time", hook_in_time);
    workflow_start(it);
    workflow_runs(it, "in-time", NULL, CLEAT_RUN_COMPLETED, "\"too late\"");
    workflow_runs(it, "in-time", NULL, CLEAT_RUN_COMPLETED, "\"too late\""); /* the token is free again */
    assert_refused(cleat_hook_resume(it->client, "unknown", "1", NULL), CLEAT_NOT_FOUND, "unk...");
    assert_refused(cleat_hook_resume(it->client, "a/b", "1", NULL), CLEAT_INVALID_ARGUMENT, "token");
    assert_refused(cleat_hook_resume(it->client, "in-time", "{", NULL), CLEAT_INVALID_ARGUMENT, "payload");
    assert_refused(cleat_hook_resume(NULL, "in-time", "{}", NULL), CLEAT_INVALID_ARGUMENT, "client");
}

/* ---- Versions ---- */

static cleat_status versioned(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    cleat_status status =
        cleat_sleep(task, cleat_slice_equals(cleat_task_input(task), cleat_slice_of("{}")) ? "5ms" : "1h");
    return status == CLEAT_OK ? cleat_task_return_format(task, "\"%s\"", cleat_task_version(task)) : status;
}

static const cleat_workflow_options *version(workflow_fixture *it, const char *text,
                                             cleat_workflow_options *out)
{
    *out = *CLEAT_WORKFLOW_OPTIONS(.run = versioned, .name = "order", .user_data = it, .version = text);
    return out;
}

static void test_new_runs_have_the_newest_version(void **state)
{
    workflow_fixture *it = *state;
    cleat_workflow_options options;
    workflow_add_options(it, version(it, "2", &options));
    workflow_add_options(it, version(it, "10", &options));
    assert_refused(cleat_worker_add_workflow(it->worker, version(it, "2", &options)), CLEAT_ALREADY_EXISTS,
                   "version");
    workflow_start(it);
    workflow_runs(it, "order", NULL, CLEAT_RUN_COMPLETED, "\"10\"");
}

/* A run that has begun goes on as it began, whatever came meanwhile. */
static cleat_status wait_for_hook(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_hook hook;
    cleat_status status = cleat_hook_create(task, "release", &hook);
    gate_add(&it->calls);
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, NULL, NULL);
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "\"%s\"", cleat_task_version(task)) : status;
}

static void add_release(workflow_fixture *it, const char *text)
{
    workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = wait_for_hook, .name = "release", .user_data = it,
                                                    .version = text));
}

/* When the run waits, and nobody has it. */
static void resume_when_it_waits(workflow_fixture *it, const char *token, const char *payload)
{
    cleat_run_id id;
    gate_wait(&it->calls, 1);
    workflow_stop(it);
    assert_ok(cleat_hook_resume(it->client, token, payload, &id));
}

static void test_a_run_keeps_its_version(void **state)
{
    workflow_fixture *it = *state;
    add_release(it, "1");
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "release", NULL);
    resume_when_it_waits(it, "release", "{}");
    add_release(it, "1");
    add_release(it, "2");
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "\"1\"");
}

static void test_a_version_that_is_gone(void **state)
{
    workflow_fixture *it = *state;
    add_release(it, "1");
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "release", NULL);
    resume_when_it_waits(it, "release", "{}");
    add_release(it, "2");
    workflow_start(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "\"2\"");
}

static cleat_status wait_otherwise(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_sleep(task, "1h");
}

/* A worker that has only another one, whose calls differ; with the old one the run goes on from its log. */
static void test_a_version_that_is_gone_and_missed(void **state)
{
    workflow_fixture *it = *state;
    add_release(it, "1");
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "release", NULL);
    resume_when_it_waits(it, "release", "{}");
    workflow_add_options(
        it, CLEAT_WORKFLOW_OPTIONS(.run = wait_otherwise, .name = "release", .version = "2", .retries = 3));
    workflow_start(it);
    workflow_ends(
        it, &id, CLEAT_RUN_FAILED,
        "the run began with version \"1\", which this worker has not (it has \"2\"): the calls of ");
    workflow_stop(it);
    add_release(it, "1");
    workflow_start(it);
    assert_ok(cleat_client_replay(it->client, &id));
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "\"1\"");
}

static void test_a_run_without_a_version_is_missed_too(void **state)
{
    workflow_fixture *it = *state;
    add_release(it, NULL);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "release", NULL);
    resume_when_it_waits(it, "release", "{}");
    add_release(it, "1");
    add_release(it, "2");
    workflow_start(it);
    workflow_ends(
        it, &id, CLEAT_RUN_FAILED,
        "the run began without a version, which this worker has not (it has \"2\", \"1\"): the calls of ");
}

/* ---- Time that an invocation takes ---- */

static void add_to_gate(void *user_data)
{
    gate_add(user_data);
}

static cleat_status wait_to_be_cancelled(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_task_on_cancel(task, add_to_gate, &it->go);
    gate_wait(&it->go, (int)it->numbers[0]);
    return CLEAT_FAILED;
}

static cleat_status take_long(cleat_task *task, void *user_data)
{
    return cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = "slow", .run = wait_to_be_cancelled, .user_data = user_data), NULL);
}

static void take_too_long(workflow_fixture *it, int64_t limit_ms)
{
    char limit[CLEAT__DURATION_TEXT], expected[200];
    cleat__duration_format(limit_ms, limit);
    (void)snprintf(expected, sizeof(expected),
                   "Task exceeded timeout of %s (execution_timeout_ms, with all steps in place)", limit);
    it->numbers[0] = gate_count(&it->go) + 1;
    workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = take_long, .name = "long", .user_data = it,
                                                    .execution_timeout_ms = limit_ms));
    workflow_start(it);
    workflow_runs(it, "long", NULL, CLEAT_RUN_FAILED, expected);
    workflow_stop(it);
}

/* The engine says which option it was, and the worker in which step: if the invocation began at once, for which a busy
 * machine gets more time. */
static void test_an_invocation_that_takes_too_long(void **state)
{
    workflow_fixture *it = *state;
    overheard log;
    overhear(&log, "execution_timeout_ms");
    for (int64_t limit_ms = 250; gate_count(&log.lines) == 0 && limit_ms <= 16000; limit_ms *= 4) {
        take_too_long(it, limit_ms);
    }
    (void)overheard_end(&log);
    assert_non_null(strstr(log.text, "workflow \"long\" was in step \"slow\""));
    assert_non_null(strstr(log.text, "execution_timeout_ms = "));
}

/* ---- Cancellation ---- */

static void test_a_run_is_cancelled_while_it_waits(void **state)
{
    workflow_fixture *it = *state;
    add_release(it, "1");
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "release", NULL);
    gate_wait(&it->calls, 1);
    workflow_stop(it);
    assert_ok(cleat_client_cancel(it->client, &id));
    workflow_ends(it, &id, CLEAT_RUN_CANCELLED, NULL);
    assert_refused(cleat_hook_resume(it->client, "release", "{}", NULL), CLEAT_FAILED_PRECONDITION, "");
}

static cleat_status cancelled_step(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_task_on_cancel(task, wake, &it->go);
    gate_add(&it->seen);
    gate_wait(&it->go, 1);
    assert_true(cleat_task_is_cancelled(task));
    return CLEAT_OK;
}

static cleat_status cancelled(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_status status = cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = "long", .run = cancelled_step, .user_data = it), NULL);
    it->numbers[0] = status;
    it->numbers[1] = cleat_sleep(task, "1h");
    it->numbers[2] = cleat_task_is_stopped(task);
    gate_add(&it->calls);
    return status;
}

static void test_a_run_is_cancelled_while_it_runs(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "cancelled", cancelled);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "cancelled", NULL);
    gate_wait(&it->seen, 1);
    assert_ok(cleat_client_cancel(it->client, &id));
    workflow_ends(it, &id, CLEAT_RUN_CANCELLED, NULL);
    gate_wait(&it->calls, 1);
    assert_int_equal(it->numbers[0], CLEAT_CANCELLED);
    assert_int_equal(it->numbers[1], CLEAT_CANCELLED);
    assert_true(it->numbers[2]);
}

static void test_a_token_that_another_run_has(void **state)
{
    workflow_fixture *it = *state;
    add_release(it, "1");
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "release", NULL);
    gate_wait(&it->calls, 1);
    workflow_runs(it, "release", NULL, CLEAT_RUN_FAILED, "a hook with the token rel...");
    assert_ok(cleat_hook_resume(it->client, "release", "{}", NULL));
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "\"1\"");
}

int workflow_waits_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, workflow_set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_timer_is_a_future),
        TEST(test_sleeping_until),
        TEST(test_events),
        TEST(test_branches),
        TEST(test_bad_branches),
        TEST(test_payloads_come_in_order),
        TEST(test_a_hook_that_nobody_resumes),
        TEST(test_new_runs_have_the_newest_version),
        TEST(test_a_run_keeps_its_version),
        TEST(test_a_version_that_is_gone),
        TEST(test_a_version_that_is_gone_and_missed),
        TEST(test_a_run_without_a_version_is_missed_too),
        TEST(test_an_invocation_that_takes_too_long),
        TEST(test_a_run_is_cancelled_while_it_waits),
        TEST(test_a_run_is_cancelled_while_it_runs),
        TEST(test_a_token_that_another_run_has),
    };
#undef TEST
    workflow_use(of);
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
