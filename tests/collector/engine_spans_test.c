/* Spans of what only the engine sees: with which executions they come, their ids, times and places. */
#include "recorder.h"

#include "model/derived_id.h"
#include "store/durable.h"
#include "store/load.h"
#include "store/note.h"
#include "store/transition.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_TEXT  "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define RUN_TRACE "985184a8e6b524966d80d36caf9398b6"
#define RUN_SPAN  "41075fdb4a42c665"
#define MS(n)     ((n)*INT64_C(1000000))

typedef struct fixture {
    cleat__store *store;
    recorder rec;
    cleat__uuid run_id;
    cleat__type_row type;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    f->store = open_store();
    recorder_init(&f->rec, f->store);
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(RUN_TEXT), &f->run_id), CLEAT_OK);
    f->type = (cleat__type_row){
        .tenant = CLEAT__TENANT_DEFAULT,
        .version_id = {{7}},
        .workflow_id = {{8}},
        .workflow = cleat_slice_of("archive"),
        .task_name = cleat_slice_of("pack"),
        .action = cleat_slice_of("archive:pack"),
        .policy = {.retries = 3,
                   .priority = 1,
                   .backoff_initial_ms = 100,
                   .backoff_factor = 2,
                   .backoff_max_ms = 1000},
        .declaration = cleat_slice_of("{}"),
    };
    assert_int_equal(cleat__type_insert(f->store, &f->type), CLEAT_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    recorder_deinit(&f->rec);
    cleat__store_close(f->store);
    unlink("test.db");
    free(f);
    return 0;
}

/* ---- The life of a run ---- */

static void trigger_of(fixture *f, int64_t now_ms, int64_t scheduled_at_ms, bool is_held)
{
    cleat__uuid existing;
    const cleat__trigger trigger = {.workflow = f->type.workflow,
                                    .input = cleat_slice_of("{}"),
                                    .child_index = -1,
                                    .scheduled_at_ms = scheduled_at_ms};
    const cleat__new_task task = {.id = f->run_id,
                                  .type_id = f->type.id,
                                  .priority = 1,
                                  .created_at_ms = now_ms,
                                  .trigger = &trigger,
                                  .dag_id = {{is_held}},
                                  .is_held = is_held};
    assert_int_equal(cleat__transition_trigger(f->store, &task, &existing), CLEAT_OK);
}

static void trigger_at(fixture *f, int64_t now_ms, int64_t scheduled_at_ms)
{
    trigger_of(f, now_ms, scheduled_at_ms, false);
}

static cleat__attempt_key attempt_of(const fixture *f, int32_t retry_count, int64_t started_at_ms)
{
    return (cleat__attempt_key){.id = f->run_id, .retry_count = retry_count, .started_at_ms = started_at_ms};
}

static void assign_at(fixture *f, int32_t retry_count, int64_t now_ms)
{
    const cleat__attempt_key key = attempt_of(f, retry_count, 0);
    assert_int_equal(cleat__transition_assign(f->store, &key, now_ms), CLEAT_OK);
}

static void retry_at(fixture *f, int32_t retry_count, int64_t started_at_ms, int64_t now_ms, bool is_lost)
{
    const cleat__attempt_key key = attempt_of(f, retry_count, started_at_ms);
    const cleat__requeue next = {.retry_count = retry_count + 1, .queued_at_ms = now_ms};
    const cleat_slice error = cleat_slice_of("no luck");
    assert_int_equal(is_lost ? cleat__transition_lose_retry(f->store, &key, now_ms, error, &next)
                             : cleat__transition_retry(f->store, &key, now_ms, error, &next),
                     CLEAT_OK);
}

/* Stores the span that a worker sends about an invocation (0: it says of none); answers its context. */
static cleat_span_context execute_invocation(fixture *f, const char *name, int64_t retry_count,
                                             int64_t invocation, const cleat_span_context *parent,
                                             const cleat_span_context *link_to)
{
    const cleat_link link = {.context = link_to};
    const cleat_attribute attributes[] = {
        cleat_attribute_string("hatchet.workflow_run_id", RUN_TEXT),
        cleat_attribute_string("hatchet.step_run_id", RUN_TEXT),
        cleat_attribute_int("hatchet.retry_count", retry_count),
        cleat_attribute_string("cleat.trace.relation", parent != NULL ? "parent" : "link"),
        cleat_attribute_int("workflow.invocation", invocation),
    };
    cleat_span_context context;
    cleat_context *base = parent != NULL ? cleat_context_with_span_context(NULL, parent) : NULL;
    cleat_span span = cleat_span_start(
        f->rec.tracer, name,
        CLEAT_SPAN_OPTIONS(.parent = base, .root = base == NULL, .kind = CLEAT_SPAN_KIND_CONSUMER,
                           .attributes = attributes, .attribute_count = invocation != 0 ? 5 : 4,
                           .links = &link, .link_count = link_to != NULL));
    cleat_span_get_context(span, &context);
    cleat_span_end(span);
    assert_int_equal(f->rec.status, CLEAT_OK);
    cleat_context_release(base);
    return context;
}

static cleat_span_context execute(fixture *f, const char *name, int64_t retry_count,
                                  const cleat_span_context *parent, const cleat_span_context *link_to)
{
    return execute_invocation(f, name, retry_count, 0, parent, link_to);
}

static const char executes[] = "hatchet.start_step_run";

static const cleat_span_context caller = {
    .trace_id = {{1, 2, 3}},
    .span_id = {{4, 5, 6}},
    .trace_flags = CLEAT_TRACE_FLAG_SAMPLED,
    .trace_state_size = 3,
    .trace_state = "a=1",
};

/* ---- Looking ---- */

typedef struct found {
    const char *name;
    int count;
    void (*check)(const cleat_span_view *span, const struct found *found);
    cleat_span_context context;
    cleat_span_id parent;
    int64_t from_ns, to_ns;
    int64_t retry_count;
} found;

static bool look(void *argument, const cleat__stored_span *stored)
{
    found *it = argument;
    const cleat_span_view *span = &stored->span;
    cleat_value value;
    if (!cleat_slice_equals(span->name, cleat_slice_of(it->name)) ||
        (it->retry_count >= 0 && (!cleat_span_view_attribute(span, "hatchet.retry_count", &value) ||
                                  value.as.integer != it->retry_count))) {
        return true;
    }
    it->count++;
    it->parent = span->parent_span_id;
    it->context = (cleat_span_context){.trace_id = span->trace_id, .span_id = span->span_id};
    it->from_ns = span->start_time_ns;
    it->to_ns = span->end_time_ns;
    if (it->check != NULL) {
        it->check(span, it);
    }
    return true;
}

static found find(fixture *f, const char *name, int64_t retry_count)
{
    found it = {.name = name, .retry_count = retry_count};
    assert_int_equal(cleat__spans_of_run(f->store, CLEAT__TENANT_DEFAULT, &f->run_id, look, &it), CLEAT_OK);
    return it;
}

static void assert_found(fixture *f, const char *name, int64_t retry_count, int64_t from_ms, int64_t to_ms,
                         const cleat_span_id *parent)
{
    found it = find(f, name, retry_count);
    if (it.count != 1) {
        fail_msg("%d spans %s", it.count, name);
    }
    assert_int_equal(it.from_ns, MS(from_ms));
    assert_int_equal(it.to_ns, MS(to_ms));
    assert_memory_equal(&it.parent, parent, sizeof(*parent));
}

static void assert_text(const cleat_span_view *span, const char *key, const char *expected)
{
    cleat_slice text = cleat__span_string(span, key);
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[33];
    cleat__hex_encode(bytes, size, text);
    assert_string_equal(text, expected);
}

/* ---- Ids ---- */

static void test_ids_are_those_of_hatchet(void **state)
{
    fixture *f = *state;
    cleat__uuid task;
    cleat_trace_id trace;
    cleat_span_id span;
    for (uint8_t i = 0; i < 16; i++) {
        task.bytes[i] = (uint8_t)(16 + i);
    }
    assert_true(cleat__derived_run_trace_id(&f->run_id, &trace));
    assert_hex(trace.bytes, 16, RUN_TRACE);
    assert_true(cleat__derived_run_span_id(&f->run_id, &span));
    assert_hex(span.bytes, 8, RUN_SPAN);
    assert_true(cleat__derived_attempt_span_id(&task, 258, "step_run", &span));
    assert_hex(span.bytes, 8, "8684757e13e68cfe");
    assert_true(cleat__derived_attempt_span_id(&task, 0, "queued", &span));
    assert_hex(span.bytes, 8, "249237ccc0cf2ebd");
}

/* ---- Where they are ---- */

static void check_queued(const cleat_span_view *span, const found *it)
{
    cleat_value service;
    (void)it;
    assert_int_equal(span->kind, CLEAT_SPAN_KIND_INTERNAL);
    assert_int_equal(span->status, CLEAT_SPAN_STATUS_OK);
    assert_int_equal(span->flags, 0x301);
    assert_int_equal(span->trace_state.size, 3);
    assert_memory_equal(span->trace_state.data, "a=1", 3);
    assert_int_equal(span->link_count, 0);
    assert_text(span, "hatchet.span_source", "engine");
    assert_text(span, "hatchet.workflow_run_id", RUN_TEXT);
    assert_text(span, "hatchet.step_run_id", RUN_TEXT);
    assert_text(span, "hatchet.step_name", "pack");
    assert_text(span, "hatchet.task_name", "pack");
    assert_text(span, "hatchet.action_id", "archive:pack");
    assert_text(span, "hatchet.workflow_version_id", "07000000-0000-0000-0000-000000000000");
    assert_text(span, "cleat.trace.relation", "parent");
    assert_true(cleat_resource_get(span->resource, "service.name", &service));
    assert_true(cleat_slice_equals(service.as.string, cleat_slice_of("hatchet-engine")));
    assert_true(cleat_slice_equals(span->scope->name, cleat_slice_of("hatchet-engine")));
}

static void test_the_queue_is_beside_an_execution_with_a_parent(void **state)
{
    fixture *f = *state;
    trigger_at(f, 1000, 0);
    assign_at(f, 0, 1500);
    execute(f, executes, 0, &caller, NULL);
    assert_found(f, "hatchet.engine.queued", 0, 1000, 1500, &caller.span_id);
    found it = {.name = "hatchet.engine.queued", .retry_count = 0, .check = check_queued};
    assert_int_equal(cleat__spans_of_run(f->store, CLEAT__TENANT_DEFAULT, &f->run_id, look, &it), CLEAT_OK);
    assert_memory_equal(&it.context.trace_id, &caller.trace_id, 16);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span"), 2);
    assert_int_equal(query_int(f->store, "SELECT span_count FROM trace"), 2);
    assert_int_equal(query_int(f->store, "SELECT spans FROM span_total"), 2);
}

static void test_the_queue_is_below_an_execution_with_a_link(void **state)
{
    fixture *f = *state;
    trigger_at(f, 1000, 0);
    assign_at(f, 0, 1500);
    cleat_span_context root = execute(f, "hatchet.start_step_run.archive:pack", 0, NULL, &caller);
    assert_found(f, "hatchet.engine.queued", 0, 1000, 1500, &root.span_id);
    found it = find(f, "hatchet.engine.queued", 0);
    assert_memory_equal(&it.context.trace_id, &root.trace_id, 16);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 1);
    assert_int_equal(
        query_int(f->store, "SELECT root_name = 'hatchet.start_step_run.archive:pack' FROM trace"), 1);
}

/* The engine gave the run its context, so the span that this names is the engine's to store. */
static void test_the_runs_own_context_has_a_span(void **state)
{
    fixture *f = *state;
    cleat_span_context own = {.trace_flags = CLEAT_TRACE_FLAG_SAMPLED};
    assert_true(cleat__derived_run_trace_id(&f->run_id, &own.trace_id));
    assert_true(cleat__derived_run_span_id(&f->run_id, &own.span_id));
    const cleat_span_id none = {{0}};
    trigger_at(f, 1000, 0);
    assign_at(f, 0, 1500);
    execute(f, executes, 0, &own, NULL);
    assert_found(f, "hatchet.engine.workflow_run", -1, 1000, 1000, &none);
    found it = find(f, "hatchet.engine.workflow_run", -1);
    assert_memory_equal(&it.context.span_id, &own.span_id, 8);
    assert_memory_equal(&it.context.trace_id, &own.trace_id, 16);
    assert_found(f, "hatchet.engine.queued", 0, 1000, 1500, &own.span_id);
    assert_int_equal(query_int(f->store, "SELECT root_name = 'hatchet.engine.workflow_run' FROM trace"), 1);
}

/* ---- What they say ---- */

static void test_back_off_is_not_part_of_the_queue(void **state)
{
    fixture *f = *state;
    trigger_at(f, 1000, 0);
    assign_at(f, 0, 1100);
    retry_at(f, 0, 1100, 2000, false);
    assign_at(f, 1, 2150);
    retry_at(f, 1, 2150, 3000, true);
    assign_at(f, 2, 3010);
    retry_at(f, 2, 3010, 4000, false);
    assign_at(f, 3, 4300);
    const cleat__attempt_key last = attempt_of(f, 3, 4300);
    assert_int_equal(cleat__transition_complete(f->store, &last, 5000, cleat_slice_of("{}")), CLEAT_OK);
    for (int i = 0; i < 4; i++) {
        execute(f, executes, i, &caller, NULL);
    }
    assert_found(f, "hatchet.engine.queued", 0, 1000, 1100, &caller.span_id);
    assert_found(f, "hatchet.engine.retry_backoff", 1, 2000, 2100, &caller.span_id);
    assert_found(f, "hatchet.engine.queued", 1, 2100, 2150, &caller.span_id);
    assert_int_equal(find(f, "hatchet.engine.retry_backoff", 2).count, 0); /* its worker was lost */
    assert_found(f, "hatchet.engine.queued", 2, 3000, 3010, &caller.span_id);
    assert_found(f, "hatchet.engine.retry_backoff", 3, 4000, 4200, &caller.span_id); /* the second one */
    assert_found(f, "hatchet.engine.queued", 3, 4200, 4300, &caller.span_id);
}

/* Nobody waits for a run that has ended; its attempts are counted anew. */
static void test_a_replayed_run_waits_from_its_replay_on(void **state)
{
    fixture *f = *state;
    trigger_at(f, 1000, 0);
    assign_at(f, 0, 1100);
    retry_at(f, 0, 1100, 2000, false);
    assign_at(f, 1, 2150);
    const cleat__attempt_key ended = attempt_of(f, 1, 2150);
    assert_int_equal(cleat__transition_complete(f->store, &ended, 3000, cleat_slice_of("{}")), CLEAT_OK);
    assert_int_equal(cleat__transition_replay(f->store, &ended, CLEAT_RUN_COMPLETED, 9000, false), CLEAT_OK);
    assign_at(f, 2, 9010);
    retry_at(f, 2, 9010, 10000, false);
    assign_at(f, 3, 10150);
    for (int i = 0; i < 4; i++) {
        execute(f, executes, i, &caller, NULL);
    }
    assert_found(f, "hatchet.engine.retry_backoff", 1, 2000, 2100, &caller.span_id);
    assert_int_equal(find(f, "hatchet.engine.retry_backoff", 2).count, 0);
    assert_found(f, "hatchet.engine.queued", 2, 9000, 9010, &caller.span_id);
    assert_found(f, "hatchet.engine.retry_backoff", 3, 10000, 10100, &caller.span_id); /* the first one */
    assert_found(f, "hatchet.engine.queued", 3, 10100, 10150, &caller.span_id);
}

static void test_a_schedule_is_waited_for(void **state)
{
    fixture *f = *state;
    trigger_at(f, 9000, 1000);
    assign_at(f, 0, 9001);
    execute(f, executes, 0, &caller, NULL);
    assert_found(f, "hatchet.engine.schedule_delay", 0, 1000, 9000, &caller.span_id);
    assert_found(f, "hatchet.engine.queued", 0, 9000, 9001, &caller.span_id);
}

static void test_a_task_of_several_is_queued_when_it_is_let_go(void **state)
{
    fixture *f = *state;
    const cleat__note note = {CLEAT__NOTE_QUEUED, "Task was queued", 5000};
    trigger_of(f, 1000, 0, true);
    const cleat__attempt_key key = attempt_of(f, 0, 0);
    assert_int_equal(
        cleat__transition_unhold(f->store, &key, note.at_ms, (cleat_slice){NULL, 0}, (cleat_slice){NULL, 0}),
        CLEAT_OK);
    assert_int_equal(cleat__note_insert(f->store, &key, &note), CLEAT_OK);
    assign_at(f, 0, 5010);
    retry_at(f, 0, 5010, 6000, false);
    assign_at(f, 1, 6150);
    execute(f, executes, 0, &caller, NULL);
    execute(f, executes, 1, &caller, NULL);
    assert_found(f, "hatchet.engine.queued", 0, 5000, 5010, &caller.span_id);
    assert_int_equal(find(f, "hatchet.engine.schedule_delay", 0).count, 0);
    assert_found(f, "hatchet.engine.queued", 1, 6100, 6150, &caller.span_id);
}

static void test_a_clock_that_went_back(void **state)
{
    fixture *f = *state;
    trigger_at(f, 1000, 1200);
    assign_at(f, 0, 500);
    execute(f, executes, 0, &caller, NULL);
    assert_int_equal(find(f, "hatchet.engine.schedule_delay", 0).count, 0);
    assert_found(f, "hatchet.engine.queued", 0, 1000, 1000, &caller.span_id);
}

/* ---- Durable runs ---- */

static const char waits[] = "hatchet.engine.durable_wait", queues[] = "hatchet.engine.queued";

static void begin_invocation(fixture *f, int32_t number, int64_t queued_at_ms, int64_t now_ms)
{
    assign_at(f, 0, now_ms);
    assert_int_equal(cleat__durable_begin_invocation(f->store, &f->run_id, number, 0, queued_at_ms),
                     CLEAT_OK);
}

/* The present invocation ends at one time, what it waits for happens at the other. */
static void suspend(fixture *f, int64_t began_at_ms, int64_t from_ms, int64_t to_ms, uint32_t kinds)
{
    const cleat__attempt_key key = attempt_of(f, 0, began_at_ms);
    const cleat__eviction eviction = {.waits = cleat_slice_of("[]"),
                                      .began_at_ms = began_at_ms,
                                      .suspended_at_ms = from_ms,
                                      .waited_for = kinds};
    assert_int_equal(cleat__durable_set_waits(f->store, &f->run_id, &eviction), CLEAT_OK);
    assert_int_equal(cleat__transition_evict(f->store, &key), CLEAT_OK);
    assert_int_equal(cleat__transition_restore(f->store, &key, to_ms), CLEAT_OK);
}

/* The first invocation sleeps from 2000 to 5000, and the second one begins at 5100. */
static void sleep_once(fixture *f, uint32_t kinds)
{
    trigger_at(f, 1000, 0);
    begin_invocation(f, 1, 1000, 1500);
    suspend(f, 1500, 2000, 5000, kinds);
    begin_invocation(f, 2, 5000, 5100);
}

static void assert_int(const cleat_span_view *span, const char *key, int64_t expected)
{
    cleat_value value;
    assert_true(cleat_span_view_attribute(span, key, &value));
    assert_int_equal(value.type, CLEAT_VALUE_INT);
    assert_int_equal(value.as.integer, expected);
}

static void check_wait(const cleat_span_view *span, const found *it)
{
    (void)it;
    assert_int_equal(span->kind, CLEAT_SPAN_KIND_INTERNAL);
    assert_int_equal(span->status, CLEAT_SPAN_STATUS_OK);
    assert_text(span, "cleat.wait.kind", "sleep");
    assert_int(span, "cleat.wait.duration_ms", 3000);
    assert_int(span, "workflow.invocation", 2);
    assert_text(span, "hatchet.span_source", "engine");
    assert_text(span, "hatchet.step_run_id", RUN_TEXT);
    assert_text(span, "cleat.trace.relation", "link");
}

/* Each invocation has a trace of its own. */
static void test_a_wait_is_with_the_invocation_that_it_woke(void **state)
{
    fixture *f = *state;
    sleep_once(f, UINT32_C(1) << CLEAT__PENDING_SLEEP);
    cleat_span_context first = execute_invocation(f, "workflow.execute nap", 0, 1, NULL, &caller);
    assert_int_equal(find(f, waits, -1).count, 0);
    assert_found(f, queues, 0, 1000, 1500, &first.span_id);
    cleat_span_context second = execute_invocation(f, "workflow.execute nap", 0, 2, NULL, &caller);
    assert_found(f, waits, 0, 2000, 5000, &second.span_id);
    found it = {.name = waits, .retry_count = 0, .check = check_wait};
    assert_int_equal(cleat__spans_of_run(f->store, CLEAT__TENANT_DEFAULT, &f->run_id, look, &it), CLEAT_OK);
    assert_memory_equal(&it.context.trace_id, &second.trace_id, sizeof(second.trace_id));
    assert_int_equal(find(f, queues, 0).count, 2);
    assert_int_equal(query_int(f->store, "SELECT max(span_count) FROM trace"), 3);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 2);
}

/* All invocations have one parent, as those of Hatchet's SDKs. */
static void test_waits_of_one_trace(void **state)
{
    fixture *f = *state;
    sleep_once(f, UINT32_C(1) << CLEAT__PENDING_SLEEP);
    suspend(f, 5100, 6000, 9000, UINT32_C(1) << CLEAT__PENDING_EVENT);
    begin_invocation(f, 3, 9000, 9000);
    for (int i = 3; i > 0; i--) {
        execute_invocation(f, executes, 0, i, &caller, NULL);
        execute_invocation(f, executes, 0, i, &caller, NULL); /* another span of the same */
    }
    assert_int_equal(find(f, waits, 0).count, 2);
    assert_int_equal(find(f, queues, 0).count, 3);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 1);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span"), 6 + 5);
}

/* Its clock says now, which is behind all of this. */
static void test_who_does_not_say_its_invocation_is_found_by_time(void **state)
{
    fixture *f = *state;
    sleep_once(f, 0);
    execute(f, executes, 0, &caller, NULL);
    assert_found(f, waits, 0, 2000, 5000, &caller.span_id);
    assert_found(f, queues, 0, 5000, 5100, &caller.span_id);
}

static void check_kind(const cleat_span_view *span, const found *it)
{
    static const char *const names[] = {"sleep", "event", "hook", "child", "mixed", NULL};
    const char *expected = names[it->retry_count == 0 ? it->count - 1 : 0];
    if (expected != NULL) {
        assert_text(span, "cleat.wait.kind", expected);
    } else {
        assert_true(cleat__span_string(span, "cleat.wait.kind").data == NULL);
    }
}

static void test_each_kind_has_a_name(void **state)
{
    static const uint32_t kinds[] = {1U << CLEAT__PENDING_SLEEP,
                                     1U << CLEAT__PENDING_EVENT,
                                     1U << CLEAT__PENDING_HOOK,
                                     1U << CLEAT__PENDING_CHILD,
                                     1U << CLEAT__PENDING_SLEEP | 1U << CLEAT__PENDING_CHILD,
                                     0};
    fixture *f = *state;
    trigger_at(f, 1000, 0);
    begin_invocation(f, 1, 1000, 1000);
    for (int i = 0; i < 6; i++) {
        int64_t from_ms = 1000 * (i + 1);
        suspend(f, from_ms, from_ms, from_ms + 1000, kinds[i]);
        begin_invocation(f, i + 2, from_ms + 1000, from_ms + 1000);
        execute_invocation(f, executes, 0, i + 2, &caller, NULL);
    }
    found it = {.name = waits, .retry_count = 0, .check = check_kind};
    assert_int_equal(cleat__spans_of_run(f->store, CLEAT__TENANT_DEFAULT, &f->run_id, look, &it), CLEAT_OK);
    assert_int_equal(it.count, 6);
}

/* ---- With which spans they come ---- */

static void test_they_come_once(void **state)
{
    fixture *f = *state;
    trigger_at(f, 1000, 0);
    assign_at(f, 0, 1500);
    execute(f, executes, 0, &caller, NULL);
    f->rec.next_id = 0; /* the same span again */
    execute(f, executes, 0, &caller, NULL);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span"), 2);
    execute(f, executes, 0, &caller, NULL); /* another one of the same attempt */
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span"), 3);
}

static void test_what_the_engine_does_not_know_comes_alone(void **state)
{
    fixture *f = *state;
    execute(f, executes, 0, &caller, NULL); /* a run of another engine */
    trigger_at(f, 1000, 0);
    execute(f, executes, 0, &caller, NULL); /* no worker has it */
    assign_at(f, 0, 1500);
    execute(f, executes, 1, &caller, NULL); /* no such attempt */
    execute(f, executes, -1, &caller, NULL);
    execute(f, executes, INT64_MAX, &caller, NULL);
    execute(f, "my span", 0, &caller, NULL); /* has the attributes of the one it is in */
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span"), 6);
}

static void test_another_tenant_learns_nothing(void **state)
{
    fixture *f = *state;
    f->type.tenant = 2;
    f->type.workflow_row = 0;
    assert_int_equal(cleat__type_insert(f->store, &f->type), CLEAT_OK);
    trigger_at(f, 1000, 0);
    assign_at(f, 0, 1500);
    execute(f, executes, 0, &caller, NULL);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_ids_are_those_of_hatchet),
        TEST(test_the_queue_is_beside_an_execution_with_a_parent),
        TEST(test_the_queue_is_below_an_execution_with_a_link),
        TEST(test_the_runs_own_context_has_a_span),
        TEST(test_back_off_is_not_part_of_the_queue),
        TEST(test_a_replayed_run_waits_from_its_replay_on),
        TEST(test_a_schedule_is_waited_for),
        TEST(test_a_task_of_several_is_queued_when_it_is_let_go),
        TEST(test_a_clock_that_went_back),
        TEST(test_a_wait_is_with_the_invocation_that_it_woke),
        TEST(test_waits_of_one_trace),
        TEST(test_who_does_not_say_its_invocation_is_found_by_time),
        TEST(test_each_kind_has_a_name),
        TEST(test_they_come_once),
        TEST(test_what_the_engine_does_not_know_comes_alone),
        TEST(test_another_tenant_learns_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
