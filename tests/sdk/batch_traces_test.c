/* Spans of runs that come in batches: each has its own, tied to its own cause. */
#include "support/gate.h"
#include "support/sdk_fixture.h"
#include "support/spans.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char start_step_run[] = "hatchet.start_step_run";
static const char run_workflow[] = "hatchet.run_workflow";

enum { LONG_MS = 60000 };
static const cleat_batch_config of_two = {.max_size = 2, .interval_ms = LONG_MS};
static const cleat_batch_config of_three = {.max_size = 3, .interval_ms = LONG_MS};

static cleat_run_id start(sdk_fixture *it, const cleat_run_options *options)
{
    cleat_run_id id;
    assert_int_equal(cleat_client_run_no_wait(it->client, "rows:insert", NULL, options, &id), CLEAT_OK);
    return id;
}

static void add_batch(sdk_fixture *it, cleat_batch_function run, void *user_data,
                      const cleat_batch_config *config)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "rows:insert", .run_batch = run, .user_data = user_data,
                                        .batch = config));
}

/* The span of that run; of a producer: that started it. */
static cleat_span_view span_of(sdk_fixture *it, const char *name, const char *key, const cleat_run_id *run)
{
    char id[64];
    cleat_span_view view = {0};
    for (size_t i = 0; i < spans_count(it->spans, name); i++) {
        view = spans_get(it->spans, name, i);
        if (strcmp(span_string(&view, key, id, sizeof(id)), run->text) == 0) {
            return view;
        }
    }
    fail_msg("no %s of %s", name, run->text);
    return view;
}

static cleat_span_view consumer_of(sdk_fixture *it, const cleat_run_id *run)
{
    return span_of(it, start_step_run, "hatchet.step_run_id", run);
}

static cleat_span_view cause_of(sdk_fixture *it, const cleat_run_id *run)
{
    return span_of(it, run_workflow, "hatchet.child_workflow_run_id", run);
}

static cleat_status nothing(cleat_batch *batch, void *user_data)
{
    (void)batch;
    (void)user_data;
    return CLEAT_OK;
}

static void test_each_run_is_tied_to_its_own_cause(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    add_batch(it, nothing, NULL, &of_three);
    sdk_start(it);
    const cleat_run_id child = start(it, NULL);
    const cleat_run_id linked = start(it, CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_LINK));
    const cleat_run_id alone = start(it, CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_NONE));
    sdk_wait(it, &child, CLEAT_RUN_COMPLETED, "null");
    sdk_stop(it);
    assert_int_equal(spans_count(it->spans, start_step_run), 3);
    cleat_span_view span = consumer_of(it, &child), cause = cause_of(it, &child);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_CONSUMER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_OK);
    span_assert_child(&span, &cause);
    assert_int_equal(span.link_count, 0);
    span_assert_string(&span, "cleat.trace.relation", "parent");
    span_assert_string(&span, "instrumentor", "hatchet");
    span_assert_string(&span, "hatchet.workflow_run_id", child.text);
    span_assert_string(&span, "hatchet.action_name", "rows:insert");
    span_assert_int(&span, "hatchet.retry_count", 0);
    assert_int_equal(span.attribute_count, 12);
    span = consumer_of(it, &linked);
    cause = cause_of(it, &linked);
    assert_true(span_is_root(&span));
    assert_int_equal(span.link_count, 1);
    span_assert_link(&span, 0, &cause, "spawn");
    span = consumer_of(it, &alone);
    assert_true(span_is_root(&span));
    assert_int_equal(span.link_count, 0);
    span_assert_string(&span, "cleat.trace.relation", "none");
}

static cleat_status fail_but_one(cleat_batch *batch, void *user_data)
{
    (void)user_data;
    (void)cleat_task_return(cleat_batch_task(batch, 0), "1");
    (void)cleat_task_fail(cleat_batch_task(batch, 1), CLEAT_NON_RETRYABLE, "no luck");
    return cleat_batch_fail(batch, CLEAT_FAILED, "the table is gone");
}

static void assert_failed(sdk_fixture *it, const cleat_run_id *run, const char *type, const char *message)
{
    cleat_span_view span = consumer_of(it, run);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
    assert_true(cleat_slice_equals(span.status_message, cleat_slice_of(message)));
    span_assert_exception(&span, type, message);
}

static void test_spans_end_as_their_runs_do(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    add_batch(it, fail_but_one, NULL, &of_three);
    sdk_start(it);
    const cleat_run_id first = start(it, NULL), second = start(it, NULL), third = start(it, NULL);
    sdk_wait(it, &first, CLEAT_RUN_COMPLETED, "1");
    sdk_wait(it, &second, CLEAT_RUN_FAILED, "no luck");
    sdk_wait(it, &third, CLEAT_RUN_FAILED, "the table is gone");
    sdk_stop(it);
    cleat_span_view span = consumer_of(it, &first);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_OK);
    assert_int_equal(span.event_count, 0);
    assert_failed(it, &second, "CLEAT_NON_RETRYABLE", "no luck");
    assert_failed(it, &third, "CLEAT_FAILED", "the table is gone");
}

/* ---- What is done for one of them ---- */

typedef struct worked {
    sdk_fixture *it;
    bool is_nobodys; /* outside of all */
    cleat_run_id children[3];
} worked;

static cleat_status work_for_each(cleat_batch *batch, void *user_data)
{
    worked *work = user_data;
    cleat_task *first = cleat_batch_task(batch, 0), *second = cleat_batch_task(batch, 1);
    work->is_nobodys = !cleat_span_context_is_valid(cleat_context_span_context(cleat_context_current()));
    cleat_status status = cleat_task_spawn(first, "child", NULL, NULL, &work->children[0]);
    cleat_scope scope = cleat_task_attach(second);
    cleat_span span = cleat_span_start(work->it->tracer, "insert row", NULL);
    cleat_scope inner = cleat_span_attach(span);
    if (status == CLEAT_OK) { /* of the one that the thread works for, in what it does; and of the other */
        status = cleat_task_spawn(second, "child", NULL, NULL, &work->children[1]);
    }
    if (status == CLEAT_OK) {
        status = cleat_task_spawn(first, "child", NULL, NULL, &work->children[2]);
    }
    (void)cleat_scope_detach(inner);
    (void)cleat_span_end(span);
    (void)cleat_scope_detach(scope);
    return status;
}

static cleat_status be_child(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

static void test_what_is_done_for_a_run_is_in_its_trace(void **state)
{
    sdk_fixture *it = *state;
    worked work = {.it = it};
    sdk_trace(it, NULL, NULL);
    add_batch(it, work_for_each, &work, &of_two);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "child", .run = be_child));
    sdk_start(it);
    const cleat_run_id first = start(it, NULL), second = start(it, NULL);
    sdk_wait(it, &second, CLEAT_RUN_COMPLETED, NULL);
    for (size_t i = 0; i < 3; i++) {
        sdk_wait(it, &work.children[i], CLEAT_RUN_COMPLETED, NULL);
    }
    sdk_stop(it);
    assert_true(work.is_nobodys);
    cleat_span_view of_first = consumer_of(it, &first), of_second = consumer_of(it, &second);
    cleat_span_view row = spans_get(it->spans, "insert row", 0);
    span_assert_child(&row, &of_second);
    span_assert_string(&row, "hatchet.step_run_id", second.text);
    cleat_span_view spawned = cause_of(it, &work.children[0]);
    span_assert_child(&spawned, &of_first);
    spawned = cause_of(it, &work.children[1]);
    span_assert_child(&spawned, &row);
    spawned = cause_of(it, &work.children[2]);
    span_assert_child(&spawned, &of_first);
}

static cleat_status tell_of_second(cleat_batch *batch, void *user_data)
{
    cleat_task *second = cleat_batch_task(batch, 1);
    (void)user_data;
    cleat_scope scope = cleat_task_attach(second);
    cleat_status status = cleat_client_push(cleat_task_client(second), "row:inserted", NULL, NULL, NULL);
    (void)cleat_scope_detach(scope);
    return status;
}

static cleat_status keep_source(cleat_task *task, void *user_data)
{
    cleat_slice metadata = cleat_task_metadata(task);
    char *text = user_data;
    memcpy(text, metadata.data, metadata.size < 400 ? metadata.size : 400);
    return CLEAT_OK;
}

static void test_an_event_comes_from_the_run_that_is_worked_for(void **state)
{
    sdk_fixture *it = *state;
    static const char *const keys[] = {"row:inserted", NULL};
    char metadata[401] = "", source[100];
    add_batch(it, tell_of_second, NULL, &of_two);
    sdk_add_task(
        it, CLEAT_TASK_OPTIONS(.name = "told", .run = keep_source, .user_data = metadata, .on_events = keys));
    sdk_start(it);
    const cleat_run_id first = start(it, NULL), second = start(it, NULL);
    sdk_wait(it, &first, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);
    sdk_add_task(
        it, CLEAT_TASK_OPTIONS(.name = "told", .run = keep_source, .user_data = metadata, .on_events = keys));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "last", .run = be_child));
    sdk_start(it);
    sdk_run(it, "last", NULL, NULL, CLEAT_RUN_COMPLETED, NULL); /* behind it */
    sdk_stop(it);
    (void)snprintf(source, sizeof(source), "\"hatchet__source_workflow_run_id\":\"%s\"", second.text);
    assert_non_null(strstr(metadata, source));
}

typedef struct waiting {
    gate began, cancelled;
} waiting;

static void on_cancel(void *user_data)
{
    gate_add(user_data);
}

static cleat_status wait_for_cancellation(cleat_batch *batch, void *user_data)
{
    waiting *it = user_data;
    cleat_task_on_cancel(cleat_batch_task(batch, 0), on_cancel, &it->cancelled);
    gate_add(&it->began);
    gate_wait(&it->cancelled, 1);
    (void)cleat_task_fail(cleat_batch_task(batch, 0), CLEAT_CANCELLED, "broken off");
    return CLEAT_OK;
}

static void test_a_cancellation_is_in_the_trace_of_its_run(void **state)
{
    sdk_fixture *it = *state;
    waiting waits;
    gate_init(&waits.began);
    gate_init(&waits.cancelled);
    sdk_trace(it, NULL, NULL);
    add_batch(it, wait_for_cancellation, &waits, &of_two);
    sdk_start(it);
    const cleat_run_id first = start(it, NULL), second = start(it, NULL);
    gate_wait(&waits.began, 1);
    assert_int_equal(cleat_client_cancel(it->client, &first), CLEAT_OK);
    sdk_wait(it, &second, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);
    cleat_span_view span = consumer_of(it, &first);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    cleat_span_view cancelled = spans_get(it->spans, "hatchet.cancel_step_run", 0);
    span_assert_child(&cancelled, &span);
    span_assert_string(&cancelled, "hatchet.step_run_id", first.text);
    assert_int_equal(spans_count(it->spans, "hatchet.cancel_step_run"), 1);
    gate_deinit(&waits.began);
    gate_deinit(&waits.cancelled);
}

/* ---- Queued steps of a workflow ---- */

static cleat_status insert_two(cleat_task *task, void *user_data)
{
    cleat_future futures[2];
    (void)user_data;
    cleat_status status = cleat_spawn(task, "rows:insert", NULL, NULL, &futures[0]);
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "rows:insert", NULL, NULL, &futures[1]);
    }
    return status == CLEAT_OK ? cleat_await_all(task, futures, 2, NULL) : status;
}

static void test_queued_steps_of_a_workflow(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_batch(it, nothing, NULL, &of_two);
    assert_int_equal(
        cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW_OPTIONS(.name = "order", .run = insert_two)),
        CLEAT_OK);
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "order", NULL, NULL, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);
    assert_int_equal(spans_count(it->spans, "step.execute rows:insert"), 2);
    for (size_t i = 0; i < 2; i++) {
        cleat_span_view span = spans_get(it->spans, "step.execute rows:insert", i);
        assert_int_equal(span.kind, CLEAT_SPAN_KIND_CONSUMER);
        assert_true(span_is_root(&span));
        span_assert_string(&span, "workflow.run.id", id.text);
        span_assert_int(&span, "step.attempt", 1);
        /* Its end brings the workflow its next invocation. */
        cleat_span_view sent = {0};
        bool is_sent = false;
        for (size_t k = 0; k < spans_count(it->spans, "queue.send") && !is_sent; k++) {
            sent = spans_get(it->spans, "queue.send", k);
            is_sent = memcmp(&sent.trace_id, &span.trace_id, sizeof(span.trace_id)) == 0;
        }
        assert_true(is_sent);
        span_assert_child(&sent, &span);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_run_is_tied_to_its_own_cause),
        TEST(test_spans_end_as_their_runs_do),
        TEST(test_what_is_done_for_a_run_is_in_its_trace),
        TEST(test_an_event_comes_from_the_run_that_is_worked_for),
        TEST(test_a_cancellation_is_in_the_trace_of_its_run),
        TEST(test_queued_steps_of_a_workflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
