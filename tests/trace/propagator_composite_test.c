#include "propagation_test.h"

/* A propagator of a user's, with something of its own behind the struct. */
typedef struct own_propagator {
    cleat_propagator base;
    const char *name; /* of its header; the context holds what it said */
    cleat_context_key key;
} own_propagator;

static void own_inject(const cleat_propagator *self, const cleat_context *context,
                       const cleat_text_map *carrier)
{
    const own_propagator *own = (const own_propagator *)self;
    const char *value = cleat_context_value(context, &own->key);
    if (value != NULL) {
        carrier->set(carrier->self, own->name, cleat_slice_of(value));
    }
}

static cleat_context *own_extract(const cleat_propagator *self, const cleat_context *context,
                                  const cleat_text_map *carrier)
{
    const own_propagator *own = (const own_propagator *)self;
    cleat_slice value = carrier->get(carrier->self, own->name);
    if (value.data == NULL) {
        return cleat_context_retain(context);
    }
    static char extracted[] = "extracted";
    return cleat_context_with_value(context, &own->key, extracted, NULL);
}

static const char *const *own_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {"x-own", "tracestate", NULL};
    return fields;
}

static const own_propagator own = {
    .base = {.inject = own_inject, .extract = own_extract, .fields = own_fields},
    .name = "x-own",
};

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

static cleat_propagator *new_composite(const cleat_propagator *const *list, size_t count)
{
    cleat_propagator *made = NULL;
    assert_int_equal(cleat_propagator_composite_new(list, count, &made), CLEAT_OK);
    assert_non_null(made);
    return made;
}

static void test_does_what_each_does(void **state)
{
    fixture *self = *state;
    const cleat_propagator *list[] = {cleat_propagator_trace_context(), &own.base,
                                      cleat_propagator_baggage()};
    cleat_propagator *composite = new_composite(list, COUNT_OF(list));
    memset(list, 0, sizeof(list)); /* was copied */
    put(self, "traceparent", TRACEPARENT);
    put(self, "x-own", "mine");
    put(self, "baggage", "k=v");
    cleat_context *context = cleat_propagator_extract(composite, NULL, &self->map);
    assert_true(cleat_span_context_is_valid(cleat_context_span_context(context)));
    assert_string_equal(cleat_context_value(context, &own.key), "extracted");
    assert_slice(cleat_baggage_get(cleat_context_get_baggage(context), "k"), "v");

    cleat_carrier *other = NULL;
    assert_int_equal(cleat_carrier_new(&other), CLEAT_OK);
    cleat_text_map map = cleat_carrier_text_map(other);
    cleat_propagator_inject(composite, context, &map);
    assert_slice(cleat_carrier_get(other, "traceparent"), TRACEPARENT);
    assert_slice(cleat_carrier_get(other, "x-own"), "extracted");
    assert_slice(cleat_carrier_get(other, "baggage"), "k=v");
    assert_int_equal(cleat_carrier_count(other), 3);
    cleat_carrier_free(other);
    cleat_context_release(context);
    cleat_propagator_free(composite);
}

static void test_the_later_one_wins(void **state)
{
    fixture *self = *state;
    const cleat_propagator *first[] = {cleat_propagator_trace_context(), cleat_propagator_b3()};
    const cleat_propagator *second[] = {cleat_propagator_b3(), cleat_propagator_trace_context()};
    cleat_propagator *b3_last = new_composite(first, 2);
    cleat_propagator *b3_first = new_composite(second, 2);
    put(self, "traceparent", TRACEPARENT);
    put(self, "b3", TRACE_ID "-0000000000000001-1");
    cleat_context *context = cleat_propagator_extract(b3_last, NULL, &self->map);
    assert_int_equal(cleat_context_span_context(context)->span_id.bytes[7], 1);
    cleat_context_release(context);
    context = cleat_propagator_extract(b3_first, NULL, &self->map);
    assert_int_equal(cleat_context_span_context(context)->span_id.bytes[7], 0xb7);
    cleat_context_release(context);
    cleat_propagator_free(b3_last);
    cleat_propagator_free(b3_first);
}

static void test_fields_are_those_of_all(void **state)
{
    (void)state;
    const cleat_propagator *list[] = {&own.base, cleat_propagator_trace_context(), &own.base};
    cleat_propagator *inner = new_composite(list, COUNT_OF(list));
    const cleat_propagator *outer_list[] = {cleat_propagator_b3(), inner};
    cleat_propagator *outer = new_composite(outer_list, COUNT_OF(outer_list));
    const char *expected[] = {"b3", "x-own", "tracestate", "traceparent"};
    const char *const *fields = outer->fields(outer);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_string_equal(fields[i], expected[i]);
    }
    assert_null(fields[COUNT_OF(expected)]);
    cleat_propagator_free(outer);
    cleat_propagator_free(inner);
}

static void test_of_none(void **state)
{
    fixture *self = *state;
    cleat_propagator *composite = new_composite(NULL, 0);
    put(self, "traceparent", TRACEPARENT);
    assert_null(cleat_propagator_extract(composite, NULL, &self->map));
    assert_null(composite->fields(composite)[0]);
    cleat_propagator_free(composite);
}

static void test_refuses(void **state)
{
    (void)state;
    cleat_propagator *made = (cleat_propagator *)&own.base;
    const cleat_propagator empty = {.inject = NULL};
    const cleat_propagator *with_null[] = {cleat_propagator_b3(), NULL};
    const cleat_propagator *with_empty[] = {&empty};
    assert_int_equal(cleat_propagator_composite_new(with_null, 2, &made), CLEAT_INVALID_ARGUMENT);
    assert_null(made);
    assert_int_equal(cleat_propagator_composite_new(with_empty, 1, &made), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_propagator_composite_new(NULL, 1, &made), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_propagator_composite_new(with_null, 1, NULL), CLEAT_INVALID_ARGUMENT);

    static failing_allocator allocator;
    failing_allocator_install(&allocator, 1);
    assert_int_equal(cleat_propagator_composite_new(with_null, 1, &made), CLEAT_NO_MEMORY);
    assert_null(made);
}

static void test_freeing_what_is_static_does_nothing(void **state)
{
    (void)state;
    cleat_propagator_free(NULL);
    cleat_propagator_free((cleat_propagator *)cleat_propagator_default());
    cleat_propagator_free((cleat_propagator *)cleat_propagator_b3());
    cleat_propagator_free((cleat_propagator *)&own.base);
    assert_string_equal(cleat_propagator_default()->fields(cleat_propagator_default())[0], "traceparent");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_does_what_each_does),
        TEST(test_the_later_one_wins),
        TEST(test_fields_are_those_of_all),
        TEST(test_of_none),
        TEST(test_refuses),
        TEST(test_freeing_what_is_static_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
