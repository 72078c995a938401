/*
 * By SQLite's online backup. All of it is read in one transaction: otherwise SQLite would begin again with each
 * commit of the engine, and never come to an end. Writers are not held up by it; their log cannot be reused meanwhile
 * and grows by what they write.
 *
 * The copy is made under another name, NAME-partial, and gets its own when it is whole: a backup that was broken off,
 * even with the machine, is never taken for one. Two of the same name exclude each other by the lock of that name.
 */
#define _GNU_SOURCE /* O_CLOEXEC, O_DIRECTORY */
#include "store/backup.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/lock.h"
#include "store/migrate.h"
#include "store/path.h"
#include "store/sqlite_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { STEP_PAGES = 512, BUSY_TIMEOUT_MS = 5000 };

typedef struct backup {
    sqlite3 *from, *to;
    char *from_path, *to_path, *partial_path;
    cleat__lock lock;
    bool is_making; /* the partial file is ours */
    cleat__backup_step step;
    void *argument;
    cleat__backup_result *result;
} backup;

static cleat_status fail_file(const char *path, const char *doing)
{
    cleat_status status = errno == ENOSPC || errno == EDQUOT ? CLEAT_DISK_FULL : CLEAT_IO;
    return cleat__fail(status, "cannot %s %s: %s; use another file", doing, path, strerror(errno));
}

static cleat_status fail_exists(const char *path)
{
    return cleat__fail(CLEAT_ALREADY_EXISTS, "%s is there already; remove it, or use another name", path);
}

/* ---- Names ---- */

static cleat_status find_paths(backup *it, const char *from, const char *to)
{
    bool exists = false;
    cleat_status status = cleat__path_resolve(from, false, true, &it->from_path, &exists);
    if (status == CLEAT_OK) {
        status = cleat__path_resolve(to, false, false, &it->to_path, &exists);
        status = status == CLEAT_OK && exists ? fail_exists(to) : status;
    }
    if (status != CLEAT_OK) {
        return status;
    }
    size_t size = strlen(it->to_path) + sizeof("-partial");
    it->partial_path = cleat__malloc(size);
    if (it->partial_path == NULL) {
        return cleat__fail_memory();
    }
    snprintf(it->partial_path, size, "%s-partial", it->to_path);
    return CLEAT_OK;
}

/* Under the lock, so that what lies there is of a backup that was broken off. The keys of tokens are in it. */
static cleat_status make_partial(backup *it)
{
    if (unlink(it->partial_path) != 0 && errno != ENOENT) {
        return fail_file(it->partial_path, "remove");
    }
    int fd = open(it->partial_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_file(it->partial_path, "create");
    }
    close(fd);
    it->is_making = true;
    return CLEAT_OK;
}

/* ---- The two files ---- */

/* Until it is known that the file is ours, closing must not move its log into it. */
static cleat_status open_source(backup *it)
{
    if (sqlite3_open_v2(it->from_path, &it->from, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL) !=
        SQLITE_OK) {
        return it->from != NULL ? cleat__sqlite_error(it->from, "opening it") : cleat__fail_memory();
    }
    sqlite3_extended_result_codes(it->from, 1);
    sqlite3_busy_timeout(it->from, BUSY_TIMEOUT_MS);
    sqlite3_db_config(it->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    cleat_status status = cleat__schema_check(it->from, it->from_path, &it->result->schema);
    if (status == CLEAT_OK && it->result->schema == 0) {
        status = cleat__fail(CLEAT_NOT_A_DATABASE, "%s is empty: no client has used it yet", it->from_path);
    }
    if (status == CLEAT_OK) {
        sqlite3_db_config(it->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    /* From its first query on the transaction sees one state. */
    return status == CLEAT_OK
               ? cleat__sqlite_exec(it->from, "BEGIN; SELECT count(*) FROM sqlite_schema", "reading it")
               : status;
}

static cleat_status open_copy(backup *it)
{
    if (sqlite3_open_v2(it->partial_path, &it->to, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL) !=
        SQLITE_OK) {
        return it->to != NULL ? cleat__sqlite_error(it->to, "opening it") : cleat__fail_memory();
    }
    sqlite3_extended_result_codes(it->to, 1);
    return cleat__sqlite_exec(it->to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", "opening it");
}

static bool goes_on(const backup *it, sqlite3_backup *copying, int64_t page_size)
{
    int64_t pages = sqlite3_backup_pagecount(copying);
    int64_t copied = pages - sqlite3_backup_remaining(copying);
    it->result->bytes = copied * page_size;
    return it->step == NULL || it->step(it->argument, copied * page_size, pages * page_size);
}

static cleat_status read_page_size(backup *it, int64_t *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = CLEAT_OK;
    if (sqlite3_prepare_v2(it->from, "PRAGMA page_size", -1, &select, NULL) == SQLITE_OK &&
        sqlite3_step(select) == SQLITE_ROW) {
        *out = sqlite3_column_int64(select, 0);
    } else {
        status = cleat__sqlite_error(it->from, "reading it");
    }
    sqlite3_finalize(select);
    return status;
}

static cleat_status copy(backup *it)
{
    int64_t page_size = 0;
    int code = SQLITE_OK;
    bool is_wanted = true;
    cleat_status status = read_page_size(it, &page_size);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_backup *copying = sqlite3_backup_init(it->to, "main", it->from, "main");
    if (copying == NULL) {
        return cleat__sqlite_error(it->to, "copying into it");
    }
    while (code == SQLITE_OK && is_wanted) {
        code = sqlite3_backup_step(copying, STEP_PAGES);
        is_wanted = goes_on(it, copying, page_size);
    }
    int end = sqlite3_backup_finish(copying);
    if (code == SQLITE_DONE) {
        return end == SQLITE_OK ? CLEAT_OK : cleat__sqlite_error(it->to, "copying into it");
    }
    return code == SQLITE_OK ? cleat__fail(CLEAT_CANCELLED, "the backup was broken off")
                             : cleat__sqlite_error(it->to, "copying into it");
}

/* ---- Its own name ---- */

static cleat_status sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    cleat_status status = fd >= 0 && fsync(fd) == 0 ? CLEAT_OK : fail_file(path, "write");
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static cleat_status sync_directory(const backup *it)
{
    char *directory = cleat__strdup(it->to_path); /* which is absolute */
    if (directory == NULL) {
        return cleat__fail_memory();
    }
    directory[strrchr(directory, '/') - directory + 1] = '\0';
    cleat_status status = sync_path(directory, O_RDONLY | O_DIRECTORY);
    cleat__free(directory);
    return status;
}

/* A link, unlike a rename, replaces nothing; some file systems have none. */
static cleat_status give_name(const backup *it)
{
    if (link(it->partial_path, it->to_path) == 0) {
        (void)unlink(it->partial_path);
        return CLEAT_OK;
    }
    if (errno == EEXIST || access(it->to_path, F_OK) == 0) {
        return fail_exists(it->to_path);
    }
    return rename(it->partial_path, it->to_path) == 0 ? CLEAT_OK : fail_file(it->to_path, "create");
}

static cleat_status make(backup *it)
{
    cleat_status status = make_partial(it);
    if (status == CLEAT_OK) {
        status = open_copy(it);
    }
    if (status == CLEAT_OK) {
        status = copy(it);
    }
    sqlite3_close(it->to);
    if (status == CLEAT_OK) {
        status = sync_path(it->partial_path, O_RDONLY);
    }
    if (status == CLEAT_OK) {
        status = give_name(it);
    }
    if (status == CLEAT_OK) {
        it->is_making = false;
        status = sync_directory(it);
    }
    if (it->is_making) {
        (void)unlink(it->partial_path);
    }
    return status;
}

cleat_status cleat__backup(const char *from, const char *to, cleat__backup_step step, void *argument,
                           cleat__backup_result *out)
{
    backup it = {.lock = CLEAT__LOCK_INIT, .step = step, .argument = argument, .result = out};
    *out = (cleat__backup_result){0};
    cleat_status status = find_paths(&it, from, to);
    if (status == CLEAT_OK) {
        status = open_source(&it);
    }
    if (status == CLEAT_OK) {
        status = cleat__lock_take(&it.lock, it.to_path, false);
    }
    if (status == CLEAT_OK) {
        status = make(&it);
    }
    cleat__lock_release(&it.lock);
    sqlite3_close(it.from);
    cleat__free(it.partial_path);
    cleat__free(it.to_path);
    cleat__free(it.from_path);
    return status;
}
