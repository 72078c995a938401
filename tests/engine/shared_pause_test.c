/* Slots of rules that workflows share, while one of these is paused. */
#include "durable_test.h"

#include "engine/core_parts.h"

static cleat__concurrency shared(cleat_concurrency_strategy strategy)
{
    return (cleat__concurrency){.expression = cleat_slice_of("'k'"),
                                .max_runs = 1,
                                .strategy = strategy,
                                .name = cleat_slice_of("both")};
}

/* Of the workflow of that task. */
static cleat__version put(rig *at, const char *action, cleat_concurrency_strategy strategy, bool is_durable)
{
    const cleat__concurrency rule = shared(strategy);
    cleat__version version;
    cleat__workflow workflow = workflow_of(action, &durable_policy);
    task_of(&workflow)->concurrency = &rule;
    task_of(&workflow)->concurrency_count = 1;
    task_of(&workflow)->is_durable = is_durable;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, &version), CLEAT_OK);
    return version;
}

static void set_pause(rig *at, const cleat__version *version, bool is_paused)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_PAUSE_WORKFLOW,
        .as.pause_workflow = {version->workflow_id, {.is_paused = is_paused, .ttl_ms = CLEAT__NO_TIMEOUT}}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static cleat__uuid start(rig *at, const char *action)
{
    return trigger(at, action, "{}", 0);
}

static void end(rig *at, const cleat__uuid *id)
{
    assert_int_equal(end_run(at, id, 0, CLEAT_OK, "1"), CLEAT_OK);
}

static void check_state(rig *at, const cleat__uuid *id, const char *state)
{
    assert_string_equal(state_of(at, id), state);
}

static void test_who_waits_for_a_slot_gives_way_to_others(void **state)
{
    rig *at = *state;
    cleat__version version = put(at, "a:a", CLEAT_GROUP_ROUND_ROBIN, false);
    put(at, "b:b", CLEAT_GROUP_ROUND_ROBIN, false);
    add_worker(at, "a:a", 9);
    add_worker(at, "b:b", 9);
    cleat__uuid runs = start(at, "a:a"), waits = start(at, "a:a"), b = start(at, "b:b");
    set_pause(at, &version, true);
    check_state(at, &b, "QUEUED"); /* what runs has its slot until it ends */
    end(at, &runs);
    check_state(at, &b, "RUNNING");
    cleat__uuid meanwhile = start(at, "a:a"), later = start(at, "b:b");
    set_pause(at, &version, false);
    check_state(at, &waits, "QUEUED");
    end(at, &b); /* they line up as old as they are */
    check_state(at, &waits, "RUNNING");
    end(at, &waits);
    check_state(at, &meanwhile, "RUNNING");
    check_state(at, &later, "QUEUED");
    end(at, &meanwhile);
    check_state(at, &later, "RUNNING");
}

static void test_who_has_a_slot_and_waits_for_a_worker_gives_way(void **state)
{
    rig *at = *state;
    cleat__version version = put(at, "a:a", CLEAT_GROUP_ROUND_ROBIN, false);
    put(at, "b:b", CLEAT_GROUP_ROUND_ROBIN, false);
    add_worker(at, "b:b", 9);
    cleat__uuid a = start(at, "a:a"), b = start(at, "b:b");
    check_state(at, &b, "QUEUED");
    set_pause(at, &version, true);
    check_state(at, &b, "RUNNING");
    add_worker(at, "a:a", 9);
    set_pause(at, &version, true); /* once more */
    set_pause(at, &version, false);
    check_state(at, &a, "QUEUED");
    end(at, &b);
    check_state(at, &a, "RUNNING");
}

static void test_it_is_so_after_a_restart(void **state)
{
    rig *at = *state;
    cleat__version version = put(at, "a:a", CLEAT_GROUP_ROUND_ROBIN, false);
    put(at, "b:b", CLEAT_GROUP_ROUND_ROBIN, false);
    set_pause(at, &version, true);
    cleat__uuid a = start(at, "a:a");
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 9);
    add_worker(at, "b:b", 9);
    cleat__uuid b = start(at, "b:b");
    check_state(at, &b, "RUNNING");
    set_pause(at, &version, false);
    check_state(at, &a, "QUEUED");
    end(at, &b);
    check_state(at, &a, "RUNNING");
}

static void test_a_next_attempt_gives_way(void **state)
{
    rig *at = *state;
    cleat__version version = put(at, "a:a", CLEAT_GROUP_ROUND_ROBIN, false);
    put(at, "b:b", CLEAT_GROUP_ROUND_ROBIN, false);
    add_worker(at, "b:b", 9);
    cleat__uuid worker = add_worker(at, "a:a", 9), a = start(at, "a:a"), b = start(at, "b:b");
    set_pause(at, &version, true);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_REMOVE, &worker), CLEAT_OK); /* it is lost */
    check_state(at, &a, "QUEUED");
    check_state(at, &b, "RUNNING");
    end(at, &b);
    set_pause(at, &version, false);
    add_worker(at, "a:a", 9);
    step(at, NULL, 0);
    check_state(at, &a, "RUNNING");
}

static void test_nobody_is_cancelled_for_one_that_is_paused(void **state)
{
    rig *at = *state;
    cleat__version version = put(at, "a:a", CLEAT_CANCEL_IN_PROGRESS, false);
    put(at, "b:b", CLEAT_CANCEL_IN_PROGRESS, false);
    add_worker(at, "a:a", 9);
    add_worker(at, "b:b", 9);
    cleat__uuid b = start(at, "b:b");
    set_pause(at, &version, true);
    cleat__uuid a = start(at, "a:a");
    check_state(at, &b, "RUNNING");
    set_pause(at, &version, false);
    assert_int_equal(strncmp(state_of(at, &b), "CANCELLED", 9), 0);
    check_state(at, &a, "RUNNING");
}

static void test_what_has_begun_keeps_its_slot(void **state)
{
    rig *at = *state;
    const cleat__condition event = event_of("go");
    int64_t node;
    cleat__version version = put(at, "flow:flow", CLEAT_GROUP_ROUND_ROBIN, true);
    put(at, "ship:ship", CLEAT_GROUP_ROUND_ROBIN, false);
    join_both(at, 9, 9);
    cleat__uuid flow = start(at, "flow:flow"), ship = start(at, "ship:ship");
    assert_int_equal(wait_for(at, &flow, 1, &event, 1, &node), CLEAT_OK);
    assert_int_equal(evict(at, &flow, 1, node), CLEAT_OK);
    set_pause(at, &version, true);
    assert_int_equal(push_event(at, "go", "{}", NULL, NULL), CLEAT_OK);
    check_state(at, &flow, "QUEUED");
    check_state(at, &ship, "QUEUED");
    set_pause(at, &version, true); /* once more, while it waits for a worker */
    check_state(at, &ship, "QUEUED");
    set_pause(at, &version, false);
    check_state(at, &flow, "RUNNING");
    assert_int_equal(end_run(at, &flow, 2, CLEAT_OK, "1"), CLEAT_OK);
    check_state(at, &ship, "RUNNING");
}

/* It was evicted, and called again while its worker was away. */
static void test_what_has_begun_before_a_restart_keeps_its_slot(void **state)
{
    rig *at = *state;
    const cleat__condition event = event_of("go");
    int64_t node;
    cleat__version version = put(at, "flow:flow", CLEAT_GROUP_ROUND_ROBIN, true);
    put(at, "ship:ship", CLEAT_GROUP_ROUND_ROBIN, false);
    const cleat__uuid worker = join_both(at, 9, 9);
    cleat__uuid flow = start(at, "flow:flow"), ship = start(at, "ship:ship");
    assert_int_equal(wait_for(at, &flow, 1, &event, 1, &node), CLEAT_OK);
    assert_int_equal(evict(at, &flow, 1, node), CLEAT_OK);
    (void)tell_worker(at, CLEAT__COMMAND_WORKER_REMOVE, &worker);
    assert_int_equal(push_event(at, "go", "{}", NULL, NULL), CLEAT_OK);
    check_state(at, &flow, "QUEUED");
    crash(at);
    open_core(at);
    step(at, NULL, 0);
    set_pause(at, &version, true);
    join_both(at, 9, 9);
    check_state(at, &flow, "QUEUED");
    check_state(at, &ship, "QUEUED");
    set_pause(at, &version, false);
    check_state(at, &flow, "RUNNING");
    assert_int_equal(end_run(at, &flow, 2, CLEAT_OK, "1"), CLEAT_OK);
    check_state(at, &ship, "RUNNING");
}

static void test_whoever_is_given_up_meanwhile_is_gone(void **state)
{
    rig *at = *state;
    cleat__version version = put(at, "a:a", CLEAT_GROUP_ROUND_ROBIN, false);
    put(at, "b:b", CLEAT_GROUP_ROUND_ROBIN, false);
    add_worker(at, "b:b", 9);
    set_pause(at, &version, true);
    cleat__uuid a = start(at, "a:a"), other = start(at, "a:a"), b = start(at, "b:b");
    assert_int_equal(cancel(at, &a), CLEAT_OK);
    assert_int_equal(strncmp(state_of(at, &a), "CANCELLED", 9), 0);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_DELETE_WORKFLOW, &version.workflow_id), CLEAT_OK);
    check_state(at, &b, "RUNNING");
    check_state(at, &other, "QUEUED"); /* what is deleted goes on */
    end(at, &b);
    assert_int_equal(cancel(at, &other), CLEAT_OK);
    assert_int_equal(at->core->limits.groups.count, 0);
    assert_int_equal(at->core->limits.contenders.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_who_waits_for_a_slot_gives_way_to_others),
        TEST(test_who_has_a_slot_and_waits_for_a_worker_gives_way),
        TEST(test_it_is_so_after_a_restart),
        TEST(test_a_next_attempt_gives_way),
        TEST(test_nobody_is_cancelled_for_one_that_is_paused),
        TEST(test_what_has_begun_keeps_its_slot),
        TEST(test_what_has_begun_before_a_restart_keeps_its_slot),
        TEST(test_whoever_is_given_up_meanwhile_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
