#include "store/stream.h"

#include "base/error.h"
#include "store/statement.h"

static const char storing[] = "storing a chunk of a stream", reading[] = "reading a stream";

static int64_t row_of(int64_t stream, int64_t index)
{
    return stream * CLEAT__CHUNKS_MAX + index;
}

cleat_status cleat__chunks_find(cleat__store *store, const cleat__uuid *run_id, int64_t *stream)
{
    sqlite3_stmt *select = NULL;
    cleat_status status =
        cleat__statement_of_run(store, "SELECT id FROM stream WHERE task_id = ?1", run_id, &select);
    return status == CLEAT_OK ? cleat__statement_number(store, select, stream, reading) : status;
}

static cleat_status insert_stream(cleat__store *store, const cleat__uuid *run_id, int64_t *stream)
{
    static const char sql[] = "INSERT INTO stream (task_id) VALUES (?1) RETURNING id";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, run_id);
    if (sqlite3_step(insert) == SQLITE_ROW) {
        *stream = sqlite3_column_int64(insert, 0);
    } else {
        status = cleat__store_error(store, storing);
    }
    sqlite3_reset(insert);
    if (status == CLEAT_OK && (*stream < 1 || *stream >= INT64_MAX / CLEAT__CHUNKS_MAX)) {
        return cleat__fail(CLEAT_CORRUPT, "the file has no number left for a stream");
    }
    return status;
}

cleat_status cleat__chunks_open(cleat__store *store, const cleat__uuid *run_id, int64_t *stream)
{
    cleat_status status = cleat__chunks_find(store, run_id, stream);
    return status == CLEAT_EMPTY ? insert_stream(store, run_id, stream) : status;
}

static cleat_status count_chunks(cleat__store *store, int64_t stream, int64_t *count)
{
    static const char sql[] =
        "SELECT coalesce(max(id) + 1 - ?1, 0) FROM stream_chunk WHERE id >= ?1 AND id < ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, row_of(stream, 0));
    sqlite3_bind_int64(select, 2, row_of(stream + 1, 0));
    return cleat__statement_number(store, select, count, reading);
}

static cleat_status store_shift(cleat__store *store, const cleat__uuid *run_id, int64_t branch, int64_t shift)
{
    static const char sql[] = "UPDATE durable_branch SET chunk_shift = ?3 WHERE run_id = ?1 AND branch = ?2";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_node(store, sql, run_id, (cleat__node){branch, shift}, &update);
    return status == CLEAT_OK ? cleat__statement_finish(store, update, storing) : status;
}

cleat_status cleat__chunks_shift(cleat__store *store, const cleat__uuid *run_id, int64_t branch,
                                 int64_t stream, int64_t index, int64_t *shift)
{
    static const char sql[] = "SELECT chunk_shift FROM durable_branch WHERE run_id = ?1 AND branch = ?2 AND "
                              "chunk_shift IS NOT NULL";
    sqlite3_stmt *select = NULL;
    int64_t count = 0;
    *shift = 0;
    if (branch <= 1) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, branch);
    status = cleat__statement_number(store, select, shift, reading);
    if (status != CLEAT_EMPTY) {
        return status;
    }
    status = count_chunks(store, stream, &count);
    *shift = count - index;
    return status == CLEAT_OK ? store_shift(store, run_id, branch, *shift) : status;
}

cleat_status cleat__chunks_put(cleat__store *store, int64_t stream, int64_t index, cleat_slice chunk,
                               bool *is_new)
{
    static const char sql[] = "INSERT INTO stream_chunk (id, payload) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(insert, 1, row_of(stream, index));
    sqlite3_bind_blob64(insert, 2, chunk.size != 0 ? chunk.data : "", chunk.size, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        status = cleat__store_error(store, storing);
    }
    *is_new = status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) != 0;
    sqlite3_reset(insert);
    return status;
}

cleat_status cleat__chunks_read(cleat__store *store, int64_t stream, int64_t first,
                                bool (*visit)(void *argument, int64_t index, cleat_slice chunk),
                                void *argument)
{
    static const char sql[] = "SELECT id, payload FROM stream_chunk WHERE id >= ?1 AND id < ?2 ORDER BY id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, row_of(stream, first));
    sqlite3_bind_int64(select, 2, row_of(stream + 1, 0));
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        const char *data = sqlite3_column_blob(select, 1);
        cleat_slice chunk = {data, (size_t)sqlite3_column_bytes(select, 1)};
        if (!visit(argument, sqlite3_column_int64(select, 0) - row_of(stream, 0), chunk)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, reading);
}
