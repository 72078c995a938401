/*
 * Events are stored together with the runs that they start. The runs come first: they may be refused,
 * as long as nothing is written; an event that was checked cannot be.
 */
#include "engine/events.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "engine/durable_events.h"
#include "engine/trigger.h"
#include "model/metadata.h"
#include "store/event.h"
#include "store/filter.h"

/* Filters that are asked about the events of one call: they are evaluated while nobody else is answered. */
#define JUDGED_MAX 10000

/* What the events start. */
typedef struct starting {
    const cleat__command *command;
    cleat__topic_match found; /* by the event that is looked at */
    cleat__trigger *triggers;
    cleat__uuid *run_ids;
    cleat__buffer *metadata; /* of the runs of each event; NULL: there are none yet */
    cleat__arena payloads;   /* of filters */
    size_t count, capacity;
    size_t copied; /* bytes of the events that the runs have copies of */
    size_t judged; /* filters so far */
} starting;

static void deinit(starting *all)
{
    for (size_t i = 0; all->metadata != NULL && i < all->command->as.push.count; i++) {
        cleat__buffer_deinit(&all->metadata[i]);
    }
    cleat__free(all->metadata);
    cleat__free(all->run_ids);
    cleat__free(all->triggers);
    cleat__arena_deinit(&all->payloads);
    cleat__topic_match_deinit(&all->found);
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

/* ---- One run ---- */

/* For one more. */
static cleat_status make_room(starting *all)
{
    if (all->count == CLEAT__RUNS_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE,
                           "the events would start more than %d runs, and no more are started together: push "
                           "fewer events with one call",
                           CLEAT__RUNS_MAX);
    }
    if (all->metadata == NULL) {
        all->metadata = cleat__calloc(all->command->as.push.count, sizeof(cleat__buffer));
    }
    if (all->count == all->capacity) {
        size_t capacity = all->capacity != 0 ? all->capacity * 2 : 4;
        cleat__trigger *triggers = cleat__realloc(all->triggers, capacity * sizeof(cleat__trigger));
        all->triggers = triggers != NULL ? triggers : all->triggers;
        all->capacity = triggers != NULL ? capacity : all->capacity;
    }
    bool has_room = all->metadata != NULL && all->count < all->capacity;
    return has_room ? CLEAT_OK : cleat__fail_memory();
}

/* The metadata of an event's runs, which is made once. */
static cleat_status metadata_of(starting *all, size_t event, cleat_slice *out)
{
    const cleat__user_event *item = &all->command->as.push.items[event];
    cleat__buffer *metadata = &all->metadata[event];
    if (metadata->size == 0) {
        cleat__metadata_of_event(item->metadata, &all->command->as.push.ids[event], item->key, metadata);
    }
    *out = cleat__buffer_slice(metadata);
    return metadata->failed ? cleat__fail_memory() : CLEAT_OK;
}

/* `filter`: that lets the event start it; NULL: the workflow has none. */
static cleat_status add_run(starting *all, size_t event, const cleat__workflow_entry *workflow,
                            const cleat__filter_row *filter)
{
    const cleat__user_event *item = &all->command->as.push.items[event];
    cleat__trigger trigger = {
        .workflow = workflow->name,
        .input = item->payload,
        .priority = item->priority,
        .event_id = all->command->as.push.ids[event],
        .event_key = item->key,
    };
    cleat_status status = make_room(all);
    if (status == CLEAT_OK) {
        status = metadata_of(all, event, &trigger.metadata);
    }
    if (status == CLEAT_OK && filter != NULL) {
        trigger.filter_id = filter->id;
        if (!cleat__arena_keep(&all->payloads, filter->filter.payload, &trigger.filter_payload)) {
            status = cleat__fail_memory();
        }
    }
    if (status == CLEAT_OK) {
        all->triggers[all->count++] = trigger;
        all->copied += item->payload.size + item->metadata.size + trigger.filter_payload.size;
        status = cleat__trigger_check_copied(all->copied);
    }
    return status;
}

/* ---- Filters ---- */

typedef struct judging {
    starting *all;
    size_t event;
    cleat__expression_parsed *parsed; /* of the event */
    size_t *steps;
    const cleat__workflow_entry *workflow;
    cleat_status status;
} judging;

static cleat_status judge(judging *state, const cleat__filter_row *row)
{
    const cleat__command *command = state->all->command;
    bool is_true = false;
    if (state->all->judged++ == JUDGED_MAX || *state->steps == 0) {
        return cleat__fail(
            CLEAT_TOO_LARGE,
            "too many filters would be asked about the events, or too large ones: push fewer with "
            "one call");
    }
    cleat_status status =
        cleat__filter_test(&row->filter, &command->as.push.items[state->event],
                           &command->as.push.ids[state->event], state->parsed, state->steps, &is_true);
    return status == CLEAT_OK && is_true ? add_run(state->all, state->event, state->workflow, row) : status;
}

static bool visit_filter(void *argument, const cleat__filter_row *row)
{
    judging *state = argument;
    state->status = judge(state, row);
    return state->status == CLEAT_OK;
}

/* One run for each filter of the event's scope that is true of it. */
static cleat_status add_filtered(cleat__core *core, starting *all, size_t event,
                                 const cleat__workflow_entry *workflow, cleat__expression_parsed *parsed)
{
    const cleat_slice scope = all->command->as.push.items[event].scope;
    judging state = {.all = all,
                     .event = event,
                     .parsed = parsed,
                     .steps = &core->expression_steps,
                     .workflow = workflow,
                     .status = CLEAT_OK};
    if (scope.size == 0) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__filter_list_scope(core->store, workflow->row, scope, visit_filter, &state);
    return status == CLEAT_OK ? state.status : cleat__core_check(core, status);
}

/* ---- All ---- */

static cleat_status add_runs(cleat__core *core, starting *all, size_t event)
{
    cleat__expression_parsed parsed = {{NULL}};
    cleat_status status = cleat__topics_find(&core->catalog.topics, all->command->tenant,
                                             all->command->as.push.items[event].key, &all->found);
    for (size_t i = 0; i < all->found.count && status == CLEAT_OK; i++) {
        const cleat__workflow_entry *workflow = all->found.workflows[i];
        status = workflow->filter_count != 0 ? add_filtered(core, all, event, workflow, &parsed)
                                             : add_run(all, event, workflow, NULL);
    }
    cleat__expression_parsed_deinit(&parsed);
    return status;
}

/* Of one whose idempotency key another run has, that one's id was answered: it was not started by this. Ids grow. */
static void forget_refused(starting *all)
{
    const cleat__uuid *last = &all->command->as.push.ids[all->command->as.push.count - 1];
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (memcmp(&all->run_ids[i], last, sizeof(*last)) > 0) {
            all->triggers[kept] = all->triggers[i];
            all->run_ids[kept] = all->run_ids[i];
            last = &all->run_ids[kept++];
        }
    }
    all->count = kept;
}

static cleat_status start_runs(cleat__core *core, starting *all)
{
    if (all->count == 0) {
        return CLEAT_OK;
    }
    all->run_ids = cleat__calloc(all->count, sizeof(cleat__uuid));
    if (all->run_ids == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status =
        cleat__trigger_runs(core, all->command->tenant, all->triggers, all->count, all->run_ids);
    if (status == CLEAT_OK) {
        forget_refused(all);
    }
    return status != CLEAT_TOO_LARGE
               ? status
               : cleat__fail(status, "what the events start together is too much, so none is stored: %s",
                             cleat_error_message());
}

/* What a run waits for is not met by what has started it, nor by what was pushed before that. `*later` is the
 * first of the runs of this event and those after it. */
static cleat_status match(cleat__core *core, const starting *all, const cleat__event_row *row, size_t *later)
{
    while (*later < all->count && memcmp(&all->triggers[*later].event_id, &row->id, sizeof(row->id)) < 0) {
        (*later)++; /* ids grow with each event */
    }
    size_t count = all->count - *later;
    return cleat__durable_match_event(core, row, count != 0 ? &all->run_ids[*later] : NULL, count);
}

static cleat_status store_events(cleat__core *core, const starting *all)
{
    const cleat__command *command = all->command;
    size_t later = 0;
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
            .webhook = item->webhook,
            .created_at_ms = core->now.unix_ms,
        };
        status = cleat__core_check(core, cleat__event_insert(core->store, &row));
        if (status == CLEAT_OK) {
            status = match(core, all, &row, &later);
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
    starting all = {.command = command};
    for (size_t i = 0; i < command->as.push.count && status == CLEAT_OK; i++) {
        command->as.push.ids[i] = cleat__uuid_next(&core->ids, core->now.unix_ms);
        status = add_runs(core, &all, i);
    }
    if (status == CLEAT_OK) {
        status = start_runs(core, &all);
    }
    if (status == CLEAT_OK) {
        status = store_events(core, &all);
    }
    if (status == CLEAT_OK && command->as.push.at_ms != NULL) {
        *command->as.push.at_ms = core->now.unix_ms;
    }
    deinit(&all);
    return status;
}
