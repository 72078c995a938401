/* Rows of runs, as a table and as JSON. */
#ifndef CLEAT_CLI_RUN_ROWS_H
#define CLEAT_CLI_RUN_ROWS_H

#include "json_writer.h"
#include "store/query.h"
#include "table.h"

void cleat__run_table_init(cleat__table *table, const cleat__terminal *terminal);
void cleat__run_table_add(cleat__table *table, const cleat__run_row *row, int64_t now_ms);

/* Members of an object that has begun: what a row of a list says. */
void cleat__run_row_to_json(cleat__json_writer *writer, const cleat__run_row *row);

/* Of the last attempt: from its start to its end, or to now while it runs; -1 before it has started. */
int64_t cleat__run_duration_ms(const cleat__run_row *row, int64_t now_ms);
cleat__style cleat__run_status_style(cleat_run_status status);
/* A status by its name in either case. */
bool cleat__run_status_parse(const char *text, int32_t *out);

#endif
