#include "propagation_test.h"

typedef struct fixture {
    cleat_carrier *carrier;
    cleat_text_map map;
} fixture;

static int set_up(void **state)
{
    static fixture self;
    if (cleat_carrier_new(&self.carrier) != CLEAT_OK) {
        return -1;
    }
    self.map = cleat_carrier_text_map(self.carrier);
    *state = &self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    cleat_carrier_free(self->carrier);
    cleat_set_allocator(NULL);
    return 0;
}

static void put(fixture *self, const char *key, const char *value)
{
    assert_int_equal(cleat_carrier_set(self->carrier, key, cleat_slice_of(value)), CLEAT_OK);
}

static cleat_slice get(fixture *self, const char *key)
{
    return cleat_carrier_get(self->carrier, key);
}

static cleat_context *traced_context(const char *trace_state)
{
    cleat_span_context span_context = valid_span_context();
    assert_int_equal(cleat_trace_state_parse(&span_context, cleat_slice_of(trace_state)), CLEAT_OK);
    return cleat_context_with_span_context(NULL, &span_context);
}

static void test_inject(void **state)
{
    fixture *self = *state;
    const cleat_propagator *propagator = cleat_propagator_trace_context();
    cleat_context *context = traced_context("a=1,b=2");
    put(self, "mine", "kept");
    propagator->inject(propagator, context, &self->map);
    assert_int_equal(cleat_carrier_count(self->carrier), 3);
    assert_slice(get(self, "traceparent"), TRACEPARENT);
    assert_slice(get(self, "tracestate"), "a=1,b=2");
    assert_slice(get(self, "mine"), "kept");
    cleat_context_release(context);

    /* Without a tracestate the old one does not stay. */
    context = traced_context("");
    propagator->inject(propagator, context, &self->map);
    assert_slice(get(self, "traceparent"), TRACEPARENT);
    assert_slice(get(self, "tracestate"), NULL);
    self->map.remove = NULL;
    propagator->inject(propagator, context, &self->map);
    assert_slice(get(self, "tracestate"), NULL);
    cleat_context_release(context);
}

static void test_inject_of_nothing_writes_nothing(void **state)
{
    fixture *self = *state;
    const cleat_propagator *propagator = cleat_propagator_default();
    put(self, "traceparent", "mine");
    put(self, "tracestate", "mine");
    propagator->inject(propagator, NULL, &self->map);
    static const cleat_context_key key = {"key"};
    cleat_context *context = cleat_context_with_value(NULL, &key, NULL, NULL);
    propagator->inject(propagator, context, &self->map);
    assert_int_equal(cleat_carrier_count(self->carrier), 2);
    assert_slice(get(self, "traceparent"), "mine");
    assert_slice(get(self, "tracestate"), "mine");
    cleat_context_release(context);
}

static void test_extract(void **state)
{
    fixture *self = *state;
    const cleat_propagator *propagator = cleat_propagator_trace_context();
    put(self, "traceparent", " " TRACEPARENT " ");
    put(self, "tracestate", "a=1 , b=2");
    cleat_context *context = propagator->extract(propagator, NULL, &self->map);
    const cleat_span_context *span_context = cleat_context_span_context(context);
    char header[56];
    assert_int_equal(cleat_traceparent_format(span_context, header), CLEAT_OK);
    assert_string_equal(header, TRACEPARENT);
    assert_true(span_context->is_remote);
    assert_trace_state(span_context, "a=1,b=2");
    assert_null(cleat_context_span(context).impl);
    cleat_context_release(context);

    /* A malformed tracestate goes, the traceparent stays. */
    put(self, "tracestate", "a=1,B=2");
    context = propagator->extract(propagator, NULL, &self->map);
    assert_true(cleat_span_context_is_valid(cleat_context_span_context(context)));
    assert_trace_state(cleat_context_span_context(context), "");
    cleat_context_release(context);
}

static void test_extract_of_nothing_keeps_the_context(void **state)
{
    fixture *self = *state;
    const char *headers[] = {NULL, "", "00-" TRACE_ID "-0000000000000000-01", "ff" TRACEPARENT,
                             TRACEPARENT "," TRACEPARENT};
    const cleat_propagator *propagator = cleat_propagator_default();
    cleat_context *before = traced_context("kept=1");
    put(self, "tracestate", "a=1");
    put(self, "baggage", "malformed");
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        if (headers[i] != NULL) {
            put(self, "traceparent", headers[i]);
        }
        assert_null(propagator->extract(propagator, NULL, &self->map));
        cleat_context *context = propagator->extract(propagator, before, &self->map);
        assert_ptr_equal(context, before);
        cleat_context_release(context);
    }
    cleat_context_release(before);
}

static void test_baggage_both_ways(void **state)
{
    fixture *self = *state;
    const cleat_propagator *propagator = cleat_propagator_baggage();
    cleat_baggage *baggage = cleat_baggage_with(NULL, "k", cleat_slice_of("a b"), "p=1");
    cleat_context *context = cleat_context_with_baggage(NULL, baggage);
    cleat_baggage_release(baggage);
    propagator->inject(propagator, context, &self->map);
    cleat_context_release(context);
    assert_int_equal(cleat_carrier_count(self->carrier), 1);
    assert_slice(get(self, "baggage"), "k=a%20b;p=1");

    context = propagator->extract(propagator, NULL, &self->map);
    cleat_slice metadata;
    const cleat_baggage *extracted = cleat_context_get_baggage(context);
    assert_slice(cleat_baggage_get(extracted, "k"), "a b");
    cleat_baggage_at(extracted, 0, NULL, NULL, &metadata);
    assert_slice(metadata, "p=1");
    cleat_context_release(context);
}

static void test_default_does_both(void **state)
{
    fixture *self = *state;
    const cleat_propagator *propagator = cleat_propagator_default();
    put(self, "traceparent", TRACEPARENT);
    put(self, "tracestate", "a=1");
    put(self, "baggage", "k=v");
    cleat_context *context = propagator->extract(propagator, NULL, &self->map);
    assert_true(cleat_span_context_is_valid(cleat_context_span_context(context)));
    assert_slice(cleat_baggage_get(cleat_context_get_baggage(context), "k"), "v");

    cleat_carrier *other = NULL;
    assert_int_equal(cleat_carrier_new(&other), CLEAT_OK);
    cleat_text_map map = cleat_carrier_text_map(other);
    propagator->inject(propagator, context, &map);
    for (const char *const *field = propagator->fields(propagator); *field != NULL; field++) {
        assert_true(cleat_slice_equals(cleat_carrier_get(other, *field), get(self, *field)));
    }
    assert_int_equal(cleat_carrier_count(other), 3);
    cleat_carrier_free(other);
    cleat_context_release(context);
}

static void test_none_does_nothing(void **state)
{
    fixture *self = *state;
    const cleat_propagator *propagator = cleat_propagator_none();
    cleat_context *context = traced_context("a=1");
    propagator->inject(propagator, context, &self->map);
    assert_int_equal(cleat_carrier_count(self->carrier), 0);
    put(self, "traceparent", TRACEPARENT);
    assert_null(propagator->extract(propagator, NULL, &self->map));
    cleat_context *same = propagator->extract(propagator, context, &self->map);
    assert_ptr_equal(same, context);
    cleat_context_release(same);
    cleat_context_release(context);
    assert_null(propagator->fields(propagator)[0]);
}

static void test_fields(void **state)
{
    (void)state;
    const cleat_propagator *propagator = cleat_propagator_trace_context();
    const char *const *fields = propagator->fields(propagator);
    assert_string_equal(fields[0], "traceparent");
    assert_string_equal(fields[1], "tracestate");
    assert_null(fields[2]);
    propagator = cleat_propagator_baggage();
    fields = propagator->fields(propagator);
    assert_string_equal(fields[0], "baggage");
    assert_null(fields[1]);
}

/* A carrier that refuses what it is told to. */
static cleat_status refuse_trace_state(void *carrier, const char *key, cleat_slice value)
{
    if (strcmp(key, "tracestate") == 0) {
        return CLEAT_TOO_LARGE;
    }
    return cleat_carrier_set(carrier, key, value);
}

static void test_refused_trace_state_leaves_no_stale_one(void **state)
{
    fixture *self = *state;
    const cleat_propagator *propagator = cleat_propagator_trace_context();
    put(self, "tracestate", "of=another");
    self->map.set = refuse_trace_state;
    cleat_context *context = traced_context("a=1");
    propagator->inject(propagator, context, &self->map);
    assert_slice(get(self, "traceparent"), TRACEPARENT);
    assert_slice(get(self, "tracestate"), NULL);
    cleat_context_release(context);
}

static void test_no_memory_keeps_the_context(void **state)
{
    fixture *self = *state;
    static failing_allocator allocator;
    const cleat_propagator *propagator = cleat_propagator_default();
    cleat_context *contexts[20];
    put(self, "traceparent", TRACEPARENT);
    put(self, "baggage", "k=v");
    /* Empties this thread's free contexts first. */
    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        contexts[i] = traced_context("");
    }
    failing_allocator_install(&allocator, 1);
    cleat_context *context = propagator->extract(propagator, contexts[0], &self->map);
    cleat_set_allocator(NULL);
    assert_ptr_equal(context, contexts[0]);
    cleat_context_release(context);
    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        cleat_context_release(contexts[i]);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_inject),
        TEST(test_inject_of_nothing_writes_nothing),
        TEST(test_extract),
        TEST(test_extract_of_nothing_keeps_the_context),
        TEST(test_baggage_both_ways),
        TEST(test_default_does_both),
        TEST(test_none_does_nothing),
        TEST(test_fields),
        TEST(test_refused_trace_state_leaves_no_stale_one),
        TEST(test_no_memory_keeps_the_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
