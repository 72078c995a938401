#include "store/table.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/bind.h"
#include "store/sqlite_error.h"

static const char reading[] = "reading its tables";

static void deinit_table(cleat__table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        cleat__free(table->columns[i].name);
        cleat__free(table->columns[i].type);
    }
    cleat__free(table->columns);
    cleat__free(table->name);
}

void cleat__tables_deinit(cleat__tables *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        deinit_table(&tables->items[i]);
    }
    cleat__free(tables->items);
    *tables = (cleat__tables){0, NULL};
}

static cleat_status add_table(cleat__tables *tables, cleat_slice name)
{
    cleat__table *items = cleat__realloc(tables->items, (tables->count + 1) * sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    tables->items = items;
    items[tables->count] = (cleat__table){.name = cleat__slice_dup(name)};
    tables->count++;
    return items[tables->count - 1].name != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status add_column(cleat__table *table, cleat_slice name, cleat_slice type)
{
    cleat__table_column *columns = cleat__realloc(table->columns, (table->count + 1) * sizeof(*columns));
    if (columns == NULL) {
        return cleat__fail_memory();
    }
    table->columns = columns;
    cleat__table_column *column = &columns[table->count++];
    *column = (cleat__table_column){.name = cleat__slice_dup(name),
                                    .type = cleat__slice_dup(type),
                                    .is_blob = cleat_slice_equals(type, cleat_slice_of("BLOB"))};
    return column->name != NULL && column->type != NULL ? CLEAT_OK : cleat__fail_memory();
}

/* A row per column, those of a table together. */
static cleat_status read_columns(cleat__tables *tables, sqlite3 *db, sqlite3_stmt *select)
{
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat_status status = CLEAT_OK;
        cleat_slice name = cleat__column_text(select, 0);
        cleat__table *last = tables->count != 0 ? &tables->items[tables->count - 1] : NULL;
        if (last == NULL || !cleat_slice_equals(name, cleat_slice_of(last->name))) {
            status = add_table(tables, name);
        }
        if (status == CLEAT_OK) {
            status = add_column(&tables->items[tables->count - 1], cleat__column_text(select, 1),
                                cleat__column_text(select, 2));
        }
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return code == SQLITE_DONE ? CLEAT_OK : cleat__sqlite_error(db, reading);
}

cleat_status cleat__tables_init(cleat__tables *tables, sqlite3 *db)
{
    static const char sql[] =
        "SELECT m.name, c.name, c.type FROM sqlite_schema m "
        "JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE "
        "'sqlite\\_%' ESCAPE '\\' AND m.name NOT IN ('token', 'token_key', 'removed_run') "
        "ORDER BY m.name, c.cid";
    sqlite3_stmt *select = NULL;
    *tables = (cleat__tables){0, NULL};
    cleat_status status = sqlite3_prepare_v2(db, sql, -1, &select, NULL) == SQLITE_OK
                              ? read_columns(tables, db, select)
                              : cleat__sqlite_error(db, reading);
    sqlite3_finalize(select);
    if (status != CLEAT_OK) {
        cleat__tables_deinit(tables);
    }
    return status;
}

const cleat__table *cleat__tables_find(const cleat__tables *tables, cleat_slice name)
{
    for (size_t i = 0; i < tables->count; i++) {
        if (cleat_slice_equals(name, cleat_slice_of(tables->items[i].name))) {
            return &tables->items[i];
        }
    }
    return NULL;
}

size_t cleat__table_column_of(const cleat__table *table, const char *name)
{
    size_t i = 0;
    while (i < table->count && strcmp(table->columns[i].name, name) != 0) {
        i++;
    }
    return i;
}

const char *cleat__table_run_column(const cleat__table *table)
{
    static const char *const of_runs[] = {"task", "task_live", "task_end", "durable_run"};
    static const char *const names[] = {"task_id", "run_id"};
    if (strcmp(table->name, "span") == 0) { /* what a peer says of it */
        return NULL;
    }
    for (size_t i = 0; i < sizeof(of_runs) / sizeof(*of_runs); i++) {
        if (strcmp(table->name, of_runs[i]) == 0) {
            return "id";
        }
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (cleat__table_column_of(table, names[i]) != table->count) {
            return names[i];
        }
    }
    return NULL;
}
