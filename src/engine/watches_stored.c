#include "engine/watches_stored.h"

#include "base/error.h"
#include "engine/core_parts.h"
#include "store/load.h"
#include "store/stream.h"

/* ---- Who is behind ---- */

static void put_behind(cleat__watches *watches, cleat__watch *watch)
{
    watch->progress = CLEAT__WATCH_BEHIND;
    watch->next_behind = NULL;
    watch->previous_behind = watches->behind_tail;
    *(watches->behind_tail != NULL ? &watches->behind_tail->next_behind : &watches->behind_head) = watch;
    watches->behind_tail = watch;
}

static void take_from_behind(cleat__watches *watches, cleat__watch *watch)
{
    cleat__watch *next = watch->next_behind, *previous = watch->previous_behind;
    *(previous != NULL ? &previous->next_behind : &watches->behind_head) = next;
    *(next != NULL ? &next->previous_behind : &watches->behind_tail) = previous;
    watch->next_behind = watch->previous_behind = NULL;
}

void cleat__stored_serve_soon(cleat__watches *watches, cleat__watch *watch)
{
    if (watch->is_of_stored && watch->progress == CLEAT__WATCH_BEHIND) {
        put_behind(watches, watch);
    }
}

void cleat__stored_end(cleat__watches *watches, cleat__watch *watch)
{
    if (watch->is_of_stored && watch->progress == CLEAT__WATCH_BEHIND) {
        take_from_behind(watches, watch);
    }
    watch->is_of_stored = false;
}

cleat_status cleat__stored_begin(cleat__core *core, cleat__watch *watch, const cleat__run *run)
{
    int64_t stream;
    if (run != NULL && !run->type->needs->is_durable) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__chunks_find(core->store, &watch->run_id, &stream);
    if (status == CLEAT_EMPTY && run == NULL) {
        return cleat__fail(CLEAT_EMPTY, "the run has ended already");
    }
    if (status != CLEAT_OK && status != CLEAT_EMPTY) {
        return status;
    }
    watch->is_of_stored = true;
    watch->has_ended = run == NULL;
    watch->has_later = false;
    watch->next_index = 0;
    watch->progress = status == CLEAT_OK ? CLEAT__WATCH_BEHIND : CLEAT__WATCH_LIVE;
    return CLEAT_OK;
}

cleat_status cleat__watches_go_on(cleat__core *core, cleat__command *command)
{
    cleat__watch *watch = command->as.watch;
    if (watch->is_watching && watch->is_of_stored && watch->progress == CLEAT__WATCH_PARKED) {
        put_behind(&core->watches, watch);
    }
    return CLEAT_OK;
}

/* ---- Storing ---- */

cleat_status cleat__stored_open(cleat__core *core, cleat__run *run, int64_t *stream)
{
    cleat_status status = cleat__core_begin(core);
    return status == CLEAT_OK ? cleat__core_check(core, cleat__chunks_open(core->store, &run->id, stream))
                              : status;
}

cleat_status cleat__stored_place(cleat__core *core, cleat__run *run, int64_t stream, int64_t *index)
{
    cleat__durable *durable = cleat__durable_of(run);
    int64_t shift = 0;
    cleat_status status = cleat__durable_know(core, durable);
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, cleat__chunks_shift(core->store, &run->id, durable->branch, stream, *index, &shift));
    }
    *index += shift;
    return status;
}

cleat_status cleat__stored_put(cleat__core *core, int64_t stream, int64_t index, cleat_slice chunk,
                               bool *is_new)
{
    return cleat__core_check(core, cleat__chunks_put(core->store, stream, index, chunk, is_new));
}

void cleat__stored_tell(cleat__core *core, cleat__watch *watch, const cleat__happening *happening,
                        cleat__told_payload **payload)
{
    if (!watch->is_of_stored || watch->progress != CLEAT__WATCH_LIVE) {
        return; /* it is read from the file in its turn */
    }
    if (happening->event_index > watch->next_index) {
        watch->has_later = true;
        return;
    }
    if (happening->event_index < watch->next_index) {
        return;
    }
    if (watch->has_later || (watch->has_room != NULL && !watch->has_room(watch->self))) {
        watch->has_later = false;
        put_behind(&core->watches, watch);
        return;
    }
    watch->next_index++;
    cleat__told_add(&core->watches.told, watch, happening, payload);
}

bool cleat__stored_defers_end(cleat__watches *watches, cleat__watch *watch)
{
    if (!watch->is_of_stored) {
        return false;
    }
    if (watch->progress == CLEAT__WATCH_LIVE && watch->has_later) {
        watch->has_later = false;
        put_behind(watches, watch); /* what is behind the gap comes without it */
    }
    watch->has_ended = watch->has_ended || watch->progress != CLEAT__WATCH_LIVE;
    return watch->has_ended;
}

/* ---- Serving ---- */

/* A piece for one of them, and what is left of the step. */
typedef struct serving {
    cleat__core *core;
    cleat__watch *watch;
    size_t bytes, count; /* left */
    bool is_cut_short;
} serving;

static cleat__happening happening_of(const cleat__core *core, const cleat__watch *watch,
                                     cleat__happening_kind kind, cleat_slice payload)
{
    const cleat__run *run = cleat__runs_find(&core->runs, &watch->run_id);
    return (cleat__happening){
        .run_id = watch->run_id,
        .task_id = watch->run_id,
        .kind = kind,
        .retry_count = run != NULL ? run->retry_count : 0,
        .retries = run != NULL ? run->type->policy.retries : 0,
        .event_index = -1,
        .at_ms = core->now.unix_ms,
        .payload = payload,
    };
}

static void tell(cleat__core *core, cleat__watch *watch, const cleat__happening *happening)
{
    cleat__told_payload *payload = NULL;
    cleat__told_add(&core->watches.told, watch, happening, &payload);
    cleat__told_payload_drop(payload);
}

static bool serve_chunk(void *argument, int64_t index, cleat_slice chunk)
{
    serving *it = argument;
    cleat__watch *watch = it->watch;
    if (index > watch->next_index && !watch->has_ended) {
        watch->has_later = true;
        return false;
    }
    if (it->count == 0 || it->bytes == 0) {
        it->is_cut_short = true;
        return false;
    }
    cleat__happening happening = happening_of(it->core, watch, CLEAT__HAPPENING_STREAM, chunk);
    happening.event_index = index;
    happening.is_stored = true;
    tell(it->core, watch, &happening);
    watch->next_index = index + 1;
    it->count--;
    it->bytes -= chunk.size < it->bytes ? chunk.size : it->bytes;
    return true;
}

/* That it was a timeout which ended the run for good the file does not say: it is told as a failure. */
static void tell_end(cleat__core *core, cleat__watch *watch, const cleat_run_result *result)
{
    bool is_completed = result->status == CLEAT_RUN_COMPLETED;
    cleat__happening_kind kind = is_completed                            ? CLEAT__HAPPENING_COMPLETED
                                 : result->status == CLEAT_RUN_CANCELLED ? CLEAT__HAPPENING_CANCELLED
                                                                         : CLEAT__HAPPENING_FAILED;
    const char *text = is_completed ? result->output : result->error;
    cleat__happening of_task = happening_of(core, watch, kind, cleat_slice_of(text));
    cleat__happening of_run = happening_of(core, watch, kind, (cleat_slice){NULL, 0});
    of_run.is_of_run = of_run.hangup = true;
    tell(core, watch, &of_task);
    tell(core, watch, &of_run);
}

/* It has all chunks that are there. */
static cleat_status catch_up(cleat__core *core, cleat__watch *watch)
{
    take_from_behind(&core->watches, watch);
    watch->progress = CLEAT__WATCH_LIVE;
    if (!watch->has_ended) {
        return CLEAT_OK;
    }
    cleat_run_result result = {.output = NULL};
    cleat_status status = cleat__load_result(core->store, watch->tenant, &watch->run_id, &result, NULL);
    if (status == CLEAT_OK) {
        tell_end(core, watch, &result);
    }
    watch->has_ended = false; /* CLEAT_EMPTY: it runs again */
    cleat_run_result_deinit(&result);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

static cleat_status serve(serving *it)
{
    cleat__core *core = it->core;
    cleat__watch *watch = it->watch;
    int64_t stream;
    if (watch->is_cut || (watch->has_room != NULL && !watch->has_room(watch->self))) {
        take_from_behind(&core->watches, watch);
        watch->progress = CLEAT__WATCH_PARKED;
        return CLEAT_OK;
    }
    it->is_cut_short = false;
    watch->has_later = false;
    cleat_status status = cleat__chunks_find(core->store, &watch->run_id, &stream);
    if (status == CLEAT_OK) {
        status = cleat__chunks_read(core->store, stream, watch->next_index, serve_chunk, it);
    }
    if (status != CLEAT_OK && status != CLEAT_EMPTY) {
        return status;
    }
    if (it->is_cut_short) { /* the others come first then */
        take_from_behind(&core->watches, watch);
        put_behind(&core->watches, watch);
        return CLEAT_OK;
    }
    return catch_up(core, watch);
}

void cleat__watches_serve(cleat__core *core)
{
    serving it = {.core = core, .bytes = CLEAT__SERVED_BYTES_MAX, .count = CLEAT__SERVED_MAX};
    while (core->watches.behind_head != NULL && it.bytes > 0 && it.count > 0) {
        it.watch = core->watches.behind_head;
        cleat_status status = serve(&it);
        if (status == CLEAT_NO_MEMORY || status == CLEAT_NOT_FOUND) { /* its run was removed */
            cleat__told_cut(&core->watches.told, it.watch);
        } else if (status != CLEAT_OK && cleat__core_check(core, status) != CLEAT_OK) {
            return;
        }
    }
    core->has_more = core->has_more || core->watches.behind_head != NULL;
}
