/* Pieces of answers that several routes have in common. */
#include "ui_parts.h"

void cleat__ui_answer(cleat__http_call *call, cleat__readers_write write, void *argument)
{
    cleat__readers_answer(((const cleat__ui *)call->service)->readers, call, write, argument);
}

void cleat__ui_begin_rows(cleat__json_writer *writer)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
}

void cleat__ui_end_rows(cleat__json_writer *writer)
{
    cleat__writer_end_array(writer);
    cleat__ui_write_null(writer, "next");
    cleat__ui_write_null(writer, "searched_to_ms");
    cleat__writer_end_object(writer);
}

void cleat__ui_write_null(cleat__json_writer *writer, const char *key)
{
    cleat__writer_raw(writer, key, (cleat_slice){NULL, 0});
}

void cleat__ui_write_uuid(cleat__json_writer *writer, const char *key, const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    cleat__writer_string(writer, key, cleat__uuid_is_nil(id) ? NULL : text);
}

void cleat__ui_write_time(cleat__json_writer *writer, const char *key, int64_t unix_ms)
{
    if (unix_ms != 0) {
        cleat__writer_int(writer, key, unix_ms);
    } else {
        cleat__ui_write_null(writer, key);
    }
}

cleat_slice cleat__ui_cut(cleat_slice text, size_t most)
{
    if (text.size > most) {
        text.size = most;
        while (text.size != 0 && ((unsigned char)text.data[text.size] & 0xC0) == 0x80) {
            text.size--;
        }
    }
    return text;
}

/* ---- Runs ---- */

cleat_run_status cleat__ui_run_status(const cleat__rest_run *run)
{
    bool was_not_taken = cleat_slice_equals(run->outcome, cleat_slice_of("NOT_TAKEN"));
    return was_not_taken ? CLEAT_RUN_CANCELLED : run->row.status;
}

void cleat__ui_write_run_members(cleat__json_writer *writer, const cleat__rest_run *run, size_t error_most)
{
    const cleat__run_row *row = &run->row;
    cleat__ui_write_uuid(writer, "id", &row->id);
    cleat__writer_slice(writer, "workflow", row->workflow);
    cleat__writer_slice(writer, "task", row->task_name);
    cleat__writer_string(writer, "status", cleat_run_status_name(cleat__ui_run_status(run)));
    cleat__writer_slice(writer, "outcome", run->outcome);
    cleat__writer_int(writer, "created_at_ms", row->created_at_ms);
    cleat__ui_write_time(writer, "queued_at_ms", run->queued_at_ms);
    cleat__ui_write_time(writer, "started_at_ms", row->started_at_ms);
    cleat__ui_write_time(writer, "finished_at_ms", row->finished_at_ms);
    cleat__writer_int(writer, "attempt", row->retry_count + 1);
    cleat__writer_int(writer, "priority", row->priority);
    cleat__ui_write_uuid(writer, "parent_id", &row->parent_id);
    cleat__writer_slice(writer, "child_key", row->child_key);
    if (row->is_child) {
        cleat__writer_int(writer, "child_index", row->child_index);
    } else {
        cleat__ui_write_null(writer, "child_index");
    }
    cleat__writer_bool(writer, "is_durable", run->is_durable);
    cleat__writer_slice(writer, "error", cleat__ui_cut(row->error, error_most));
    cleat__writer_raw(writer, "metadata", row->metadata);
}

void cleat__ui_write_run(cleat__json_writer *writer, const char *key, const cleat__rest_run *run)
{
    cleat__writer_begin_object(writer, key);
    cleat__ui_write_run_members(writer, run, CLEAT__UI_ERROR_IN_LISTS);
    cleat__writer_end_object(writer);
}
