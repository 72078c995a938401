/*
 * Pushing events: all are checked first, then the chain of interceptors runs, which may change metadata only,
 * then the transport takes them at once. As trigger.c does with runs.
 */
#include <cleat/event.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sdk/client.h"
#include "sdk/metadata.h"
#include "sdk/options.h"

typedef struct push_entry {
    cleat_push_item item; /* what interceptors see */
    cleat__metadata metadata;
    cleat_event_options options;
    cleat_event_id id;
} push_entry;

struct cleat_push_call {
    cleat__chain chain;
    bool many;
    push_entry *entries;
    size_t count;
    bool pushed;
};

bool cleat_push_call_is_many(const cleat_push_call *call)
{
    return call != NULL && call->many;
}

size_t cleat_push_call_count(const cleat_push_call *call)
{
    return call != NULL ? call->count : 0;
}

const cleat_push_item *cleat_push_call_item(cleat_push_call *call, size_t index)
{
    return call != NULL && index < call->count ? &call->entries[index].item : NULL;
}

const char *cleat_push_call_event_id(const cleat_push_call *call, size_t index)
{
    return call != NULL && call->pushed && index < call->count ? call->entries[index].id.text : NULL;
}

/* ---- Checking ---- */

static cleat__user_event event_of(const push_entry *entry, cleat_slice metadata)
{
    return (cleat__user_event){
        .key = cleat_slice_of(entry->item.key),
        .payload = entry->item.payload,
        .metadata = metadata,
        .scope = cleat_slice_of(entry->options.scope),
        .priority = entry->options.priority,
    };
}

/* Which run it comes from, and which task of it, when it does from one (otel.md 2.1). */
static cleat_status note_source(cleat__metadata *metadata)
{
    cleat__task_ids from;
    if (!cleat__task_current(&from)) {
        return CLEAT_OK;
    }
    cleat_text_map map = cleat__metadata_map(metadata);
    cleat_status status = map.set(map.self, "hatchet__source_workflow_run_id", cleat_slice_of(from.run.text));
    return status == CLEAT_OK
               ? map.set(map.self, "hatchet__source_step_run_id", cleat_slice_of(from.task.text))
               : status;
}

static cleat_status check_item(push_entry *entry, const cleat_event_item *item)
{
    if (item->key == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "key is NULL: an event is known by its key");
    }
    cleat_status status =
        cleat__options_read("CLEAT_EVENT_OPTIONS", item->options, &entry->options, sizeof(entry->options));
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__trace_check(entry->options.trace);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat_slice metadata = cleat_slice_of(entry->options.metadata);
    cleat__metadata_init(&entry->metadata, metadata);
    entry->item = (cleat_push_item){
        .key = item->key,
        .payload = cleat_slice_of(item->payload != NULL ? item->payload : "{}"),
        .scope = entry->options.scope,
        .priority = entry->options.priority,
        .trace = entry->options.trace,
        .metadata = cleat__metadata_map(&entry->metadata),
    };
    cleat__user_event event = event_of(entry, metadata);
    status = cleat__user_event_check(&event);
    return status == CLEAT_OK ? note_source(&entry->metadata) : status;
}

static cleat_status check_items(cleat_push_call *call, const cleat_event_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat_status status = check_item(&call->entries[i], &items[i]);
        call->count = i + 1;
        if (status != CLEAT_OK) {
            return call->many ? cleat__fail(status, "item %zu: %s", i, cleat_error_message()) : status;
        }
    }
    return CLEAT_OK;
}

/* ---- The end of the chain ---- */

static cleat_status send_events(cleat_push_call *call)
{
    cleat__transport *transport = call->chain.client->transport;
    cleat__user_event *events = cleat__calloc(call->count, sizeof(*events));
    cleat__uuid *ids = cleat__calloc(call->count, sizeof(*ids));
    cleat_status status = events != NULL && ids != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < call->count && status == CLEAT_OK; i++) {
        cleat_slice metadata;
        status = cleat__metadata_text(&call->entries[i].metadata, &metadata);
        events[i] = event_of(&call->entries[i], metadata);
    }
    if (status == CLEAT_OK) {
        status = transport->push(transport, events, call->count, ids);
    }
    for (size_t i = 0; i < call->count && status == CLEAT_OK; i++) {
        cleat__uuid_format(&ids[i], call->entries[i].id.text);
    }
    call->pushed = status == CLEAT_OK;
    cleat__free(events);
    cleat__free(ids);
    return status;
}

cleat_status cleat_push_call_proceed(cleat_push_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, push));
    status = next != NULL ? next->push(next->user_data, call) : send_events(call);
    call->chain.spent = true;
    return status;
}

/* ---- The calls ---- */

static cleat_status run_call(cleat_push_call *call, const cleat_event_item *items, size_t count,
                             cleat_event_id *ids)
{
    cleat_status status = check_items(call, items, count);
    if (status == CLEAT_OK) {
        status = cleat_push_call_proceed(call);
    }
    status = cleat__chain_end(status, call->pushed);
    for (size_t i = 0; status == CLEAT_OK && ids != NULL && i < count; i++) {
        ids[i] = call->entries[i].id;
    }
    return status;
}

static cleat_status push(cleat_client *client, bool many, const cleat_event_item *items, size_t count,
                         cleat_event_id *ids)
{
    if (client == NULL || items == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "items");
    }
    if (count == 0 || count > CLEAT_EVENTS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu events; 1 to %d go together", count,
                           CLEAT_EVENTS_MAX);
    }
    cleat_push_call call = {.chain = {.client = client}, .many = many};
    call.entries = cleat__calloc(count, sizeof(*call.entries));
    if (call.entries == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = run_call(&call, items, count, ids);
    for (size_t i = 0; i < call.count; i++) {
        cleat__metadata_deinit(&call.entries[i].metadata);
    }
    cleat__free(call.entries);
    return status;
}

cleat_status cleat_client_push(cleat_client *client, const char *key, const char *payload,
                               const cleat_event_options *options, cleat_event_id *id)
{
    const cleat_event_item item = {key, payload, options};
    return push(client, false, &item, 1, id);
}

cleat_status cleat_client_push_many(cleat_client *client, const cleat_event_item *items, size_t count,
                                    cleat_event_id *ids)
{
    return push(client, true, items, count, ids);
}
