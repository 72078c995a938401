#include "store/check_values.h"

#include "base/error.h"
#include "store/bind.h"
#include "store/sqlite_error.h"
#include "store/table.h"

static const char checking[] = "checking it";

/* The row is named by its first column; NULL: no memory. The caller frees it with sqlite3_free(). */
static char *select_wrong(sqlite3 *db, const cleat__table *table)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_str_appendf(sql, "SELECT '%q of ' || quote(\"%w\") || ': ' || CASE", table->name,
                        table->columns[0].name);
    for (size_t i = 0; i < table->count; i++) {
        const cleat__table_column *column = &table->columns[i];
        sqlite3_str_appendf(sql,
                            " WHEN typeof(\"%w\") NOT IN (lower(%Q), 'null') THEN '%q is ' || typeof(\"%w\")",
                            column->name, column->type, column->name, column->name);
    }
    sqlite3_str_appendf(sql, " END AS wrong FROM \"%w\" WHERE wrong IS NOT NULL", table->name);
    return sqlite3_str_finish(sql);
}

static cleat_status check_table(sqlite3 *db, const cleat__table *table, cleat__finding *finding,
                                cleat__finding_visit visit, void *argument)
{
    sqlite3_stmt *rows = NULL;
    char *sql = select_wrong(db, table);
    int code = sql != NULL ? sqlite3_prepare_v2(db, sql, -1, &rows, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        finding->what = cleat__column_text(rows, 0);
        visit(argument, finding);
        code = SQLITE_OK;
    }
    cleat_status status = code == SQLITE_DONE    ? CLEAT_OK
                          : code == SQLITE_NOMEM ? cleat__fail_memory()
                                                 : cleat__sqlite_error(db, checking);
    sqlite3_finalize(rows);
    return status;
}

cleat_status cleat__check_values(sqlite3 *db, cleat__finding_visit visit, void *argument, int *rules)
{
    cleat__finding finding = {.rule = cleat_slice_of("types"),
                              .holds = cleat_slice_of("a value is of the type that its column is for")};
    cleat__tables tables;
    cleat_status status = cleat__tables_init(&tables, db);
    for (size_t i = 0; i < tables.count && status == CLEAT_OK; i++) {
        status = check_table(db, &tables.items[i], &finding, visit, argument);
    }
    cleat__tables_deinit(&tables);
    (*rules)++;
    return status;
}
