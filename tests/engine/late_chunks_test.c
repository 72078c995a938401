/* Chunks that a worker of another process has sent before its report, and that come after it. */
#include "remote_test.h"
#include "watch_test.h"

/* A worker of another process that does not wait for answers. */
static cleat__uuid start_at_worker(rig *at, looker *it, cleat__uuid *id)
{
    cleat__uuid worker;
    set_up(at, &worker);
    assert_int_equal(listen(at, &worker, 1), CLEAT_OK);
    *id = trigger(at, "a:a", "{}", 0);
    assert_int_equal(watch_run(at, it, id), CLEAT_OK);
    return worker;
}

static void test_the_end_waits_for_chunks_that_it_overtook(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id;
    start_at_worker(at, &it, &id);
    put_stream(at, &id, 2, "c");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(told(&it), "C1");
    put_stream(at, &id, 1, "b");
    put_stream(at, &id, 0, "a");
    put_stream(at, &id, 4, "e");
    assert_string_equal(told(&it), "S0a S1b S2c");
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 200);
    advance(at, 200);
    assert_string_equal(told(&it), "S4e [C]!");
    put_stream(at, &id, 3, "d");
    assert_string_equal(told(&it), "");
    unwatch(at, &it);
}

static void test_chunks_that_are_late_are_for_their_tenant_only(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id;
    start_at_worker(at, &it, &id);
    report(at, &id, 0, CLEAT_OK, "1");
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT + 1,
                              .kind = CLEAT__COMMAND_PUT_STREAM,
                              .as.put_stream = {id, 0, cleat_slice_of("a")}};
    assert_int_equal(ask(at, &command), CLEAT_NOT_FOUND);
    assert_string_equal(told(&it), "C1");
    unwatch(at, &it);
}

static void test_a_run_that_begins_again_is_not_waited_for(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id;
    start_at_worker(at, &it, &id);
    put_stream(at, &id, 1, "b");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(told(&it), "C1");
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_REPLAY, &id), CLEAT_OK);
    assert_string_equal(told(&it), "S1b [C]!");
    advance(at, 200);
    assert_string_equal(told(&it), "");
    unwatch(at, &it);
}

/* A gap that has been waited for long enough is given up; what comes behind the report still has its time. */
static void test_a_gap_does_not_end_what_is_late(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id, worker = start_at_worker(at, &it, &id);
    put_stream(at, &id, 1, "b");
    live_on(at, &worker, 4900);
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(told(&it), "C1");
    advance(at, 100);
    assert_string_equal(told(&it), "S1b");
    put_stream(at, &id, 2, "c");
    assert_string_equal(told(&it), "S2c");
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 100);
    advance(at, 100);
    assert_string_equal(told(&it), "[C]!");
    unwatch(at, &it);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_the_end_waits_for_chunks_that_it_overtook),
        TEST(test_chunks_that_are_late_are_for_their_tenant_only),
        TEST(test_a_run_that_begins_again_is_not_waited_for),
        TEST(test_a_gap_does_not_end_what_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
