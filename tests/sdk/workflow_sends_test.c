/* What a workflow's `queue.send` span says of its end: whether what was spawned is stored, not what becomes of the
 * workflow. */
#include "support/sdk_fixture.h"
#include "support/spans.h"

#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char queue_send[] = "queue.send";
static char aside[] = "aside";

static cleat_status give(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "1");
}

static void add_workflow(sdk_fixture *it, const cleat_workflow_options *options)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = aside, .run = give));
    assert_int_equal(cleat_worker_add_workflow(it->worker, options), CLEAT_OK);
}

/* The only one in the trace of the invocation. */
static cleat_span_view sent_by(sdk_fixture *it, const char *invocation)
{
    cleat_span_view by = spans_get(it->spans, invocation, 0), found = by;
    size_t count = 0;
    for (size_t i = 0; i < spans_count(it->spans, queue_send); i++) {
        cleat_span_view span = spans_get(it->spans, queue_send, i);
        if (memcmp(&span.trace_id, &by.trace_id, sizeof(span.trace_id)) == 0) {
            found = span;
            count++;
        }
    }
    assert_int_equal(count, 1);
    return found;
}

static cleat_status hooked(cleat_task *task, void *user_data)
{
    cleat_hook hook;
    cleat_slice payload;
    (void)user_data;
    cleat_status status = cleat_hook_create(task, "approve-7", &hook);
    return status == CLEAT_OK ? cleat_hook_wait(task, &hook, NULL, &payload) : status;
}

static void start_and_fail(sdk_fixture *it, const char *name)
{
    cleat_run_id id;
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, name, NULL, NULL, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_FAILED, NULL);
    sdk_stop(it);
}

static cleat_status spawn_then_fail(cleat_task *task, void *user_data)
{
    cleat_run_id id;
    cleat_status status = cleat_task_spawn(task, user_data, NULL, NULL, &id);
    return status == CLEAT_OK ? cleat_task_fail(task, CLEAT_FAILED, "after that") : status;
}

static void what_was_sent_was_sent_though_the_workflow_fails(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawn_then_fail, .name = "fails", .user_data = aside));
    start_and_fail(it, "fails");
    cleat_span_view sent = sent_by(it, "workflow.execute spawn_then_fail");
    assert_int_not_equal(sent.status, CLEAT_SPAN_STATUS_ERROR);
    span_assert_int(&sent, "messaging.batch.message_count", 1);
}

static cleat_status spawn_and_want_a_taken_token(cleat_task *task, void *user_data)
{
    cleat_hook hook;
    cleat_status status = cleat_spawn(task, user_data, NULL, NULL, NULL);
    return status == CLEAT_OK ? cleat_hook_create(task, "approve-7", &hook) : status;
}

/* In one request: the runs are stored, what comes behind them is refused. */
static void what_was_sent_was_sent_though_more_is_refused(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawn_and_want_a_taken_token, .name = "wants", .user_data = aside));
    assert_int_equal(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(hooked, .name = "hooked")),
                     CLEAT_OK);
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "hooked", NULL, NULL, &id), CLEAT_OK);
    while (spans_count(it->spans, "workflow.execute hooked") == 0) { /* until it has the token */
        sched_yield();
    }
    assert_int_equal(cleat_client_run_no_wait(it->client, "wants", NULL, NULL, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_FAILED, NULL);
    while (spans_count(it->spans, "step.execute aside:aside") == 0) {
        sched_yield();
    }
    sdk_stop(it);
    cleat_span_view sent = sent_by(it, "workflow.execute spawn_and_want_a_taken_token");
    assert_int_not_equal(sent.status, CLEAT_SPAN_STATUS_ERROR);
}

static char nobody[] = "nobody";

static void expect_it_failed(const cleat_span_view *sent)
{
    char message[256];
    snprintf(message, sizeof(message), "%.*s", CLEAT_SLICE_ARGS(sent->status_message));
    assert_int_equal(sent->status, CLEAT_SPAN_STATUS_ERROR);
    assert_non_null(strstr(message, nobody));
}

static void what_could_not_be_sent_says_why(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawn_then_fail, .name = "fails", .user_data = nobody));
    start_and_fail(it, "fails");
    cleat_span_view sent = sent_by(it, "workflow.execute spawn_then_fail");
    expect_it_failed(&sent);
}

static cleat_status spawn_before_a_step(cleat_task *task, void *user_data)
{
    cleat_status status = cleat_spawn(task, user_data, NULL, NULL, NULL);
    return status == CLEAT_OK ? cleat_step(task, "first", give, NULL, NULL) : status;
}

static void what_could_not_be_sent_before_a_step_says_why(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawn_before_a_step, .name = "fails", .user_data = nobody));
    start_and_fail(it, "fails");
    cleat_span_view sent = sent_by(it, "workflow.execute spawn_before_a_step");
    expect_it_failed(&sent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sdk_set_up, sdk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_sent_was_sent_though_the_workflow_fails),
        TEST(what_was_sent_was_sent_though_more_is_refused),
        TEST(what_could_not_be_sent_says_why),
        TEST(what_could_not_be_sent_before_a_step_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
