#include "store/sqlite_error.h"

#include "base/error.h"

#include <errno.h>

static cleat_status status_of(sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db) & 0xFF;
    switch (code) {
    case SQLITE_NOMEM: return CLEAT_NO_MEMORY;
    case SQLITE_FULL: return CLEAT_DISK_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return CLEAT_BUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM: return CLEAT_READ_ONLY;
    case SQLITE_CORRUPT: return CLEAT_CORRUPT;
    case SQLITE_NOTADB: return CLEAT_NOT_A_DATABASE;
    case SQLITE_TOOBIG: return CLEAT_TOO_LARGE;
    case SQLITE_INTERRUPT: return CLEAT_TIMEOUT;
    default: break;
    }
    if (code != SQLITE_IOERR && code != SQLITE_CANTOPEN) {
        return CLEAT_IO;
    }
    switch (sqlite3_system_errno(db)) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return CLEAT_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS: return CLEAT_READ_ONLY;
    default: return CLEAT_IO;
    }
}

static const char *advice(cleat_status status)
{
    switch (status) {
    case CLEAT_DISK_FULL: return "; free some space and start again";
    case CLEAT_BUSY: return "; another program holds the file";
    case CLEAT_READ_ONLY: return "; make the file and its directory writable";
    case CLEAT_CORRUPT: return "; the file is damaged: restore a copy, or use another file";
    case CLEAT_NOT_A_DATABASE: return "; use another file";
    default: return "";
    }
}

cleat_status cleat__sqlite_error(sqlite3 *db, const char *while_doing)
{
    cleat_status status = status_of(db);
    const char *path = sqlite3_db_filename(db, "main");
    if (status == CLEAT_TIMEOUT) { /* nothing is wrong with the file: who asked was no longer waited for */
        return cleat__fail(status, "%s took too long: ask for less", while_doing);
    }
    /* Also when the system gives no reason: a file left with a log needs a directory to write in. */
    bool closed = (sqlite3_extended_errcode(db) & 0xFF) == SQLITE_CANTOPEN;
    return cleat__fail(status, "%s: %s while %s%s", path != NULL && path[0] != '\0' ? path : "database",
                       sqlite3_errmsg(db), while_doing, advice(closed ? CLEAT_READ_ONLY : status));
}

cleat_status cleat__sqlite_exec(sqlite3 *db, const char *sql, const char *while_doing)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? CLEAT_OK
                                                                : cleat__sqlite_error(db, while_doing);
}
