/* The tables of a file as data, for what goes through all of them. */
#ifndef CLEAT_STORE_TABLE_H
#define CLEAT_STORE_TABLE_H

#include "store/store.h"

typedef struct cleat__table_column {
    char *name, *type; /* "INTEGER", "REAL", "TEXT" or "BLOB" */
    bool is_blob;
} cleat__table_column;

typedef struct cleat__table {
    char *name;
    size_t count;
    cleat__table_column *columns;
} cleat__table;

typedef struct cleat__tables {
    size_t count;
    cleat__table *items; /* by name */
} cleat__tables;

/* All but those of SQLite's own, and those that stay with their file: tokens, their keys, and what is left of runs
 * that were removed. */
cleat_status cleat__tables_init(cleat__tables *tables, sqlite3 *db);
void cleat__tables_deinit(cleat__tables *tables);
/* NULL: there is none. */
const cleat__table *cleat__tables_find(const cleat__tables *tables, cleat_slice name);
/* Its place; the table's count: there is none. */
size_t cleat__table_column_of(const cleat__table *table, const char *name);
/* The column that says of which run a row is; NULL: it is of none. */
const char *cleat__table_run_column(const cleat__table *table);

#endif
