/* The n-th allocation fails, for every n, while events with patterns and filters, and crons, start runs: each is there
 * with its runs, or is not; nothing leaks. */
#include "core_test.h"
#include "support/failing_allocator.h"

static const cleat__policy policy = {
    .priority = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

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

static void clean_file(void)
{
    static const char sql[] =
        "DELETE FROM event; DELETE FROM event_filter; DELETE FROM cron; DELETE FROM task; "
        "DELETE FROM task_live; DELETE FROM task_type; DELETE FROM workflow";
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    assert_int_equal(sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL), SQLITE_OK);
    cleat__store_close(store);
}

/* One step each; the last ones only if those before went well. */
static void live_once(rig *at)
{
    static const cleat_slice keys[] = {{"k", 1}, {"k*", 2}, {"*_", 2}},
                             crons[] = {{"* * * * *", 9}, {"0 3 * * *", 9}};
    static const cleat__filter filters[] = {{{"s", 1}, {"input.n == 1.0", 14}, {"{\"v\":1}", 7}},
                                            {{"s", 1}, {"true", 4}, {NULL, 0}}};
    static const cleat__user_event events[] = {
        {.key = {"k", 1}, .scope = {"s", 1}, .payload = {"{\"n\":1}", 7}},
        {.key = {"kk", 2}, .scope = {"s", 1}}};
    static const cleat__recurrence tidy = {
        .workflow = {"a", 1}, .name = {"n", 1}, .expression = {"* * * * *", 9}, .metadata = {"{\"m\":1}", 7}};
    cleat__uuid ids[4];
    cleat__version version = {.workflow_id = {{0}}};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.event_keys = keys;
    workflow.event_key_count = 3;
    workflow.filters = filters;
    workflow.filter_count = 2;
    workflow.crons = crons;
    workflow.cron_count = 2;
    cleat__command commands[] = {
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {&workflow, &version, false}},
        {.kind = CLEAT__COMMAND_PUSH, .as.push = {events, 2, ids, NULL}},
        {.kind = CLEAT__COMMAND_ADD_CRON, .as.add_cron = {&tidy, &ids[2]}},
        {.kind = CLEAT__COMMAND_ADD_FILTER,
         .as.add_filter = {.workflow = {"a", 1}, .filter = &filters[1], .id = &ids[3]}},
    };
    for (size_t i = 0; i < 4; i++) {
        commands[i].tenant = CLEAT__TENANT_DEFAULT;
        (void)ask(at, &commands[i]);
    }
    advance(at, 40000); /* a minute begins */
}

/* All that is there belongs together. */
static void check_file(bool is_all)
{
    int64_t events = number_of("SELECT count(*) FROM event");
    assert_true(events == 0 || events == 2);
    assert_int_equal(number_of("SELECT count(*) FROM task WHERE event_id IS NOT NULL"), events == 0 ? 0 : 3);
    assert_int_equal(number_of("SELECT count(*) FROM task WHERE filter_payload IS NOT NULL"),
                     events == 0 ? 0 : 3);
    assert_int_equal(number_of("SELECT count(*) FROM task WHERE event_id IS NULL"),
                     number_of("SELECT count(*) FROM cron WHERE fired_at_ms IS NOT NULL"));
    int64_t declared = number_of("SELECT count(*) FROM event_filter WHERE is_declarative");
    assert_true(declared == 0 || declared == 2);
    if (is_all) {
        assert_int_equal(events, 2);
        assert_int_equal(number_of("SELECT count(*) FROM cron WHERE fired_at_ms IS NOT NULL"), 2);
        assert_int_equal(number_of("SELECT count(*) FROM event_filter"), 3);
    }
}

static void test_any_allocation_may_fail(void **state)
{
    rig *at = *state;
    const cleat__now start = at->now;
    failing_allocator memory;
    size_t calls = 0;
    do {
        crash(at);
        clean_file();
        at->now = start;
        open_core(at);
        failing_allocator_install(&memory, ++calls);
        live_once(at);
        cleat_set_allocator(NULL);
        crash(at);
        check_file(!failing_allocator_has_failed(&memory));
        open_core(at); /* what is there is a file that opens */
        assert_true(calls < 2000);
    } while (failing_allocator_has_failed(&memory));
    assert_true(calls > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_allocation_may_fail, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
