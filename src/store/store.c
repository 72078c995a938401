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
 * LOG_BYTES_KEPT when it can be again; below that its space is kept, as writing over is cheaper.
 */
#include "store/store.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "store/lock.h"
#include "store/migrate.h"
#include "store/path.h"
#include "store/sqlite_error.h"

#include <stdio.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS  5000
#define CHECKPOINT_PAGES "4000"
#define CACHE_KIB        "32768"
#define LOG_BYTES_KEPT   "67108864"
#define PAGE_SIZE        "4096"

/* A prepared statement; the map's key is the address of its text. */
typedef struct statement {
    const char *sql;
    sqlite3_stmt *prepared;
} statement;

struct cleat__store {
    sqlite3 *db;
    cleat__lock lock;
    char *path;
    cleat__store_mode mode;
    bool created; /* this open made the file */
    cleat__map statements;
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

static cleat_status open_sqlite(cleat__store *store)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (writes(store) ? SQLITE_OPEN_CREATE : 0);
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

static cleat_status prepare_writing(cleat__store *store, int version)
{
    static const char doing[] = "opening it";
    if (sqlite3_db_readonly(store->db, "main") == 1) {
        return cleat__fail(CLEAT_READ_ONLY, "%s is read-only; make it writable, or use another file",
                           store->path);
    }
    cleat_status status = CLEAT_OK;
    if (version == 0) {
        status = cleat__sqlite_exec(store->db, "PRAGMA page_size=" PAGE_SIZE, doing);
    }
    if (status == CLEAT_OK) {
        status = cleat__sqlite_exec(store->db,
                                    "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=" CHECKPOINT_PAGES
                                    "; PRAGMA journal_size_limit=" LOG_BYTES_KEPT
                                    "; PRAGMA cache_size=-" CACHE_KIB,
                                    doing);
    }
    if (status == CLEAT_OK) {
        bool synced = store->mode == CLEAT__STORE_WRITE;
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
            "%s has schema %d, this Cleat reads %d: start a worker or client on it once, which "
            "brings it up to date",
            store->path, version, cleat__schema_newest());
    }
    return cleat__sqlite_exec(store->db, "PRAGMA query_only=1", "opening it");
}

static cleat_status open_file(cleat__store *store, const char *path)
{
    bool exists = false;
    cleat_status status = cleat__path_resolve(path, writes(store), !writes(store), &store->path, &exists);
    if (status == CLEAT_OK && writes(store)) {
        status = cleat__lock_take(&store->lock, store->path);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    store->created = access(store->path, F_OK) != 0; /* now that nobody else creates it */
    status = open_sqlite(store);
    int version = 0;
    if (status == CLEAT_OK) {
        status = check_identity(store, &version);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    return writes(store) ? prepare_writing(store, version) : prepare_reading(store, version);
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
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &entry->prepared, NULL) !=
        SQLITE_OK) {
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

cleat_status cleat__store_commit(cleat__store *store)
{
    static const char commit[] = "COMMIT";
    /* A query left open would pin its snapshot, and the log could not be reused. */
    sqlite3_stmt *open = NULL;
    while ((open = sqlite3_next_stmt(store->db, open)) != NULL) {
        if (sqlite3_stmt_busy(open)) {
            sqlite3_reset(open);
        }
    }
    return run(store, commit, "committing");
}

void cleat__store_rollback(cleat__store *store)
{
    static const char rollback[] = "ROLLBACK";
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, rollback, NULL, NULL, NULL);
    }
}
