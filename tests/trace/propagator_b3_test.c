#include "propagation_test.h"

#define SHORT_ID "a3ce929d0e0e4736"
#define PADDED   "0000000000000000" SHORT_ID
#define PARENT   "05e3ac9a4f6e3b90"
#define IDS      TRACE_ID "-" SPAN_ID

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

static cleat_context *extract(fixture *self, const cleat_context *context)
{
    return cleat_propagator_extract(cleat_propagator_b3(), context, &self->map);
}

/* What b3 writes again for what was extracted; "" for nothing. */
static void assert_extracted(const cleat_context *context, const char *header)
{
    cleat_carrier *carrier = NULL;
    assert_int_equal(cleat_carrier_new(&carrier), CLEAT_OK);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    cleat_propagator_b3()->inject(cleat_propagator_b3(), context, &map);
    assert_slice(cleat_carrier_get(carrier, "b3"), header);
    cleat_carrier_free(carrier);
}

typedef struct single_case {
    const char *header;
    const char *again; /* NULL: nothing is extracted */
} single_case;

static const single_case single_cases[] = {
    {IDS "-1", IDS "-1"},
    {IDS "-0", IDS "-0"},
    {IDS "-d", IDS "-d"},
    /* An open decision is none to sample. */
    {IDS, IDS "-0"},
    {IDS "-1-" PARENT, IDS "-1"},
    {IDS "-d-" PARENT, IDS "-d"},
    {IDS "-" PARENT, IDS "-0"},
    {" " IDS "-1\t", IDS "-1"},
    {SHORT_ID "-" SPAN_ID "-1", PADDED "-" SPAN_ID "-1"},
    {"00000000000000000000000000000001-" SPAN_ID "-1", "00000000000000000000000000000001-" SPAN_ID "-1"},
    /* A decision without ids. */
    {"0", NULL},
    {"1", NULL},
    {"d", NULL},
    /* Malformed. */
    {"", NULL},
    {"-", NULL},
    {"x", NULL},
    {IDS "-", NULL},
    {IDS "-2", NULL},
    {IDS "-D", NULL},
    {IDS "-true", NULL},
    {IDS "-1-", NULL},
    {IDS "-1-" PARENT "-", NULL},
    {IDS "-1-" PARENT "-1", NULL},
    {IDS "-1-05e3ac9a4f6e3b9", NULL},
    {IDS "-1-05E3AC9A4F6E3B90", NULL},
    {TRACE_ID, NULL},
    {TRACE_ID "-", NULL},
    {TRACE_ID "-1", NULL},
    {"4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN_ID "-1", NULL},
    {TRACE_ID "-00F067AA0BA902B7-1", NULL},
    {"4bf92f3577b34da6a3ce929d0e0e473-" SPAN_ID "-1", NULL},
    {"4bf92f3577b34da6a3ce929d-" SPAN_ID "-1", NULL},
    {"00000000000000000000000000000000-" SPAN_ID "-1", NULL},
    {"0000000000000000-" SPAN_ID "-1", NULL},
    {TRACE_ID "-0000000000000000-1", NULL},
    {IDS "-1," IDS "-1", NULL},
};

static void test_extract_single(void **state)
{
    fixture *self = *state;
    for (size_t i = 0; i < COUNT_OF(single_cases); i++) {
        cleat_span_context before = {.trace_id = {{1}}, .span_id = {{2}}};
        cleat_context *parent = cleat_context_with_span_context(NULL, &before);
        put(self, "b3", single_cases[i].header);
        cleat_context *context = extract(self, parent);
        if ((context == parent) != (single_cases[i].again == NULL)) {
            fail_msg("\"%s\"", single_cases[i].header);
        }
        if (single_cases[i].again != NULL) {
            assert_extracted(context, single_cases[i].again);
            assert_true(cleat_context_span_context(context)->is_remote);
            assert_trace_state(cleat_context_span_context(context), "");
        }
        cleat_context_release(context);
        cleat_context_release(parent);
    }
}

typedef struct multi_case {
    const char *trace_id, *span_id, *sampled, *flags; /* NULL: not there */
    const char *again;
} multi_case;

static const multi_case multi_cases[] = {
    {TRACE_ID, SPAN_ID, "1", NULL, IDS "-1"},
    {TRACE_ID, SPAN_ID, "0", NULL, IDS "-0"},
    {TRACE_ID, SPAN_ID, NULL, NULL, IDS "-0"},
    {TRACE_ID, SPAN_ID, "true", NULL, IDS "-1"},
    {TRACE_ID, SPAN_ID, "false", NULL, IDS "-0"},
    {SHORT_ID, SPAN_ID, " 1 ", NULL, PADDED "-" SPAN_ID "-1"},
    {TRACE_ID, SPAN_ID, NULL, "1", IDS "-d"},
    {TRACE_ID, SPAN_ID, "0", "1", IDS "-d"},
    {TRACE_ID, SPAN_ID, "1", "0", IDS "-1"},
    {TRACE_ID, SPAN_ID, "d", NULL, NULL},
    {TRACE_ID, SPAN_ID, "2", NULL, NULL},
    {TRACE_ID, NULL, "1", NULL, NULL},
    {NULL, SPAN_ID, "1", NULL, NULL},
    {NULL, NULL, "0", NULL, NULL},
    {TRACE_ID, "", "1", NULL, NULL},
    {TRACE_ID, "0000000000000000", "1", NULL, NULL},
    {"00000000000000000000000000000000", SPAN_ID, "1", NULL, NULL},
    {TRACE_ID, "00F067AA0BA902B7", "1", NULL, NULL},
};

static void put_if(fixture *self, const char *key, const char *value)
{
    cleat_carrier_remove(self->carrier, key);
    if (value != NULL) {
        put(self, key, value);
    }
}

static void test_extract_multi(void **state)
{
    fixture *self = *state;
    for (size_t i = 0; i < COUNT_OF(multi_cases); i++) {
        const multi_case *each = &multi_cases[i];
        put_if(self, "X-B3-TraceId", each->trace_id);
        put_if(self, "X-B3-SpanId", each->span_id);
        put_if(self, "X-B3-Sampled", each->sampled);
        put_if(self, "X-B3-Flags", each->flags);
        /* The one that writes a single header reads several, and the other way round. */
        cleat_context *context = extract(self, NULL);
        if ((context != NULL) != (each->again != NULL)) {
            fail_msg("case %zu", i);
        }
        assert_extracted(context, each->again);
        cleat_context_release(context);
    }
    cleat_carrier_remove(self->carrier, "X-B3-TraceId");
    put(self, "b3", IDS "-1");
    cleat_context *context = cleat_propagator_extract(cleat_propagator_b3_multi(), NULL, &self->map);
    assert_extracted(context, IDS "-1");
    cleat_context_release(context);
}

static void test_the_single_header_is_preferred(void **state)
{
    fixture *self = *state;
    put(self, "X-B3-TraceId", TRACE_ID);
    put(self, "X-B3-SpanId", SPAN_ID);
    put(self, "X-B3-Sampled", "1");
    put(self, "b3", SHORT_ID "-" SPAN_ID "-0");
    cleat_context *context = extract(self, NULL);
    assert_extracted(context, PADDED "-" SPAN_ID "-0");
    cleat_context_release(context);
    /* A decision by itself is one, too. */
    put(self, "b3", "0");
    assert_null(extract(self, NULL));
    /* What is malformed says nothing. */
    put(self, "b3", "malformed");
    context = extract(self, NULL);
    assert_extracted(context, IDS "-1");
    cleat_context_release(context);
}

static void test_inject_single(void **state)
{
    fixture *self = *state;
    cleat_span_context span = valid_span_context();
    span.trace_flags |= CLEAT_TRACE_FLAG_RANDOM;
    cleat_context *context = cleat_context_with_span_context(NULL, &span);
    cleat_propagator_inject(cleat_propagator_b3(), context, &self->map);
    assert_int_equal(cleat_carrier_count(self->carrier), 1);
    assert_slice(cleat_carrier_get(self->carrier, "b3"), IDS "-1");
    cleat_context_release(context);
    span.trace_flags = 0;
    context = cleat_context_with_span_context(NULL, &span);
    cleat_propagator_inject(cleat_propagator_b3(), context, &self->map);
    assert_slice(cleat_carrier_get(self->carrier, "b3"), IDS "-0");
    cleat_context_release(context);
}

static void test_inject_multi(void **state)
{
    fixture *self = *state;
    cleat_span_context span = valid_span_context();
    cleat_context *context = cleat_context_with_span_context(NULL, &span);
    put(self, "X-B3-Flags", "1");
    cleat_propagator_inject(cleat_propagator_b3_multi(), context, &self->map);
    assert_int_equal(cleat_carrier_count(self->carrier), 3);
    assert_slice(cleat_carrier_get(self->carrier, "X-B3-TraceId"), TRACE_ID);
    assert_slice(cleat_carrier_get(self->carrier, "X-B3-SpanId"), SPAN_ID);
    assert_slice(cleat_carrier_get(self->carrier, "X-B3-Sampled"), "1");
    cleat_context_release(context);
}

static void test_inject_of_nothing_writes_nothing(void **state)
{
    fixture *self = *state;
    cleat_propagator_b3()->inject(cleat_propagator_b3(), NULL, &self->map);
    cleat_propagator_b3_multi()->inject(cleat_propagator_b3_multi(), NULL, &self->map);
    assert_int_equal(cleat_carrier_count(self->carrier), 0);
}

/* The flag stays in the context when a span of this process takes the place of the remote one. */
static void test_debug_goes_on(void **state)
{
    fixture *self = *state;
    put(self, "b3", IDS "-d");
    cleat_context *remote = extract(self, NULL);
    assert_true(cleat_span_context_is_sampled(cleat_context_span_context(remote)));
    cleat_span_context span = valid_span_context();
    span.span_id.bytes[7]++;
    cleat_context *local = cleat_context_with_span_context(remote, &span);
    assert_extracted(local, TRACE_ID "-00f067aa0ba902b8-d");
    put(self, "X-B3-Sampled", "0");
    cleat_propagator_inject(cleat_propagator_b3_multi(), local, &self->map);
    assert_slice(cleat_carrier_get(self->carrier, "X-B3-Flags"), "1");
    assert_slice(cleat_carrier_get(self->carrier, "X-B3-Sampled"), NULL);

    /* A request without it, extracted on top, is not debugged. */
    put(self, "b3", IDS "-1");
    cleat_context *other = extract(self, local);
    assert_extracted(other, IDS "-1");
    cleat_context_release(other);
    cleat_context_release(local);
    cleat_context_release(remote);
}

static void test_no_memory_keeps_the_context(void **state)
{
    fixture *self = *state;
    static failing_allocator allocator;
    cleat_context *contexts[20];
    cleat_span_context span = valid_span_context();
    put(self, "b3", SHORT_ID "-" SPAN_ID "-d");
    /* Empties this thread's free contexts first. */
    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        contexts[i] = cleat_context_with_span_context(NULL, &span);
    }
    failing_allocator_install(&allocator, 1);
    cleat_context *context = extract(self, contexts[0]);
    cleat_set_allocator(NULL);
    assert_ptr_equal(context, contexts[0]);
    cleat_context_release(context);
    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        cleat_context_release(contexts[i]);
    }
}

static void test_fields(void **state)
{
    (void)state;
    const char *const *fields = cleat_propagator_b3()->fields(cleat_propagator_b3());
    assert_string_equal(fields[0], "b3");
    assert_null(fields[1]);
    fields = cleat_propagator_b3_multi()->fields(cleat_propagator_b3_multi());
    const char *expected[] = {"X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled", "X-B3-Flags"};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_string_equal(fields[i], expected[i]);
    }
    assert_null(fields[COUNT_OF(expected)]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_extract_single),
        TEST(test_extract_multi),
        TEST(test_the_single_header_is_preferred),
        TEST(test_inject_single),
        TEST(test_inject_multi),
        TEST(test_inject_of_nothing_writes_nothing),
        TEST(test_debug_goes_on),
        TEST(test_no_memory_keeps_the_context),
        TEST(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
