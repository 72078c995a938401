/* Who looks on is told what happens to runs, after the commit. */
#include "core_test.h"
#include "watch_test.h"

#include "engine/core_parts.h"
#include "engine/streams.h"
#include "support/failing_allocator.h"

static const cleat__policy policy = {
    .retries = 1,
    .priority = 1,
    .backoff_factor = 2,
    .backoff_max_ms = 1000,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

/* ---- One run ---- */

static void test_the_end_of_a_run(void **state)
{
    rig *at = *state;
    looker first, second, other;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid a = trigger(at, "a:a", "{}", 0), b = trigger(at, "a:a", "{}", 0);
    assert_int_equal(watch_run(at, &first, &a), CLEAT_OK);
    assert_int_equal(watch_run(at, &second, &a), CLEAT_OK);
    assert_int_equal(watch_run(at, &other, &b), CLEAT_OK);
    report(at, &a, 0, CLEAT_OK, "{\"r\":1}");
    assert_string_equal(told(&first), "C{\"r\":1} [C]!");
    assert_string_equal(told(&second), "C{\"r\":1} [C]!");
    assert_string_equal(told(&other), "");
    report(at, &b, 0, CLEAT_FAILED, "once");
    assert_string_equal(told(&other), "");
    report(at, &b, 1, CLEAT_FAILED, "twice");
    assert_string_equal(told(&other), "Ftwice [F]!");
    assert_int_equal(watch_run(at, &first, &a), CLEAT_EMPTY);
    unwatch(at, &first);
    unwatch(at, &second);
    unwatch(at, &other);
}

static void test_other_ends(void **state)
{
    rig *at = *state;
    looker it;
    cleat__policy once = policy;
    once.retries = 0;
    put_task(at, "a:a", &once);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_string_equal(told(&it), "X [X]!");
    unwatch(at, &it);
    id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    advance(at, 300000);
    assert_string_equal(told(&it), "X [X]!");
    unwatch(at, &it);
    cleat__uuid worker = add_worker(at, "a:a", 9);
    id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker), CLEAT_OK);
        advance(at, 10000);
    }
    assert_string_equal(told(&it), "TTask exceeded timeout of 1m0s [F]!");
    unwatch(at, &it);
}

static void test_nobody_is_told_of_what_was_not_committed(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_REPORT,
                              .as.report = {.task_id = id, .output = cleat_slice_of("1")}};
    cleat__core_apply(at->core, at->now, &command);
    assert_string_equal(told(&it), "");
    cleat__core_commit(at->core);
    assert_string_equal(told(&it), "");
    cleat__core_release(at->core);
    assert_string_equal(told(&it), "C1 [C]!");
    unwatch(at, &it);
}

static void test_who_looks_away_is_told_nothing(void **state)
{
    rig *at = *state;
    looker away, stays;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &away, &id);
    watch_run(at, &stays, &id);
    cleat__command batch[] = {
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_REPORT,
         .as.report = {.task_id = id, .output = cleat_slice_of("1")}},
        {.kind = CLEAT__COMMAND_UNWATCH, .as.watch = &away.watch},
        {.kind = CLEAT__COMMAND_UNWATCH, .as.watch = &away.watch},
    };
    step(at, batch, 3);
    assert_int_equal(batch[2].status, CLEAT_OK);
    assert_string_equal(told(&away), "");
    assert_string_equal(told(&stays), "C1 [C]!");
    unwatch(at, &stays);
}

static void test_whom_nothing_can_be_told(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0), unknown = {{1}};
    assert_int_equal(watch_run(at, &it, &unknown), CLEAT_NOT_FOUND);
    unwatch(at, &it);
    it = (looker){.watch.run_id = id};
    assert_int_equal(watch(at, 2, &it), CLEAT_NOT_FOUND);
    it = (looker){.watch.tenant = 0};
    assert_int_equal(watch(at, CLEAT__TENANT_DEFAULT, &it), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_int_equal(watch_run(at, &it, &id), CLEAT_EMPTY);
    it = (looker){.watch.run_id = id};
    assert_int_equal(watch(at, 2, &it), CLEAT_NOT_FOUND);
}

/* ---- By metadata ---- */

static void test_runs_by_their_metadata(void **state)
{
    rig *at = *state;
    looker it, number;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    watch_metadata(at, &it, "user", "u1");
    watch_metadata(at, &number, "n", "7");
    cleat__uuid a = trigger_with(at, "{\"user\":\"u1\"}");
    trigger_with(at, "{\"user\":\"u2\"}");
    trigger_with(at, NULL);
    cleat__uuid b = trigger_with(at, "{\"n\":7,\"user\":\"u1\"}");
    assert_string_equal(told(&it), "+ +");
    assert_string_equal(told(&number), "+");
    report(at, &a, 0, CLEAT_OK, "1");
    assert_string_equal(told(&it), "C1 [C]");
    report(at, &b, 0, CLEAT_OK, "2");
    assert_string_equal(told(&it), "C2 [C]!");
    assert_string_equal(told(&number), "C2 [C]!");
    unwatch(at, &it);
    trigger_with(at, "{\"user\":\"u1\"}");
    assert_string_equal(told(&it), "");
    unwatch(at, &number);
}

static void test_only_a_run_that_completes_is_over(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    watch_metadata(at, &it, "user", "u1");
    cleat__uuid a = trigger_with(at, "{\"user\":\"u1\"}");
    assert_int_equal(cancel(at, &a), CLEAT_OK);
    assert_string_equal(told(&it), "+ X [X]");
    assert_int_equal(it.watch.told_of.count, 0); /* but is not kept in mind */
    a = trigger_with(at, "{\"user\":\"u1\"}");
    report(at, &a, 0, CLEAT_OK, "1");
    assert_string_equal(told(&it), "+ C1 [C]");
    unwatch(at, &it);
}

static void test_other_tenants_are_not_told(void **state)
{
    rig *at = *state;
    looker it = {.watch = {.key = cleat_slice_of("user"), .value = cleat_slice_of("u1")}};
    put_task(at, "a:a", &policy);
    assert_int_equal(watch(at, 2, &it), CLEAT_OK);
    cleat__uuid id = trigger_with(at, "{\"user\":\"u1\"}");
    assert_int_equal(put_stream(at, &id, -1, "x"), CLEAT_OK);
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_string_equal(told(&it), "");
    unwatch(at, &it);
}

/* ---- Streams ---- */

static void test_chunks_come_in_the_order_of_their_numbers(void **state)
{
    rig *at = *state;
    looker it, other;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger_with(at, "{\"user\":\"u1\"}");
    watch_run(at, &it, &id);
    watch_metadata(at, &other, "user", "u1");
    put_stream(at, &id, 1, "b");
    put_stream(at, &id, 3, "d");
    put_stream(at, &id, 2, "c");
    assert_string_equal(told(&it), "");
    put_stream(at, &id, 0, "a");
    assert_string_equal(told(&it), "S0a S1b S2c S3d");
    assert_string_equal(told(&other), "S0a S1b S2c S3d");
    put_stream(at, &id, -1, "n");
    put_stream(at, &id, 2, "again");
    put_stream(at, &id, 4, "e");
    assert_string_equal(told(&it), "Sn S2again S4e");
    assert_null(at->core->watches.streams.waiting_head); /* for no number any more */
    unwatch(at, &it);
    unwatch(at, &other);
}

static void test_a_gap_is_waited_for_five_seconds(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    put_stream(at, &id, 2, "c");
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 5000);
    advance(at, 3000);
    put_stream(at, &id, 4, "e");
    advance(at, 1999);
    assert_string_equal(told(&it), "");
    advance(at, 1);
    assert_string_equal(told(&it), "S2c S4e");
    put_stream(at, &id, 1, "late");
    put_stream(at, &id, 5, "f");
    assert_string_equal(told(&it), "S1late S5f");
    unwatch(at, &it);
}

static void test_another_attempt_begins_at_zero(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    put_stream(at, &id, 0, "a");
    put_stream(at, &id, 2, "c");
    put_stream(at, &id, 0, "A");
    put_stream(at, &id, 2, "C");
    put_stream(at, &id, 1, "B");
    assert_string_equal(told(&it), "S0a S2c S0A S1B S2C");
    unwatch(at, &it);
}

/* Its first chunks may overtake each other, and what the one before sent does not count. */
static void test_a_retry_begins_at_zero_whatever_comes_first(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    for (int64_t i = 0; i < 5; i++) {
        put_stream(at, &id, i, "");
    }
    put_stream(at, &id, 7, "held");
    assert_string_equal(told(&it), "S0 S1 S2 S3 S4");
    report(at, &id, 0, CLEAT_FAILED, "again");
    put_stream(at, &id, 1, "B");
    assert_string_equal(told(&it), "S7held");
    put_stream(at, &id, 0, "A");
    put_stream(at, &id, 2, "C");
    assert_string_equal(told(&it), "S0A S1B S2C");
    unwatch(at, &it);
}

static void test_the_hangup_is_last(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    put_stream(at, &id, 1, "b");
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_string_equal(told(&it), "S1b X [X]!");
    assert_int_equal(cleat__core_next_ms(at->core), INT64_MAX);
    assert_int_equal(put_stream(at, &id, 2, "c"), CLEAT_OK);
    assert_string_equal(told(&it), "");
    unwatch(at, &it);
}

static void test_what_nobody_looks_at_is_not_kept(void **state)
{
    rig *at = *state;
    looker it;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0), unknown = {{1}};
    int64_t next = cleat__core_next_ms(at->core);
    assert_int_equal(put_stream(at, &id, 1, "b"), CLEAT_OK);
    assert_int_equal(cleat__core_next_ms(at->core), next);
    watch_run(at, &it, &id);
    put_stream(at, &id, 0, "a");
    put_stream(at, &id, 2, "c");
    assert_string_equal(told(&it), "S0a");
    unwatch(at, &it);
    assert_int_equal(cleat__core_next_ms(at->core), next);
    assert_int_equal(put_stream(at, &unknown, 0, "a"), CLEAT_NOT_FOUND);
}

static void count_told(void *self, const cleat__happening *happening)
{
    (void)happening;
    (*(int *)self)++;
}

/* A task that never sends its first chunk cannot fill the memory. */
static void test_only_so_much_is_held_back(void **state)
{
    rig *at = *state;
    looker it;
    int count = 0;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    it.watch.self = &count;
    it.watch.tell = count_told;
    for (int64_t i = 0; i < CLEAT__STREAM_HELD_MAX; i++) {
        put_stream(at, &id, INT64_MAX - i, "");
    }
    assert_int_equal(count, 0);
    put_stream(at, &id, 1, "");
    assert_int_equal(count, CLEAT__STREAM_HELD_MAX + 1);
    put_stream(at, &id, INT64_MAX, ""); /* no number is above it */
    assert_int_equal(count, CLEAT__STREAM_HELD_MAX + 2);
    unwatch(at, &it);
}

/* Many tasks that do so cannot either: the one that has waited longest goes on. */
static void test_only_so_much_is_held_back_of_all(void **state)
{
    enum { RUNS = 9, SIZE = 4000000 };
    rig *at = *state;
    looker lookers[RUNS];
    int counts[RUNS] = {0};
    char *payload = calloc(1, SIZE + 1);
    memset(payload, 'x', SIZE);
    put_task(at, "a:a", &policy);
    for (size_t i = 0; i < RUNS; i++) {
        cleat__uuid id = trigger(at, "a:a", "{}", 0);
        watch_run(at, &lookers[i], &id);
        lookers[i].watch.self = &counts[i];
        lookers[i].watch.tell = count_told;
        assert_int_equal(counts[0], 0);
        assert_int_equal(put_stream(at, &id, 1, payload), CLEAT_OK);
    }
    assert_int_equal(counts[0], 1);
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(counts[i], i == 0);
        unwatch(at, &lookers[i]);
    }
    free(payload);
}

/* ---- Being lost ---- */

static cleat_status drop_ends(cleat__store *store, void *argument)
{
    (void)argument;
    return sqlite3_exec(cleat__store_db(store), "DROP TABLE task_end", NULL, NULL, NULL) == SQLITE_OK
               ? CLEAT_OK
               : CLEAT_IO;
}

static void test_who_looks_on_learns_that_the_engine_failed(void **state)
{
    rig *at = *state;
    looker it, other, late = {.text = ""};
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    watch_metadata(at, &other, "user", "u1");
    cleat__command breaking = {.kind = CLEAT__COMMAND_CALL, .as.call = {drop_ends, NULL}};
    assert_int_equal(ask(at, &breaking), CLEAT_OK);
    late.watch = (cleat__watch){.run_id = id, .self = &late, .tell = write_down};
    cleat__command batch[] = {
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WATCH, .as.watch = &late.watch},
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_REPORT,
         .as.report = {.task_id = id, .output = cleat_slice_of("1")}},
    };
    step(at, batch, 2);
    assert_int_not_equal(cleat__core_failure(at->core), CLEAT_OK);
    assert_string_equal(told(&it), "L!"); /* not that it completed */
    assert_string_equal(told(&other), "L!");
    assert_int_equal(batch[0].status, batch[1].status); /* so nothing is told */
    assert_string_equal(told(&late), "");
    cleat__free(batch[0].error);
    cleat__free(batch[1].error);
    step(at, NULL, 0);
    assert_string_equal(told(&it), "");
}

static void do_nothing(cleat__command *command)
{
    cleat__free(command->error);
}

static void test_who_looks_on_learns_that_the_engine_closes(void **state)
{
    looker it = {.watch = {.key = cleat_slice_of("user"), .value = cleat_slice_of("u1")}};
    cleat__engine *engine = NULL;
    rig *at = *state;
    cleat__core_close(at->core);
    at->core = NULL;
    it.watch.self = &it;
    it.watch.tell = write_down;
    cleat__command command = {.kind = CLEAT__COMMAND_WATCH, .done = do_nothing, .as.watch = &it.watch};
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &engine), CLEAT_OK);
    cleat__engine_submit(engine, &command);
    cleat__engine_close(engine);
    assert_string_equal(told(&it), "L!");
}

/* Nobody else has to suffer for it. */
static void test_who_cannot_be_told_is_lost(void **state)
{
    rig *at = *state;
    failing_allocator none;
    looker it;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    assert_int_equal(report(at, &id, 0, CLEAT_OK, "1"), CLEAT_OK);
    id = trigger(at, "a:a", "{}", 0);
    watch_run(at, &it, &id);
    failing_allocator_install(&none, 1);
    cleat_status status = report(at, &id, 0, CLEAT_OK, "1");
    cleat_set_allocator(NULL);
    assert_int_equal(status, CLEAT_OK);
    assert_int_equal(cleat__core_failure(at->core), CLEAT_OK);
    assert_string_equal(told(&it), "L!");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
    unwatch(at, &it);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_the_end_of_a_run),
        TEST(test_other_ends),
        TEST(test_nobody_is_told_of_what_was_not_committed),
        TEST(test_who_looks_away_is_told_nothing),
        TEST(test_whom_nothing_can_be_told),
        TEST(test_runs_by_their_metadata),
        TEST(test_only_a_run_that_completes_is_over),
        TEST(test_other_tenants_are_not_told),
        TEST(test_chunks_come_in_the_order_of_their_numbers),
        TEST(test_a_gap_is_waited_for_five_seconds),
        TEST(test_another_attempt_begins_at_zero),
        TEST(test_a_retry_begins_at_zero_whatever_comes_first),
        TEST(test_the_hangup_is_last),
        TEST(test_what_nobody_looks_at_is_not_kept),
        TEST(test_only_so_much_is_held_back),
        TEST(test_only_so_much_is_held_back_of_all),
        TEST(test_who_looks_on_learns_that_the_engine_failed),
        TEST(test_who_looks_on_learns_that_the_engine_closes),
        TEST(test_who_cannot_be_told_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
