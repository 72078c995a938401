/* Batch tasks of workflows of several tasks: those of several runs go together. */
#include "dag_limits_test.h"

#include "engine/core_parts.h"

/* "get", then "send" with those of another run that has the same key, then "log". */
static void declare_chain(dag_rig *at)
{
    static const cleat__batch_config pairs = {
        .max_size = 2, .interval_ms = 1000, .group_key = {"input.k", 7}, .group_max_runs = 1};
    add_task(at, "get", "");
    add_task(at, "send", "get")->batch = &pairs;
    add_task(at, "log", "send");
    declare_all(at);
}

static const told_task *told_send(const cleat__uuid *run)
{
    const told_task *task = told_of(run, "send");
    assert_non_null(task);
    return task;
}

static void test_tasks_of_several_runs_go_together(void **state)
{
    dag_rig *at = *state;
    declare_chain(at);
    cleat__uuid a = start(at, "north"), b = start(at, "north"), c = start(at, "south");
    end_task(at, &a, "get", CLEAT_OK);
    end_task(at, &c, "get", CLEAT_OK);
    check_tasks(at, &a, "get=completed send=queued log=held");
    assert_null(told_of(&a, "send"));
    end_task(at, &b, "get", CLEAT_OK);
    assert_string_equal(told_send(&a)->parents, "{\"get\":{}}");
    assert_string_equal(told_send(&b)->parents, "{\"get\":{}}");
    assert_null(told_of(&c, "send"));
    advance(&at->core, 1000);
    told_send(&c);
    end_task(at, &a, "send", CLEAT_FAILED);
    end_task(at, &b, "send", CLEAT_OK);
    check_tasks(at, &a, "get=completed send=failed log=cancelled");
    check_run(at, &a, "FAILED bad");
    check_tasks(at, &b, "get=completed send=completed log=running");
    assert_int_equal(cancel(&at->core, &c), CLEAT_OK);
    check_tasks(at, &c, "get=completed send=cancelled log=cancelled");
    end_task(at, &b, "log", CLEAT_OK);
    assert_int_equal(at->core.core->batches.groups.count, 0);
}

static void test_a_run_without_a_key_fails_when_it_comes_to_that(void **state)
{
    dag_rig *at = *state;
    declare_chain(at);
    cleat__trigger item = {.workflow = at->workflow.name, .input = cleat_slice_of("{}"), .child_index = -1};
    cleat__uuid id;
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
    end_task(at, &id, "get", CLEAT_OK);
    check_tasks(at, &id, "get=completed send=failed log=cancelled");
    assert_non_null(strstr(state_of(&at->core, &id), "failed to parse step expression (CEL): "));
}

static void test_after_a_restart_they_wait_and_run_as_before(void **state)
{
    dag_rig *at = *state;
    declare_chain(at);
    cleat__uuid a = start(at, "north"), b = start(at, "north"), c = start(at, "north");
    end_task(at, &a, "get", CLEAT_OK);
    restart(at);
    end_task(at, &b, "get", CLEAT_OK);
    told_send(&a);
    told_send(&b);
    restart(at); /* what its worker had is lost with it */
    assert_int_equal(told_send(&a)->retry_count, 1);
    assert_int_equal(told_send(&b)->retry_count, 1);
    end_task(at, &c, "get", CLEAT_OK);
    advance(&at->core, 1000);
    assert_null(told_of(&c, "send")); /* one batch of the key at a time */
    end_task(at, &a, "send", CLEAT_OK);
    assert_null(told_of(&c, "send"));
    end_task(at, &b, "send", CLEAT_OK);
    told_send(&c);
}

static void test_a_replay_waits_with_the_others(void **state)
{
    dag_rig *at = *state;
    declare_chain(at);
    cleat__uuid a = start(at, "north"), b = start(at, "north");
    end_task(at, &a, "get", CLEAT_OK);
    advance(&at->core, 1000);
    cleat__uuid task = told_send(&a)->id;
    end_task(at, &a, "send", CLEAT_OK);
    end_task(at, &a, "log", CLEAT_OK);
    assert_int_equal(replay(at, &task), CLEAT_OK);
    check_tasks(at, &a, "get=completed send=queued log=held");
    end_task(at, &b, "get", CLEAT_OK);
    assert_int_equal(told_send(&a)->retry_count, 1);
    told_send(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tasks_of_several_runs_go_together),
        TEST(test_a_run_without_a_key_fails_when_it_comes_to_that),
        TEST(test_after_a_restart_they_wait_and_run_as_before),
        TEST(test_a_replay_waits_with_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
