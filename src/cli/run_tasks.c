#include "run_tasks.h"

#include "format.h"
#include "run_rows.h"
#include "run_waits.h"

enum { INDENT = 2, WAITS_SHOWN = 3 };

static const cleat__column columns[] = {
    {"TASK", CLEAT__ALIGN_LEFT, true, 0},  {"STATUS", CLEAT__ALIGN_LEFT, false, 0},
    {"TRY", CLEAT__ALIGN_RIGHT, false, 2}, {"RAN", CLEAT__ALIGN_RIGHT, false, 1},
    {"", CLEAT__ALIGN_LEFT, true, 0},
};
enum { COLUMN_COUNT = sizeof(columns) / sizeof(*columns) };

void cleat__run_counts_append(cleat__buffer *out, const cleat__terminal *terminal,
                              const int64_t counts[CLEAT__RUN_STATUSES], int64_t total)
{
    const char *separator = " ", *end = cleat__style_code(terminal, CLEAT__STYLE_NONE);
    cleat__buffer_append_format(out, "  %s:", cleat__format_count(total).text);
    for (int i = 0; i < CLEAT__RUN_STATUSES; i++) {
        if (counts[i] > 0) {
            cleat__style style = cleat__run_status_style((cleat_run_status)i);
            cleat__buffer_append_format(out, "%s%s%s %s%s", separator, cleat__style_code(terminal, style),
                                        cleat__format_count(counts[i]).text,
                                        cleat_run_status_name((cleat_run_status)i), end);
            separator = ", ";
        }
    }
    cleat__buffer_append_byte(out, '\n');
}

/* Its error, or what it waits for. */
static void add_note(cleat__table *table, const cleat__run_detail_task *task)
{
    cleat__buffer text = {0};
    if (task->error != NULL) {
        cleat__table_add(table, cleat_slice_of(task->error), CLEAT__STYLE_RED);
        return;
    }
    if (task->waits.size > 0) {
        cleat__buffer_append_string(&text, "waits for ");
        cleat__run_waits_append_text(cleat__buffer_slice(&task->waits), WAITS_SHOWN, &text);
    }
    cleat__table_add(table, cleat__buffer_slice(&text), CLEAT__STYLE_DIM);
    cleat__buffer_deinit(&text);
}

static void add_row(cleat__table *table, const cleat__run_detail_task *task)
{
    cleat_slice status = cleat_slice_of(task->was_skipped ? "SKIPPED" : cleat_run_status_name(task->status));
    cleat__table_add_string(table, task->name);
    cleat__table_add(table, status,
                     task->was_skipped ? CLEAT__STYLE_DIM : cleat__run_status_style(task->status));
    cleat__table_add_string(table, cleat__format_count(task->tries).text);
    cleat__table_add_string(table, cleat__format_ms(task->took_ms).text);
    add_note(table, task);
}

void cleat__run_tasks_append(cleat__buffer *out, const cleat__terminal *terminal,
                             const cleat__run_detail *run)
{
    int64_t counts[CLEAT__RUN_STATUSES] = {0};
    cleat__table table;
    cleat__table_init(&table, terminal, columns, COLUMN_COUNT);
    for (size_t i = 0; i < run->task_count; i++) {
        counts[run->tasks[i].status]++;
        add_row(&table, &run->tasks[i]);
    }
    cleat__run_counts_append(out, terminal, counts, (int64_t)run->task_count);
    cleat__table_append(&table, out, INDENT);
}
