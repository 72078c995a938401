#include "engine/streams.h"

#include "base/alloc.h"
#include "base/error.h"

static cleat_slice key_of(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

static size_t size_of(const cleat__chunk *chunk)
{
    return sizeof(*chunk) + chunk->payload.size;
}

static void free_stream(cleat__stream *stream)
{
    while (stream->held != NULL) {
        cleat__chunk *chunk = stream->held;
        stream->held = chunk->next;
        cleat__free(chunk);
    }
    cleat__free(stream);
}

void cleat__streams_deinit(cleat__streams *streams)
{
    size_t cursor = 0;
    cleat__stream *stream;
    while ((stream = cleat__map_next(&streams->by_task, &cursor)) != NULL) {
        free_stream(stream);
    }
    cleat__map_deinit(&streams->by_task);
    cleat__map_deinit(&streams->late_by_run);
    *streams = (cleat__streams){0};
}

cleat__stream *cleat__streams_find(const cleat__streams *streams, const cleat__uuid *task_id)
{
    return cleat__map_get(&streams->by_task, key_of(task_id));
}

cleat__stream *cleat__streams_add(cleat__streams *streams, const cleat__uuid *task_id, int32_t retry_count)
{
    cleat__stream *stream = cleat__streams_find(streams, task_id);
    if (stream != NULL) {
        return stream;
    }
    stream = cleat__calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    stream->task_id = *task_id;
    stream->retry_count = retry_count;
    if (cleat__map_put(&streams->by_task, key_of(&stream->task_id), stream) != CLEAT_OK) {
        cleat__free(stream);
        return NULL;
    }
    return stream;
}

/* ---- Waiting ---- */

static void stop_waiting(cleat__streams *streams, cleat__stream *stream)
{
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        streams->waiting_head = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    } else {
        streams->waiting_tail = stream->previous;
    }
    stream->next = stream->previous = NULL;
}

/* All wait equally long, so that the last has the last deadline. */
static void start_waiting(cleat__streams *streams, cleat__stream *stream, int64_t now_ms)
{
    stream->deadline_ms = now_ms + CLEAT__STREAM_WAIT_MS;
    stream->previous = streams->waiting_tail;
    if (streams->waiting_tail != NULL) {
        streams->waiting_tail->next = stream;
    } else {
        streams->waiting_head = stream;
    }
    streams->waiting_tail = stream;
}

/* ---- Late ---- */

cleat__stream *cleat__streams_last_late(const cleat__streams *streams, const cleat__uuid *run_id)
{
    return cleat__map_get(&streams->late_by_run, key_of(run_id));
}

static cleat_status add_to_run(cleat__streams *streams, cleat__stream *stream)
{
    cleat__stream *last = cleat__streams_last_late(streams, &stream->of.run_id);
    cleat_status status = cleat__map_put(&streams->late_by_run, key_of(&stream->of.run_id), stream);
    if (status == CLEAT_OK) {
        stream->next_of_run = NULL;
        stream->previous_of_run = last;
        if (last != NULL) {
            last->next_of_run = stream;
        }
    }
    return status;
}

static void take_from_run(cleat__streams *streams, cleat__stream *stream)
{
    cleat__stream *next = stream->next_of_run, *previous = stream->previous_of_run;
    if (previous != NULL) {
        previous->next_of_run = next;
    }
    if (next != NULL) {
        next->previous_of_run = previous;
    } else if (previous != NULL) { /* replaces, which takes no memory */
        cleat__map_put(&streams->late_by_run, key_of(&previous->of.run_id), previous);
    } else {
        cleat__map_remove(&streams->late_by_run, key_of(&stream->of.run_id));
    }
}

static void take_from_late(cleat__streams *streams, cleat__stream *stream)
{
    cleat__stream *next = stream->next_late, *previous = stream->previous_late;
    *(previous != NULL ? &previous->next_late : &streams->late_head) = next;
    *(next != NULL ? &next->previous_late : &streams->late_tail) = previous;
    take_from_run(streams, stream);
}

cleat_status cleat__streams_keep_late(cleat__streams *streams, cleat__stream *stream, int64_t until_ms)
{
    cleat_status status = add_to_run(streams, stream);
    if (status != CLEAT_OK) {
        return status;
    }
    stream->is_late = true;
    stream->late_until_ms = until_ms;
    stream->next_late = NULL;
    stream->previous_late = streams->late_tail;
    *(streams->late_tail != NULL ? &streams->late_tail->next_late : &streams->late_head) = stream;
    streams->late_tail = stream;
    return CLEAT_OK;
}

int64_t cleat__streams_next_ms(const cleat__streams *streams)
{
    int64_t gap = streams->waiting_head != NULL ? streams->waiting_head->deadline_ms : INT64_MAX;
    int64_t late = streams->late_head != NULL ? streams->late_head->late_until_ms : INT64_MAX;
    return gap < late ? gap : late;
}

void cleat__streams_remove(cleat__streams *streams, cleat__stream *stream)
{
    if (stream->held != NULL) {
        stop_waiting(streams, stream);
    }
    if (stream->is_late) {
        take_from_late(streams, stream);
    }
    for (const cleat__chunk *chunk = stream->held; chunk != NULL; chunk = chunk->next) {
        streams->held_bytes -= size_of(chunk);
    }
    cleat__map_remove(&streams->by_task, key_of(&stream->task_id));
    free_stream(stream);
}

/* ---- Order ---- */

static int64_t after(int64_t index)
{
    return index < INT64_MAX ? index + 1 : index;
}

void cleat__stream_begin(cleat__stream *stream, int32_t retry_count)
{
    stream->retry_count = retry_count;
    stream->next_index = 0;
}

bool cleat__stream_is_next(cleat__stream *stream, int64_t index)
{
    if (index > stream->next_index) {
        return false;
    }
    if (index == stream->next_index || index == 0) {
        stream->next_index = after(index);
    }
    return true;
}

cleat_status cleat__stream_hold(cleat__streams *streams, cleat__stream *stream, const cleat__chunk *chunk,
                                int64_t now_ms)
{
    cleat__chunk *copy = cleat__malloc(sizeof(*copy) + chunk->payload.size);
    if (copy == NULL) {
        return cleat__fail_memory();
    }
    *copy = *chunk;
    if (chunk->payload.size != 0) {
        memcpy(copy + 1, chunk->payload.data, chunk->payload.size);
    }
    copy->payload.data = (const char *)(copy + 1);
    if (stream->held == NULL) {
        start_waiting(streams, stream, now_ms);
    }
    cleat__chunk **link = &stream->held;
    while (*link != NULL && (*link)->index <= copy->index) {
        link = &(*link)->next;
    }
    copy->next = *link;
    *link = copy;
    stream->held_count++;
    stream->held_bytes += copy->payload.size;
    streams->held_bytes += size_of(copy);
    return CLEAT_OK;
}

bool cleat__stream_is_full(const cleat__stream *stream)
{
    return stream->held_count > CLEAT__STREAM_HELD_MAX || stream->held_bytes > CLEAT__STREAM_BYTES_MAX;
}

bool cleat__streams_are_full(const cleat__streams *streams)
{
    return streams->held_bytes > CLEAT__STREAMS_BYTES_MAX;
}

cleat__chunk *cleat__stream_take(cleat__streams *streams, cleat__stream *stream, bool at_any_rate,
                                 int64_t now_ms)
{
    cleat__chunk *chunk = stream->held;
    if (chunk == NULL || (chunk->index > stream->next_index && !at_any_rate)) {
        return NULL;
    }
    stop_waiting(streams, stream);
    stream->held = chunk->next;
    stream->held_count--;
    stream->held_bytes -= chunk->payload.size;
    streams->held_bytes -= size_of(chunk);
    if (chunk->index >= stream->next_index) {
        stream->next_index = after(chunk->index);
    }
    if (stream->held != NULL) {
        start_waiting(streams, stream, now_ms); /* for the next gap */
    }
    return chunk;
}
