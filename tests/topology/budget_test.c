/* The trace budget and the randomness that ride in the tracestate. */
#include "topology/topology.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static void set_member(cleat_span_context *context, const char *key, const char *value)
{
    memset(context, 0, sizeof *context);
    memset(context->trace_id.bytes, 0xab, sizeof context->trace_id.bytes);
    memset(context->span_id.bytes, 0xcd, sizeof context->span_id.bytes);
    if (value != NULL) {
        assert_int_equal(cleat_trace_state_set(context, key, cleat_slice_of(value)), CLEAT_OK);
    }
}

typedef struct read_case {
    const char *value;
    bool read;
    cleat__budget_state state;
} read_case;

static const read_case read_cases[] = {
    {NULL, false, {0, 0, 0}},
    {"d:1;t:65a0b3c4;n:2", true, {1, 0x65a0b3c4, 2}},
    {"n:2;d:1;t:65a0b3c4", true, {1, 0x65a0b3c4, 2}},
    {"d:0;t:0;n:0", true, {0, 0, 0}},
    {"d:ffffffffffffffff;t:7fffffffffffffff;n:ffffffffffffffff", true, {UINT64_MAX, INT64_MAX, UINT64_MAX}},
    {"d:1;t:2;n:3;z:later", true, {1, 2, 3}},
    {"d:1;t:8000000000000000;n:2", false, {0, 0, 0}},  /* the year 292 billion */
    {"d:10000000000000000;t:1;n:2", false, {0, 0, 0}}, /* 17 digits */
    {"d:1;t:2", false, {0, 0, 0}},
    {"d:1;t:2;n:", false, {0, 0, 0}},
    {"d:1;t:2;n:3;", false, {0, 0, 0}},
    {"d:1;;t:2;n:3", false, {0, 0, 0}},
    {"d:1;d:1;t:2;n:3", false, {0, 0, 0}},
    {"d:A;t:2;n:3", false, {0, 0, 0}},
    {"d:-1;t:2;n:3", false, {0, 0, 0}},
    {"d:1;t:2;n:3;x", false, {0, 0, 0}},
    {"d1t2n3", false, {0, 0, 0}},
    {"dd:1;t:2;n:3", false, {0, 0, 0}},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof read_cases / sizeof read_cases[0]; i++) {
        const read_case *it = &read_cases[i];
        cleat_span_context context;
        cleat__budget_state found = {9, 9, 9};
        set_member(&context, "cleat", it->value);
        if (cleat__budget_read(&context, &found) != it->read ||
            memcmp(&found, &it->state, sizeof found) != 0) {
            fail_msg("\"%s\": d %llu t %lld n %llu", it->value, (unsigned long long)found.depth,
                     (long long)found.start_s, (unsigned long long)found.spans);
        }
    }
}

static void test_write_then_read(void **state)
{
    (void)state;
    const cleat__budget_state numbers[] = {
        {0, 0, 0}, {1, 1700000000, 5}, {UINT64_MAX, INT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < 3; i++) {
        cleat_span_context context;
        cleat__budget_state found;
        set_member(&context, "vendor", "x");
        assert_int_equal(cleat__budget_write(&context, &numbers[i]), CLEAT_OK);
        assert_true(cleat__budget_read(&context, &found));
        assert_memory_equal(&found, &numbers[i], sizeof found);
        assert_true(cleat_slice_equals(cleat_trace_state_get(&context, "vendor"), cleat_slice_of("x")));
    }
}

typedef struct limit_case {
    cleat__budget budget;
    cleat__budget_state state;
    int64_t now_s;
    bool exceeded;
} limit_case;

static const limit_case limit_cases[] = {
    {{0, 0, 0}, {UINT64_MAX, 1, UINT64_MAX}, INT64_MAX, false}, /* no limits */
    {{3, 0, 0}, {3, 0, 0}, 0, false},
    {{3, 0, 0}, {4, 0, 0}, 0, true},
    {{0, 60, 0}, {1, 1000, 1}, 1060, false},
    {{0, 60, 0}, {1, 1000, 1}, 1061, true},
    {{0, 60, 0}, {1, 1000, 1}, 10, false},      /* a clock behind the root's */
    {{0, 60, 0}, {1, 0, 1}, 1700000000, false}, /* age unknown */
    {{0, -1, 0}, {1, 1, 1}, 1700000000, false},
    {{0, 0, 100}, {1, 1, 100}, 1, false},
    {{0, 0, 100}, {1, 1, 101}, 1, true},
};

static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof limit_cases / sizeof limit_cases[0]; i++) {
        const limit_case *it = &limit_cases[i];
        if (cleat__budget_exceeded(&it->budget, &it->state, it->now_s) != it->exceeded) {
            fail_msg("case %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write_then_read),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
