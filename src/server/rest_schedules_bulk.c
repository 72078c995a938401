/* POST .../workflows/scheduled/bulk-delete and bulk-update: what cannot be done is told one by one. */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/engine.h"

enum { CHANGES_MAX = 10000 };

typedef struct bulk {
    cleat__http_call *call;
    const char *answer; /* the name of the list of ids that were changed */
    cleat__schedule_change *items;
    size_t count;
} bulk;

static bool make_room(bulk *self, size_t count)
{
    self->items = cleat__calloc(count + 1, sizeof(*self->items));
    if (self->items == NULL) {
        cleat__http_call_fail_status(self->call, cleat__fail_memory());
    }
    return self->items != NULL;
}

/* ---- What to change ---- */

static bool read_ids(bulk *self, const json_t *list)
{
    cleat__rest_ids ids = {0};
    bool is_good = cleat__rest_json_ids(self->call, "scheduledWorkflowRunIds", list, CHANGES_MAX, &ids) &&
                   make_room(self, ids.count);
    for (size_t i = 0; i < ids.count && is_good; i++) {
        self->items[self->count++] = (cleat__schedule_change){.id = ids.items[i], .is_deleted = true};
    }
    cleat__rest_ids_deinit(&ids);
    return is_good;
}

static bool add_found(void *argument, const cleat__rest_schedule *row)
{
    bulk *self = argument;
    if (row->row.schedule.method == CLEAT__SCHEDULE_API) {
        self->items[self->count++] = (cleat__schedule_change){.id = row->row.id, .is_deleted = true};
    }
    return self->count < CHANGES_MAX;
}

static bool find(bulk *self, const cleat__rest_schedule_filter *filter)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(self->call, &store);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_schedules(store, self->call->identity.tenant, filter, add_found, self);
    }
    cleat__rest_give(self->call, store);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    }
    return status == CLEAT_OK;
}

static bool is_there(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value != NULL && !json_is_null(value);
}

/* No scheduled run has a parent. */
static bool read_filter(bulk *self, const json_t *object)
{
    cleat__http_call *call = self->call;
    cleat__rest_schedule_filter filter = {.is_by_creation = true, .is_ascending = true};
    cleat__uuid workflow;
    bool has_parent = is_there(object, "parentWorkflowRunId") || is_there(object, "parentStepRunId");
    if (!json_is_object(object)) {
        cleat__http_call_fail(call, 400, "filter must be an object");
        return false;
    }
    if (is_there(object, "workflowId")) {
        if (!cleat__rest_json_id(call, "filter.workflowId", json_object_get(object, "workflowId"),
                                 &workflow)) {
            return false;
        }
        filter.workflow_id = &workflow;
    }
    bool is_good = cleat__rest_json_pairs(call, "filter.additionalMetadata",
                                          json_object_get(object, "additionalMetadata"), &filter.metadata) &&
                   make_room(self, CHANGES_MAX) && (has_parent || find(self, &filter));
    json_decref(filter.metadata);
    return is_good;
}

static bool read_updates(bulk *self, const json_t *list)
{
    cleat__http_call *call = self->call;
    if (!json_is_array(list) || json_array_size(list) > CHANGES_MAX) {
        cleat__http_call_fail(call, 400, "updates must be an array of at most %d changes", CHANGES_MAX);
        return false;
    }
    bool is_good = make_room(self, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list) && is_good; i++) {
        const json_t *update = json_array_get(list, i);
        cleat__schedule_change *item = &self->items[self->count++];
        is_good = cleat__rest_json_id(call, "updates.id", json_object_get(update, "id"), &item->id) &&
                  cleat__rest_json_time(call, "updates.triggerAt", json_object_get(update, "triggerAt"),
                                        &item->at_ms);
    }
    return is_good;
}

/* ---- Changing it ---- */

/* Marks those that are not there, and those that the API has not made. */
static cleat_status check(void *argument, cleat__store *store)
{
    bulk *self = argument;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < self->count && (status == CLEAT_OK || status == CLEAT_NOT_FOUND); i++) {
        cleat__rest_schedule row;
        status = cleat__rest_query_schedule(store, self->call->identity.tenant, &self->items[i].id, &row);
        self->items[i].status = status;
        if (status == CLEAT_OK && row.row.schedule.method != CLEAT__SCHEDULE_API) {
            self->items[i].status = CLEAT_READ_ONLY;
        }
    }
    return status == CLEAT_NOT_FOUND ? CLEAT_OK : status;
}

static cleat_status change(bulk *self)
{
    const cleat__rest *rest = self->call->service;
    cleat_status status = CLEAT_OK;
    for (size_t from = 0; from < self->count && status == CLEAT_OK; from += CLEAT__SCHEDULES_MAX) {
        size_t left = self->count - from;
        status = cleat__engine_change_schedules(rest->engine, self->call->identity.tenant, self->items + from,
                                                left < CLEAT__SCHEDULES_MAX ? left : CLEAT__SCHEDULES_MAX);
    }
    return status;
}

static void write_error(cleat__json_writer *writer, const cleat__schedule_change *item)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_uuid(writer, "id", &item->id);
    cleat__writer_string(writer, "error",
                         item->status == CLEAT_NOT_FOUND ? "not found" : CLEAT__REST_FOREIGN_SCHEDULE);
    cleat__writer_end_object(writer);
}

static cleat_status write(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    bulk *self = argument;
    cleat_status status = check(self, store);
    if (status == CLEAT_OK) {
        status = change(self);
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, self->answer);
    for (size_t i = 0; i < self->count; i++) {
        if (self->items[i].status == CLEAT_OK) {
            cleat__rest_write_uuid(writer, NULL, &self->items[i].id);
        }
    }
    cleat__writer_end_array(writer);
    cleat__writer_begin_array(writer, "errors");
    for (size_t i = 0; i < self->count; i++) {
        if (self->items[i].status != CLEAT_OK) {
            write_error(writer, &self->items[i]);
        }
    }
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_schedule_bulk_delete(cleat__http_call *call)
{
    bulk self = {.call = call, .answer = "deletedIds"};
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    bool has_ids = is_there(body, "scheduledWorkflowRunIds"), has_filter = is_there(body, "filter");
    if (has_ids == has_filter) {
        cleat__http_call_fail(call, 400, "give either scheduledWorkflowRunIds or filter");
    } else if (has_ids ? read_ids(&self, json_object_get(body, "scheduledWorkflowRunIds"))
                       : read_filter(&self, json_object_get(body, "filter"))) {
        cleat__rest_answer(call, write, &self);
    }
    cleat__free(self.items);
    json_decref(body);
}

void cleat__rest_schedule_bulk_update(cleat__http_call *call)
{
    bulk self = {.call = call, .answer = "updatedIds"};
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    if (read_updates(&self, json_object_get(body, "updates"))) {
        cleat__rest_answer(call, write, &self);
    }
    cleat__free(self.items);
    json_decref(body);
}
