/*
 * The tables are gone through by their columns: which of these have numbers of the file they are in, and which say of
 * which run a row is, their names say. So a column that comes later is taken along.
 */
#include "store/merge.h"

#include "base/error.h"
#include "cleat_sql.h"
#include "model/node.h"
#include "store/sqlite_error.h"
#include "store/statement.h"
#include "store/table.h"

static const char merging[] = "adding to it";

/* Columns whose numbers become others, by the map NAME_map of merge.sql. */
static const struct {
    const char *table; /* NULL: any */
    const char *column, *map;
} numbers[] = {
    {NULL, "tenant", "tenant_map"},      {NULL, "workflow_id", "workflow_map"},
    {NULL, "type_id", "type_map"},       {"span", "trace", "trace_map"},
    {"span", "source", "source_map"},    {"span_link", "from_trace", "trace_map"},
    {"tenant", "id", "tenant_map"},      {"workflow", "id", "workflow_map"},
    {"task_type", "id", "type_map"},     {"trace", "id", "trace_map"},
    {"span_source", "id", "source_map"}, {"stream", "id", "stream_map"},
};

/* Which rows of a table are added; of those with `is_by_key` only what has a key of its own. What is not here has all of
 * the new runs, or where it is of no run all whose keys are new. */
static const struct {
    const char *table, *condition;
    bool is_by_key;
} conditions[] = {
    {"tenant", "id IN (SELECT old FROM tenant_map WHERE is_new)", false},
    {"workflow", "id IN (SELECT old FROM workflow_map WHERE is_new)", false},
    {"task_type", "id IN (SELECT old FROM type_map WHERE is_new)", false},
    {"trace", "id IN (SELECT old FROM trace_map WHERE is_new)", false},
    {"span_source", "id IN (SELECT old FROM source_map WHERE is_new)", false},
    {"span", "trace IN (SELECT old FROM trace_map WHERE is_new)", false},
    {"span_link", "from_trace IN (SELECT old FROM trace_map WHERE is_new)", false},
    {"span_total", "id IS NULL", false},
    /* Where some runs of a chain are here already it may lead another way. */
    {"chain",
     "first_id IN (SELECT id FROM new_run) AND (SELECT count(*) FROM new_run) = (SELECT count(*) FROM "
     "other.task)",
     false},
    /* Of new runs, and of those that are gone; who has a key keeps it. */
    {"idempotency",
     "run_id NOT IN (SELECT id FROM other.task WHERE id NOT IN (SELECT id FROM new_run)) AND NOT EXISTS "
     "(SELECT 1 FROM main.idempotency i WHERE i.key = o.key AND i.tenant = "
     "(SELECT new FROM tenant_map WHERE old = o.tenant))",
     false},
    /* Who has a token keeps it, and so does who had it last: of two that have ended one is enough. */
    {"durable_hook",
     "run_id IN (SELECT id FROM new_run) AND NOT EXISTS (SELECT 1 FROM main.durable_hook h WHERE "
     "h.token = o.token AND h.tenant = (SELECT new FROM tenant_map WHERE old = o.tenant))",
     false},
    {"stream_chunk", "id >> 32 IN (SELECT old FROM stream_map)", false},
    /* What was declared with a workflow is as the newest declaration says, and that is the file's own. */
    {"event_filter", "is_declarative = 0 OR o.workflow_id IN (SELECT old FROM workflow_map WHERE is_new)",
     true},
    {"cron", "name <> '' OR o.workflow_id IN (SELECT old FROM workflow_map WHERE is_new)", true},
};

/* NULL: there is none. */
static const char *condition_of(const cleat__table *table, bool *is_by_key)
{
    for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
        if (strcmp(conditions[i].table, table->name) == 0) {
            *is_by_key = conditions[i].is_by_key;
            return conditions[i].condition;
        }
    }
    return NULL;
}

static const char *map_of(const cleat__table *table, const char *column)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        bool is_of_table = numbers[i].table == NULL || strcmp(numbers[i].table, table->name) == 0;
        if (is_of_table && strcmp(numbers[i].column, column) == 0) {
            return numbers[i].map;
        }
    }
    return NULL;
}

static void append_value(sqlite3_str *sql, const cleat__table *table, const char *column)
{
    const char *map = map_of(table, column);
    bool is_span = strcmp(table->name, "span") == 0 || strcmp(table->name, "span_link") == 0;
    if (map != NULL) {
        sqlite3_str_appendf(sql, "(SELECT new FROM %s WHERE old = o.\"%w\")", map, column);
    } else if (strcmp(column, "dag_type") == 0) { /* which is 0 where it is no number */
        sqlite3_str_appendall(sql, "coalesce((SELECT new FROM type_map WHERE old = o.dag_type), o.dag_type)");
    } else if (is_span && strcmp(column, "id") == 0) { /* nobody refers to it */
        sqlite3_str_appendall(sql, "NULL");
    } else if (strcmp(table->name, "stream_chunk") == 0 && strcmp(column, "id") == 0) {
        sqlite3_str_appendall(
            sql, "((SELECT new FROM stream_map WHERE old = o.id >> 32) << 32) + (o.id & 0xffffffff)");
    } else {
        sqlite3_str_appendf(sql, "o.\"%w\"", column);
    }
}

static cleat_status add_rows(sqlite3 *db, const cleat__table *table)
{
    const char *run = cleat__table_run_column(table);
    bool is_by_key = run == NULL;
    const char *condition = condition_of(table, &is_by_key);
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_str_appendf(sql, "INSERT %sINTO main.\"%w\" SELECT ", is_by_key ? "OR IGNORE " : "", table->name);
    for (size_t i = 0; i < table->count; i++) {
        sqlite3_str_appendall(sql, i != 0 ? ", " : "");
        append_value(sql, table, table->columns[i].name);
    }
    sqlite3_str_appendf(sql, " FROM other.\"%w\" o", table->name);
    if (condition != NULL) {
        sqlite3_str_appendf(sql, " WHERE o.%s", condition);
    } else if (run != NULL) {
        sqlite3_str_appendf(sql, " WHERE o.\"%w\" IN (SELECT id FROM new_run)", run);
    }
    char *text = sqlite3_str_finish(sql);
    cleat_status status = text != NULL ? cleat__sqlite_exec(db, text, merging) : cleat__fail_memory();
    sqlite3_free(text);
    return status;
}

/* ---- Tokens of hooks ---- */

#define SAME_TOKENS                                                                             \
    "FROM main.durable_hook h JOIN tenant_map m ON m.new = h.tenant JOIN other.durable_hook o " \
    "ON o.tenant = m.old AND o.token = h.token JOIN new_run n ON n.id = o.run_id "              \
    "JOIN other.task_live l ON l.id = o.run_id WHERE h.run_id "

/* Each of the two would have the other's payloads. */
static cleat_status fail_token(sqlite3_stmt *select)
{
    cleat__uuid here, there;
    char here_text[37], there_text[37];
    if (!cleat__column_uuid(select, 1, &here) || !cleat__column_uuid(select, 2, &there)) {
        return cleat__fail(CLEAT_CORRUPT, "a hook has no valid run");
    }
    cleat__uuid_format(&here, here_text);
    cleat__uuid_format(&there, there_text);
    return cleat__fail(CLEAT_FAILED_PRECONDITION,
                       "nothing was imported: run %s has a hook with the token %.*s..., and so has run %s of "
                       "the file, and both live; let one of them end before, or cancel it",
                       there_text, CLEAT_SLICE_ARGS(cleat__hook_shown(cleat__column_text(select, 0))),
                       here_text);
}

/* A token is of who lives; where the file's run has ended its row makes room. */
static cleat_status hand_tokens_on(cleat__store *store)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(
        store, "SELECT h.token, h.run_id, o.run_id " SAME_TOKENS "IN (SELECT id FROM main.task_live) LIMIT 1",
        &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = fail_token(select);
    } else if (code != SQLITE_DONE) {
        status = cleat__store_error(store, merging);
    }
    sqlite3_reset(select);
    return status == CLEAT_OK
               ? cleat__sqlite_exec(cleat__store_db(store),
                                    "DELETE FROM main.durable_hook WHERE (tenant, token) IN (SELECT "
                                    "h.tenant, h.token " SAME_TOKENS
                                    "NOT IN (SELECT id FROM main.task_live))",
                                    merging)
               : status;
}

/* ---- All of it ---- */

cleat_status cleat__merge(cleat__store *store, int64_t *copies)
{
    sqlite3 *db = cleat__store_db(store);
    cleat__tables tables = {0, NULL};
    sqlite3_stmt *count = NULL;
    cleat_status status = cleat__sqlite_exec(db, cleat__sql_maps, merging);
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(
            store,
            "SELECT count(*) FROM other.task WHERE dag_id IS NULL AND id NOT IN (SELECT id FROM new_run)",
            &count);
    }
    if (status == CLEAT_OK) {
        status = cleat__statement_number(store, count, copies, merging);
    }
    if (status == CLEAT_OK) {
        status = hand_tokens_on(store);
    }
    if (status == CLEAT_OK) {
        status = cleat__tables_init(&tables, db);
    }
    for (size_t i = 0; i < tables.count && status == CLEAT_OK; i++) {
        status = add_rows(db, &tables.items[i]);
    }
    if (status == CLEAT_OK) {
        status = cleat__sqlite_exec(db, cleat__sql_sums, merging);
    }
    cleat__tables_deinit(&tables);
    return status;
}
