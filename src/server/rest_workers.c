/* GET .../worker, GET and PATCH /api/v1/workers/{worker} */
#include "rest_parts.h"
#include "worker_texts.h"

#include "base/error.h"
#include "engine/command.h"
#include "engine/roster.h"
#include "model/metadata.h"

#include <inttypes.h>
#include <stdio.h>

enum { ACTIVE, INACTIVE, PAUSED };
static const char *const statuses[] = {
    [ACTIVE] = "ACTIVE", [INACTIVE] = "INACTIVE", [PAUSED] = "PAUSED", NULL};

static int status_of(const cleat__worker_info *info)
{
    return info->is_paused ? PAUSED : info->is_active ? ACTIVE : INACTIVE;
}

/* ---- One of them ---- */

static void write_slots(cleat__json_writer *writer, const cleat__worker_info *info)
{
    cleat__writer_begin_object(writer, "slotConfig");
    for (size_t i = 0; i < info->pool_count; i++) {
        const cleat__pool *pool = &info->pools[i];
        char type[CLEAT__NAME_MAX + 1];
        snprintf(type, sizeof(type), "%.*s", CLEAT_SLICE_ARGS(pool->type));
        cleat__writer_begin_object(writer, type);
        cleat__writer_int(writer, "available", pool->used < pool->units ? pool->units - pool->used : 0);
        cleat__writer_int(writer, "limit", pool->units);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_object(writer);
}

static void write_labels(cleat__json_writer *writer, const cleat__worker_info *info)
{
    const cleat__uuid nil = {{0}};
    size_t count = info->labels != NULL ? info->labels->count : 0;
    cleat__writer_begin_array(writer, "labels");
    for (size_t i = 0; i < count; i++) {
        const cleat__label *label = &info->labels->items[i];
        char number[16];
        snprintf(number, sizeof(number), "%" PRId32, label->value.number);
        cleat__writer_begin_object(writer, NULL);
        cleat__rest_write_metadata(writer, &nil, info->registered_at_ms, info->registered_at_ms);
        cleat__writer_slice(writer, "key", label->key);
        cleat__writer_slice(writer, "value",
                            label->value.is_number ? cleat_slice_of(number) : label->value.text);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

static void write_worker(cleat__json_writer *writer, const cleat__worker_info *info)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &info->id, info->registered_at_ms,
                               info->seen_at_ms != 0 ? info->seen_at_ms : info->registered_at_ms);
    cleat__writer_slice(writer, "name", info->name.data != NULL ? info->name : cleat_slice_of(""));
    cleat__writer_string(writer, "type", "SELFHOSTED");
    if (info->seen_at_ms != 0) {
        cleat__rest_write_time(writer, "lastHeartbeatAt", info->seen_at_ms);
    }
    cleat__writer_begin_array(writer, "actions");
    for (size_t i = 0; i < info->action_count; i++) {
        cleat__writer_slice(writer, NULL, info->queues[i]->action);
    }
    cleat__writer_end_array(writer);
    cleat__writer_string(writer, "status", statuses[status_of(info)]);
    write_slots(writer, info);
    write_labels(writer, info);
    if (info->runtime.data != NULL) {
        cleat__writer_raw(writer, "runtimeInfo", info->runtime);
    }
    cleat__writer_end_object(writer);
}

typedef struct one {
    cleat__uuid id;
    cleat__json_writer writer;
    bool is_found;
} one;

static void write_wanted(void *argument, const cleat__worker_info *info)
{
    one *self = argument;
    if (cleat__uuid_equals(&info->id, &self->id)) {
        write_worker(&self->writer, info);
        self->is_found = true;
    }
}

static void answer_one(cleat__http_call *call, const cleat__uuid *id)
{
    const cleat__rest *rest = call->service;
    one self = {.id = *id};
    cleat_status status = cleat__engine_worker_list(rest->engine, call->identity.tenant, write_wanted, &self);
    if (status == CLEAT_OK && !self.is_found) {
        status = cleat__fail(CLEAT_NOT_FOUND, "there is no such worker");
    }
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &self.writer);
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__buffer_deinit(&self.writer.out);
}

void cleat__rest_worker_get(cleat__http_call *call)
{
    cleat__uuid id = cleat__http_call_id(call, "worker");
    answer_one(call, &id);
}

void cleat__rest_worker_update(cleat__http_call *call)
{
    const cleat__rest *rest = call->service;
    cleat__uuid id = cleat__http_call_id(call, "worker");
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    const json_t *is_paused = json_object_get(body, "isPaused");
    cleat_status status = CLEAT_OK;
    if (is_paused != NULL && !json_is_null(is_paused) && !json_is_boolean(is_paused)) {
        cleat__http_call_fail(call, 400, "isPaused must be true or false");
    } else if (json_is_true(is_paused)) {
        status = cleat__engine_worker_pause(rest->engine, call->identity.tenant, &id);
    } else if (json_is_false(is_paused)) {
        status = cleat__engine_worker_resume(rest->engine, call->identity.tenant, &id);
    }
    json_decref(body);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
    } else if (call->answer.status == 0) {
        answer_one(call, &id);
    }
}

/* ---- All of them ---- */

typedef struct list {
    const json_t *labels; /* all of these; NULL: any */
    unsigned statuses;    /* 1 << each; 0: any */
    cleat__rest_page page;
    cleat__worker_texts texts;
} list;

static bool has_labels(const json_t *wanted, const cleat__worker_info *info)
{
    cleat__buffer text = {0};
    if (json_array_size(wanted) == 0) {
        return true;
    }
    if (info->labels != NULL) {
        cleat__labels_encode(info->labels->items, info->labels->count, &text);
    }
    bool is_good = cleat__metadata_has_pairs(wanted, true, cleat__buffer_slice(&text));
    cleat__buffer_deinit(&text);
    return is_good;
}

static bool is_wanted(void *argument, const cleat__worker_info *info)
{
    const list *self = argument;
    return (self->statuses == 0 || self->statuses >> status_of(info) & 1) && has_labels(self->labels, info);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    (void)store;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat__worker_texts_write(&self->texts, writer);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, (int64_t)self->texts.ids.count);
    cleat__writer_end_object(writer);
    return CLEAT_OK;
}

void cleat__rest_worker_list(cleat__http_call *call)
{
    list self = {.labels = NULL};
    json_t *labels = NULL;
    bool is_good = cleat__rest_read_page(call, &self.page) &&
                   cleat__rest_read_choices(call, "statuses", statuses, &self.statuses) &&
                   cleat__rest_read_pairs(call, "labels", &labels);
    if (is_good && cleat__http_call_argument(call, "limit").data == NULL) {
        self.page.limit = CLEAT__REST_LIMIT_MAX; /* the SDK wants to see all of them */
    }
    self.labels = labels;
    self.texts = (cleat__worker_texts){.wants = is_wanted,
                                       .write = write_worker,
                                       .argument = &self,
                                       .offset = self.page.offset,
                                       .limit = self.page.limit};
    cleat_status status = CLEAT_OK;
    if (is_good) {
        status = cleat__worker_texts_collect(&self.texts, ((const cleat__rest *)call->service)->engine,
                                             call->identity.tenant);
    }
    if (is_good && status == CLEAT_OK) {
        cleat__rest_answer(call, write_list, &self);
    } else if (is_good) {
        cleat__http_call_fail_status(call, status);
    }
    cleat__worker_texts_deinit(&self.texts);
    json_decref(labels);
}
