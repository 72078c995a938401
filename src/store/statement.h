/* What every function that runs one statement does. */
#ifndef CLEAT_STORE_STATEMENT_H
#define CLEAT_STORE_STATEMENT_H

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
