/* What a task can do while it runs: output, failure, children, cancellation, log. */
#include "base/error.h"
#include "sdk/client.h"
#include "support/gate.h"
#include "support/sdk_fixture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- What it is given ---- */

static cleat_status describe(cleat_task *task, void *user_data)
{
    cleat_run_id parent;
    bool child = cleat_task_parent_run_id(task, &parent);
    (void)user_data;
    const char *key = cleat_task_child_key(task);
    bool ids = strlen(cleat_task_run_id(task).text) == 36 && strlen(cleat_task_worker_id(task)) == 36;
    return cleat_task_return_format(task, "[\"%s\",%d,%d,%d,%d,\"%s\",%d]", cleat_task_name(task),
                                    cleat_task_retry_count(task), child, (int)strlen(parent.text),
                                    (int)cleat_task_child_index(task), key != NULL ? key : "", ids);
}

static void test_what_a_task_is_given(void **state)
{
    sdk_fixture *it = *state;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "describe", .run = describe));
    sdk_start(it);
    sdk_run(it, "describe", NULL, NULL, CLEAT_RUN_COMPLETED, "[\"describe:describe\",0,0,0,-1,\"\",1]");
}

/* Nothing of it may crash without a task. */
static void test_no_task(void **state)
{
    (void)state;
    cleat_run_id id = {"x"};
    assert_null(cleat_task_input(NULL).data);
    assert_null(cleat_task_metadata(NULL).data);
    assert_null(cleat_task_name(NULL));
    assert_string_equal(cleat_task_run_id(NULL).text, "");
    assert_int_equal(cleat_task_retry_count(NULL), 0);
    assert_null(cleat_task_worker_id(NULL));
    assert_null(cleat_task_tenant_id(NULL));
    assert_null(cleat_task_workflow_id(NULL));
    assert_null(cleat_task_workflow_version_id(NULL));
    assert_null(cleat_task_step_id(NULL));
    assert_false(cleat_task_parent_run_id(NULL, &id));
    assert_string_equal(id.text, "");
    assert_int_equal(cleat_task_child_index(NULL), -1);
    assert_null(cleat_task_child_key(NULL));
    assert_null(cleat_task_client(NULL));
    assert_false(cleat_task_is_cancelled(NULL));
    cleat_task_on_cancel(NULL, NULL, NULL);
    assert_refused(cleat_task_return(NULL, "1"), CLEAT_INVALID_ARGUMENT, "task");
    assert_refused(cleat_task_return_format(NULL, "1"), CLEAT_INVALID_ARGUMENT, "task");
    assert_int_equal(cleat_task_fail(NULL, CLEAT_OK, "x"), CLEAT_FAILED);
    assert_refused(cleat_task_log(NULL, CLEAT_LOG_INFO, "x"), CLEAT_INVALID_ARGUMENT, "task");
    assert_refused(cleat_task_spawn(NULL, "x", NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "task");
    assert_refused(cleat_task_spawn_many(NULL, NULL, 0, NULL), CLEAT_INVALID_ARGUMENT, "task");
}

/* ---- What it gives back ---- */

typedef struct ending {
    const char *name;
    cleat_task_function run;
    int retries;
    cleat_run_status status;
    const char *text;
} ending;

static cleat_status last_output_wins(cleat_task *task, void *user_data)
{
    (void)user_data;
    (void)cleat_task_return(task, "1");
    return cleat_task_return(task, "[null,\"\\u00e4\",1e300]");
}

static cleat_status bad_output_then_good(cleat_task *task, void *user_data)
{
    (void)user_data;
    if (cleat_task_return(task, "{]") != CLEAT_INVALID_ARGUMENT ||
        cleat_task_return(task, NULL) != CLEAT_INVALID_ARGUMENT ||
        cleat_task_return(task, "") != CLEAT_INVALID_ARGUMENT) {
        return CLEAT_NON_RETRYABLE;
    }
    return cleat_task_return_format(task, "%d", 2);
}

static cleat_status bad_output(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, NULL);
}

static cleat_status large_output(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return_format(task, "\"%*s\"", (int)CLEAT_PAYLOAD_MAX, "x");
}

static cleat_status fail_with_words(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_fail(task, CLEAT_FAILED, "no luck with attempt %d", cleat_task_retry_count(task));
}

static cleat_status fail_for_good(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "not in attempt %d", cleat_task_retry_count(task));
}

static cleat_status fail_with_ok(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_fail(task, CLEAT_OK, "it is a failure");
}

static cleat_status fail_without_words(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_IO;
}

/* The word for "never begun" in reports must not mean that when a task says it. */
static cleat_status unavailable(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_UNAVAILABLE;
}

static cleat_status second_time_lucky(cleat_task *task, void *user_data)
{
    (void)user_data;
    if (cleat_task_retry_count(task) == 0) {
        return cleat_task_fail(task, CLEAT_FAILED, "not yet");
    }
    return cleat_task_return(task, "\"now\"");
}

static void test_endings(void **state)
{
    sdk_fixture *it = *state;
    static const ending table[] = {
        {"last", last_output_wins, 0, CLEAT_RUN_COMPLETED, "[null,\"\\u00e4\",1e300]"},
        {"good", bad_output_then_good, 0, CLEAT_RUN_COMPLETED, "2"},
        {"bad", bad_output, 0, CLEAT_RUN_FAILED, "output is NULL: it must be JSON"},
        {"large", large_output, 0, CLEAT_RUN_FAILED, NULL},
        {"words", fail_with_words, 1, CLEAT_RUN_FAILED, "no luck with attempt 1"},
        {"for-good", fail_for_good, 5, CLEAT_RUN_FAILED, "not in attempt 0"},
        {"ok", fail_with_ok, 0, CLEAT_RUN_FAILED, "it is a failure"},
        {"wordless", fail_without_words, 0, CLEAT_RUN_FAILED, "input/output error"},
        {"unavailable", unavailable, 0, CLEAT_RUN_FAILED, "stopped or not reachable"},
        {"lucky", second_time_lucky, 1, CLEAT_RUN_COMPLETED, "\"now\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        sdk_add_task(
            it, CLEAT_TASK_OPTIONS(.name = table[i].name, .run = table[i].run, .retries = table[i].retries));
    }
    sdk_start(it);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        sdk_run(it, table[i].name, NULL, NULL, table[i].status, table[i].text);
    }
}

static cleat_status log_all(cleat_task *task, void *user_data)
{
    (void)user_data;
    if (cleat_task_log(task, CLEAT_LOG_INFO, "line %d", 1) != CLEAT_OK ||
        cleat_task_log(task, CLEAT_LOG_WARN, "%20000s", "long") != CLEAT_OK ||
        cleat_task_log(task, (cleat_log_level)9, "x") != CLEAT_INVALID_ARGUMENT) {
        return CLEAT_NON_RETRYABLE;
    }
    return CLEAT_OK;
}

static void test_log(void **state)
{
    sdk_fixture *it = *state;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "log", .run = log_all));
    sdk_start(it);
    sdk_run(it, "log", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
}

static int full_logs; /* of the test's one slot thread */

static cleat_status be_full(cleat__transport *self, const cleat__log_line *line)
{
    (void)self;
    assert_int_not_equal(line->message.size, 0);
    full_logs++;
    return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "too fast");
}

static cleat_status log_in_vain(cleat_task *task, void *user_data)
{
    (void)user_data;
    bool is_fine = cleat_task_log(task, CLEAT_LOG_INFO, "line") == CLEAT_OK &&
                   cleat_task_log_metadata(task, CLEAT_LOG_INFO, "{}", "%s", "") == CLEAT_OK;
    return is_fine ? CLEAT_OK : CLEAT_NON_RETRYABLE;
}

/* A task does not fail for its log, wherever its engine is. */
static void test_a_log_that_is_full(void **state)
{
    sdk_fixture *it = *state;
    cleat__transport *transport = it->client->transport;
    cleat_status (*log)(cleat__transport *, const cleat__log_line *) = transport->log;
    full_logs = 0;
    transport->log = be_full;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "log", .run = log_in_vain));
    sdk_start(it);
    sdk_run(it, "log", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(full_logs, 1);
    transport->log = log;
}

/* ---- Children ---- */

/* What a parent spawned, attempt by attempt. */
typedef struct family {
    cleat_run_id first[2], second[2], keyed[2], many[2][2];
} family;

static cleat_status spawn_all(cleat_task *task, void *user_data)
{
    family *it = user_data;
    int n = cleat_task_retry_count(task);
    const cleat_run_item items[] = {{"child", "{\"n\":3}", NULL},
                                    {"child", NULL, CLEAT_RUN_OPTIONS(.child_key = "b")}};
    const cleat_run_item bad[] = {{"child", "{}", NULL}, {"child", "3", NULL}};
    if (cleat_task_spawn(task, "child", "{\"n\":0}", NULL, &it->first[n]) != CLEAT_OK ||
        cleat_task_spawn(task, "child", "nonsense", NULL, NULL) != CLEAT_INVALID_ARGUMENT ||
        cleat_task_spawn(task, "no:such", NULL, NULL, NULL) != CLEAT_NOT_FOUND ||
        cleat_task_spawn_many(task, bad, 2, NULL) != CLEAT_INVALID_ARGUMENT ||
        cleat_task_spawn(task, "child", NULL, CLEAT_RUN_OPTIONS(.child_key = ""), NULL) !=
            CLEAT_INVALID_ARGUMENT ||
        cleat_task_spawn(task, "child", NULL, CLEAT_RUN_OPTIONS(.child_key = "0"), NULL) !=
            CLEAT_INVALID_ARGUMENT ||
        strstr(cleat_error_message(), "child_key \"0\" is a number") == NULL ||
        cleat_task_spawn(task, "child", NULL, CLEAT_RUN_OPTIONS(.child_key = "cleat:continued"), NULL) !=
            CLEAT_INVALID_ARGUMENT ||
        cleat_task_spawn(task, "no:such", NULL, NULL, NULL) != CLEAT_NOT_FOUND ||
        cleat_task_spawn(task, "child", "{\"n\":1}", NULL, &it->second[n]) != CLEAT_OK ||
        cleat_task_spawn(task, "child", NULL, CLEAT_RUN_OPTIONS(.child_key = "a"), &it->keyed[n]) !=
            CLEAT_OK ||
        cleat_task_spawn_many(task, items, 2, it->many[n]) != CLEAT_OK) {
        return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "%s", cleat_error_message());
    }
    return n == 0 ? CLEAT_FAILED : CLEAT_OK;
}

/* A second attempt finds the children of the first. What is refused before it is asked for has no number; what
 * is refused by the engine has one, once. */
static void test_children_are_started_once(void **state)
{
    sdk_fixture *it = *state;
    family children;
    sdk_add_task(
        it, CLEAT_TASK_OPTIONS(.name = "parent", .run = spawn_all, .user_data = &children, .retries = 1));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "child", .run = describe));
    sdk_start(it);
    sdk_run(it, "parent", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    assert_string_equal(children.first[0].text, children.first[1].text);
    assert_string_equal(children.second[0].text, children.second[1].text);
    assert_string_equal(children.keyed[0].text, children.keyed[1].text);
    assert_string_equal(children.many[0][0].text, children.many[1][0].text);
    assert_string_equal(children.many[0][1].text, children.many[1][1].text);
    sdk_wait(it, &children.first[0], CLEAT_RUN_COMPLETED, "[\"child:child\",0,1,36,0,\"\",1]");
    sdk_wait(it, &children.second[0], CLEAT_RUN_COMPLETED, "[\"child:child\",0,1,36,2,\"\",1]");
    sdk_wait(it, &children.keyed[0], CLEAT_RUN_COMPLETED, "[\"child:child\",0,1,36,3,\"a\",1]");
    sdk_wait(it, &children.many[0][0], CLEAT_RUN_COMPLETED, "[\"child:child\",0,1,36,4,\"\",1]");
    sdk_wait(it, &children.many[0][1], CLEAT_RUN_COMPLETED, "[\"child:child\",0,1,36,5,\"b\",1]");
}

static cleat_status return_metadata(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, cleat_task_metadata(task).data);
}

static cleat_status spawn_with_metadata(cleat_task *task, void *user_data)
{
    return cleat_task_spawn(task, "child", NULL, CLEAT_RUN_OPTIONS(.metadata = "{\"b\":2,\"c\":[3]}"),
                            user_data);
}

static void test_metadata_of_children(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id parent, child;
    char expected[512];
    static const char metadata[] =
        "{\"a\":1.50,\"b\":1,\"hatchet__event_id\":\"x\",\"traceparent\":\"x\",\"tracestate\":\"x\","
        "\"baggage\":\"x\",\"cleat__trace\":\"link\",\"cleat__origin_traceparent\":\"x\"}";
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "parent", .run = spawn_with_metadata, .user_data = &child));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "child", .run = return_metadata));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "parent", NULL,
                                              CLEAT_RUN_OPTIONS(.metadata = metadata), &parent),
                     CLEAT_OK);
    sdk_wait(it, &parent, CLEAT_RUN_COMPLETED, NULL);
    (void)snprintf(expected, sizeof expected,
                   "{\"a\":1.50,\"traceparent\":\"x\",\"tracestate\":\"x\",\"baggage\":\"x\","
                   "\"cleat__trace\":\"link\",\"cleat__origin_traceparent\":\"x\",\"b\":2,\"c\":[3],"
                   "\"hatchet__parent_workflow_run_id\":\"%s\",\"hatchet__parent_step_run_id\":\"%s\"}",
                   parent.text, parent.text);
    sdk_wait(it, &child, CLEAT_RUN_COMPLETED, expected);
}

/* ---- Cancellation ---- */

typedef struct cancelled_task {
    gate begun, called, may_end;
    bool flag_was_set; /* when the callback ran */
    cleat_task *task;
} cancelled_task;

static void on_cancel(void *user_data)
{
    cancelled_task *it = user_data;
    it->flag_was_set = cleat_task_is_cancelled(it->task);
    gate_add(&it->called);
}

/* For the engine another attempt may be running. */
static void assert_asks_in_vain(cleat_task *task)
{
    assert_int_equal(cleat_task_refresh_timeout(task, 1, NULL), CLEAT_NOT_FOUND);
    assert_int_equal(cleat_task_release_slot(task), CLEAT_NOT_FOUND);
    assert_int_equal(cleat_task_put_stream(task, cleat_slice_of("x")), CLEAT_NOT_FOUND);
}

static cleat_status wait_for_cancel(cleat_task *task, void *user_data)
{
    cancelled_task *it = user_data;
    it->task = task;
    cleat_task_on_cancel(task, on_cancel, it);
    gate_add(&it->begun);
    gate_wait(&it->called, 1);
    assert_asks_in_vain(task);
    cleat_task_on_cancel(task, on_cancel, it); /* already cancelled: called at once */
    gate_add(&it->may_end);
    return cleat_task_return(task, "\"too late\"");
}

static void cancelled_task_init(cancelled_task *it)
{
    memset(it, 0, sizeof *it);
    gate_init(&it->begun);
    gate_init(&it->called);
    gate_init(&it->may_end);
}

static void cancelled_task_deinit(cancelled_task *it)
{
    gate_deinit(&it->begun);
    gate_deinit(&it->called);
    gate_deinit(&it->may_end);
}

static void test_cancel_calls_back(void **state)
{
    sdk_fixture *it = *state;
    cancelled_task cancelled;
    cleat_run_id id;
    cancelled_task_init(&cancelled);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "wait", .run = wait_for_cancel, .user_data = &cancelled));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "wait", NULL, NULL, &id), CLEAT_OK);
    gate_wait(&cancelled.begun, 1);
    assert_int_equal(cleat_client_cancel(it->client, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_CANCELLED, NULL);
    gate_wait(&cancelled.may_end, 1);
    assert_int_equal(gate_count(&cancelled.called), 2);
    assert_true(cancelled.flag_was_set);
    sdk_stop(it);
    cancelled_task_deinit(&cancelled);
}

/* A callback that was taken back is not called; the flag is set all the same. */
static cleat_status take_back_callback(cleat_task *task, void *user_data)
{
    cancelled_task *it = user_data;
    it->task = task;
    cleat_task_on_cancel(task, on_cancel, it);
    cleat_task_on_cancel(task, NULL, NULL);
    gate_add(&it->begun);
    gate_wait(&it->may_end, 1);
    it->flag_was_set = cleat_task_is_cancelled(task);
    return CLEAT_CANCELLED;
}

static void test_callback_taken_back(void **state)
{
    sdk_fixture *it = *state;
    cancelled_task cancelled;
    cleat_run_id id;
    cancelled_task_init(&cancelled);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "wait", .run = take_back_callback, .user_data = &cancelled));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "wait", NULL, NULL, &id), CLEAT_OK);
    gate_wait(&cancelled.begun, 1);
    assert_int_equal(cleat_client_cancel(it->client, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_CANCELLED, NULL);
    gate_add(&cancelled.may_end);
    sdk_stop(it);
    assert_int_equal(gate_count(&cancelled.called), 0);
    cancelled_task_deinit(&cancelled);
}

/* The timeout of an attempt cancels it, and a later attempt is a new one. On a busy machine the
 * first attempts may be over before their function begins: the first that does waits. */
static cleat_status time_out_once(cleat_task *task, void *user_data)
{
    cancelled_task *it = user_data;
    if (gate_add(&it->begun) > 1) {
        return cleat_task_return(task, "\"in time\"");
    }
    it->task = task;
    cleat_task_on_cancel(task, on_cancel, it);
    gate_wait(&it->called, 1);
    return CLEAT_OK;
}

static void test_execution_timeout(void **state)
{
    sdk_fixture *it = *state;
    cancelled_task cancelled;
    cancelled_task_init(&cancelled);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "slow", .run = time_out_once, .user_data = &cancelled,
                                        .retries = 50, .execution_timeout_ms = 20));
    sdk_start(it);
    sdk_run(it, "slow", NULL, NULL, CLEAT_RUN_COMPLETED, "\"in time\"");
    gate_wait(&cancelled.called, 1);
    sdk_stop(it);
    assert_int_equal(gate_count(&cancelled.called), 1);
    cancelled_task_deinit(&cancelled);
}

/* ---- Other threads of the task ---- */

static void *spawn_in_thread(void *task)
{
    return (void *)(intptr_t)cleat_task_spawn(task, "child", NULL, NULL, NULL);
}

static cleat_status spawn_by_threads(cleat_task *task, void *user_data)
{
    pthread_t threads[4];
    (void)user_data;
    cleat_status status = CLEAT_OK;
    for (int i = 0; i < 4; i++) {
        if (cleat__thread_start(&threads[i], "spawn", spawn_in_thread, task) != CLEAT_OK) {
            return CLEAT_NON_RETRYABLE;
        }
    }
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        status = result != NULL ? (cleat_status)(intptr_t)result : status;
    }
    return status;
}

static void test_spawn_from_many_threads(void **state)
{
    sdk_fixture *it = *state;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "parent", .run = spawn_by_threads));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "child", .run = describe));
    sdk_start(it);
    sdk_run(it, "parent", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_a_task_is_given),
        cmocka_unit_test(test_no_task),
        TEST(test_endings),
        TEST(test_log),
        TEST(test_a_log_that_is_full),
        TEST(test_children_are_started_once),
        TEST(test_metadata_of_children),
        TEST(test_cancel_calls_back),
        TEST(test_callback_taken_back),
        TEST(test_execution_timeout),
        TEST(test_spawn_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
