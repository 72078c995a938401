#include "propagation_test.h"

static void test_validity(void **state)
{
    (void)state;
    cleat_span_context context = {0};
    assert_false(cleat_span_context_is_valid(NULL));
    assert_false(cleat_span_context_is_valid(&context));
    context.trace_id.bytes[15] = 1;
    assert_true(cleat_trace_id_is_valid(&context.trace_id));
    assert_false(cleat_span_context_is_valid(&context));
    context.span_id.bytes[7] = 1;
    assert_true(cleat_span_id_is_valid(&context.span_id));
    assert_true(cleat_span_context_is_valid(&context));
    context.trace_id = (cleat_trace_id){{0}};
    assert_false(cleat_span_context_is_valid(&context));

    assert_false(cleat_span_context_is_sampled(NULL));
    assert_false(cleat_span_context_is_sampled(&context));
    context.trace_flags = CLEAT_TRACE_FLAG_RANDOM;
    assert_false(cleat_span_context_is_sampled(&context));
    context.trace_flags |= CLEAT_TRACE_FLAG_SAMPLED;
    assert_true(cleat_span_context_is_sampled(&context));
}

static void test_equality_is_of_the_ids(void **state)
{
    (void)state;
    cleat_span_context a = valid_span_context();
    cleat_span_context b = valid_span_context();
    b.trace_flags = 0;
    b.is_remote = false;
    assert_int_equal(cleat_trace_state_set(&b, "k", cleat_slice_of("v")), CLEAT_OK);
    assert_true(cleat_span_context_equals(&a, &b));
    b.span_id.bytes[7]++;
    assert_false(cleat_span_context_equals(&a, &b));
    b = a;
    b.trace_id.bytes[0]++;
    assert_false(cleat_span_context_equals(&a, &b));
    assert_false(cleat_span_context_equals(&a, NULL));
}

static void test_copy_takes_the_used_part(void **state)
{
    (void)state;
    cleat_span_context from = valid_span_context();
    assert_int_equal(cleat_trace_state_parse(&from, cleat_slice_of("a=1,b=2")), CLEAT_OK);
    cleat_span_context to;
    memset(&to, 'x', sizeof(to));
    cleat_span_context_copy(&to, &from);
    assert_true(cleat_span_context_equals(&to, &from));
    assert_int_equal(to.trace_flags, from.trace_flags);
    assert_true(to.is_remote);
    assert_trace_state(&to, "a=1,b=2");
    assert_int_equal(to.trace_state[7], 'x');
    cleat_span_context_copy(&to, &to);
    assert_trace_state(&to, "a=1,b=2");

    /* A size that cannot be does not lead out of the struct. */
    from.trace_state_size = UINT16_MAX;
    cleat_span_context_copy(&to, &from);
    assert_int_equal(to.trace_state_size, CLEAT_TRACE_STATE_MAX);
    cleat_span_context_copy(&to, NULL);
    assert_false(cleat_span_context_is_valid(&to));
    assert_int_equal(to.trace_state_size, 0);
}

static void test_ids_as_hex(void **state)
{
    (void)state;
    cleat_trace_id trace_id;
    cleat_span_id span_id;
    char text[33];
    assert_int_equal(cleat_trace_id_from_hex(cleat_slice_of(TRACE_ID), &trace_id), CLEAT_OK);
    cleat_trace_id_to_hex(&trace_id, text);
    assert_string_equal(text, TRACE_ID);
    assert_int_equal(cleat_span_id_from_hex(cleat_slice_of(SPAN_ID), &span_id), CLEAT_OK);
    cleat_span_id_to_hex(&span_id, text);
    assert_string_equal(text, SPAN_ID);

    const char *bad[] = {
        "",
        "4bf92f3577b34da6a3ce929d0e0e473",
        "4bf92f3577b34da6a3ce929d0e0e47366",
        "4BF92F3577B34DA6A3CE929D0E0E4736",
        "4bf92f3577b34da6a3ce929d0e0e473g",
        "00000000000000000000000000000000",
        "00f067aa0ba902b",
        "00f067aa0ba902b77",
        "00F067AA0BA902B7",
        "0000000000000000",
        "00f067aa0ba902b\xB7",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(cleat_trace_id_from_hex(cleat_slice_of(bad[i]), &trace_id), CLEAT_INVALID_ARGUMENT);
        assert_int_equal(cleat_span_id_from_hex(cleat_slice_of(bad[i]), &span_id), CLEAT_INVALID_ARGUMENT);
    }
    /* What was there stays. */
    cleat_trace_id_to_hex(&trace_id, text);
    assert_string_equal(text, TRACE_ID);
}

static void test_null_is_told(void **state)
{
    (void)state;
    char text[33];
    cleat_span_context_copy(NULL, NULL);
    cleat_trace_id_to_hex(NULL, text);
    assert_string_equal(text, "00000000000000000000000000000000");
    cleat_span_id_to_hex(NULL, text);
    assert_string_equal(text, "0000000000000000");
    assert_int_equal(cleat_trace_id_from_hex(cleat_slice_of(TRACE_ID), NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_id_from_hex(cleat_slice_of(SPAN_ID), NULL), CLEAT_INVALID_ARGUMENT);
    assert_true(cleat_span_context_equals(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_equality_is_of_the_ids),
        cmocka_unit_test(test_copy_takes_the_used_part),
        cmocka_unit_test(test_ids_as_hex),
        cmocka_unit_test(test_null_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
