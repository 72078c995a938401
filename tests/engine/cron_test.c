/* Crons: they fire at their times, once, whatever happens to the engine and to the clock. */
#include "core_test.h"

#include "store/cron.h"

#define MINUTE INT64_C(60000)
#define HOUR   INT64_C(3600000)
#define CRONS(...) \
    ((const cleat_slice[]){__VA_ARGS__}), (sizeof((const cleat_slice[]){__VA_ARGS__}) / sizeof(cleat_slice))
#define EACH_MINUTE    \
    {                  \
        "* * * * *", 9 \
    }
#define EACH_HOUR      \
    {                  \
        "0 * * * *", 9 \
    }

static const cleat__policy policy = {
    .priority = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

/* At 22:13:20 there; its minutes begin 40 s later. */
#define NEXT_MINUTE (INT64_C(1700000000000) + 40000)

static cleat__version declare(rig *at, int64_t tenant, const char *action, const cleat_slice *crons,
                              size_t count, const char *input)
{
    cleat__version version;
    cleat__workflow workflow = workflow_of(action, &policy);
    workflow.crons = crons;
    workflow.cron_count = count;
    workflow.cron_input = cleat_slice_of(input);
    assert_int_equal(put_workflow(at, tenant, &workflow, &version), CLEAT_OK);
    return version;
}

static cleat_status add(rig *at, int64_t tenant, const cleat__recurrence *what, cleat__uuid *id)
{
    cleat__command command = {.tenant = tenant, .kind = CLEAT__COMMAND_ADD_CRON, .as.add_cron = {what, id}};
    return ask(at, &command);
}

static cleat_status enable(rig *at, int64_t tenant, const cleat__uuid *id, bool is_enabled)
{
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_CHANGE_CRON, .as.change_cron = {*id, is_enabled}};
    return ask(at, &command);
}

static cleat_status delete (rig *at, int64_t tenant, const cleat__uuid *id)
{
    cleat__command command = {.tenant = tenant, .kind = CLEAT__COMMAND_DELETE_CRON, .as.id = *id};
    return ask(at, &command);
}

static int64_t number_of(const char *sql)
{
    cleat__store *reader = NULL;
    sqlite3_stmt *select = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__store_prepare(reader, sql, &select), CLEAT_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(select, 0);
    cleat__store_close(reader);
    return number;
}

#define RUNS "SELECT count(*) FROM task"
#define NEXT "SELECT min(next_at_ms) FROM cron"

/* Whose heart goes on beating. */
static cleat__uuid worker;

static void listen(rig *at)
{
    worker = add_worker(at, "a:a", 99);
    heard_text(at);
}

/* No clock is set: both go on. */
static void go_to(rig *at, int64_t unix_ms)
{
    while (at->now.unix_ms < unix_ms) {
        int64_t next = cleat__core_next_ms(at->core);
        int64_t left = unix_ms - at->now.unix_ms, wait = next - at->now.monotonic_ms;
        wait = wait < 5000 ? wait : 5000;
        advance(at, wait < 0 ? 0 : wait < left ? wait : left);
        (void)tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker);
    }
}

/* Some steps without time passing. */
static void settle(rig *at)
{
    for (int i = 0; i < 10; i++) {
        step(at, NULL, 0);
    }
}

static void restart(rig *at)
{
    crash(at);
    at->now.monotonic_ms = 77;
    open_core(at);
    settle(at);
}

static void test_it_fires_at_its_times(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), "{\"n\":1}");
    listen(at);
    go_to(at, NEXT_MINUTE - 1);
    assert_string_equal(heard_text(at), "");
    go_to(at, NEXT_MINUTE);
    assert_int_equal(at->ears.count, 1);
    assert_string_equal(at->ears.heard[0].metadata,
                        "{\"hatchet__cron_expression\":\"* * * * *\",\"hatchet__cron_name\":\"\","
                        "\"hatchet__cron_scheduled_at\":\"2023-11-14T22:14:00.000Z\"}");
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    go_to(at, NEXT_MINUTE + 3 * MINUTE - 1);
    assert_string_equal(heard_text(at), "A0{\"n\":1} A0{\"n\":1}");
    assert_int_equal(
        number_of("SELECT count(DISTINCT json_extract(metadata, '$.hatchet__cron_scheduled_at')) "
                  "FROM task"),
        3);
}

static void test_it_wakes_the_engine_in_time(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    crash(at);
    open_core(at);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms); /* all are looked at once */
    step(at, NULL, 0);
    for (int i = 0; i < 30; i++) {
        int64_t next = cleat__core_next_ms(at->core);
        assert_true(next > at->now.monotonic_ms && next <= at->now.monotonic_ms + 5000);
        if (at->now.unix_ms + (next - at->now.monotonic_ms) >= NEXT_MINUTE) {
            assert_int_equal(at->now.unix_ms + (next - at->now.monotonic_ms), NEXT_MINUTE);
            return;
        }
        advance(at, next - at->now.monotonic_ms);
    }
    fail();
}

/* ---- By API ---- */

static const cleat__recurrence tidy = {
    .workflow = {"a", 1},
    .name = {"tidy", 4},
    .expression = EACH_MINUTE,
    .input = {"{\"v\":2}", 7},
    .metadata = {"{\"m\":1,\"hatchet__cron_name\":\"x\"}", 33},
    .priority = 3,
    .method = CLEAT__SCHEDULE_API,
};

static void test_one_is_added_disabled_and_deleted(void **state)
{
    rig *at = *state;
    cleat__uuid id, other;
    declare(at, 1, "a:a", NULL, 0, NULL);
    listen(at);
    assert_int_equal(add(at, 1, &tidy, &id), CLEAT_OK);
    assert_int_equal(add(at, 1, &tidy, &other), CLEAT_ALREADY_EXISTS);
    assert_int_equal(add(at, 2, &tidy, &other), CLEAT_NOT_FOUND);
    go_to(at, NEXT_MINUTE);
    assert_string_equal(at->ears.heard[0].metadata,
                        "{\"m\":1,\"hatchet__cron_expression\":\"* * * * *\",\"hatchet__cron_name\":\"tidy\","
                        "\"hatchet__cron_scheduled_at\":\"2023-11-14T22:14:00.000Z\"}");
    assert_string_equal(heard_text(at), "A0{\"v\":2}");
    assert_int_equal(number_of("SELECT priority FROM task"), 3);

    assert_int_equal(enable(at, 2, &id, false), CLEAT_NOT_FOUND);
    assert_int_equal(enable(at, 1, &id, false), CLEAT_OK);
    assert_int_equal(enable(at, 1, &id, false), CLEAT_OK);
    go_to(at, NEXT_MINUTE + 10 * MINUTE + 1);
    assert_string_equal(heard_text(at), "");
    restart(at);
    listen(at);
    assert_int_equal(enable(at, 1, &id, true), CLEAT_OK);
    go_to(at, NEXT_MINUTE + 11 * MINUTE); /* what passed meanwhile is not made up */
    assert_string_equal(heard_text(at), "A0{\"v\":2}");
    assert_int_equal(delete (at, 2, &id), CLEAT_NOT_FOUND);
    assert_int_equal(delete (at, 1, &id), CLEAT_OK);
    assert_int_equal(delete (at, 1, &id), CLEAT_NOT_FOUND);
    go_to(at, NEXT_MINUTE + 20 * MINUTE);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(cleat__core_next_ms(at->core) - at->now.monotonic_ms > 5000, 1);
}

static void test_what_is_none_is_refused(void **state)
{
    rig *at = *state;
    cleat__uuid id;
    cleat__recurrence wrong = tidy;
    declare(at, 1, "a:a", NULL, 0, NULL);
    wrong.expression = cleat_slice_of("* * * *");
    assert_int_equal(add(at, 1, &wrong, &id), CLEAT_INVALID_ARGUMENT);
    wrong = tidy;
    wrong.name = cleat_slice_of("");
    assert_int_equal(add(at, 1, &wrong, &id), CLEAT_INVALID_ARGUMENT);
    wrong = tidy;
    wrong.priority = 4;
    assert_int_equal(add(at, 1, &wrong, &id), CLEAT_INVALID_ARGUMENT);
    wrong = tidy;
    wrong.workflow = cleat_slice_of("nobodys");
    assert_int_equal(add(at, 1, &wrong, &id), CLEAT_NOT_FOUND);
    assert_int_equal(number_of("SELECT count(*) FROM cron"), 0);
    const cleat_slice crons = cleat_slice_of("* * * *");
    cleat__workflow workflow = workflow_of("b:b", &policy);
    workflow.crons = &crons;
    workflow.cron_count = 1;
    assert_int_equal(put_workflow(at, 1, &workflow, NULL), CLEAT_INVALID_ARGUMENT);
}

/* ---- Declared ---- */

static void test_those_of_the_newest_version_count(void **state)
{
    rig *at = *state;
    cleat__uuid id;
    cleat__version version = declare(at, 1, "a:a", CRONS(EACH_MINUTE, EACH_HOUR, EACH_MINUTE), NULL);
    assert_int_equal(add(at, 1, &tidy, &id), CLEAT_OK);
    assert_int_equal(number_of("SELECT count(*) FROM cron WHERE name = ''"), 2);
    cleat__store *reader = NULL;
    sqlite3_stmt *select = NULL;
    cleat__uuid minutely = {{0}};
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__store_prepare(
                         reader, "SELECT id FROM cron WHERE name = '' AND expression = '* * * * *'", &select),
                     CLEAT_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    memcpy(minutely.bytes, sqlite3_column_blob(select, 0), sizeof(minutely.bytes));
    cleat__store_close(reader);
    assert_int_equal(enable(at, 1, &minutely, false), CLEAT_OK);

    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL); /* the same one, as it was */
    assert_int_equal(number_of("SELECT count(*) FROM cron"), 2);
    assert_int_equal(number_of("SELECT is_enabled FROM cron WHERE name = ''"), 0);
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), "{\"n\":2}"); /* another one, disabled too */
    assert_int_equal(number_of("SELECT is_enabled FROM cron WHERE name = ''"), 0);
    assert_int_equal(number_of("SELECT input = '{\"n\":2}' FROM cron WHERE name = ''"), 1);
    declare(at, 1, "a:a", NULL, 0, NULL);
    assert_int_equal(number_of("SELECT count(*) FROM cron"), 1);
    cleat__command gone = {.tenant = 1, .kind = CLEAT__COMMAND_DELETE_WORKFLOW, .as.id = version.workflow_id};
    assert_int_equal(ask(at, &gone), CLEAT_OK);
    assert_int_equal(number_of("SELECT count(*) FROM cron"), 0);
    go_to(at, NEXT_MINUTE);
    assert_int_equal(number_of(RUNS), 0);
}

static void test_the_newest_version_is_run(void **state)
{
    rig *at = *state;
    cleat__policy other = policy;
    cleat__uuid id;
    declare(at, 1, "a:a", NULL, 0, NULL);
    assert_int_equal(add(at, 1, &tidy, &id), CLEAT_OK);
    other.retries = 7;
    cleat__workflow workflow = workflow_of("a:a", &other);
    assert_int_equal(put_workflow(at, 1, &workflow, NULL), CLEAT_OK);
    go_to(at, NEXT_MINUTE);
    assert_int_equal(number_of("SELECT y.retries FROM task t JOIN task_type y ON y.id = t.type_id"), 7);
}

/* ---- Restarts and clocks ---- */

static void test_no_time_has_two_runs_over_a_restart(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    go_to(at, NEXT_MINUTE);
    assert_int_equal(number_of(RUNS), 1);
    for (int i = 0; i < 3; i++) {
        restart(at);
        assert_int_equal(number_of(RUNS), 1);
    }
    /* Cut off before the commit: neither the run nor the time behind it are there. */
    go_to(at, NEXT_MINUTE + MINUTE - 1);
    at->now.unix_ms++;
    at->now.monotonic_ms++;
    cleat__core_run(at->core, at->now);
    restart(at);
    assert_int_equal(number_of(RUNS), 2);
    restart(at);
    assert_int_equal(number_of(RUNS), 2);
    assert_int_equal(number_of(NEXT), NEXT_MINUTE + 2 * MINUTE);
}

static void test_what_was_missed_is_not_made_up(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE, EACH_HOUR), NULL);
    crash(at);
    at->now.unix_ms = NEXT_MINUTE + 5 * HOUR + 30000;
    open_core(at);
    settle(at);
    /* That of half a minute ago is within the time that a restart may take. */
    assert_int_equal(number_of(RUNS), 0);
    assert_int_equal(number_of(NEXT), NEXT_MINUTE + 5 * HOUR + MINUTE);
    go_to(at, NEXT_MINUTE + 5 * HOUR + MINUTE);
    assert_int_equal(number_of(RUNS), 1);
}

/* A restart that takes some seconds loses nothing. */
static void test_a_short_absence_is_none(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    crash(at);
    at->now.unix_ms = NEXT_MINUTE + 10000;
    open_core(at);
    settle(at);
    assert_int_equal(number_of(RUNS), 1);
    assert_int_equal(number_of(NEXT), NEXT_MINUTE + MINUTE);
}

/* The engine was busy: it is late, but was there. */
static void test_what_is_late_is_made(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    at->now.unix_ms += 10 * MINUTE;
    at->now.monotonic_ms += 10 * MINUTE;
    settle(at);
    assert_int_equal(number_of(RUNS), 1); /* once, and then as if it had been in time */
    assert_int_equal(number_of(NEXT), NEXT_MINUTE + 10 * MINUTE);
}

static void test_a_clock_that_is_set_forward(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    at->now.unix_ms += 24 * HOUR;
    settle(at);
    assert_int_equal(number_of(RUNS), 0);
    go_to(at, NEXT_MINUTE + 24 * HOUR);
    assert_int_equal(number_of(RUNS), 1);
    /* And back again: it was wrong, and what it said is forgotten. */
    at->now.unix_ms -= 24 * HOUR;
    settle(at);
    int64_t next = number_of(NEXT);
    assert_true(next > at->now.unix_ms && next <= at->now.unix_ms + MINUTE);
    go_to(at, next);
    assert_int_equal(number_of(RUNS), 2);
}

static void test_a_clock_that_is_set_back_a_little(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    go_to(at, NEXT_MINUTE + 30 * MINUTE);
    assert_int_equal(number_of(RUNS), 31);
    at->now.unix_ms -= 20 * MINUTE;
    go_to(at, NEXT_MINUTE + 31 * MINUTE - 1);
    assert_int_equal(number_of(RUNS), 31); /* these have had their runs */
    go_to(at, NEXT_MINUTE + 31 * MINUTE);
    assert_int_equal(number_of(RUNS), 32);
    assert_int_equal(
        number_of("SELECT count(DISTINCT json_extract(metadata, '$.hatchet__cron_scheduled_at')) "
                  "FROM task"),
        32);
}

/* The same while the engine is not there. */
static void test_a_clock_that_is_set_back_before_a_start(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    go_to(at, NEXT_MINUTE);
    crash(at);
    at->now.unix_ms -= 7 * HOUR;
    open_core(at);
    settle(at);
    int64_t next = number_of(NEXT);
    assert_true(next > at->now.unix_ms && next <= at->now.unix_ms + MINUTE);
    go_to(at, next);
    assert_int_equal(number_of(RUNS), 2);
}

static void test_many_fire_in_pieces(void **state)
{
    enum { MANY = 2500 };
    rig *at = *state;
    declare(at, 1, "a:a", NULL, 0, NULL);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        cleat__recurrence one = tidy;
        cleat__uuid id;
        snprintf(name, sizeof(name), "c%d", i);
        one.name = cleat_slice_of(name);
        cleat__command command = {.tenant = 1, .kind = CLEAT__COMMAND_ADD_CRON, .as.add_cron = {&one, &id}};
        cleat__core_apply(at->core, at->now, &command);
        cleat__free(command.error);
    }
    settle(at);
    assert_int_equal(number_of("SELECT count(*) FROM cron"), MANY);
    go_to(at, NEXT_MINUTE - 1);
    at->now.unix_ms++;
    at->now.monotonic_ms++;
    step(at, NULL, 0);
    assert_int_equal(number_of(RUNS), 1000);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms); /* the next step goes on */
    crash(at);
    open_core(at);
    settle(at);
    assert_int_equal(number_of(RUNS), MANY);
    /* All of them are looked at when the clock was wrong. */
    at->now.unix_ms -= 24 * HOUR;
    settle(at);
    assert_int_equal(number_of("SELECT max(next_at_ms) FROM cron") - at->now.unix_ms <= MINUTE, 1);
}

/* Its key takes more steps than an expression may. */
static void test_one_that_cannot_start_does_not_hold_up_others(void **state)
{
    rig *at = *state;
    cleat__buffer list = {0}, expression = {0};
    cleat__buffer_append_string(&list, "{\"l\":[0");
    for (int i = 1; i < 3000; i++) {
        cleat__buffer_append_format(&list, ",%d", i);
    }
    cleat__buffer_append_string(&list, "]}");
    for (int i = 1; i <= 100; i++) {
        cleat__buffer_append_format(&expression, "(%d in input.l ? '' : 'x') + ", -i);
    }
    cleat__buffer_append_string(&expression, "'k'");
    const cleat_slice minute = EACH_MINUTE;
    const cleat__idempotency rule = {
        .expression = cleat__buffer_slice(&expression), .ttl_ms = 1000, .method = CLEAT_IDEMPOTENCY_TTL};
    cleat__workflow heavy = workflow_of("b:b", &policy);
    heavy.crons = &minute;
    heavy.cron_count = 1;
    heavy.cron_input = cleat__buffer_slice(&list);
    heavy.idempotency = &rule;
    assert_int_equal(put_workflow(at, 1, &heavy, NULL), CLEAT_OK);
    declare(at, 1, "a:a", CRONS(EACH_MINUTE), NULL);
    go_to(at, NEXT_MINUTE + 4 * MINUTE);
    assert_int_equal(number_of(RUNS), 5);
    cleat__buffer_deinit(&list);
    cleat__buffer_deinit(&expression);
}

/* Somebody else has written it. */
static void test_one_that_makes_no_sense_stands_still(void **state)
{
    rig *at = *state;
    sqlite3 *db = NULL;
    declare(at, 1, "a:a", CRONS(EACH_MINUTE, EACH_HOUR), NULL);
    crash(at);
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE cron SET expression = 'each day' WHERE expression = '0 * * * *'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    open_core(at);
    settle(at);
    go_to(at, NEXT_MINUTE + HOUR);
    assert_int_equal(number_of(RUNS), 61);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(it_fires_at_its_times),
        TEST(it_wakes_the_engine_in_time),
        TEST(one_is_added_disabled_and_deleted),
        TEST(what_is_none_is_refused),
        TEST(those_of_the_newest_version_count),
        TEST(the_newest_version_is_run),
        TEST(no_time_has_two_runs_over_a_restart),
        TEST(what_was_missed_is_not_made_up),
        TEST(a_short_absence_is_none),
        TEST(what_is_late_is_made),
        TEST(a_clock_that_is_set_forward),
        TEST(a_clock_that_is_set_back_a_little),
        TEST(a_clock_that_is_set_back_before_a_start),
        TEST(many_fire_in_pieces),
        TEST(one_that_cannot_start_does_not_hold_up_others),
        TEST(one_that_makes_no_sense_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
