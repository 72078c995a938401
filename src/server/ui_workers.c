/* GET workers: those that the engine knows. Without one nobody knows who is there. */
#include "engine/roster.h"
#include "ui_parts.h"
#include "worker_texts.h"

#include <stdio.h>

enum { WORKERS_MOST = 1000, ACTIONS_MOST = 200 };

static const char *status_of(const cleat__worker_info *info)
{
    return info->is_paused ? "PAUSED" : info->is_active ? "ACTIVE" : "INACTIVE";
}

static void write_slots(cleat__json_writer *writer, const cleat__worker_info *info)
{
    cleat__writer_begin_object(writer, "slots");
    for (size_t i = 0; i < info->pool_count; i++) {
        const cleat__pool *pool = &info->pools[i];
        char type[CLEAT__NAME_MAX + 1];
        snprintf(type, sizeof(type), "%.*s", CLEAT_SLICE_ARGS(pool->type));
        cleat__writer_begin_object(writer, type);
        cleat__writer_int(writer, "max", pool->units);
        cleat__writer_int(writer, "used", pool->used);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_object(writer);
}

static void write_labels(cleat__json_writer *writer, const cleat__worker_info *info)
{
    cleat__buffer text = {0};
    if (info->labels != NULL) {
        cleat__labels_encode(info->labels->items, info->labels->count, &text);
    } else {
        cleat__buffer_append_string(&text, "{}");
    }
    cleat__writer_raw(writer, "labels", cleat__buffer_slice(&text));
    writer->out.failed = writer->out.failed || text.failed;
    cleat__buffer_deinit(&text);
}

/* On the engine's thread: of one with very many actions the first are enough. */
static void write_worker(cleat__json_writer *writer, const cleat__worker_info *info)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_uuid(writer, "id", &info->id);
    cleat__writer_slice(writer, "name", info->name.data != NULL ? info->name : cleat_slice_of(""));
    cleat__writer_string(writer, "status", status_of(info));
    write_slots(writer, info);
    cleat__ui_write_time(writer, "last_seen_ms", info->seen_at_ms);
    cleat__writer_int(writer, "registered_at_ms", info->registered_at_ms);
    cleat__writer_begin_array(writer, "actions");
    for (size_t i = 0; i < info->action_count && i < ACTIONS_MOST; i++) {
        cleat__writer_slice(writer, NULL, info->queues[i]->action);
    }
    cleat__writer_end_array(writer);
    cleat__writer_int(writer, "action_count", (int64_t)info->action_count);
    write_labels(writer, info);
    cleat__writer_raw(writer, "runtime", info->runtime);
    cleat__writer_end_object(writer);
}

void cleat__ui_worker_list(cleat__http_call *call)
{
    const cleat__ui *ui = call->service;
    cleat__json_writer writer = {0};
    cleat__worker_texts texts = {.write = write_worker, .limit = WORKERS_MOST};
    cleat_status status = CLEAT_OK;
    if (ui->engine != NULL) {
        status = cleat__worker_texts_collect(&texts, ui->engine, call->identity.tenant);
    }
    cleat__ui_begin_rows(&writer);
    cleat__worker_texts_write(&texts, &writer);
    cleat__ui_end_rows(&writer);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__buffer_deinit(&writer.out);
    cleat__worker_texts_deinit(&texts);
}
