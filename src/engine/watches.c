#include "engine/watches.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/dag.h"
#include "engine/watches_stored.h"
#include "model/metadata.h"
#include "store/load.h"
#include "store/stream.h"

#include <inttypes.h>

/* The watches of one run. */
typedef struct watched {
    cleat__uuid run_id; /* the map's key */
    cleat__watch *first;
} watched;

/* A run that somebody who looks by metadata was told of. */
typedef struct told_run {
    cleat__uuid run_id; /* the map's key */
} told_run;

static cleat_slice key_of(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

void cleat__watches_init(cleat__watches *watches)
{
    *watches = (cleat__watches){.count = 0};
    cleat__told_init(&watches->told);
}

/* ---- Who ---- */

static bool is_of_one_run(const cleat__watch *watch)
{
    return !cleat__uuid_is_nil(&watch->run_id);
}

static void forget_runs(cleat__watch *watch)
{
    size_t cursor = 0;
    told_run *run;
    while ((run = cleat__map_next(&watch->told_of, &cursor)) != NULL) {
        cleat__free(run);
    }
    cleat__map_deinit(&watch->told_of);
}

static void put_first(cleat__watch **first, cleat__watch *watch)
{
    watch->previous = NULL;
    watch->next = *first;
    if (*first != NULL) {
        (*first)->previous = watch;
    }
    *first = watch;
}

static void take_out(cleat__watch **first, cleat__watch *watch)
{
    if (watch->previous != NULL) {
        watch->previous->next = watch->next;
    } else {
        *first = watch->next;
    }
    if (watch->next != NULL) {
        watch->next->previous = watch->previous;
    }
    watch->next = watch->previous = NULL;
}

/* NULL on no memory. */
static watched *find_or_make(cleat__watches *watches, const cleat__uuid *run_id)
{
    watched *entry = cleat__map_get(&watches->by_run, key_of(run_id));
    if (entry != NULL) {
        return entry;
    }
    entry = cleat__calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    entry->run_id = *run_id;
    if (cleat__map_put(&watches->by_run, key_of(&entry->run_id), entry) != CLEAT_OK) {
        cleat__free(entry);
        return NULL;
    }
    return entry;
}

static cleat_status add_to_run(cleat__core *core, cleat__watch *watch)
{
    const cleat__run *run = cleat__core_find_run(core, watch->tenant, &watch->run_id);
    cleat_status status =
        run != NULL ? CLEAT_OK : cleat__load_exists(core->store, watch->tenant, &watch->run_id);
    if (status == CLEAT_OK) {
        status = cleat__stored_begin(core, watch, run);
    }
    if (status != CLEAT_OK) {
        bool is_answer = status == CLEAT_NOT_FOUND || status == CLEAT_EMPTY;
        return is_answer ? status : cleat__core_check(core, status);
    }
    watched *entry = find_or_make(&core->watches, &watch->run_id);
    if (entry == NULL) {
        return cleat__fail_memory();
    }
    put_first(&entry->first, watch);
    cleat__stored_serve_soon(&core->watches, watch);
    return CLEAT_OK;
}

cleat_status cleat__watches_add(cleat__core *core, cleat__command *command)
{
    cleat__watch *watch = command->as.watch;
    cleat_status status = CLEAT_OK;
    watch->tenant = command->tenant;
    watch->told_of = (cleat__map){0};
    watch->is_watching = watch->never_ends = watch->is_cut = watch->is_of_stored = false;
    if (is_of_one_run(watch)) {
        status = add_to_run(core, watch);
    } else if (watch->key.size == 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "a run or a key of metadata must be given");
    } else {
        put_first(&core->watches.by_metadata, watch);
    }
    if (status == CLEAT_OK) {
        watch->is_watching = true;
        core->watches.count++;
    }
    return status;
}

static void remove_from_run(cleat__watches *watches, cleat__watch *watch)
{
    watched *entry = cleat__map_get(&watches->by_run, key_of(&watch->run_id));
    take_out(&entry->first, watch);
    if (entry->first == NULL) {
        cleat__map_remove(&watches->by_run, key_of(&entry->run_id));
        cleat__free(entry);
    }
}

void cleat__watches_forget(cleat__watches *watches, cleat__watch *watch)
{
    if (!watch->is_watching) {
        return;
    }
    watch->is_watching = false;
    if (is_of_one_run(watch)) {
        cleat__stored_end(watches, watch);
        remove_from_run(watches, watch);
    } else {
        take_out(&watches->by_metadata, watch);
        forget_runs(watch);
    }
    cleat__told_forget(&watches->told, watch);
    if (--watches->count == 0) {
        cleat__streams_deinit(&watches->streams);
    }
}

cleat_status cleat__watches_remove(cleat__core *core, cleat__command *command)
{
    cleat__watches_forget(&core->watches, command->as.watch);
    return CLEAT_OK;
}

void cleat__watches_deinit(cleat__watches *watches)
{
    size_t cursor = 0;
    watched *entry;
    while ((entry = cleat__map_next(&watches->by_run, &cursor)) != NULL) {
        cleat__free(entry);
    }
    cleat__map_deinit(&watches->by_run);
    for (cleat__watch *watch = watches->by_metadata; watch != NULL; watch = watch->next) {
        forget_runs(watch);
    }
    cleat__told_deinit(&watches->told);
    cleat__streams_deinit(&watches->streams);
}

/* Who is told may forget the watch. */
static void lose(cleat__watch *first, int64_t at_ms)
{
    while (first != NULL) {
        cleat__watch *watch = first;
        first = watch->next;
        watch->is_watching = false;
        forget_runs(watch);
        if (!watch->is_cut) {
            cleat__told_tell_lost(watch, at_ms);
        }
    }
}

void cleat__watches_lose(cleat__watches *watches, int64_t at_ms)
{
    size_t cursor = 0;
    watched *entry;
    for (cleat__watch *watch = watches->told.cut; watch != NULL; watch = watch->next_cut) {
        watch->is_cut = false; /* it was not told yet */
    }
    cleat__told_deinit(&watches->told);
    while ((entry = cleat__map_next(&watches->by_run, &cursor)) != NULL) {
        lose(entry->first, at_ms);
    }
    lose(watches->by_metadata, at_ms);
    watches->by_metadata = watches->behind_head = watches->behind_tail = NULL;
    watches->count = 0;
    cleat__watches_deinit(watches);
}

/* ---- What ---- */

static cleat_status remember_run(cleat__watch *watch, const cleat__uuid *run_id)
{
    told_run *run = cleat__calloc(1, sizeof(*run));
    if (run == NULL) {
        return cleat__fail_memory();
    }
    run->run_id = *run_id;
    cleat_status status = cleat__map_put(&watch->told_of, key_of(&run->run_id), run);
    if (status != CLEAT_OK) {
        cleat__free(run);
    }
    return status;
}

/* Only a run that completed is no longer counted (engine.md 18): any other end leaves something to be
 * expected for ever. */
static void tell_by_metadata(cleat__told_queue *queue, cleat__watch *watch, const cleat__happening *happening,
                             cleat__told_payload **payload)
{
    cleat_slice key = key_of(&happening->run_id);
    cleat__happening told = *happening;
    told.hangup = false;
    if (told.is_of_run) {
        bool has_completed = told.kind == CLEAT__HAPPENING_COMPLETED;
        cleat__free(cleat__map_remove(&watch->told_of, key));
        watch->never_ends = watch->never_ends || !has_completed;
        told.hangup = has_completed && watch->told_of.count == 0 && !watch->never_ends;
    } else if (cleat__map_get(&watch->told_of, key) == NULL &&
               remember_run(watch, &happening->run_id) != CLEAT_OK) {
        cleat__told_cut(queue, watch);
    }
    cleat__told_add(queue, watch, &told, payload);
}

static bool is_looked_at_by_metadata(const cleat__core *core, int64_t tenant)
{
    for (const cleat__watch *watch = core->watches.by_metadata; watch != NULL; watch = watch->next) {
        if (watch->tenant == tenant) {
            return true;
        }
    }
    return false;
}

static void cut_all_by_metadata(cleat__core *core, int64_t tenant)
{
    for (cleat__watch *watch = core->watches.by_metadata; watch != NULL; watch = watch->next) {
        if (watch->tenant == tenant) {
            cleat__told_cut(&core->watches.told, watch);
        }
    }
}

/* Whoever is to be told stored chunks first is not told the end before them, and has a turn of its own for each. */
static void tell_by_run(cleat__core *core, cleat__watch *watch, const cleat__happening *happening,
                        bool is_stored, cleat__told_payload **payload)
{
    if (is_stored) {
        cleat__stored_tell(core, watch, happening, payload);
    } else if (happening->kind == CLEAT__HAPPENING_STREAM || happening->kind == CLEAT__HAPPENING_STARTED ||
               !cleat__stored_defers_end(&core->watches, watch)) {
        cleat__told_add(&core->watches.told, watch, happening, payload);
    }
}

/* `is_stored`: a chunk that was just stored. */
static void tell(cleat__core *core, const cleat__run *run, const cleat__happening *happening,
                 cleat_slice metadata, bool is_stored)
{
    cleat__told_queue *queue = &core->watches.told;
    const watched *entry = cleat__map_get(&core->watches.by_run, key_of(&happening->run_id));
    cleat__told_payload *payload = NULL;
    for (cleat__watch *watch = entry != NULL ? entry->first : NULL; watch != NULL; watch = watch->next) {
        tell_by_run(core, watch, happening, is_stored, &payload);
    }
    for (cleat__watch *watch = core->watches.by_metadata; watch != NULL; watch = watch->next) {
        if (watch->tenant == run->type->workflow->tenant &&
            cleat__metadata_says(metadata, watch->key, watch->value)) {
            tell_by_metadata(queue, watch, happening, &payload);
        }
    }
    cleat__told_payload_drop(payload);
}

static void tell_all(cleat__core *core, const cleat__run *run, const cleat__happening *happening,
                     cleat_slice metadata)
{
    tell(core, run, happening, metadata, false);
}

/* The run's metadata, when it is of interest to anybody. Without memory for it these are cut off. */
static cleat_status load_metadata(cleat__core *core, const cleat__run *run, cleat__buffer *metadata)
{
    int64_t tenant = run->type->workflow->tenant;
    cleat_status status = is_looked_at_by_metadata(core, tenant)
                              ? cleat__load_metadata(core->store, &run->id, metadata)
                              : CLEAT_OK;
    if (status == CLEAT_NO_MEMORY) {
        cut_all_by_metadata(core, tenant);
        return CLEAT_OK;
    }
    return cleat__core_check(core, status);
}

static cleat__happening happening_of(const cleat__core *core, const cleat__run *run,
                                     cleat__happening_kind kind, cleat_slice payload)
{
    return (cleat__happening){
        .run_id = cleat__dag_root(run)->id,
        .task_id = run->id,
        .kind = kind,
        .retry_count = run->retry_count,
        .retries = run->type->policy.retries,
        .event_index = -1,
        .at_ms = core->now.unix_ms,
        .payload = payload,
    };
}

void cleat__watches_start(cleat__core *core, const cleat__run *run, cleat_slice metadata)
{
    if (core->watches.by_metadata != NULL) { /* nobody else knows of a new run */
        const cleat__happening started =
            happening_of(core, run, CLEAT__HAPPENING_STARTED, (cleat_slice){NULL, 0});
        tell_all(core, run, &started, metadata);
    }
}

cleat_status cleat__watches_restart(cleat__core *core, const cleat__run *run)
{
    cleat__buffer metadata = {0};
    cleat_status status = load_metadata(core, run, &metadata);
    if (status == CLEAT_OK) {
        cleat__watches_start(core, run, cleat__buffer_slice(&metadata));
    }
    cleat__buffer_deinit(&metadata);
    return status;
}

/* ---- Streams ---- */

static void tell_chunk(cleat__core *core, const cleat__run *run, const cleat__chunk *chunk,
                       cleat_slice metadata)
{
    cleat__happening happening = happening_of(core, run, CLEAT__HAPPENING_STREAM, chunk->payload);
    happening.event_index = chunk->index;
    happening.retry_count = chunk->retry_count;
    tell_all(core, run, &happening, metadata);
}

static void tell_held(cleat__core *core, const cleat__run *run, cleat__stream *stream, bool at_any_rate,
                      cleat_slice metadata)
{
    cleat__chunk *chunk;
    while ((chunk = cleat__stream_take(&core->watches.streams, stream, at_any_rate,
                                       core->now.monotonic_ms)) != NULL) {
        tell_chunk(core, run, chunk, metadata);
        cleat__free(chunk);
    }
}

/* A chunk that is lost for want of memory is just that. */
static cleat_status put_in_order(cleat__core *core, const cleat__run *run, const cleat__chunk *chunk,
                                 cleat_slice metadata)
{
    cleat__streams *streams = &core->watches.streams;
    cleat__stream *stream = cleat__streams_add(streams, &run->id, chunk->retry_count);
    if (stream == NULL) {
        return cleat__fail_memory();
    }
    bool is_another = chunk->retry_count != stream->retry_count;
    if (is_another || (chunk->index == 0 && stream->next_index != 0)) {
        tell_held(core, run, stream, true, metadata); /* of the attempt before */
        cleat__stream_begin(stream, chunk->retry_count);
    }
    cleat_status status = CLEAT_OK;
    if (cleat__stream_is_next(stream, chunk->index)) {
        tell_chunk(core, run, chunk, metadata);
    } else {
        status = cleat__stream_hold(streams, stream, chunk, core->now.monotonic_ms);
    }
    tell_held(core, run, stream, cleat__stream_is_full(stream), metadata);
    return status;
}

static void give_up_waiting(cleat__core *core, cleat__stream *stream)
{
    cleat__buffer metadata = {0};
    const cleat__run *run = cleat__runs_find(&core->runs, &stream->task_id);
    if (run != NULL && load_metadata(core, run, &metadata) == CLEAT_OK) {
        tell_held(core, run, stream, true, cleat__buffer_slice(&metadata));
    } else {
        cleat__streams_remove(&core->watches.streams, stream);
    }
    cleat__buffer_deinit(&metadata);
}

static cleat_status put_chunk(cleat__core *core, const cleat__run *run, const cleat__chunk *chunk)
{
    cleat__buffer metadata = {0};
    cleat_status status = load_metadata(core, run, &metadata);
    if (status == CLEAT_OK && chunk->index < 0) {
        tell_chunk(core, run, chunk, cleat__buffer_slice(&metadata));
    } else if (status == CLEAT_OK) {
        status = put_in_order(core, run, chunk, cleat__buffer_slice(&metadata));
    }
    cleat__buffer_deinit(&metadata);
    while (cleat__streams_are_full(&core->watches.streams)) { /* those that have waited longest */
        give_up_waiting(core, core->watches.streams.waiting_head);
    }
    return status;
}

static bool is_looked_at(const cleat__core *core, const cleat__run *run)
{
    const cleat__uuid *id = &cleat__dag_root(run)->id;
    return core->watches.count != 0 && (cleat__map_get(&core->watches.by_run, key_of(id)) != NULL ||
                                        is_looked_at_by_metadata(core, run->type->workflow->tenant));
}

/* A chunk of a run that is not durable, or has no number. */
static cleat_status send_on(cleat__core *core, const cleat__run *run, int64_t index, cleat_slice payload)
{
    const cleat__chunk chunk = {.index = index, .retry_count = run->retry_count, .payload = payload};
    return is_looked_at(core, run) ? put_chunk(core, run, &chunk) : CLEAT_OK;
}

static cleat_status store_one(cleat__core *core, const cleat__run *run, int64_t stream, int64_t index,
                              cleat_slice payload, cleat_slice metadata)
{
    bool is_new = false;
    cleat_status status = index >= 0 ? cleat__stored_put(core, stream, index, payload, &is_new) : CLEAT_OK;
    if (status == CLEAT_OK && is_new && is_looked_at(core, run)) {
        cleat__happening happening = happening_of(core, run, CLEAT__HAPPENING_STREAM, payload);
        happening.event_index = index;
        happening.is_stored = true;
        tell(core, run, &happening, metadata, true);
    }
    return status;
}

static cleat_status check_index(int64_t first_index, size_t count)
{
    return first_index > CLEAT__CHUNKS_MAX - (int64_t)count
               ? cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "a chunk has the index %" PRId64 "; they go up to %" PRId64, first_index,
                             CLEAT__CHUNKS_MAX - 1)
               : CLEAT_OK;
}

/* They are told as if each had come by itself. */
static cleat_status store_all(cleat__core *core, cleat__run *run, int64_t first_index,
                              const cleat_slice *items, size_t count)
{
    cleat__buffer metadata = {0};
    int64_t stream = 0;
    cleat_status status = check_index(first_index, count);
    if (status == CLEAT_OK) {
        status = load_metadata(core, run, &metadata);
    }
    if (status == CLEAT_OK) {
        status = cleat__stored_open(core, run, &stream);
    }
    if (status == CLEAT_OK) {
        status = cleat__stored_place(core, run, stream, &first_index);
    }
    if (status == CLEAT_OK) {
        status = check_index(first_index, count);
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status =
            store_one(core, run, stream, first_index + (int64_t)i, items[i], cleat__buffer_slice(&metadata));
    }
    cleat__buffer_deinit(&metadata);
    return status;
}

static cleat_status check_sizes(const cleat_slice *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].size > CLEAT_PAYLOAD_MAX) {
            return cleat__fail(CLEAT_TOO_LARGE,
                               "a chunk of the stream has %zu bytes; at most %zu are sent on", items[i].size,
                               CLEAT_PAYLOAD_MAX);
        }
    }
    return CLEAT_OK;
}

static cleat_status check_invocation(cleat__core *core, cleat__run *run, int32_t count)
{
    return count != 0 && cleat__run_is_durable(run)
               ? cleat__durable_check_present(core, cleat__durable_of(run), count)
               : CLEAT_OK;
}

static cleat_status put_all(cleat__core *core, int64_t tenant, const cleat__uuid *id,
                            int32_t invocation_count, int64_t first_index, const cleat_slice *items,
                            size_t count)
{
    cleat_status status = check_sizes(items, count);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__run *run = cleat__core_find_run(core, tenant, id);
    if (run == NULL) {
        status = cleat__load_exists(core->store, tenant, id);
        return status == CLEAT_NOT_FOUND ? status : cleat__core_check(core, status);
    }
    status = check_invocation(core, run, invocation_count);
    if (status == CLEAT_OK && run->type->needs->is_durable && first_index >= 0) {
        return store_all(core, run, first_index, items, count);
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = send_on(core, run, first_index >= 0 ? first_index + (int64_t)i : first_index, items[i]);
    }
    return status;
}

cleat_status cleat__watches_put_stream(cleat__core *core, cleat__command *command)
{
    return put_all(core, command->tenant, &command->as.put_stream.task_id, 0, command->as.put_stream.index,
                   &command->as.put_stream.payload, 1);
}

cleat_status cleat__watches_put_chunks(cleat__core *core, cleat__command *command)
{
    return put_all(core, command->tenant, &command->as.put_chunks.task_id,
                   command->as.put_chunks.invocation_count, command->as.put_chunks.first_index,
                   command->as.put_chunks.items, command->as.put_chunks.count);
}

void cleat__watches_fire(cleat__core *core)
{
    cleat__stream *stream;
    while ((stream = core->watches.streams.waiting_head) != NULL &&
           stream->deadline_ms <= core->now.monotonic_ms) {
        give_up_waiting(core, stream);
    }
}

/* ---- The end ---- */

static void end_stream(cleat__core *core, const cleat__run *run, cleat_slice metadata)
{
    cleat__stream *stream = cleat__streams_find(&core->watches.streams, &run->id);
    if (stream != NULL) {
        tell_held(core, run, stream, true, metadata);
        cleat__streams_remove(&core->watches.streams, stream);
    }
}

static cleat__happening_kind kind_of_run(const cleat__run *run)
{
    return run->state == CLEAT_RUN_COMPLETED   ? CLEAT__HAPPENING_COMPLETED
           : run->state == CLEAT_RUN_CANCELLED ? CLEAT__HAPPENING_CANCELLED
                                               : CLEAT__HAPPENING_FAILED;
}

cleat_status cleat__watches_end(cleat__core *core, const cleat__run *run, cleat__happening_kind kind,
                                cleat_slice payload)
{
    if (core->watches.count == 0) {
        return CLEAT_OK;
    }
    cleat__buffer metadata = {0};
    cleat_status status = load_metadata(core, run, &metadata);
    if (status == CLEAT_OK) {
        cleat__happening of_task = happening_of(core, run, kind, payload);
        cleat__happening of_run = happening_of(core, run, kind_of_run(run), (cleat_slice){NULL, 0});
        of_run.is_of_run = of_run.hangup = true;
        end_stream(core, run, cleat__buffer_slice(&metadata));
        if (!cleat__run_is_dag(run)) { /* its tasks have been told of, each at its end */
            tell_all(core, run, &of_task, cleat__buffer_slice(&metadata));
        }
        if (run->type->dag == NULL) {
            tell_all(core, run, &of_run, cleat__buffer_slice(&metadata));
        }
    }
    cleat__buffer_deinit(&metadata);
    return status;
}
