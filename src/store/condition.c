#include "store/durable.h"

#include "base/error.h"
#include "base/log.h"
#include "model/node.h"
#include "store/statement.h"

cleat_status cleat__condition_insert(cleat__store *store, const cleat__condition_row *row)
{
    static const char sql[] =
        "INSERT INTO durable_condition (run_id, branch, node, number, kind, group_number, data_key, key, "
        "expression, scope, at_ms, child_id, is_met, data, count) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, &row->run_id, row->node, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(insert, 4, row->number);
    sqlite3_bind_int(insert, 5, (int)row->kind);
    sqlite3_bind_int(insert, 6, row->group);
    cleat__bind_text(insert, 7, row->data_key);
    cleat__bind_text(insert, 8, row->key);
    cleat__bind_text(insert, 9, row->expression);
    cleat__bind_text(insert, 10, row->scope);
    sqlite3_bind_int64(insert, 11, row->at_ms);
    cleat__bind_uuid_or_null(insert, 12, &row->child_id);
    sqlite3_bind_int(insert, 13, row->is_met);
    cleat__bind_text(insert, 14, row->data);
    sqlite3_bind_int(insert, 15, row->count);
    return cleat__statement_finish(store, insert, "storing what a run waits for");
}

#define COLUMNS_BUT_DATA                                                                                    \
    "run_id, branch, node, number, kind, group_number, data_key, key, expression, scope, at_ms, child_id, " \
    "is_met, count, "

static cleat_status read_row(sqlite3_stmt *select, cleat__condition_row *row)
{
    *row = (cleat__condition_row){
        .node = {sqlite3_column_int64(select, 1), sqlite3_column_int64(select, 2)},
        .number = sqlite3_column_int(select, 3),
        .kind = (cleat__pending_kind)sqlite3_column_int(select, 4),
        .group = sqlite3_column_int(select, 5),
        .data_key = cleat__column_text(select, 6),
        .key = cleat__column_text(select, 7),
        .expression = cleat__column_text(select, 8),
        .scope = cleat__column_text(select, 9),
        .at_ms = sqlite3_column_int64(select, 10),
        .is_met = sqlite3_column_int(select, 12) != 0,
        .count = sqlite3_column_int(select, 13),
        .data = cleat__column_text(select, 14),
    };
    cleat__column_uuid(select, 11, &row->child_id);
    return cleat__column_uuid(select, 0, &row->run_id)
               ? CLEAT_OK
               : cleat__fail(CLEAT_CORRUPT, "what a run waits for has no valid run");
}

cleat_status cleat__condition_get(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                  int32_t number, cleat__condition_row *out)
{
    static const char sql[] = "SELECT " COLUMNS_BUT_DATA "data FROM durable_condition "
                              "WHERE run_id = ?1 AND branch = ?2 AND node = ?3 AND number = ?4";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(select, 4, number);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        return read_row(select, out);
    }
    status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "reading what a run waits for");
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__condition_meet(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                   int32_t number, cleat_slice data)
{
    static const char sql[] = "UPDATE durable_condition SET is_met = 1, data = coalesce(?5, data) "
                              "WHERE run_id = ?1 AND branch = ?2 AND node = ?3 AND number = ?4";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 4, number);
    cleat__bind_text(update, 5, data);
    return cleat__statement_finish(store, update, "storing what a run has waited for");
}

cleat_status cleat__condition_set_child(cleat__store *store, const cleat__condition_row *row)
{
    static const char sql[] = "UPDATE durable_condition SET child_id = ?5 "
                              "WHERE run_id = ?1 AND branch = ?2 AND node = ?3 AND number = ?4";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, &row->run_id, row->node, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 4, row->number);
    cleat__bind_uuid(update, 5, &row->child_id);
    return cleat__statement_finish(store, update, "storing what a run waits for");
}

cleat_status cleat__condition_payload(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                      cleat__buffer *out)
{
    static const char sql[] = "SELECT data_key, data FROM durable_condition "
                              "WHERE run_id = ?1 AND branch = ?2 AND node = ?3 AND is_met = 1 "
                              "ORDER BY data_key, number";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code;
    bool is_first = true;
    cleat__buffer former = {0};
    cleat__wait_payload_begin(out);
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat_slice key = cleat__column_text(select, 0), last = cleat__buffer_slice(&former);
        cleat__wait_payload_add(out, is_first ? NULL : &last, key, cleat__column_text(select, 1));
        cleat__buffer_clear(&former);
        cleat__buffer_append_slice(&former, key);
        is_first = false;
    }
    cleat__wait_payload_end(out, is_first);
    if (code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading what a run has waited for");
    }
    sqlite3_reset(select);
    bool has_failed = out->failed || former.failed;
    cleat__buffer_deinit(&former);
    return status == CLEAT_OK && has_failed ? cleat__fail_memory() : status;
}

/* Behind what is there already. */
static void add_data(cleat_slice key, cleat_slice data, size_t most, cleat__buffer *out)
{
    static cleat__log_site site;
    size_t before = out->size;
    cleat__buffer_append_byte(out, before == 0 ? '{' : ',');
    cleat__buffer_append_json(out, key);
    cleat__buffer_append_byte(out, ':');
    if (out->size + data.size < most) {
        cleat__buffer_append_slice(out, data);
        return;
    }
    out->size = before;
    cleat__log_limited(&site, CLEAT_LOG_WARN,
                       "what a task has waited for is too large: it is not told what \"%.*s\" has brought",
                       CLEAT_SLICE_ARGS(key));
}

cleat_status cleat__condition_data(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                   size_t most, cleat__buffer *out)
{
    static const char sql[] =
        "SELECT data_key, data, max(number) FROM durable_condition "
        "WHERE run_id = ?1 AND branch = ?2 AND node = ?3 AND is_met = 1 AND data IS NOT NULL "
        "GROUP BY data_key";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        add_data(cleat__column_text(select, 0), cleat__column_text(select, 1), most, out);
    }
    cleat__buffer_append_string(out, out->size == 0 ? "{}" : "}");
    if (code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading what a task has waited for");
    }
    sqlite3_reset(select);
    return status == CLEAT_OK && out->failed ? cleat__fail_memory() : status;
}

cleat_status cleat__condition_size(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                   int64_t *out)
{
    static const char sql[] = "SELECT coalesce(sum(length(CAST(data AS BLOB))), 0) FROM durable_condition "
                              "WHERE run_id = ?1 AND branch = ?2 AND node = ?3 AND is_met = 1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &select);
    return status == CLEAT_OK
               ? cleat__statement_number(store, select, out, "measuring what a task has waited for")
               : status;
}

cleat_status cleat__condition_delete(cleat__store *store, const cleat__uuid *run_id, cleat__node node)
{
    static const char sql[] = "DELETE FROM durable_condition WHERE run_id = ?1 AND branch = ?2 AND node = ?3";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &delete);
    return status == CLEAT_OK ? cleat__statement_finish(store, delete, "forgetting what a run waited for")
                              : status;
}

cleat_status cleat__condition_list(cleat__store *store,
                                   cleat_status (*visit)(void *argument, const cleat__condition_row *row),
                                   void *argument)
{
    static const char sql[] =
        "SELECT " COLUMNS_BUT_DATA "NULL FROM durable_condition ORDER BY run_id, branch, node, number";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__condition_row row;
        status = read_row(select, &row);
        if (status == CLEAT_OK) {
            status = visit(argument, &row);
        }
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading what runs wait for");
    }
    sqlite3_reset(select);
    return status;
}
