/* Concurrency rules that workflows share by a name. */
#include "core_test.h"

#include "base/error.h"
#include "engine/core_parts.h"

static const cleat__policy policy = {
    .priority = 1,
    .backoff_factor = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

static cleat__concurrency shared(int32_t max_runs, cleat_concurrency_strategy strategy)
{
    return (cleat__concurrency){.expression = cleat_slice_of("input.k"),
                                .max_runs = max_runs,
                                .strategy = strategy,
                                .name = cleat_slice_of("both")};
}

static void declare_for(rig *at, int64_t tenant, const char *action, const cleat__concurrency *rules,
                        size_t count)
{
    cleat__workflow workflow = workflow_of(action, &policy);
    task_of(&workflow)->concurrency = rules;
    task_of(&workflow)->concurrency_count = count;
    assert_int_equal(put_workflow(at, tenant, &workflow, NULL), CLEAT_OK);
}

static void declare(rig *at, const char *action, cleat__concurrency rule)
{
    declare_for(at, CLEAT__TENANT_DEFAULT, action, &rule, 1);
}

static void add_workers(rig *at)
{
    add_worker(at, "a:a", 10);
    add_worker(at, "b:b", 10);
}

static cleat__uuid start(rig *at, const char *action, const char *key)
{
    char input[64];
    snprintf(input, sizeof(input), "{\"k\":\"%s\",\"other\":\"%s\"}", key, action);
    return trigger(at, action, input, 0);
}

static void check_state(rig *at, const cleat__uuid *id, const char *state)
{
    assert_string_equal(state_of(at, id), state);
}

static void test_workflows_share_the_slots_of_a_key(void **state)
{
    rig *at = *state;
    declare(at, "a:a", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    declare(at, "b:b", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    add_workers(at);
    cleat__uuid a = start(at, "a:a", "x"), b = start(at, "b:b", "x"), other = start(at, "b:b", "y");
    check_state(at, &a, "RUNNING");
    check_state(at, &b, "QUEUED");
    check_state(at, &other, "RUNNING");
    crash(at);
    open_core(at);
    add_workers(at);
    check_state(at, &b, "QUEUED");
    report(at, &a, 1, CLEAT_OK, "1");
    check_state(at, &b, "RUNNING");
}

static void test_the_last_declaration_counts_for_all(void **state)
{
    rig *at = *state;
    declare(at, "a:a", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    declare(at, "b:b", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    add_workers(at);
    cleat__uuid first = start(at, "a:a", "x"), second = start(at, "a:a", "x");
    declare(at, "b:b", shared(2, CLEAT_GROUP_ROUND_ROBIN));
    check_state(at, &first, "RUNNING");
    check_state(at, &second, "RUNNING");
    /* Though its own version says what it has said before. */
    declare(at, "a:a", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    cleat__uuid third = start(at, "b:b", "x");
    report(at, &first, 0, CLEAT_OK, "1");
    check_state(at, &third, "QUEUED");
    crash(at);
    open_core(at);
    add_workers(at);
    check_state(at, &second, "RUNNING");
    check_state(at, &third, "QUEUED");
    report(at, &second, 1, CLEAT_OK, "1");
    check_state(at, &third, "RUNNING");
}

static void test_its_strategy_may_change_under_way(void **state)
{
    rig *at = *state;
    declare(at, "a:a", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    declare(at, "b:b", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    add_workers(at);
    cleat__uuid ids[5];
    for (size_t i = 0; i < 5; i++) {
        ids[i] = start(at, i % 2 == 0 ? "a:a" : "b:b", "x");
    }
    check_state(at, &ids[4], "QUEUED");
    declare(at, "b:b", shared(2, CLEAT_CANCEL_IN_PROGRESS));
    for (size_t i = 0; i < 5; i++) {
        check_state(at, &ids[i], i < 3 ? "CANCELLED" : "RUNNING");
    }
    declare(at, "a:a", shared(1, CLEAT_CANCEL_NEWEST));
    check_state(at, &ids[3], "RUNNING");
    check_state(at, &ids[4], "CANCELLED");
}

static void test_its_expression_may_change(void **state)
{
    rig *at = *state;
    cleat__concurrency rule = shared(1, CLEAT_GROUP_ROUND_ROBIN);
    declare(at, "a:a", rule);
    declare(at, "b:b", rule);
    add_workers(at);
    rule.expression = cleat_slice_of("input.other");
    declare(at, "b:b", rule);
    cleat__uuid a = start(at, "a:a", "x"), b = start(at, "b:b", "x");
    check_state(at, &a, "RUNNING");
    check_state(at, &b, "RUNNING");
    cleat__uuid again = start(at, "a:a", "y");
    check_state(at, &again, "QUEUED");
}

static void test_a_chain_may_have_both(void **state)
{
    rig *at = *state;
    const cleat__concurrency chain[] = {
        {.expression = cleat_slice_of("'own'"), .max_runs = 2, .strategy = CLEAT_GROUP_ROUND_ROBIN},
        shared(1, CLEAT_GROUP_ROUND_ROBIN)};
    declare_for(at, CLEAT__TENANT_DEFAULT, "a:a", chain, 2);
    declare(at, "b:b", chain[1]);
    add_workers(at);
    cleat__uuid b = start(at, "b:b", "x"), a = start(at, "a:a", "x"), other = start(at, "a:a", "y"),
                last = start(at, "a:a", "z");
    check_state(at, &b, "RUNNING");
    check_state(at, &a, "QUEUED"); /* it has one of its own two slots */
    check_state(at, &other, "RUNNING");
    check_state(at, &last, "QUEUED");
    report(at, &b, 0, CLEAT_OK, "1");
    check_state(at, &a, "RUNNING");
}

/* A rule without that name, and one of another name, are others. */
static void test_others_have_no_part_in_it(void **state)
{
    rig *at = *state;
    cleat__concurrency own = shared(1, CLEAT_GROUP_ROUND_ROBIN), named = own;
    own.name = (cleat_slice){NULL, 0};
    named.name = cleat_slice_of("another");
    declare(at, "a:a", shared(1, CLEAT_GROUP_ROUND_ROBIN));
    declare(at, "b:b", named);
    declare(at, "c:c", own);
    add_workers(at);
    add_worker(at, "c:c", 10);
    cleat__uuid a = start(at, "a:a", "x"), b = start(at, "b:b", "x"), c = start(at, "c:c", "x");
    check_state(at, &a, "RUNNING");
    check_state(at, &b, "RUNNING");
    check_state(at, &c, "RUNNING");
}

static void test_a_name_is_checked(void **state)
{
    rig *at = *state;
    char name[CLEAT__CONCURRENCY_NAME_MAX + 2];
    memset(name, 'n', sizeof(name));
    cleat__concurrency rule = shared(1, CLEAT_GROUP_ROUND_ROBIN);
    cleat__workflow workflow = workflow_of("a:a", &policy);
    task_of(&workflow)->concurrency = &rule;
    task_of(&workflow)->concurrency_count = 1;
    for (size_t size = 0; size <= CLEAT__CONCURRENCY_NAME_MAX + 1; size += CLEAT__CONCURRENCY_NAME_MAX + 1) {
        rule.name = (cleat_slice){name, size};
        assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_INVALID_ARGUMENT);
    }
    rule.name = (cleat_slice){name, CLEAT__CONCURRENCY_NAME_MAX};
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_workflows_share_the_slots_of_a_key),
        TEST(test_the_last_declaration_counts_for_all),
        TEST(test_its_strategy_may_change_under_way),
        TEST(test_its_expression_may_change),
        TEST(test_a_chain_may_have_both),
        TEST(test_others_have_no_part_in_it),
        TEST(test_a_name_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
