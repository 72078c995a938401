/* SQLite's errors as statuses and sentences. */
#ifndef CLEAT_STORE_SQLITE_ERROR_H
#define CLEAT_STORE_SQLITE_ERROR_H

#include <cleat/status.h>

#include <sqlite3.h>

/* Translates the last error of `db` and sets the error message. */
cleat_status cleat__sqlite_error(sqlite3 *db, const char *while_doing);
cleat_status cleat__sqlite_exec(sqlite3 *db, const char *sql, const char *while_doing);

#endif
