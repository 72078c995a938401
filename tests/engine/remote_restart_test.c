/* Workers of other processes outlive the engine's: what they hold, and what it was granted. */
#include "remote_test.h"

static void test_a_restart_leaves_tasks_with_their_worker(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    crash(at);
    at->now.monotonic_ms = 3; /* another boot */
    open_core(at);
    assert_string_equal(state_of(at, &id), "RUNNING");
    advance(at, 20000);
    assert_int_equal(beat(at, &worker), CLEAT_OK); /* although it does not listen yet */
    advance(at, 20000);
    assert_int_equal(listen(at, &worker, 1), CLEAT_OK);
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
    assert_string_equal(heard_text(at), "");
}

static void test_a_worker_that_does_not_come_back_loses_them(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    crash(at);
    open_core(at);
    advance(at, 29999);
    assert_string_equal(state_of(at, &id), "RUNNING");
    advance(at, 1);
    assert_string_equal(state_of(at, &id), "QUEUED");
}

static void test_a_restart_counts_the_slots_again(void **state)
{
    rig *at = *state;
    static const cleat__slots two = {{"default", 7}, 2};
    put_task(at, "a:a", &plain);
    cleat__uuid worker = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", &two);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    trigger(at, "a:a", "b", 0);
    trigger(at, "a:a", "c", 0);
    assert_string_equal(heard_text(at), "A0a A0b");
    crash(at);
    open_core(at);
    listen(at, &worker, 1);
    assert_string_equal(heard_text(at), "");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(heard_text(at), "A0c");
}

/* A run of two minutes at most, that a worker with one slot has. */
static cleat__uuid begin_brief_run(rig *at, cleat__uuid *worker)
{
    static const cleat__slots one = {{"default", 7}, 1};
    cleat__policy brief = plain;
    brief.execution_timeout_ms = 120000;
    put_task(at, "a:a", &brief);
    *worker = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", &one);
    listen(at, worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    assert_string_equal(heard_text(at), "A0a");
    return id;
}

static void restart(rig *at, const cleat__uuid *worker)
{
    crash(at);
    at->now.monotonic_ms = 3; /* another boot */
    open_core(at);
    listen(at, worker, 1);
}

static void assert_times_out_after(rig *at, const cleat__uuid *worker, const cleat__uuid *id, int64_t ms)
{
    assert_int_equal(start(at, id, 0), CLEAT_OK);
    live_on(at, worker, ms - 1);
    assert_string_equal(state_of(at, id), "RUNNING");
    live_on(at, worker, 1);
    assert_string_equal(state_of(at, id), "FAILED Task exceeded timeout of 2m0s");
}

static void test_a_restart_leaves_what_is_left_of_the_timeout(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = begin_brief_run(at, &worker);
    live_on(at, &worker, 40000);
    restart(at, &worker);
    assert_times_out_after(at, &worker, &id, 80000);
    assert_string_equal(heard_text(at), "C0");
}

static void test_what_ended_during_a_restart_is_waited_for(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = begin_brief_run(at, &worker);
    at->now.unix_ms += 3600000;
    restart(at, &worker);
    assert_times_out_after(at, &worker, &id, 30000);
}

static void test_a_clock_that_was_set_back_gives_one_timeout_at_most(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = begin_brief_run(at, &worker);
    at->now.unix_ms -= 3600000;
    restart(at, &worker);
    assert_times_out_after(at, &worker, &id, 120000);
}

static void test_a_longer_timeout_outlives_a_restart(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = begin_brief_run(at, &worker);
    int64_t timeout_at_ms = 0;
    cleat__command more = {.tenant = CLEAT__TENANT_DEFAULT,
                           .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                           .as.refresh_timeout = {id, 600000, &timeout_at_ms}};
    assert_int_equal(ask(at, &more), CLEAT_OK);
    assert_int_equal(timeout_at_ms, at->now.unix_ms + 720000);
    live_on(at, &worker, 20000);
    restart(at, &worker);
    assert_times_out_after(at, &worker, &id, 700000);
}

static void test_a_released_slot_outlives_a_restart(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = begin_brief_run(at, &worker);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_RELEASE_SLOT, &id), CLEAT_OK);
    restart(at, &worker);
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "A0b");
    report(at, &id, 0, CLEAT_OK, "1");
    trigger(at, "a:a", "c", 0);
    assert_string_equal(heard_text(at), ""); /* the slot was given back once */
}

/* The next attempt has neither. */
static void test_what_was_granted_goes_with_the_attempt(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = begin_brief_run(at, &worker);
    int64_t timeout_at_ms = 0;
    cleat__command more = {.tenant = CLEAT__TENANT_DEFAULT,
                           .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                           .as.refresh_timeout = {id, 600000, &timeout_at_ms}};
    assert_int_equal(ask(at, &more), CLEAT_OK);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_RELEASE_SLOT, &id), CLEAT_OK);
    assert_int_equal(report(at, &id, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0a");
    restart(at, &worker);
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "");
    assert_times_out_after(at, &worker, &id, 120000);
}

/* ---- What was on its way ---- */

/* Nobody knows whether it had come; that it has not ended is no failure of the task. */
static void test_what_was_told_before_a_restart_is_told_anew_when_nothing_is_heard(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = assign_brief(at, &worker);
    assert_string_equal(heard_text(at), "A0a");
    crash(at);
    open_core(at);
    listen(at, &worker, 1);
    live_on(at, &worker, 59000);
    assert_string_equal(heard_text(at), "");
    live_on(at, &worker, 1000);
    assert_string_equal(heard_text(at), "C0 A1a");
    report(at, &id, 1, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

/* A worker that passes over what it has is told all it may not have, at once and as the same attempt. */
static void test_a_worker_that_may_be_told_again(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = assign_brief(at, &worker);
    assert_string_equal(heard_text(at), "A0a");
    crash(at);
    open_core(at);
    assert_int_equal(listen_for_all(at, &worker, 2), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0a");
    /* What a former stream could not get rid of is with this one now. */
    cleat__command late = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_UNDELIVERED, .as.undelivered = {id, 0}};
    assert_int_equal(ask(at, &late), CLEAT_OK);
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

/* ---- What a stream cannot take at once ---- */

enum { LARGE_RUNS = 8, LARGE_SIZE = 1536 * 1024 }; /* three of them are more than a step gives */

typedef struct narrow_ears {
    ears ears; /* first */
    bool is_full;
} narrow_ears;

static bool is_narrow_full(void *self)
{
    return ((const narrow_ears *)self)->is_full;
}

static void listen_again(rig *at, narrow_ears *with, const cleat__uuid *worker, uint64_t session)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_WORKER_LISTEN,
        .as.listen = {.id = *worker,
                      .session = session,
                      .is_kept = true,
                      .sink = {with, hear_assign, hear_cancel},
                      .may_repeat = true,
                      .is_full = is_narrow_full},
    };
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static void tell_room(rig *at, const cleat__uuid *worker, uint64_t session)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_HAS_ROOM,
                              .as.listen = {.id = *worker, .session = session}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

/* A worker that holds LARGE_RUNS with large inputs, and a stream of its that takes nothing behind the first. */
static narrow_ears *hold_large_runs(rig *at, cleat__uuid *worker, cleat__uuid *ids)
{
    narrow_ears *with = calloc(1, sizeof(*with));
    char *input = calloc(1, LARGE_SIZE + 1);
    memset(input, '1', LARGE_SIZE);
    set_up(at, worker);
    for (int i = 0; i < LARGE_RUNS; i++) {
        ids[i] = trigger(at, "a:a", input, 0);
    }
    free(input);
    listen(at, worker, 1);
    crash(at);
    open_core(at);
    with->is_full = true;
    listen_again(at, with, worker, 2);
    return with;
}

/* What a worker is told again comes as its stream takes it, and before anything new. */
static void test_what_is_told_again_waits_for_room(void **state)
{
    rig *at = *state;
    cleat__uuid worker, ids[LARGE_RUNS];
    narrow_ears *with = hold_large_runs(at, &worker, ids);
    assert_int_equal(with->ears.count, 3);
    trigger(at, "a:a", "b", 0);
    assert_int_equal(with->ears.count, 3);
    tell_room(at, &worker, 2);
    assert_int_equal(with->ears.count, 6);
    with->is_full = false;
    tell_room(at, &worker, 2);
    assert_int_equal(with->ears.count, LARGE_RUNS + 1);
    assert_string_equal(with->ears.heard[LARGE_RUNS].input, "b");
    free(with);
}

/* What ends meanwhile, or is heard of, is not told again; what comes back late is not lost. */
static void test_what_is_heard_of_is_not_told_again(void **state)
{
    rig *at = *state;
    cleat__uuid worker, ids[LARGE_RUNS];
    narrow_ears *with = hold_large_runs(at, &worker, ids);
    report(at, &ids[3], 0, CLEAT_OK, "1"); /* the next */
    assert_int_equal(start(at, &ids[5], 0), CLEAT_OK);
    cleat__command late = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_UNDELIVERED, .as.undelivered = {ids[4], 0}};
    assert_int_equal(ask(at, &late), CLEAT_OK);
    with->is_full = false;
    tell_room(at, &worker, 2);
    assert_int_equal(with->ears.count, 6); /* 0 .. 2, then 4, 6 and 7 */
    report(at, &ids[4], 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &ids[4]), "COMPLETED 1");
    listen_again(at, with, &worker, 3); /* they may have been lost once more, but not what was heard of */
    step(at, NULL, 0);
    assert_int_equal(with->ears.count, 6 + 5);
    free(with);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_restart_leaves_tasks_with_their_worker),
        TEST(test_a_worker_that_does_not_come_back_loses_them),
        TEST(test_a_restart_counts_the_slots_again),
        TEST(test_a_restart_leaves_what_is_left_of_the_timeout),
        TEST(test_what_ended_during_a_restart_is_waited_for),
        TEST(test_a_clock_that_was_set_back_gives_one_timeout_at_most),
        TEST(test_a_longer_timeout_outlives_a_restart),
        TEST(test_a_released_slot_outlives_a_restart),
        TEST(test_what_was_granted_goes_with_the_attempt),
        TEST(test_what_was_told_before_a_restart_is_told_anew_when_nothing_is_heard),
        TEST(test_a_worker_that_may_be_told_again),
        TEST(test_what_is_told_again_waits_for_room),
        TEST(test_what_is_heard_of_is_not_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
