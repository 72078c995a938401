/* Calls whose runs' expressions take too much together: they are refused, and nothing of them is there. */
#include "core_test.h"

#include "engine/core_parts.h"

#include <stdlib.h>

/* What one run's expression takes is just below its own bound; the time that it takes is little. */
enum { LOOPS = 200, TEXT_SIZE = 59000, TOO_MANY = 700 };

static const cleat__policy policy = {
    .priority = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

/* Some 92,000 steps, and then `value`. */
static cleat_slice costly(const char *value)
{
    static char text[TEXT_SIZE + LOOPS * 2 + 200];
    size_t size = 0;
    for (int i = 0; i < LOOPS; i++) {
        size += (size_t)sprintf(text + size, i == 0 ? "[1" : ",1");
    }
    size += (size_t)sprintf(text + size, "].all(x, '");
    memset(text + size, 'a', TEXT_SIZE);
    size += TEXT_SIZE;
    size += (size_t)sprintf(text + size, "' != '') ? %s : input.none", value);
    return (cleat_slice){text, size};
}

static void declare(rig *at, const cleat__concurrency *rule, const cleat__rate_use *use)
{
    cleat_slice key = cleat_slice_of("k");
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.event_keys = &key;
    workflow.event_key_count = 1;
    task_of(&workflow)->concurrency = rule;
    task_of(&workflow)->concurrency_count = rule != NULL;
    task_of(&workflow)->rate_limits = use;
    task_of(&workflow)->rate_limit_count = use != NULL;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
}

static cleat_status start_many(rig *at, size_t count, cleat__uuid *ids)
{
    cleat__trigger *items = calloc(count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of("a"), .child_index = -1};
    }
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, count, ids}};
    cleat_status status = ask(at, &command);
    free(items);
    return status;
}

static void test_runs_that_are_too_much_together_are_refused(void **state)
{
    rig *at = *state;
    cleat__uuid ids[TOO_MANY];
    const cleat__concurrency rule = {
        .expression = costly("'k'"), .max_runs = TOO_MANY, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    declare(at, &rule, NULL);
    add_worker(at, "a:a", TOO_MANY);
    assert_int_equal(start_many(at, TOO_MANY, ids), CLEAT_TOO_LARGE);
    assert_non_null(strstr(cleat_error_message(), "start fewer with one call"));
    assert_int_equal(at->ears.count, 0);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 0);
    assert_int_equal(cleat__core_failure(at->core), CLEAT_OK);
    /* Fewer are not, and each call has as much. */
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(start_many(at, TOO_MANY / 2, ids), CLEAT_OK);
        assert_int_equal(at->ears.count, i * (TOO_MANY / 2));
    }
    assert_string_equal(state_of(at, &ids[TOO_MANY / 2 - 1]), "RUNNING");
}

static void test_events_whose_runs_are_too_much_are_not_stored(void **state)
{
    rig *at = *state;
    static cleat__user_event events[TOO_MANY];
    static cleat__uuid ids[TOO_MANY];
    const cleat__concurrency rule = {
        .expression = costly("'k'"), .max_runs = TOO_MANY, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    declare(at, &rule, NULL);
    for (size_t i = 0; i < TOO_MANY; i++) {
        events[i] = (cleat__user_event){.key = cleat_slice_of("k")};
    }
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUSH,
                              .as.push = {events, TOO_MANY, ids, NULL}};
    assert_int_equal(ask(at, &command), CLEAT_TOO_LARGE);
    assert_non_null(strstr(cleat_error_message(), "so none is stored"));
    assert_int_equal(count_of("SELECT count(*) FROM event"), 0);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 0);
    command.as.push.count = 3;
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_int_equal(count_of("SELECT count(*) FROM event"), 3);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 3);
}

static void test_a_refused_call_says_no_limits(void **state)
{
    rig *at = *state;
    cleat__uuid ids[TOO_MANY];
    const cleat__rate_use use = {.key_expression = cleat_slice_of("'said'"),
                                 .units = 1,
                                 .units_expression = costly("1"),
                                 .limit_expression = cleat_slice_of("5"),
                                 .window_ms = 60000};
    declare(at, NULL, &use);
    assert_int_equal(start_many(at, TOO_MANY, ids), CLEAT_TOO_LARGE);
    assert_false(cleat__rates_have(&at->core->rates, CLEAT__TENANT_DEFAULT, cleat_slice_of("said")));
    assert_int_equal(start_many(at, 1, ids), CLEAT_OK);
    assert_true(cleat__rates_have(&at->core->rates, CLEAT__TENANT_DEFAULT, cleat_slice_of("said")));
    assert_int_equal(count_of("SELECT count(*) FROM rate_limit WHERE key = 'said'"), 1);
}

/* A run that has no key of its own fails by itself, and takes nobody with it. */
static void test_one_without_a_key_fails_alone(void **state)
{
    rig *at = *state;
    cleat__uuid ids[2];
    const cleat__rate_use use = {.key_expression = cleat_slice_of("input.key"),
                                 .units = 1,
                                 .limit_expression = cleat_slice_of("5"),
                                 .window_ms = 60000};
    const cleat__trigger items[] = {
        {.workflow = cleat_slice_of("a"), .child_index = -1},
        {.workflow = cleat_slice_of("a"), .child_index = -1, .input = cleat_slice_of("{\"key\":\"x\"}")},
    };
    declare(at, NULL, &use);
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, 2, ids}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_string_equal(state_of(at, &ids[0]), "FAILED failed to parse step expression (CEL): the key of "
                                               "rate limit 1, \"input.key\": no such key: key");
    assert_string_equal(state_of(at, &ids[1]), "QUEUED");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_runs_that_are_too_much_together_are_refused),
        TEST(test_events_whose_runs_are_too_much_are_not_stored),
        TEST(test_a_refused_call_says_no_limits),
        TEST(test_one_without_a_key_fails_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
