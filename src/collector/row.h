/* Binding and reading the few column types of the span tables. */
#ifndef CLEAT_COLLECTOR_ROW_H
#define CLEAT_COLLECTOR_ROW_H

#include "store/bind.h"
#include "store/store.h"

#include <cleat/trace.h>

/* Bound bytes are borrowed: they must live until the statement has been stepped. */
static inline void cleat__bind_bytes(sqlite3_stmt *stmt, int index, const void *bytes, size_t size)
{
    sqlite3_bind_blob64(stmt, index, bytes, size, SQLITE_STATIC);
}

static inline void cleat__bind_trace_id(sqlite3_stmt *stmt, int index, const cleat_trace_id *id)
{
    cleat__bind_bytes(stmt, index, id->bytes, sizeof(id->bytes));
}

static inline void cleat__bind_span_id(sqlite3_stmt *stmt, int index, const cleat_span_id *id)
{
    cleat__bind_bytes(stmt, index, id->bytes, sizeof(id->bytes));
}

static inline cleat_slice cleat__column_bytes(sqlite3_stmt *stmt, int column)
{
    cleat_slice bytes = {sqlite3_column_blob(stmt, column), 0};
    bytes.size = (size_t)sqlite3_column_bytes(stmt, column);
    return bytes;
}

/* Fills `out` with zeros when the column holds another number of bytes. */
static inline void cleat__column_id(sqlite3_stmt *stmt, int column, void *out, size_t size)
{
    cleat_slice bytes = cleat__column_bytes(stmt, column);
    memset(out, 0, size);
    if (bytes.size == size && bytes.data != NULL) {
        memcpy(out, bytes.data, size);
    }
}

/* Runs a statement that returns no rows. */
static inline cleat_status cleat__step_done(cleat__store *store, sqlite3_stmt *stmt, const char *while_doing)
{
    cleat_status status = CLEAT_OK;
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        status = cleat__store_error(store, while_doing);
    }
    sqlite3_reset(stmt);
    return status;
}

#endif
