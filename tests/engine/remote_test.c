/* Workers of other processes: sessions, heartbeats, lists. */
#include "remote_test.h"

/* ---- Who gets runs ---- */

static void test_it_gets_runs_once_it_listens(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    cleat__uuid id = trigger(at, "a:a", "x", 0);
    assert_int_equal(beat(at, &worker), CLEAT_OK);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(listen(at, &worker, 1), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0x");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

static void test_actions_need_not_be_declared_and_are_lower_case(void **state)
{
    rig *at = *state;
    cleat__uuid worker = register_worker(at, CLEAT__TENANT_DEFAULT, "A:A", NULL);
    assert_int_equal(listen(at, &worker, 1), CLEAT_OK);
    put_task(at, "a:a", &plain);
    trigger(at, "a:a", "x", 0);
    assert_string_equal(heard_text(at), "A0x");
}

static void test_no_runs_without_a_fresh_heartbeat(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    advance(at, 4999);
    trigger(at, "a:a", "a", 0);
    assert_string_equal(heard_text(at), "A0a");
    advance(at, 1);
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(beat(at, &worker), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0b");
}

static void test_a_kept_session_is_its_own_heartbeat(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    assert_int_equal(listen_as(at, CLEAT__TENANT_DEFAULT, &worker, 1, true), CLEAT_OK);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    assert_int_equal(start(at, &id, 0), CLEAT_OK);
    for (int i = 0; i < 20; i++) {
        advance(at, 4000);
    }
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "A0a A0b");
    assert_int_equal(unlisten(at, &worker, 1), CLEAT_OK);
    advance(at, 29999);
    assert_string_equal(state_of(at, &id), "RUNNING");
    advance(at, 1);
    assert_string_equal(state_of(at, &id), "QUEUED");
}

static void test_pausing_and_going_on(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker), CLEAT_OK);
    trigger(at, "a:a", "x", 0);
    crash(at);
    open_core(at); /* which does not forget it */
    listen(at, &worker, 1);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_RESUME, &worker), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0x");
}

/* ---- Sessions ---- */

static void test_only_the_newest_session_ends_listening(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    listen(at, &worker, 2);
    assert_int_equal(unlisten(at, &worker, 1), CLEAT_OK);
    trigger(at, "a:a", "a", 0);
    assert_string_equal(heard_text(at), "A0a");
    assert_int_equal(unlisten(at, &worker, 2), CLEAT_OK);
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(beat(at, &worker), CLEAT_FAILED_PRECONDITION);
    listen(at, &worker, 3);
    assert_string_equal(heard_text(at), "A0b");
    assert_int_equal(beat(at, &worker), CLEAT_OK);
}

static void test_a_broken_session_keeps_what_it_had(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0), other = trigger(at, "a:a", "b", 0);
    heard_text(at);
    assert_int_equal(start(at, &id, 0), CLEAT_OK);
    unlisten(at, &worker, 1);
    assert_int_equal(cancel(at, &other), CLEAT_OK);
    assert_string_equal(heard_text(at), ""); /* nobody listens */
    advance(at, 20000);
    listen(at, &worker, 2);
    live_on(at, &worker, 40000);
    assert_string_equal(heard_text(at), "C0"); /* what it had it is not told again */
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

static void test_what_may_not_have_arrived_is_given_away(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    assert_string_equal(heard_text(at), "A0a");
    unlisten(at, &worker, 1);
    listen(at, &worker, 2);
    live_on(at, &worker, 9999);
    assert_string_equal(heard_text(at), "");
    live_on(at, &worker, 1);
    assert_string_equal(heard_text(at), "A1a");
    assert_int_equal(start(at, &id, 0), CLEAT_OK); /* of the former attempt */
    assert_int_equal(start(at, &id, 1), CLEAT_OK);
    unlisten(at, &worker, 2);
    listen(at, &worker, 3);
    live_on(at, &worker, 20000);
    assert_string_equal(heard_text(at), "");
    report(at, &id, 1, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

/* A connection may be broken without the server's knowing when the worker comes back on another. */
static void test_a_session_that_is_replaced_may_have_lost_something_too(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    trigger(at, "a:a", "a", 0);
    listen(at, &worker, 2);
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "A0a A0b");
    unlisten(at, &worker, 1);
    live_on(at, &worker, 30000);
    assert_string_equal(heard_text(at), "A1a"); /* the other went to the session that still is */
}

static void test_a_late_sign_counts(void **state)
{
    rig *at = *state;
    cleat__policy brief = plain;
    brief.execution_timeout_ms = 60000;
    put_task(at, "a:a", &brief);
    cleat__uuid worker = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", NULL);
    listen(at, &worker, 1);
    cleat__uuid ids[3];
    for (int i = 0; i < 3; i++) {
        ids[i] = trigger(at, "a:a", "a", 0);
    }
    heard_text(at);
    unlisten(at, &worker, 1);
    listen(at, &worker, 2);
    live_on(at, &worker, 5000);
    int64_t timeout = 0;
    cleat__command longer = {.tenant = CLEAT__TENANT_DEFAULT,
                             .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                             .as.refresh_timeout = {ids[1], 1000, &timeout}};
    assert_int_equal(start(at, &ids[0], 0), CLEAT_OK);
    assert_int_equal(ask(at, &longer), CLEAT_OK);
    assert_int_equal(timeout, at->now.unix_ms + 61000);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_RELEASE_SLOT, &ids[2]), CLEAT_OK);
    live_on(at, &worker, 59999);
    assert_string_equal(heard_text(at), "");
    live_on(at, &worker, 1);
    assert_string_equal(state_of(at, &ids[0]), "FAILED Task exceeded timeout of 1m0s");
    assert_string_equal(state_of(at, &ids[1]), "RUNNING");
    assert_string_equal(state_of(at, &ids[2]), "FAILED Task exceeded timeout of 1m0s");
}

/* A stream that is being opened again: a task that has no other signal would go on, in a slot that is free. */
static void test_what_is_cancelled_while_nobody_listens(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    assert_int_equal(listen_for_all(at, &worker, 1), CLEAT_OK);
    cleat__uuid first = trigger(at, "a:a", "a", 0), second = trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "A0a A0b");
    unlisten(at, &worker, 1);
    assert_int_equal(cancel(at, &first), CLEAT_OK);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(listen_for_all(at, &worker, 2), CLEAT_OK);
    assert_string_equal(heard_text(at), "C0 A0b");
    unlisten(at, &worker, 2);
    assert_int_equal(cancel(at, &second), CLEAT_OK);
    advance(at, 30000); /* it is lost */
    assert_int_equal(listen_for_all(at, &worker, 3), CLEAT_OK);
    assert_string_equal(heard_text(at), "");
}

static void test_unsubscribing(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 7);
    cleat__uuid id = trigger(at, "a:a", "a", 0), late = trigger(at, "a:a", "b", 0);
    heard_text(at);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_UNSUBSCRIBE, &worker), CLEAT_OK);
    trigger(at, "a:a", "c", 0);
    assert_string_equal(heard_text(at), "");
    report(at, &id, 0, CLEAT_OK, "1"); /* is still taken */
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
    advance(at, 30000);
    assert_string_equal(state_of(at, &late), "QUEUED");
    report(at, &late, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &late), "QUEUED");
}

/* A worker that ends: it takes nothing new, and finishes what it has. */
static void test_heartbeats_keep_what_is_held_without_listening(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    assert_int_equal(start(at, &id, 0), CLEAT_OK);
    heard_text(at);
    unlisten(at, &worker, 1);
    for (int i = 0; i < 20; i++) {
        advance(at, 4000);
        assert_int_equal(beat(at, &worker), CLEAT_FAILED_PRECONDITION);
    }
    cleat__uuid other = trigger(at, "a:a", "b", 0);
    assert_string_equal(state_of(at, &id), "RUNNING");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
    assert_string_equal(state_of(at, &other), "QUEUED");
    assert_string_equal(heard_text(at), "");
}

static void test_without_heartbeats_it_is_lost(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    assert_int_equal(start(at, &id, 0), CLEAT_OK);
    unlisten(at, &worker, 1);
    advance(at, 4000);
    assert_int_equal(beat(at, &worker), CLEAT_FAILED_PRECONDITION);
    advance(at, 29999);
    assert_string_equal(state_of(at, &id), "RUNNING");
    advance(at, 1);
    assert_string_equal(state_of(at, &id), "QUEUED");
}

static void test_a_lost_worker_is_given_other_runs_when_it_is_back(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    advance(at, 30000);
    assert_string_equal(heard_text(at), "A0a C0");
    assert_string_equal(state_of(at, &id), "QUEUED");
    assert_int_equal(beat(at, &worker), CLEAT_OK);
    assert_string_equal(heard_text(at), "A1a");
}

static void test_what_could_not_be_delivered(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0), unknown = {{9}};
    assert_string_equal(heard_text(at), "A0a");
    unlisten(at, &worker, 1);
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_UNDELIVERED, .as.undelivered = {id, 0}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_string_equal(state_of(at, &id), "QUEUED");
    listen(at, &worker, 2);
    assert_string_equal(heard_text(at), "A1a");
    assert_int_equal(ask(at, &command), CLEAT_OK); /* of the former attempt */
    assert_string_equal(state_of(at, &id), "RUNNING");
    command.as.undelivered.id = unknown;
    assert_int_equal(ask(at, &command), CLEAT_NOT_FOUND);
}

/* ---- Connections that take their time ---- */

typedef struct slow_ears {
    ears ears; /* first */
    bool is_full;
} slow_ears;

static bool says_full(void *self)
{
    return ((const slow_ears *)self)->is_full;
}

static void listen_slowly(rig *at, slow_ears *with, const cleat__uuid *id, uint64_t session)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_WORKER_LISTEN,
        .as.listen = {.id = *id,
                      .session = session,
                      .is_kept = true,
                      .sink = {with, hear_assign, hear_cancel},
                      .is_full = says_full},
    };
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static cleat_status tell_room(rig *at, const cleat__uuid *id, uint64_t session)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_HAS_ROOM,
                              .as.listen = {.id = *id, .session = session}};
    return ask(at, &command);
}

static void test_a_full_connection_gets_no_more_until_it_has_room(void **state)
{
    rig *at = *state;
    slow_ears *with = calloc(1, sizeof(*with));
    cleat__uuid worker;
    set_up(at, &worker);
    listen_slowly(at, with, &worker, 1);
    with->is_full = true;
    trigger(at, "a:a", "a", 0);
    cleat__uuid id = trigger(at, "a:a", "b", 0);
    assert_int_equal(with->ears.count, 1);
    assert_int_equal(tell_room(at, &worker, 9), CLEAT_OK); /* another session's */
    assert_string_equal(state_of(at, &id), "QUEUED");
    with->is_full = false;
    assert_int_equal(tell_room(at, &worker, 1), CLEAT_OK);
    assert_int_equal(with->ears.count, 2);
    with->is_full = true;
    trigger(at, "a:a", "c", 0);
    id = trigger(at, "a:a", "d", 0);
    assert_int_equal(with->ears.count, 3);
    listen_slowly(at, with, &worker, 2); /* another connection is empty */
    assert_int_equal(with->ears.count, 4);
    assert_string_equal(state_of(at, &id), "RUNNING");
    free(with);
}

static void test_a_step_gives_a_connection_only_so_much(void **state)
{
    enum { RUNS = 8, SIZE = 1536 * 1024 };
    rig *at = *state;
    slow_ears *with = calloc(1, sizeof(*with));
    char *input = calloc(1, SIZE + 1);
    cleat__uuid worker;
    memset(input, '1', SIZE);
    set_up(at, &worker);
    for (int i = 0; i < RUNS; i++) {
        trigger(at, "a:a", input, 0);
    }
    listen_slowly(at, with, &worker, 1);
    assert_int_equal(with->ears.count, 3); /* the first that make more than 4 MiB */
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms); /* and goes on at once */
    step(at, NULL, 0);
    assert_int_equal(with->ears.count, 6);
    with->is_full = true;
    step(at, NULL, 0);
    assert_int_equal(with->ears.count, RUNS);
    trigger(at, "a:a", input, 0);
    assert_int_equal(with->ears.count, RUNS);
    assert_true(cleat__core_next_ms(at->core) > at->now.monotonic_ms);
    free(input);
    free(with);
}

/* It never says that it has begun, so its silence about that is no reason to take anything from it. */
static void test_a_worker_that_may_be_told_again_keeps_what_it_took(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    assert_int_equal(listen_for_all(at, &worker, 1), CLEAT_OK);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    unlisten(at, &worker, 1);
    advance(at, 25000);
    assert_string_equal(heard_text(at), "A0a");
    assert_int_equal(listen_for_all(at, &worker, 2), CLEAT_OK);
    assert_int_equal(listen_for_all(at, &worker, 3), CLEAT_OK); /* the second may have broken unnoticed */
    live_on(at, &worker, 25000);
    assert_string_equal(heard_text(at), "A0a A0a");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

/* It may never have come: that it was not done in time is no failure of the task. */
static void test_the_time_of_what_could_not_be_told_again_is_over(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = assign_brief(at, &worker);
    assert_int_equal(listen_for_all(at, &worker, 2), CLEAT_OK);
    report(at, &id, 0, CLEAT_OK, "1");
    id = trigger(at, "a:a", "b", 0);
    unlisten(at, &worker, 2);
    for (int i = 0; i < 15; i++) {
        advance(at, 4000);
        (void)beat(at, &worker); /* it is there, but not connected */
    }
    assert_string_equal(state_of(at, &id), "QUEUED");
}

/* Nor is it when it was told again on another connection, and that broke too. */
static void test_what_was_told_again_in_vain(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = assign_brief(at, &worker);
    assert_int_equal(listen_for_all(at, &worker, 2), CLEAT_OK);
    unlisten(at, &worker, 2);
    assert_int_equal(listen_for_all(at, &worker, 3), CLEAT_OK);
    unlisten(at, &worker, 3);
    for (int i = 0; i < 15; i++) {
        advance(at, 4000);
        (void)beat(at, &worker);
    }
    assert_string_equal(state_of(at, &id), "QUEUED");
}

static void test_what_is_told_again_is_in_doubt_no_more(void **state)
{
    rig *at = *state;
    cleat__uuid worker, id = assign_brief(at, &worker);
    unlisten(at, &worker, 1);
    advance(at, 5000);
    assert_int_equal(listen_for_all(at, &worker, 2), CLEAT_OK);
    live_on(at, &worker, 59000);
    assert_string_equal(heard_text(at), "A0a A0a");
    assert_string_equal(state_of(at, &id), "RUNNING");
    live_on(at, &worker, 1000);
    assert_string_equal(state_of(at, &id), "FAILED Task exceeded timeout of 1m0s");
}

/* However many runs it holds, who waits for an answer meanwhile gets one. */
static void test_a_lost_worker_loses_its_runs_step_by_step(void **state)
{
    enum { RUNS = 2500 };
    rig *at = *state;
    const cleat__slots slots = {cleat_slice_of("default"), RUNS};
    cleat__uuid last, worker = {{0}};
    put_task(at, "a:a", &plain);
    worker = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", &slots);
    listen(at, &worker, 1);
    for (int i = 0; i < RUNS; i++) {
        last = trigger(at, "a:a", "a", 0);
        (void)beat(at, &worker);
    }
    assert_int_equal(at->ears.count, RUNS);
    int steps = 0;
    cleat__engine_stats stats;
    for (advance(at, 30000); cleat__core_next_ms(at->core) == at->now.monotonic_ms; steps++) {
        step(at, NULL, 0);
    }
    assert_in_range(steps, 2, 10);
    cleat__core_get_stats(at->core, &stats);
    assert_int_equal(stats.running, 0);
    assert_string_equal(state_of(at, &last), "QUEUED");
}

static void test_a_lost_worker_that_is_heard_of_keeps_what_is_left(void **state)
{
    enum { RUNS = 1500 };
    rig *at = *state;
    const cleat__slots slots = {cleat_slice_of("default"), RUNS};
    cleat__uuid last, worker = {{0}};
    put_task(at, "a:a", &plain);
    worker = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", &slots);
    listen(at, &worker, 1);
    for (int i = 0; i < RUNS; i++) {
        last = trigger(at, "a:a", "a", 0);
        assert_int_equal(start(at, &last, 0), CLEAT_OK);
    }
    advance(at, 30000);
    assert_int_equal(beat(at, &worker), CLEAT_OK);
    assert_string_equal(state_of(at, &last), "RUNNING");
    assert_int_equal(report(at, &last, 0, CLEAT_OK, "1"), CLEAT_OK);
    assert_string_equal(state_of(at, &last), "COMPLETED 1");
}

/* ---- Lists ---- */

typedef struct listing {
    int count;
    char text[256];
} listing;

static void list_one(void *argument, const cleat__worker_info *info)
{
    listing *all = argument;
    all->count++;
    snprintf(all->text, sizeof(all->text), "%.*s %.*s %s%s", CLEAT_SLICE_ARGS(info->name),
             CLEAT_SLICE_ARGS(info->runtime), info->is_active ? "active" : "inactive",
             info->is_paused ? " paused" : "");
}

static listing list_workers(rig *at, int64_t tenant)
{
    listing all = {.count = 0};
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_WORKERS, .as.workers = {list_one, &all}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return all;
}

static void test_the_list_of_workers(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    assert_string_equal(list_workers(at, CLEAT__TENANT_DEFAULT).text, "w {\"os\":\"linux\"} inactive");
    listen(at, &worker, 1);
    assert_string_equal(list_workers(at, CLEAT__TENANT_DEFAULT).text, "w {\"os\":\"linux\"} active");
    tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker);
    assert_string_equal(list_workers(at, CLEAT__TENANT_DEFAULT).text, "w {\"os\":\"linux\"} active paused");
    advance(at, 5000);
    assert_string_equal(list_workers(at, CLEAT__TENANT_DEFAULT).text, "w {\"os\":\"linux\"} inactive paused");
    assert_int_equal(list_workers(at, 2).count, 0);
}

static void test_a_run_knows_its_worker(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    for (int i = 0; i < 2; i++) {
        cleat__run_row row = {0};
        cleat__store *reader = NULL;
        assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
        assert_int_equal(cleat__run_get(reader, &id, &row), CLEAT_OK);
        assert_int_equal(row.status, i == 0 ? CLEAT_RUN_RUNNING : CLEAT_RUN_COMPLETED);
        assert_true(cleat__uuid_equals(&row.worker_id, &worker));
        cleat__store_close(reader);
        report(at, &id, 0, CLEAT_OK, "1");
    }
}

/* ---- What is refused ---- */

static void test_workers_of_another_tenant_are_not_there(void **state)
{
    rig *at = *state;
    cleat__uuid worker;
    set_up(at, &worker);
    listen(at, &worker, 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    cleat__label label = {.key = {"k", 1}};
    int64_t timeout;
    cleat__command commands[] = {
        {.kind = CLEAT__COMMAND_WORKER_LISTEN,
         .as.listen = {.id = worker, .session = 2, .sink = {&at->ears, hear_assign, hear_cancel}}},
        {.kind = CLEAT__COMMAND_WORKER_UNLISTEN, .as.listen = {.id = worker, .session = 1}},
        {.kind = CLEAT__COMMAND_WORKER_HAS_ROOM, .as.listen = {.id = worker, .session = 1}},
        {.kind = CLEAT__COMMAND_WORKER_UNSUBSCRIBE, .as.id = worker},
        {.kind = CLEAT__COMMAND_WORKER_HEARTBEAT, .as.id = worker},
        {.kind = CLEAT__COMMAND_WORKER_PAUSE, .as.id = worker},
        {.kind = CLEAT__COMMAND_WORKER_RESUME, .as.id = worker},
        {.kind = CLEAT__COMMAND_WORKER_REMOVE, .as.id = worker},
        {.kind = CLEAT__COMMAND_WORKER_LABEL, .as.worker_label = {worker, &label, 1}},
        {.kind = CLEAT__COMMAND_UNDELIVERED, .as.undelivered = {id, 0}},
        {.kind = CLEAT__COMMAND_STARTED, .as.started = {id, 0}},
        {.kind = CLEAT__COMMAND_RELEASE_SLOT, .as.id = id},
        {.kind = CLEAT__COMMAND_REFRESH_TIMEOUT, .as.refresh_timeout = {id, 1000, &timeout}},
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        commands[i].tenant = 2;
        assert_int_equal(ask(at, &commands[i]), CLEAT_NOT_FOUND);
    }
    cleat__uuid other = register_worker(at, 2, "a:a", NULL);
    assert_int_equal(listen_as(at, 2, &other, 1, false), CLEAT_OK);
    heard_text(at);
    tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker);
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), ""); /* of the first tenant */
}

static void test_registrations_that_are_refused(void **state)
{
    rig *at = *state;
    static char large[CLEAT__WORKER_TEXT_MAX + 1];
    static const cleat_slice odd = {"no colon", 8}, fine = {"a:b", 3};
    static const cleat__slots none = {{"default", 7}, 0};
    static const cleat__label unnamed = {.key = {"", 0}};
    const cleat__worker_spec cases[] = {
        {.name = {large, sizeof(large)}},     {.runtime = {large, sizeof(large)}},
        {.actions = &odd, .action_count = 1}, {.actions = &fine, .action_count = CLEAT__ACTIONS_MAX + 1},
        {.slots = &none, .slot_count = 1},    {.labels = &unnamed, .label_count = 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__uuid id;
        cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                                  .kind = CLEAT__COMMAND_WORKER_REGISTER,
                                  .as.worker_register = {&cases[i], &id}};
        assert_int_equal(ask(at, &command), CLEAT_INVALID_ARGUMENT);
    }
    assert_int_equal(list_workers(at, CLEAT__TENANT_DEFAULT).count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_it_gets_runs_once_it_listens),
        TEST(test_actions_need_not_be_declared_and_are_lower_case),
        TEST(test_no_runs_without_a_fresh_heartbeat),
        TEST(test_a_kept_session_is_its_own_heartbeat),
        TEST(test_pausing_and_going_on),
        TEST(test_only_the_newest_session_ends_listening),
        TEST(test_a_broken_session_keeps_what_it_had),
        TEST(test_what_may_not_have_arrived_is_given_away),
        TEST(test_a_session_that_is_replaced_may_have_lost_something_too),
        TEST(test_a_late_sign_counts),
        TEST(test_what_is_cancelled_while_nobody_listens),
        TEST(test_unsubscribing),
        TEST(test_heartbeats_keep_what_is_held_without_listening),
        TEST(test_without_heartbeats_it_is_lost),
        TEST(test_a_lost_worker_is_given_other_runs_when_it_is_back),
        TEST(test_what_could_not_be_delivered),
        TEST(test_a_full_connection_gets_no_more_until_it_has_room),
        TEST(test_a_step_gives_a_connection_only_so_much),
        TEST(test_a_worker_that_may_be_told_again_keeps_what_it_took),
        TEST(test_the_time_of_what_could_not_be_told_again_is_over),
        TEST(test_what_was_told_again_in_vain),
        TEST(test_what_is_told_again_is_in_doubt_no_more),
        TEST(test_a_lost_worker_loses_its_runs_step_by_step),
        TEST(test_a_lost_worker_that_is_heard_of_keeps_what_is_left),
        TEST(test_the_list_of_workers),
        TEST(test_a_run_knows_its_worker),
        TEST(test_workers_of_another_tenant_are_not_there),
        TEST(test_registrations_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
