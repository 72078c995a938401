/*
 * By SQLite's online backup. All of it is read in one transaction: otherwise SQLite would begin again with each
 * commit of the engine, and never come to an end. Writers are not held up by it; their log cannot be reused meanwhile
 * and grows by what they write.
 */
#include "store/backup.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/migrate.h"
#include "store/new_file.h"
#include "store/path.h"
#include "store/reading.h"
#include "store/sqlite_error.h"

enum { STEP_PAGES = 512 };

typedef struct backup {
    sqlite3 *from, *to;
    char *from_path;
    cleat__new_file file;
    cleat__backup_step step;
    void *argument;
    cleat__backup_result *result;
} backup;

/* ---- The two files ---- */

/* Until it is known that the file is ours, closing must not move its log into it. */
static cleat_status open_source(backup *it)
{
    bool is_still = false;
    cleat_status status = cleat__reading_open(it->from_path, &it->from, &is_still);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_db_config(it->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    status = cleat__schema_check(it->from, it->from_path, &it->result->schema);
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
    if (sqlite3_open_v2(it->file.partial, &it->to, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL) !=
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

static cleat_status make(backup *it, const char *to)
{
    cleat_status status = cleat__new_file_begin(&it->file, to);
    if (status == CLEAT_OK) {
        status = open_copy(it);
    }
    if (status == CLEAT_OK) {
        status = copy(it);
    }
    sqlite3_close(it->to);
    return status == CLEAT_OK ? cleat__new_file_keep(&it->file) : status;
}

cleat_status cleat__backup(const char *from, const char *to, cleat__backup_step step, void *argument,
                           cleat__backup_result *out)
{
    backup it = {.file = CLEAT__NEW_FILE_INIT, .step = step, .argument = argument, .result = out};
    bool exists = false;
    *out = (cleat__backup_result){0};
    cleat_status status = cleat__path_resolve(from, false, true, &it.from_path, &exists);
    if (status == CLEAT_OK) {
        status = open_source(&it);
    }
    if (status == CLEAT_OK) {
        status = make(&it, to);
    }
    cleat__new_file_end(&it.file);
    sqlite3_close(it.from);
    cleat__free(it.from_path);
    return status;
}
