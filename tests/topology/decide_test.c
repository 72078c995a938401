/* Parent, link or none: every rule of telemetry.md section 3, in its order. */
#include "topology/topology.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define SPAWN  "00-11111111111111111111111111111111-1111111111111111-01"
#define ORIGIN "00-22222222222222222222222222222222-2222222222222222-01"

enum { NO_CARRIER, SPAWN_ONLY, SPAWN_AND_ORIGIN };
enum { UNDER, OVER };

typedef struct decide_case {
    const char *name;
    int carrier;
    cleat_trace_relation call;
    bool predicate;
    int budget;
    cleat_trace_relation mode;
    /* expected */
    cleat_trace_relation relation;
    const char *reason;
    size_t links;
} decide_case;

#define DEFAULT CLEAT_TRACE_DEFAULT
#define PARENT  CLEAT_TRACE_PARENT
#define LINK    CLEAT_TRACE_LINK
#define NONE    CLEAT_TRACE_NONE

static const decide_case cases[] = {
    /* the mode */
    {"default is parent", SPAWN_ONLY, DEFAULT, false, UNDER, DEFAULT, PARENT, "mode", 0},
    {"mode parent", SPAWN_ONLY, DEFAULT, false, UNDER, PARENT, PARENT, "mode", 0},
    {"mode link", SPAWN_ONLY, DEFAULT, false, UNDER, LINK, LINK, "mode", 1},
    {"mode none", SPAWN_ONLY, DEFAULT, false, UNDER, NONE, NONE, "mode", 0},
    {"mode link, second hop", SPAWN_AND_ORIGIN, DEFAULT, false, UNDER, LINK, LINK, "mode", 2},
    /* the budget */
    {"budget", SPAWN_ONLY, DEFAULT, false, OVER, PARENT, LINK, "budget", 1},
    {"budget, second hop", SPAWN_AND_ORIGIN, DEFAULT, false, OVER, PARENT, LINK, "budget", 2},
    {"budget needs a carrier", NO_CARRIER, DEFAULT, false, OVER, PARENT, PARENT, "mode", 0},
    /* the predicate */
    {"predicate", SPAWN_ONLY, DEFAULT, true, UNDER, PARENT, LINK, "predicate", 1},
    {"predicate before budget", SPAWN_AND_ORIGIN, DEFAULT, true, OVER, PARENT, LINK, "predicate", 2},
    {"predicate without a carrier", NO_CARRIER, DEFAULT, true, UNDER, PARENT, LINK, "predicate", 0},
    /* the call */
    {"call parent over all", SPAWN_AND_ORIGIN, PARENT, true, OVER, LINK, PARENT, "call", 0},
    {"call link", SPAWN_ONLY, LINK, false, UNDER, PARENT, LINK, "call", 1},
    {"call none over all", SPAWN_AND_ORIGIN, NONE, true, OVER, LINK, NONE, "call", 0},
    {"call link without a carrier", NO_CARRIER, LINK, false, UNDER, PARENT, LINK, "call", 0},
    {"call parent without a carrier", NO_CARRIER, PARENT, true, UNDER, PARENT, PARENT, "call", 0},
    {"call none without a carrier", NO_CARRIER, NONE, false, UNDER, PARENT, NONE, "call", 0},
    {"no carrier", NO_CARRIER, DEFAULT, false, UNDER, PARENT, PARENT, "mode", 0},
};

static cleat_span_context context_of(const char *traceparent)
{
    cleat_span_context context;
    assert_int_equal(cleat_traceparent_parse(cleat_slice_of(traceparent), &context), CLEAT_OK);
    return context;
}

static cleat__decision_input input_of(const decide_case *it)
{
    cleat__decision_input input;
    memset(&input, 0, sizeof input);
    if (it->carrier != NO_CARRIER) {
        const cleat__budget_state numbers = {4, 1000, 1};
        input.carrier.usable = true;
        input.carrier.spawn = context_of(SPAWN);
        assert_int_equal(cleat__budget_write(&input.carrier.spawn, &numbers), CLEAT_OK);
        input.carrier.origin = it->carrier == SPAWN_AND_ORIGIN ? context_of(ORIGIN) : input.carrier.spawn;
    }
    input.carrier.relation = it->call;
    input.predicate = it->predicate;
    input.budget.max_depth = it->budget == OVER ? 3 : 4;
    input.now_s = 2000;
    input.mode = it->mode;
    return input;
}

static void check_contexts(const decide_case *it, const cleat__decision_input *input,
                           const cleat__decision *out)
{
    bool continues = it->relation == PARENT && it->carrier != NO_CARRIER;
    assert_int_equal(cleat_span_context_is_valid(&out->parent), continues);
    if (continues) {
        assert_true(cleat_span_context_equals(&out->parent, &input->carrier.spawn));
        assert_int_equal(out->parent.trace_state_size, input->carrier.spawn.trace_state_size);
    }
    if (it->links > 0) {
        assert_int_equal(out->links[0].kind, CLEAT__LINK_SPAWN);
        assert_true(cleat_span_context_equals(&out->links[0].context, &input->carrier.spawn));
    }
    if (it->links > 1) {
        assert_int_equal(out->links[1].kind, CLEAT__LINK_ORIGIN);
        assert_true(cleat_span_context_equals(&out->links[1].context, &input->carrier.origin));
    }
    assert_int_equal(cleat_span_context_is_valid(&out->origin), it->carrier != NO_CARRIER);
    if (it->carrier != NO_CARRIER) {
        assert_true(cleat_span_context_equals(&out->origin, &input->carrier.origin));
    }
}

static void test_decide(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const decide_case *it = &cases[i];
        const cleat__decision_input input = input_of(it);
        cleat__decision out;
        memset(&out, 0xff, sizeof out);
        cleat__decide(&input, &out);
        if (out.relation != it->relation || strcmp(out.reason, it->reason) != 0 ||
            out.link_count != it->links) {
            fail_msg("%s: %s by %s, %zu links", it->name, cleat_trace_relation_name(out.relation), out.reason,
                     out.link_count);
        }
        check_contexts(it, &input, &out);
        assert_int_equal(out.root.trace_state_size, 0); /* sampling across links is off here */
    }
}

/* The new root is as random as the origin: by its rv where it has one, else by its trace id. */
static void test_randomness_of_the_root(void **state)
{
    (void)state;
    decide_case it = {.carrier = SPAWN_AND_ORIGIN, .call = LINK};
    cleat__decision_input input = input_of(&it);
    cleat__decision out;
    input.sampling_across_links = true;
    cleat__decide(&input, &out);
    assert_true(
        cleat_slice_equals(cleat_trace_state_get(&out.root, "ot"), cleat_slice_of("rv:22222222222222")));

    assert_int_equal(
        cleat_trace_state_parse(&input.carrier.origin, cleat_slice_of("v=1,ot=th:8;rv:0123456789abcd")),
        CLEAT_OK);
    cleat__decide(&input, &out);
    assert_true(cleat_slice_equals((cleat_slice){out.root.trace_state, out.root.trace_state_size},
                                   cleat_slice_of("ot=rv:0123456789abcd")));

    input.carrier.relation = PARENT;
    cleat__decide(&input, &out);
    assert_int_equal(out.root.trace_state_size, 0);
    input.carrier.relation = NONE;
    cleat__decide(&input, &out);
    assert_int_equal(out.root.trace_state_size, 0);
}

/* ---- Workflows: telemetry.md section 6 ---- */

typedef struct workflow_case {
    const char *name;
    int carrier;
    cleat_trace_relation call;
    cleat__trace_mode mode;
    /* expected */
    cleat_trace_relation relation;
    bool origin_is_parent;
    size_t links;
} workflow_case;

#define LINKED     CLEAT__TRACE_MODE_LINKED
#define CONTINUOUS CLEAT__TRACE_MODE_CONTINUOUS

static const workflow_case workflow_cases[] = {
    {"linked", SPAWN_AND_ORIGIN, DEFAULT, LINKED, LINK, false, 2},
    {"linked, delivered by its origin", SPAWN_ONLY, DEFAULT, LINKED, LINK, false, 1},
    {"linked, no carrier", NO_CARRIER, DEFAULT, LINKED, LINK, false, 0},
    {"continuous", SPAWN_AND_ORIGIN, DEFAULT, CONTINUOUS, PARENT, true, 1},
    {"continuous, delivered by its origin", SPAWN_ONLY, DEFAULT, CONTINUOUS, PARENT, true, 0},
    {"continuous, no carrier", NO_CARRIER, DEFAULT, CONTINUOUS, PARENT, false, 0},
    {"the call's own link before the mode", SPAWN_AND_ORIGIN, LINK, CONTINUOUS, LINK, false, 2},
    {"the call's own parent before the mode", SPAWN_AND_ORIGIN, PARENT, LINKED, PARENT, false, 0},
    {"the call's own none before the mode", SPAWN_AND_ORIGIN, NONE, LINKED, NONE, false, 0},
};

static void test_workflows_follow_their_mode(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof workflow_cases / sizeof workflow_cases[0]; i++) {
        const workflow_case *it = &workflow_cases[i];
        decide_case task = {.carrier = it->carrier, .call = it->call};
        cleat__decision_input input = input_of(&task);
        cleat__decision out;
        input.is_workflow = true;
        input.trace_mode = it->mode;
        cleat__decide(&input, &out);
        bool origin_is_parent = cleat_span_context_is_valid(&out.parent) &&
                                cleat_span_context_equals(&out.parent, &input.carrier.origin);
        if (out.relation != it->relation || out.link_count != it->links ||
            origin_is_parent != it->origin_is_parent) {
            fail_msg("%s: %s, %zu links, below the origin: %d", it->name,
                     cleat_trace_relation_name(out.relation), out.link_count, origin_is_parent);
        }
        if (out.link_count > 0) {
            assert_int_equal(out.links[0].kind, CLEAT__LINK_DELIVERY);
            assert_true(cleat_span_context_equals(&out.links[0].context, &input.carrier.spawn));
        }
        if (out.link_count > 1) {
            assert_int_equal(out.links[1].kind, CLEAT__LINK_ORIGIN);
        }
        assert_true(cleat_span_context_equals(&out.origin, &input.carrier.origin));
    }
}

static void test_trace_modes_are_read_as_they_are_called(void **state)
{
    cleat__trace_mode mode;
    (void)state;
    assert_true(cleat__trace_mode_parse(cleat_slice_of("linked"), &mode));
    assert_string_equal(cleat__trace_mode_name(mode), "linked");
    assert_true(cleat__trace_mode_parse(cleat_slice_of("continuous"), &mode));
    assert_string_equal(cleat__trace_mode_name(mode), "continuous");
    assert_true(cleat__trace_mode_parse(cleat_slice_of(""), &mode));
    assert_int_equal(mode, CLEAT__TRACE_MODE_LINKED);
    mode = CLEAT__TRACE_MODE_CONTINUOUS;
    assert_false(cleat__trace_mode_parse(cleat_slice_of("Continuous"), &mode));
    assert_int_equal(mode, CLEAT__TRACE_MODE_LINKED);
}

static void test_link_kind_names(void **state)
{
    (void)state;
    assert_string_equal(cleat__link_kind_name(CLEAT__LINK_SPAWN), "spawn");
    assert_string_equal(cleat__link_kind_name(CLEAT__LINK_DELIVERY), "delivery");
    assert_string_equal(cleat__link_kind_name(CLEAT__LINK_ORIGIN), "origin");
}

static void test_relation_names(void **state)
{
    (void)state;
    assert_string_equal(cleat_trace_relation_name(CLEAT_TRACE_LINK), "link");
    assert_string_equal(cleat_trace_relation_name((cleat_trace_relation)9), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide),
        cmocka_unit_test(test_randomness_of_the_root),
        cmocka_unit_test(test_workflows_follow_their_mode),
        cmocka_unit_test(test_trace_modes_are_read_as_they_are_called),
        cmocka_unit_test(test_link_kind_names),
        cmocka_unit_test(test_relation_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
