#include "store/worker.h"

#include "base/error.h"
#include "store/statement.h"

cleat_status cleat__worker_insert(cleat__store *store, const cleat__worker_row *row)
{
    static const char sql[] =
        "INSERT INTO worker (id, tenant, name, actions, slots, labels, runtime, is_paused, registered_at_ms, "
        "seen_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &row->id);
    sqlite3_bind_int64(insert, 2, row->tenant);
    cleat__bind_text(insert, 3, row->name.data != NULL ? row->name : cleat_slice_of(""));
    cleat__bind_text(insert, 4, row->actions);
    cleat__bind_text(insert, 5, row->slots);
    cleat__bind_text(insert, 6, row->labels);
    cleat__bind_text(insert, 7, row->runtime);
    sqlite3_bind_int(insert, 8, row->is_paused);
    sqlite3_bind_int64(insert, 9, row->registered_at_ms);
    sqlite3_bind_int64(insert, 10, row->seen_at_ms);
    return cleat__statement_finish(store, insert, "storing a worker");
}

cleat_status cleat__worker_set_paused(cleat__store *store, const cleat__uuid *id, bool is_paused)
{
    static const char sql[] = "UPDATE worker SET is_paused = ?2 WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, id);
    sqlite3_bind_int(update, 2, is_paused);
    return cleat__statement_finish(store, update, "pausing a worker");
}

cleat_status cleat__worker_set_labels(cleat__store *store, const cleat__uuid *id, cleat_slice labels)
{
    static const char sql[] = "UPDATE worker SET labels = ?2 WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, id);
    cleat__bind_text(update, 2, labels);
    return cleat__statement_finish(store, update, "storing a worker's labels");
}

cleat_status cleat__worker_set_seen(cleat__store *store, const cleat__uuid *id, int64_t seen_at_ms)
{
    static const char sql[] = "UPDATE worker SET seen_at_ms = ?2 WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, id);
    sqlite3_bind_int64(update, 2, seen_at_ms);
    return cleat__statement_finish(store, update, "storing a worker's heartbeat");
}

cleat_status cleat__worker_delete(cleat__store *store, const cleat__uuid *id)
{
    static const char sql[] = "DELETE FROM worker WHERE id = ?1";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(delete, 1, id);
    return cleat__statement_finish(store, delete, "removing a worker");
}

static cleat_status read_worker(sqlite3_stmt *select, cleat__worker_row *row)
{
    *row = (cleat__worker_row){
        .tenant = sqlite3_column_int64(select, 1),
        .name = cleat__column_text(select, 2),
        .actions = cleat__column_text(select, 3),
        .slots = cleat__column_text(select, 4),
        .labels = cleat__column_text(select, 5),
        .runtime = cleat__column_text(select, 6),
        .is_paused = sqlite3_column_int(select, 7) != 0,
        .registered_at_ms = sqlite3_column_int64(select, 8),
        .seen_at_ms = sqlite3_column_int64(select, 9),
    };
    return cleat__column_uuid(select, 0, &row->id) ? CLEAT_OK
                                                   : cleat__fail(CLEAT_CORRUPT, "a worker has no valid id");
}

cleat_status cleat__load_workers(cleat__store *store,
                                 cleat_status (*visit)(void *argument, const cleat__worker_row *row),
                                 void *argument)
{
    static const char sql[] = "SELECT id, tenant, name, actions, slots, labels, runtime, is_paused, "
                              "registered_at_ms, seen_at_ms FROM worker ORDER BY id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__worker_row row;
        status = read_worker(select, &row);
        if (status == CLEAT_OK) {
            status = visit(argument, &row);
        }
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading workers");
    }
    sqlite3_reset(select);
    return status;
}
