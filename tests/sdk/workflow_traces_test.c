/* The traces of workflows (telemetry.md section 6): each invocation and each queued step where its mode puts it,
 * the origin one link away from all of them, and no trace larger than its own invocation. */
#include "support/gate.h"
#include "support/overheard.h"
#include "support/sdk_fixture.h"
#include "support/spans.h"
#include "trace/batch.h"

#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char queue_send[] = "queue.send";

static cleat_status give(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"ok\":true}");
}

static void add_workflow(sdk_fixture *it, const cleat_workflow_options *options)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "aside", .run = give));
    assert_int_equal(cleat_worker_add_workflow(it->worker, options), CLEAT_OK);
}

static void start_and_wait(sdk_fixture *it, const char *name, cleat_run_id *id)
{
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, name, NULL, NULL, id), CLEAT_OK);
    sdk_wait(it, id, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it); /* spans end after what they say is on disk */
}

/* The number `index` of the spans of that name that are of the trace of `of`. */
static cleat_span_view in_trace_of(sdk_fixture *it, const cleat_span_view *of, const char *name, size_t index)
{
    for (size_t i = 0;; i++) {
        cleat_span_view span = spans_get(it->spans, name, i);
        bool is_same = memcmp(&span.trace_id, &of->trace_id, sizeof(span.trace_id)) == 0;
        if (is_same && index-- == 0) {
            return span;
        }
    }
}

/* ---- Invocations ---- */

static cleat_status sleepy(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_step(task, "first", give, NULL, NULL);
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "1ms");
    }
    return status == CLEAT_OK ? cleat_step(task, "second", give, NULL, NULL) : status;
}

static void each_invocation_is_a_trace_of_its_own(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW_OPTIONS(.name = "sleepy", .run = sleepy,
                                            .machine_name = "workflow//src/order.c//process_order"));
    start_and_wait(it, "sleepy", &id);

    cleat_span_view start = spans_get(it->spans, "workflow.start process_order", 0);
    cleat_span_view first = spans_get(it->spans, "workflow.execute process_order", 0);
    cleat_span_view second = spans_get(it->spans, "workflow.execute process_order", 1);
    cleat_span_view sent = in_trace_of(it, &start, queue_send, 0);
    cleat_span_view suspended = in_trace_of(it, &first, queue_send, 0);
    assert_int_equal(spans_count(it->spans, "workflow.execute process_order"), 2);

    assert_int_equal(start.kind, CLEAT_SPAN_KIND_INTERNAL);
    span_assert_string(&start, "workflow.run.id", id.text);
    assert_int_equal(sent.kind, CLEAT_SPAN_KIND_PRODUCER);
    span_assert_child(&sent, &start);

    assert_int_equal(first.kind, CLEAT_SPAN_KIND_CONSUMER);
    assert_true(span_is_root(&first));
    assert_int_equal(first.link_count, 2);
    span_assert_link(&first, 0, &sent, "delivery");
    span_assert_link(&first, 1, &start, "origin");
    assert_int_equal(first.status, CLEAT_SPAN_STATUS_OK);
    span_assert_string(&first, "workflow.name", "workflow//src/order.c//process_order");
    span_assert_string(&first, "workflow.run.id", id.text);
    span_assert_string(&first, "workflow.run.status", "running");
    span_assert_string(&first, "workflow.trace.mode", "linked");
    span_assert_string(&first, "workflow.suspension.state", "suspended");
    span_assert_int(&first, "workflow.suspension.step_count", 0);
    span_assert_int(&first, "workflow.suspension.hook_count", 0);
    span_assert_int(&first, "workflow.suspension.wait_count", 1);

    assert_int_equal(suspended.kind, CLEAT_SPAN_KIND_PRODUCER);
    span_assert_child(&suspended, &first);
    assert_true(span_is_root(&second));
    assert_int_equal(second.link_count, 2);
    span_assert_link(&second, 0, &suspended, "delivery");
    span_assert_link(&second, 1, &start, "origin");
    span_assert_string(&second, "workflow.run.status", "completed");
    span_assert_string(&second, "workflow.suspension.state", NULL);
}

static void steps_in_place_are_children_of_their_invocation(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(sleepy, .name = "sleepy"));
    start_and_wait(it, "sleepy", &id);

    assert_int_equal(spans_count(it->spans, "step.execute give"), 2); /* the replay has none */
    for (size_t i = 0; i < 2; i++) {
        cleat_span_view invocation = spans_get(it->spans, "workflow.execute sleepy", i);
        cleat_span_view step = spans_get(it->spans, "step.execute give", i);
        char name[256];
        assert_int_equal(step.kind, CLEAT_SPAN_KIND_INTERNAL);
        span_assert_child(&step, &invocation);
        assert_int_equal(step.status, CLEAT_SPAN_STATUS_OK);
        span_assert_string(&step, "workflow.run.id", id.text);
        span_assert_int(&step, "step.attempt", 1);
        assert_non_null(strstr(span_string(&step, "step.name", name, sizeof(name)), "//give"));
    }
}

static void a_continuous_run_is_below_its_origin(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    setenv("WORKFLOW_TRACE_MODE", "continuous", 1);
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(sleepy, .name = "sleepy"));
    start_and_wait(it, "sleepy", &id);
    unsetenv("WORKFLOW_TRACE_MODE");

    cleat_span_view start = spans_get(it->spans, "workflow.start sleepy", 0);
    for (size_t i = 0; i < 2; i++) {
        cleat_span_view invocation = spans_get(it->spans, "workflow.execute sleepy", i);
        span_assert_child(&invocation, &start);
        assert_int_equal(invocation.link_count, 1);
        span_assert_string(&invocation, "workflow.trace.mode", "continuous");
    }
    cleat_span_view first = spans_get(it->spans, "workflow.execute sleepy", 0);
    cleat_span_view second = spans_get(it->spans, "workflow.execute sleepy", 1);
    cleat_span_view sent = spans_get(it->spans, queue_send, 0);
    cleat_span_view suspended = spans_get(it->spans, queue_send, 1);
    span_assert_child(&sent, &start);
    span_assert_link(&first, 0, &sent, "delivery");
    span_assert_child(&suspended, &first);
    span_assert_link(&second, 0, &suspended, "delivery");
}

static void without_a_carrier_the_first_invocation_is_the_origin(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(sleepy, .name = "sleepy"));
    sdk_start(it);
    cleat__tracing_suppress(true);
    assert_int_equal(cleat_client_run_no_wait(it->client, "sleepy", NULL, NULL, &id), CLEAT_OK);
    cleat__tracing_suppress(false);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);

    cleat_span_view first = spans_get(it->spans, "workflow.execute sleepy", 0);
    cleat_span_view second = spans_get(it->spans, "workflow.execute sleepy", 1);
    cleat_span_view suspended = in_trace_of(it, &first, queue_send, 0);
    assert_int_equal(first.link_count, 0);
    assert_true(span_is_root(&first));
    assert_int_equal(second.link_count, 2);
    span_assert_link(&second, 0, &suspended, "delivery");
    span_assert_link(&second, 1, &first, "origin");
}

static void an_unknown_mode_is_linked_and_said_once(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    overheard log;
    overhear(&log, "WORKFLOW_TRACE_MODE");
    setenv("WORKFLOW_TRACE_MODE", "sideways", 1);
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(sleepy, .name = "sleepy"));
    start_and_wait(it, "sleepy", &id);
    unsetenv("WORKFLOW_TRACE_MODE");
    assert_int_equal(overheard_end(&log), 1);

    cleat_span_view second = spans_get(it->spans, "workflow.execute sleepy", 1);
    span_assert_string(&second, "workflow.trace.mode", "linked");
    assert_true(span_is_root(&second));
    assert_non_null(strstr(log.text, "sideways"));
    assert_non_null(strstr(log.text, "linked"));
    assert_non_null(strstr(log.text, "continuous"));
}

/* ---- Through the queue ---- */

static char aside[] = "aside", inner_name[] = "inner";

static cleat_status spawner(cleat_task *task, void *user_data)
{
    cleat_future future;
    cleat_status status = cleat_spawn(task, user_data, NULL, NULL, &future);
    return status == CLEAT_OK ? cleat_await(task, &future, NULL) : status;
}

static void a_queued_step_is_a_trace_of_its_own(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawner, .name = "spawner", .user_data = aside));
    start_and_wait(it, "spawner", &id);

    cleat_span_view start = spans_get(it->spans, "workflow.start spawner", 0);
    cleat_span_view first = spans_get(it->spans, "workflow.execute spawner", 0);
    cleat_span_view second = spans_get(it->spans, "workflow.execute spawner", 1);
    cleat_span_view step = spans_get(it->spans, "step.execute aside:aside", 0);
    cleat_span_view sent = in_trace_of(it, &first, queue_send, 0);
    cleat_span_view ended = in_trace_of(it, &step, queue_send, 0);
    assert_int_equal(step.kind, CLEAT_SPAN_KIND_CONSUMER);
    assert_true(span_is_root(&step));
    assert_int_equal(step.link_count, 2);
    span_assert_link(&step, 0, &sent, "delivery");
    span_assert_link(&step, 1, &start, "origin");
    span_assert_string(&step, "workflow.run.id", id.text);
    span_assert_string(&step, "step.name", "aside:aside");
    span_assert_int(&step, "step.attempt", 1);
    span_assert_child(&ended, &step);
    assert_int_equal(second.link_count, 2);
    span_assert_link(&second, 0, &ended, "delivery");
    span_assert_link(&second, 1, &start, "origin");
    span_assert_int(&first, "workflow.suspension.step_count", 1);
}

static cleat_status plain(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "1");
}

static void a_workflow_of_a_workflow_speaks_of_itself(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    char child_id[64];
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawner, .name = "outer", .user_data = inner_name));
    assert_int_equal(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(plain, .name = "inner")), CLEAT_OK);
    start_and_wait(it, "outer", &id);

    cleat_span_view start = spans_get(it->spans, "workflow.start spawner", 0);
    cleat_span_view inner = spans_get(it->spans, "workflow.execute plain", 0);
    assert_true(span_is_root(&inner));
    span_assert_link(&inner, 1, &start, "origin");
    assert_string_not_equal(span_string(&inner, "workflow.run.id", child_id, sizeof(child_id)), id.text);
}

static cleat_status sleep_and_return(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_sleep(task, "1ms");
    return status == CLEAT_OK ? cleat_task_return(task, "1") : status;
}

static void a_child_that_has_waited_tells_its_parent_where_it_ended(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawner, .name = "outer", .user_data = inner_name));
    assert_int_equal(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(sleep_and_return, .name = "inner")),
                     CLEAT_OK);
    start_and_wait(it, "outer", &id);

    cleat_span_view last = spans_get(it->spans, "workflow.execute sleep_and_return", 1);
    cleat_span_view ended = in_trace_of(it, &last, queue_send, 0);
    cleat_span_view outer = spans_get(it->spans, "workflow.execute spawner", 1);
    span_assert_child(&ended, &last);
    span_assert_link(&outer, 0, &ended, "delivery");
}

/* The one whose input is {} goes on as another one. */
static cleat_status go_on(cleat_task *task, void *user_data)
{
    (void)user_data;
    bool is_first = cleat_slice_equals(cleat_task_input(task), cleat_slice_of("{}"));
    return is_first ? cleat_continue_as_new(task, "{\"page\":2}") : cleat_task_return(task, "1");
}

static void the_end_of_a_run_that_goes_on_is_the_last_ones(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    /* One invocation after the other. */
    assert_int_equal(
        cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 1, .threads = 1), &it->worker), CLEAT_OK);
    add_workflow(it, CLEAT_WORKFLOW(spawner, .name = "outer", .user_data = inner_name));
    assert_int_equal(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(go_on, .name = "inner")), CLEAT_OK);
    start_and_wait(it, "outer", &id);

    cleat_span_view first = spans_get(it->spans, "workflow.execute go_on", 0);
    cleat_span_view last = spans_get(it->spans, "workflow.execute go_on", 1);
    cleat_span_view next = in_trace_of(it, &first, queue_send, 0);
    cleat_span_view ended = in_trace_of(it, &last, queue_send, 0);
    cleat_span_view outer = spans_get(it->spans, "workflow.execute spawner", 1);
    span_assert_link(&last, 0, &next, "delivery");
    span_assert_link(&outer, 0, &ended, "delivery");
    /* The start, what `outer` spawned, its wait, and the two of above. */
    assert_int_equal(spans_count(it->spans, queue_send), 5);
}

static void a_run_that_goes_on_is_no_workflow_of_the_one_before(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(go_on, .name = "inner"));
    start_and_wait(it, "inner", &id);
    assert_int_equal(spans_count(it->spans, "workflow.execute go_on"), 2);
    assert_int_equal(spans_count(it->spans, queue_send), 2); /* each is queued; nobody waits for the end */
}

/* Of what this process has not declared only the name is known that it was started by. */
static void a_start_is_called_as_the_program_calls_it(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    assert_refused(cleat_workflow_start(it->client, "elsewhere", NULL, NULL, NULL), CLEAT_NOT_FOUND,
                   "there is no task \"elsewhere\"");
    assert_int_equal(spans_count(it->spans, "workflow.start elsewhere"), 1);
}

static void what_a_continuous_run_queues_comes_from_there(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    setenv("WORKFLOW_TRACE_MODE", "continuous", 1);
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(spawner, .name = "spawner", .user_data = aside));
    start_and_wait(it, "spawner", &id);
    unsetenv("WORKFLOW_TRACE_MODE");

    cleat_span_view start = spans_get(it->spans, "workflow.start spawner", 0);
    cleat_span_view first = spans_get(it->spans, "workflow.execute spawner", 0);
    cleat_span_view second = spans_get(it->spans, "workflow.execute spawner", 1);
    cleat_span_view step = spans_get(it->spans, "step.execute aside:aside", 0);
    cleat_span_view sent;
    assert_true(spans_find(it->spans, &step.parent_span_id, &sent));
    assert_true(cleat_slice_equals(sent.name, cleat_slice_of(queue_send)));
    span_assert_child(&sent, &first);
    span_assert_child(&second, &start);
}

/* ---- Hooks ---- */

static cleat_status hooked(cleat_task *task, void *user_data)
{
    cleat_hook hook;
    cleat_slice payload;
    (void)user_data;
    cleat_status status = cleat_hook_create(task, "approve-7", &hook);
    return status == CLEAT_OK ? cleat_hook_wait(task, &hook, NULL, &payload) : status;
}

static void a_resumed_hook_delivers_the_next_invocation(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(hooked, .name = "hooked"));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "hooked", NULL, NULL, &id), CLEAT_OK);
    while (spans_count(it->spans, "workflow.execute hooked") == 0) { /* until it waits */
        sched_yield();
    }
    assert_int_equal(cleat_hook_resume(it->client, "approve-7", "{\"by\":\"ada\"}", NULL), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);

    size_t resumed = spans_count(it->spans, "hook.resume");
    cleat_span_view start = spans_get(it->spans, "workflow.start hooked", 0);
    cleat_span_view resume = spans_get(it->spans, "hook.resume", resumed - 1);
    assert_int_equal(resume.kind, CLEAT_SPAN_KIND_PRODUCER);
    span_assert_link(&resume, 0, &start, "origin");
    span_assert_string(&resume, "workflow.run.id", id.text);
    size_t invocations = spans_count(it->spans, "workflow.execute hooked");
    cleat_span_view last = spans_get(it->spans, "workflow.execute hooked", invocations - 1);
    span_assert_link(&last, 0, &resume, "delivery");
    span_assert_link(&last, 1, &start, "origin");
}

/* Who reads spans must not learn how to resume a run. */
static void a_resume_that_is_refused_does_not_say_the_token(void **state)
{
    sdk_fixture *it = *state;
    char message[256];
    sdk_trace(it, NULL, NULL);
    assert_int_equal(cleat_hook_resume(it->client, "approve-8", "1", NULL), CLEAT_NOT_FOUND);
    cleat_span_view resume = spans_get(it->spans, "hook.resume", 0);
    assert_int_equal(resume.status, CLEAT_SPAN_STATUS_ERROR);
    snprintf(message, sizeof(message), "%.*s", CLEAT_SLICE_ARGS(resume.status_message));
    assert_string_equal(message, "there is no hook with the token appr...");
}

static cleat_status resume_it(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_hook_resume(cleat_task_client(task), "approve-7", "1", NULL);
}

static void a_run_that_resumes_another_leaves_it_its_origin(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id, other;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(hooked, .name = "hooked"));
    assert_int_equal(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "resume", .run = resume_it)), CLEAT_OK);
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "hooked", NULL, NULL, &id), CLEAT_OK);
    while (spans_count(it->spans, "workflow.execute hooked") == 0) { /* until it waits */
        sched_yield();
    }
    assert_int_equal(cleat_client_run_no_wait(it->client, "resume", NULL, NULL, &other), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, NULL);
    sdk_wait(it, &other, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);

    cleat_span_view start = spans_get(it->spans, "workflow.start hooked", 0);
    cleat_span_view resume = spans_get(it->spans, "hook.resume", 0);
    cleat_span_view last = spans_get(it->spans, "workflow.execute hooked", 1);
    span_assert_link(&last, 0, &resume, "delivery");
    span_assert_link(&last, 1, &start, "origin");
}

/* ---- What goes along ---- */

static cleat_status read_baggage(cleat_task *task, void *user_data)
{
    const cleat_baggage *baggage = cleat_context_get_baggage(cleat_context_current());
    cleat_slice *seen = user_data;
    (void)task;
    for (size_t i = 0; i < 3 && baggage != NULL; i++) {
        static const char *const keys[] = {"workflow.run_id", "workflow.name", "shop"};
        cleat_slice value = cleat_baggage_get(baggage, keys[i]);
        char *copy = calloc(1, value.size + 1);
        memcpy(copy, value.size > 0 ? value.data : "", value.size);
        free((char *)(uintptr_t)seen[i].data);
        seen[i] = cleat_slice_of(copy);
    }
    return CLEAT_OK;
}

static cleat_status reader(cleat_task *task, void *user_data)
{
    cleat_status status = cleat_step_run(
        task, CLEAT_STEP_OPTIONS(.name = "read", .run = read_baggage, .user_data = user_data), NULL);
    cleat_future future;
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "queued", NULL, NULL, &future);
    }
    return status == CLEAT_OK ? cleat_await(task, &future, NULL) : status;
}

static void baggage_names_the_workflow_beside_the_callers(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    cleat_slice in_place[3] = {{NULL, 0}}, queued[3] = {{NULL, 0}};
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW_OPTIONS(.name = "reader", .run = reader, .user_data = in_place));
    assert_int_equal(
        cleat_worker_add_task(it->worker,
                              CLEAT_TASK_OPTIONS(.name = "queued", .run = read_baggage, .user_data = queued)),
        CLEAT_OK);
    sdk_start(it);
    cleat_baggage *baggage = cleat_baggage_with(NULL, "shop", cleat_slice_of("berlin"), NULL);
    cleat_context *context = cleat_context_with_baggage(NULL, baggage);
    cleat_scope scope = cleat_context_attach(context);
    assert_int_equal(cleat_client_run_no_wait(it->client, "reader", NULL, NULL, &id), CLEAT_OK);
    (void)cleat_scope_detach(scope);
    cleat_context_release(context);
    cleat_baggage_release(baggage);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, NULL);
    sdk_stop(it);
    const cleat_slice *const all[] = {in_place, queued};
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(all[i][0].data, id.text);
        assert_string_equal(all[i][1].data, "reader");
        assert_string_equal(all[i][2].data, "berlin");
        for (size_t k = 0; k < 3; k++) {
            free((char *)(uintptr_t)all[i][k].data);
        }
    }
}

/* ---- Hatchet's vocabulary ---- */

static void a_durable_task_speaks_as_tasks_do(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(sleepy, .name = "durable", .spans = CLEAT_HATCHET_SPANS));
    start_and_wait(it, "durable", &id);

    assert_int_equal(spans_count(it->spans, "workflow.execute sleepy"), 0);
    assert_int_equal(spans_count(it->spans, "hatchet.start_step_run"), 2);
    cleat_span_view first = spans_get(it->spans, "hatchet.start_step_run", 0);
    cleat_span_view wait = spans_get(it->spans, "hatchet.durable.wait_for", 0);
    assert_int_equal(wait.kind, CLEAT_SPAN_KIND_INTERNAL);
    assert_int_equal(wait.status, CLEAT_SPAN_STATUS_OK);
    span_assert_child(&wait, &first);
    span_assert_string(&wait, "hatchet.step_run_id", id.text);
    assert_int_equal(spans_count(it->spans, "hatchet.durable.wait_for"), 1);
}

/* ---- The point of it all ---- */

enum { STEPS = 1000, SPANS_OF_AN_INVOCATION = 8 };

static cleat_status flaky(cleat_task *task, void *user_data)
{
    (void)user_data;
    bool fails = cleat_task_retry_count(task) == 0 && cleat_task_child_index(task) % 100 == 0;
    return fails ? cleat_task_fail(task, CLEAT_FAILED, "no luck") : cleat_task_return(task, "1");
}

static cleat_status fan_out(cleat_task *task, void *user_data)
{
    cleat_future *futures = calloc(STEPS, sizeof(*futures));
    (void)user_data;
    cleat_status status = cleat_step(task, "before", give, NULL, NULL);
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "1ms");
    }
    for (size_t i = 0; i < STEPS && status == CLEAT_OK; i++) {
        status = cleat_spawn(task, "flaky", NULL, NULL, &futures[i]);
    }
    if (status == CLEAT_OK) {
        status = cleat_await_all(task, futures, STEPS, NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_step(task, "after", give, NULL, NULL);
    }
    free(futures);
    return status;
}

typedef struct trace_size {
    cleat_trace_id id;
    size_t spans;
} trace_size;

static size_t count_into(trace_size *traces, size_t count, const cleat_trace_id *id)
{
    size_t i = 0;
    while (i < count && memcmp(&traces[i].id, id, sizeof(*id)) != 0) {
        i++;
    }
    traces[i].id = *id;
    traces[i].spans++;
    return i == count ? count + 1 : count;
}

static bool links_to(const cleat_span_view *span, const cleat_span_view *to)
{
    cleat_link_view link;
    size_t cursor = 0;
    while (cleat_span_view_next_link(span, &cursor, &link)) {
        if (memcmp(&link.context.trace_id, &to->trace_id, sizeof(to->trace_id)) == 0 &&
            memcmp(&link.context.span_id, &to->span_id, sizeof(to->span_id)) == 0) {
            return true;
        }
    }
    return false;
}

static void no_trace_outgrows_its_invocation(void **state)
{
    static const char *const names[] = {"workflow.execute fan_out", "step.execute flaky:flaky"};
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    add_workflow(it, CLEAT_WORKFLOW(fan_out, .name = "fan-out"));
    assert_int_equal(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "flaky", .run = flaky, .retries = 2)),
        CLEAT_OK);
    start_and_wait(it, "fan-out", &id);

    cleat_span_view start = spans_get(it->spans, "workflow.start fan_out", 0);
    trace_size *traces = calloc(2 * STEPS, sizeof(*traces));
    size_t trace_count = 0, most = 0, roots = 0;
    for (size_t n = 0; n < 2; n++) {
        size_t count = spans_count(it->spans, names[n]);
        for (size_t i = 0; i < count; i++) {
            cleat_span_view span = spans_get(it->spans, names[n], i);
            assert_true(span_is_root(&span));
            assert_true(links_to(&span, &start)); /* the origin is one link away */
            roots++;
        }
    }
    size_t count = cleat_memory_exporter_count(it->spans);
    for (size_t i = 0; i < count; i++) {
        cleat_span_view span;
        assert_true(cleat_memory_exporter_at(it->spans, i, &span));
        trace_count = count_into(traces, trace_count, &span.trace_id);
    }
    for (size_t i = 0; i < trace_count; i++) {
        most = traces[i].spans > most ? traces[i].spans : most;
    }
    free(traces);
    print_message("%zu spans in %zu traces of at most %zu\n", count, trace_count, most);
    assert_true(roots >= STEPS + STEPS / 100 + 3);
    assert_int_equal(trace_count, roots + 1); /* and that of the start */
    assert_in_range(most, 2, SPANS_OF_AN_INVOCATION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sdk_set_up, sdk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_invocation_is_a_trace_of_its_own),
        TEST(steps_in_place_are_children_of_their_invocation),
        TEST(a_continuous_run_is_below_its_origin),
        TEST(without_a_carrier_the_first_invocation_is_the_origin),
        TEST(an_unknown_mode_is_linked_and_said_once),
        TEST(a_queued_step_is_a_trace_of_its_own),
        TEST(a_workflow_of_a_workflow_speaks_of_itself),
        TEST(a_child_that_has_waited_tells_its_parent_where_it_ended),
        TEST(the_end_of_a_run_that_goes_on_is_the_last_ones),
        TEST(a_run_that_goes_on_is_no_workflow_of_the_one_before),
        TEST(a_start_is_called_as_the_program_calls_it),
        TEST(what_a_continuous_run_queues_comes_from_there),
        TEST(a_resumed_hook_delivers_the_next_invocation),
        TEST(a_resume_that_is_refused_does_not_say_the_token),
        TEST(a_run_that_resumes_another_leaves_it_its_origin),
        TEST(baggage_names_the_workflow_beside_the_callers),
        TEST(a_durable_task_speaks_as_tasks_do),
        TEST(no_trace_outgrows_its_invocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
