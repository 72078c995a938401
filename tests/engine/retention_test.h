/* What tests of retention share: a file with runs of different age, and a look at it by a clock that stands still. */
#ifndef CLEAT_TESTS_RETENTION_TEST_H
#define CLEAT_TESTS_RETENTION_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/command.h"
#include "engine/retention.h"
#include "model/continued.h"
#include "store/expiry.h"
#include "support/checked_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "retention.db"
#define DAY       (INT64_C(24) * 3600 * 1000)
#define TODAY     (INT64_C(20000) * DAY)
#define OLD       40 /* days ago; runs are kept for 30 */
#define NEW       10
#define LIVE      (-1)

/* ---- The file ---- */

typedef struct fixture {
    cleat__store *store; /* until the engine has the file */
    cleat__engine *engine;
    cleat__retention *retention;
} fixture;

/* Moved by few tests. */
static _Atomic int64_t unix_ms, monotonic_ms;

static inline int64_t read_unix(void *user_data)
{
    (void)user_data;
    return unix_ms * 1000000;
}

static inline int64_t read_monotonic(void *user_data)
{
    (void)user_data;
    return monotonic_ms * 1000000;
}

static const cleat_clock the_clock = {NULL, read_unix, read_monotonic};

static inline cleat__uuid id_of(int days_ago, int number)
{
    cleat__uuid id = {{0}};
    uint64_t ms = (uint64_t)(TODAY - days_ago * DAY);
    for (int i = 5; i >= 0; i--, ms >>= 8) {
        id.bytes[i] = (uint8_t)(ms & 0xff);
    }
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

static inline void run_sql(fixture *f, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments), *error = NULL;
    va_end(arguments);
    if (sqlite3_exec(cleat__store_db(f->store), sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", error, sql);
    }
    sqlite3_free(sql);
}

/* An id as SQL writes it; of the last four that were asked for. */
static inline const char *hex(const cleat__uuid *id)
{
    static char texts[4][40];
    static int turn;
    char *text = texts[turn++ % 4];
    int size = sprintf(text, "x'");
    for (size_t i = 0; i < sizeof(id->bytes); i++) {
        size += sprintf(text + size, "%02x", id->bytes[i]);
    }
    strcpy(text + size, "'");
    return text;
}

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    cleat__uuid now = id_of(0, 255);
    unix_ms = TODAY;
    monotonic_ms = 1000;
    unlink(FILE_NAME);
    unlink(FILE_NAME "-wal");
    unlink(FILE_NAME "-shm");
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &f->store), CLEAT_OK);
    run_sql(f, "INSERT INTO workflow (id, tenant, name, uuid) VALUES (1, 1, 'w', randomblob(16))");
    run_sql(f, "INSERT INTO task_type (id, action, retries, priority, backoff_initial_ms, backoff_factor, "
               "backoff_max_ms, execution_timeout_ms, schedule_timeout_ms, workflow_id, version_id, tenant, "
               "task_name, declaration) VALUES (1, 'w:w', 3, 1, 0, 2, 0, -1, -1, 1, randomblob(16), 1, 'w', "
               "'{\"description\":\"\",\"version\":\"\",\"events\":[],\"sticky\":0,\"durable\":true,"
               "\"slots\":{\"default\":1},\"labels\":[]}')");
    /* Else the clock would be doubted. */
    run_sql(f,
            "INSERT INTO event (id, tenant, key, payload, created_at_ms) VALUES (%s, 1, 'key', '{}', %lld)",
            hex(&now), (long long)TODAY);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    cleat__retention_free(f->retention);
    cleat__engine_close(f->engine);
    cleat__store_close(f->store);
    unlink(FILE_NAME);
    free(f);
    return 0;
}

/* A run that was started so many days ago and has ended so many days ago, or lives. */
static inline cleat__uuid put(fixture *f, int number, int started, int ended, const cleat__uuid *parent)
{
    cleat__uuid id = id_of(started, number);
    run_sql(f,
            "INSERT INTO task (id, type_id, priority, created_at_ms, parent_id, child_index, input) "
            "VALUES (%s, 1, 1, %lld, %s, %d, '{}')",
            hex(&id), (long long)(TODAY - started * DAY), parent != NULL ? hex(parent) : "NULL", number);
    if (ended == LIVE) {
        run_sql(f,
                "INSERT INTO task_live (id, type_id, priority, state, retry_count, internal_retries, "
                "queued_at_ms) VALUES (%s, 1, 1, 0, 0, 0, 1)",
                hex(&id));
    } else {
        run_sql(f,
                "INSERT INTO task_end (id, state, retry_count, started_at_ms, finished_at_ms, output) "
                "VALUES (%s, 2, 0, 1, %lld, '{}')",
                hex(&id), (long long)(TODAY - ended * DAY));
    }
    return id;
}

/* So many of each that a run may have many of. */
static inline void put_rest(fixture *f, const cleat__uuid *id, int count)
{
    const char *run = hex(id);
    run_sql(f,
            "CREATE TEMP TABLE n AS WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d) "
            "SELECT i FROM n;"
            "UPDATE task_end SET retry_count = %d WHERE id = %s;"
            "INSERT INTO attempt SELECT %s, i, 1, 2, 'FAILED', 'no', NULL FROM n;"
            "INSERT INTO task_log (task_id, line, retry_count, level, time_ms, message) "
            "SELECT %s, i + 1, 0, 3, 1, 'line' FROM n;"
            "INSERT INTO durable_run (id, invocation_count, branch) VALUES (%s, %d + 1, %d + 1);"
            "INSERT INTO durable_invocation SELECT %s, i + 2, 0, 1, 2, 1, 3 FROM n;"
            "INSERT INTO durable_branch SELECT %s, i + 2, 1, 1, NULL FROM n;"
            "INSERT INTO durable_entry (run_id, branch, node, kind, hash, label, created_at_ms) "
            "SELECT %s, 1, i + 1, 2, 7, 'memo', 1 FROM n;"
            "INSERT INTO durable_hook SELECT 1, hex(%s) || i, %s, 1 FROM n;"
            "INSERT INTO stream (task_id) VALUES (%s);"
            "INSERT INTO stream_chunk SELECT ((SELECT max(id) FROM stream) << 32) + i, x'00' FROM n;"
            "DROP TABLE n",
            count, count, run, run, run, run, count, count, run, run, run, run, run, run);
}

static const char of_runs[] = "(SELECT count(*) FROM task) + (SELECT count(*) FROM task_end) "
                              "+ (SELECT count(*) FROM task_live)";
static const char of_rest[] =
    "(SELECT count(*) FROM attempt) + (SELECT count(*) FROM task_log) + (SELECT count(*) FROM durable_run) "
    "+ (SELECT count(*) FROM durable_invocation) + (SELECT count(*) FROM durable_branch) "
    "+ (SELECT count(*) FROM durable_entry) + (SELECT count(*) FROM durable_hook) "
    "+ (SELECT count(*) FROM stream) + (SELECT count(*) FROM stream_chunk) + (SELECT count(*) FROM "
    "removed_run)";

static inline int64_t number_of(const char *expression)
{
    cleat__store *reader = NULL;
    sqlite3_stmt *select = NULL;
    char sql[1000];
    snprintf(sql, sizeof(sql), "SELECT %s", expression);
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(sqlite3_prepare_v2(cleat__store_db(reader), sql, -1, &select, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(select, 0);
    sqlite3_finalize(select);
    cleat__store_close(reader);
    return number;
}

static inline bool is_there(const cleat__uuid *id)
{
    char text[80];
    snprintf(text, sizeof(text), "count(*) FROM task WHERE id = %s", hex(id));
    return number_of(text) == 1;
}

static inline void assert_sound(void)
{
    const char *wrong = checked_file(FILE_NAME);
    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
}

static inline void open_engine(fixture *f, const cleat__retention_options *chosen)
{
    cleat__retention_options options = *chosen;
    options.path = FILE_NAME;
    options.clock = &the_clock;
    assert_sound();
    cleat__store_close(f->store);
    f->store = NULL;
    assert_int_equal(
        cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME, .clock = &the_clock}, &f->engine),
        CLEAT_OK);
    assert_int_equal(cleat__retention_new(f->engine, &options, &f->retention), CLEAT_OK);
}

/* Opens it with the options and removes what is to be removed; answers how many runs that were. */
static inline uint64_t look(fixture *f, const cleat__retention_options *options)
{
    cleat__retention_stats stats;
    open_engine(f, options);
    assert_int_equal(cleat__retention_look(f->retention), CLEAT_OK);
    assert_sound();
    cleat__retention_get_stats(f->retention, &stats);
    assert_int_equal(stats.looks, 1);
    return stats.runs;
}

static const cleat__retention_options by_age = {.age_ms = 0};

#endif
