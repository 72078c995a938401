/* What holds a run up is said: when it is declared, where it can never begin, and as the reason of its end. */
#include "core_test.h"
#include "support/overheard.h"

static const cleat__policy policy = {
    .priority = 1,
    .backoff_factor = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = 8000,
};

static void put_rate(rig *at, const char *key, int32_t limit)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_RATE_LIMIT,
                              .as.put_rate_limit = {cleat_slice_of(key), limit, 60000}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static cleat__rate_use use_of(const char *key, int32_t units)
{
    return (cleat__rate_use){.key = cleat_slice_of(key), .units = units, .window_ms = 60000};
}

static void declare(rig *at, cleat__workflow *workflow)
{
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, workflow, NULL), CLEAT_OK);
}

static void declare_uses(rig *at, const char *action, const cleat__rate_use *uses, size_t count)
{
    cleat__workflow workflow = workflow_of(action, &policy);
    task_of(&workflow)->rate_limits = uses;
    task_of(&workflow)->rate_limit_count = count;
    declare(at, &workflow);
}

/* ---- When it is declared ---- */

static void test_more_than_a_limit_ever_has(void **state)
{
    rig *at = *state;
    const cleat__rate_use six = use_of("five", 6), five = use_of("five", 5), one = use_of("none", 1);
    const cleat__rate_use twice[] = {use_of("five", 3), use_of("none", 0), use_of("five", 3)};
    const cleat__rate_use said = {.key_expression = cleat_slice_of("'five'"), .units = 9, .window_ms = 60000};
    overheard log;
    put_rate(at, "five", 5);
    put_rate(at, "none", 0);
    overhear(&log, "ever begins");
    declare_uses(at, "fits:fits", &five, 1);
    declare_uses(at, "says:says", &said, 1);
    assert_string_equal(log.text, "");
    declare_uses(at, "six:six", &six, 1);
    declare_uses(at, "six:six", &six, 1); /* as each worker does at its start */
    declare_uses(at, "one:one", &one, 1);
    declare_uses(at, "twice:twice", twice, 3);
    assert_int_equal(overheard_end(&log), 3);
    assert_string_equal(
        log.text,
        "no run of \"six:six\" ever begins: it takes 6 units of the rate limit \"five\", which has 5\n"
        "no run of \"one:one\" ever begins: it takes 1 units of the rate limit \"none\", which has 0\n"
        "no run of \"twice:twice\" ever begins: it takes 6 units of the rate limit \"five\", which has 5\n");
}

static void test_a_task_of_several_takes_too_much(void **state)
{
    rig *at = *state;
    const cleat__rate_use six = use_of("five", 6);
    const cleat__workflow_task tasks[] = {
        {.name = cleat_slice_of("load"), .action = cleat_slice_of("film:load"), .policy = policy},
        {.name = cleat_slice_of("draw"),
         .action = cleat_slice_of("film:draw"),
         .policy = policy,
         .rate_limits = &six,
         .rate_limit_count = 1},
    };
    cleat__workflow workflow = {.name = cleat_slice_of("film"), .tasks = tasks, .task_count = 2};
    overheard log;
    put_rate(at, "five", 5);
    overhear(&log, "ever begins");
    declare(at, &workflow);
    assert_int_equal(overheard_end(&log), 1);
    assert_string_equal(
        log.text,
        "no run of \"film:draw\" ever begins: it takes 6 units of the rate limit \"five\", which has 5\n");
}

/* ---- As the reason of its end ---- */

static void check_state(rig *at, const cleat__uuid *id, const char *expected)
{
    assert_string_equal(state_of(at, id), expected);
}

static void test_a_slot_of_the_second_rule(void **state)
{
    rig *at = *state;
    const cleat__concurrency rules[] = {
        {.expression = cleat_slice_of("input.all"), .max_runs = 9, .strategy = CLEAT_GROUP_ROUND_ROBIN},
        {.name = cleat_slice_of("mail"),
         .expression = cleat_slice_of("input.k"),
         .max_runs = 1,
         .strategy = CLEAT_GROUP_ROUND_ROBIN}};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    task_of(&workflow)->concurrency = rules;
    task_of(&workflow)->concurrency_count = 2;
    declare(at, &workflow);
    add_worker(at, "a:a", 9);
    trigger(at, "a:a", "{\"all\":\"x\",\"k\":\"m\"}", 0);
    cleat__uuid id = trigger(at, "a:a", "{\"all\":\"x\",\"k\":\"m\"}", 0);
    advance(at, 8000);
    check_state(at, &id, "CANCELLED it did not get a slot of mail for \"m\" within 8s");
}

/* A key of 100 bytes is cut, and the one who has the slot is out of reach of a worker. */
static void test_a_slot_that_one_has_whom_no_worker_takes(void **state)
{
    rig *at = *state;
    char input[128];
    cleat__workflow workflow = workflow_of("a:a", &policy);
    const cleat__concurrency rule = {
        .expression = cleat_slice_of("input.k"), .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    task_of(&workflow)->concurrency = &rule;
    task_of(&workflow)->concurrency_count = 1;
    declare(at, &workflow);
    snprintf(input, sizeof(input), "{\"k\":\"%0100d\"}", 7);
    cleat__uuid first = trigger(at, "a:a", input, 0), second = trigger(at, "a:a", input, 0);
    advance(at, 8000);
    check_state(at, &first, "CANCELLED no worker took it within 8s");
    char expected[256];
    snprintf(expected, sizeof(expected),
             "CANCELLED it did not get a slot of input.k for \"%080d…\" within 8s", 0);
    check_state(at, &second, expected);
}

static void test_units_that_are_not_there(void **state)
{
    rig *at = *state;
    const cleat__rate_use uses[] = {use_of("plenty", 1), use_of("five", 6)};
    put_rate(at, "plenty", 50);
    put_rate(at, "five", 5);
    declare_uses(at, "a:a", uses, 2);
    add_worker(at, "a:a", 9);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    advance(at, 8000);
    check_state(at, &id, "CANCELLED it did not get 6 units of the rate limit five within 8s");
}

/* Units are looked at when a worker could take it. */
static void test_units_without_a_worker(void **state)
{
    rig *at = *state;
    const cleat__rate_use six = use_of("five", 6);
    put_rate(at, "five", 5);
    declare_uses(at, "a:a", &six, 1);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    advance(at, 8000);
    check_state(at, &id, "CANCELLED no worker took it within 8s");
}

static void test_batches_of_its_group(void **state)
{
    rig *at = *state;
    const cleat__batch_config config = {
        .max_size = 1, .interval_ms = 1000, .group_key = cleat_slice_of("input.k"), .group_max_runs = 1};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    task_of(&workflow)->batch = &config;
    declare(at, &workflow);
    add_worker(at, "a:a", 9);
    trigger(at, "a:a", "{\"k\":\"m\"}", 0);
    cleat__uuid id = trigger(at, "a:a", "{\"k\":\"m\"}", 0);
    advance(at, 8000);
    check_state(at, &id, "CANCELLED the batches of its group, 1 at a time, left no room for it within 8s");
}

/* ---- Expressions without a value ---- */

static cleat__concurrency rule_of(const char *key, const char *most)
{
    return (cleat__concurrency){.expression = cleat_slice_of(key),
                                .max_runs_expression = cleat_slice_of(most),
                                .max_runs = 1,
                                .strategy = CLEAT_GROUP_ROUND_ROBIN};
}

typedef struct valueless {
    cleat__concurrency rules[2];
    cleat__rate_use uses[2];
    const char *group_key;
    const char *error;
} valueless;

static void test_an_expression_without_a_value_is_named(void **state)
{
    rig *at = *state;
    const cleat__concurrency good = rule_of("input.k", NULL);
    const cleat__rate_use fine = use_of("five", 1);
    cleat__rate_use key = fine, units = fine, limit = fine;
    key.key_expression = cleat_slice_of("input.x");
    key.limit_expression = limit.limit_expression = cleat_slice_of("int(input.n)");
    units.units_expression = cleat_slice_of("int(input.n) - 1");
    limit.key_expression = cleat_slice_of("input.k");
    limit.limit_expression = cleat_slice_of("int(input.n) - 2");
    const valueless rows[] = {
        {{good, rule_of("input.x", NULL)},
         {fine, fine},
         NULL,
         "the key of concurrency rule 2, \"input.x\": no such key: x"},
        {{good, rule_of("input.k", "int(input.x)")},
         {fine, fine},
         NULL,
         "the slots of concurrency rule 2, \"int(input.x)\": no such key: x"},
        {{good, rule_of("input.k", "int(input.n)")},
         {fine, fine},
         NULL,
         "the slots of concurrency rule 2, \"int(input.n)\": max_runs is 0; it must be 1 .. 10000"},
        {{good, good}, {fine, key}, NULL, "the key of rate limit 2, \"input.x\": no such key: x"},
        {{good, good},
         {units, fine},
         NULL,
         "the units of rate limit 1, \"int(input.n) - 1\": -1 is out of range"},
        {{good, good},
         {fine, limit},
         NULL,
         "the limit of rate limit 2, \"int(input.n) - 2\": -2 is out of range"},
        {{good, good}, {fine, fine}, "input.x", "the key of its batch, \"input.x\": no such key: x"},
        {{good, good}, {fine, fine}, "input\n.x", "the key of its batch, \"input .x\": no such key: x"},
    };
    put_rate(at, "five", 5);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const cleat__batch_config batch = {.max_size = 1,
                                           .interval_ms = 1000,
                                           .group_key = cleat_slice_of(rows[i].group_key),
                                           .group_max_runs = 1};
        char expected[256];
        cleat__workflow workflow = workflow_of("a:a", &policy);
        cleat__workflow_task *task = task_of(&workflow);
        task->concurrency = rows[i].rules;
        task->rate_limits = rows[i].uses;
        task->concurrency_count = task->rate_limit_count = 2;
        task->batch = rows[i].group_key != NULL ? &batch : NULL;
        declare(at, &workflow);
        cleat__uuid id = trigger(at, "a:a", "{\"k\":\"m\",\"n\":0}", 0);
        snprintf(expected, sizeof(expected), "FAILED failed to parse step expression (CEL): %s",
                 rows[i].error);
        check_state(at, &id, expected);
    }
}

/* Each second, and in the log once; and once more when it is declared anew, and is no better. */
static void test_a_cron_whose_runs_all_fail_is_said_once(void **state)
{
    rig *at = *state;
    const cleat_slice each_second = cleat_slice_of("* * * * * *");
    cleat__concurrency rule = rule_of("input.x", NULL);
    cleat__workflow workflow = workflow_of("a:a", &policy), good = workflow_of("b:b", &policy);
    overheard log;
    task_of(&workflow)->concurrency = &rule;
    task_of(&workflow)->concurrency_count = 1;
    workflow.crons = good.crons = &each_second;
    workflow.cron_count = good.cron_count = 1;
    declare(at, &workflow);
    declare(at, &good);
    overhear(&log, "has failed at its start");
    for (int i = 0; i < 5; i++) {
        advance(at, 1000);
        step(at, NULL, 0);
    }
    assert_int_equal(count_of("SELECT count(*) FROM task_end WHERE state = 3"), 5);
    assert_int_equal(count_of("SELECT count(*) FROM task_live"), 5);
    assert_int_equal(gate_count(&log.lines), 1);
    assert_non_null(strstr(log.text,
                           "of \"a\" has failed at its start: failed to parse step expression (CEL): "
                           "the key of concurrency rule 1, \"input.x\": no such key: x\n"));
    rule.expression = cleat_slice_of("input.y");
    declare(at, &workflow);
    advance(at, 1000);
    advance(at, 1000);
    assert_int_equal(overheard_end(&log), 2);
    assert_non_null(strstr(log.text, "\"input.y\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_more_than_a_limit_ever_has, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_a_task_of_several_takes_too_much, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_a_slot_of_the_second_rule, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_a_slot_that_one_has_whom_no_worker_takes, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(test_units_that_are_not_there, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_units_without_a_worker, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_batches_of_its_group, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_an_expression_without_a_value_is_named, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(test_a_cron_whose_runs_all_fail_is_said_once, open_fixture,
                                        close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
