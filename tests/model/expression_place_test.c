/* What is refused of an expression where it is declared: tables, place by place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/declaration.h"
#include "model/expression.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_accepted(const char *text, cleat__expression_place place)
{
    if (cleat__expression_check_for(cleat_slice_of(text), place) != CLEAT_OK) {
        fail_msg("%s: %s", text, cleat_error_message());
    }
}

static void assert_refused(const char *text, cleat__expression_place place, const char *message)
{
    cleat_status status = cleat__expression_check_for(cleat_slice_of(text), place);
    if (status != CLEAT_INVALID_ARGUMENT || strstr(cleat_error_message(), message) == NULL) {
        fail_msg("%s: %s, %s", text, cleat_status_name(status),
                 status != CLEAT_OK ? cleat_error_message() : "");
    }
}

/* ---- Variables ---- */

/* Of each place those that it has; `form` makes of one what is wanted there. */
static const struct {
    cleat__expression_place place;
    const char *form, *variables[6];
} places[] = {
    {CLEAT__EXPRESSION_FILTER,
     "%s == 'x'",
     {"input", "additional_metadata", "payload", "event_id", "event_key", NULL}},
    {CLEAT__EXPRESSION_CONDITION, "%s == 'x'", {"input", "output", NULL}},
    {CLEAT__EXPRESSION_CONCURRENCY_KEY,
     "string(%s)",
     {"input", "additional_metadata", "workflow_run_id", NULL}},
    {CLEAT__EXPRESSION_CONCURRENCY_RUNS,
     "int(%s)",
     {"input", "additional_metadata", "workflow_run_id", NULL}},
    {CLEAT__EXPRESSION_RATE_KEY, "string(%s)", {"input", "additional_metadata", "workflow_run_id", NULL}},
    {CLEAT__EXPRESSION_RATE_UNITS, "int(%s)", {"input", "additional_metadata", "workflow_run_id", NULL}},
    {CLEAT__EXPRESSION_RATE_LIMIT, "int(%s)", {"input", "additional_metadata", "workflow_run_id", NULL}},
    {CLEAT__EXPRESSION_IDEMPOTENCY_KEY, "string(%s)", {"input", "additional_metadata", NULL}},
    {CLEAT__EXPRESSION_BATCH_KEY, "string(%s)", {"input", "additional_metadata", "workflow_run_id", NULL}},
    {CLEAT__EXPRESSION_WEBHOOK_KEY, "%s.a", {"input", "headers", NULL}},
    {CLEAT__EXPRESSION_WEBHOOK_SCOPE, "%s.a", {"input", "headers", NULL}},
};

static bool has_variable(size_t place, const char *name)
{
    size_t i = 0;
    while (places[place].variables[i] != NULL && strcmp(places[place].variables[i], name) != 0) {
        i++;
    }
    return places[place].variables[i] != NULL;
}

static void test_each_place_has_its_variables(void **state)
{
    (void)state;
    static const char *const names[] = {
#define NAME(name, is_json) #name,
        CLEAT__EXPRESSION_VARIABLES(NAME)
#undef NAME
    };
    assert_int_equal(COUNT(places), CLEAT__EXPRESSION_PLACE_COUNT);
    for (size_t i = 0; i < COUNT(places) * COUNT(names); i++) {
        size_t place = i / COUNT(names);
        const char *name = names[i % COUNT(names)];
        char text[64], message[64];
        (void)snprintf(text, sizeof(text), places[place].form, name);
        (void)snprintf(message, sizeof(message), "there is no variable %s in ", name);
        if (has_variable(place, name)) {
            assert_accepted(text, places[place].place);
        } else {
            assert_refused(text, places[place].place, message);
        }
    }
}

static void test_what_is_said_of_a_variable(void **state)
{
    (void)state;
    assert_refused("input.a == 1 && \n workflow_run_id == 'x'", CLEAT__EXPRESSION_FILTER,
                   "expression, character 19: there is no variable workflow_run_id in a filter, which has "
                   "input, additional_metadata, payload, event_id and event_key");
    assert_refused("'\xC3\xA9' == event_key", CLEAT__EXPRESSION_CONDITION,
                   "character 8: there is no variable event_key in a condition, which has input and output");
    /* Whatever is around it: it is looked at where it stands, in the order of the text. */
    assert_refused("false && output.a", CLEAT__EXPRESSION_FILTER,
                   "character 10: there is no variable output");
    assert_refused("[1].all(x, x == output.a) || payload.b", CLEAT__EXPRESSION_BATCH_KEY,
                   "character 17: there is no variable output");
    assert_refused("has(output.a) ? 'a' : 'b'", CLEAT__EXPRESSION_CONCURRENCY_KEY,
                   "there is no variable output in the key of a concurrency rule");
    assert_accepted("[1].all(output, output == 1)", CLEAT__EXPRESSION_FILTER); /* that of the loop */
    assert_refused("nobody", CLEAT__EXPRESSION_FILTER, "character 1: there is no variable nobody");
    assert_refused("input.a ==", CLEAT__EXPRESSION_FILTER, "character 11: expected a value");
    assert_refused("", CLEAT__EXPRESSION_BATCH_KEY, "character 1: expected a value");
}

/* ---- Types ---- */

#define BOOL   CLEAT__EXPRESSION_FILTER
#define STRING CLEAT__EXPRESSION_CONCURRENCY_KEY
#define NUMBER CLEAT__EXPRESSION_RATE_UNITS

static void test_what_may_be_of_the_type_is_accepted(void **state)
{
    (void)state;
    static const struct {
        cleat__expression_place place;
        const char *text;
    } cases[] = {
        {BOOL, "true"},
        {BOOL, "input.a"},
        {BOOL, "input['a'][0].b"},
        {BOOL, "input.a ? true : 'no'"},
        {BOOL, "dyn(1)"},
        {BOOL, "{'a': true}.a"},
        {BOOL, "[1, true][1]"},
        {BOOL, "[true].filter(x, x)[0]"},
        {BOOL, "true || input"},
        {BOOL, "input + 1 == 2 || input.a"}, /* the other side may decide */
        {BOOL, "!input.a"},
        {BOOL, "1 == 'a'"},
        {BOOL, "1 < 2.0"},
        {BOOL, "input.a + input.b > 1.5"},
        {BOOL, "input.a + 's' == 's'"},
        {BOOL, "int(input.a) % 2 == 0"},
        {BOOL, "input.a in [1]"},
        {BOOL, "'a' in input"},
        {BOOL, "event_key.startsWith(input.a)"},
        {BOOL, "input.list.all(x, x + 1)"}, /* it may be empty */
        {BOOL, "bool('true')"},
        {BOOL, "type(input) == map"},
        {STRING, "'all'"},
        {STRING, "input"}, /* a peer's may be any JSON */
        {STRING, "input.a"},
        {STRING, "input.a + '-' + workflow_run_id"},
        {STRING, "checksum(input.a)"},
        {STRING, "input.list.join(',')"},
        {STRING, "input.a ? 1 : 'a'"},
        {STRING, "string(1)"},
        {NUMBER, "1"},
        {NUMBER, "-1"},
        {NUMBER, "1u"},
        {NUMBER, "1.0"},
        {NUMBER, "input.a"},
        {NUMBER, "input.a * 2.0"},
        {NUMBER, "-input.a"},
        {NUMBER, "size(input.list) * 2"},
        {NUMBER, "'abc'.indexOf('c')"},
        {NUMBER, "input.plan == 'large' ? 10 : 1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_accepted(cases[i].text, cases[i].place);
    }
}

static void test_what_is_never_of_the_type_is_refused(void **state)
{
    (void)state;
    static const struct {
        cleat__expression_place place;
        const char *text, *message;
    } cases[] = {
        {BOOL, "1", "expression: its value is of the type int, and what is wanted for a filter is a bool"},
        {BOOL, "'true'", "of the type string, and what is wanted for a filter is a bool"},
        {BOOL, "input", "of the type map, and what is wanted for a filter is a bool"},
        {BOOL, "event_id", "of the type string"},
        {BOOL, "null", "of the type null_type"},
        {BOOL, "bool", "of the type type,"},
        {BOOL, "[true]", "of the type list"},
        {BOOL, "{'a': true}", "of the type map"},
        {BOOL, "input.a ? 1 : 's'", "of the type int or string"},
        {BOOL, "input.a ? 1 : input.b ? 1u : b's'", "of the type int, uint or bytes"},
        {BOOL, "input.list.map(x, true)", "of the type list"},
        {BOOL, "input.a.size()", "of the type int"},
        {BOOL, "uint(input.a)", "of the type uint"},
        {BOOL, "double(input.a)", "of the type double"},
        {BOOL, "bytes(input.a)", "of the type bytes"},
        {BOOL, "type(input.a)", "of the type type,"},
        {BOOL, "input.a.split(',')", "of the type list"},
        {BOOL, "input.a - input.b", "of the type double"},
        {BOOL, "-input.a", "of the type double"},
        {CLEAT__EXPRESSION_CONDITION, "1", "of the type int, and what is wanted for a condition is a bool"},
        {STRING, "1", "of the type int, and what is wanted for the key of a concurrency rule is a string"},
        {STRING, "true", "of the type bool"},
        {STRING, "input.a == 1", "of the type bool"},
        {STRING, "additional_metadata", "of the type map"},
        {CLEAT__EXPRESSION_RATE_KEY, "1", "what is wanted for the key of a rate limit is a string"},
        {CLEAT__EXPRESSION_IDEMPOTENCY_KEY, "1", "what is wanted for an idempotency key is a string"},
        {CLEAT__EXPRESSION_BATCH_KEY, "1", "what is wanted for the key of a batch is a string"},
        {NUMBER, "'1'",
         "of the type string, and what is wanted for the units of a rate limit is a whole number"},
        {NUMBER, "input.a > 1", "of the type bool"},
        {CLEAT__EXPRESSION_RATE_LIMIT, "'1'",
         "what is wanted for the limit of a rate limit is a whole number"},
        {CLEAT__EXPRESSION_CONCURRENCY_RUNS, "'1'",
         "what is wanted for max_runs of a concurrency rule is a whole number"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_refused(cases[i].text, cases[i].place, cases[i].message);
    }
}

static void test_what_never_has_a_value_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"input.a + 1 == 2", "character 9: no + of JSON (whose numbers are doubles) and int"},
        {"input.a % 2 == 0", "character 9: no % of JSON (whose numbers are doubles) and int"},
        {"1 + 's' == 's'", "character 3: no + of int and string"},
        {"'a' - 'b' == 'c'", "no - of string and string"},
        {"[1] < [2]", "character 5: no < of list and list"},
        {"1 < 'a'", "no < of int and string"},
        {"'a' in 'abc'", "character 5: no in of string and string"},
        {"!input", "character 1: a condition is of the type map, not bool"},
        {"1 && 2", "a condition is of the type int, not bool"},
        {"1 ? true : false", "a condition is of the type int, not bool"},
        {"(1 + 1u) > 0", "character 4: no + of int and uint"},
        {"-'a' == 'b'", "character 1: no - of string"},
        {"-1u == 1u", "no - of uint"},
        {"event_id.a", "character 10: no field of a value of the type string"},
        {"has(event_id.a)", "no field of a value of the type string"},
        {"event_id[0]", "no element of a value of the type string"},
        {"'a'.startsWith(1)", "startsWith() wants a string, not a value of the type int"},
        {"checksum(input) == 'a'", "checksum() wants a string, not a value of the type map"},
        {"'abc'.substring('a') == 'a'", "substring() wants a int, not a value of the type string"},
        {"event_key.all(x, true)", "a loop over a value of the type string"},
        {"[1 + 's'] == []", "character 4: no + of int and string"},
        {"{'a': 1 + 's'} == {}", "character 9: no + of int and string"},
        {"size([1 + 's'].filter(x, x + 1 > 2)) == 1", "character 9: no + of int and string"},
        {"true ? 1 + 's' : 1 - 's'", "character 10: no + of int and string"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_refused(cases[i].text, CLEAT__EXPRESSION_FILTER, cases[i].message);
    }
}

/* ---- In a declaration ---- */

static const cleat__concurrency one_key = {
    .expression = {"input.a", 7}, .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN};

static cleat__workflow_task plain_task(void)
{
    return (cleat__workflow_task){
        .name = cleat_slice_of("scan"),
        .action = cleat_slice_of("archive:scan"),
        .policy = {.backoff_factor = 1,
                   .backoff_max_ms = 1000,
                   .priority = 1,
                   .execution_timeout_ms = 1,
                   .schedule_timeout_ms = 1},
    };
}

static void assert_declared(const cleat__workflow_task *task, const cleat__concurrency *rule,
                            const char *message)
{
    const cleat__workflow workflow = {.name = cleat_slice_of("archive"),
                                      .tasks = task,
                                      .task_count = 1,
                                      .concurrency = rule,
                                      .concurrency_count = rule != NULL};
    cleat_status status = cleat__workflow_check(&workflow);
    if (message == NULL) {
        assert_int_equal(status, CLEAT_OK);
    } else if (status != CLEAT_INVALID_ARGUMENT || strcmp(cleat_error_message(), message) != 0) {
        fail_msg("%s, not %s", status != CLEAT_OK ? cleat_error_message() : "accepted", message);
    }
}

static void test_each_field_of_a_declaration_is_looked_at(void **state)
{
    (void)state;
    cleat__workflow_task task = plain_task();
    cleat__concurrency rule = one_key;
    assert_declared(&task, &rule, NULL);
    rule.expression = cleat_slice_of("1");
    assert_declared(&task, &rule,
                    "concurrency: expression: its value is of the type int, and what is wanted for the key "
                    "of a concurrency rule is a string");
    task.concurrency = &rule;
    task.concurrency_count = 1;
    assert_declared(&task, NULL,
                    "task \"scan\": concurrency: expression: its value is of the type int, and what is "
                    "wanted for the key of a concurrency rule is a string");
    rule = one_key;
    rule.max_runs_expression = cleat_slice_of("payload.n");
    assert_declared(&task, NULL,
                    "task \"scan\": concurrency: max_runs_expression: expression, character 1: there is no "
                    "variable payload in max_runs of a concurrency rule, which has input, "
                    "additional_metadata and workflow_run_id");
    task.concurrency_count = 0;
    const cleat__batch_config batch = {
        .max_size = 2, .interval_ms = 1, .group_max_runs = 1, .group_key = cleat_slice_of("1")};
    task.batch = &batch;
    assert_declared(&task, NULL,
                    "task \"scan\": batch: group_key: expression: its value is of the type int, and what is "
                    "wanted for the key of a batch is a string");
}

static void test_each_expression_of_a_rate_limit_is_looked_at(void **state)
{
    (void)state;
    cleat__workflow_task task = plain_task();
    cleat__rate_use use = {.units = 1, .window_ms = 1000, .key_expression = cleat_slice_of("true")};
    task.rate_limits = &use;
    task.rate_limit_count = 1;
    assert_declared(&task, NULL,
                    "task \"scan\": rate_limits: expression: its value is of the type bool, and what is "
                    "wanted for the key of a rate limit is a string");
    use.key_expression = cleat_slice_of("input.key");
    use.units_expression = cleat_slice_of("true");
    assert_declared(&task, NULL,
                    "task \"scan\": rate_limits: expression: its value is of the type bool, and what is "
                    "wanted for the units of a rate limit is a whole number");
    use.units_expression = cleat_slice_of("input.units");
    use.limit_expression = cleat_slice_of("true");
    assert_declared(&task, NULL,
                    "task \"scan\": rate_limits: expression: its value is of the type bool, and what is "
                    "wanted for the limit of a rate limit is a whole number");
    use.limit_expression = cleat_slice_of("-1");
    assert_declared(&task, NULL, NULL);
}

static void assert_read(const cleat__workflow *workflow, bool is_dag)
{
    cleat__buffer text = {0};
    cleat__declaration declaration;
    assert_int_equal(cleat__workflow_check(workflow), CLEAT_INVALID_ARGUMENT);
    cleat__workflow_encode(workflow, &text);
    if (cleat__declaration_read(cleat__buffer_slice(&text), &declaration) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    assert_int_equal(declaration.needs->is_dag, is_dag);
    cleat__declaration_deinit(&declaration);
    cleat__buffer_deinit(&text);
}

/* What was declared before anybody asked this is still read. */
static void test_what_is_stored_is_read(void **state)
{
    (void)state;
    const cleat__concurrency rule = {
        .expression = cleat_slice_of("output.a"), .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    const cleat__rate_use use = {.units = 1, .window_ms = 1000, .key_expression = cleat_slice_of("1")};
    const cleat__batch_config batch = {
        .max_size = 2, .interval_ms = 1, .group_max_runs = 1, .group_key = cleat_slice_of("event_key")};
    const cleat__idempotency key = {.expression = cleat_slice_of("workflow_run_id"), .ttl_ms = 1};
    const cleat__step_condition condition = {
        .action = CLEAT__STEP_QUEUE,
        .of = {.kind = CLEAT__CONDITION_EVENT, .key = {"k", 1}, .expression = {"payload.a", 9}}};
    cleat__workflow_task task = plain_task();
    cleat__workflow workflow = {.name = cleat_slice_of("archive"), .tasks = &task, .task_count = 1};
    workflow.idempotency = &key;
    task.batch = &batch;
    task.concurrency = &rule;
    task.rate_limits = &use;
    task.concurrency_count = task.rate_limit_count = 1;
    assert_read(&workflow, false);
    task = plain_task();
    task.conditions = &condition;
    task.condition_count = 1;
    workflow.idempotency = NULL;
    assert_read(&workflow, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_place_has_its_variables),
        cmocka_unit_test(test_what_is_said_of_a_variable),
        cmocka_unit_test(test_what_may_be_of_the_type_is_accepted),
        cmocka_unit_test(test_what_is_never_of_the_type_is_refused),
        cmocka_unit_test(test_what_never_has_a_value_is_refused),
        cmocka_unit_test(test_each_field_of_a_declaration_is_looked_at),
        cmocka_unit_test(test_each_expression_of_a_rate_limit_is_looked_at),
        cmocka_unit_test(test_what_is_stored_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
