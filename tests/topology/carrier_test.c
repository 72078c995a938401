/* Reading and writing carriers: telemetry.md section 2. */
#include "topology/topology.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define A_PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define B_PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
#define A_TRACE  "0af7651916cd43dd8448eb211c80319c"
#define B_TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"

typedef struct entry {
    const char *key, *value;
} entry;

static cleat_carrier *carrier_of(const entry *entries, size_t count)
{
    cleat_carrier *carrier = NULL;
    assert_int_equal(cleat_carrier_new(&carrier), CLEAT_OK);
    for (size_t i = 0; i < count && entries[i].key != NULL; i++) {
        assert_int_equal(cleat_carrier_set(carrier, entries[i].key, cleat_slice_of(entries[i].value)),
                         CLEAT_OK);
    }
    return carrier;
}

static void assert_entry(const cleat_carrier *carrier, const char *key, const char *value)
{
    cleat_slice found = cleat_carrier_get(carrier, key);
    if (value == NULL) {
        assert_null(found.data);
        return;
    }
    if (!cleat_slice_equals(found, cleat_slice_of(value))) {
        fail_msg("%s is \"%.*s\", not \"%s\"", key, CLEAT_SLICE_ARGS(found), value);
    }
}

static void assert_trace(const cleat_span_context *context, const char *hex)
{
    char found[33] = "";
    if (hex == NULL) {
        assert_false(cleat_span_context_is_valid(context));
        return;
    }
    cleat_trace_id_to_hex(&context->trace_id, found);
    assert_string_equal(found, hex);
}

static cleat_span_context context_of(const char *traceparent, const char *trace_state)
{
    cleat_span_context context;
    assert_int_equal(cleat_traceparent_parse(cleat_slice_of(traceparent), &context), CLEAT_OK);
    if (trace_state != NULL) {
        assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(trace_state)), CLEAT_OK);
    }
    return context;
}

/* ---- Reading ---- */

typedef struct read_case {
    const char *name;
    entry entries[6];
    bool usable;
    const char *spawn, *origin; /* trace ids; NULL: invalid */
    const char *state;          /* tracestate of spawn */
    cleat_trace_relation relation;
} read_case;

static const read_case read_cases[] = {
    {.name = "empty", .usable = false},
    {.name = "user keys only", .entries = {{"tenant", "acme"}}},
    {.name = "spawn",
     .entries = {{"traceparent", A_PARENT}},
     .usable = true,
     .spawn = A_TRACE,
     .origin = A_TRACE},
    {.name = "spawn with state",
     .entries = {{"traceparent", A_PARENT}, {"tracestate", "a=1,b=2"}},
     .usable = true,
     .spawn = A_TRACE,
     .origin = A_TRACE,
     .state = "a=1,b=2"},
    {.name = "malformed state is dropped",
     .entries = {{"traceparent", A_PARENT}, {"tracestate", "a=1,B B"}},
     .usable = true,
     .spawn = A_TRACE,
     .origin = A_TRACE},
    {.name = "origin",
     .entries = {{"traceparent", A_PARENT}, {"cleat__origin_traceparent", B_PARENT}},
     .usable = true,
     .spawn = A_TRACE,
     .origin = B_TRACE},
    {.name = "invalid origin is the spawn context",
     .entries = {{"traceparent", A_PARENT}, {"cleat__origin_traceparent", "00-zz"}},
     .usable = true,
     .spawn = A_TRACE,
     .origin = A_TRACE},
    {.name = "an origin alone is absent", .entries = {{"cleat__origin_traceparent", B_PARENT}}},
    {.name = "invalid traceparent counts as absent",
     .entries = {{"traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01"},
                 {"tracestate", "a=1"},
                 {"cleat__origin_traceparent", B_PARENT}}},
    {.name = "upper case is invalid",
     .entries = {{"traceparent", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"}}},
    {.name = "empty traceparent", .entries = {{"traceparent", ""}}},
    {.name = "choice parent", .entries = {{"cleat__trace", "parent"}}, .relation = CLEAT_TRACE_PARENT},
    {.name = "choice link",
     .entries = {{"traceparent", A_PARENT}, {"cleat__trace", "link"}},
     .usable = true,
     .spawn = A_TRACE,
     .origin = A_TRACE,
     .relation = CLEAT_TRACE_LINK},
    {.name = "choice none", .entries = {{"cleat__trace", "none"}}, .relation = CLEAT_TRACE_NONE},
    {.name = "choice unknown", .entries = {{"cleat__trace", "LINK"}}},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof read_cases / sizeof read_cases[0]; i++) {
        const read_case *it = &read_cases[i];
        cleat__carrier_contexts contexts;
        memset(&contexts, 0xff, sizeof contexts);
        cleat_carrier *carrier = carrier_of(it->entries, 6);
        cleat_text_map map = cleat_carrier_text_map(carrier);
        cleat__carrier_read(&map, &contexts);
        if (contexts.usable != it->usable || contexts.relation != it->relation) {
            fail_msg("%s: usable %d, relation %d", it->name, contexts.usable, (int)contexts.relation);
        }
        assert_trace(&contexts.spawn, it->spawn);
        assert_trace(&contexts.origin, it->origin);
        cleat_slice text = {contexts.spawn.trace_state, contexts.spawn.trace_state_size};
        assert_true(cleat_slice_equals(text, cleat_slice_of(it->state)));
        cleat_carrier_free(carrier);
    }
}

static void test_read_restores_the_origin_state(void **state)
{
    (void)state;
    const entry entries[] = {{"traceparent", A_PARENT},
                             {"cleat__origin_traceparent", B_PARENT},
                             {"cleat__origin_tracestate", "ot=rv:00112233445566"}};
    cleat__carrier_contexts contexts;
    cleat_carrier *carrier = carrier_of(entries, 3);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    cleat__carrier_read(&map, &contexts);
    assert_true(cleat_slice_equals(cleat_trace_state_get(&contexts.origin, "ot"),
                                   cleat_slice_of("rv:00112233445566")));
    assert_true(contexts.spawn.is_remote);
    cleat_carrier_free(carrier);
}

/* A map that cannot be read is as good as an empty one. */
static void test_read_of_a_write_only_map(void **state)
{
    (void)state;
    cleat__carrier_contexts contexts;
    const cleat_text_map map = {.self = NULL};
    cleat__carrier_read(&map, &contexts);
    assert_false(contexts.usable);
}

/* ---- Writing ---- */

static void test_write_without_a_span_touches_no_user_key(void **state)
{
    (void)state;
    const entry entries[] = {{"traceparent", "mine"}, {"tracestate", "mine"}, {"tenant", "acme"}};
    const cleat_span_context invalid = {0};
    const cleat__budget_state numbers = {1, 2, 3};
    cleat_carrier *carrier = carrier_of(entries, 3);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    const cleat__injection injection = {.spawn = &invalid, .origin = &invalid, .state = &numbers};
    assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_OK);
    assert_int_equal(cleat_carrier_count(carrier), 3);
    assert_entry(carrier, "traceparent", "mine");
    assert_entry(carrier, "tracestate", "mine");
    cleat_carrier_free(carrier);
}

static void test_write_keeps_the_choice_without_a_span(void **state)
{
    (void)state;
    const cleat_span_context invalid = {0};
    cleat_carrier *carrier = carrier_of(NULL, 0);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    const cleat__injection injection = {.spawn = &invalid, .relation = CLEAT_TRACE_LINK};
    assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_OK);
    assert_int_equal(cleat_carrier_count(carrier), 1);
    assert_entry(carrier, "cleat__trace", "link");
    cleat_carrier_free(carrier);
}

static void test_write_overwrites_what_is_stale(void **state)
{
    (void)state;
    const entry entries[] = {{"traceparent", B_PARENT},
                             {"tracestate", "old=1"},
                             {"cleat__origin_traceparent", B_PARENT},
                             {"cleat__origin_tracestate", "old=1"},
                             {"cleat__trace", "none"},
                             {"tenant", "acme"},
                             {"traceparent-of-mine", "x"}};
    const cleat_span_context spawn = context_of(A_PARENT, NULL);
    cleat_carrier *carrier = carrier_of(entries, 7);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    const cleat__injection injection = {.spawn = &spawn};
    assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_OK);
    assert_entry(carrier, "traceparent", A_PARENT);
    assert_entry(carrier, "tracestate", NULL);
    assert_entry(carrier, "cleat__origin_traceparent", NULL);
    assert_entry(carrier, "cleat__origin_tracestate", NULL);
    assert_entry(carrier, "tenant", "acme");
    assert_entry(carrier, "traceparent-of-mine", "x");
    assert_entry(carrier, "cleat__trace", NULL);
    cleat_carrier_free(carrier);
}

/* Where a map cannot remove, a stale key is made empty, which reads as absent. */
static void test_write_without_remove(void **state)
{
    (void)state;
    const entry entries[] = {{"tracestate", "old=1"}, {"cleat__origin_traceparent", B_PARENT}};
    const cleat_span_context spawn = context_of(A_PARENT, NULL);
    cleat__carrier_contexts contexts;
    cleat_carrier *carrier = carrier_of(entries, 2);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    map.remove = NULL;
    const cleat__injection injection = {.spawn = &spawn};
    assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_OK);
    cleat__carrier_read(&map, &contexts);
    assert_trace(&contexts.spawn, A_TRACE);
    assert_trace(&contexts.origin, A_TRACE);
    assert_int_equal(contexts.spawn.trace_state_size, 0);
    assert_null(cleat_carrier_get(carrier, "cleat__origin_tracestate").data);
    cleat_carrier_free(carrier);
}

static void test_write_budget_and_state(void **state)
{
    (void)state;
    const cleat_span_context spawn = context_of(A_PARENT, "vendor=x,cleat=d:1;t:1;n:1");
    const cleat__budget_state numbers = {2, 0x65a0b3c4, 17};
    cleat_carrier *carrier = carrier_of(NULL, 0);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    const cleat__injection injection = {.spawn = &spawn, .origin = &spawn, .state = &numbers};
    assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_OK);
    assert_entry(carrier, "tracestate", "cleat=d:2;t:65a0b3c4;n:11,vendor=x");
    assert_entry(carrier, "cleat__origin_traceparent", NULL);
    cleat_carrier_free(carrier);
}

/* What one hop reads as origin, the next gets as origin, byte for byte. */
static void test_origin_is_forwarded_unchanged(void **state)
{
    (void)state;
    const cleat_span_context first = context_of(B_PARENT, "ot=rv:00112233445566,vendor=y");
    const char *const spawns[] = {
        "00-11111111111111111111111111111111-1111111111111111-01",
        "00-22222222222222222222222222222222-2222222222222222-01",
        "00-33333333333333333333333333333333-3333333333333333-00",
    };
    cleat__carrier_contexts contexts;
    cleat_span_context origin = first;
    for (size_t hop = 0; hop < 3; hop++) {
        const cleat_span_context spawn = context_of(spawns[hop], NULL);
        cleat_carrier *carrier = carrier_of(NULL, 0);
        cleat_text_map map = cleat_carrier_text_map(carrier);
        const cleat__injection injection = {.spawn = &spawn, .origin = &origin};
        assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_OK);
        assert_entry(carrier, "cleat__origin_traceparent", B_PARENT);
        assert_entry(carrier, "cleat__origin_tracestate", "ot=rv:00112233445566,vendor=y");
        cleat__carrier_read(&map, &contexts);
        assert_true(cleat_span_context_equals(&contexts.origin, &first));
        assert_true(cleat_span_context_equals(&contexts.spawn, &spawn));
        origin = contexts.origin;
        cleat_carrier_free(carrier);
    }
}

static cleat_status refuse(void *self, const char *key, cleat_slice value)
{
    (void)self;
    (void)key;
    (void)value;
    return CLEAT_NO_MEMORY;
}

static void test_write_reports_a_full_map(void **state)
{
    (void)state;
    const cleat_span_context spawn = context_of(A_PARENT, NULL);
    const cleat_text_map map = {.set = refuse};
    const cleat__injection injection = {.spawn = &spawn};
    assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_restores_the_origin_state),
        cmocka_unit_test(test_read_of_a_write_only_map),
        cmocka_unit_test(test_write_without_a_span_touches_no_user_key),
        cmocka_unit_test(test_write_keeps_the_choice_without_a_span),
        cmocka_unit_test(test_write_overwrites_what_is_stale),
        cmocka_unit_test(test_write_without_remove),
        cmocka_unit_test(test_write_budget_and_state),
        cmocka_unit_test(test_origin_is_forwarded_unchanged),
        cmocka_unit_test(test_write_reports_a_full_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
