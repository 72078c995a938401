/* Workers of other processes that are gone: when the engine forgets them. */
#include "remote_test.h"

#define DAY_MS INT64_C(86400000)

static void advance_hours(rig *at, int hours)
{
    for (int i = 0; i < hours; i++) {
        advance(at, 3600000);
    }
}

static void test_a_worker_of_long_ago_is_forgotten(void **state)
{
    rig *at = *state;
    cleat__uuid gone, here;
    set_up(at, &gone);
    here = register_worker(at, CLEAT__TENANT_DEFAULT, "b:b", NULL);
    listen_as(at, CLEAT__TENANT_DEFAULT, &here, 1, true);
    advance_hours(at, 23);
    assert_int_equal(beat(at, &gone), CLEAT_OK);
    advance_hours(at, 23);
    assert_int_equal(beat(at, &gone), CLEAT_OK);
    crash(at); /* the heartbeats are remembered, about */
    open_core(at);
    listen_as(at, CLEAT__TENANT_DEFAULT, &here, 1, true);
    advance_hours(at, 22);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &gone), CLEAT_OK);
    advance_hours(at, 3);
    assert_int_equal(beat(at, &gone), CLEAT_NOT_FOUND);
    assert_int_equal(beat(at, &here), CLEAT_OK);
    crash(at);
    open_core(at);
    assert_int_equal(beat(at, &gone), CLEAT_NOT_FOUND);
    assert_int_equal(beat(at, &here), CLEAT_OK);
}

static void test_a_worker_that_left_is_forgotten_soon(void **state)
{
    rig *at = *state;
    cleat__uuid left, busy, back;
    set_up(at, &left);
    busy = register_worker(at, CLEAT__TENANT_DEFAULT, "b:b", NULL);
    back = register_worker(at, CLEAT__TENANT_DEFAULT, "c:c", NULL);
    put_task(at, "b:b", &plain);
    listen(at, &busy, 1);
    cleat__uuid id = trigger(at, "b:b", "b", 0);
    assert_int_equal(start(at, &id, 0), CLEAT_OK);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_UNSUBSCRIBE, &left), CLEAT_OK);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_UNSUBSCRIBE, &busy), CLEAT_OK);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_UNSUBSCRIBE, &back), CLEAT_OK);
    listen(at, &back, 2);
    for (int i = 0; i < 15; i++) {
        assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &left), CLEAT_OK);
        advance(at, 4000);
        assert_int_equal(beat(at, &busy), CLEAT_FAILED_PRECONDITION); /* it finishes what it has */
    }
    assert_int_equal(beat(at, &left), CLEAT_NOT_FOUND);
    assert_int_equal(beat(at, &back), CLEAT_OK);
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
    advance(at, 60000);
    assert_int_equal(beat(at, &busy), CLEAT_NOT_FOUND);
    assert_int_equal(beat(at, &back), CLEAT_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_worker_of_long_ago_is_forgotten),
        TEST(test_a_worker_that_left_is_forgotten_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
