/* POST .../events, .../events/bulk and .../events/replay */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/engine.h"
#include "model/json_members.h"

/* Of what is replayed together: more is not taken in a body either. */
#define REPLAY_SIZE_MAX ((size_t)16 * 1024 * 1024)

/* What is pushed together, and the ids it gets. */
typedef struct pushing {
    cleat__http_call *call;
    cleat__user_event *events;
    char **texts; /* owned: four for each event that is pushed once more, which it refers to */
    cleat__uuid *ids;
    size_t count;
    size_t size; /* of what is replayed */
} pushing;

static bool make_room(pushing *self, size_t count)
{
    self->events = cleat__calloc(count, sizeof(*self->events));
    self->texts = cleat__calloc(4 * count, sizeof(*self->texts));
    self->ids = cleat__calloc(count, sizeof(*self->ids));
    if (self->events == NULL || self->texts == NULL || self->ids == NULL) {
        cleat__http_call_fail_status(self->call, cleat__fail_memory());
        return false;
    }
    return true;
}

static void deinit(pushing *self)
{
    for (size_t i = 0; self->texts != NULL && i < 4 * self->count; i++) {
        cleat__free(self->texts[i]);
    }
    cleat__free(self->texts);
    cleat__free(self->events);
    cleat__free(self->ids);
}

/* ---- The body ---- */

static bool read_text(cleat__http_call *call, const char *name, const json_t *value, bool is_required,
                      cleat_slice *out)
{
    bool is_absent = value == NULL || json_is_null(value);
    if (is_absent ? is_required : !json_is_string(value)) {
        cleat__http_call_fail(call, 400, "%s must be a string", name);
        return false;
    }
    *out = is_absent ? (cleat_slice){NULL, 0}
                     : (cleat_slice){json_string_value(value), json_string_length(value)};
    return true;
}

/* Slices refer to the body. */
static bool read_event(pushing *self, cleat__rest_json object)
{
    cleat__http_call *call = self->call;
    cleat__user_event *event = &self->events[self->count++];
    if (!json_is_object(object.value)) {
        cleat__http_call_fail(call, 400, "events must hold objects");
        return false;
    }
    if (!json_is_object(json_object_get(object.value, "data"))) {
        cleat__http_call_fail(call, 400, "data must be an object");
        return false;
    }
    return read_text(call, "key", json_object_get(object.value, "key"), true, &event->key) &&
           read_text(call, "scope", json_object_get(object.value, "scope"), false, &event->scope) &&
           cleat__rest_json_object(call, object, "data", &event->payload) &&
           cleat__rest_json_object(call, object, "additionalMetadata", &event->metadata) &&
           cleat__rest_json_priority(call, json_object_get(object.value, "priority"), &event->priority);
}

static bool read_events(pushing *self, const json_t *list)
{
    cleat__json_cursor cursor;
    cleat_slice text = {NULL, 0};
    bool is_good = cleat__json_find_member(self->call->body, "events", &text);
    cleat__json_items(text, &cursor);
    for (size_t i = 0; i < json_array_size(list) && is_good; i++) {
        is_good = cleat__json_next_item(&cursor, &text);
        if (is_good && !read_event(self, (cleat__rest_json){text, json_array_get(list, i)})) {
            return false;
        }
    }
    if (!is_good) {
        cleat__http_call_fail_status(self->call, cleat__fail_memory());
    }
    return is_good;
}

/* False: it was answered. */
static bool push(pushing *self)
{
    const cleat__rest *rest = self->call->service;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < self->count && status == CLEAT_OK; i++) {
        status = cleat__user_event_check(&self->events[i]);
    }
    if (status == CLEAT_OK) {
        status = cleat__engine_push(rest->engine, self->call->identity.tenant, self->events, self->count,
                                    self->ids);
    }
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    }
    return status == CLEAT_OK;
}

/* ---- The answer ---- */

static void write_event(cleat__json_writer *writer, const pushing *self, size_t index)
{
    const cleat__uuid *id = &self->ids[index];
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, id, cleat__uuid_time(id), cleat__uuid_time(id));
    cleat__writer_slice(writer, "key", self->events[index].key);
    cleat__rest_write_uuid(writer, "tenantId", &self->call->identity.tenant_id);
    cleat__rest_write_payload(writer, "additionalMetadata", self->events[index].metadata);
    cleat__writer_end_object(writer);
}

static void answer_many(const pushing *self, const char *name)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    if (self->count != 0) {
        cleat__rest_write_metadata(&writer, &self->ids[0], cleat__uuid_time(&self->ids[0]),
                                   cleat__uuid_time(&self->ids[0]));
    }
    cleat__writer_begin_array(&writer, name);
    for (size_t i = 0; i < self->count; i++) {
        write_event(&writer, self, i);
    }
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(self->call, 200, &writer);
}

void cleat__rest_event_push(cleat__http_call *call)
{
    pushing self = {.call = call};
    json_t *body = cleat__http_call_json(call);
    if (body != NULL && make_room(&self, 1) && read_event(&self, (cleat__rest_json){call->body, body}) &&
        push(&self)) {
        cleat__json_writer writer = {0};
        write_event(&writer, &self, 0);
        cleat__http_call_answer_json(call, 200, &writer);
    }
    deinit(&self);
    json_decref(body);
}

void cleat__rest_event_push_many(cleat__http_call *call)
{
    pushing self = {.call = call};
    json_t *body = cleat__http_call_json(call);
    const json_t *list = json_object_get(body, "events");
    size_t count = json_array_size(list);
    if (body != NULL && (count == 0 || count > CLEAT__EVENTS_MAX)) {
        cleat__http_call_fail(call, 400, "events must be an array of 1 .. %d events", CLEAT__EVENTS_MAX);
    } else if (body != NULL && make_room(&self, count)) {
        if (read_events(&self, list) && push(&self)) {
            answer_many(&self, "events");
        }
    }
    deinit(&self);
    json_decref(body);
}

/* ---- Once more ---- */

/* The absent slice stays absent; `*failed` on no memory. */
static cleat_slice keep(cleat_slice text, char **copy, bool *failed)
{
    if (text.data == NULL) {
        return text;
    }
    *copy = cleat__slice_dup(text);
    *failed = *failed || *copy == NULL;
    return (cleat_slice){*copy, text.size};
}

static cleat_status load(pushing *self, cleat__store *store, const cleat__uuid *id)
{
    cleat__event_row row;
    cleat_status status = cleat__event_get(store, self->call->identity.tenant, id, &row);
    if (status != CLEAT_OK) {
        return status;
    }
    self->size += row.key.size + row.payload.size + row.metadata.size + row.scope.size;
    if (self->size > REPLAY_SIZE_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "these events have more than %d MiB: replay fewer at a time",
                           (int)(REPLAY_SIZE_MAX >> 20));
    }
    char **texts = &self->texts[4 * self->count];
    bool failed = false;
    self->events[self->count++] = (cleat__user_event){
        .key = keep(row.key, &texts[0], &failed),
        .payload = keep(row.payload, &texts[1], &failed),
        .metadata = keep(row.metadata, &texts[2], &failed),
        .scope = keep(row.scope, &texts[3], &failed),
    };
    return failed ? cleat__fail_memory() : CLEAT_OK;
}

static bool load_all(pushing *self, const cleat__rest_ids *ids)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(self->call, &store);
    for (size_t i = 0; i < ids->count && status == CLEAT_OK; i++) {
        status = load(self, store, &ids->items[i]);
    }
    cleat__rest_give(self->call, store);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    }
    return status == CLEAT_OK;
}

/* New events with the same content, all or none. */
void cleat__rest_event_replay(cleat__http_call *call)
{
    pushing self = {.call = call};
    cleat__rest_ids ids = {0};
    json_t *body = cleat__http_call_json(call);
    bool is_good = body != NULL && cleat__rest_json_ids(call, "eventIds", json_object_get(body, "eventIds"),
                                                        CLEAT__EVENTS_MAX, &ids);
    if (is_good && ids.count == 0) {
        cleat__http_call_fail(call, 400, "eventIds must be an array of 1 .. %d ids", CLEAT__EVENTS_MAX);
    } else if (is_good && make_room(&self, ids.count) && load_all(&self, &ids) && push(&self)) {
        answer_many(&self, "rows");
    }
    deinit(&self);
    cleat__rest_ids_deinit(&ids);
    json_decref(body);
}
