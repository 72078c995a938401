/*
 * A table on standard output: columns as wide as what they hold. Where the terminal is too narrow for that, the widest of
 * those that may be cut give way first; where that is not enough, some are left out. Rows are added cell by cell, left to
 * right; printing frees.
 */
#ifndef CLEAT_CLI_TABLE_H
#define CLEAT_CLI_TABLE_H

#include "text.h"

enum { CLEAT__TABLE_COLUMNS_MAX = 12 };

typedef struct cleat__column {
    const char *title;
    cleat__align align;
    bool flexible; /* cut when the terminal is too narrow */
    int spare;     /* left out when that is not enough, the highest first; 0: never */
} cleat__column;

typedef struct cleat__table {
    const cleat__terminal *terminal;
    const cleat__column *columns;
    int column_count;
    cleat__buffer cells; /* cell records, see table.c */
    size_t cell_count;
} cleat__table;

void cleat__table_init(cleat__table *table, const cleat__terminal *terminal, const cleat__column *columns,
                       int column_count);
void cleat__table_add(cleat__table *table, cleat_slice text, cleat__style style);
void cleat__table_add_string(cleat__table *table, const char *text);
/* Appends header and rows, each line indented by `indent`, and frees the table. When memory ran out
 * on the way, `out` has failed. */
void cleat__table_append(cleat__table *table, cleat__buffer *out, int indent);

#endif
