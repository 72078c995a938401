/* Rows of traces, as a table and as JSON; for `traces ls` and `runs show`. */
#ifndef CLEAT_CLI_TRACE_ROWS_H
#define CLEAT_CLI_TRACE_ROWS_H

#include "collector/collector.h"
#include "json_writer.h"
#include "table.h"

/* The hex digits of a trace id that tables show: unique in practice, and accepted by `show`. */
#define CLEAT__TRACE_ID_SHOWN 12

void cleat__trace_table_init(cleat__table *table, const cleat__terminal *terminal);
void cleat__trace_table_add(cleat__table *table, const cleat__trace_row *row, int64_t now_ms);

/* An object of an array. */
void cleat__trace_row_to_json(cleat__json_writer *writer, const cleat__trace_row *row);

#endif
