#include "engine/watches.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/dag.h"
#include "engine/watches_parts.h"
#include "engine/watches_stored.h"
#include "model/metadata.h"
#include "store/load.h"

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

static watched *find(const cleat__watches *watches, const cleat__uuid *run_id)
{
    return cleat__map_get(&watches->by_run, key_of(run_id));
}

/* NULL on no memory. */
static watched *find_or_make(cleat__watches *watches, const cleat__uuid *run_id)
{
    watched *entry = find(watches, run_id);
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
    watched *entry = find(watches, &watch->run_id);
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
    if (is_stored && watch->is_of_stored) {
        cleat__stored_tell(core, watch, happening, payload);
    } else if (happening->kind == CLEAT__HAPPENING_STREAM || happening->kind == CLEAT__HAPPENING_STARTED ||
               !cleat__stored_defers_end(&core->watches, watch)) {
        cleat__told_add(&core->watches.told, watch, happening, payload);
    }
}

static void tell_all_by_run(cleat__core *core, const watched *entry, const cleat__happening *happening,
                            bool is_stored, cleat__told_payload **payload)
{
    for (cleat__watch *watch = entry != NULL ? entry->first : NULL; watch != NULL; watch = watch->next) {
        tell_by_run(core, watch, happening, is_stored, payload);
    }
}

static void tell_all_by_metadata(cleat__core *core, int64_t tenant, const cleat__happening *happening,
                                 cleat_slice metadata, cleat__told_payload **payload)
{
    for (cleat__watch *watch = core->watches.by_metadata; watch != NULL; watch = watch->next) {
        if (watch->tenant == tenant && cleat__metadata_says(metadata, watch->key, watch->value)) {
            tell_by_metadata(&core->watches.told, watch, happening, payload);
        }
    }
}

/* Whoever looks at one task of several is told of that. */
static const watched *find_task(const cleat__core *core, const cleat__happening *happening)
{
    return cleat__uuid_equals(&happening->task_id, &happening->run_id)
               ? NULL
               : find(&core->watches, &happening->task_id);
}

void cleat__watches_tell(cleat__core *core, int64_t tenant, const cleat__happening *happening,
                         cleat_slice metadata, bool is_stored)
{
    cleat__told_payload *payload = NULL;
    tell_all_by_run(core, find(&core->watches, &happening->run_id), happening, is_stored, &payload);
    if (!happening->is_of_run) {
        tell_all_by_run(core, find_task(core, happening), happening, is_stored, &payload);
    }
    tell_all_by_metadata(core, tenant, happening, metadata, &payload);
    cleat__told_payload_drop(payload);
}

void cleat__watches_tell_task_end(cleat__core *core, const cleat__happening *end)
{
    cleat__told_payload *payload = NULL;
    tell_all_by_run(core, find_task(core, end), end, false, &payload);
    cleat__told_payload_drop(payload);
}

static void tell_all(cleat__core *core, const cleat__run *run, const cleat__happening *happening,
                     cleat_slice metadata)
{
    cleat__watches_tell(core, run->type->workflow->tenant, happening, metadata, false);
}

static bool is_looked_at_by_id(const cleat__core *core, const cleat__run *run)
{
    return find(&core->watches, &run->id) != NULL || find(&core->watches, &cleat__dag_root(run)->id) != NULL;
}

bool cleat__watches_are_of(const cleat__core *core, const cleat__run *run)
{
    return core->watches.count != 0 &&
           (is_looked_at_by_id(core, run) || is_looked_at_by_metadata(core, run->type->workflow->tenant));
}

cleat_status cleat__watches_load_metadata(cleat__core *core, const cleat__run *run, cleat__buffer *metadata)
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

cleat__happening cleat__watches_happening(const cleat__core *core, const cleat__run *run,
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
            cleat__watches_happening(core, run, CLEAT__HAPPENING_STARTED, (cleat_slice){NULL, 0});
        tell_all(core, run, &started, metadata);
    }
}

cleat_status cleat__watches_restart(cleat__core *core, const cleat__run *run)
{
    cleat__chunks_restart(core, &cleat__dag_root(run)->id);
    cleat__buffer metadata = {0};
    cleat_status status = cleat__watches_load_metadata(core, run, &metadata);
    if (status == CLEAT_OK) {
        cleat__watches_start(core, run, cleat__buffer_slice(&metadata));
    }
    cleat__buffer_deinit(&metadata);
    return status;
}

/* ---- The end ---- */

static cleat__happening_kind kind_of_run(const cleat__run *run)
{
    return run->state == CLEAT_RUN_COMPLETED   ? CLEAT__HAPPENING_COMPLETED
           : run->state == CLEAT_RUN_CANCELLED ? CLEAT__HAPPENING_CANCELLED
                                               : CLEAT__HAPPENING_FAILED;
}

/* Nobody is told of an end before the chunks that belong to it, but by metadata, where there may be any number of runs. */
static void tell_end_of_run(cleat__core *core, const cleat__run *run, const cleat__happening *end,
                            cleat_slice metadata)
{
    cleat__told_payload *payload = NULL;
    if (!cleat__chunks_defer_end(core, end)) {
        tell_all_by_run(core, find(&core->watches, &run->id), end, false, &payload);
    }
    tell_all_by_metadata(core, run->type->workflow->tenant, end, metadata, &payload);
    cleat__told_payload_drop(payload);
}

static void tell_ends(cleat__core *core, const cleat__run *run, const cleat__happening *of_task,
                      cleat_slice metadata)
{
    cleat__happening end = cleat__watches_happening(core, run, kind_of_run(run), (cleat_slice){NULL, 0});
    end.is_of_run = end.hangup = true;
    if (!cleat__run_is_dag(run)) { /* its tasks have been told of, each at its end */
        tell_all(core, run, of_task, metadata);
    }
    if (run->type->dag == NULL) {
        tell_end_of_run(core, run, &end, metadata);
    } else if (!cleat__chunks_defer_task_end(core, &end)) {
        cleat__watches_tell_task_end(core, &end);
    }
}

cleat_status cleat__watches_end(cleat__core *core, const cleat__run *run, cleat__happening_kind kind,
                                cleat_slice text, bool may_miss_chunks)
{
    if (core->watches.count == 0) {
        return CLEAT_OK;
    }
    cleat__buffer buffer = {0};
    cleat_status status = cleat__watches_load_metadata(core, run, &buffer);
    if (status == CLEAT_OK) {
        cleat_slice metadata = cleat__buffer_slice(&buffer);
        bool is_waited_for =
            may_miss_chunks && !run->type->needs->is_durable && is_looked_at_by_id(core, run);
        cleat__chunks_end(core, run, is_waited_for, metadata);
        const cleat__happening of_task = cleat__watches_happening(core, run, kind, text);
        tell_ends(core, run, &of_task, metadata);
    }
    cleat__buffer_deinit(&buffer);
    return status;
}
