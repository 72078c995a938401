#include "run_rows.h"

#include "format.h"

#include <stdio.h>
#include <strings.h>

static const cleat__column columns[] = {
    {"RUN", CLEAT__ALIGN_LEFT, false, 0},    {"TASK", CLEAT__ALIGN_LEFT, true, 0},
    {"STATUS", CLEAT__ALIGN_LEFT, false, 0}, {"TRY", CLEAT__ALIGN_RIGHT, false, 3},
    {"RAN", CLEAT__ALIGN_RIGHT, false, 2},   {"AGE", CLEAT__ALIGN_RIGHT, false, 1},
};
enum { COLUMN_COUNT = sizeof(columns) / sizeof(*columns) };

cleat__style cleat__run_status_style(cleat_run_status status)
{
    switch (status) {
    case CLEAT_RUN_COMPLETED: return CLEAT__STYLE_GREEN;
    case CLEAT_RUN_FAILED: return CLEAT__STYLE_RED;
    case CLEAT_RUN_CANCELLED: return CLEAT__STYLE_YELLOW;
    case CLEAT_RUN_RUNNING: return CLEAT__STYLE_CYAN;
    case CLEAT_RUN_EVICTED: return CLEAT__STYLE_DIM;
    default: return CLEAT__STYLE_NONE;
    }
}

bool cleat__run_status_parse(const char *text, int32_t *out)
{
    for (int32_t i = CLEAT_RUN_QUEUED; i <= CLEAT_RUN_EVICTED; i++) {
        if (strcasecmp(text, cleat_run_status_name((cleat_run_status)i)) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

int64_t cleat__run_duration_ms(const cleat__run_row *row, int64_t now_ms)
{
    int64_t end_ms = row->finished_at_ms != 0 ? row->finished_at_ms : now_ms;
    if (row->started_at_ms == 0) {
        return -1;
    }
    return end_ms - row->started_at_ms;
}

void cleat__run_table_init(cleat__table *table, const cleat__terminal *terminal)
{
    cleat__table_init(table, terminal, columns, COLUMN_COUNT);
}

void cleat__run_table_add(cleat__table *table, const cleat__run_row *row, int64_t now_ms)
{
    char id[37];
    cleat__uuid_format(&row->id, id);
    cleat__table_add_string(table, id);
    cleat__table_add(table, row->task, CLEAT__STYLE_NONE);
    cleat__table_add(table, cleat_slice_of(cleat_run_status_name(row->status)),
                     cleat__run_status_style(row->status));
    cleat__table_add_string(table, cleat__format_count(row->tries).text);
    cleat__table_add_string(table, cleat__format_ms(cleat__run_duration_ms(row, now_ms)).text);
    cleat__table_add_string(table, cleat__format_age(row->created_at_ms, now_ms).text);
}

void cleat__run_row_to_json(cleat__json_writer *writer, const cleat__run_row *row)
{
    char id[37];
    cleat__uuid_format(&row->id, id);
    cleat__writer_string(writer, "id", id);
    cleat__writer_slice(writer, "task", row->task);
    cleat__writer_string(writer, "status", cleat_run_status_name(row->status));
    cleat__writer_int(writer, "priority", row->priority);
    cleat__writer_int(writer, "retry_count", row->retry_count);
    cleat__writer_time(writer, "created_at", row->created_at_ms);
    cleat__writer_time(writer, "started_at", row->started_at_ms);
    cleat__writer_time(writer, "finished_at", row->finished_at_ms);
    if (!row->is_child) {
        cleat__writer_string(writer, "parent_id", NULL);
        return;
    }
    cleat__uuid_format(&row->parent_id, id);
    cleat__writer_string(writer, "parent_id", id);
    cleat__writer_int(writer, "child_index", row->child_index);
    cleat__writer_slice(writer, "child_key", row->child_key);
}
