#include "store/import.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/bind.h"
#include "store/export.h"
#include "store/merge.h"
#include "store/migrate.h"
#include "store/new_file.h"
#include "store/path.h"
#include "store/sqlite_error.h"
#include "store/table.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static const char doing[] = "importing it";

enum { STEP_INSTRUCTIONS = 100000 };

typedef struct importing {
    const cleat__import_options *options;
    cleat__import_result *result;
    char *path;
    cleat__new_file file; /* the one of the lines' own */
    cleat__store *store;  /* on that */
    cleat__tables tables;
    sqlite3_stmt **inserts; /* one for each table, as they are used */
    int64_t line;           /* the newest: 1, 2, .. */
    bool has_first, has_last;
    char wrong[512]; /* the first rule that does not hold */
} importing;

static cleat_status fail_line(const importing *it, const char *what, const char *name)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "line %lld: %s%s%s", (long long)it->line, what,
                       name[0] != '\0' ? " " : "", name);
}

/* ---- Breaking it off ---- */

static int is_given_up(void *argument)
{
    const cleat__import_options *options = argument;
    return options->goes_on != NULL && !options->goes_on(options->argument);
}

/* Whatever takes its time in it. */
static void watch(const importing *it, cleat__store *store)
{
    sqlite3_progress_handler(cleat__store_db(store), STEP_INSTRUCTIONS, is_given_up,
                             (void *)(uintptr_t)it->options);
}

/* ---- A row ---- */

/* {"hex":".."} as bytes, {"text_hex":".."} as text. */
static cleat_status bind_hex(const importing *it, sqlite3_stmt *insert, int index, const char *kind,
                             const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    bool is_text = strcmp(kind, "text_hex") == 0;
    size_t size = strlen(hex);
    if (size % 2 != 0 || strspn(hex, digits) != size || (!is_text && strcmp(kind, "hex") != 0)) {
        return fail_line(it, "no bytes in hexadecimal", "");
    }
    char *bytes = cleat__malloc(size / 2 + 1);
    if (bytes == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < size; i += 2) {
        bytes[i / 2] = (char)((strchr(digits, hex[i]) - digits) << 4 | (strchr(digits, hex[i + 1]) - digits));
    }
    int code = is_text ? sqlite3_bind_text64(insert, index, bytes, size / 2, SQLITE_TRANSIENT, SQLITE_UTF8)
                       : sqlite3_bind_blob64(insert, index, bytes, size / 2, SQLITE_TRANSIENT);
    cleat__free(bytes);
    return code == SQLITE_OK ? CLEAT_OK : cleat__store_error(it->store, doing);
}

static cleat_status bind_string(const importing *it, sqlite3_stmt *insert, int index, bool is_blob,
                                const json_t *value)
{
    cleat_slice text = {json_string_value(value), json_string_length(value)};
    cleat__uuid id;
    int code;
    if (!is_blob) {
        code = sqlite3_bind_text64(insert, index, text.data, text.size, SQLITE_TRANSIENT, SQLITE_UTF8);
    } else if (text.size != 36 || cleat__uuid_parse(text, &id) != CLEAT_OK) {
        return fail_line(it, "no UUID:", text.data);
    } else {
        code = sqlite3_bind_blob64(insert, index, id.bytes, sizeof(id.bytes), SQLITE_TRANSIENT);
    }
    return code == SQLITE_OK ? CLEAT_OK : cleat__store_error(it->store, doing);
}

static cleat_status bind_value(const importing *it, sqlite3_stmt *insert, int index, bool is_blob,
                               json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_INTEGER: sqlite3_bind_int64(insert, index, json_integer_value(value)); return CLEAT_OK;
    case JSON_REAL: sqlite3_bind_double(insert, index, json_real_value(value)); return CLEAT_OK;
    case JSON_STRING: return bind_string(it, insert, index, is_blob, value);
    case JSON_OBJECT: {
        void *member = json_object_iter(value);
        const json_t *hex = member != NULL ? json_object_iter_value(member) : NULL;
        return json_object_size(value) == 1 && json_is_string(hex)
                   ? bind_hex(it, insert, index, json_object_iter_key(member), json_string_value(hex))
                   : fail_line(it, "no bytes in hexadecimal", "");
    }
    default: return fail_line(it, "a value is no number, text or bytes", "");
    }
}

static cleat_status bind_row(const importing *it, const cleat__table *table, json_t *row,
                             sqlite3_stmt *insert)
{
    const char *name;
    json_t *value;
    json_object_foreach(row, name, value)
    {
        size_t column = cleat__table_column_of(table, name);
        if (strcmp(name, "table") == 0) {
            continue;
        }
        if (column == table->count) {
            return fail_line(it, "there is no such column:", name);
        }
        cleat_status status = bind_value(it, insert, (int)column + 1, table->columns[column].is_blob, value);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}

static cleat_status prepare_insert(importing *it, const cleat__table *table, sqlite3_stmt **out)
{
    sqlite3 *db = cleat__store_db(it->store);
    sqlite3_stmt **place = &it->inserts[table - it->tables.items];
    if (*place == NULL) {
        sqlite3_str *sql = sqlite3_str_new(db);
        sqlite3_str_appendf(sql, "INSERT INTO \"%w\" VALUES (?1", table->name);
        for (size_t i = 1; i < table->count; i++) {
            sqlite3_str_appendf(sql, ", ?%d", (int)i + 1);
        }
        sqlite3_str_appendall(sql, ")");
        char *text = sqlite3_str_finish(sql);
        if (text == NULL) {
            return cleat__fail_memory();
        }
        int code = sqlite3_prepare_v2(db, text, -1, place, NULL);
        sqlite3_free(text);
        if (code != SQLITE_OK) {
            return cleat__store_error(it->store, doing);
        }
    }
    *out = *place;
    return CLEAT_OK;
}

static cleat_status insert_row(importing *it, const cleat__table *table, json_t *row)
{
    sqlite3_stmt *insert = NULL;
    cleat_status status = prepare_insert(it, table, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_clear_bindings(insert);
    status = bind_row(it, table, row, insert);
    if (status == CLEAT_OK && sqlite3_step(insert) != SQLITE_DONE) {
        int code = sqlite3_extended_errcode(cleat__store_db(it->store)) & 0xff;
        bool is_of_row = code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH;
        status = is_of_row ? fail_line(it, sqlite3_errmsg(cleat__store_db(it->store)), "")
                           : cleat__store_error(it->store, doing);
    }
    sqlite3_reset(insert);
    it->result->rows += status == CLEAT_OK;
    bool is_run = strcmp(table->name, "task") == 0 && json_object_get(row, "dag_id") == NULL;
    it->result->runs += status == CLEAT_OK && is_run; /* else it is a task of one */
    return status;
}

/* ---- Lines ---- */

static cleat_status read_first(importing *it, const json_t *line)
{
    const char *what = json_string_value(json_object_get(line, "cleat"));
    if (what == NULL || strcmp(what, "export") != 0) {
        return fail_line(it, "this is not what cleat export writes", "");
    }
    int64_t format = json_integer_value(json_object_get(line, "format"));
    int64_t schema = json_integer_value(json_object_get(line, "schema"));
    bool is_format = format != CLEAT__EXPORT_FORMAT;
    if (is_format || schema != cleat__schema_newest()) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "it was exported by another version of Cleat (%s %lld, this one has %d): import "
                           "with that one, and use the file with this one",
                           is_format ? "format" : "schema", (long long)(is_format ? format : schema),
                           is_format ? CLEAT__EXPORT_FORMAT : cleat__schema_newest());
    }
    it->has_first = true;
    return CLEAT_OK;
}

static cleat_status read_last(importing *it, const json_t *line)
{
    const json_t *rows = json_object_get(line, "rows");
    if (!json_is_integer(rows)) {
        return fail_line(it, "it says neither a table nor the number of rows", "");
    }
    if (json_integer_value(rows) != it->result->rows) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "line %lld: of %lld rows there are %lld",
                           (long long)it->line, (long long)json_integer_value(rows),
                           (long long)it->result->rows);
    }
    it->has_last = true;
    return CLEAT_OK;
}

static cleat_status read_object(importing *it, json_t *line)
{
    if (!json_is_object(line)) {
        return fail_line(it, "it is no JSON object", "");
    }
    if (it->has_last) {
        return fail_line(it, "it stands behind the last one", "");
    }
    if (!it->has_first) {
        return read_first(it, line);
    }
    const char *name = json_string_value(json_object_get(line, "table"));
    if (name == NULL) {
        return read_last(it, line);
    }
    const cleat__table *table = cleat__tables_find(&it->tables, cleat_slice_of(name));
    return table != NULL ? insert_row(it, table, line) : fail_line(it, "there is no such table:", name);
}

static cleat_status read_line(importing *it, cleat_slice text)
{
    json_error_t error;
    it->line++;
    json_t *line = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    cleat_status status = line != NULL ? read_object(it, line) : fail_line(it, "it is no JSON:", error.text);
    json_decref(line);
    return status;
}

static cleat_status read_lines(importing *it)
{
    cleat_slice line;
    cleat_status status;
    while ((status = it->options->read(it->options->argument, &line)) == CLEAT_OK) {
        status = read_line(it, line);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    if (status != CLEAT_EMPTY || it->has_last) {
        return status == CLEAT_EMPTY ? CLEAT_OK : status;
    }
    return it->line == 0 ? cleat__fail(CLEAT_INVALID_ARGUMENT, "there is no line in it: is it an export?")
                         : cleat__fail(CLEAT_INVALID_ARGUMENT,
                                       "it ends with line %lld, which is not the last one of an export",
                                       (long long)it->line);
}

/* ---- Rules ---- */

static void see(void *argument, const cleat__finding *finding)
{
    importing *it = argument;
    if (it->wrong[0] == '\0') {
        snprintf(it->wrong, sizeof(it->wrong), "%.*s (%.*s)", CLEAT_SLICE_ARGS(finding->what),
                 CLEAT_SLICE_ARGS(finding->holds));
    }
}

static cleat_status check_rules(importing *it, cleat__store *store)
{
    int rules = 0;
    cleat_status status = cleat__check_tables(store, see, it, &rules);
    if (status == CLEAT_OK && it->options->check != NULL) {
        status = it->options->check(store, see, it, &rules);
    }
    return status == CLEAT_OK && it->wrong[0] != '\0'
               ? cleat__fail(CLEAT_FAILED_PRECONDITION,
                             "nothing was imported, for it does not hold together: %s", it->wrong)
               : status;
}

/* ---- The file of the lines ---- */

static cleat_status load(importing *it)
{
    sqlite3 *db = cleat__store_db(it->store);
    cleat_status status = cleat__store_begin(it->store);
    if (status == CLEAT_OK) { /* what each file has from the beginning is in the lines */
        status = cleat__sqlite_exec(db, "DELETE FROM tenant; DELETE FROM span_total", doing);
    }
    if (status == CLEAT_OK) {
        status = cleat__tables_init(&it->tables, db);
    }
    if (status == CLEAT_OK) {
        it->inserts = cleat__calloc(it->tables.count, sizeof(sqlite3_stmt *));
        status = it->inserts != NULL ? read_lines(it) : cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        status = check_rules(it, it->store);
    }
    return status == CLEAT_OK ? cleat__store_commit(it->store) : status;
}

static void close_lines(importing *it)
{
    for (size_t i = 0; it->inserts != NULL && i < it->tables.count; i++) {
        sqlite3_finalize(it->inserts[i]);
    }
    cleat__free(it->inserts);
    it->inserts = NULL;
    cleat__tables_deinit(&it->tables);
    if (it->store != NULL) {
        cleat__store_rollback(it->store);
    }
    cleat__store_close(it->store);
    it->store = NULL;
}

static cleat_status load_into(importing *it, const char *path)
{
    cleat_status status = cleat__new_file_begin(&it->file, path);
    if (status == CLEAT_OK) {
        status = cleat__store_open(it->file.partial, CLEAT__STORE_WRITE_UNSYNCED, &it->store);
    }
    if (status == CLEAT_OK) {
        watch(it, it->store);
        status = load(it);
    }
    close_lines(it);
    return status;
}

/* ---- A file that is there ---- */

static cleat_status merge_into(importing *it, cleat__store *target)
{
    sqlite3 *db = cleat__store_db(target);
    watch(it, target);
    char *attach = sqlite3_mprintf("ATTACH %Q AS other", it->file.partial);
    cleat_status status = attach != NULL ? cleat__sqlite_exec(db, attach, doing) : cleat__fail_memory();
    sqlite3_free(attach);
    if (status == CLEAT_OK) {
        status = cleat__store_begin(target);
    }
    if (status == CLEAT_OK) {
        status = cleat__merge(target, &it->result->copies);
    }
    if (status == CLEAT_OK) {
        status = check_rules(it, target);
    }
    return status == CLEAT_OK ? cleat__store_commit(target) : status;
}

static cleat_status add_to_file(importing *it)
{
    cleat__store *target = NULL;
    char *path = sqlite3_mprintf("%s-import", it->path);
    cleat_status status =
        path != NULL ? cleat__store_open(it->path, CLEAT__STORE_WRITE, &target) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = load_into(it, path);
    }
    if (status == CLEAT_OK) {
        status = merge_into(it, target);
    }
    if (target != NULL) {
        cleat__store_rollback(target);
    }
    cleat__store_close(target);
    sqlite3_free(path);
    return status;
}

static cleat_status make_file(importing *it)
{
    cleat_status status = load_into(it, it->path);
    return status == CLEAT_OK ? cleat__new_file_keep(&it->file) : status;
}

cleat_status cleat__import(const cleat__import_options *options, cleat__import_result *out)
{
    importing it = {.options = options, .result = out, .file = CLEAT__NEW_FILE_INIT};
    bool exists = false;
    *out = (cleat__import_result){.rows = 0};
    cleat_status status = cleat__path_resolve(options->path, true, false, &it.path, &exists);
    if (status == CLEAT_OK) {
        out->is_new = !exists;
        status = exists ? add_to_file(&it) : make_file(&it);
    }
    cleat__new_file_end(&it.file);
    cleat__free(it.path);
    /* Nothing else interrupts SQLite. */
    return status == CLEAT_TIMEOUT ? cleat__fail(CLEAT_CANCELLED, "the import was broken off") : status;
}
