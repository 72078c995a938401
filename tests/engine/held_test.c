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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_more_than_a_limit_ever_has, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_a_task_of_several_takes_too_much, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
