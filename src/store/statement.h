/* What every function that runs one statement does. */
#ifndef CLEAT_STORE_STATEMENT_H
#define CLEAT_STORE_STATEMENT_H

#include "model/durable.h"
#include "store/bind.h"
#include "store/store.h"

/* Runs a statement that returns no rows and resets it, so that what is bound may go away. */
static inline cleat_status cleat__statement_finish(cleat__store *store, sqlite3_stmt *statement,
                                                   const char *while_doing)
{
    cleat_status status = CLEAT_OK;
    if (sqlite3_step(statement) != SQLITE_DONE) {
        status = cleat__store_error(store, while_doing);
    }
    sqlite3_reset(statement);
    return status;
}

/* A statement whose first parameter is a run. */
static inline cleat_status cleat__statement_of_run(cleat__store *store, const char *sql,
                                                   const cleat__uuid *run_id, sqlite3_stmt **out)
{
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status == CLEAT_OK) {
        cleat__bind_uuid(*out, 1, run_id);
    }
    return status;
}

/* And the next two the node. */
static inline cleat_status cleat__statement_of_node(cleat__store *store, const char *sql,
                                                    const cleat__uuid *run_id, cleat__node node,
                                                    sqlite3_stmt **out)
{
    cleat_status status = cleat__statement_of_run(store, sql, run_id, out);
    if (status == CLEAT_OK) {
        sqlite3_bind_int64(*out, 2, node.branch);
        sqlite3_bind_int64(*out, 3, node.number);
    }
    return status;
}

/* Reads the number of a statement that has one row, and resets it. CLEAT_EMPTY: it has none. */
static inline cleat_status cleat__statement_number(cleat__store *store, sqlite3_stmt *select, int64_t *out,
                                                   const char *while_doing)
{
    cleat_status status = CLEAT_OK;
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        *out = sqlite3_column_int64(select, 0);
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, while_doing);
    }
    sqlite3_reset(select);
    return status;
}

/* The nil UUID is NULL. */
static inline void cleat__bind_uuid_or_null(sqlite3_stmt *statement, int index, const cleat__uuid *uuid)
{
    if (cleat__uuid_is_nil(uuid)) {
        sqlite3_bind_null(statement, index);
    } else {
        cleat__bind_uuid(statement, index, uuid);
    }
}

#endif
