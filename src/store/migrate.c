#include "store/migrate.h"

#include "base/error.h"
#include "cleat_sql.h"
#include "store/sqlite_error.h"
#include "store/store.h"

#include <stdio.h>

/* Number n in this list leads from version n - 1 to n. Never change one that was released. */
static const char *const migrations[] = {
    cleat__sql_001_engine,         cleat__sql_002_spans,          cleat__sql_003_tenants,
    cleat__sql_004_workflows,      cleat__sql_005_trace_tenant,   cleat__sql_006_events,
    cleat__sql_007_schedule_delay, cleat__sql_008_replays,        cleat__sql_009_deletion,
    cleat__sql_010_grants,         cleat__sql_011_outcomes,       cleat__sql_012_durable,
    cleat__sql_013_stream,         cleat__sql_014_durable_search, cleat__sql_015_filters,
    cleat__sql_016_idempotency,    cleat__sql_017_limits,         cleat__sql_018_crons,
    cleat__sql_019_rates,          cleat__sql_020_retention,      cleat__sql_021_dag,
    cleat__sql_022_pause,          cleat__sql_023_batch,          cleat__sql_024_said_rates,
    cleat__sql_025_task_notes,     cleat__sql_026_shared_rules,   cleat__sql_027_webhook,
    cleat__sql_028_chain,
};

int cleat__schema_newest(void)
{
    return (int)(sizeof(migrations) / sizeof(migrations[0]));
}

static cleat_status read_int(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    cleat_status status = CLEAT_OK;
    if (code == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
    } else {
        status = cleat__sqlite_error(db, "reading what kind of file it is");
    }
    sqlite3_finalize(statement);
    return status;
}

typedef struct identity {
    int64_t application, user_version, objects;
} identity;

/* In one transaction: another process may be making the file just now. */
static cleat_status read_identity(sqlite3 *db, identity *out)
{
    static const char doing[] = "reading what kind of file it is";
    cleat_status status = cleat__sqlite_exec(db, "BEGIN", doing);
    if (status == CLEAT_OK) {
        status = read_int(db, "PRAGMA application_id", &out->application);
    }
    if (status == CLEAT_OK) {
        status = read_int(db, "PRAGMA user_version", &out->user_version);
    }
    if (status == CLEAT_OK) {
        status = read_int(db, "SELECT count(*) FROM sqlite_schema", &out->objects);
    }
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

cleat_status cleat__schema_check(sqlite3 *db, const char *path, int *version)
{
    identity file = {0};
    cleat_status status = read_identity(db, &file);
    if (status == CLEAT_NOT_A_DATABASE) {
        return cleat__fail(status, "%s is no database; use another file", path);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    bool is_empty = file.application == 0 && file.user_version == 0 && file.objects == 0;
    if (!is_empty && file.application != CLEAT__STORE_APPLICATION_ID) {
        return cleat__fail(CLEAT_NOT_A_DATABASE, "%s is a database of another program; use another file",
                           path);
    }
    if (file.user_version > cleat__schema_newest()) {
        return cleat__fail(
            CLEAT_NEWER_VERSION,
            "%s was written by a newer Cleat (schema %lld, this one knows %d): update Cleat, or use "
            "another file",
            path, (long long)file.user_version, cleat__schema_newest());
    }
    if (file.user_version < 0) {
        return cleat__fail(CLEAT_CORRUPT,
                           "%s has no valid schema version: restore a copy, or use another file", path);
    }
    *version = (int)file.user_version;
    return CLEAT_OK;
}

cleat_status cleat__schema_migrate(sqlite3 *db, int version)
{
    if (version == cleat__schema_newest()) {
        return CLEAT_OK;
    }
    static const char doing[] = "migrating the schema";
    char pragmas[96];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%d",
             CLEAT__STORE_APPLICATION_ID, cleat__schema_newest());
    cleat_status status = cleat__sqlite_exec(db, "BEGIN IMMEDIATE", doing);
    for (int i = version; i < cleat__schema_newest() && status == CLEAT_OK; i++) {
        status = cleat__sqlite_exec(db, migrations[i], doing);
    }
    if (status == CLEAT_OK) {
        status = cleat__sqlite_exec(db, pragmas, doing);
    }
    if (status == CLEAT_OK) {
        status = cleat__sqlite_exec(db, "COMMIT", doing);
    }
    if (status != CLEAT_OK) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}
