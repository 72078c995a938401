#include "trace_rows.h"

#include "base/clock.h"
#include "format.h"
#include "span_label.h"

#include <inttypes.h>
#include <stdio.h>

enum { WIDE = 116 };

static const cleat__column columns[] = {
    {"TRACE", CLEAT__ALIGN_LEFT, false, 0},  {"ROOT SPAN", CLEAT__ALIGN_LEFT, true, 0},
    {"SPANS", CLEAT__ALIGN_RIGHT, false, 4}, {"ERR", CLEAT__ALIGN_RIGHT, false, 1},
    {"LINKS", CLEAT__ALIGN_RIGHT, false, 3}, {"DURATION", CLEAT__ALIGN_RIGHT, false, 0},
    {"AGE", CLEAT__ALIGN_RIGHT, false, 2},   {"SERVICE", CLEAT__ALIGN_LEFT, true, 5},
};
enum { COLUMN_COUNT = sizeof(columns) / sizeof(*columns) };

void cleat__trace_table_init(cleat__table *table, const cleat__terminal *terminal)
{
    bool wide = terminal->columns >= WIDE;
    cleat__table_init(table, terminal, columns, wide ? COLUMN_COUNT : COLUMN_COUNT - 1);
}

/* "hatchet.start_step_run archive:pack", "workflow.execute order:fulfil", in a narrow table without "hatchet." */
static void add_name(cleat__table *table, const cleat__trace_row *row)
{
    cleat__buffer name = {0};
    cleat_slice text = row->root_name;
    if (table->column_count < COLUMN_COUNT) {
        text = cleat__span_name_shorten(text);
    }
    cleat__buffer_append_slice(&name, text);
    if (row->task.data != NULL && !cleat__span_name_has_task(text, row->task)) {
        cleat__buffer_append_byte(&name, ' ');
        cleat__buffer_append_slice(&name, row->task);
    }
    cleat__table_add(table, cleat__buffer_slice(&name), CLEAT__STYLE_NONE);
    cleat__buffer_deinit(&name);
}

/* "1 out", "2,007 in", "1 out 3 in" */
static void add_links(cleat__table *table, const cleat__trace_row *row)
{
    char text[2 * CLEAT__FORMAT_SIZE + 16];
    cleat__text out = cleat__format_count(row->links_out);
    cleat__text in = cleat__format_count(row->links_in);
    snprintf(text, sizeof(text), "%s%s%s%s%s", row->links_out > 0 ? out.text : "",
             row->links_out > 0 ? " out" : "", row->links_out > 0 && row->links_in > 0 ? " " : "",
             row->links_in > 0 ? in.text : "", row->links_in > 0 ? " in" : "");
    cleat__table_add_string(table, text);
}

void cleat__trace_table_add(cleat__table *table, const cleat__trace_row *row, int64_t now_ms)
{
    char hex[33];
    cleat_trace_id_to_hex(&row->trace_id, hex);
    hex[CLEAT__TRACE_ID_SHOWN] = '\0';
    cleat__table_add_string(table, hex);
    add_name(table, row);
    cleat__table_add_string(table, cleat__format_count(row->span_count).text);
    cleat__table_add(table,
                     cleat_slice_of(row->error_count > 0 ? cleat__format_count(row->error_count).text : ""),
                     CLEAT__STYLE_RED);
    add_links(table, row);
    cleat__table_add_string(table, cleat__format_duration(row->end_time_ns - row->start_time_ns).text);
    cleat__table_add_string(table, cleat__format_age(row->start_time_ns / CLEAT__NS_PER_MS, now_ms).text);
    if (table->column_count == COLUMN_COUNT) {
        cleat__table_add(table, row->service_name, CLEAT__STYLE_DIM);
    }
}

void cleat__trace_row_to_json(cleat__json_writer *writer, const cleat__trace_row *row)
{
    char hex[33];
    char nanoseconds[24];
    cleat_trace_id_to_hex(&row->trace_id, hex);
    snprintf(nanoseconds, sizeof(nanoseconds), "%" PRId64, row->start_time_ns);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_string(writer, "trace_id", hex);
    cleat__writer_slice(writer, "name", row->root_name);
    cleat__writer_slice(writer, "task", row->task);
    cleat__writer_slice(writer, "service", row->service_name);
    cleat__writer_time(writer, "started_at", row->start_time_ns / CLEAT__NS_PER_MS);
    cleat__writer_string(writer, "start_time_unix_nano", nanoseconds);
    cleat__writer_int(writer, "duration_ns", row->end_time_ns - row->start_time_ns);
    cleat__writer_int(writer, "spans", row->span_count);
    cleat__writer_int(writer, "errors", row->error_count);
    cleat__writer_int(writer, "links_out", row->links_out);
    cleat__writer_int(writer, "links_in", row->links_in);
    cleat__writer_end_object(writer);
}
