/*
 * The database file. One engine (which holds the lock file FILE-lock and writes), any number of
 * readers, and short writers of what is not the engine's: tenants and tokens. SQLite in WAL mode, synchronous=FULL; application id "Clea", user_version = schema
 * version. Not thread-safe: one thread per store.
 */
#ifndef CLEAT_STORE_STORE_H
#define CLEAT_STORE_STORE_H

#include "model/task.h"

#include <sqlite3.h>

typedef struct cleat__store cleat__store;

#define CLEAT__STORE_APPLICATION_ID 0x436c6561 /* "Clea" */

typedef enum cleat__store_mode {
    CLEAT__STORE_WRITE, /* lock, create when missing, migrate */
    CLEAT__STORE_READ, /* existing file, no lock, read-only; another process may write meanwhile. Also where nothing
                         * can be written: see store/reading.h */
    /* Beside an engine, for short transactions on tables that it keeps no memory of. Creates the file
     * when it is missing and brings it to the newest schema, unless an engine has it (CLEAT_BUSY). */
    CLEAT__STORE_SHARE,
    CLEAT__STORE_WRITE_UNSYNCED, /* as WRITE, but trusts the machine not to lose power: for simulations */
} cleat__store_mode;

/* Failures and their statuses: cleat_client_new(). Nothing is created or changed by a failed open. */
cleat_status cleat__store_open(const char *path, cleat__store_mode mode, cleat__store **out);
void cleat__store_close(cleat__store *store); /* rolls back what is open; NULL-safe */

/* For the floors that keep tables of their own in the file. Prepared statements are cached by the address of
 * `sql` (a static string) and are reset when handed out; never finalize them. */
sqlite3 *cleat__store_db(cleat__store *store);
cleat_status cleat__store_prepare(cleat__store *store, const char *sql, sqlite3_stmt **out);
/* Translates SQLite's last error into a status and sets the error message ("... while storing a run"). */
cleat_status cleat__store_error(cleat__store *store, const char *while_doing);
/* Ends a loop over rows, and with it the statement's snapshot: `code` is what the last step answered, SQLITE_ROW when
 * there was enough. CLEAT_TIMEOUT: it was interrupted. */
cleat_status cleat__store_rows_end(cleat__store *store, sqlite3_stmt *select, int code,
                                   const char *while_doing);

cleat_status cleat__store_begin(cleat__store *store); /* BEGIN IMMEDIATE; for a reader BEGIN */
cleat_status cleat__store_commit(cleat__store *store);
void cleat__store_rollback(cleat__store *store);
/* Outside of a transaction: ends the queries whose row is still borrowed, and with them their snapshot. */
void cleat__store_end_reads(cleat__store *store);

/* Between transactions, when there is time: gives the log space ahead if the commits have used up what it had, so
 * that those that come need not make its file longer, which takes a sync longer. Failing changes nothing but that it
 * is not tried again. Nothing is done where commits are not synced. */
bool cleat__store_wants_log(cleat__store *store); /* whether it would */
void cleat__store_extend_log(cleat__store *store);

#endif
