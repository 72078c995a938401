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

#include <stdio.h>

enum { STEP_PAGES = 512, STEP_INSTRUCTIONS = 100000 };

typedef struct backup {
    const cleat__backup_options *options;
    sqlite3 *from, *to;
    char *from_path;
    cleat__new_file file;
    cleat__backup_result *result;
    char wrong[512]; /* the first thing */
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
    return it->options->step == NULL ||
           it->options->step(it->options->argument, copied * page_size, pages * page_size);
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

static cleat_status fail_given_up(void)
{
    return cleat__fail(CLEAT_CANCELLED, "the backup was broken off");
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
    return code == SQLITE_OK ? fail_given_up() : cleat__sqlite_error(it->to, "copying into it");
}

/* ---- Looking at the copy ---- */

static void see(void *argument, const cleat__finding *finding)
{
    backup *it = argument;
    if (it->wrong[0] == '\0') {
        snprintf(it->wrong, sizeof(it->wrong), "%.*s (%.*s)", CLEAT_SLICE_ARGS(finding->what),
                 CLEAT_SLICE_ARGS(finding->holds));
    }
}

static int is_given_up(void *argument)
{
    const backup *it = argument;
    const cleat__backup_options *options = it->options;
    return options->step != NULL && !options->step(options->argument, it->result->bytes, it->result->bytes);
}

/* What is damaged is not looked at any further: nothing else could be said of it. */
static cleat_status check_rules(backup *it, cleat__store *store)
{
    int *rules = &it->result->rules;
    cleat_status status = cleat__store_begin(store);
    if (status == CLEAT_OK) {
        status = cleat__check_schema(store, see, it, rules);
    }
    if (status == CLEAT_OK && it->wrong[0] == '\0') {
        status = cleat__check_tables(store, see, it, rules);
    }
    if (status == CLEAT_OK && it->wrong[0] == '\0' && it->options->check != NULL) {
        status = it->options->check(store, see, it, rules);
    }
    cleat__store_rollback(store);
    return status;
}

static cleat_status check_content(backup *it)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(it->file.partial, CLEAT__STORE_READ, &store);
    if (status == CLEAT_OK) {
        sqlite3_progress_handler(cleat__store_db(store), STEP_INSTRUCTIONS, is_given_up, it);
        status = check_rules(it, store);
    }
    cleat__store_close(store);
    return status;
}

static cleat_status check_pages(backup *it)
{
    sqlite3 *db = NULL;
    bool is_still = false;
    cleat_status status = cleat__reading_open(it->file.partial, &db, &is_still);
    if (status == CLEAT_OK) {
        sqlite3_progress_handler(db, STEP_INSTRUCTIONS, is_given_up, it);
        status = cleat__check_pages(db, see, it, &it->result->rules);
    }
    sqlite3_close(db);
    return status;
}

static cleat_status check_copy(backup *it)
{
    cleat_status status = check_pages(it);
    if (status == CLEAT_OK && it->wrong[0] == '\0' && it->result->schema == cleat__schema_newest()) {
        status = check_content(it);
    }
    if (status == CLEAT_TIMEOUT) { /* nothing else interrupts SQLite */
        return fail_given_up();
    }
    bool is_wrong = it->wrong[0] != '\0';
    if (status == CLEAT_CORRUPT || (status == CLEAT_OK && is_wrong)) {
        return cleat__fail(CLEAT_CORRUPT,
                           "no copy was kept, for %s is not as it must be: %s; cleat check tells all of it",
                           it->from_path, is_wrong ? it->wrong : "its pages are damaged");
    }
    return status;
}

/* ---- All of it ---- */

static cleat_status make(backup *it)
{
    cleat_status status = cleat__new_file_begin(&it->file, it->options->to);
    if (status == CLEAT_OK) {
        status = open_copy(it);
    }
    if (status == CLEAT_OK) {
        status = copy(it);
    }
    sqlite3_close(it->to);
    if (status == CLEAT_OK && it->options->is_checked) {
        status = check_copy(it);
    }
    return status == CLEAT_OK ? cleat__new_file_keep(&it->file) : status;
}

cleat_status cleat__backup(const cleat__backup_options *options, cleat__backup_result *out)
{
    backup it = {.options = options, .file = CLEAT__NEW_FILE_INIT, .result = out};
    bool exists = false;
    *out = (cleat__backup_result){0};
    cleat_status status = cleat__path_resolve(options->from, false, true, &it.from_path, &exists);
    if (status == CLEAT_OK) {
        status = open_source(&it);
    }
    if (status == CLEAT_OK) {
        status = make(&it);
    }
    cleat__new_file_end(&it.file);
    sqlite3_close(it.from);
    cleat__free(it.from_path);
    return status;
}
