#include "engine/watches_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/dag.h"
#include "engine/watches_stored.h"
#include "store/load.h"
#include "store/stream.h"

#include <inttypes.h>

/* Whose chunks they are, and who is told. */
typedef struct chunk_source {
    cleat__happening of; /* what a chunk says, but for itself */
    int64_t tenant;
    cleat_slice metadata; /* absent: whoever looks by metadata is not told */
} chunk_source;

static chunk_source source_of(const cleat__core *core, const cleat__run *run, cleat_slice metadata)
{
    return (chunk_source){
        .of = cleat__watches_happening(core, run, CLEAT__HAPPENING_STREAM, (cleat_slice){NULL, 0}),
        .tenant = run->type->workflow->tenant,
        .metadata = metadata,
    };
}

static chunk_source source_of_late(const cleat__stream *stream)
{
    return (chunk_source){.of = stream->of, .tenant = stream->tenant, .metadata = {NULL, 0}};
}

static void tell_chunk(cleat__core *core, const chunk_source *from, const cleat__chunk *chunk)
{
    cleat__happening happening = from->of;
    happening.event_index = chunk->index;
    happening.retry_count = chunk->retry_count;
    happening.payload = chunk->payload;
    cleat__watches_tell(core, from->tenant, &happening, from->metadata, false);
}

static void tell_held(cleat__core *core, const chunk_source *from, cleat__stream *stream, bool at_any_rate)
{
    cleat__chunk *chunk;
    while ((chunk = cleat__stream_take(&core->watches.streams, stream, at_any_rate,
                                       core->now.monotonic_ms)) != NULL) {
        tell_chunk(core, from, chunk);
        cleat__free(chunk);
    }
}

/* A chunk that is lost for want of memory is just that. */
static cleat_status put_in_order(cleat__core *core, const chunk_source *from, const cleat__chunk *chunk)
{
    cleat__streams *streams = &core->watches.streams;
    cleat__stream *stream = cleat__streams_add(streams, &from->of.task_id, chunk->retry_count);
    if (stream == NULL) {
        return cleat__fail_memory();
    }
    bool is_another = chunk->retry_count != stream->retry_count;
    if (is_another || (chunk->index == 0 && stream->next_index != 0)) {
        tell_held(core, from, stream, true); /* of the attempt before */
        cleat__stream_begin(stream, chunk->retry_count);
    }
    cleat_status status = CLEAT_OK;
    if (cleat__stream_is_next(stream, chunk->index)) {
        tell_chunk(core, from, chunk);
    } else {
        status = cleat__stream_hold(streams, stream, chunk, core->now.monotonic_ms);
    }
    tell_held(core, from, stream, cleat__stream_is_full(stream));
    return status;
}

static void end_late(cleat__core *core, cleat__stream *stream)
{
    const chunk_source from = source_of_late(stream);
    const cleat__happening end = stream->end_of_run, end_of_task = stream->end_of_task;
    tell_held(core, &from, stream, true);
    cleat__streams_remove(&core->watches.streams, stream);
    if (end_of_task.hangup) {
        cleat__watches_tell_task_end(core, &end_of_task);
    }
    if (end.hangup) {
        cleat__watches_tell(core, from.tenant, &end, from.metadata, false);
    }
}

/* For what is behind a gap. Of one that is late the end is told at its time, all the same. */
static void give_up_waiting(cleat__core *core, cleat__stream *stream)
{
    cleat__buffer metadata = {0};
    const cleat__run *run = cleat__runs_find(&core->runs, &stream->task_id);
    if (stream->is_late) {
        const chunk_source from = source_of_late(stream);
        tell_held(core, &from, stream, true);
    } else if (run != NULL && cleat__watches_load_metadata(core, run, &metadata) == CLEAT_OK) {
        const chunk_source from = source_of(core, run, cleat__buffer_slice(&metadata));
        tell_held(core, &from, stream, true);
    } else {
        cleat__streams_remove(&core->watches.streams, stream);
    }
    cleat__buffer_deinit(&metadata);
}

static cleat_status put_one(cleat__core *core, const chunk_source *from, const cleat__chunk *chunk)
{
    cleat_status status = CLEAT_OK;
    if (chunk->index < 0) {
        tell_chunk(core, from, chunk);
    } else {
        status = put_in_order(core, from, chunk);
    }
    while (cleat__streams_are_full(&core->watches.streams)) { /* those that have waited longest */
        give_up_waiting(core, core->watches.streams.waiting_head);
    }
    return status;
}

/* A chunk of a run that is not durable, or has no number. */
static cleat_status send_on(cleat__core *core, const cleat__run *run, int64_t index, cleat_slice payload)
{
    if (!cleat__watches_are_of(core, run)) {
        return CLEAT_OK;
    }
    const cleat__chunk chunk = {.index = index, .retry_count = run->retry_count, .payload = payload};
    cleat__buffer metadata = {0};
    cleat_status status = cleat__watches_load_metadata(core, run, &metadata);
    if (status == CLEAT_OK) {
        const chunk_source from = source_of(core, run, cleat__buffer_slice(&metadata));
        status = put_one(core, &from, &chunk);
    }
    cleat__buffer_deinit(&metadata);
    return status;
}

/* ---- Of durable runs ---- */

static cleat_status store_one(cleat__core *core, const cleat__run *run, int64_t stream, int64_t index,
                              cleat_slice payload, cleat_slice metadata)
{
    bool is_new = false;
    cleat_status status = index >= 0 ? cleat__stored_put(core, stream, index, payload, &is_new) : CLEAT_OK;
    if (status == CLEAT_OK && is_new && cleat__watches_are_of(core, run)) {
        cleat__happening happening = cleat__watches_happening(core, run, CLEAT__HAPPENING_STREAM, payload);
        happening.event_index = index;
        happening.is_stored = true;
        cleat__watches_tell(core, run->type->workflow->tenant, &happening, metadata, true);
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
        status = cleat__watches_load_metadata(core, run, &metadata);
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

/* ---- The handlers ---- */

/* Its task has ended: told to those who still wait for the end. */
static cleat_status put_late(cleat__core *core, int64_t tenant, const cleat__uuid *id, int64_t first_index,
                             const cleat_slice *items, size_t count)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        cleat__stream *stream = cleat__streams_find(&core->watches.streams, id);
        if (stream == NULL || stream->tenant != tenant) {
            return CLEAT_OK;
        }
        const chunk_source from = source_of_late(stream);
        const cleat__chunk chunk = {.index = first_index >= 0 ? first_index + (int64_t)i : first_index,
                                    .retry_count = from.of.retry_count,
                                    .payload = items[i]};
        status = put_one(core, &from, &chunk);
    }
    return status;
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
        return status == CLEAT_OK          ? put_late(core, tenant, id, first_index, items, count)
               : status == CLEAT_NOT_FOUND ? status
                                           : cleat__core_check(core, status);
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
    cleat__streams *streams = &core->watches.streams;
    while (cleat__streams_next_ms(streams) <= core->now.monotonic_ms) {
        cleat__stream *late = streams->late_head;
        if (late != NULL && late->late_until_ms <= core->now.monotonic_ms) {
            end_late(core, late);
        } else {
            give_up_waiting(core, streams->waiting_head);
        }
    }
}

/* ---- The end ---- */

/* False: there is no memory for it; then nothing is waited for. */
static bool keep_late(cleat__core *core, const cleat__run *run)
{
    cleat__streams *streams = &core->watches.streams;
    cleat__stream *stream = cleat__streams_add(streams, &run->id, run->retry_count);
    if (stream == NULL) {
        return false;
    }
    stream->tenant = run->type->workflow->tenant;
    stream->of = cleat__watches_happening(core, run, CLEAT__HAPPENING_STREAM, (cleat_slice){NULL, 0});
    return cleat__streams_keep_late(streams, stream, core->now.monotonic_ms + CLEAT__STREAM_LATE_MS) ==
           CLEAT_OK;
}

void cleat__chunks_end(cleat__core *core, const cleat__run *run, bool is_waited_for, cleat_slice metadata)
{
    if (is_waited_for && keep_late(core, run)) {
        return;
    }
    cleat__stream *stream = cleat__streams_find(&core->watches.streams, &run->id);
    if (stream != NULL) {
        const chunk_source from = source_of(core, run, metadata);
        tell_held(core, &from, stream, true);
        cleat__streams_remove(&core->watches.streams, stream);
    }
}

bool cleat__chunks_defer_end(cleat__core *core, const cleat__happening *end_of_run)
{
    cleat__stream *last = cleat__streams_last_late(&core->watches.streams, &end_of_run->run_id);
    if (last != NULL) {
        last->end_of_run = *end_of_run; /* it is the last of the run to go */
    }
    return last != NULL;
}

bool cleat__chunks_defer_task_end(cleat__core *core, const cleat__happening *end)
{
    cleat__stream *stream = cleat__streams_find(&core->watches.streams, &end->task_id);
    if (stream == NULL || !stream->is_late) {
        return false;
    }
    stream->end_of_task = *end;
    return true;
}

void cleat__chunks_restart(cleat__core *core, const cleat__uuid *run_id)
{
    cleat__stream *stream = cleat__streams_last_late(&core->watches.streams, run_id);
    while (stream != NULL && stream->previous_of_run != NULL) {
        stream = stream->previous_of_run;
    }
    while (stream != NULL) {
        cleat__stream *next = stream->next_of_run;
        end_late(core, stream);
        stream = next;
    }
}
