/* Exports and imports: the same again, or added without doubling, or nothing. */
#include "store_test.h"

#include "base/buffer.h"
#include "store/export.h"
#include "store/import.h"
#include "store/migrate.h"
#include "store/table.h"
#include "support/checked_file.h"
#include "support/full_file.h"

#define OTHER "other.db"

static void remove_files(void)
{
    static const char *const names[] = {OTHER,         OTHER "-wal",     OTHER "-shm",
                                        OTHER "-lock", OTHER "-partial", OTHER "-import-partial"};
    remove_database();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

static void run_sql(cleat__store *store, const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", error, sql);
    }
}

static cleat__store *make_file(const char *path, const char *sql, const char *more)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(path, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    run_sql(store, sql);
    run_sql(store, more);
    return store;
}

/* ---- Lines ---- */

static cleat_status append(void *argument, cleat_slice line)
{
    cleat__buffer_append_slice(argument, line);
    return CLEAT_OK;
}

static void export_file(const char *path, cleat__buffer *out)
{
    cleat__store *store = NULL;
    cleat__buffer_clear(out);
    assert_int_equal(cleat__store_open(path, CLEAT__STORE_READ, &store), CLEAT_OK);
    assert_int_equal(cleat__export(store, append, out), CLEAT_OK);
    cleat__store_close(store);
}

static cleat_status next_line(void *argument, cleat_slice *line)
{
    cleat_slice *rest = argument;
    if (rest->size == 0) {
        return CLEAT_EMPTY;
    }
    const char *end = memchr(rest->data, '\n', rest->size);
    size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    *line = (cleat_slice){rest->data, size};
    size += end != NULL;
    *rest = (cleat_slice){rest->data + size, rest->size - size};
    return CLEAT_OK;
}

static cleat_status import_text(cleat_slice text, cleat__import_result *out)
{
    return cleat__import(
        &(cleat__import_options){.path = OTHER, .read = next_line, .argument = &text, .check = NULL}, out);
}

/* ---- The same again ---- */

static void fill_oddly(cleat__store *store)
{
    run_sql(store,
            "INSERT INTO event (id, tenant, key, payload, metadata, created_at_ms) VALUES "
            "(x'01900000000070008000000000000077', 1, CAST(x'61ff00' AS TEXT), '\"a\\u00e4\\\\\"', NULL, "
            "-9223372036854775808);"
            "UPDATE task_type SET backoff_factor = 0.1 WHERE id = 2;"
            "UPDATE task_end SET error = 'line\nwith \"quotes\", \\ and a tab\t' WHERE state = 3;"
            "UPDATE stream_chunk SET payload = x'00ff0a' WHERE id = 1 << 32;"
            "INSERT INTO removed_run VALUES (x'01900000000070008000000000000088');"
            "INSERT INTO task_log (task_id, line, retry_count, level, time_ms, message) VALUES "
            "(x'01900000000070008000000000000088', 7, 0, 3, 1, 'of a removed run');");
}

static void test_a_round_trip_gives_the_same(void **state)
{
    cleat__buffer before = {0}, after = {0};
    cleat__import_result result;
    (void)state;
    remove_files();
    cleat__store *store = make_file(FILE_NAME, full_tables, full_spans);
    fill_oddly(store);
    export_file(FILE_NAME, &before);
    cleat__store_close(store);
    assert_int_equal(import_text(cleat__buffer_slice(&before), &result), CLEAT_OK);
    assert_true(result.is_new);
    assert_int_equal(result.runs, 11); /* and a task of one */
    assert_int_equal(result.copies, 0);
    assert_null(checked_file(OTHER));
    export_file(OTHER, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    assert_int_not_equal(access(OTHER "-partial", F_OK), 0);
    assert_int_not_equal(access(OTHER "-lock", F_OK), 0);
    cleat__store_open(OTHER, CLEAT__STORE_READ, &store);
    assert_int_equal(read_int(store, "SELECT hex(key) = '61FF00' FROM event WHERE created_at_ms < 0"), 1);
    assert_int_equal(read_int(store, "SELECT backoff_factor = 0.1 FROM task_type WHERE id = 2"), 1);
    assert_int_equal(read_int(store, "SELECT count(*) FROM task_log WHERE line = 7"), 0);
    assert_int_equal(read_int(store, "SELECT count(*) FROM token"), 0);
    cleat__store_close(store);
    cleat__buffer_deinit(&before);
    cleat__buffer_deinit(&after);
    remove_files();
}

/* ---- Into a file that is there ---- */

static int64_t count_rows(cleat__store *store, const char *table)
{
    char sql[100];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM \"%s\"", table);
    return read_int(store, sql);
}

/* Of each table all rows have come, and what the file had before. */
static void compare_counts(cleat__store *from, cleat__store *to)
{
    cleat__tables tables;
    assert_int_equal(cleat__tables_init(&tables, cleat__store_db(from)), CLEAT_OK);
    assert_true(tables.count > 20);
    for (size_t i = 0; i < tables.count; i++) {
        const char *name = tables.items[i].name;
        int64_t more = strcmp(name, "tenant") == 0 || strcmp(name, "span_total") == 0 ? 0
                       : strcmp(name, "workflow") == 0 || strcmp(name, "task_type") == 0 ||
                               strcmp(name, "task") == 0 || strcmp(name, "task_end") == 0
                           ? 1
                           : 0;
        if (count_rows(to, name) != count_rows(from, name) + more) {
            fail_msg("%s: %d rows, not %d", name, (int)count_rows(to, name),
                     (int)(count_rows(from, name) + more));
        }
        assert_true(count_rows(from, name) > 0);
    }
    cleat__tables_deinit(&tables);
}

/* A file with a workflow, a version and a run of its own, whose numbers are those of others in the lines. */
static void make_other(void)
{
    cleat__store *store = make_file(
        OTHER,
        "INSERT INTO workflow (id, tenant, name, uuid) VALUES (1, 1, 'own', randomblob(16));"
        "INSERT INTO task_type (id, action, retries, priority, backoff_initial_ms, backoff_factor, "
        "backoff_max_ms, execution_timeout_ms, schedule_timeout_ms, workflow_id, version_id, tenant, "
        "task_name, "
        "declaration) VALUES (1, 'own:own', 3, 1, 0, 2, 0, -1, -1, 1, randomblob(16), 1, 'own', " FULL_PLAIN
        ");"
        "INSERT INTO task (id, type_id, priority, created_at_ms, input) VALUES "
        "(x'01900000000070008000000000000055', 1, 1, 10, '{}');"
        "INSERT INTO task_end (id, state, retry_count, finished_at_ms) VALUES "
        "(x'01900000000070008000000000000055', 2, 0, 12);",
        "");
    cleat__store_close(store);
}

static void test_a_file_gets_what_it_has_not(void **state)
{
    cleat__buffer lines = {0}, once = {0}, twice = {0};
    cleat__import_result result;
    (void)state;
    remove_files();
    cleat__store *store = make_file(FILE_NAME, full_tables, full_spans), *other = NULL;
    export_file(FILE_NAME, &lines);
    make_other();
    assert_int_equal(import_text(cleat__buffer_slice(&lines), &result), CLEAT_OK);
    assert_false(result.is_new);
    assert_int_equal(result.copies, 0);
    assert_null(checked_file(OTHER));
    assert_int_equal(cleat__store_open(OTHER, CLEAT__STORE_READ, &other), CLEAT_OK);
    compare_counts(store, other);
    assert_int_equal(read_int(other, "SELECT count(*) FROM task t JOIN task_type y ON y.id = t.type_id JOIN "
                                     "workflow w ON w.id = y.workflow_id JOIN tenant n ON n.id = w.tenant "
                                     "WHERE w.name = 'own' OR (w.name = 'w' AND n.name = 'default') OR "
                                     "(w.name = 'v' AND n.name = 'other')"),
                     13);
    cleat__store_close(other);
    export_file(OTHER, &once);
    assert_int_equal(import_text(cleat__buffer_slice(&lines), &result), CLEAT_OK);
    assert_int_equal(result.copies, 11);
    export_file(OTHER, &twice);
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.data, twice.data, once.size);
    cleat__store_close(store);
    cleat__buffer_deinit(&lines);
    cleat__buffer_deinit(&once);
    cleat__buffer_deinit(&twice);
    remove_files();
}

/* ---- A workflow that is there ---- */

/* Of some retries, with the ids of its filter, of one that was made later, and of its cron. */
static const char declared[] =
    "INSERT INTO workflow (id, tenant, name, uuid) VALUES (1, 1, 'own', randomblob(16));"
    "INSERT INTO task_type (id, action, retries, priority, backoff_initial_ms, backoff_factor, "
    "backoff_max_ms, execution_timeout_ms, schedule_timeout_ms, workflow_id, version_id, tenant, "
    "task_name, declaration) VALUES (1, 'own:own', %d, 1, 0, 2, 0, -1, -1, 1, randomblob(16), 1, "
    "'own', " FULL_PLAIN ");"
    "INSERT INTO event_filter VALUES (x'0%d900000000070008000000000000001', 1, 1, 's', 'true', '{}', 1, 5, "
    "5), "
    "(x'0%d900000000070008000000000000002', 1, 1, 's', 'false', '{}', 0, 5, 5);"
    "INSERT INTO cron VALUES (x'0%d900000000070008000000000000003', 1, 1, '', '0 0 * * *', '{}', NULL, 0, 0, "
    "1, 99, NULL, 7, 8);";

/* A file of what a program has declared. */
static void make_declared(const char *path, int retries, const char *also)
{
    char sql[2000];
    snprintf(sql, sizeof(sql), declared, retries, retries, retries, retries);
    cleat__store_close(make_file(path, sql, also));
}

/* A workflow of several tasks, a run of it, and what the other file has of "own". */
static const char more[] =
    "INSERT INTO workflow (id, tenant, name, uuid) VALUES (2, 1, 'several', randomblob(16));"
    "INSERT INTO task_type (id, action, retries, priority, backoff_initial_ms, backoff_factor, "
    "backoff_max_ms, execution_timeout_ms, schedule_timeout_ms, workflow_id, version_id, tenant, task_name, "
    "declaration, dag_type) VALUES "
    "(2, 'several', 0, 1, 0, 2, 0, -1, -1, 2, x'00000000000000000000000000000004', 1, 'several', "
    "'{\"tasks\":[{\"name\":\"a\"},{\"name\":\"b\"}]}', 0), "
    "(3, 'several:a', 0, 1, 0, 2, 0, -1, -1, 2, x'00000000000000000000000000000004', 1, 'a', " FULL_PLAIN
    ", 2), "
    "(4, 'several:b', 0, 1, 0, 2, 0, -1, -1, 2, x'00000000000000000000000000000004', 1, "
    "'b', " FULL_PLAIN ", 2);"
    "INSERT INTO task (id, type_id, priority, created_at_ms, input) VALUES "
    "(x'01900000000070008000000000000066', 1, 1, 10, '{}');"
    "INSERT INTO task_end (id, state, retry_count, finished_at_ms) VALUES "
    "(x'01900000000070008000000000000066', 2, 0, 12);";

static int64_t ask_file(const char *sql)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(OTHER, CLEAT__STORE_READ, &store), CLEAT_OK);
    int64_t answer = read_int(store, sql);
    cleat__store_close(store);
    return answer;
}

/* Each event would start two runs, and new runs be of the version of another file, which may be older. */
static void test_a_workflow_stays_as_it_was_declared(void **state)
{
    cleat__buffer lines = {0};
    cleat__import_result result;
    (void)state;
    remove_files();
    make_declared(FILE_NAME, 3, more);
    export_file(FILE_NAME, &lines);
    make_declared(OTHER, 4, "");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(import_text(cleat__buffer_slice(&lines), &result), CLEAT_OK);
        assert_null(checked_file(OTHER));
        assert_int_equal(ask_file("SELECT count(*) FROM event_filter WHERE is_declarative"), 1);
        assert_int_equal(ask_file("SELECT count(*) FROM event_filter"), 3);
        assert_int_equal(ask_file("SELECT count(*) FROM cron"), 1);
        assert_int_equal(ask_file("SELECT count(*) FROM workflow"), 2);
        assert_int_equal(ask_file("SELECT count(*) FROM task_type"), 5);
        assert_int_equal(
            ask_file("SELECT retries FROM task_type y JOIN workflow w ON w.id = y.workflow_id WHERE "
                     "w.name = 'own' ORDER BY y.id DESC LIMIT 1"),
            4);
        assert_int_equal(ask_file("SELECT retries FROM task_type y JOIN task t ON t.type_id = y.id"), 3);
    }
    assert_int_equal(result.copies, 1);
    cleat__buffer_deinit(&lines);
    remove_files();
}

/* The version below all others is above some when it is taken on from here. */
static void test_a_file_that_was_added_to_is_exported_and_added(void **state)
{
    cleat__buffer lines = {0};
    cleat__import_result result;
    (void)state;
    remove_files();
    make_declared(FILE_NAME, 3, more);
    export_file(FILE_NAME, &lines);
    make_declared(OTHER, 4, "");
    assert_int_equal(import_text(cleat__buffer_slice(&lines), &result), CLEAT_OK);
    export_file(OTHER, &lines);
    remove_files();
    cleat__store_close(make_file(OTHER, full_tables, ""));
    assert_int_equal(import_text(cleat__buffer_slice(&lines), &result), CLEAT_OK);
    assert_null(checked_file(OTHER));
    assert_int_equal(ask_file("SELECT retries FROM task_type y JOIN workflow w ON w.id = y.workflow_id WHERE "
                              "w.name = 'own' ORDER BY y.id DESC LIMIT 1"),
                     4);
    assert_int_equal(ask_file("SELECT count(*) FROM task_type WHERE id <= 0"), 0);
    cleat__buffer_deinit(&lines);
    remove_files();
}

/* ---- Hooks of one token ---- */

#define OWN_RUN   "x'01900000000070008000000000000055'"
#define HOOK_RUN  "x'01900000000070008000000000000003'"
#define OWN_TOKEN "INSERT INTO durable_hook VALUES (1, 'token', " OWN_RUN ", 1);"
/* The one run of the other file lives; that of the hook in the lines has ended. */
#define OWN_LIVES                                                                              \
    "DELETE FROM task_end; INSERT INTO task_live (id, type_id, priority, state, retry_count, " \
    "internal_retries, queued_at_ms, has_desired) VALUES (" OWN_RUN ", 1, 1, 0, 0, 0, 10, 0);"
#define HOOK_RUN_ENDS                                                                                       \
    "DELETE FROM task_live WHERE id = " HOOK_RUN "; DELETE FROM durable_condition WHERE run_id = " HOOK_RUN \
    "; DELETE FROM durable_hook_payload; INSERT INTO task_end (id, state, retry_count, started_at_ms, "     \
    "finished_at_ms) VALUES (" HOOK_RUN ", 4, 0, 31, 32);"

/* The lines, and the file that is there, each with a hook of the token. */
static void make_both(cleat__buffer *lines, const char *in_lines, const char *in_file)
{
    remove_files();
    cleat__store_close(make_file(FILE_NAME, full_tables, in_lines));
    export_file(FILE_NAME, lines);
    make_other();
    cleat__store_close(make_file(OTHER, OWN_TOKEN, in_file));
}

static void test_a_token_is_of_the_run_that_lives(void **state)
{
    static const struct {
        const char *in_lines, *in_file, *owner;
        int payloads;
    } cases[] = {
        {"", "", HOOK_RUN, 1},
        {HOOK_RUN_ENDS, OWN_LIVES, OWN_RUN, 0},
        {HOOK_RUN_ENDS, "", OWN_RUN, 0},
    };
    cleat__buffer lines = {0};
    cleat__import_result result;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char sql[200];
        make_both(&lines, cases[i].in_lines, cases[i].in_file);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(import_text(cleat__buffer_slice(&lines), &result), CLEAT_OK);
            assert_null(checked_file(OTHER));
            snprintf(sql, sizeof(sql), "SELECT run_id = %s FROM durable_hook WHERE token = 'token'",
                     cases[i].owner);
            assert_int_equal(ask_file(sql), 1);
            assert_int_equal(ask_file("SELECT count(*) FROM durable_hook_payload"), cases[i].payloads);
        }
        assert_int_equal(result.copies, 11);
    }
    cleat__buffer_deinit(&lines);
    remove_files();
}

static void test_two_that_live_cannot_have_one_token(void **state)
{
    cleat__buffer lines = {0}, before = {0}, after = {0};
    cleat__import_result result;
    (void)state;
    make_both(&lines, "", OWN_LIVES);
    export_file(OTHER, &before);
    assert_int_equal(import_text(cleat__buffer_slice(&lines), &result), CLEAT_FAILED_PRECONDITION);
    assert_string_equal(cleat_error_message(),
                        "nothing was imported: run 01900000-0000-7000-8000-000000000003 has a hook with the "
                        "token to..., and so has run 01900000-0000-7000-8000-000000000055 of the file, "
                        "and both live; let one of them end before, or cancel it");
    export_file(OTHER, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    assert_int_not_equal(access(OTHER "-import-partial", F_OK), 0);
    cleat__buffer_deinit(&lines);
    cleat__buffer_deinit(&before);
    cleat__buffer_deinit(&after);
    remove_files();
}

static void test_a_file_in_use_is_left_alone(void **state)
{
    cleat__import_result result;
    (void)state;
    remove_files();
    cleat__store *store = make_file(OTHER, "", "");
    assert_int_equal(import_text(cleat_slice_of(""), &result), CLEAT_BUSY);
    cleat__store_close(store);
    remove_files();
}

/* ---- Lines that are wrong ---- */

#define FIRST "{\"cleat\":\"export\",\"format\":1,\"schema\":%d}\n"
#define TENANT                                                                                               \
    "{\"table\":\"tenant\",\"id\":1,\"uuid\":\"01900000-0000-7000-8000-000000000001\",\"name\":\"default\"," \
    "\"created_at_ms\":1}\n"
#define TOTAL "{\"table\":\"span_total\",\"id\":1,\"spans\":0,\"bytes\":0}\n"

static const struct {
    const char *text; /* %d: the schema */
    cleat_status status;
    const char *message;
} wrong[] = {
    {"", CLEAT_INVALID_ARGUMENT, "there is no line in it"},
    {"\n", CLEAT_INVALID_ARGUMENT, "line 1: it is no JSON"},
    {"[1]\n", CLEAT_INVALID_ARGUMENT, "line 1: it is no JSON object"},
    {"{\"table\":\"task\"}\n", CLEAT_INVALID_ARGUMENT, "line 1: this is not what cleat export writes"},
    {"{\"cleat\":\"export\",\"format\":2,\"schema\":%d}\n", CLEAT_FAILED_PRECONDITION,
     "another version of Cleat (format 2, this one has 1)"},
    {"{\"cleat\":\"export\",\"format\":1,\"schema\":1%d}\n", CLEAT_FAILED_PRECONDITION, "another version"},
    {FIRST, CLEAT_INVALID_ARGUMENT, "it ends with line 1"},
    {FIRST TENANT "{\"ro", CLEAT_INVALID_ARGUMENT, "line 3: it is no JSON"},
    {FIRST TENANT TOTAL "{\"rows\":3}\n", CLEAT_INVALID_ARGUMENT, "line 4: of 3 rows there are 2"},
    {FIRST TENANT TOTAL "{\"rows\":2}\n" TOTAL, CLEAT_INVALID_ARGUMENT,
     "line 5: it stands behind the last one"},
    {FIRST "{}\n", CLEAT_INVALID_ARGUMENT, "line 2: it says neither a table"},
    {FIRST "{\"rows\":\"0\"}\n", CLEAT_INVALID_ARGUMENT, "line 2: it says neither a table"},
    {FIRST "{\"table\":\"nothing\"}\n", CLEAT_INVALID_ARGUMENT, "line 2: there is no such table: nothing"},
    {FIRST "{\"table\":\"token_key\"}\n", CLEAT_INVALID_ARGUMENT,
     "line 2: there is no such table: token_key"},
    {FIRST "{\"table\":\"tenant\",\"nothing\":1}\n", CLEAT_INVALID_ARGUMENT,
     "line 2: there is no such column: nothing"},
    {FIRST "{\"table\":\"tenant\",\"id\":1,\"id\":1}\n", CLEAT_INVALID_ARGUMENT, "line 2: it is no JSON"},
    {FIRST "{\"table\":\"tenant\",\"id\":true}\n", CLEAT_INVALID_ARGUMENT,
     "line 2: a value is no number, text or bytes"},
    {FIRST "{\"table\":\"tenant\",\"uuid\":\"x\"}\n", CLEAT_INVALID_ARGUMENT, "line 2: no UUID: x"},
    {FIRST "{\"table\":\"tenant\",\"uuid\":{\"hex\":\"0\"}}\n", CLEAT_INVALID_ARGUMENT, "line 2: no bytes"},
    {FIRST "{\"table\":\"tenant\",\"uuid\":{\"hex\":\"0G\"}}\n", CLEAT_INVALID_ARGUMENT, "line 2: no bytes"},
    {FIRST "{\"table\":\"tenant\",\"uuid\":{\"base64\":\"00\"}}\n", CLEAT_INVALID_ARGUMENT,
     "line 2: no bytes"},
    {FIRST "{\"table\":\"tenant\",\"uuid\":{}}\n", CLEAT_INVALID_ARGUMENT, "line 2: no bytes"},
    {FIRST "{\"table\":\"tenant\",\"id\":1}\n", CLEAT_INVALID_ARGUMENT, "line 2: NOT NULL constraint failed"},
    {FIRST "{\"table\":\"tenant\",\"id\":\"x\"}\n", CLEAT_INVALID_ARGUMENT, "line 2: datatype mismatch"},
    {FIRST TENANT TENANT, CLEAT_INVALID_ARGUMENT, "line 3: UNIQUE constraint failed"},
    {FIRST TENANT TOTAL "{\"table\":\"workflow\",\"id\":1,\"tenant\":7,\"name\":\"w\",\"uuid\":"
                        "\"01900000-0000-7000-8000-000000000001\",\"paused_crons\":0,\"paused_schedules\":0,"
                        "\"paused_ttl_ms\":-1}\n{\"rows\":3}\n",
     CLEAT_FAILED_PRECONDITION, "workflow of tenant 7"},
    {FIRST TENANT TOTAL
     "{\"table\":\"workflow\",\"id\":1,\"tenant\":1,\"name\":\"w\",\"uuid\":"
     "\"01900000-0000-7000-8000-000000000001\",\"paused_crons\":0.5,\"paused_schedules\":0,"
     "\"paused_ttl_ms\":-1}\n{\"rows\":3}\n",
     CLEAT_FAILED_PRECONDITION, "workflow of 1: paused_crons is real"},
};

static void test_wrong_lines_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[1000];
        cleat__import_result result;
        remove_files();
        snprintf(text, sizeof(text), wrong[i].text, cleat__schema_newest());
        cleat_status status = import_text(cleat_slice_of(text), &result);
        if (status != wrong[i].status || strstr(cleat_error_message(), wrong[i].message) == NULL) {
            fail_msg("%s: %s", wrong[i].message, cleat_error_message());
        }
        assert_int_not_equal(access(OTHER, F_OK), 0);
        assert_int_not_equal(access(OTHER "-partial", F_OK), 0);
    }
    remove_files();
}

static void test_the_least_that_is_right(void **state)
{
    char text[1000];
    cleat__import_result result;
    (void)state;
    remove_files();
    snprintf(text, sizeof(text), FIRST TENANT TOTAL "{\"rows\":2}", cleat__schema_newest());
    assert_int_equal(import_text(cleat_slice_of(text), &result), CLEAT_OK);
    assert_int_equal(result.rows, 2);
    assert_null(checked_file(OTHER));
    remove_files();
}

/* ---- Broken off ---- */

static bool has_come_to_an_end(void *argument) /* what is left to be read */
{
    return ((cleat_slice *)argument)->size != 0;
}

/* Behind the last line, while the rules are looked at; and so that a file that is there stays as it was. */
static void test_it_can_be_broken_off(void **state)
{
    cleat__buffer text = {0}, before = {0}, after = {0};
    cleat__import_result result;
    (void)state;
    remove_files();
    cleat__store_close(
        make_file(FILE_NAME, full_tables,
                  "WITH n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT "
                  "INTO task_log (task_id, line, retry_count, level, time_ms, message) SELECT "
                  "x'01900000000070008000000000000001', i, 1, 3, 13, 'line' FROM n"));
    export_file(FILE_NAME, &text);
    for (int is_there = 0; is_there < 2; is_there++) {
        if (is_there) {
            cleat__store_close(make_file(OTHER, "", ""));
            export_file(OTHER, &before);
        }
        cleat_slice rest = cleat__buffer_slice(&text);
        const cleat__import_options options = {
            .path = OTHER, .read = next_line, .argument = &rest, .goes_on = has_come_to_an_end};
        assert_int_equal(cleat__import(&options, &result), CLEAT_CANCELLED);
        assert_string_equal(cleat_error_message(), "the import was broken off");
        assert_int_equal(access(OTHER, F_OK), is_there - 1);
        assert_int_not_equal(access(OTHER "-partial", F_OK), 0);
        assert_int_not_equal(access(OTHER "-import-partial", F_OK), 0);
        assert_int_not_equal(access(OTHER "-lock", F_OK), 0);
    }
    export_file(OTHER, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    cleat__buffer_deinit(&text);
    cleat__buffer_deinit(&before);
    cleat__buffer_deinit(&after);
    remove_files();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_round_trip_gives_the_same),
        cmocka_unit_test(test_a_file_gets_what_it_has_not),
        cmocka_unit_test(test_a_workflow_stays_as_it_was_declared),
        cmocka_unit_test(test_a_file_that_was_added_to_is_exported_and_added),
        cmocka_unit_test(test_a_token_is_of_the_run_that_lives),
        cmocka_unit_test(test_two_that_live_cannot_have_one_token),
        cmocka_unit_test(test_a_file_in_use_is_left_alone),
        cmocka_unit_test(test_wrong_lines_are_told),
        cmocka_unit_test(test_the_least_that_is_right),
        cmocka_unit_test(test_it_can_be_broken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
