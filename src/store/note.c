#include "store/note.h"

#include "store/bind.h"
#include "store/statement.h"

cleat_status cleat__note_insert(cleat__store *store, const cleat__attempt_key *key, const cleat__note *note)
{
    static const char sql[] =
        "INSERT INTO task_note (task_id, number, retry_count, at_ms, kind, message) "
        "SELECT ?1, n, ?2, ?3, ?4, ?5 FROM (SELECT 1 + coalesce(max(number), 0) AS n FROM task_note "
        "WHERE task_id = ?1) WHERE n <= ?6";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &key->id);
    sqlite3_bind_int(insert, 2, key->retry_count);
    sqlite3_bind_int64(insert, 3, note->at_ms);
    cleat__bind_text(insert, 4, cleat_slice_of(note->kind));
    cleat__bind_text(insert, 5, cleat_slice_of(note->message));
    sqlite3_bind_int(insert, 6, CLEAT__NOTES_MAX);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        status = cleat__store_error(store, "noting what happened to a run");
    }
    sqlite3_reset(insert);
    return status;
}

cleat_status cleat__note_queued_at(cleat__store *store, const cleat__uuid *id, int32_t retry_count,
                                   int64_t *out)
{
    static const char sql[] = "SELECT coalesce(max(at_ms), 0) FROM task_note "
                              "WHERE task_id = ?1 AND retry_count = ?2 AND kind = '" CLEAT__NOTE_QUEUED "'";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(select, 2, retry_count);
    return cleat__statement_number(store, select, out, "reading when a task was queued");
}

cleat_status cleat__notes_begin(cleat__store *store, const cleat__uuid *id, cleat__note_cursor *cursor)
{
    static const char sql[] = "SELECT retry_count, at_ms, kind, message FROM task_note WHERE task_id = ?1 "
                              "ORDER BY number";
    *cursor = (cleat__note_cursor){.select = NULL};
    cleat_status status = cleat__store_prepare(store, sql, &cursor->select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(cursor->select, 1, id);
    return cleat__notes_next(store, cursor);
}

cleat_status cleat__notes_next(cleat__store *store, cleat__note_cursor *cursor)
{
    int code = sqlite3_step(cursor->select);
    cursor->is_there = code == SQLITE_ROW;
    if (!cursor->is_there) {
        return code == SQLITE_DONE ? CLEAT_OK : cleat__store_error(store, "reading what happened to a run");
    }
    const char *kind = cleat__column_text(cursor->select, 2).data;
    const char *message = cleat__column_text(cursor->select, 3).data;
    cursor->retry_count = sqlite3_column_int(cursor->select, 0);
    cursor->at_ms = sqlite3_column_int64(cursor->select, 1);
    cursor->kind = kind != NULL ? kind : "";
    cursor->message = message != NULL ? message : "";
    return CLEAT_OK;
}

void cleat__notes_end(cleat__note_cursor *cursor)
{
    if (cursor->select != NULL) {
        sqlite3_reset(cursor->select);
    }
    cursor->is_there = false;
}
