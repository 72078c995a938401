/* When a task of several runs, is skipped or cancelled: a table of cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/match.h"

enum { RULES_MAX = 64 };

/* How a parent ended: "done", "skipped" ({"skipped":true}), "failed", "cancelled"; NULL: not yet. What an expression says
 * of it is in the expression itself: "true" or "false". */
typedef struct match_case {
    const char *name;
    const char *ends[3]; /* of the parents "a", "b", "c" */
    size_t parents;
    cleat__step_condition conditions[4];
    size_t count;
    cleat__step_action expected;
} match_case;

#define SAYS(what, of_parent, text)                                     \
    {                                                                   \
        .action = CLEAT__STEP_##what, .parent = {of_parent, 1}, .of = { \
            .expression = {text, sizeof(text) - 1}                      \
        }                                                               \
    }
#define GROUPED(what, of_parent, text, name)                            \
    {                                                                   \
        .action = CLEAT__STEP_##what, .parent = {of_parent, 1}, .of = { \
            .expression = {text, sizeof(text) - 1},                     \
            .group = {name, sizeof(name) - 1}                           \
        }                                                               \
    }

static const match_case cases[] = {
    {.name = "nothing has ended", .parents = 2, .expected = CLEAT__STEP_WAIT},
    {.name = "one of two", .ends = {"done"}, .parents = 2, .expected = CLEAT__STEP_WAIT},
    {.name = "both", .ends = {"done", "done"}, .parents = 2, .expected = CLEAT__STEP_QUEUE},
    {.name = "a failure", .ends = {"failed"}, .parents = 2, .expected = CLEAT__STEP_CANCEL},
    {.name = "a cancellation", .ends = {"done", "cancelled"}, .parents = 2, .expected = CLEAT__STEP_CANCEL},
    {.name = "one of two was skipped",
     .ends = {"skipped", "done"},
     .parents = 2,
     .expected = CLEAT__STEP_QUEUE},
    {.name = "both were skipped", .ends = {"skipped", "skipped"}, .parents = 2, .expected = CLEAT__STEP_SKIP},
    {.name = "skipped by what one made, before the other ends",
     .ends = {"done"},
     .parents = 2,
     .conditions = {SAYS(SKIP, "a", "true")},
     .count = 1,
     .expected = CLEAT__STEP_SKIP},
    {.name = "not skipped by what one made",
     .ends = {"done", "done"},
     .parents = 2,
     .conditions = {SAYS(SKIP, "a", "false")},
     .count = 1,
     .expected = CLEAT__STEP_QUEUE},
    {.name = "who says when it is skipped is not skipped with its parents",
     .ends = {"skipped", "skipped"},
     .parents = 2,
     .conditions = {SAYS(SKIP, "a", "false")},
     .count = 1,
     .expected = CLEAT__STEP_QUEUE},
    {.name = "skipping wins over cancelling",
     .ends = {"done", "done"},
     .parents = 2,
     .conditions = {SAYS(CANCEL, "a", "true"), SAYS(SKIP, "a", "true")},
     .count = 2,
     .expected = CLEAT__STEP_SKIP},
    {.name = "cancelling wins over running",
     .ends = {"done"},
     .parents = 1,
     .conditions = {SAYS(CANCEL, "a", "true")},
     .count = 1,
     .expected = CLEAT__STEP_CANCEL},
    {.name = "two parents that are to skip it: both",
     .ends = {"done", "done"},
     .parents = 2,
     .conditions = {SAYS(SKIP, "a", "true"), SAYS(SKIP, "b", "false")},
     .count = 2,
     .expected = CLEAT__STEP_QUEUE},
    {.name = "either of them, in one group",
     .ends = {"done", "done"},
     .parents = 2,
     .conditions = {GROUPED(SKIP, "a", "true", "g"), GROUPED(SKIP, "b", "false", "g")},
     .count = 2,
     .expected = CLEAT__STEP_SKIP},
    {.name = "one group for two actions is two groups",
     .ends = {"done"},
     .parents = 1,
     .conditions = {GROUPED(SKIP, "a", "true", "g"), GROUPED(CANCEL, "a", "false", "g")},
     .count = 2,
     .expected = CLEAT__STEP_SKIP},
    {.name = "it waits for what a parent made, in vain",
     .ends = {"done"},
     .parents = 1,
     .conditions = {SAYS(QUEUE, "a", "false")},
     .count = 1,
     .expected = CLEAT__STEP_WAIT},
    {.name = "it waits for what a parent made",
     .ends = {"done", "done"},
     .parents = 2,
     .conditions = {SAYS(QUEUE, "a", "true")},
     .count = 1,
     .expected = CLEAT__STEP_QUEUE},
    {.name = "who says when it is cancelled is cancelled by that parent's failure too",
     .ends = {"failed"},
     .parents = 1,
     .conditions = {SAYS(CANCEL, "a", "false")},
     .count = 1,
     .expected = CLEAT__STEP_CANCEL},
    {.name = "with another parent beside, whose failure alone is not enough",
     .ends = {"done", "failed"},
     .parents = 2,
     .conditions = {SAYS(CANCEL, "a", "false")},
     .count = 1,
     .expected = CLEAT__STEP_WAIT},
    {.name = "three parents, of which the last is missing",
     .ends = {"done", "skipped", NULL},
     .parents = 3,
     .expected = CLEAT__STEP_WAIT},
};

static uint8_t end_of(const char *how)
{
    return strcmp(how, "failed") == 0      ? CLEAT__MATCH_FAILED
           : strcmp(how, "cancelled") == 0 ? CLEAT__MATCH_CANCELLED
                                           : CLEAT__MATCH_COMPLETED;
}

static bool is_met(const match_case *it, const cleat__match_rule *rule)
{
    const char *how = it->ends[rule->parent];
    if (how == NULL || (rule->on & end_of(how)) == 0) {
        return false;
    }
    if (end_of(how) != CLEAT__MATCH_COMPLETED) {
        return true;
    }
    switch (rule->test) {
    case CLEAT__MATCH_SKIPPED: return strcmp(how, "skipped") == 0;
    case CLEAT__MATCH_EXPRESSION: return it->conditions[rule->condition].of.expression.data[0] == 't';
    default: return true;
    }
}

static void test_parents(void **state)
{
    (void)state;
    static const cleat_slice names[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const match_case *it = &cases[i];
        cleat__workflow_task task = {.parents = names, .parent_count = it->parents};
        cleat__match_rule rules[RULES_MAX];
        bool met[RULES_MAX];
        task.conditions = it->conditions;
        task.condition_count = it->count;
        assert_true(cleat__match_rules_max(&task) <= RULES_MAX);
        size_t count = cleat__match_parent_rules(&task, rules);
        assert_true(count <= cleat__match_rules_max(&task));
        for (size_t j = 0; j < count; j++) {
            met[j] = is_met(it, &rules[j]);
        }
        cleat__step_action action = cleat__match_decide(rules, count, met);
        if (action != it->expected) {
            fail_msg("%s: %d instead of %d", it->name, (int)action, (int)it->expected);
        }
    }
}

/* Sleeps and events: each is met or not. */
static void test_waits(void **state)
{
    (void)state;
    const cleat__step_condition conditions[] = {
        {.action = CLEAT__STEP_QUEUE, .of = {.group = {"g", 1}}},
        {.action = CLEAT__STEP_QUEUE, .parent = {"a", 1}},
        {.action = CLEAT__STEP_QUEUE, .of = {.group = {"g", 1}}},
        {.action = CLEAT__STEP_QUEUE},
        {.action = CLEAT__STEP_SKIP},
    };
    const cleat_slice parent = {"a", 1};
    const cleat__workflow_task task = {
        .parents = &parent, .parent_count = 1, .conditions = conditions, .condition_count = 5};
    const struct {
        bool met[4];
        cleat__step_action expected;
    } waits[] = {
        {{false, false, false, false}, CLEAT__STEP_WAIT}, {{true, false, false, false}, CLEAT__STEP_WAIT},
        {{false, true, true, false}, CLEAT__STEP_QUEUE},  {{true, false, true, false}, CLEAT__STEP_QUEUE},
        {{false, false, false, true}, CLEAT__STEP_SKIP},  {{true, true, true, true}, CLEAT__STEP_SKIP},
    };
    cleat__match_rule rules[RULES_MAX];
    assert_int_equal(cleat__match_wait_rules(&task, rules), 4);
    assert_int_equal(rules[1].condition, 2); /* that of the parent is none of them */
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        assert_int_equal(cleat__match_decide(rules, 4, waits[i].met), waits[i].expected);
    }
}

static void test_what_counts_as_skipped(void **state)
{
    (void)state;
    static const char *const yes[] = {"{\"skipped\":true}", " {\"x\":1, \"skipped\" : true }"};
    static const char *const no[] = {"{\"skipped\":false}",
                                     "{\"skipped\":\"true\"}",
                                     "true",
                                     "[\"skipped\",true]",
                                     "null",
                                     "",
                                     "{\"a\":{\"skipped\":true}}",
                                     "\"skipped\""};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_true(cleat__match_is_skipped(cleat_slice_of(yes[i])));
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        assert_false(cleat__match_is_skipped(cleat_slice_of(no[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parents),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_what_counts_as_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
