/* Workflows: steps, runs that they start, what is the same in a replay. */
#include "support/workflow_suite.h"

#include "support/sanitizer.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- Steps ---- */

/* Counts itself, and gives back its input and how often steps have run by then. */
static cleat_status echo(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    int count = gate_add(&it->steps);
    return cleat_task_return_format(task, "{\"of\":%.*s,\"count\":%d}",
                                    CLEAT_SLICE_ARGS(cleat_task_input(task)), count);
}

static cleat_status step(cleat_task *task, workflow_fixture *it, const char *name, const char *input,
                         cleat_slice *output)
{
    return cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = name, .run = echo, .user_data = it, .input = input), output);
}

static cleat_status two_steps(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_slice first, second;
    gate_add(&it->calls);
    cleat_status status = step(task, it, "first", "{\"a\":1}", &first);
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "10ms");
    }
    if (status == CLEAT_OK) {
        status = step(task, it, "second", NULL, &second);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    return cleat_task_return_format(task, "[%.*s,%.*s]", CLEAT_SLICE_ARGS(first), CLEAT_SLICE_ARGS(second));
}

static void test_a_replay_runs_no_step_again(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "two", two_steps);
    workflow_start(it);
    workflow_runs(it, "two", NULL, CLEAT_RUN_COMPLETED,
                  "[{\"of\":{\"a\":1},\"count\":1},{\"of\":{},\"count\":2}]");
    assert_int_equal(gate_count(&it->calls), 2);
    assert_int_equal(gate_count(&it->steps), 2);
}

static cleat_status no_steps(cleat_task *task, void *user_data)
{
    (void)user_data;
    assert_true(cleat_task_is_workflow(task));
    assert_int_equal(cleat_task_invocation(task), 1);
    assert_false(cleat_task_is_replaying(task));
    assert_null(cleat_task_version(task));
    assert_string_equal(cleat_task_machine_name(task), "none");
    return cleat_task_return(task, "7");
}

static void test_a_workflow_without_calls(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "none", no_steps);
    workflow_start(it);
    workflow_runs(it, "none", NULL, CLEAT_RUN_COMPLETED, "7");
}

/* Fails until its third attempt. */
static cleat_status third_time(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    it->numbers[gate_add(&it->steps)] = cleat_task_retry_count(task);
    return cleat_task_retry_count(task) < 2
               ? cleat_task_fail(task, CLEAT_FAILED, "attempt %d", cleat_task_retry_count(task) + 1)
               : cleat_task_return(task, "\"at last\"");
}

static cleat_status retrying(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    bool is_enough = cleat_slice_equals(cleat_task_input(task), cleat_slice_of("{\"retries\":2}"));
    cleat_slice output;
    gate_add(&it->calls);
    cleat_status status =
        cleat_step_run(task,
                       CLEAT_STEP_OPTIONS(.name = "third", .run = third_time, .user_data = it,
                                          .retries = is_enough ? 2 : 1, .backoff_initial_ms = 5),
                       &output);
    assert_true(status == CLEAT_SUSPENDED || status == CLEAT_OK || status == CLEAT_FAILED);
    assert_int_equal(cleat_task_is_stopped(task), status == CLEAT_SUSPENDED);
    return status == CLEAT_OK ? cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(output)) : status;
}

static void test_a_step_is_retried(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "retrying", retrying);
    workflow_start(it);
    workflow_runs(it, "retrying", "{\"retries\":2}", CLEAT_RUN_COMPLETED, "\"at last\"");
    assert_int_equal(gate_count(&it->steps), 3);
    assert_int_equal(gate_count(&it->calls), 3); /* it waits for the back-off as for anything else */
    assert_int_equal(it->numbers[3], 2);
    workflow_runs(it, "retrying", "{\"retries\":1}", CLEAT_RUN_FAILED, "attempt 2");
    assert_int_equal(gate_count(&it->steps), 5);
}

static cleat_status fatal(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->steps);
    return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "the card is \"stolen\"");
}

/* A failure is recorded as a success is. */
static cleat_status failing(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    cleat_status status = cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = "fatal", .run = fatal, .user_data = it, .retries = 5), NULL);
    assert_int_equal(status, CLEAT_NON_RETRYABLE);
    assert_string_equal(cleat_error_message(), "the card is \"stolen\"");
    status = cleat_sleep(task, "5ms");
    return status == CLEAT_OK ? step(task, it, "undo", NULL, NULL) : status;
}

static void test_a_fatal_error_is_not_retried(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "failing", failing);
    workflow_start(it);
    workflow_runs(it, "failing", NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(gate_count(&it->steps), 2);
    assert_int_equal(gate_count(&it->calls), 2);
}

static void wake(void *user_data)
{
    gate_add(user_data);
}

/* Ends when it is told that it is cancelled, and says that all is well. */
static cleat_status slow(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_task_on_cancel(task, wake, &it->seen);
    gate_wait(&it->seen, 1);
    assert_true(cleat_task_is_cancelled(task));
    return CLEAT_OK;
}

static cleat_status impatient(cleat_task *task, void *user_data)
{
    cleat_status status = cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = "slow", .run = slow, .user_data = user_data, .timeout_ms = 20),
        NULL);
    assert_int_equal(status, CLEAT_TIMEOUT);
    assert_false(cleat_task_is_cancelled(task));
    return status;
}

static void test_a_step_has_a_timeout(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "impatient", impatient);
    workflow_start(it);
    workflow_runs(it, "impatient", NULL, CLEAT_RUN_FAILED, "step \"slow\" did not end within 20 ms");
}

/* ---- Runs ---- */

static cleat_status child(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_slice input = cleat_task_input(task);
    if (cleat_slice_equals(input, cleat_slice_of("{\"fail\":true}"))) {
        return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "no luck");
    }
    return cleat_task_return_format(task, "{\"child\":%lld,\"of\":%.*s}",
                                    (long long)cleat_task_child_index(task), CLEAT_SLICE_ARGS(input));
}

static cleat_status parent(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_future good, bad;
    cleat_slice output;
    gate_add(&it->calls);
    cleat_status status = cleat_spawn(task, "child", "{\"n\":1}", NULL, &good);
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "child", "{\"fail\":true}", NULL, &bad);
    }
    if (status == CLEAT_OK) {
        status = cleat_await(task, &good, &output);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat_await(task, &bad, NULL);
    if (status == CLEAT_SUSPENDED) {
        return status;
    }
    assert_int_equal(status, CLEAT_FAILED);
    return cleat_task_return_format(task, "[%.*s,\"%s\"]", CLEAT_SLICE_ARGS(output), cleat_error_message());
}

static void test_a_workflow_awaits_runs(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "child", child);
    workflow_add(it, "parent", parent);
    workflow_start(it);
    workflow_runs(it, "parent", NULL, CLEAT_RUN_COMPLETED, "[{\"child\":0,\"of\":{\"n\":1}},\"no luck\"]");
}

#if UNDER_THREAD_SANITIZER
#define MANY 50 /* it looks at each byte of gRPC's as if it were a race */
#else
#define MANY 1000
#endif

static cleat_status number(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return_format(task, "%lld", (long long)cleat_task_child_index(task));
}

static cleat_status fan_out(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    static cleat_future futures[MANY];
    static cleat_slice outputs[MANY];
    gate_add(&it->calls);
    for (int i = 0; i < MANY; i++) {
        cleat_status status = cleat_spawn(task, "number", NULL, NULL, &futures[i]);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    cleat_status status = cleat_await_all(task, futures, MANY, outputs);
    for (int i = 0; i < MANY && status == CLEAT_OK; i++) {
        char expected[16];
        (void)snprintf(expected, sizeof(expected), "%d", i);
        if (!cleat_slice_equals(outputs[i], cleat_slice_of(expected))) {
            status =
                cleat_task_fail(task, CLEAT_NON_RETRYABLE, "%d is %.*s", i, CLEAT_SLICE_ARGS(outputs[i]));
        }
    }
    return status;
}

static void test_a_thousand_runs_are_one_wait(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "number", number);
    workflow_add(it, "fan", fan_out);
    workflow_start(it);
    workflow_runs(it, "fan", NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(gate_count(&it->calls), 2);
}

static cleat_status wait_for_go(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_wait(&it->go, 1);
    return cleat_task_return(task, "\"slow\"");
}

/* The first of two; then, when both have ended, it must still be the same one. */
static cleat_status race(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_future futures[2];
    cleat_slice output;
    size_t index = 9;
    int call = gate_add(&it->calls);
    cleat_status status = cleat_spawn(task, "slow", NULL, NULL, &futures[0]);
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "fast", NULL, NULL, &futures[1]);
    }
    if (status == CLEAT_OK) {
        status = cleat_await_any(task, futures, 2, &index, &output);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    it->numbers[call] = (int64_t)index + 1;
    gate_add(&it->go);
    status = cleat_await_all(task, futures, 2, NULL);
    return status == CLEAT_OK ? cleat_task_return_format(task, "[%zu,%.*s]", index, CLEAT_SLICE_ARGS(output))
                              : status;
}

static void test_the_first_is_the_same_in_a_replay(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "slow", wait_for_go);
    workflow_add_task(it, "fast", number);
    workflow_add(it, "race", race);
    workflow_start(it);
    workflow_runs(it, "race", NULL, CLEAT_RUN_COMPLETED, "[1,1]");
    int calls = gate_count(&it->calls);
    assert_in_range(calls, 2, 3); /* the slow one may be through before it is waited for */
    assert_int_equal(it->numbers[2], 2);
    assert_int_equal(it->numbers[calls], 2);
}

static cleat_status spawn_unknown(cleat_task *task, void *user_data)
{
    cleat_future future;
    (void)user_data;
    assert_ok(cleat_spawn(task, "nobody:knows", NULL, NULL, &future));
    return CLEAT_OK; /* not even awaited */
}

static void test_a_run_of_no_task(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "spawner", spawn_unknown);
    workflow_start(it);
    workflow_runs(it, "spawner", NULL, CLEAT_RUN_FAILED, "there is no task \"nobody:knows\"");
    assert_refused(cleat_client_run_no_wait(it->client, "nobody:knows", NULL, NULL, NULL), CLEAT_NOT_FOUND,
                   "there is no task \"nobody:knows\"");
}

/* cleat_task_spawn() knows the id at once. */
static cleat_status spawn_as_task(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_run_id id;
    gate_add(&it->calls);
    cleat_status status = cleat_task_spawn(task, "number", NULL, NULL, &id);
    if (status == CLEAT_OK) {
        it->numbers[0] += it->text[0] != '\0' && strcmp(it->text, id.text) != 0;
        (void)snprintf(it->text, sizeof(it->text), "%s", id.text);
        status = cleat_sleep(task, "5ms");
    }
    return status;
}

static void test_a_workflow_spawns_as_a_task(void **state)
{
    workflow_fixture *it = *state;
    cleat_run_id spawned;
    workflow_add_task(it, "number", number);
    workflow_add(it, "spawner", spawn_as_task);
    workflow_start(it);
    workflow_runs(it, "spawner", NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(gate_count(&it->calls), 2);
    assert_int_equal(it->numbers[0], 0);
    memcpy(spawned.text, it->text, sizeof(spawned.text));
    workflow_ends(it, &spawned, CLEAT_RUN_COMPLETED, "0");
}

static cleat_status page(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    char input[32];
    cleat_status status = step(task, it, "page", NULL, NULL);
    int count = gate_count(&it->steps);
    if (status != CLEAT_OK || count == 50) {
        return status != CLEAT_OK ? status : cleat_task_return_format(task, "%d", count);
    }
    (void)snprintf(input, sizeof(input), "{\"page\":%d}", count);
    status = cleat_continue_as_new(task, input);
    if (status == CLEAT_OK) {
        assert_refused(cleat_sleep(task, "1h"), CLEAT_FAILED_PRECONDITION, "goes on as");
    }
    return status;
}

static void test_a_run_goes_on_as_new(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "pages", page);
    workflow_start(it);
    workflow_runs(it, "pages", NULL, CLEAT_RUN_COMPLETED, "50");
}

/* Awaits what cleat_client_wait() would. */
static cleat_status reader_of_pages(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_future pages;
    cleat_slice output;
    gate_add(&it->calls);
    cleat_status status = cleat_spawn(task, "pages", NULL, NULL, &pages);
    if (status == CLEAT_OK) {
        status = cleat_await(task, &pages, &output);
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(output)) : status;
}

static void test_a_workflow_awaits_a_run_that_goes_on(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "pages", page);
    workflow_add(it, "reader", reader_of_pages);
    workflow_start(it);
    workflow_runs(it, "reader", NULL, CLEAT_RUN_COMPLETED, "50");
    assert_int_equal(gate_count(&it->calls), 2);
}

/* ---- What is the same ---- */

static cleat_status values(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    int64_t now_ms = 0;
    int call = gate_add(&it->calls);
    cleat_status status = cleat_now(task, &now_ms);
    uint64_t first = cleat_random(task), second = cleat_random(task);
    cleat_run_id uuid = cleat_uuid(task);
    assert_int_not_equal(first, second);
    assert_int_equal(uuid.text[14], '4');
    if (call == 1) {
        it->numbers[0] = now_ms;
        it->numbers[1] = (int64_t)first;
        it->numbers[2] = (int64_t)second;
        (void)snprintf(it->text, sizeof(it->text), "%s", uuid.text);
    } else {
        bool is_same = it->numbers[0] == now_ms && it->numbers[1] == (int64_t)first &&
                       it->numbers[2] == (int64_t)second && strcmp(it->text, uuid.text) == 0;
        it->numbers[3] += is_same;
    }
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "5ms");
    }
    return status == CLEAT_OK ? cleat_sleep(task, "6ms") : status;
}

static void test_values_are_the_same_in_a_replay(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "values", values);
    workflow_start(it);
    workflow_runs(it, "values", NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(gate_count(&it->calls), 3);
    assert_int_equal(it->numbers[3], 2);
}

int workflow_suite_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, workflow_set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_replay_runs_no_step_again),
        TEST(test_a_workflow_without_calls),
        TEST(test_a_step_is_retried),
        TEST(test_a_fatal_error_is_not_retried),
        TEST(test_a_step_has_a_timeout),
        TEST(test_a_workflow_awaits_runs),
        TEST(test_a_thousand_runs_are_one_wait),
        TEST(test_the_first_is_the_same_in_a_replay),
        TEST(test_a_run_of_no_task),
        TEST(test_a_workflow_spawns_as_a_task),
        TEST(test_a_run_goes_on_as_new),
        TEST(test_a_workflow_awaits_a_run_that_goes_on),
        TEST(test_values_are_the_same_in_a_replay),
    };
#undef TEST
    workflow_use(of);
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
