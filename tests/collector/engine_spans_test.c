/* Spans of what only the engine sees: ids, times, relations. */
#include "collector/engine_spans.h"

#include "model/derived_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    cleat__engine_spans spans;
    cleat__carrier_contexts carrier;
    cleat__engine_run run;
    cleat__engine_attempt attempt;
} fixture;

static const cleat_span_context caller = {
    .trace_id = {{1, 2, 3}},
    .span_id = {{4, 5, 6}},
    .trace_flags = CLEAT_TRACE_FLAG_SAMPLED,
    .trace_state_size = 3,
    .trace_state = "a=1",
};
static const cleat_span_context origin = {
    .trace_id = {{7}},
    .span_id = {{8}},
    .trace_flags = CLEAT_TRACE_FLAG_SAMPLED,
};

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(cleat__engine_spans_init(&f->spans), CLEAT_OK);
    for (uint8_t i = 0; i < 16; i++) {
        f->run.run_id.bytes[i] = i;
        f->attempt.task_id.bytes[i] = (uint8_t)(16 + i);
    }
    f->carrier = (cleat__carrier_contexts){.spawn = caller, .origin = caller, .usable = true};
    f->run.carrier = &f->carrier;
    f->run.workflow_name = cleat_slice_of("archive");
    f->run.triggered_ns = 1000;
    f->attempt.run = &f->run;
    f->attempt.step_name = cleat_slice_of("pack");
    f->attempt.action_id = cleat_slice_of("archive:pack");
    f->attempt.queued_ns = 1000;
    f->attempt.assigned_ns = 5000;
    f->attempt.ended_ns = 9000;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__engine_spans_deinit(&f->spans);
    free(f);
    return 0;
}

/* ---- Looking ---- */

static cleat_span_view span_at(fixture *f, size_t index)
{
    cleat_span_view view = {.flags = 0};
    size_t cursor = 0;
    for (size_t i = 0; i <= index; i++) {
        assert_true(cleat_span_batch_next(&f->spans.batch, &cursor, &view));
    }
    assert_int_equal(view.kind, CLEAT_SPAN_KIND_INTERNAL);
    return view;
}

static void assert_text(cleat_slice actual, const char *expected)
{
    assert_int_equal(actual.size, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.size);
}

static void assert_attribute(const cleat_span_view *span, const char *key, const char *expected)
{
    cleat_value value;
    assert_int_equal(cleat_span_view_attribute(span, key, &value), expected != NULL);
    if (expected != NULL) {
        assert_int_equal(value.type, CLEAT_VALUE_STRING);
        assert_text(value.as.string, expected);
    }
}

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[33];
    cleat__hex_encode(bytes, size, text);
    assert_string_equal(text, expected);
}

#define RUN_TRACE "985184a8e6b524966d80d36caf9398b6"
#define RUN_SPAN  "41075fdb4a42c665"

static void assert_times(const cleat_span_view *span, int64_t start_ns, int64_t end_ns)
{
    assert_int_equal(span->start_time_ns, start_ns);
    assert_int_equal(span->end_time_ns, end_ns);
}

/* ---- Ids ---- */

static void test_ids_are_those_of_hatchet(void **state)
{
    fixture *f = *state;
    cleat_trace_id trace;
    cleat_span_id span;
    assert_true(cleat__derived_run_trace_id(&f->run.run_id, &trace));
    assert_hex(trace.bytes, 16, RUN_TRACE);
    assert_true(cleat__derived_run_span_id(&f->run.run_id, &span));
    assert_hex(span.bytes, 8, RUN_SPAN);
    assert_true(cleat__derived_attempt_span_id(&f->attempt.task_id, 258, "step_run", &span));
    assert_hex(span.bytes, 8, "8684757e13e68cfe");
    assert_true(cleat__derived_attempt_span_id(&f->attempt.task_id, 0, "queued", &span));
    assert_hex(span.bytes, 8, "249237ccc0cf2ebd");
}

/* ---- Parent ---- */

static void test_the_run_is_a_child_of_the_caller(void **state)
{
    fixture *f = *state;
    assert_int_equal(cleat__engine_spans_triggered(&f->spans, &f->run), CLEAT_OK);
    assert_int_equal(f->spans.batch.count, 1);
    cleat_span_view span = span_at(f, 0);
    assert_text(span.name, "hatchet.engine.workflow_run");
    assert_memory_equal(&span.trace_id, &caller.trace_id, 16);
    assert_memory_equal(&span.parent_span_id, &caller.span_id, 8);
    assert_hex(span.span_id.bytes, 8, RUN_SPAN);
    assert_text(span.trace_state, "a=1");
    assert_int_equal(span.flags, 0x301);
    assert_times(&span, 1000, 1000);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_OK);
    assert_int_equal(span.link_count, 0);
    assert_attribute(&span, "hatchet.span_source", "engine");
    assert_attribute(&span, "hatchet.workflow_run_id", "00010203-0405-0607-0809-0a0b0c0d0e0f");
    assert_attribute(&span, "hatchet.workflow_name", "archive");
    assert_attribute(&span, "hatchet.workflow_id", NULL);
    assert_attribute(&span, "cleat.trace.relation", "parent");
    assert_text(span.scope->name, "hatchet-engine");
    cleat_value service;
    assert_true(cleat_resource_get(span.resource, "service.name", &service));
    assert_text(service.as.string, "hatchet-engine");
}

static void test_an_attempt_waits_in_the_queue(void **state)
{
    fixture *f = *state;
    assert_int_equal(cleat__engine_spans_assigned(&f->spans, &f->attempt), CLEAT_OK);
    assert_int_equal(f->spans.batch.count, 1);
    cleat_span_view span = span_at(f, 0);
    assert_text(span.name, "hatchet.engine.queued");
    assert_memory_equal(&span.trace_id, &caller.trace_id, 16);
    assert_hex(span.parent_span_id.bytes, 8, RUN_SPAN);
    assert_hex(span.span_id.bytes, 8, "249237ccc0cf2ebd");
    assert_times(&span, 1000, 5000);
    assert_attribute(&span, "hatchet.step_run_id", "10111213-1415-1617-1819-1a1b1c1d1e1f");
    assert_attribute(&span, "hatchet.step_name", "pack");
    assert_attribute(&span, "hatchet.task_name", "pack");
    assert_attribute(&span, "hatchet.action_id", "archive:pack");
    assert_attribute(&span, "hatchet.retry_count", "0");
}

static void test_a_delay_is_not_part_of_the_queue(void **state)
{
    fixture *f = *state;
    f->attempt.due_ns = 4000;
    for (int retry = 0; retry < 2; retry++) {
        f->attempt.retry_count = retry;
        assert_int_equal(cleat__engine_spans_assigned(&f->spans, &f->attempt), CLEAT_OK);
        assert_int_equal(f->spans.batch.count, 2);
        cleat_span_view delay = span_at(f, 0), queued = span_at(f, 1);
        assert_text(delay.name, retry ? "hatchet.engine.retry_backoff" : "hatchet.engine.schedule_delay");
        assert_times(&delay, 1000, 4000);
        assert_times(&queued, 4000, 5000);
        assert_memory_not_equal(&delay.span_id, &queued.span_id, 8);
        assert_memory_equal(&delay.parent_span_id, &queued.parent_span_id, 8);
    }
}

static void test_a_clock_that_went_back(void **state)
{
    fixture *f = *state;
    f->attempt.assigned_ns = 500;
    assert_int_equal(cleat__engine_spans_assigned(&f->spans, &f->attempt), CLEAT_OK);
    cleat_span_view span = span_at(f, 0);
    assert_times(&span, 1000, 1000);
}

static void test_every_outcome(void **state)
{
    static const char *const texts[] = {"", "task failed", "task cancelled", "task timed out",
                                        "scheduling timed out"};
    fixture *f = *state;
    for (int outcome = CLEAT__ENGINE_COMPLETED; outcome <= CLEAT__ENGINE_SCHEDULE_TIMED_OUT; outcome++) {
        f->attempt.outcome = outcome;
        assert_int_equal(cleat__engine_spans_ended(&f->spans, &f->attempt), CLEAT_OK);
        cleat_span_view span = span_at(f, 0);
        assert_text(span.name, "hatchet.engine.start_step_run");
        assert_times(&span, 5000, 9000);
        assert_text(span.status_message, texts[outcome]);
        assert_int_equal(span.status, outcome == 0 ? CLEAT_SPAN_STATUS_OK : CLEAT_SPAN_STATUS_ERROR);
    }
    f->attempt.error = cleat_slice_of("disk full");
    f->attempt.assigned_ns = 0;
    assert_int_equal(cleat__engine_spans_ended(&f->spans, &f->attempt), CLEAT_OK);
    cleat_span_view span = span_at(f, 0);
    assert_text(span.status_message, "disk full");
    assert_times(&span, 1000, 9000);
}

/* ---- Other relations ---- */

static void test_a_linked_run_has_a_trace_of_its_own(void **state)
{
    fixture *f = *state;
    cleat_link_view link;
    size_t cursor = 0;
    f->carrier.relation = CLEAT_TRACE_LINK;
    f->carrier.origin = origin;
    assert_int_equal(cleat__engine_spans_triggered(&f->spans, &f->run), CLEAT_OK);
    cleat_span_view span = span_at(f, 0);
    assert_hex(span.trace_id.bytes, 16, RUN_TRACE);
    assert_false(cleat_span_id_is_valid(&span.parent_span_id));
    assert_int_equal(span.link_count, 2);
    const cleat_span_context *expected[] = {&caller, &origin};
    const char *const kinds[] = {"spawn", "origin"};
    for (int i = 0; i < 2; i++) {
        cleat_attribute kind;
        size_t inner = 0;
        assert_true(cleat_span_view_next_link(&span, &cursor, &link));
        assert_true(cleat_span_context_equals(&link.context, expected[i]));
        assert_true(cleat_link_view_next_attribute(&link, &inner, &kind));
        assert_text(kind.key, "cleat.link.kind");
        assert_text(kind.value.as.string, kinds[i]);
    }
    assert_attribute(&span, "cleat.trace.relation", "link");
    assert_int_equal(cleat__engine_spans_assigned(&f->spans, &f->attempt), CLEAT_OK);
    span = span_at(f, 0);
    assert_hex(span.trace_id.bytes, 16, RUN_TRACE);
    assert_hex(span.parent_span_id.bytes, 8, RUN_SPAN);
    assert_int_equal(span.link_count, 0);
}

static void test_without_relation_or_carrier_there_is_a_bare_root(void **state)
{
    fixture *f = *state;
    for (int has_carrier = 0; has_carrier < 2; has_carrier++) {
        f->carrier = (cleat__carrier_contexts){.usable = false};
        if (has_carrier) {
            f->carrier = (cleat__carrier_contexts){
                .spawn = caller, .origin = caller, .usable = true, .relation = CLEAT_TRACE_NONE};
        }
        assert_int_equal(cleat__engine_spans_triggered(&f->spans, &f->run), CLEAT_OK);
        cleat_span_view span = span_at(f, 0);
        assert_hex(span.trace_id.bytes, 16, RUN_TRACE);
        assert_false(cleat_span_id_is_valid(&span.parent_span_id));
        assert_int_equal(span.link_count, 0);
    }
}

/* A carrier that the engine itself made leads to the run's own span. */
static void test_the_runs_own_context_is_no_parent(void **state)
{
    fixture *f = *state;
    cleat_span_context own;
    assert_int_equal(cleat__engine_run_context(&f->run.run_id, &own), CLEAT_OK);
    assert_true(cleat_span_context_is_sampled(&own));
    f->carrier = (cleat__carrier_contexts){.spawn = own, .origin = own, .usable = true};
    assert_int_equal(cleat__engine_spans_triggered(&f->spans, &f->run), CLEAT_OK);
    cleat_span_view span = span_at(f, 0);
    assert_hex(span.trace_id.bytes, 16, RUN_TRACE);
    assert_hex(span.span_id.bytes, 8, RUN_SPAN);
    assert_false(cleat_span_id_is_valid(&span.parent_span_id));
}

static void test_an_unsampled_trace_gets_none(void **state)
{
    fixture *f = *state;
    f->carrier.spawn.trace_flags = 0;
    for (int relation = CLEAT_TRACE_PARENT; relation <= CLEAT_TRACE_NONE; relation++) {
        f->carrier.relation = relation;
        size_t expected = relation == CLEAT_TRACE_NONE;
        assert_int_equal(cleat__engine_spans_triggered(&f->spans, &f->run), CLEAT_OK);
        assert_int_equal(f->spans.batch.count, expected);
        assert_int_equal(cleat__engine_spans_assigned(&f->spans, &f->attempt), CLEAT_OK);
        assert_int_equal(f->spans.batch.count, expected);
        assert_int_equal(cleat__engine_spans_ended(&f->spans, &f->attempt), CLEAT_OK);
        assert_int_equal(f->spans.batch.count, expected);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_ids_are_those_of_hatchet),
        TEST(test_the_run_is_a_child_of_the_caller),
        TEST(test_an_attempt_waits_in_the_queue),
        TEST(test_a_delay_is_not_part_of_the_queue),
        TEST(test_a_clock_that_went_back),
        TEST(test_every_outcome),
        TEST(test_a_linked_run_has_a_trace_of_its_own),
        TEST(test_without_relation_or_carrier_there_is_a_bare_root),
        TEST(test_the_runs_own_context_is_no_parent),
        TEST(test_an_unsampled_trace_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
