/* A run as JSON. */
#include "run_detail.h"

#include "server/stitched_json.h"
#include "message.h"
#include "run_rows.h"
#include "store/tenant.h"
#include "trace_rows.h"

static void attempt_to_json(cleat__json_writer *writer, int32_t retry_count, const char *outcome,
                            int64_t started_at_ms, int64_t finished_at_ms, cleat_slice error)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_int(writer, "retry_count", retry_count);
    cleat__writer_string(writer, "outcome", outcome);
    cleat__writer_time(writer, "started_at", started_at_ms);
    cleat__writer_time(writer, "finished_at", finished_at_ms);
    cleat__writer_slice(writer, "error", error);
    cleat__writer_end_object(writer);
}

static void attempts_to_json(cleat__json_writer *writer, const cleat__run_detail *detail)
{
    const cleat__run_row *row = &detail->row;
    cleat__writer_begin_array(writer, "attempts");
    for (size_t i = 0; i < detail->attempt_count; i++) {
        const cleat__run_attempt *attempt = &detail->attempts[i];
        attempt_to_json(writer, attempt->retry_count, attempt->outcome, attempt->started_at_ms,
                        attempt->finished_at_ms, cleat_slice_of(attempt->error));
    }
    if (row->started_at_ms != 0) {
        attempt_to_json(writer, row->retry_count, cleat_run_status_name(row->status), row->started_at_ms,
                        row->finished_at_ms, row->error);
    }
    cleat__writer_end_array(writer);
}

static void children_to_json(cleat__json_writer *writer, const cleat__run_detail *detail)
{
    cleat__writer_begin_object(writer, "children");
    cleat__writer_int(writer, "total", detail->child_count);
    for (int i = 0; i < CLEAT__RUN_STATUSES; i++) {
        cleat__writer_int(writer, cleat_run_status_name((cleat_run_status)i), detail->children[i]);
    }
    cleat__writer_end_object(writer);
}

static void tasks_to_json(cleat__json_writer *writer, const cleat__run_detail *detail)
{
    char id[37];
    cleat__writer_begin_array(writer, "tasks");
    for (size_t i = 0; i < detail->task_count; i++) {
        const cleat__run_detail_task *task = &detail->tasks[i];
        cleat__uuid_format(&task->id, id);
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_string(writer, "id", id);
        cleat__writer_string(writer, "name", task->name);
        cleat__writer_string(writer, "status", cleat_run_status_name(task->status));
        cleat__writer_bool(writer, "skipped", task->was_skipped);
        cleat__writer_int(writer, "tries", task->tries);
        cleat__writer_string(writer, "error", task->error);
        cleat__writer_raw(writer, "waits_for",
                          task->waits.size > 0 ? cleat__buffer_slice(&task->waits) : cleat_slice_of("[]"));
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

static void log_to_json(cleat__json_writer *writer, const cleat__run_detail *detail)
{
    cleat__writer_begin_array(writer, "log");
    for (size_t i = 0; i < detail->log_count; i++) {
        const cleat__run_log *line = &detail->log[i];
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_int(writer, "retry_count", line->retry_count);
        cleat__writer_string(writer, "level", cleat__log_level_name(line->level));
        cleat__writer_time(writer, "time", line->time_ms);
        cleat__writer_string(writer, "message", line->message);
        cleat__writer_raw(writer, "metadata", cleat_slice_of(line->metadata));
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

static bool trace_to_json(void *argument, const cleat__trace_row *row)
{
    cleat__trace_row_to_json(argument, row);
    return true;
}

int cleat__run_detail_print_json(cleat__store *store, const cleat__run_detail *detail,
                                 const cleat__stitched *forest)
{
    const cleat__trace_filter traces = {
        .tenant = detail->row.tenant, .run_id = &detail->row.id, .limit = INT64_MAX};
    cleat__json_writer writer = {0};
    cleat__tenant tenant;
    if (cleat__tenant_get(store, detail->row.tenant, &tenant) != CLEAT_OK) {
        return cleat__complain("%s", cleat_error_message());
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__run_row_to_json(&writer, &detail->row);
    cleat__writer_string(&writer, "tenant", tenant.name);
    cleat__writer_raw(&writer, "input", detail->row.input);
    cleat__writer_raw(&writer, "metadata", detail->row.metadata);
    cleat__writer_raw(&writer, "output", detail->row.output);
    cleat__writer_slice(&writer, "error", detail->row.error);
    if (detail->waits.size > 0) {
        cleat__writer_raw(&writer, "waits_for", cleat__buffer_slice(&detail->waits));
    }
    if (detail->reason.size > 0) {
        cleat__writer_slice(&writer, "evict_reason", cleat__buffer_slice(&detail->reason));
    }
    attempts_to_json(&writer, detail);
    if (detail->row.is_dag) {
        tasks_to_json(&writer, detail);
    }
    children_to_json(&writer, detail);
    log_to_json(&writer, detail);
    cleat__writer_begin_array(&writer, "traces");
    cleat_status status = cleat__trace_list(store, &traces, trace_to_json, &writer);
    cleat__writer_end_array(&writer);
    cleat__stitched_to_json(&writer, "view", forest);
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}
