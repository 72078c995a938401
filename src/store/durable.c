#include "store/durable.h"

#include "base/error.h"
#include "model/continued.h"
#include "store/statement.h"

/* ---- Runs ---- */

cleat_status cleat__durable_get(cleat__store *store, const cleat__uuid *run_id, cleat__durable_row *out)
{
    static const char sql[] =
        "SELECT d.invocation_count, d.branch, coalesce((SELECT max(e.node) FROM durable_entry e "
        "WHERE e.run_id = d.id AND e.branch = d.branch), (SELECT b.first_node - 1 FROM durable_branch b "
        "WHERE b.run_id = d.id AND b.branch = d.branch), 0) FROM durable_run d WHERE d.id = ?1";
    sqlite3_stmt *select = NULL;
    *out = (cleat__durable_row){.branch = 1};
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        out->invocation_count = sqlite3_column_int(select, 0);
        out->branch = sqlite3_column_int64(select, 1);
        out->log_size = sqlite3_column_int64(select, 2);
    } else if (code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading a durable run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__durable_is_next(cleat__store *store, const cleat__uuid *run_id, bool *out)
{
    static const char sql[] = "SELECT count(*) FROM task WHERE id = ?1 AND parent_id IS NOT NULL "
                              "AND child_key GLOB '" CLEAT__CONTINUED_MARK "*'";
    sqlite3_stmt *select = NULL;
    int64_t count = 0;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    if (status == CLEAT_OK) {
        status = cleat__statement_number(store, select, &count, "reading a durable run");
    }
    *out = count != 0;
    return status;
}

cleat_status cleat__durable_last_order(cleat__store *store, const cleat__uuid *run_id, int64_t *out)
{
    static const char sql[] = "SELECT coalesce(max(met_order), 0) FROM durable_entry WHERE run_id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    return status == CLEAT_OK ? cleat__statement_number(store, select, out, "reading a durable run") : status;
}

/* What was before it, if it is not the first one of its attempt. */
static cleat_status insert_invocation(cleat__store *store, const cleat__uuid *run_id, int32_t number,
                                      int32_t retry_count, int64_t queued_at_ms)
{
    static const char sql[] =
        "INSERT INTO durable_invocation (run_id, number, retry_count, began_at_ms, suspended_at_ms, "
        "waited_for, queued_at_ms) SELECT id, ?2, retry_count, began_at_ms, suspended_at_ms, waited_for, ?4 "
        "FROM durable_run WHERE id = ?1 AND retry_count = ?3 AND began_at_ms IS NOT NULL";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(insert, 2, number);
    sqlite3_bind_int(insert, 3, retry_count);
    sqlite3_bind_int64(insert, 4, queued_at_ms);
    return cleat__statement_finish(store, insert, "beginning an invocation");
}

cleat_status cleat__durable_begin_invocation(cleat__store *store, const cleat__uuid *run_id,
                                             int32_t invocation_count, int32_t retry_count,
                                             int64_t queued_at_ms)
{
    static const char sql[] =
        "INSERT INTO durable_run (id, invocation_count, branch) VALUES (?1, ?2, 1) "
        "ON CONFLICT (id) DO UPDATE SET invocation_count = ?2, waits = NULL, began_at_ms = NULL";
    sqlite3_stmt *insert = NULL;
    cleat_status status = invocation_count > 1
                              ? insert_invocation(store, run_id, invocation_count, retry_count, queued_at_ms)
                              : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__statement_of_run(store, sql, run_id, &insert);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(insert, 2, invocation_count);
    return cleat__statement_finish(store, insert, "beginning an invocation");
}

cleat_status cleat__durable_break_off(cleat__store *store, const cleat__uuid *run_id, int32_t retry_count,
                                      int64_t began_at_ms)
{
    static const char sql[] = "UPDATE durable_run SET retry_count = ?2, began_at_ms = ?3, "
                              "suspended_at_ms = NULL, waited_for = NULL WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 2, retry_count);
    sqlite3_bind_int64(update, 3, began_at_ms);
    return cleat__statement_finish(store, update, "breaking off an invocation");
}

cleat_status cleat__durable_put_off(cleat__store *store, const cleat__uuid *run_id, int32_t invocation_count,
                                    int32_t retry_count)
{
    static const char sql[] = "UPDATE durable_invocation SET number = ?2 + 1, retry_count = ?3 "
                              "WHERE run_id = ?1 AND number = ?2";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 2, invocation_count);
    sqlite3_bind_int(update, 3, retry_count);
    return cleat__statement_finish(store, update, "putting off an invocation");
}

cleat_status cleat__durable_set_waits(cleat__store *store, const cleat__uuid *run_id,
                                      const cleat__eviction *eviction)
{
    static const char sql[] =
        "UPDATE durable_run SET carrier = ?2, waits = ?3, waits_for_all = ?4, evict_reason = ?5, "
        "retry_count = ?6, began_at_ms = ?7, suspended_at_ms = ?8, waited_for = ?9 WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(update, 2, eviction->carrier);
    cleat__bind_text(update, 3, eviction->waits);
    sqlite3_bind_int(update, 4, eviction->waits_for_all);
    cleat__bind_text(update, 5, eviction->reason);
    sqlite3_bind_int(update, 6, eviction->retry_count);
    sqlite3_bind_int64(update, 7, eviction->began_at_ms);
    sqlite3_bind_int64(update, 8, eviction->suspended_at_ms);
    sqlite3_bind_int64(update, 9, eviction->waited_for);
    return cleat__statement_finish(store, update, "evicting a run");
}

cleat_status cleat__durable_set_carrier(cleat__store *store, const cleat__uuid *run_id, cleat_slice carrier)
{
    static const char sql[] = "UPDATE durable_run SET carrier = ?2 WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(update, 2, carrier);
    return cleat__statement_finish(store, update, "restoring a run");
}

/* A text of the run, where it has one. Appends. */
static cleat_status get_text(cleat__store *store, const char *sql, const cleat__uuid *run_id,
                             cleat__buffer *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__buffer_append_slice(out, cleat__column_text(select, 0));
        status = out->failed ? cleat__fail_memory() : CLEAT_OK;
    } else if (code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading a durable run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__durable_get_carrier(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out)
{
    return get_text(store, "SELECT carrier FROM durable_run WHERE id = ?1", run_id, out);
}

cleat_status cleat__durable_get_reason(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out)
{
    return get_text(store, "SELECT evict_reason FROM durable_run WHERE id = ?1", run_id, out);
}

cleat_status cleat__durable_get_waits(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *waits,
                                      bool *waits_for_all)
{
    static const char sql[] = "SELECT waits, waits_for_all FROM durable_run WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__buffer_append_slice(waits, cleat__column_text(select, 0));
        *waits_for_all = sqlite3_column_int(select, 1) != 0;
        status = waits->failed ? cleat__fail_memory() : CLEAT_OK;
    } else {
        status = code == SQLITE_DONE ? cleat__fail(CLEAT_CORRUPT, "an evicted run has no log")
                                     : cleat__store_error(store, "reading a durable run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__durable_delete_pending(cleat__store *store, const cleat__uuid *run_id)
{
    static const char conditions[] = "DELETE FROM durable_condition WHERE run_id = ?1";
    static const char payloads[] = "DELETE FROM durable_hook_payload WHERE run_id = ?1";
    static const char doing[] = "ending a durable run";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__statement_of_run(store, conditions, run_id, &delete);
    if (status == CLEAT_OK) {
        status = cleat__statement_finish(store, delete, doing);
    }
    if (status == CLEAT_OK) {
        status = cleat__statement_of_run(store, payloads, run_id, &delete);
    }
    return status == CLEAT_OK ? cleat__statement_finish(store, delete, doing) : status;
}

/* ---- Branches ---- */

cleat_status cleat__durable_resolve(cleat__store *store, const cleat__uuid *run_id, int64_t branch,
                                    int64_t number, int64_t *out)
{
    static const char sql[] = "SELECT CASE WHEN first_node > ?3 THEN parent END FROM durable_branch "
                              "WHERE run_id = ?1 AND branch = ?2";
    cleat_status status = CLEAT_OK;
    *out = branch;
    while (status == CLEAT_OK && *out > 1) {
        sqlite3_stmt *select = NULL;
        int64_t parent = 0; /* NULL: this one has it */
        status = cleat__statement_of_node(store, sql, run_id, (cleat__node){*out, number}, &select);
        if (status == CLEAT_OK) {
            status = cleat__statement_number(store, select, &parent, "reading a durable run");
        }
        if (status == CLEAT_EMPTY || (status == CLEAT_OK && parent >= *out)) {
            return cleat__fail(CLEAT_CORRUPT, "a branch of a log makes no sense");
        }
        if (status == CLEAT_OK && parent == 0) {
            break;
        }
        *out = status == CLEAT_OK ? parent : *out;
    }
    return status;
}

cleat_status cleat__durable_fork(cleat__store *store, const cleat__uuid *run_id, int64_t branch,
                                 cleat__node first)
{
    static const char insert[] = "INSERT INTO durable_branch (run_id, parent, first_node, branch) "
                                 "VALUES (?1, ?2, ?3, ?4)";
    static const char update[] = "UPDATE durable_run SET branch = ?2 WHERE id = ?1";
    static const char doing[] = "forking a log";
    sqlite3_stmt *statement = NULL;
    cleat_status status = cleat__statement_of_node(store, insert, run_id, first, &statement);
    if (status == CLEAT_OK) {
        sqlite3_bind_int64(statement, 4, branch);
        status = cleat__statement_finish(store, statement, doing);
    }
    if (status == CLEAT_OK) {
        status = cleat__statement_of_run(store, update, run_id, &statement);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 2, branch);
    return cleat__statement_finish(store, statement, doing);
}

/* ---- Entries ---- */

cleat_status cleat__entry_insert(cleat__store *store, const cleat__uuid *run_id, const cleat__entry_row *row)
{
    static const char sql[] = "INSERT INTO durable_entry (run_id, branch, node, kind, hash, label, "
                              "created_at_ms, child_id, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, row->node, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(insert, 4, (int)row->kind);
    sqlite3_bind_int64(insert, 5, row->hash);
    cleat__bind_text(insert, 6, row->label);
    sqlite3_bind_int64(insert, 7, row->created_at_ms);
    cleat__bind_uuid_or_null(insert, 8, &row->child_id);
    cleat__bind_text(insert, 9, row->payload);
    return cleat__statement_finish(store, insert, "storing a log entry");
}

#define ENTRY_COLUMNS \
    "SELECT kind, hash, label, created_at_ms, child_id, met_order, met_at_ms, outcome, carrier, "
#define ENTRY_PLACE "FROM durable_entry WHERE run_id = ?1 AND branch = ?2 AND node = ?3"

static cleat_status read_entry(cleat__store *store, const char *sql, const cleat__uuid *run_id,
                               cleat__node node, cleat__entry_row *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code != SQLITE_ROW) {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "reading a log entry");
        sqlite3_reset(select);
        return status;
    }
    *out = (cleat__entry_row){
        .node = node,
        .kind = (cleat__node_kind)sqlite3_column_int(select, 0),
        .hash = sqlite3_column_int64(select, 1),
        .label = cleat__column_text(select, 2),
        .created_at_ms = sqlite3_column_int64(select, 3),
        .met_order = sqlite3_column_int64(select, 5),
        .met_at_ms = sqlite3_column_int64(select, 6),
        .outcome = (cleat__node_outcome)sqlite3_column_int(select, 7),
        .carrier = cleat__column_text(select, 8),
        .payload = cleat__column_text(select, 9),
        .error = cleat__column_text(select, 10),
    };
    cleat__column_uuid(select, 4, &out->child_id);
    return CLEAT_OK;
}

cleat_status cleat__entry_get(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                              cleat__entry_row *out)
{
    return read_entry(store, ENTRY_COLUMNS "payload, error " ENTRY_PLACE, run_id, node, out);
}

cleat_status cleat__entry_look(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                               cleat__entry_row *out)
{
    return read_entry(store, ENTRY_COLUMNS "NULL, NULL " ENTRY_PLACE, run_id, node, out);
}

cleat_status cleat__entry_set_payload(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                      cleat_slice payload)
{
    static const char sql[] = "UPDATE durable_entry SET payload = ?4 "
                              "WHERE run_id = ?1 AND branch = ?2 AND node = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, node, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(update, 4, payload);
    return cleat__statement_finish(store, update, "storing a log entry");
}

cleat_status cleat__entry_meet(cleat__store *store, const cleat__uuid *run_id, const cleat__entry_row *row)
{
    static const char sql[] =
        "UPDATE durable_entry SET met_order = ?4, met_at_ms = ?5, outcome = ?6, "
        "payload = ?7, error = ?8, carrier = ?9 WHERE run_id = ?1 AND branch = ?2 AND node = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, row->node, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(update, 4, row->met_order);
    sqlite3_bind_int64(update, 5, row->met_at_ms);
    sqlite3_bind_int(update, 6, (int)row->outcome);
    cleat__bind_text(update, 7, row->payload);
    cleat__bind_text(update, 8, row->error);
    cleat__bind_text(update, 9, row->carrier);
    return cleat__statement_finish(store, update, "storing the end of a log entry");
}

cleat_status cleat__entry_list_met(cleat__store *store, const cleat__uuid *run_id,
                                   cleat_status (*visit)(void *argument, cleat__node node, int64_t order),
                                   void *argument)
{
    static const char sql[] = "SELECT branch, node, met_order FROM durable_entry "
                              "WHERE run_id = ?1 AND met_order IS NOT NULL ORDER BY met_order";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__node node = {sqlite3_column_int64(select, 0), sqlite3_column_int64(select, 1)};
        status = visit(argument, node, sqlite3_column_int64(select, 2));
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading a log");
    }
    sqlite3_reset(select);
    return status;
}
