/* Rate limits: who waits for units, and when they are there again. */
#include "core_test.h"
#include "support/failing_allocator.h"

#include "base/error.h"
#include "engine/core_parts.h"
#include "store/rate.h"

#include <inttypes.h>
#include <sqlite3.h>

static const cleat__policy policy = {
    .priority = 1,
    .backoff_factor = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = 300000,
};

static cleat_status put(rig *at, const char *key, int32_t limit, int64_t window_ms)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_RATE_LIMIT,
                              .as.put_rate_limit = {cleat_slice_of(key), limit, window_ms}};
    return ask(at, &command);
}

static cleat_status drop(rig *at, const char *key)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_DELETE_RATE_LIMIT,
                              .as.put_rate_limit = {.key = cleat_slice_of(key)}};
    return ask(at, &command);
}

static cleat__rate_use use_of(const char *key, int32_t units)
{
    return (cleat__rate_use){.key = cleat_slice_of(key), .units = units, .window_ms = 60000};
}

static cleat_status declare(rig *at, const char *action, const cleat__rate_use *uses, size_t count)
{
    cleat__workflow workflow = workflow_of(action, &policy);
    task_of(&workflow)->rate_limits = uses;
    task_of(&workflow)->rate_limit_count = count;
    return put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL);
}

static void declare_one(rig *at, const char *key, int32_t units)
{
    const cleat__rate_use use = use_of(key, units);
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_OK);
}

/* In the worker's ears since the last call. */
static size_t count_heard(rig *at)
{
    size_t count = at->ears.count;
    at->ears.count = 0;
    return count;
}

static void start_many(rig *at, const char *action, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        trigger(at, action, "{}", 0);
    }
}

static void test_so_many_go_in_one_window(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "calls", 3, 1000), CLEAT_OK);
    declare_one(at, "calls", 1);
    add_worker(at, "a:a", 100);
    start_many(at, "a:a", 8);
    assert_int_equal(count_heard(at), 3);
    advance(at, 989);
    assert_int_equal(count_heard(at), 0);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 1);
    advance(at, 1);
    assert_int_equal(count_heard(at), 3);
    advance(at, 990);
    assert_int_equal(count_heard(at), 2);
}

/* Ten thousand a second want to begin, for two seconds, in batches: no window has more than it may,
 * and none less. */
static void test_ten_thousand_a_second_hold_to_the_limit(void **state)
{
    enum { LIMIT = 700, WINDOWS = 2, STEP_MS = 10, BATCH = 100 };
    rig *at = *state;
    assert_int_equal(put(at, "calls", LIMIT, 1000), CLEAT_OK);
    declare_one(at, "calls", 1);
    cleat__uuid worker = add_worker(at, "a:a", 1000000);
    static cleat__trigger items[BATCH];
    static cleat__uuid ids[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of("a"), .child_index = -1};
    }
    size_t in_window = 0, windows = 0;
    int64_t begun_ms = at->now.monotonic_ms;
    while (windows < WINDOWS) {
        cleat__command commands[] = {
            {.tenant = CLEAT__TENANT_DEFAULT,
             .kind = CLEAT__COMMAND_TRIGGER,
             .as.trigger = {items, BATCH, ids}},
            {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WORKER_HEARTBEAT, .as.id = worker},
        };
        step(at, commands, 2);
        if (at->now.monotonic_ms - begun_ms >=
            990) { /* the window of the first that was handed out is over */
            assert_int_equal(in_window, LIMIT);
            begun_ms = at->now.monotonic_ms;
            in_window = 0;
            windows++;
        }
        in_window += count_heard(at);
        assert_true(in_window <= LIMIT);
        at->now.monotonic_ms += STEP_MS;
        at->now.unix_ms += STEP_MS;
    }
}

static void test_all_units_of_all_limits_or_none(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "small", 2, 1000), CLEAT_OK);
    assert_int_equal(put(at, "large", 10, 60000), CLEAT_OK);
    const cleat__rate_use uses[] = {use_of("large", 4), use_of("small", 1)};
    assert_int_equal(declare(at, "a:a", uses, 2), CLEAT_OK);
    add_worker(at, "a:a", 100);
    start_many(at, "a:a", 3);
    assert_int_equal(count_heard(at), 2);
    const cleat__rate_use other = use_of("small", 1);
    assert_int_equal(declare(at, "b:b", &other, 1), CLEAT_OK);
    add_worker(at, "b:b", 100);
    start_many(at, "b:b", 1);
    assert_int_equal(count_heard(at), 0); /* both of "small" are gone */
    advance(at, 1000);
    assert_int_equal(count_heard(at), 1); /* b:b; a:a waits for "large", and took nothing of "small" */
    start_many(at, "b:b", 1);
    assert_int_equal(count_heard(at), 1);
}

static void test_those_who_wait_hold_up_their_like_only(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "calls", 1, 1000), CLEAT_OK);
    const cleat__rate_use use = {.key_expression = cleat_slice_of("input.k"),
                                 .units = 1,
                                 .limit_expression = cleat_slice_of("2"),
                                 .window_ms = 1000};
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_OK);
    add_worker(at, "a:a", 100);
    for (int i = 0; i < 10; i++) {
        trigger(at, "a:a", "{\"k\":\"many\"}", 3);
    }
    assert_int_equal(count_heard(at), 2);
    trigger(at, "a:a", "{\"k\":\"few\"}", 1);
    assert_string_equal(heard_text(at), "A0{\"k\":\"few\"}");
    advance(at, 1000);
    assert_string_equal(heard_text(at), "A0{\"k\":\"many\"} A0{\"k\":\"many\"}");
}

static void test_expressions_say_key_units_and_limit(void **state)
{
    rig *at = *state;
    const cleat__rate_use use = {.key_expression = cleat_slice_of("'user:' + input.user"),
                                 .units = 1,
                                 .units_expression = cleat_slice_of("int(input.n)"),
                                 .limit_expression = cleat_slice_of("input.user == 'vip' ? 10 : 4"),
                                 .window_ms = 60000};
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_OK);
    add_worker(at, "a:a", 100);
    trigger(at, "a:a", "{\"user\":\"x\",\"n\":3}", 0);
    trigger(at, "a:a", "{\"user\":\"x\",\"n\":2}", 0);
    trigger(at, "a:a", "{\"user\":\"x\",\"n\":1}", 0);
    assert_string_equal(heard_text(at), "A0{\"user\":\"x\",\"n\":3} A0{\"user\":\"x\",\"n\":1}");
    trigger(at, "a:a", "{\"user\":\"vip\",\"n\":10}", 0);
    assert_string_equal(heard_text(at), "A0{\"user\":\"vip\",\"n\":10}");
    const char *const bad[] = {"{\"n\":1}", "{\"user\":\"x\"}", "{\"user\":\"x\",\"n\":-1}",
                               "{\"user\":1,\"n\":1}", "{\"user\":\"x\",\"n\":3000000000}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cleat__uuid id = trigger(at, "a:a", bad[i], 0);
        if (strncmp(state_of(at, &id), "FAILED failed to parse step expression", 38) != 0) {
            fail_msg("%s: %s", bad[i], state_of(at, &id));
        }
    }
    assert_int_equal(count_heard(at), 0);
}

static void test_of_limits_that_come_together_the_lower_counts(void **state)
{
    rig *at = *state;
    const cleat__rate_use use = {.key_expression = cleat_slice_of("'k'"),
                                 .units = 1,
                                 .limit_expression = cleat_slice_of("int(input.limit)"),
                                 .window_ms = 60000};
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_OK);
    cleat__trigger items[] = {
        {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{\"limit\":3}"), .child_index = -1},
        {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{\"limit\":2}"), .child_index = -1},
        {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{\"limit\":5}"), .child_index = -1},
    };
    cleat__uuid ids[3];
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, 3, ids}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    add_worker(at, "a:a", 100);
    assert_int_equal(count_heard(at), 2);
}

static void test_a_limit_changes(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "calls", 5, 1000), CLEAT_OK);
    declare_one(at, "calls", 1);
    add_worker(at, "a:a", 100);
    start_many(at, "a:a", 2);
    assert_int_equal(count_heard(at), 2);
    assert_int_equal(put(at, "calls", 1, 1000), CLEAT_OK); /* three were left */
    start_many(at, "a:a", 2);
    assert_int_equal(count_heard(at), 1);
    assert_int_equal(put(at, "calls", 9, 1000), CLEAT_OK); /* from the next window on */
    start_many(at, "a:a", 20);
    assert_int_equal(count_heard(at), 0);
    advance(at, 1000);
    assert_int_equal(count_heard(at), 9);
    assert_int_equal(put(at, "calls", 9, 60000), CLEAT_OK);
    advance(at, 1000);
    assert_int_equal(count_heard(at), 0);
}

static void test_more_than_there_ever_is_waits_for_another_limit(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "calls", 2, 1000), CLEAT_OK);
    declare_one(at, "calls", 3);
    add_worker(at, "a:a", 100);
    start_many(at, "a:a", 1);
    advance(at, 4000);
    assert_int_equal(count_heard(at), 0);
    assert_int_equal(put(at, "calls", 3, 1000), CLEAT_OK);
    advance(at, 1000);
    assert_int_equal(count_heard(at), 1);
}

static void test_what_is_static_must_be_there_when_it_is_declared(void **state)
{
    rig *at = *state;
    const cleat__rate_use use = use_of("calls", 1);
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_FAILED_PRECONDITION);
    assert_non_null(strstr(cleat_error_message(), "\"calls\""));
    assert_int_equal(put(at, "calls", 1, 1000), CLEAT_OK);
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_OK);
    /* One that goes later is waited for. */
    add_worker(at, "a:a", 100);
    assert_int_equal(drop(at, "calls"), CLEAT_OK);
    assert_int_equal(drop(at, "calls"), CLEAT_NOT_FOUND);
    start_many(at, "a:a", 1);
    assert_int_equal(count_heard(at), 0);
    assert_int_equal(put(at, "calls", 1, 1000), CLEAT_OK);
    assert_int_equal(count_heard(at), 1);
}

static void test_waiting_for_units_counts_as_waiting_for_a_worker(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "calls", 1, INT64_C(86400000)), CLEAT_OK);
    declare_one(at, "calls", 1);
    add_worker(at, "a:a", 100);
    cleat__uuid first = trigger(at, "a:a", "{}", 0), second = trigger(at, "a:a", "{}", 0);
    assert_int_equal(report(at, &first, 0, CLEAT_OK, "1"), CLEAT_OK);
    advance(at, 300000);
    assert_string_equal(state_of(at, &second),
                        "CANCELLED it did not get 1 unit of the rate limit calls within 5m0s");
}

static void test_what_was_never_begun_gives_its_units_back(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "calls", 1, 60000), CLEAT_OK);
    declare_one(at, "calls", 1);
    add_worker(at, "a:a", 100);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    assert_int_equal(count_heard(at), 1);
    assert_int_equal(report(at, &id, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    assert_int_equal(count_heard(at), 1); /* again */
    assert_int_equal(report(at, &id, 0, CLEAT_OK, "1"), CLEAT_OK);
    start_many(at, "a:a", 1);
    assert_int_equal(count_heard(at), 0);
}

/* A run of a second's window, and one of the next, which is full then. */
static cleat__uuid fill_two_windows(rig *at)
{
    assert_int_equal(put(at, "calls", 1, 1000), CLEAT_OK);
    declare_one(at, "calls", 1);
    add_worker(at, "a:a", 100);
    cleat__uuid first = trigger(at, "a:a", "{}", 0);
    start_many(at, "a:a", 1);
    assert_int_equal(count_heard(at), 1);
    advance(at, 1000);
    assert_int_equal(count_heard(at), 1);
    return first;
}

static void test_what_comes_back_counts_in_its_own_window(void **state)
{
    rig *at = *state;
    cleat__uuid first = fill_two_windows(at);
    assert_int_equal(report(at, &first, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    assert_int_equal(count_heard(at), 0);
}

/* By much, and by little more than the run has been there. */
static void test_so_it_does_where_the_clock_was_set_back(void **state)
{
    rig *at = *state;
    cleat__uuid first = fill_two_windows(at);
    at->now.unix_ms -= 3600000;
    assert_int_equal(report(at, &first, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    assert_int_equal(count_heard(at), 0);
    advance(at, 1000);
    assert_int_equal(count_heard(at), 1);
    cleat__uuid third = trigger(at, "a:a", "{}", 0);
    advance(at, 1000);
    assert_int_equal(count_heard(at), 1);
    start_many(at, "a:a", 1);
    at->now.unix_ms -= 1500;
    advance(at, 1000);
    assert_int_equal(count_heard(at), 1);
    advance(at, 600);
    assert_int_equal(report(at, &third, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    assert_int_equal(count_heard(at), 0);
}

/* What begins after that gives back as ever. */
static void test_a_clock_that_was_set_back_holds_up_nobody(void **state)
{
    rig *at = *state;
    fill_two_windows(at);
    at->now.unix_ms -= 500;
    advance(at, 1000);
    cleat__uuid later = trigger(at, "a:a", "{}", 0);
    assert_int_equal(count_heard(at), 1);
    assert_int_equal(report(at, &later, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    assert_int_equal(count_heard(at), 0); /* it may have begun before, as far as anybody knows */
    advance(at, 1000);
    assert_int_equal(count_heard(at), 1);
    assert_int_equal(report(at, &later, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    assert_int_equal(count_heard(at), 1);
}

static cleat_status visit(void *argument, const cleat__rate_row *row)
{
    char *text = argument;
    sprintf(text + strlen(text), "%.*s %d/%d;", CLEAT_SLICE_ARGS(row->key), row->window.value,
            row->window.limit);
    return CLEAT_OK;
}

static void test_a_restart_goes_on_with_the_window(void **state)
{
    rig *at = *state;
    char text[64] = "";
    assert_int_equal(put(at, "calls", 3, 60000), CLEAT_OK);
    declare_one(at, "calls", 1);
    add_worker(at, "a:a", 100);
    start_many(at, "a:a", 2);
    assert_int_equal(cleat__rate_load(at->core->store, visit, text), CLEAT_OK);
    assert_string_equal(text, "calls 1/3;");
    crash(at);
    at->now.monotonic_ms = 100000000; /* another boot */
    open_core(at);
    add_worker(at, "a:a", 100); /* the two runs begin again, with what is left */
    assert_int_equal(count_heard(at), 1);
    at->now.unix_ms -= 3600000; /* a clock that is set back holds up nobody */
    at->now.monotonic_ms += 59990;
    step(at, NULL, 0);
    cleat__uuid worker = add_worker(at, "a:a", 100);
    (void)worker;
    assert_int_equal(count_heard(at), 1);
}

static void test_what_is_no_limit(void **state)
{
    rig *at = *state;
    assert_int_equal(put(at, "", 1, 1000), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(put(at, "k", -1, 1000), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(put(at, "k", 1, 1001), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(drop(at, "k"), CLEAT_NOT_FOUND);
    assert_int_equal(put(at, "k", 0, 1000), CLEAT_OK);
    declare_one(at, "k", 1);
    add_worker(at, "a:a", 1);
    start_many(at, "a:a", 1);
    advance(at, 1000);
    assert_int_equal(count_heard(at), 0); /* of none there is never one */
}

/* ---- Without memory ---- */

/* A limit that is put, one that runs bring with them, a run that waits, and what comes after. */
static void live(rig *at)
{
    const cleat__rate_use uses[] = {
        use_of("calls", 1),
        {.key_expression = cleat_slice_of("'own'"),
         .units = 1,
         .limit_expression = cleat_slice_of("5"),
         .window_ms = 1000},
    };
    const cleat_slice name = cleat_slice_of("a:a");
    const cleat__slots two = {cleat_slice_of("default"), 2};
    const cleat__worker_spec spec = {.actions = &name, .action_count = 1, .slots = &two, .slot_count = 1};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    const cleat__trigger items[] = {{.workflow = workflow.name}, {.workflow = workflow.name}};
    cleat__uuid ids[2] = {{{0}}}, worker;
    task_of(&workflow)->rate_limits = uses;
    task_of(&workflow)->rate_limit_count = 2;
    cleat__command commands[] = {
        {.kind = CLEAT__COMMAND_PUT_RATE_LIMIT, .as.put_rate_limit = {cleat_slice_of("calls"), 1, 1000}},
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {&workflow, NULL, false}},
        {.kind = CLEAT__COMMAND_WORKER_JOIN,
         .as.worker_join = {&spec, {&at->ears, hear_assign, hear_cancel}, &worker, NULL}},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, 2, ids}},
    };
    for (size_t i = 0; i < 4; i++) {
        commands[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, commands, 4);
    advance(at, 1000);
    for (size_t i = 0; i < 4; i++) {
        cleat__free(commands[i].error);
    }
}

static void test_any_allocation_may_fail(void **state)
{
    rig *at = *state;
    failing_allocator memory;
    size_t calls = 0;
    do {
        close_fixture(state);
        open_fixture(state);
        at = *state;
        failing_allocator_install(&memory, ++calls);
        live(at);
        cleat_set_allocator(NULL);
        assert_true(calls < 1000);
        advance(at, 1000); /* who has waited for memory, each with a unit of its own */
        advance(at, 1000);
        size_t assigned = count_heard(at);
        bool has_failed = cleat__core_failure(at->core) != CLEAT_OK;
        crash(at);
        open_core(at);
        assert_true(assigned <= 2 && assigned <= at->core->runs.by_id.count);
        assert_true(has_failed || assigned == at->core->runs.by_id.count);
    } while (failing_allocator_has_failed(&memory));
    assert_true(calls > 40);
    assert_int_equal(at->core->runs.by_id.count, 2);
}

/* ---- What runs have said ---- */

static size_t count_stored(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *select = NULL;
    assert_int_equal(sqlite3_open_v2(FILE_NAME, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM rate_limit", -1, &select, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    size_t count = (size_t)sqlite3_column_int64(select, 0);
    sqlite3_finalize(select);
    sqlite3_close(db);
    return count;
}

static void check_limits(const rig *at, size_t count)
{
    assert_int_equal(at->core->rates.by_key.count, count);
    assert_int_equal(count_stored(), count);
}

/* Of a key of its own: one per minute. */
static cleat__uuid start_of(rig *at, const char *key)
{
    char input[64];
    snprintf(input, sizeof(input), "{\"k\":\"%s\"}", key);
    return trigger(at, "a:a", input, 0);
}

static void declare_said(rig *at)
{
    const cleat__rate_use use = {.key_expression = cleat_slice_of("input.k"),
                                 .limit_expression = cleat_slice_of("1"),
                                 .units = 1,
                                 .window_ms = 60000};
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_OK);
    add_worker(at, "a:a", 1000);
}

/* Runs of so many keys, which complete. */
static void run_keys(rig *at, const char *prefix, int count)
{
    char key[32];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "%s%d", prefix, i);
        cleat__uuid id = start_of(at, key);
        report(at, &id, 0, CLEAT_OK, "1");
    }
}

static void test_limits_of_runs_go_when_they_are_no_longer_wanted(void **state)
{
    rig *at = *state;
    declare_said(at);
    at->core->rates.idle_max = 5;
    run_keys(at, "k", 20);
    check_limits(at, 20); /* their windows are not over */
    cleat__uuid waiting = start_of(at, "k0");
    assert_string_equal(state_of(at, &waiting), "QUEUED");
    advance(at, 60000); /* which lets it go, and writes */
    assert_string_equal(state_of(at, &waiting), "RUNNING");
    check_limits(at, 6); /* the one that is used, and five that were idle last */
    report(at, &waiting, 0, CLEAT_OK, "1");
    cleat__uuid again = start_of(at, "k0");
    assert_string_equal(state_of(at, &again), "QUEUED"); /* what was taken of it is not forgotten */
    cancel(at, &again);
    run_keys(at, "more", 3);
    check_limits(at, 5);
}

static void test_so_they_do_after_a_restart(void **state)
{
    rig *at = *state;
    declare_said(at);
    assert_int_equal(put(at, "put", 7, 60000), CLEAT_OK);
    run_keys(at, "k", 9);
    crash(at);
    open_core(at);
    at->core->rates.idle_max = 2;
    add_worker(at, "a:a", 1000);
    advance(at, 60000);
    run_keys(at, "last", 1);
    check_limits(at, 3); /* that one, one more that is idle, and what was put */
    assert_int_equal(drop(at, "put"), CLEAT_OK);
    check_limits(at, 2);
}

static void test_a_limit_that_is_put_or_named_stays(void **state)
{
    rig *at = *state;
    declare_said(at);
    at->core->rates.idle_max = 0;
    run_keys(at, "k", 3);
    assert_int_equal(put(at, "k0", 2, 60000), CLEAT_OK);
    const cleat__rate_use named = use_of("k1", 1);
    assert_int_equal(declare(at, "b:b", &named, 1), CLEAT_OK);
    advance(at, 60000);
    run_keys(at, "last", 1);
    check_limits(at, 3); /* and the last, whose window is not over */
    crash(at);
    open_core(at);
    at->core->rates.idle_max = 0;
    advance(at, 60000);
    assert_int_equal(put(at, "k0", 3, 60000), CLEAT_OK);
    check_limits(at, 2);
}

static void test_a_declaration_that_is_refused_keeps_none(void **state)
{
    rig *at = *state;
    const cleat__rate_use uses[] = {use_of("k1", 1), use_of("nobody", 1)};
    declare_said(at);
    at->core->rates.idle_max = 0;
    run_keys(at, "k", 2);
    assert_int_equal(declare(at, "b:b", uses, 2), CLEAT_FAILED_PRECONDITION);
    assert_non_null(strstr(cleat_error_message(), "\"nobody\""));
    advance(at, 60000);
    run_keys(at, "last", 1);
    check_limits(at, 1);
}

/* It is written with the declaration, also where nothing else of that is. */
static void test_a_limit_that_is_named_again_stays(void **state)
{
    rig *at = *state;
    const cleat__rate_use named = use_of("k0", 1);
    assert_int_equal(put(at, "k0", 5, 60000), CLEAT_OK);
    assert_int_equal(declare(at, "b:b", &named, 1), CLEAT_OK);
    assert_int_equal(drop(at, "k0"), CLEAT_OK);
    declare_said(at);
    run_keys(at, "k", 1);
    assert_int_equal(declare(at, "b:b", &named, 1), CLEAT_OK);
    crash(at);
    open_core(at);
    at->core->rates.idle_max = 0;
    advance(at, 60000);
    assert_int_equal(put(at, "other", 3, 60000), CLEAT_OK);
    check_limits(at, 2);
}

static void test_nothing_is_kept_of_limits_that_nobody_has_made(void **state)
{
    rig *at = *state;
    const cleat__rate_use use = {.key_expression = cleat_slice_of("input.k"), .units = 1, .window_ms = 60000};
    assert_int_equal(declare(at, "a:a", &use, 1), CLEAT_OK);
    cleat__uuid ids[3] = {start_of(at, "x"), start_of(at, "y"), start_of(at, "x")};
    assert_int_equal(at->core->rates.by_key.count, 2);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(cancel(at, &ids[i]), CLEAT_OK);
    }
    check_limits(at, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_so_many_go_in_one_window),
        TEST(test_ten_thousand_a_second_hold_to_the_limit),
        TEST(test_all_units_of_all_limits_or_none),
        TEST(test_those_who_wait_hold_up_their_like_only),
        TEST(test_expressions_say_key_units_and_limit),
        TEST(test_of_limits_that_come_together_the_lower_counts),
        TEST(test_a_limit_changes),
        TEST(test_more_than_there_ever_is_waits_for_another_limit),
        TEST(test_what_is_static_must_be_there_when_it_is_declared),
        TEST(test_waiting_for_units_counts_as_waiting_for_a_worker),
        TEST(test_what_was_never_begun_gives_its_units_back),
        TEST(test_what_comes_back_counts_in_its_own_window),
        TEST(test_so_it_does_where_the_clock_was_set_back),
        TEST(test_a_clock_that_was_set_back_holds_up_nobody),
        TEST(test_a_restart_goes_on_with_the_window),
        TEST(test_what_is_no_limit),
        TEST(test_limits_of_runs_go_when_they_are_no_longer_wanted),
        TEST(test_so_they_do_after_a_restart),
        TEST(test_a_limit_that_is_put_or_named_stays),
        TEST(test_a_declaration_that_is_refused_keeps_none),
        TEST(test_a_limit_that_is_named_again_stays),
        TEST(test_nothing_is_kept_of_limits_that_nobody_has_made),
        TEST(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
