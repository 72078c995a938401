/* Declarations of several tasks: what is refused, and what is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/dag.h"
#include "model/event.h"

#include <stdio.h>

enum { TASKS = 4 };

static const cleat__policy plain = {
    .priority = 1, .backoff_factor = 1, .execution_timeout_ms = 1000, .schedule_timeout_ms = 1000};

typedef struct declared {
    cleat__workflow workflow;
    cleat__workflow_task tasks[TASKS];
    cleat_slice parents[TASKS][TASKS];
    cleat__step_condition conditions[TASKS];
} declared;

/* Tasks "a", "b", ..; `parents` names those of each, a letter each. */
static void declare(declared *it, const char *const parents[], size_t count)
{
    static const char names[] = "abcd";
    *it = (declared){.workflow = {.name = cleat_slice_of("w"), .task_count = count}};
    it->workflow.tasks = it->tasks;
    for (size_t i = 0; i < count; i++) {
        it->tasks[i] = (cleat__workflow_task){.name = {&names[i], 1},
                                              .action = cleat_slice_of("w:x"),
                                              .policy = plain,
                                              .parents = it->parents[i],
                                              .parent_count = strlen(parents[i]),
                                              .conditions = it->conditions};
        for (size_t j = 0; j < it->tasks[i].parent_count; j++) {
            it->parents[i][j] = (cleat_slice){&parents[i][j], 1};
        }
    }
}

static void assert_refused(const declared *it, const char *sentence)
{
    assert_int_equal(cleat__workflow_check(&it->workflow), CLEAT_INVALID_ARGUMENT);
    if (strstr(cleat_error_message(), sentence) == NULL) {
        fail_msg("\"%s\" is not in: %s", sentence, cleat_error_message());
    }
}

static void test_graphs(void **state)
{
    (void)state;
    const struct {
        const char *parents[TASKS];
        const char *sentence; /* NULL: it is right */
    } cases[] = {
        {{"", "a", "a", "bc"}, NULL},
        {{"bcd", "cd", "d", ""}, NULL}, /* in any order */
        {{"", "x", "", ""}, "task \"b\": its parent \"x\" is no task of the workflow"},
        {{"", "aa", "", ""}, "given twice"},
        {{"a", "", "", ""}, "would have to wait for itself"},
        {{"d", "a", "b", "c"}, "would have to wait for itself"},
        {{"", "ad", "b", "c"}, "task \"b\" would have to wait for itself"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        declared it;
        declare(&it, cases[i].parents, TASKS);
        if (cases[i].sentence != NULL) {
            assert_refused(&it, cases[i].sentence);
        } else {
            assert_int_equal(cleat__workflow_check(&it.workflow), CLEAT_OK);
        }
    }
}

static void test_names_and_on_failure(void **state)
{
    (void)state;
    static const char *const alone[] = {"", "", "", ""};
    declared it;
    declare(&it, alone, TASKS);
    it.tasks[3].name = it.tasks[0].name;
    assert_refused(&it, "task \"a\" is there twice");
    declare(&it, alone, TASKS);
    it.tasks[3].is_on_failure = true;
    assert_int_equal(cleat__workflow_check(&it.workflow), CLEAT_OK);
    it.tasks[2].is_on_failure = true;
    assert_refused(&it, "one on-failure task");
    declare(&it, alone, 1);
    it.tasks[0].is_on_failure = true;
    assert_refused(&it, "beside others");
    static const char *const behind[] = {"", "d", "", ""};
    declare(&it, behind, TASKS);
    it.tasks[3].is_on_failure = true;
    assert_refused(&it, "is no task of the workflow");
    static const char *const before[] = {"", "", "", "a"};
    declare(&it, before, TASKS);
    it.tasks[3].is_on_failure = true;
    assert_refused(&it, "neither parents nor conditions");
    it.workflow.task_count = CLEAT__TASKS_MAX + 1;
    assert_refused(&it, "has 1001 tasks");
}

static void test_conditions(void **state)
{
    static char longest[CLEAT__EVENT_KEY_MAX + 1];
    (void)state;
    memset(longest, 'k', sizeof(longest));
    static const char *const parents[] = {"", "a", "", ""};
    const struct {
        cleat__step_condition condition;
        const char *sentence;
    } cases[] = {
        {{.action = CLEAT__STEP_SKIP, .parent = {"a", 1}, .of = {.expression = {"output.x", 8}}}, NULL},
        {{.action = CLEAT__STEP_SKIP, .parent = {"a", 1}}, NULL},
        {{.action = CLEAT__STEP_SKIP, .parent = {"c", 1}}, "\"c\" is no parent of it"},
        {{.action = CLEAT__STEP_SKIP, .parent = {"a", 1}, .of = {.expression = {"output.", 7}}},
         "task \"b\": conditions: expression, character 8"},
        {{.action = CLEAT__STEP_SKIP, .parent = {"a", 1}, .of = {.expression = {"payload.x", 9}}},
         "task \"b\": conditions: expression, character 1: there is no variable payload"},
        {{.action = CLEAT__STEP_WAIT, .parent = {"a", 1}}, "QUEUE, SKIP or CANCEL"},
        {{.action = CLEAT__STEP_QUEUE, .of = {.kind = CLEAT__CONDITION_SLEEP, .sleep_ms = 5}}, NULL},
        {{.action = CLEAT__STEP_QUEUE, .of = {.kind = CLEAT__CONDITION_SLEEP, .sleep_ms = -5}},
         "less than nothing"},
        {{.action = CLEAT__STEP_QUEUE, .of = {.kind = CLEAT__CONDITION_EVENT, .key = {"k", 1}}}, NULL},
        {{.action = CLEAT__STEP_QUEUE,
          .of = {.kind = CLEAT__CONDITION_EVENT, .key = {"k", 1}, .data_key = {"filter_payload", 14}}},
         "cannot have the name \"filter_payload\""},
        {{.action = CLEAT__STEP_QUEUE, .of = {.kind = CLEAT__CONDITION_EVENT}}, "an event needs a key"},
        {{.action = CLEAT__STEP_QUEUE, .of = {.kind = CLEAT__CONDITION_HOOK, .key = {"k", 1}}},
         "cannot wait for a hook"},
        {{.action = CLEAT__STEP_QUEUE, .of = {.kind = CLEAT__CONDITION_EVENT, .key = {"cleat:hook:k", 12}}},
         "cannot wait for a hook"},
        {{.action = CLEAT__STEP_QUEUE, .of = {.kind = CLEAT__CONDITION_EVENT, .key = {"cleat:hooks", 11}}},
         NULL},
        {{.action = CLEAT__STEP_QUEUE,
          .of = {.kind = CLEAT__CONDITION_EVENT, .key = {longest, CLEAT__EVENT_KEY_MAX}}},
         NULL},
        {{.action = CLEAT__STEP_QUEUE,
          .of = {.kind = CLEAT__CONDITION_EVENT, .key = {longest, CLEAT__EVENT_KEY_MAX + 1}}},
         "at most 767 bytes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        declared it;
        declare(&it, parents, TASKS);
        it.conditions[0] = cases[i].condition;
        it.tasks[1].condition_count = 1;
        if (cases[i].sentence != NULL) {
            assert_refused(&it, cases[i].sentence);
        } else {
            assert_int_equal(cleat__workflow_check(&it.workflow), CLEAT_OK);
        }
    }
}

static void test_one_task_may_be_a_graph(void **state)
{
    (void)state;
    static const char *const alone[] = {""};
    declared it;
    declare(&it, alone, 1);
    assert_false(cleat__workflow_is_dag(&it.workflow));
    it.conditions[0] = (cleat__step_condition){.action = CLEAT__STEP_QUEUE, .of = {.sleep_ms = 5}};
    it.tasks[0].condition_count = 1;
    assert_true(cleat__workflow_is_dag(&it.workflow));
}

/* ---- As text ---- */

static void encode(const declared *it, cleat__buffer *out)
{
    cleat__workflow_encode(&it->workflow, out);
    assert_false(out->failed);
}

static void fill(declared *it)
{
    static const char *const parents[] = {"", "a", "ab", ""};
    declare(it, parents, TASKS);
    it->conditions[0] =
        (cleat__step_condition){.action = CLEAT__STEP_SKIP,
                                .parent = {"a", 1},
                                .of = {.group = {"0", 1}, .expression = {"output.x > 1", 12}}};
    it->conditions[1] = (cleat__step_condition){.action = CLEAT__STEP_QUEUE,
                                                .of = {.kind = CLEAT__CONDITION_SLEEP,
                                                       .data_key = {"nap", 3},
                                                       .sleep_ms = 90000,
                                                       .sleep_text = {"1m30s", 5}}};
    it->conditions[2] = (cleat__step_condition){.action = CLEAT__STEP_CANCEL,
                                                .of = {.kind = CLEAT__CONDITION_EVENT,
                                                       .data_key = {"stop", 4},
                                                       .key = {"order:\"x\"", 9},
                                                       .scope = {"s", 1},
                                                       .since_ms = 7}};
    it->tasks[1].condition_count = 3;
    it->tasks[2].is_durable = true;
    it->tasks[3].is_on_failure = true;
}

static void assert_slices(cleat_slice a, cleat_slice b)
{
    assert_true(a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0));
    assert_int_equal(a.data == NULL, b.data == NULL);
}

static void assert_same_condition(const cleat__step_condition *a, const cleat__step_condition *b)
{
    assert_int_equal(a->action, b->action);
    assert_slices(a->parent, b->parent);
    assert_slices(a->of.group, b->of.group);
    assert_slices(a->of.expression, b->of.expression);
    assert_slices(a->of.key, b->of.key);
    assert_slices(a->of.scope, b->of.scope);
    assert_int_equal(a->of.kind, b->of.kind);
    assert_int_equal(a->of.sleep_ms, b->of.sleep_ms);
    assert_int_equal(a->of.since_ms, b->of.since_ms);
}

static void test_tasks_are_read_again(void **state)
{
    (void)state;
    declared it;
    cleat__buffer text = {0};
    cleat__arena memory = {.most = 0};
    cleat__workflow again;
    fill(&it);
    assert_int_equal(cleat__workflow_check(&it.workflow), CLEAT_OK);
    encode(&it, &text);
    assert_int_equal(cleat__dag_decode(cleat__buffer_slice(&text), &memory, &again), CLEAT_OK);
    assert_int_equal(again.task_count, TASKS);
    for (size_t i = 0; i < TASKS; i++) {
        const cleat__workflow_task *was = &it.tasks[i], *is = &again.tasks[i];
        assert_slices(was->name, is->name);
        assert_slices(was->action, is->action);
        assert_int_equal(was->is_durable, is->is_durable);
        assert_int_equal(was->is_on_failure, is->is_on_failure);
        assert_int_equal(was->parent_count, is->parent_count);
        assert_int_equal(was->condition_count, is->condition_count);
        for (size_t j = 0; j < was->parent_count; j++) {
            assert_slices(was->parents[j], is->parents[j]);
        }
        for (size_t j = 0; j < was->condition_count; j++) {
            assert_same_condition(&was->conditions[j], &is->conditions[j]);
        }
    }
    cleat__needs *needs = NULL;
    assert_int_equal(cleat__needs_decode(cleat__buffer_slice(&text), &needs), CLEAT_OK);
    assert_true(needs->is_dag && needs->slots == NULL);
    cleat__needs_free(needs);
    cleat__arena_deinit(&memory);
    cleat__buffer_deinit(&text);
}

static void test_any_change_makes_another_text(void **state)
{
    (void)state;
    declared it;
    cleat__buffer first = {0};
    fill(&it);
    encode(&it, &first);
    for (int i = 0; i < 6; i++) {
        cleat__buffer text = {0};
        fill(&it);
        switch (i) {
        case 0: it.tasks[0].policy.retries = 1; break;
        case 1: it.tasks[1].parent_count = 0; break;
        case 2: it.conditions[0].of.expression.size--; break;
        case 3: it.conditions[1].of.sleep_ms++; break;
        case 4: it.tasks[2].is_durable = false; break;
        default: it.conditions[2].action = CLEAT__STEP_SKIP; break;
        }
        encode(&it, &text);
        assert_false(cleat_slice_equals(cleat__buffer_slice(&first), cleat__buffer_slice(&text)));
        cleat__buffer_deinit(&text);
    }
    cleat__buffer_deinit(&first);
}

/* An SDK that makes new names for groups declares the same at each start. */
static void test_groups_are_the_same_by_any_name(void **state)
{
    (void)state;
    static const char names[][4] = {{'x', 'x', 'y', 'x'}, {'p', 'p', 'x', 'p'}, {'x', 'y', 'x', 'x'}};
    cleat__buffer texts[3] = {{0}, {0}, {0}};
    for (size_t i = 0; i < 3; i++) {
        declared it;
        fill(&it);
        it.conditions[3] = it.conditions[2];
        for (size_t j = 0; j < 4; j++) {
            it.conditions[j].action = j < 3 ? CLEAT__STEP_QUEUE : CLEAT__STEP_SKIP;
            it.conditions[j].of.group = (cleat_slice){&names[i][j], 1};
        }
        it.tasks[1].condition_count = 4;
        encode(&it, &texts[i]);
    }
    assert_true(cleat_slice_equals(cleat__buffer_slice(&texts[0]), cleat__buffer_slice(&texts[1])));
    assert_false(cleat_slice_equals(cleat__buffer_slice(&texts[0]), cleat__buffer_slice(&texts[2])));
    for (size_t i = 0; i < 3; i++) {
        cleat__buffer_deinit(&texts[i]);
    }
}

static void test_what_is_no_declaration_is_corrupt(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "{}",
                                      "{\"tasks\":[]}",
                                      "{\"tasks\":[{\"name\":\"a\",\"parents\":[\"b\"],\"conditions\":[]}]}",
                                      "{\"tasks\":[{\"name\":\"a\",\"parents\":[\"a\"],\"conditions\":[]}]}",
                                      "{\"tasks\":[{\"name\":\"a\",\"conditions\":[{\"action\":9}]}]}",
                                      "{\"tasks\":[{\"name\":\"a\",\"conditions\":[7]}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cleat__arena memory = {.most = 0};
        cleat__workflow out;
        assert_int_equal(cleat__dag_decode(cleat_slice_of(bad[i]), &memory, &out), CLEAT_CORRUPT);
        cleat__arena_deinit(&memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_names_and_on_failure),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_one_task_may_be_a_graph),
        cmocka_unit_test(test_tasks_are_read_again),
        cmocka_unit_test(test_any_change_makes_another_text),
        cmocka_unit_test(test_groups_are_the_same_by_any_name),
        cmocka_unit_test(test_what_is_no_declaration_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
