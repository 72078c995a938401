/* The worker's side: hatchet.start_step_run tied to its cause, and what the task's context does. */
#include "support/gate.h"
#include "support/sdk_fixture.h"
#include "support/spans.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char start_step_run[] = "hatchet.start_step_run";
static const char run_workflow[] = "hatchet.run_workflow";

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

/* ---- One run ---- */

static void test_attributes(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    char worker_id[40];
    sdk_trace(it, NULL, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "mail:send", .run = nothing));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "mail:send", NULL, NULL, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
    cleat_span_view span = spans_get(it->spans, start_step_run, 0);
    cleat_span_view cause = spans_get(it->spans, run_workflow, 0);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_CONSUMER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_OK);
    span_assert_child(&span, &cause);
    span_assert_string(&span, "instrumentor", "hatchet");
    span_assert_string(&span, "hatchet.workflow_run_id", id.text);
    span_assert_string(&span, "hatchet.step_run_id", id.text);
    span_assert_string(&span, "hatchet.workflow_name", "mail");
    span_assert_string(&span, "hatchet.action_name", "mail:send");
    span_assert_string(&span, "hatchet.step_name", "send");
    span_assert_int(&span, "hatchet.retry_count", 0);
    span_assert_string(&span, "cleat.trace.relation", "parent");
    assert_int_equal(strlen(span_string(&span, "hatchet.worker_id", worker_id, sizeof worker_id)), 36);
    static const char *const ids[] = {"hatchet.step_id", "hatchet.workflow_id",
                                      "hatchet.workflow_version_id"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(strlen(span_string(&span, ids[i], worker_id, sizeof worker_id)), 36);
    }
    static const char *const absent[] = {
        "hatchet.tenant_id", "hatchet.child_workflow_key",  "hatchet.parent_workflow_run_id",
        "hatchet.payload",   "hatchet.additional_metadata",
    };
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        span_assert_string(&span, absent[i], NULL);
    }
    assert_int_equal(span.attribute_count, 12);
}

static cleat_status fail_twice(cleat_task *task, void *user_data)
{
    (void)user_data;
    int n = cleat_task_retry_count(task);
    return n < 2 ? cleat_task_fail(task, CLEAT_FAILED, "no luck %d", n) : CLEAT_OK;
}

static void test_each_attempt_has_a_span(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "fail", .run = fail_twice, .retries = 2));
    sdk_start(it);
    sdk_run(it, "fail", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    cleat_span_view cause = spans_get(it->spans, run_workflow, 0);
    for (size_t i = 0; i < 3; i++) {
        char message[32];
        cleat_span_view span = spans_get(it->spans, start_step_run, i);
        span_assert_child(&span, &cause);
        span_assert_int(&span, "hatchet.retry_count", (int64_t)i);
        if (i == 2) {
            assert_int_equal(span.status, CLEAT_SPAN_STATUS_OK);
            assert_int_equal(span.event_count, 0);
            continue;
        }
        (void)snprintf(message, sizeof message, "no luck %zu", i);
        assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
        assert_true(cleat_slice_equals(span.status_message, cleat_slice_of(message)));
        span_assert_exception(&span, "CLEAT_FAILED", message);
    }
}

static void test_task_name_in_span_name(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.include_task_name_in_span_name = CLEAT_SWITCH_ON), NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "mail:send", .run = nothing));
    sdk_start(it);
    sdk_run(it, "mail:send", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    assert_int_equal(spans_count(it->spans, "hatchet.start_step_run.mail:send"), 1);
    assert_int_equal(spans_count(it->spans, start_step_run), 0);
}

/* ---- Relations ---- */

static void test_relation_of_the_call(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "a", .run = nothing));
    sdk_start(it);
    sdk_run(it, "a", NULL, CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_PARENT), CLEAT_RUN_COMPLETED, NULL);
    sdk_run(it, "a", NULL, CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_LINK), CLEAT_RUN_COMPLETED, NULL);
    sdk_run(it, "a", NULL, CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_NONE), CLEAT_RUN_COMPLETED, NULL);

    cleat_span_view cause = spans_get(it->spans, run_workflow, 0);
    cleat_span_view span = spans_get(it->spans, start_step_run, 0);
    span_assert_child(&span, &cause);
    assert_int_equal(span.link_count, 0);
    span_assert_string(&span, "cleat.trace.relation", "parent");

    cause = spans_get(it->spans, run_workflow, 1);
    span = spans_get(it->spans, start_step_run, 1);
    assert_true(span_is_root(&span));
    assert_memory_not_equal(&span.trace_id, &cause.trace_id, sizeof span.trace_id);
    assert_int_equal(span.link_count, 1); /* spawn is the origin: one link, not two */
    span_assert_link(&span, 0, &cause, "spawn");
    span_assert_string(&span, "cleat.trace.relation", "link");

    cause = spans_get(it->spans, run_workflow, 2);
    span = spans_get(it->spans, start_step_run, 2);
    assert_true(span_is_root(&span));
    assert_memory_not_equal(&span.trace_id, &cause.trace_id, sizeof span.trace_id);
    assert_int_equal(span.link_count, 0);
    span_assert_string(&span, "cleat.trace.relation", "none");
}

static void test_unusable_carriers(void **state)
{
    sdk_fixture *it = *state;
    static const char *const metadata[] = {
        NULL,
        "{}",
        "{\"traceparent\":\"00-0-0-00\"}",
        "{\"traceparent\":7,\"cleat__origin_traceparent\":"
        "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\",\"cleat__trace\":\"link\"}",
    };
    cleat_run_id ids[4];
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "a", .run = nothing));
    sdk_start(it);
    sdk_stop(it);
    for (int i = 0; i < 4; i++) { /* not instrumented: nothing is injected */
        assert_int_equal(cleat_client_run_no_wait(it->client, "a", NULL,
                                                  CLEAT_RUN_OPTIONS(.metadata = metadata[i]), &ids[i]),
                         CLEAT_OK);
    }
    sdk_trace(it, NULL, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "a", .run = nothing));
    sdk_start(it);
    for (size_t i = 0; i < 4; i++) {
        sdk_wait(it, &ids[i], CLEAT_RUN_COMPLETED, NULL);
        cleat_span_view span = spans_get(it->spans, start_step_run, i);
        assert_true(span_is_root(&span));
        assert_int_equal(span.link_count, 0);
        assert_int_equal(span.status, CLEAT_SPAN_STATUS_OK);
    }
}

/* first -> second -> third, by spawning. */
static cleat_status spawn_next(cleat_task *task, void *user_data)
{
    const char *next = user_data;
    return cleat_task_spawn(task, next, NULL, NULL, NULL);
}

static bool always(const char *action_id, void *user_data)
{
    const char *except = user_data;
    return except == NULL || strcmp(action_id, except) != 0;
}

static cleat_status end_chain(cleat_task *task, void *user_data)
{
    gate_add(user_data);
    (void)task;
    return CLEAT_OK;
}

static void run_chain(sdk_fixture *it, const cleat_run_options *options)
{
    gate end;
    gate_init(&end);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "first", .run = spawn_next, .user_data = (void *)"second"));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "second", .run = spawn_next, .user_data = (void *)"third"));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "third", .run = end_chain, .user_data = &end));
    sdk_start(it);
    sdk_run(it, "first", NULL, options, CLEAT_RUN_COMPLETED, NULL);
    gate_wait(&end, 1);
    sdk_stop(it);
    gate_deinit(&end);
}

/* The span whose hatchet.step_name is `task`; of a producer: that starts it. */
static cleat_span_view span_of(sdk_fixture *it, const char *name, const char *task)
{
    char step[64];
    cleat_span_view view = {0};
    for (size_t i = 0; i < spans_count(it->spans, name); i++) {
        view = spans_get(it->spans, name, i);
        if (strcmp(span_string(&view, "hatchet.step_name", step, sizeof step), task) == 0) {
            return view;
        }
    }
    fail_msg("no %s of %s", name, task);
    return view;
}

static void test_links_to_spawn_and_origin(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = always), NULL);
    run_chain(it, NULL);
    static const char *const tasks[] = {"first", "second", "third"};
    cleat_span_view origin = span_of(it, run_workflow, "first");
    for (size_t i = 0; i < 3; i++) {
        cleat_span_view span = span_of(it, start_step_run, tasks[i]);
        cleat_span_view cause = span_of(it, run_workflow, tasks[i]);
        assert_true(span_is_root(&span));
        assert_int_equal(span.link_count, i == 0 ? 1 : 2);
        span_assert_link(&span, 0, &cause, "spawn");
        if (i > 0) {
            cleat_span_view spawner = span_of(it, start_step_run, tasks[i - 1]);
            span_assert_child(&cause, &spawner);
            span_assert_link(&span, 1, &origin, "origin");
        }
    }
}

static void test_parents_all_the_way(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    run_chain(it, NULL);
    cleat_span_view origin = span_of(it, run_workflow, "first");
    cleat_span_view last = span_of(it, start_step_run, "third");
    cleat_span_view cause = span_of(it, run_workflow, "third");
    span_assert_child(&last, &cause);
    assert_memory_equal(&last.trace_id, &origin.trace_id, sizeof last.trace_id);
    assert_int_equal(last.link_count, 0);
    char parent[40];
    cleat_span_view second = span_of(it, start_step_run, "second");
    char second_id[40];
    assert_string_equal(span_string(&last, "hatchet.parent_workflow_run_id", parent, sizeof parent),
                        span_string(&second, "hatchet.workflow_run_id", second_id, sizeof second_id));
    span_assert_int(&last, "hatchet.child_workflow_index", 0);
    span_assert_int(&cause, "hatchet.child_index", 0);
}

/* Linked only at the last hop, which still knows where it all began. */
static void test_origin_passes_continued_traces(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.budget = {.max_depth = 2}), NULL);
    run_chain(it, NULL);
    cleat_span_view origin = span_of(it, run_workflow, "first");
    cleat_span_view second = span_of(it, start_step_run, "second");
    cleat_span_view third = span_of(it, start_step_run, "third");
    cleat_span_view cause = span_of(it, run_workflow, "third");
    assert_memory_equal(&second.trace_id, &origin.trace_id, sizeof origin.trace_id);
    assert_true(span_is_root(&third));
    span_assert_link(&third, 0, &cause, "spawn");
    span_assert_link(&third, 1, &origin, "origin");
}

/* Depth is counted from the root of each trace, so a linked one begins anew. */
static void test_budget_begins_anew_with_each_trace(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.budget = {.max_depth = 1}), NULL);
    run_chain(it, NULL);
    cleat_span_view first = span_of(it, start_step_run, "first");
    cleat_span_view second = span_of(it, start_step_run, "second");
    cleat_span_view third = span_of(it, start_step_run, "third");
    span_assert_string(&first, "cleat.trace.relation", "parent");
    span_assert_string(&second, "cleat.trace.relation", "link");
    span_assert_string(&third, "cleat.trace.relation", "parent");
    assert_memory_equal(&third.trace_id, &second.trace_id, sizeof third.trace_id);
}

static cleat_status spawn_five(cleat_task *task, void *user_data)
{
    cleat_run_id *ids = user_data;
    cleat_run_item items[3] = {{"leaf", NULL, NULL}, {"leaf", NULL, NULL}, {"leaf", NULL, NULL}};
    cleat_status status = cleat_task_spawn(task, "leaf", NULL, NULL, &ids[0]);
    if (status == CLEAT_OK) {
        status = cleat_task_spawn_many(task, items, 3, &ids[1]);
    }
    return status == CLEAT_OK ? cleat_task_spawn(task, "leaf", NULL, NULL, &ids[4]) : status;
}

/* The root itself is the first queued span of the trace; of five children two still fit. */
static void test_budget_of_spans(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id ids[5];
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.budget = {.max_spans = 3}), NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "tree", .run = spawn_five, .user_data = ids));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "leaf", .run = nothing));
    sdk_start(it);
    sdk_run(it, "tree", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    for (int i = 0; i < 5; i++) {
        sdk_wait(it, &ids[i], CLEAT_RUN_COMPLETED, NULL);
    }
    for (size_t i = 0; i < spans_count(it->spans, start_step_run); i++) {
        char id[40];
        cleat_span_view span = spans_get(it->spans, start_step_run, i);
        (void)span_string(&span, "hatchet.workflow_run_id", id, sizeof id);
        for (int n = 0; n < 5; n++) {
            if (strcmp(ids[n].text, id) == 0) {
                span_assert_string(&span, "cleat.trace.relation", n < 2 ? "parent" : "link");
            }
        }
    }
}

/* Runs started outside of any run count as well, by trace. */
static void test_budget_of_spans_outside_of_runs(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.budget = {.max_spans = 2}), NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "leaf", .run = nothing));
    sdk_start(it);
    cleat_span span = cleat_span_start(it->tracer, "request", NULL);
    cleat_scope scope = cleat_span_attach(span);
    for (int i = 0; i < 3; i++) {
        sdk_run(it, "leaf", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    }
    (void)cleat_scope_detach(scope);
    (void)cleat_span_end(span);
    sdk_run(it, "leaf", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    static const char *const expected[] = {"parent", "parent", "link", "parent"};
    for (size_t i = 0; i < 4; i++) {
        cleat_span_view found = spans_get(it->spans, start_step_run, i);
        span_assert_string(&found, "cleat.trace.relation", expected[i]);
    }
}

static void test_predicate_by_action(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it,
              CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = always,
                                         .user_data = (void *)"second:second"),
              NULL);
    run_chain(it, CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_PARENT)); /* the call is asked first */
    cleat_span_view first = span_of(it, start_step_run, "first");
    cleat_span_view second = span_of(it, start_step_run, "second");
    cleat_span_view third = span_of(it, start_step_run, "third");
    span_assert_string(&first, "cleat.trace.relation", "parent");
    span_assert_string(&second, "cleat.trace.relation", "parent");
    span_assert_string(&third, "cleat.trace.relation", "link");
}

/* ---- The task's context ---- */

typedef struct inside {
    cleat_tracer *tracer;
    cleat_context *captured; /* of the task, kept beyond its end */
} inside;

static cleat_status open_spans(cleat_task *task, void *user_data)
{
    inside *it = user_data;
    cleat_span child = cleat_span_start(it->tracer, "child", NULL);
    cleat_span_set_string(child, "hatchet.step_name", "of my own");
    (void)cleat_span_end(child);
    (void)cleat_span_end(cleat_span_start(it->tracer, "root", CLEAT_SPAN_OPTIONS(.root = true)));
    it->captured = cleat_context_capture();
    cleat_slice user = cleat_baggage_get(cleat_context_get_baggage(cleat_context_current()), "user");
    return cleat_task_return_format(task, "\"%.*s\"", CLEAT_SLICE_ARGS(user));
}

static void test_spans_in_a_task(void **state)
{
    sdk_fixture *it = *state;
    char id[40];
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = always), NULL);
    inside in = {.tracer = it->tracer};
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "open", .run = open_spans, .user_data = &in));
    sdk_start(it);
    cleat_baggage *baggage = cleat_baggage_with(NULL, "user", cleat_slice_of("Ada"), NULL);
    cleat_context *context = cleat_context_with_baggage(NULL, baggage);
    cleat_scope scope = cleat_context_attach(context);
    sdk_run(it, "open", NULL, NULL, CLEAT_RUN_COMPLETED, "\"Ada\"");
    (void)cleat_scope_detach(scope);
    cleat_context_release(context);
    cleat_baggage_release(baggage);
    sdk_stop(it);

    scope = cleat_context_attach(in.captured);
    (void)cleat_span_end(cleat_span_start(it->tracer, "afterwards", NULL));
    (void)cleat_scope_detach(scope);
    cleat_context_release(in.captured);

    cleat_span_view task = spans_get(it->spans, start_step_run, 0);
    cleat_span_view child = spans_get(it->spans, "child", 0);
    cleat_span_view root = spans_get(it->spans, "root", 0);
    cleat_span_view afterwards = spans_get(it->spans, "afterwards", 0);
    (void)span_string(&task, "hatchet.workflow_run_id", id, sizeof id);
    span_assert_child(&child, &task);
    span_assert_child(&afterwards, &task);
    assert_true(span_is_root(&root));
    const cleat_span_view *const all[] = {&child, &root, &afterwards};
    for (size_t i = 0; i < 3; i++) {
        span_assert_string(all[i], "hatchet.workflow_run_id", id);
        span_assert_string(all[i], "hatchet.action_name", "open:open");
        span_assert_int(all[i], "hatchet.retry_count", 0);
        span_assert_string(all[i], "instrumentor", NULL);
        span_assert_string(all[i], "cleat.trace.relation", NULL);
    }
    span_assert_string(&root, "hatchet.step_name", "open");
}

/* What a span sets when it starts is its own; what it sets later overwrites. */
static void test_own_attributes_win(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    inside in = {.tracer = it->tracer};
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "open", .run = open_spans, .user_data = &in));
    sdk_start(it);
    sdk_run(it, "open", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);
    cleat_context_release(in.captured);
    cleat_span_view child = spans_get(it->spans, "child", 0);
    span_assert_string(&child, "hatchet.step_name", "of my own");
}

typedef struct heard {
    gate end;
    char user[16];
} heard;

static cleat_status hear_baggage(cleat_task *task, void *user_data)
{
    heard *it = user_data;
    (void)task;
    cleat_slice user = cleat_baggage_get(cleat_context_get_baggage(cleat_context_current()), "user");
    (void)snprintf(it->user, sizeof it->user, "%.*s", CLEAT_SLICE_ARGS(user));
    gate_add(&it->end);
    return CLEAT_OK;
}

/* Baggage of the caller reaches the children's children, whatever the relation. */
static void test_baggage_goes_on(void **state)
{
    sdk_fixture *it = *state;
    heard last = {.user = ""};
    gate_init(&last.end);
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = always), NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "first", .run = spawn_next, .user_data = (void *)"second"));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "second", .run = spawn_next, .user_data = (void *)"third"));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "third", .run = hear_baggage, .user_data = &last));
    sdk_start(it);
    cleat_baggage *baggage = cleat_baggage_with(NULL, "user", cleat_slice_of("Ada"), NULL);
    cleat_context *context = cleat_context_with_baggage(NULL, baggage);
    cleat_scope scope = cleat_context_attach(context);
    sdk_run(it, "first", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    (void)cleat_scope_detach(scope);
    cleat_context_release(context);
    cleat_baggage_release(baggage);
    gate_wait(&last.end, 1);
    sdk_stop(it);
    assert_string_equal(last.user, "Ada");
    gate_deinit(&last.end);
}

static void *spawn_from_thread(void *task)
{
    return (void *)(intptr_t)cleat_task_spawn(task, "leaf", NULL, NULL, NULL);
}

static cleat_status spawn_by_thread(cleat_task *task, void *user_data)
{
    pthread_t thread;
    void *result = NULL;
    (void)user_data;
    if (cleat__thread_start(&thread, "spawn", spawn_from_thread, task) != CLEAT_OK) {
        return CLEAT_NON_RETRYABLE;
    }
    pthread_join(thread, &result);
    return (cleat_status)(intptr_t)result;
}

static void test_spawn_from_a_thread_without_context(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "tree", .run = spawn_by_thread));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "leaf", .run = nothing));
    sdk_start(it);
    sdk_run(it, "tree", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    cleat_span_view task = span_of(it, start_step_run, "tree");
    cleat_span_view cause = span_of(it, run_workflow, "leaf");
    span_assert_child(&cause, &task);
}

/* ---- Cancellation ---- */

typedef struct waiter {
    gate begun, cancelled;
} waiter;

static void open_gate(void *user_data)
{
    gate_add(user_data);
}

static cleat_status wait_until_cancelled(cleat_task *task, void *user_data)
{
    waiter *it = user_data;
    cleat_task_on_cancel(task, open_gate, &it->cancelled);
    gate_add(&it->begun);
    gate_wait(&it->cancelled, 1);
    return CLEAT_CANCELLED;
}

static void test_cancel(void **state)
{
    sdk_fixture *it = *state;
    waiter waiting;
    cleat_run_id id;
    gate_init(&waiting.begun);
    gate_init(&waiting.cancelled);
    sdk_trace(it, NULL, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "wait", .run = wait_until_cancelled, .user_data = &waiting));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "wait", NULL, NULL, &id), CLEAT_OK);
    gate_wait(&waiting.begun, 1);
    assert_int_equal(cleat_client_cancel(it->client, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_CANCELLED, NULL);
    sdk_stop(it);
    cleat_span_view task = spans_get(it->spans, start_step_run, 0);
    cleat_span_view cancel = spans_get(it->spans, "hatchet.cancel_step_run", 0);
    assert_int_equal(cancel.kind, CLEAT_SPAN_KIND_CONSUMER);
    assert_int_equal(cancel.status, CLEAT_SPAN_STATUS_UNSET);
    span_assert_string(&cancel, "instrumentor", "hatchet");
    span_assert_string(&cancel, "hatchet.step_run_id", id.text);
    span_assert_child(&cancel, &task);
    assert_int_equal(task.status, CLEAT_SPAN_STATUS_UNSET); /* neither success nor failure */
    assert_int_equal(task.event_count, 0);
    gate_deinit(&waiting.begun);
    gate_deinit(&waiting.cancelled);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_attributes),
        TEST(test_each_attempt_has_a_span),
        TEST(test_task_name_in_span_name),
        TEST(test_relation_of_the_call),
        TEST(test_unusable_carriers),
        TEST(test_links_to_spawn_and_origin),
        TEST(test_parents_all_the_way),
        TEST(test_origin_passes_continued_traces),
        TEST(test_budget_begins_anew_with_each_trace),
        TEST(test_budget_of_spans),
        TEST(test_budget_of_spans_outside_of_runs),
        TEST(test_predicate_by_action),
        TEST(test_spans_in_a_task),
        TEST(test_own_attributes_win),
        TEST(test_baggage_goes_on),
        TEST(test_spawn_from_a_thread_without_context),
        TEST(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
