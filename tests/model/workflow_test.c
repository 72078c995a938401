#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/workflow.h"
#include "support/one_task.h"

#include <math.h>

static const cleat__policy plain = {
    .priority = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 1000};

static cleat__workflow good(void)
{
    return one_task(cleat_slice_of("My.Flow_1-x"),
                    (cleat__workflow_task){.name = cleat_slice_of("Step"),
                                           .action = cleat_slice_of("my.flow_1-x:step"),
                                           .policy = plain});
}

/* ---- Names ---- */

static void test_names_of_workflows(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"x:x", "x"}, {"w:t", "w.t"}, {"a.b:c-d", "a.b.c-d"}, {"a:b:c", "a.b.c"}, {"x", "x"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[32];
        cleat__workflow_name(cleat_slice_of(cases[i][0]), name);
        assert_string_equal(name, cases[i][1]);
    }
}

static void test_actions(void **state)
{
    (void)state;
    static const char *const fine[] = {"a:b", "a:b:c", "A.b-c_9:X"};
    static const char *const refused[] = {"", "a", "a:", ":a", "a::b", "a:b:c:d", "a b:c", "a:b\n", "a/b:c"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        assert_int_equal(cleat__action_check(cleat_slice_of(fine[i])), CLEAT_OK);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(cleat__action_check(cleat_slice_of(refused[i])), CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), "action"));
    }
}

/* ---- Checks ---- */

static void assert_refused(const cleat__workflow *workflow, const char *field)
{
    assert_int_equal(cleat__workflow_check(workflow), CLEAT_INVALID_ARGUMENT);
    if (strstr(cleat_error_message(), field) == NULL) {
        fail_msg("\"%s\" is not in: %s", field, cleat_error_message());
    }
}

static void test_a_good_one(void **state)
{
    (void)state;
    cleat__workflow workflow = good();
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    task_of(&workflow)->policy.backoff_initial_ms = 2000;
    task_of(&workflow)->policy.backoff_factor = 2;
    task_of(&workflow)->policy.backoff_max_ms = 86400000;
    const cleat__slots slots[] = {{{"default", 7}, 2}, {{"gpu", 3}, 1}};
    task_of(&workflow)->slots = slots;
    task_of(&workflow)->slot_count = 2;
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
}

static void test_names_are_checked(void **state)
{
    (void)state;
    static char long_name[CLEAT__NAME_MAX + 1];
    memset(long_name, 'a', sizeof(long_name));
    const cleat_slice bad[] = {{"", 0},
                               {NULL, 0},
                               {"a b", 3},
                               {"a:b", 3},
                               {"\xC3\xA4", 2},
                               {"a\0b", 3},
                               {long_name, sizeof(long_name)}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cleat__workflow workflow = good();
        workflow.name = bad[i];
        assert_refused(&workflow, "name");
        workflow = good();
        task_of(&workflow)->name = bad[i];
        assert_refused(&workflow, "task");
    }
    cleat__workflow workflow = good();
    workflow.name.data = long_name;
    workflow.name.size = CLEAT__NAME_MAX;
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
}

static void test_the_policy_is_checked(void **state)
{
    (void)state;
    const struct {
        cleat__policy policy;
        const char *field;
    } cases[] = {
        {{.priority = 1, .retries = -1}, "retries"},
        {{.priority = 0}, "priority"},
        {{.priority = 4}, "priority"},
        {{.priority = 1, .backoff_initial_ms = -1}, "backoff"},
        {{.priority = 1, .backoff_initial_ms = 1, .backoff_factor = 0.9, .backoff_max_ms = 1},
         "backoff_factor"},
        {{.priority = 1, .backoff_initial_ms = 1, .backoff_factor = 1001, .backoff_max_ms = 1},
         "backoff_factor"},
        {{.priority = 1, .backoff_initial_ms = 1, .backoff_factor = NAN, .backoff_max_ms = 1},
         "backoff_factor"},
        {{.priority = 1, .backoff_initial_ms = 1, .backoff_factor = 1, .backoff_max_ms = 0}, "backoff_max"},
        {{.priority = 1, .backoff_initial_ms = 1, .backoff_factor = 1, .backoff_max_ms = 86400001},
         "backoff_max"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__workflow workflow = good();
        task_of(&workflow)->policy = cases[i].policy;
        assert_refused(&workflow, cases[i].field);
    }
}

static void test_slots_and_the_rest_are_checked(void **state)
{
    (void)state;
    const cleat__slots none[] = {{{"default", 7}, 0}}, odd[] = {{{"a b", 3}, 1}},
                       twice[] = {{{"a", 1}, 1}, {{"a", 1}, 2}};
    const cleat__slots *const bad[] = {none, odd, twice};
    for (size_t i = 0; i < 3; i++) {
        cleat__workflow workflow = good();
        task_of(&workflow)->slots = bad[i];
        task_of(&workflow)->slot_count = i == 2 ? 2 : 1;
        assert_refused(&workflow, "slot");
    }
    cleat__workflow workflow = good();
    const cleat_slice key = {"", 0};
    workflow.event_keys = &key;
    workflow.event_key_count = 1;
    assert_refused(&workflow, "event_triggers");
    const cleat_slice pattern = {"order:*\\", 8};
    workflow.event_keys = &pattern;
    assert_refused(&workflow, "ends with a '\\'");
    static char long_key[768];
    memset(long_key, 'k', sizeof(long_key));
    cleat_slice long_one = {long_key, 767};
    workflow.event_keys = &long_one;
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    long_one.size = 768;
    assert_refused(&workflow, "at most 767");
    workflow = good();
    workflow.sticky = (cleat__sticky)3;
    assert_refused(&workflow, "sticky");
}

/* A run that stood in line for it twice would wait for itself. */
static void test_a_shared_rule_is_there_once(void **state)
{
    (void)state;
    const cleat__concurrency one = {.expression = cleat_slice_of("'k'"),
                                    .max_runs = 1,
                                    .strategy = CLEAT_GROUP_ROUND_ROBIN,
                                    .name = cleat_slice_of("shared")};
    const cleat__concurrency twice[] = {one, one};
    cleat__workflow workflow = good();
    workflow.concurrency = twice;
    workflow.concurrency_count = 2;
    assert_refused(&workflow, "\"shared\" is there twice");
    workflow.concurrency_count = 1;
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    task_of(&workflow)->concurrency = twice;
    task_of(&workflow)->concurrency_count = 1;
    assert_refused(&workflow, "\"shared\" is there twice");
    workflow.concurrency_count = 0;
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
}

/* ---- As text ---- */

static void assert_text(const cleat__workflow *workflow, const char *expected)
{
    cleat__buffer text = {0};
    cleat__workflow_encode(workflow, &text);
    cleat__buffer_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, expected);
    cleat__buffer_deinit(&text);
}

/* Text that jansson would not read again would make the file unreadable. */
static void test_a_schema_must_be_an_object_of_json(void **state)
{
    (void)state;
    const cleat_slice bad[] = {{"", 0}, {"\0", 1}, {"\xE7", 1}, {"[]", 2}, {"{\"a\":\"\\u0000\"}", 14}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cleat__workflow workflow = good();
        workflow.input_json_schema = bad[i];
        assert_refused(&workflow, "input_json_schema");
    }
}

static void test_all_content_is_in_the_text(void **state)
{
    (void)state;
    cleat__workflow workflow = good();
    assert_text(&workflow,
                "{\"description\":\"\",\"version\":\"\",\"events\":[],\"sticky\":0,\"durable\":false,"
                "\"slots\":{\"default\":1},\"labels\":[]}");
    const cleat_slice keys[] = {cleat_slice_of("order:paid"), cleat_slice_of("x")};
    const cleat__desired_label labels[] = {{.key = cleat_slice_of("gpu"),
                                            .value = {.text = cleat_slice_of("a\"1")},
                                            .weight = 100,
                                            .is_required = true},
                                           {.key = cleat_slice_of("memory"),
                                            .value = {.is_number = true, .number = -5},
                                            .comparator = CLEAT__COMPARATOR_GREATER_THAN,
                                            .weight = 7}};
    workflow.description = cleat_slice_of("D");
    workflow.version = cleat_slice_of("v1");
    workflow.event_keys = keys;
    workflow.event_key_count = 2;
    workflow.sticky = CLEAT__STICKY_HARD;
    task_of(&workflow)->is_durable = true;
    task_of(&workflow)->labels = labels;
    task_of(&workflow)->label_count = 2;
    workflow.input_json_schema = cleat_slice_of("{}");
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_text(
        &workflow,
        "{\"description\":\"D\",\"version\":\"v1\",\"events\":[\"order:paid\",\"x\"],\"sticky\":2,"
        "\"durable\":true,\"slots\":{\"durable\":1},\"labels\":[{\"key\":\"gpu\",\"value\":\"a\\\"1\","
        "\"comparator\":0,\"weight\":100,\"required\":true},{\"key\":\"memory\",\"value\":-5,"
        "\"comparator\":2,\"weight\":7,\"required\":false}],\"schema\":\"{}\"}");
}

static void test_needs_are_read_back(void **state)
{
    (void)state;
    const cleat__slots slots[] = {{{"gpu", 3}, 2}, {{"default", 7}, 1}};
    const cleat__desired_label label = {.key = {"k", 1},
                                        .value = {.text = {"v", 1}},
                                        .comparator = CLEAT__COMPARATOR_NOT_EQUAL,
                                        .weight = -3};
    cleat__workflow workflow = good();
    workflow.sticky = CLEAT__STICKY_SOFT;
    task_of(&workflow)->slots = slots;
    task_of(&workflow)->slot_count = 2;
    task_of(&workflow)->labels = &label;
    task_of(&workflow)->label_count = 1;
    cleat__buffer text = {0};
    cleat__workflow_encode(&workflow, &text);
    cleat__needs *needs = NULL;
    assert_int_equal(cleat__needs_decode(cleat__buffer_slice(&text), &needs), CLEAT_OK);
    cleat__buffer_deinit(&text);
    assert_int_equal(needs->sticky, CLEAT__STICKY_SOFT);
    assert_false(needs->is_durable);
    assert_int_equal(needs->slots->count, 2);
    assert_true(cleat_slice_equals(needs->slots->items[0].type, cleat_slice_of("gpu")));
    assert_int_equal(needs->slots->items[0].units, 2);
    assert_int_equal(needs->labels->count, 1);
    assert_int_equal(needs->labels->items[0].weight, -3);
    assert_int_equal(needs->labels->items[0].comparator, CLEAT__COMPARATOR_NOT_EQUAL);
    assert_true(cleat_slice_equals(needs->labels->items[0].value.text, cleat_slice_of("v")));
    cleat__needs_free(needs);
}

static void test_limits_are_read_back(void **state)
{
    (void)state;
    const cleat__concurrency rules[] = {
        {.expression = cleat_slice_of("input.a"), .max_runs = 2, .strategy = CLEAT_GROUP_ROUND_ROBIN},
        {.expression = cleat_slice_of("'b'"), .max_runs = 1}};
    const cleat__rate_use use = {.key = cleat_slice_of("calls"), .units = 2, .window_ms = 1000};
    cleat__workflow workflow = good();
    workflow.concurrency = &rules[0];
    task_of(&workflow)->concurrency = &rules[1];
    workflow.concurrency_count = task_of(&workflow)->concurrency_count = 1;
    task_of(&workflow)->rate_limits = &use;
    task_of(&workflow)->rate_limit_count = 1;
    assert_text(&workflow,
                "{\"description\":\"\",\"version\":\"\",\"events\":[],\"sticky\":0,\"durable\":false,"
                "\"slots\":{\"default\":1},\"labels\":[],"
                "\"concurrency\":[{\"expression\":\"input.a\",\"max_runs\":2,\"strategy\":3}],"
                "\"task_concurrency\":[{\"expression\":\"'b'\",\"max_runs\":1,\"strategy\":0}],"
                "\"rate_limits\":[{\"units\":2,\"window\":1000,\"key\":\"calls\"}]}");
    cleat__buffer text = {0};
    cleat__needs *needs = NULL;
    cleat__workflow_encode(&workflow, &text);
    assert_int_equal(cleat__needs_decode(cleat__buffer_slice(&text), &needs), CLEAT_OK);
    cleat__buffer_deinit(&text);
    assert_int_equal(needs->concurrency->count, 2);
    assert_true(needs->concurrency->items[0].is_of_workflow); /* those of the workflow come first */
    assert_false(needs->concurrency->items[1].is_of_workflow);
    assert_int_equal(needs->rate_limits->count, 1);
    assert_int_equal(needs->rate_limits->items[0].units, 2);
    cleat__needs_free(needs);
}

static void test_texts_that_are_no_declaration(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "{}",
        "[]",
        "{\"slots\":{}}",
        "{\"slots\":5}",
        "{\"slots\":{\"default\":1},\"sticky\":9}",
        "{\"slots\":{\"default\":1},\"labels\":[{\"key\":1}]}",
        "{\"slots\":{\"default\":1},\"concurrency\":[{\"expression\":1}]}",
        "{\"slots\":{\"default\":1},\"rate_limits\":[{\"key\":\"\"}]}",
        "{\"slots\":{\"default\":1},\"labels\":[{\"key\":\"a\",\"value\":[]}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cleat__needs *needs = NULL;
        assert_int_equal(cleat__needs_decode(cleat_slice_of(bad[i]), &needs), CLEAT_CORRUPT);
        assert_null(needs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_workflows),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_a_good_one),
        cmocka_unit_test(test_names_are_checked),
        cmocka_unit_test(test_the_policy_is_checked),
        cmocka_unit_test(test_slots_and_the_rest_are_checked),
        cmocka_unit_test(test_a_shared_rule_is_there_once),
        cmocka_unit_test(test_a_schema_must_be_an_object_of_json),
        cmocka_unit_test(test_all_content_is_in_the_text),
        cmocka_unit_test(test_needs_are_read_back),
        cmocka_unit_test(test_limits_are_read_back),
        cmocka_unit_test(test_texts_that_are_no_declaration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
