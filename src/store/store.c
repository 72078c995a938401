/*
 * Opening, in an order that leaves a refused file as it was: look at the path, take the lock, let
 * SQLite open the file, see whose it is, and only then switch it to WAL and migrate. A file with a
 * write-ahead log left by a crash is not checkpointed by the look (NO_CKPT_ON_CLOSE).
 *
 * Checkpoints: SQLite's automatic ones, every CHECKPOINT_PAGES pages (16 MB of log). Throughput was
 * measured alike from 1,000 pages, the default, to 8,000; what counts is that the pause of a
 * checkpoint, which holds up whatever comes meanwhile, meets fewer than one in a hundred tasks of a
 * steady load (one writes about five pages), while recovery after a crash has little to read.
 *
 * While a reader looks at an old state the log cannot be reused and grows. It is cut down to
 * LOG_BYTES_KEPT when it can be again; below that its space is kept, as writing over is cheaper: a file
 * that gets longer has its length written with each sync. So while the log grows for the first time it
 * gets its space in steps, between commits; not for a file that is hardly used.
 */
#include "store/store.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "base/thread.h"
#include "store/inode_lock.h"
#include "store/lock.h"
#include "store/migrate.h"
#include "store/path.h"
#include "store/reading.h"
#include "store/sqlite_error.h"

#include <stdio.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS  5000
#define SHARE_TIMEOUT_MS 2000
#define CHECKPOINT_PAGES "4000"
#define CACHE_KIB        "32768"
#define LOG_BYTES_KEPT   "67108864"
#define LOG_BYTES_LEAST \
    ((sqlite3_int64)512 * 1024) /* before it gets space ahead: a new schema has half of it */
#define LOG_BYTES_MOST ((sqlite3_int64)16 * 1024 * 1024) /* about where checkpoints begin */
#define LOG_BYTES_STEP ((sqlite3_int64)1024 * 1024)
#define PAGE_SIZE      "4096"

/* A prepared statement; the map's key is the address of its text. */
typedef struct statement {
    const char *sql;
    sqlite3_stmt *prepared;
} statement;

struct cleat__store {
    sqlite3 *db;
    cleat__lock lock;
    cleat__inode_lock inode; /* an engine's */
    char *path;
    cleat__store_mode mode;
    bool created;  /* this open made the file */
    bool is_still; /* nobody writes it: see store/reading.h */
    cleat__map statements;
    sqlite3_int64 log_bytes; /* of the log's file when it last got space */
};

/* ---- Open ---- */

static bool writes(const cleat__store *store)
{
    return store->mode != CLEAT__STORE_READ;
}

static bool has_log(const char *path)
{
    char *log = sqlite3_mprintf("%s-wal", path);
    bool has = log != NULL && access(log, F_OK) == 0;
    sqlite3_free(log);
    return has;
}

static cleat_status open_sqlite(cleat__store *store, bool create)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    if (!writes(store)) {
        return cleat__reading_open(store->path, &store->db, &store->is_still);
    }
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) {
        return store->db != NULL ? cleat__sqlite_error(store->db, "opening it") : cleat__fail_memory();
    }
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    return CLEAT_OK;
}

/* Until it is known that the file is ours, closing must not move its log into it. */
static cleat_status check_identity(cleat__store *store, int *version)
{
    bool had_log = has_log(store->path);
    if (had_log) {
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    cleat_status status = cleat__schema_check(store->db, store->path, version);
    if (status == CLEAT_OK && had_log) {
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    return status;
}

static cleat_status check_writable(cleat__store *store)
{
    return sqlite3_db_readonly(store->db, "main") != 1
               ? CLEAT_OK
               : cleat__fail(CLEAT_READ_ONLY, "%s is read-only; make it writable, or use another file",
                             store->path);
}

/* SQLite does not wait here for somebody who is just looking what kind of file it is. */
static cleat_status switch_to_log(cleat__store *store)
{
    cleat_status status;
    int64_t deadline = cleat__deadline_ns(BUSY_TIMEOUT_MS);
    while ((status = cleat__sqlite_exec(store->db, "PRAGMA journal_mode=WAL", "opening it")) == CLEAT_BUSY &&
           cleat__remaining_ms(deadline) > 0) {
        cleat__lock_wait();
    }
    return status;
}

static cleat_status prepare_writing(cleat__store *store, int version)
{
    static const char doing[] = "opening it";
    cleat_status status = check_writable(store);
    if (status == CLEAT_OK && version == 0) {
        status = cleat__sqlite_exec(store->db, "PRAGMA page_size=" PAGE_SIZE, doing);
    }
    if (status == CLEAT_OK) {
        status = switch_to_log(store);
    }
    if (status == CLEAT_OK) {
        status = cleat__sqlite_exec(store->db,
                                    "PRAGMA wal_autocheckpoint=" CHECKPOINT_PAGES
                                    "; PRAGMA journal_size_limit=" LOG_BYTES_KEPT
                                    "; PRAGMA cache_size=-" CACHE_KIB,
                                    doing);
    }
    if (status == CLEAT_OK) {
        bool synced = store->mode != CLEAT__STORE_WRITE_UNSYNCED;
        status = cleat__sqlite_exec(store->db, synced ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF",
                                    doing);
    }
    return status == CLEAT_OK ? cleat__schema_migrate(store->db, version) : status;
}

static cleat_status prepare_reading(cleat__store *store, int version)
{
    if (version == 0) {
        return cleat__fail(CLEAT_NOT_A_DATABASE, "%s is empty: no client has used it yet", store->path);
    }
    if (version != cleat__schema_newest()) {
        return cleat__fail(
            CLEAT_FAILED_PRECONDITION,
            "%s has schema %d, this Cleat reads %d: %sstart a worker or client on %s once, which "
            "brings it up to date",
            store->path, version, cleat__schema_newest(),
            store->is_still ? "copy it to where it can be written, and " : "",
            store->is_still ? "the copy" : "it");
    }
    return cleat__sqlite_exec(store->db, "PRAGMA query_only=1", "opening it");
}

/* Checkpoints are the engine's business: here they would only make a short call long. */
static cleat_status prepare_sharing(cleat__store *store)
{
    cleat_status status = check_writable(store);
    return status == CLEAT_OK
               ? cleat__sqlite_exec(store->db, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0",
                                    "opening it")
               : status;
}

/* Opens the file for what the store's mode says; whatever lock that needs is held. */
static cleat_status open_and_prepare(cleat__store *store)
{
    store->created = access(store->path, F_OK) != 0; /* now that nobody else creates it */
    cleat_status status = open_sqlite(store, writes(store));
    int version = 0;
    /* Who shares it keeps it open when the other lock is released, and would lose SQLite's. */
    if (status == CLEAT_OK && writes(store) && store->mode != CLEAT__STORE_SHARE) {
        status = cleat__inode_lock_take(&store->inode, store->path);
    }
    if (status == CLEAT_OK) {
        status = check_identity(store, &version);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    return writes(store) ? prepare_writing(store, version) : prepare_reading(store, version);
}

/* Opens the file when it is there and has the newest schema; else `*is_open` is false. */
static cleat_status open_current(cleat__store *store, bool *is_open)
{
    int version = 0;
    *is_open = false;
    if (access(store->path, F_OK) != 0) {
        return CLEAT_OK;
    }
    cleat_status status = open_sqlite(store, false);
    if (status == CLEAT_OK) {
        status = check_identity(store, &version);
    }
    if (status == CLEAT_OK && version == cleat__schema_newest()) {
        *is_open = true;
        return prepare_sharing(store);
    }
    sqlite3_close(store->db);
    store->db = NULL;
    return status;
}

/*
 * An engine that starts now may be about to make or migrate the file: it is given time for that. Making
 * and migrating here is under its lock, since an engine of an older version must not have the file.
 */
static cleat_status open_shared(cleat__store *store)
{
    int64_t deadline = cleat__deadline_ns(SHARE_TIMEOUT_MS);
    for (;;) {
        bool is_open = false;
        cleat_status status = open_current(store, &is_open);
        if (status != CLEAT_OK || is_open) {
            return status;
        }
        status = cleat__lock_take(&store->lock, store->path, true);
        if (status == CLEAT_OK) {
            status = open_and_prepare(store);
            if (status == CLEAT_OK) {
                cleat__lock_release(&store->lock);
            }
            return status;
        }
        if (status != CLEAT_BUSY || cleat__remaining_ms(deadline) <= 0) {
            return status;
        }
        cleat__lock_wait();
    }
}

static cleat_status open_file(cleat__store *store, const char *path)
{
    bool exists = false;
    cleat_status status = cleat__path_resolve(path, writes(store), !writes(store), &store->path, &exists);
    if (status != CLEAT_OK) {
        return status;
    }
    if (store->mode == CLEAT__STORE_SHARE) {
        return open_shared(store);
    }
    if (writes(store)) {
        status = cleat__lock_take(&store->lock, store->path, false);
    }
    return status == CLEAT_OK ? open_and_prepare(store) : status;
}

/* An open that failed leaves no file behind that was not there before. */
static void remove_created(const cleat__store *store)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char *name = sqlite3_mprintf("%s%s", store->path, suffixes[i]);
        if (name != NULL) {
            unlink(name);
        }
        sqlite3_free(name);
    }
}

static void close_store(cleat__store *store, bool failed)
{
    size_t cursor = 0;
    statement *entry;
    while ((entry = cleat__map_next(&store->statements, &cursor)) != NULL) {
        sqlite3_finalize(entry->prepared);
        cleat__free(entry);
    }
    cleat__map_deinit(&store->statements);
    sqlite3_close(store->db);
    if (failed && store->created && store->lock.fd >= 0) {
        remove_created(store);
    }
    cleat__inode_lock_release(&store->inode);
    cleat__lock_release(&store->lock);
    cleat__free(store->path);
    cleat__free(store);
}

cleat_status cleat__store_open(const char *path, cleat__store_mode mode, cleat__store **out)
{
    *out = NULL;
    cleat__store *store = cleat__calloc(1, sizeof(*store));
    if (store == NULL) {
        return cleat__fail_memory();
    }
    store->lock = (cleat__lock)CLEAT__LOCK_INIT;
    store->inode.fd = -1;
    store->mode = mode;
    cleat_status status = open_file(store, path);
    if (status != CLEAT_OK) {
        close_store(store, true);
        return status;
    }
    *out = store;
    return CLEAT_OK;
}

void cleat__store_close(cleat__store *store)
{
    if (store != NULL) {
        close_store(store, false);
    }
}

/* ---- Statements ---- */

sqlite3 *cleat__store_db(cleat__store *store)
{
    return store->db;
}

static cleat_status prepare_new(cleat__store *store, const char *sql, statement **out)
{
    statement *entry = cleat__calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return cleat__fail_memory();
    }
    entry->sql = sql;
    cleat_status status = CLEAT_OK;
    int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &entry->prepared, NULL);
    if ((code & 0xFF) == SQLITE_ERROR) { /* our statements are right: it is the tables that are other ones */
        status =
            cleat__fail(CLEAT_FAILED_PRECONDITION,
                        "the file was made by another build of Cleat, and has other tables than this one "
                        "knows (%s): use that build, or a new file",
                        sqlite3_errmsg(store->db));
    } else if (code != SQLITE_OK) {
        status = cleat__store_error(store, "preparing a statement");
    } else {
        status = cleat__map_put(&store->statements,
                                (cleat_slice){(const char *)&entry->sql, sizeof(entry->sql)}, entry);
    }
    if (status != CLEAT_OK) {
        sqlite3_finalize(entry->prepared);
        cleat__free(entry);
        return status;
    }
    *out = entry;
    return CLEAT_OK;
}

cleat_status cleat__store_prepare(cleat__store *store, const char *sql, sqlite3_stmt **out)
{
    *out = NULL;
    statement *entry = cleat__map_get(&store->statements, (cleat_slice){(const char *)&sql, sizeof(sql)});
    if (entry == NULL) {
        cleat_status status = prepare_new(store, sql, &entry);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    sqlite3_reset(entry->prepared);
    *out = entry->prepared;
    return CLEAT_OK;
}

cleat_status cleat__store_error(cleat__store *store, const char *while_doing)
{
    return cleat__sqlite_error(store->db, while_doing);
}

cleat_status cleat__store_rows_end(cleat__store *store, sqlite3_stmt *select, int code,
                                   const char *while_doing)
{
    cleat_status status = CLEAT_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        status = cleat__store_error(store, while_doing);
    }
    sqlite3_reset(select);
    return status;
}

/* ---- Transactions ---- */

static cleat_status run(cleat__store *store, const char *sql, const char *while_doing)
{
    sqlite3_stmt *prepared = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &prepared);
    if (status == CLEAT_OK && sqlite3_step(prepared) != SQLITE_DONE) {
        status = cleat__store_error(store, while_doing);
    }
    sqlite3_reset(prepared);
    return status;
}

cleat_status cleat__store_begin(cleat__store *store)
{
    static const char begin_write[] = "BEGIN IMMEDIATE", begin_read[] = "BEGIN";
    return run(store, writes(store) ? begin_write : begin_read, "beginning a transaction");
}

/* A query left open would pin its snapshot: the log could not be reused, and once another has committed, no
 * transaction that writes could begin. */
static void reset_queries(cleat__store *store)
{
    sqlite3_stmt *open = NULL;
    while ((open = sqlite3_next_stmt(store->db, open)) != NULL) {
        if (sqlite3_stmt_busy(open)) {
            sqlite3_reset(open);
        }
    }
}

cleat_status cleat__store_commit(cleat__store *store)
{
    static const char commit[] = "COMMIT";
    reset_queries(store);
    return run(store, commit, "committing");
}

void cleat__store_end_reads(cleat__store *store)
{
    if (sqlite3_get_autocommit(store->db) && sqlite3_txn_state(store->db, NULL) != SQLITE_TXN_NONE) {
        reset_queries(store);
    }
}

void cleat__store_rollback(cleat__store *store)
{
    static const char rollback[] = "ROLLBACK";
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, rollback, NULL, NULL, NULL);
    }
}

/* ---- The log's space ---- */

static sqlite3_file *log_file(cleat__store *store)
{
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    return code == SQLITE_OK && file != NULL && file->pMethods != NULL ? file : NULL;
}

static bool has_grown(const cleat__store *store, sqlite3_file *file, sqlite3_int64 *size)
{
    return file->pMethods->xFileSize(file, size) == SQLITE_OK && *size > store->log_bytes &&
           *size >= LOG_BYTES_LEAST && *size < LOG_BYTES_MOST;
}

/* Nobody else appends meanwhile. What follows the last commit in the log is read by nobody: zeros there are no
 * frame. */
static bool append_zeros(sqlite3_file *file, sqlite3_int64 size)
{
    static const char zeros[64 * 1024];
    sqlite3_int64 end = size + LOG_BYTES_STEP;
    int code = SQLITE_OK;
    for (sqlite3_int64 at = size; at < end && code == SQLITE_OK; at += (sqlite3_int64)sizeof(zeros)) {
        code = file->pMethods->xWrite(file, zeros, (int)sizeof(zeros), at);
    }
    if (code == SQLITE_OK) {
        code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    }
    if (code != SQLITE_OK) {
        (void)file->pMethods->xTruncate(file, size); /* what is left of the disk is for others */
    }
    return code == SQLITE_OK;
}

static bool wants_space(cleat__store *store, sqlite3_file **file)
{
    sqlite3_int64 size = 0;
    *file = store->mode != CLEAT__STORE_WRITE_UNSYNCED ? log_file(store) : NULL;
    return *file != NULL && has_grown(store, *file, &size);
}

bool cleat__store_wants_log(cleat__store *store)
{
    sqlite3_file *file;
    return wants_space(store, &file);
}

void cleat__store_extend_log(cleat__store *store)
{
    sqlite3_int64 size = 0;
    sqlite3_file *file;
    if (!wants_space(store, &file)) {
        return;
    }
    sqlite3_busy_timeout(store->db, 0); /* who writes just now is not waited for */
    cleat_status status = cleat__store_begin(store);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    if (status != CLEAT_OK) {
        return;
    }
    if (has_grown(store, file, &size)) {
        /* After a failure, of a full disk, never again: the log grows with the commits as it can. */
        store->log_bytes = append_zeros(file, size) ? size + LOG_BYTES_STEP : LOG_BYTES_MOST;
    }
    cleat__store_rollback(store);
}
