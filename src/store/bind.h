/* Binding and reading columns; SQLite borrows what is bound until the statement is reset. */
#ifndef CLEAT_STORE_BIND_H
#define CLEAT_STORE_BIND_H

#include "base/uuid.h"

#include <sqlite3.h>

static inline void cleat__bind_uuid(sqlite3_stmt *statement, int index, const cleat__uuid *uuid)
{
    sqlite3_bind_blob(statement, index, uuid->bytes, sizeof(uuid->bytes), SQLITE_STATIC);
}

/* The absent slice is NULL. */
static inline void cleat__bind_text(sqlite3_stmt *statement, int index, cleat_slice text)
{
    sqlite3_bind_text64(statement, index, text.data, text.size, SQLITE_STATIC, SQLITE_UTF8);
}

/* False, and nil, when the column is no UUID. */
static inline bool cleat__column_uuid(sqlite3_stmt *statement, int column, cleat__uuid *out)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (bytes == NULL || sqlite3_column_bytes(statement, column) != (int)sizeof(out->bytes)) {
        *out = (cleat__uuid){{0}};
        return false;
    }
    memcpy(out->bytes, bytes, sizeof(out->bytes));
    return true;
}

/* Valid until the statement's next step or reset; NULL is the absent slice. */
static inline cleat_slice cleat__column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return (cleat_slice){text, text != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

#endif
