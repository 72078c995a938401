/*
 * Events are stored together with the runs that they start. The runs come first: they may be refused,
 * as long as nothing is written; an event that was checked cannot be.
 */
#include "engine/events.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/durable_events.h"
#include "engine/trigger.h"
#include "model/metadata.h"
#include "store/event.h"

/* What the events start. */
typedef struct starting {
    cleat__trigger *triggers;
    cleat__uuid *run_ids;
    cleat__buffer *metadata; /* of the runs of each event */
    size_t count, event_count;
} starting;

static void deinit(starting *all)
{
    for (size_t i = 0; all->metadata != NULL && i < all->event_count; i++) {
        cleat__buffer_deinit(&all->metadata[i]);
    }
    cleat__free(all->metadata);
    cleat__free(all->run_ids);
    cleat__free(all->triggers);
}

static cleat_status check(const cleat__command *command)
{
    size_t count = command->as.push.count;
    if (count == 0 || count > CLEAT__EVENTS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu events are pushed; it must be 1 .. %d", count,
                           CLEAT__EVENTS_MAX);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = cleat__user_event_check_sizes(&command->as.push.items[i]);
    }
    return status;
}

static const cleat__topic *topic_of(const cleat__core *core, const cleat__command *command, size_t event)
{
    return cleat__topics_find(&core->catalog.topics, command->tenant, command->as.push.items[event].key);
}

/* All are written together, and nobody else is answered meanwhile. */
static cleat_status count_runs(const cleat__core *core, const cleat__command *command, size_t *count)
{
    size_t copied = 0;
    for (size_t i = 0; i < command->as.push.count; i++) {
        const cleat__user_event *item = &command->as.push.items[i];
        const cleat__topic *topic = topic_of(core, command, i);
        if (topic != NULL) {
            *count += topic->count;
            copied += topic->count * (item->payload.size + item->metadata.size);
        }
    }
    if (*count > CLEAT__RUNS_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE,
                           "the events would start %zu runs, and at most %d are started together: push fewer "
                           "events with one call",
                           *count, CLEAT__RUNS_MAX);
    }
    return cleat__trigger_check_copied(copied);
}

static cleat_status make_room(const cleat__core *core, const cleat__command *command, starting *all)
{
    size_t count = 0;
    cleat_status status = count_runs(core, command, &count);
    all->event_count = command->as.push.count;
    if (status != CLEAT_OK || count == 0) {
        return status;
    }
    all->triggers = cleat__calloc(count, sizeof(cleat__trigger));
    all->run_ids = cleat__calloc(count, sizeof(cleat__uuid));
    all->metadata = cleat__calloc(all->event_count, sizeof(cleat__buffer));
    bool has_room = all->triggers != NULL && all->run_ids != NULL && all->metadata != NULL;
    return has_room ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status add_runs(const cleat__core *core, const cleat__command *command, size_t event,
                             starting *all)
{
    const cleat__user_event *item = &command->as.push.items[event];
    const cleat__uuid *id = &command->as.push.ids[event];
    const cleat__topic *topic = topic_of(core, command, event);
    if (topic == NULL) {
        return CLEAT_OK;
    }
    cleat__buffer *metadata = &all->metadata[event];
    cleat__metadata_of_event(item->metadata, id, item->key, metadata);
    for (size_t i = 0; i < topic->count; i++) {
        all->triggers[all->count++] = (cleat__trigger){
            .workflow = topic->workflows[i]->name,
            .input = item->payload,
            .metadata = cleat__buffer_slice(metadata),
            .priority = item->priority,
            .event_id = *id,
            .event_key = item->key,
        };
    }
    return metadata->failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status store_events(cleat__core *core, const cleat__command *command)
{
    cleat_status status = cleat__core_begin(core);
    for (size_t i = 0; i < command->as.push.count && status == CLEAT_OK; i++) {
        const cleat__user_event *item = &command->as.push.items[i];
        const cleat__event_row row = {
            .id = command->as.push.ids[i],
            .tenant = command->tenant,
            .key = item->key,
            .payload = item->payload.data != NULL ? item->payload : cleat_slice_of("{}"),
            .metadata = item->metadata,
            .scope = item->scope,
            .created_at_ms = core->now.unix_ms,
        };
        status = cleat__core_check(core, cleat__event_insert(core->store, &row));
        if (status == CLEAT_OK) {
            status = cleat__durable_match_event(core, &row);
        }
    }
    return status;
}

cleat_status cleat__events_push(cleat__core *core, cleat__command *command)
{
    cleat_status status = check(command);
    if (status != CLEAT_OK) {
        return status;
    }
    starting all = {.count = 0};
    status = make_room(core, command, &all);
    for (size_t i = 0; i < command->as.push.count && status == CLEAT_OK; i++) {
        command->as.push.ids[i] = cleat__uuid_next(&core->ids, core->now.unix_ms);
        status = add_runs(core, command, i, &all);
    }
    if (status == CLEAT_OK && all.count != 0) {
        status = cleat__trigger_runs(core, command->tenant, all.triggers, all.count, all.run_ids);
    }
    if (status == CLEAT_OK) {
        status = store_events(core, command);
    }
    if (status == CLEAT_OK && command->as.push.at_ms != NULL) {
        *command->as.push.at_ms = core->now.unix_ms;
    }
    deinit(&all);
    return status;
}
