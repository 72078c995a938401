#include "store/export.h"

#include "base/error.h"
#include "base/buffer.h"
#include "base/utf8.h"
#include "store/bind.h"
#include "store/migrate.h"
#include "store/table.h"

static const char exporting[] = "exporting it";

typedef struct exporting_file {
    cleat__store *store;
    cleat_status (*write)(void *argument, cleat_slice line);
    void *argument;
    cleat__buffer line; /* as far as it is written */
    int64_t rows;
} exporting_file;

static cleat_status write_line(exporting_file *it)
{
    cleat__buffer_append_string(&it->line, "}\n");
    cleat_status status =
        it->line.failed ? cleat__fail_memory() : it->write(it->argument, cleat__buffer_slice(&it->line));
    cleat__buffer_clear(&it->line);
    return status;
}

/* What comes before a value. */
static void write_name(cleat__buffer *line, const char *name)
{
    cleat__buffer_append_byte(line, line->size == 0 ? '{' : ',');
    cleat__buffer_append_json(line, cleat_slice_of(name));
    cleat__buffer_append_byte(line, ':');
}

static void write_int(cleat__buffer *line, const char *name, int64_t value)
{
    write_name(line, name);
    cleat__buffer_append_format(line, "%lld", (long long)value);
}

static void write_string(cleat__buffer *line, const char *name, cleat_slice value)
{
    write_name(line, name);
    cleat__buffer_append_json(line, value);
}

/* {"hex":"00ff"} */
static void write_hex(cleat__buffer *line, const char *column, const char *kind, cleat_slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    write_name(line, column);
    cleat__buffer_append_format(line, "{\"%s\":\"", kind);
    for (size_t i = 0; i < bytes.size; i++) {
        const uint8_t byte = (uint8_t)bytes.data[i];
        cleat__buffer_append_byte(line, (uint8_t)digits[byte >> 4]);
        cleat__buffer_append_byte(line, (uint8_t)digits[byte & 15]);
    }
    cleat__buffer_append_string(line, "\"}");
}

static void write_blob(cleat__buffer *line, const cleat__table_column *column, cleat_slice bytes)
{
    if (!column->is_blob || bytes.size != sizeof(cleat__uuid)) {
        write_hex(line, column->name, "hex", bytes);
        return;
    }
    cleat__uuid id;
    char text[37];
    memcpy(id.bytes, bytes.data, sizeof(id.bytes));
    cleat__uuid_format(&id, text);
    write_string(line, column->name, cleat_slice_of(text));
}

static void write_text(cleat__buffer *line, const cleat__table_column *column, cleat_slice text)
{
    bool is_plain = !column->is_blob && cleat__utf8_valid_prefix(text.data, text.size) == text.size &&
                    memchr(text.data, '\0', text.size) == NULL;
    if (is_plain) {
        write_string(line, column->name, text);
    } else {
        write_hex(line, column->name, "text_hex", text);
    }
}

/* All of its digits. */
static void write_real(cleat__buffer *line, const cleat__table_column *column, double value)
{
    write_name(line, column->name);
    cleat__buffer_append_real(line, value);
}

static void write_value(cleat__buffer *line, const cleat__table_column *column, sqlite3_stmt *row, int i)
{
    switch (sqlite3_column_type(row, i)) {
    case SQLITE_INTEGER: write_int(line, column->name, sqlite3_column_int64(row, i)); break;
    case SQLITE_FLOAT: write_real(line, column, sqlite3_column_double(row, i)); break;
    case SQLITE_TEXT: write_text(line, column, cleat__column_text(row, i)); break;
    case SQLITE_BLOB: {
        const char *data = sqlite3_column_blob(row, i);
        write_blob(line, column,
                   (cleat_slice){data != NULL ? data : "", (size_t)sqlite3_column_bytes(row, i)});
        break;
    }
    default: break; /* NULL: nothing */
    }
}

/* Of runs that were removed nothing is told. The caller frees it with sqlite3_free(). */
static char *select_of(const cleat__table *table)
{
    const char *run = cleat__table_run_column(table);
    if (strcmp(table->name, "stream_chunk") == 0) {
        return sqlite3_mprintf("SELECT * FROM stream_chunk WHERE id >> 32 NOT IN (SELECT s.id FROM stream s "
                               "JOIN removed_run r ON r.id = s.task_id)");
    }
    return run != NULL
               ? sqlite3_mprintf("SELECT * FROM \"%w\" WHERE \"%w\" NOT IN (SELECT id FROM removed_run)",
                                 table->name, run)
               : sqlite3_mprintf("SELECT * FROM \"%w\"", table->name);
}

static cleat_status write_rows(exporting_file *it, const cleat__table *table, sqlite3_stmt *rows)
{
    int code;
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        write_string(&it->line, "table", cleat_slice_of(table->name));
        for (size_t i = 0; i < table->count; i++) {
            write_value(&it->line, &table->columns[i], rows, (int)i);
        }
        it->rows++;
        cleat_status status = write_line(it);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return code == SQLITE_DONE ? CLEAT_OK : cleat__store_error(it->store, exporting);
}

static cleat_status export_table(exporting_file *it, const cleat__table *table)
{
    sqlite3_stmt *rows = NULL;
    char *sql = select_of(table);
    if (sql == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = sqlite3_prepare_v2(cleat__store_db(it->store), sql, -1, &rows, NULL) == SQLITE_OK
                              ? write_rows(it, table, rows)
                              : cleat__store_error(it->store, exporting);
    sqlite3_finalize(rows);
    sqlite3_free(sql);
    return status;
}

static cleat_status write_first(exporting_file *it)
{
    write_string(&it->line, "cleat", cleat_slice_of("export"));
    write_int(&it->line, "format", CLEAT__EXPORT_FORMAT);
    write_int(&it->line, "schema", cleat__schema_newest());
    return write_line(it);
}

static cleat_status write_last(exporting_file *it)
{
    write_int(&it->line, "rows", it->rows);
    return write_line(it);
}

cleat_status cleat__export(cleat__store *store, cleat_status (*write)(void *argument, cleat_slice line),
                           void *argument)
{
    exporting_file it = {.store = store, .write = write, .argument = argument};
    cleat__tables tables = {0, NULL};
    cleat_status status = cleat__store_begin(store);
    if (status == CLEAT_OK) {
        status = cleat__tables_init(&tables, cleat__store_db(store));
    }
    if (status == CLEAT_OK) {
        status = write_first(&it);
    }
    for (size_t i = 0; i < tables.count && status == CLEAT_OK; i++) {
        status = export_table(&it, &tables.items[i]);
    }
    if (status == CLEAT_OK) {
        status = write_last(&it);
    }
    cleat__tables_deinit(&tables);
    cleat__buffer_deinit(&it.line);
    cleat__store_rollback(store);
    return status;
}
