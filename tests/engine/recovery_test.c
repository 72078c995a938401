/* What a restart finds, who waits, and what happens when the disk is full. */
#include "core_test.h"

static const cleat__policy policy = {
    .retries = 3,
    .priority = 1,
    .backoff_initial_ms = 10000,
    .backoff_factor = 2,
    .backoff_max_ms = 60000,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

/* ---- Restart ---- */

static void test_queued_runs_keep_their_order(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    trigger(at, "a:a", "a", 1);
    trigger(at, "a:a", "b", 3);
    trigger(at, "a:a", "c", 1);
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 10);
    assert_string_equal(heard_text(at), "A0b A0a A0c");
}

static void test_running_runs_are_lost_and_run_again(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "r", 0);
    trigger(at, "a:a", "q", 3);
    crash(at);
    open_core(at);
    assert_string_equal(state_of(at, &id), "QUEUED");
    report(at, &id, 0, CLEAT_OK, "from the process before");
    add_worker(at, "a:a", 2);
    assert_string_equal(heard_text(at), "A1r A0q"); /* retries go ahead */
    report(at, &id, 1, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

static void test_back_off_goes_on(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    report(at, &id, 0, CLEAT_FAILED, "x");
    crash(at);
    at->now.unix_ms += 4000;
    at->now.monotonic_ms = 77; /* another boot */
    open_core(at);
    add_worker(at, "a:a", 1);
    assert_int_equal(cleat__core_next_ms(at->core), 77 + 6000);
    advance(at, 5999);
    assert_string_equal(heard_text(at), "");
    advance(at, 1);
    assert_string_equal(heard_text(at), "A1");
    /* A second failure backs off as the second, also after a loss in between. */
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 1);
    assert_string_equal(heard_text(at), "A2");
    report(at, &id, 2, CLEAT_FAILED, "y");
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 20000);
}

static void test_schedule_timeout_starts_anew(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    crash(at);
    at->now.unix_ms += INT64_C(86400000);
    open_core(at);
    advance(at, 299999);
    assert_string_equal(state_of(at, &id), "QUEUED");
    advance(at, 1);
    assert_string_equal(state_of(at, &id), "CANCELLED no worker took it within 5m0s");
}

static void test_ids_grow_although_the_clock_was_set_back(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid before = trigger(at, "a:a", "a", 0);
    crash(at);
    at->now.unix_ms -= 3600000;
    open_core(at);
    cleat__uuid after = trigger(at, "a:a", "b", 0);
    assert_true(memcmp(before.bytes, after.bytes, sizeof(before.bytes)) < 0);
    add_worker(at, "a:a", 2);
    assert_string_equal(heard_text(at), "A0a A0b");
}

static void execute(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_rows_that_make_no_sense(void **state)
{
    rig *at = *state;
    static const char *const damages[] = {
        "UPDATE task_live SET state = 2",
        "UPDATE task_live SET state = -1",
        "UPDATE task_live SET type_id = 99",
        "UPDATE task_live SET priority = 0",
        "UPDATE task_live SET id = x'01'",
        "UPDATE task_live SET retry_count = -1",
        "UPDATE task_live SET internal_retries = 11",
    };
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        put_task(at, "a:a", &policy);
        trigger(at, "a:a", "", 0);
        crash(at);
        execute(damages[i]);
        cleat__core_options options = {.path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
        assert_int_equal(cleat__core_open(&options, at->now, &at->core), CLEAT_CORRUPT);
        execute("DELETE FROM task_live; DELETE FROM task");
        open_core(at);
    }
}

static void test_a_file_that_is_changed_from_outside(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    execute("UPDATE task_live SET retry_count = 5");
    assert_int_equal(cancel(at, &id), CLEAT_CORRUPT);
    assert_int_equal(cleat__core_failure(at->core), CLEAT_CORRUPT);
    assert_non_null(strstr(cleat_error_message(), "another program"));
    assert_string_equal(state_of(at, &id), "QUEUED");
}

/* ---- Waiting ---- */

static cleat__command wait_for(const cleat__uuid *id, cleat_run_result *result)
{
    return (cleat__command){.tenant = CLEAT__TENANT_DEFAULT,
                            .kind = CLEAT__COMMAND_WAIT,
                            .as.wait = {.id = *id, .result = result},
                            .status = CLEAT_EMPTY};
}

static void test_waiters_are_answered_at_the_end(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "", 0), unknown = {{3}};
    cleat_run_result results[4];
    cleat__command waits[3] = {wait_for(&id, &results[0]), wait_for(&id, &results[1]),
                               wait_for(&id, &results[2])};
    step(at, waits, 3);
    cleat__command stop = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_STOP_WAITING, .as.stop_waiting = &waits[1]};
    assert_int_equal(ask(at, &stop), CLEAT_OK);
    assert_int_equal(waits[0].status, CLEAT_EMPTY);
    report(at, &id, 0, CLEAT_OK, "[1]");
    assert_int_equal(waits[0].status, CLEAT_OK);
    assert_int_equal(waits[1].status, CLEAT_EMPTY);
    assert_int_equal(waits[2].status, CLEAT_OK);
    assert_string_equal(results[0].output, "[1]");
    assert_string_equal(results[2].output, "[1]");
    assert_int_equal(ask(at, &stop), CLEAT_OK);

    cleat__command late = wait_for(&id, &results[3]);
    assert_int_equal(ask(at, &late), CLEAT_OK);
    assert_int_equal(results[3].status, CLEAT_RUN_COMPLETED);
    assert_string_equal(results[3].output, "[1]");
    cleat_run_result_deinit(&results[0]);
    cleat_run_result_deinit(&results[2]);
    cleat_run_result_deinit(&results[3]);
    cleat__command never = wait_for(&unknown, &results[0]);
    assert_int_equal(ask(at, &never), CLEAT_NOT_FOUND);
}

static void test_waiting_for_what_is_cancelled(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    cleat_run_result result;
    cleat__command wait = wait_for(&id, &result);
    step(at, &wait, 1);
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_int_equal(wait.status, CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_CANCELLED);
    assert_null(result.output);
    assert_null(result.error);
    cleat_run_result_deinit(&result);
}

/* ---- The disk is full: through SQLite's own limit of pages ---- */

static cleat_status limit_pages(cleat__store *store, void *argument)
{
    (void)argument;
    return sqlite3_exec(cleat__store_db(store), "PRAGMA max_page_count=1", NULL, NULL, NULL) == SQLITE_OK
               ? CLEAT_OK
               : cleat__store_error(store, "limiting");
}

static void fill_disk(rig *at)
{
    cleat__command call = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CALL, .as.call = {limit_pages, NULL}};
    assert_int_equal(ask(at, &call), CLEAT_OK);
}

static void test_a_full_disk_stops_the_engine(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid kept = trigger(at, "a:a", "kept", 0), ids[2];
    assert_string_equal(heard_text(at), "A0kept");
    cleat_run_result result = {0};
    cleat__command wait = wait_for(&kept, &result);
    step(at, &wait, 1);
    fill_disk(at);

    /* In one batch: a good end, a trigger that does not fit, and another. */
    static char large[200000];
    memset(large, ' ', sizeof(large));
    cleat__trigger items[] = {{.workflow = {"a", 1}, .input = {large, sizeof(large)}},
                              {.workflow = {"a", 1}}};
    cleat__command commands[] = {
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_REPORT,
         .as.report = {.task_id = kept, .output = {"1", 1}}},
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_TRIGGER,
         .as.trigger = {&items[0], 1, &ids[0]}},
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_TRIGGER,
         .as.trigger = {&items[1], 1, &ids[1]}},
    };
    step(at, commands, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(commands[i].status, CLEAT_DISK_FULL);
        assert_non_null(strstr(commands[i].error, "full"));
        cleat__free(commands[i].error);
    }
    assert_int_equal(wait.status, CLEAT_DISK_FULL); /* and not that the run completed */
    assert_null(result.output);
    cleat__free(wait.error);
    assert_string_equal(heard_text(at), "");

    /* From now on nothing is taken. */
    cleat__command later = {.tenant = CLEAT__TENANT_DEFAULT,
                            .kind = CLEAT__COMMAND_TRIGGER,
                            .as.trigger = {&items[1], 1, &ids[1]}};
    assert_int_equal(ask(at, &later), CLEAT_DISK_FULL);
    assert_int_equal(cancel(at, &kept), CLEAT_DISK_FULL);
    assert_int_equal(cleat__core_failure(at->core), CLEAT_DISK_FULL);
    assert_int_equal(cleat__core_next_ms(at->core), INT64_MAX);
    advance(at, 1000000);

    crash(at);
    open_core(at);
    assert_string_equal(state_of(at, &kept), "QUEUED");
    add_worker(at, "a:a", 2);
    assert_string_equal(heard_text(at), "A1kept");
    report(at, &kept, 1, CLEAT_OK, "2");
    assert_string_equal(state_of(at, &kept), "COMPLETED 2");
}

/* ---- Calls of the floors above ---- */

static cleat_status write_and_fail(cleat__store *store, void *argument)
{
    (void)argument;
    sqlite3_exec(cleat__store_db(store),
                 "INSERT INTO span_total VALUES (1, 5, 5) ON CONFLICT DO UPDATE SET spans=5", NULL, NULL,
                 NULL);
    return CLEAT_INVALID_ARGUMENT;
}

static cleat_status count_total(cleat__store *store, void *argument)
{
    sqlite3_stmt *select = NULL;
    static const char sql[] = "SELECT spans FROM span_total";
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status == CLEAT_OK && sqlite3_step(select) == SQLITE_ROW) {
        *(int64_t *)argument = sqlite3_column_int64(select, 0);
    }
    return status; /* the statement stays open: the commit resets it */
}

static void test_a_failing_call_leaves_nothing(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid id;
    int64_t total = -1;
    cleat__trigger item = {.workflow = {"a", 1}};
    cleat__command commands[] = {
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}},
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CALL, .as.call = {write_and_fail, NULL}},
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CALL, .as.call = {count_total, &total}},
    };
    step(at, commands, 3);
    assert_int_equal(commands[0].status, CLEAT_OK);
    assert_int_equal(commands[1].status, CLEAT_INVALID_ARGUMENT);
    assert_int_equal(commands[2].status, CLEAT_OK);
    assert_int_equal(total, 0);
    assert_string_equal(state_of(at, &id), "QUEUED");
    cleat__free(commands[1].error);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_queued_runs_keep_their_order),
        TEST(test_running_runs_are_lost_and_run_again),
        TEST(test_back_off_goes_on),
        TEST(test_schedule_timeout_starts_anew),
        TEST(test_ids_grow_although_the_clock_was_set_back),
        TEST(test_rows_that_make_no_sense),
        TEST(test_a_file_that_is_changed_from_outside),
        TEST(test_waiters_are_answered_at_the_end),
        TEST(test_waiting_for_what_is_cancelled),
        TEST(test_a_full_disk_stops_the_engine),
        TEST(test_a_failing_call_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
