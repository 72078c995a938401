#include "engine/workers.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/life.h"
#include "model/duration.h"
#include "store/worker.h"

#define SEEN_EVERY_MS   INT64_C(3600000)  /* how exact worker.seen_at_ms is */
#define SWEEP_EVERY_MS  INT64_C(3600000)  /* workers of other processes */
#define FORGET_AFTER_MS INT64_C(86400000) /* one without heartbeat or task */
#define LEFT_AFTER_MS   INT64_C(60000)    /* one that left */

/* ---- Of the engine's own process ---- */

static cleat_status check_worker(const cleat__core *core, int64_t tenant, const cleat__worker_spec *spec)
{
    cleat_status status = cleat__slots_check(spec->slots, spec->slot_count);
    if (status == CLEAT_OK) {
        status = cleat__labels_check(spec->labels, spec->label_count);
    }
    for (size_t i = 0; status == CLEAT_OK && i < spec->action_count; i++) {
        const cleat__queue *queue = cleat__queues_find(&core->queues, tenant, spec->actions[i]);
        if (queue == NULL || queue->type_count == 0) {
            status = cleat__fail(CLEAT_NOT_FOUND, "the worker's task \"%.*s\" is not declared",
                                 CLEAT_SLICE_ARGS(spec->actions[i]));
        }
    }
    return status;
}

static cleat_status set_up_worker(cleat__core *core, cleat__worker *worker, const cleat__worker_spec *spec)
{
    cleat_status status = cleat__roster_serve(worker, &core->queues, spec->actions, spec->action_count);
    if (status == CLEAT_OK && spec->label_count != 0) {
        worker->labels = cleat__labels_merge(NULL, spec->labels, spec->label_count);
        status = worker->labels != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    return status == CLEAT_OK ? cleat__roster_touch(&core->roster, worker, core->now.monotonic_ms) : status;
}

cleat_status cleat__workers_join(cleat__core *core, cleat__command *command)
{
    const cleat__worker_spec *spec = command->as.worker_join.spec;
    cleat__worker *worker = NULL;
    cleat_status status = check_worker(core, command->tenant, spec);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__uuid new_id = cleat__uuid_next(&core->ids, core->now.unix_ms);
    status =
        cleat__roster_add(&core->roster, &new_id, command->tenant, spec->slots, spec->slot_count, &worker);
    if (status != CLEAT_OK) {
        return status;
    }
    status = set_up_worker(core, worker, spec);
    if (status != CLEAT_OK) {
        cleat__roster_remove(&core->roster, &core->queues, worker);
        return status;
    }
    worker->sink = command->as.worker_join.sink;
    worker->failed = command->as.worker_join.failed;
    worker->is_listening = true;
    cleat__worker_note_change(worker);
    worker->registered_at_ms = worker->seen_at_ms = core->now.unix_ms;
    *command->as.worker_join.id = new_id;
    return CLEAT_OK;
}

/* ---- Of both kinds ---- */

cleat_status cleat__core_find_worker(const cleat__core *core, int64_t tenant, const cleat__uuid *id,
                                     cleat__worker **out)
{
    *out = cleat__roster_find(&core->roster, id);
    if (*out == NULL || (*out)->tenant != tenant) {
        char text[37];
        cleat__uuid_format(id, text);
        return cleat__fail(CLEAT_NOT_FOUND, "there is no worker %s", text);
    }
    return CLEAT_OK;
}

static cleat_status set_paused(cleat__core *core, const cleat__command *command, bool is_paused)
{
    cleat__worker *worker = NULL;
    cleat_status status = cleat__core_find_worker(core, command->tenant, &command->as.id, &worker);
    if (status != CLEAT_OK || worker->is_paused == is_paused) {
        return status;
    }
    if (worker->is_remote) {
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = cleat__core_check(core, cleat__worker_set_paused(core->store, &worker->id, is_paused));
        }
    }
    worker->is_paused = status == CLEAT_OK ? is_paused : worker->is_paused;
    cleat__worker_note_change(worker);
    return status;
}

cleat_status cleat__workers_pause(cleat__core *core, cleat__command *command)
{
    return set_paused(core, command, true);
}

cleat_status cleat__workers_resume(cleat__core *core, cleat__command *command)
{
    return set_paused(core, command, false);
}

static cleat_status forget(cleat__core *core, cleat__worker *worker)
{
    cleat_status status = CLEAT_OK;
    if (worker->is_remote) {
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = cleat__core_check(core, cleat__worker_delete(core->store, &worker->id));
        }
    }
    if (status == CLEAT_OK) {
        cleat__roster_remove(&core->roster, &core->queues, worker);
    }
    return status;
}

cleat_status cleat__workers_remove(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = cleat__core_find_worker(core, command->tenant, &command->as.id, &worker);
    while (status == CLEAT_OK && worker->held.head != NULL) {
        status = cleat__life_lose(core, worker->held.head, CLEAT__LOSS_WORKER_GONE);
    }
    return status == CLEAT_OK ? forget(core, worker) : status;
}

/* A sign of life. The file hears of it once an hour. */
static cleat_status note_sign(cleat__core *core, cleat__worker *worker)
{
    int64_t now = core->now.unix_ms;
    cleat_status status = CLEAT_OK;
    worker->seen_at_ms = now;
    if (worker->is_remote &&
        (now - worker->stored_seen_at_ms >= SEEN_EVERY_MS || now < worker->stored_seen_at_ms)) {
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = cleat__core_check(core, cleat__worker_set_seen(core->store, &worker->id, now));
        }
        worker->stored_seen_at_ms = now;
    }
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__roster_touch(&core->roster, worker, core->now.monotonic_ms));
    }
    return status;
}

cleat_status cleat__workers_heartbeat(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = cleat__core_find_worker(core, command->tenant, &command->as.id, &worker);
    if (status != CLEAT_OK) {
        return status;
    }
    bool has_ended = worker->has_listened && !worker->is_listening;
    if (!has_ended || worker->held.head != NULL) {
        status = note_sign(core, worker); /* one that ends may still finish what it holds */
    }
    if (status == CLEAT_OK && has_ended) {
        status = cleat__fail(CLEAT_FAILED_PRECONDITION,
                             "the worker does not listen any more: it must listen to be given anything");
    }
    return status;
}

/* ---- Of other processes ---- */

/* The texts of a new row. */
typedef struct texts {
    cleat__buffer actions, slots, labels;
} texts;

static cleat_status encode(texts *to, const cleat__worker_spec *spec)
{
    const cleat__slots standard = {cleat_slice_of("default"), CLEAT__WORKER_SLOTS_DEFAULT};
    bool has_slots = spec->slot_count != 0;
    cleat__actions_encode(spec->actions, spec->action_count, &to->actions);
    cleat__slots_encode(has_slots ? spec->slots : &standard, has_slots ? spec->slot_count : 1, &to->slots);
    cleat__labels_encode(spec->labels, spec->label_count, &to->labels);
    bool failed = to->actions.failed || to->slots.failed || to->labels.failed;
    return failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status add_registered(cleat__core *core, const cleat__worker_spec *spec, cleat__worker_row *row)
{
    texts of = {.actions = {0}};
    cleat_status status = encode(&of, spec);
    row->actions = cleat__buffer_slice(&of.actions);
    row->slots = cleat__buffer_slice(&of.slots);
    row->labels = cleat__buffer_slice(&of.labels);
    cleat__worker *worker = NULL;
    if (status == CLEAT_OK) {
        status = cleat__roster_add_remote(&core->roster, &core->queues, row, &worker);
    }
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = cleat__core_check(core, cleat__worker_insert(core->store, row));
        }
    }
    cleat__buffer_deinit(&of.actions);
    cleat__buffer_deinit(&of.slots);
    cleat__buffer_deinit(&of.labels);
    return status;
}

cleat_status cleat__workers_register(cleat__core *core, cleat__command *command)
{
    const cleat__worker_spec *spec = command->as.worker_register.spec;
    cleat_status status = cleat__worker_check(spec);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__worker_row row = {
        .id = cleat__uuid_next(&core->ids, core->now.unix_ms),
        .tenant = command->tenant,
        .name = spec->name,
        .runtime = spec->runtime,
        .registered_at_ms = core->now.unix_ms,
        .seen_at_ms = core->now.unix_ms,
    };
    status = add_registered(core, spec, &row);
    if (status == CLEAT_OK) {
        cleat__workers_plan_sweep(core);
        *command->as.worker_register.id = row.id;
    }
    return status;
}

/* What was told in a former session may not have come. It is told again as the stream takes it, like a
 * backlog: all at once may be more than a stream, or memory, holds. */
static void owe_held(cleat__core *core, cleat__worker *worker)
{
    for (cleat__run *run = worker->held.head; run != NULL; run = run->next) {
        run->is_owed = worker->may_repeat;
    }
    worker->owed = worker->may_repeat ? worker->held.head : NULL;
    core->roster.is_owing = core->roster.is_owing || worker->owed != NULL;
}

cleat_status cleat__workers_listen(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = cleat__core_find_worker(core, command->tenant, &command->as.listen.id, &worker);
    if (status == CLEAT_OK && !worker->is_remote) {
        status = cleat__fail(CLEAT_FAILED_PRECONDITION, "the worker listens in the engine's own process");
    }
    if (status != CLEAT_OK) {
        return status;
    }
    command->as.listen.former = worker->is_listening ? worker->sink.self : NULL;
    worker->may_repeat = command->as.listen.may_repeat;
    status = cleat__life_doubt(core, worker); /* a former session may have broken without anybody knowing */
    worker->sink = command->as.listen.sink;
    worker->cancel = command->as.listen.cancel;
    worker->sink_is_full = command->as.listen.is_full;
    worker->is_full = false;
    worker->session = command->as.listen.session;
    worker->is_listening = worker->has_listened = true;
    worker->is_kept = worker->has_left = false;
    cleat__roster_remind(&core->roster, worker);
    cleat__worker_note_change(worker);
    if (status == CLEAT_OK) {
        status = note_sign(core, worker);
    }
    if (status == CLEAT_OK && command->as.listen.is_kept) {
        cleat__roster_keep(&core->roster, worker);
    }
    if (status == CLEAT_OK) {
        owe_held(core, worker);
    }
    return status;
}

static void plan_sweep_in(cleat__core *core, int64_t ms)
{
    int64_t at = cleat__saturating_add(core->now.monotonic_ms, ms);
    core->sweep_ms = at < core->sweep_ms ? at : core->sweep_ms;
}

static cleat_status stop_listening(cleat__core *core, cleat__worker *worker)
{
    cleat_status status = worker->is_listening ? cleat__life_doubt(core, worker) : CLEAT_OK;
    worker->is_listening = false;
    worker->owed = NULL; /* until it listens again */
    if (status != CLEAT_OK || !worker->is_kept) {
        return status;
    }
    worker->is_kept = false; /* it was alive until now */
    return note_sign(core, worker);
}

cleat_status cleat__workers_unlisten(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = cleat__core_find_worker(core, command->tenant, &command->as.listen.id, &worker);
    bool is_current =
        status == CLEAT_OK && worker->is_listening && worker->session == command->as.listen.session;
    return is_current && worker->is_remote ? stop_listening(core, worker) : status;
}

cleat_status cleat__workers_unsubscribe(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = cleat__core_find_worker(core, command->tenant, &command->as.id, &worker);
    if (status != CLEAT_OK || !worker->is_remote) {
        return status;
    }
    worker->has_left = true;
    plan_sweep_in(core, LEFT_AFTER_MS);
    return stop_listening(core, worker);
}

cleat_status cleat__workers_note_room(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = cleat__core_find_worker(core, command->tenant, &command->as.listen.id, &worker);
    if (status == CLEAT_OK && worker->session == command->as.listen.session) {
        worker->is_full = false;
        cleat__worker_note_change(worker);
    }
    return status;
}

static cleat_status store_labels(cleat__core *core, const cleat__worker *worker, const cleat__labels *labels)
{
    cleat__buffer text = {0};
    cleat__labels_encode(labels->items, labels->count, &text);
    cleat_status status = text.failed ? cleat__fail_memory() : cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, cleat__worker_set_labels(core->store, &worker->id, cleat__buffer_slice(&text)));
    }
    cleat__buffer_deinit(&text);
    return status;
}

cleat_status cleat__workers_label(cleat__core *core, cleat__command *command)
{
    const cleat__label *items = command->as.worker_label.items;
    size_t count = command->as.worker_label.count;
    cleat__worker *worker = NULL;
    cleat_status status =
        cleat__core_find_worker(core, command->tenant, &command->as.worker_label.id, &worker);
    if (status == CLEAT_OK) {
        status = cleat__labels_check(items, count);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__labels *merged = cleat__labels_merge(worker->labels, items, count);
    if (merged == NULL) {
        return cleat__fail_memory();
    }
    status = cleat__labels_check(merged->items, merged->count);
    if (status == CLEAT_OK && worker->is_remote) {
        status = store_labels(core, worker, merged);
    }
    if (status != CLEAT_OK) {
        cleat__free(merged);
        return status;
    }
    cleat__free(worker->labels);
    worker->labels = merged;
    cleat__worker_note_change(worker);
    return CLEAT_OK;
}

/* ---- All of them ---- */

static cleat__worker_info describe(const cleat__core *core, const cleat__worker *worker)
{
    return (cleat__worker_info){
        .id = worker->id,
        .name = cleat_slice_of(worker->name),
        .runtime = cleat_slice_of(worker->runtime),
        .labels = worker->labels,
        .pools = worker->pools,
        .pool_count = worker->offered->count,
        .action_count = worker->queue_count,
        .queues = worker->queues,
        .is_remote = worker->is_remote,
        .is_paused = worker->is_paused,
        .is_listening = worker->is_listening,
        .is_active = cleat__worker_is_active(worker, core->now.monotonic_ms),
        .registered_at_ms = worker->registered_at_ms,
        .seen_at_ms = worker->is_kept ? core->now.unix_ms : worker->seen_at_ms,
    };
}

cleat_status cleat__workers_list(cleat__core *core, cleat__command *command)
{
    size_t cursor = 0;
    const cleat__worker *worker;
    while ((worker = cleat__map_next(&core->roster.by_id, &cursor)) != NULL) {
        if (worker->tenant == command->tenant) {
            cleat__worker_info info = describe(core, worker);
            command->as.workers.visit(command->as.workers.argument, &info);
        }
    }
    return CLEAT_OK;
}

void cleat__workers_plan_sweep(cleat__core *core)
{
    if (core->sweep_ms == INT64_MAX && core->roster.remote_count != 0) {
        plan_sweep_in(core, SWEEP_EVERY_MS);
    }
}

static bool is_forgettable(const cleat__core *core, const cleat__worker *worker)
{
    int64_t silent_ms = core->now.unix_ms - worker->seen_at_ms;
    return worker->is_remote && !worker->is_listening && worker->held.head == NULL &&
           silent_ms >= (worker->has_left ? LEFT_AFTER_MS : FORGET_AFTER_MS);
}

/* `*has_leaving`: there is one that left, and is still to be forgotten. */
static cleat__worker *find_forgettable(const cleat__core *core, bool *has_leaving)
{
    size_t cursor = 0;
    cleat__worker *worker;
    *has_leaving = false;
    while ((worker = cleat__map_next(&core->roster.by_id, &cursor)) != NULL) {
        if (is_forgettable(core, worker)) {
            return worker;
        }
        *has_leaving = *has_leaving || worker->has_left;
    }
    return NULL;
}

/* From the start again after each, as the map changes: they are few and it is seldom. */
cleat_status cleat__workers_sweep(cleat__core *core)
{
    cleat_status status = CLEAT_OK;
    cleat__worker *worker;
    bool has_leaving = false;
    while (status == CLEAT_OK && (worker = find_forgettable(core, &has_leaving)) != NULL) {
        status = forget(core, worker);
    }
    core->sweep_ms = INT64_MAX;
    cleat__workers_plan_sweep(core);
    if (has_leaving) {
        plan_sweep_in(core, LEFT_AFTER_MS);
    }
    return status;
}
