#include "engine/roster.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/dag.h"
#include "model/worker.h"

static cleat__worker *worker_of(const cleat__heap_node *node)
{
    return CLEAT__CONTAINER(node, cleat__worker, timer);
}

static bool is_earlier(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return worker_of(a)->deadline_ms < worker_of(b)->deadline_ms;
}

void cleat__roster_init(cleat__roster *roster)
{
    *roster = (cleat__roster){0};
    cleat__heap_init(&roster->timers, is_earlier);
}

static void forget_notices(cleat__worker *worker)
{
    while (worker->notices != NULL) {
        cleat__notice *notice = worker->notices;
        worker->notices = notice->next;
        cleat__free(notice);
    }
    worker->notices_end = &worker->notices;
}

static void forget_assignments(cleat__worker *worker)
{
    while (worker->assignments != NULL) {
        cleat__assignment *assignment = worker->assignments;
        worker->assignments = assignment->next;
        cleat__free(assignment);
    }
    worker->assignments_end = &worker->assignments;
}

static void free_worker(cleat__worker *worker)
{
    forget_assignments(worker);
    forget_notices(worker);
    cleat__free(worker->name);
    cleat__free(worker->runtime);
    cleat__free(worker->offered);
    cleat__free(worker->pools);
    cleat__free(worker->labels);
    cleat__free(worker->queues);
    cleat__free(worker);
}

void cleat__roster_deinit(cleat__roster *roster)
{
    cleat__heap_deinit(&roster->timers);
    size_t cursor = 0;
    cleat__worker *worker;
    while ((worker = cleat__map_next(&roster->by_id, &cursor)) != NULL) {
        free_worker(worker);
    }
    cleat__map_deinit(&roster->by_id);
}

/* ---- Coming and going ---- */

static cleat_slice key_of(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

/* The pools refer to the offered slots, which are copied. */
static cleat_status set_slots(cleat__worker *worker, const cleat__slots *slots, size_t count)
{
    cleat__buffer text = {0};
    cleat__slots_encode(slots, count, &text);
    cleat_status status = text.failed ? cleat__fail_memory()
                                      : cleat__slots_decode(cleat__buffer_slice(&text), &worker->offered);
    cleat__buffer_deinit(&text);
    if (status != CLEAT_OK) {
        return status;
    }
    worker->pools = cleat__calloc(worker->offered->count, sizeof(worker->pools[0]));
    if (worker->pools == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < worker->offered->count; i++) {
        worker->pools[i].type = worker->offered->items[i].type;
        worker->pools[i].units = worker->offered->items[i].units;
    }
    return CLEAT_OK;
}

cleat_status cleat__roster_add(cleat__roster *roster, const cleat__uuid *id, int64_t tenant,
                               const cleat__slots *slots, size_t slot_count, cleat__worker **out)
{
    cleat__worker *worker = cleat__calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return cleat__fail_memory();
    }
    worker->id = *id;
    worker->tenant = tenant;
    worker->changes = &roster->changes;
    worker->assignments_end = &worker->assignments;
    worker->notices_end = &worker->notices;
    cleat_status status = set_slots(worker, slots, slot_count);
    if (status == CLEAT_OK) {
        status = cleat__map_put(&roster->by_id, key_of(&worker->id), worker);
    }
    if (status != CLEAT_OK) {
        free_worker(worker);
        return status;
    }
    *out = worker;
    return CLEAT_OK;
}

static bool serves(const cleat__worker *worker, const cleat__queue *queue)
{
    for (size_t i = 0; i < worker->queue_count; i++) {
        if (worker->queues[i] == queue) {
            return true;
        }
    }
    return false;
}

cleat_status cleat__roster_serve(cleat__worker *worker, cleat__queues *queues, const cleat_slice *actions,
                                 size_t count)
{
    worker->queues = cleat__calloc(count != 0 ? count : 1, sizeof(worker->queues[0]));
    cleat_status status = worker->queues != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        cleat__queue *queue = cleat__queues_find(queues, worker->tenant, actions[i]);
        if (queue == NULL || serves(worker, queue)) {
            continue;
        }
        status = cleat__queue_add_worker(queue, worker);
        if (status == CLEAT_OK) {
            worker->queues[worker->queue_count++] = queue;
        }
    }
    return status;
}

/* Those that neither a version nor a worker needs, once the worker is in those it has. */
static void drop_queues(cleat__queues *queues, int64_t tenant, const cleat__names *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        cleat__queue *queue = cleat__queues_find(queues, tenant, actions->items[i]);
        if (queue != NULL) {
            cleat__queues_drop(queues, queue);
        }
    }
}

static cleat_status serve_stored(cleat__worker *worker, cleat__queues *queues, const cleat__names *actions)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < actions->count && status == CLEAT_OK; i++) {
        if (cleat__queues_add(queues, worker->tenant, actions->items[i]) == NULL) {
            status = cleat__fail_memory();
        }
    }
    if (status == CLEAT_OK) {
        status = cleat__roster_serve(worker, queues, actions->items, actions->count);
    }
    if (status != CLEAT_OK) {
        drop_queues(queues, worker->tenant, actions);
    }
    return status;
}

static cleat_status describe(cleat__worker *worker, const cleat__worker_row *row)
{
    worker->is_remote = true;
    worker->is_paused = row->is_paused;
    worker->registered_at_ms = row->registered_at_ms;
    worker->seen_at_ms = worker->stored_seen_at_ms = row->seen_at_ms;
    worker->name = cleat__slice_dup(row->name);
    worker->runtime = row->runtime.data != NULL ? cleat__slice_dup(row->runtime) : NULL;
    if (worker->name == NULL || (row->runtime.data != NULL && worker->runtime == NULL)) {
        return cleat__fail_memory();
    }
    return cleat__labels_decode(row->labels, &worker->labels);
}

cleat_status cleat__roster_add_remote(cleat__roster *roster, cleat__queues *queues,
                                      const cleat__worker_row *row, cleat__worker **out)
{
    cleat__slot_list *slots = NULL;
    cleat__names *actions = NULL;
    cleat__worker *worker = NULL;
    cleat_status status = cleat__slots_decode(row->slots, &slots);
    if (status == CLEAT_OK) {
        status = cleat__names_decode(row->actions, &actions);
    }
    if (status == CLEAT_OK) {
        status = cleat__roster_add(roster, &row->id, row->tenant, slots->items, slots->count, &worker);
    }
    if (status == CLEAT_OK) {
        roster->remote_count++;
        status = describe(worker, row);
    }
    if (status == CLEAT_OK) {
        status = serve_stored(worker, queues, actions);
    }
    cleat__free(slots);
    cleat__free(actions);
    if (status != CLEAT_OK && worker != NULL) {
        worker->is_remote = true;
        cleat__roster_remove(roster, queues, worker);
        return status;
    }
    *out = worker;
    return status;
}

cleat__worker *cleat__roster_find(const cleat__roster *roster, const cleat__uuid *id)
{
    return cleat__map_get(&roster->by_id, key_of(id));
}

void cleat__roster_tell_failure(const cleat__roster *roster, cleat_status status, const char *text)
{
    size_t cursor = 0;
    const cleat__worker *worker;
    while ((worker = cleat__map_next(&roster->by_id, &cursor)) != NULL) {
        if (worker->failed != NULL) {
            worker->failed(worker->sink.self, status, text);
        }
    }
}

bool cleat__roster_has_name(const cleat__roster *roster, int64_t tenant, cleat_slice name)
{
    size_t cursor = 0;
    const cleat__worker *worker;
    while ((worker = cleat__map_next(&roster->by_id, &cursor)) != NULL) {
        if (worker->tenant == tenant && worker->name != NULL &&
            cleat_slice_equals(cleat_slice_of(worker->name), name)) {
            return true;
        }
    }
    return false;
}

void cleat__roster_remove(cleat__roster *roster, cleat__queues *queues, cleat__worker *worker)
{
    for (size_t i = 0; i < worker->queue_count; i++) {
        cleat__queue_remove_worker(worker->queues[i], worker);
        cleat__queues_drop(queues, worker->queues[i]);
    }
    roster->remote_count -= worker->is_remote;
    cleat__heap_remove(&roster->timers, &worker->timer);
    cleat__map_remove(&roster->by_id, key_of(&worker->id));
    cleat__worker **link = &roster->with_effects;
    while (*link != NULL && *link != worker) {
        link = &(*link)->next_with_effects;
    }
    if (*link != NULL) {
        *link = worker->next_with_effects;
    }
    free_worker(worker);
}

void cleat__worker_note_change(cleat__worker *worker)
{
    worker->changed_at = ++*worker->changes;
}

cleat_status cleat__roster_touch(cleat__roster *roster, cleat__worker *worker, int64_t now_ms)
{
    if (!cleat__worker_is_active(worker, now_ms)) {
        cleat__worker_note_change(worker);
    }
    cleat__heap_remove(&roster->timers, &worker->timer);
    worker->is_lost = false;
    worker->heard_ms = now_ms;
    worker->deadline_ms = now_ms + CLEAT__WORKER_LOST_AFTER_MS;
    return worker->is_kept ? CLEAT_OK : cleat__heap_push(&roster->timers, &worker->timer);
}

void cleat__roster_keep(cleat__roster *roster, cleat__worker *worker)
{
    cleat__heap_remove(&roster->timers, &worker->timer);
    worker->is_kept = true;
}

void cleat__roster_lose(cleat__roster *roster, cleat__worker *worker)
{
    cleat__heap_remove(&roster->timers, &worker->timer);
    worker->is_lost = true;
    if (!worker->is_listening) {
        forget_notices(worker);
    }
    roster->is_losing = true;
}

/* From the start again after each worker: one that is heard of again keeps what it still holds. */
cleat__run *cleat__roster_first_lost(cleat__roster *roster)
{
    size_t cursor = 0;
    cleat__worker *worker;
    if (!roster->is_losing) {
        return NULL;
    }
    while ((worker = cleat__map_next(&roster->by_id, &cursor)) != NULL) {
        if (worker->is_lost && worker->held.head != NULL) {
            return worker->held.head;
        }
    }
    roster->is_losing = false;
    return NULL;
}

cleat__worker *cleat__roster_first_timer(const cleat__roster *roster)
{
    cleat__heap_node *node = cleat__heap_peek(&roster->timers);
    return node != NULL ? worker_of(node) : NULL;
}

/* ---- Slots ---- */

bool cleat__worker_is_active(const cleat__worker *worker, int64_t now_ms)
{
    if (!worker->is_listening || worker->is_lost) {
        return false;
    }
    return !worker->is_remote || worker->is_kept || now_ms - worker->heard_ms < CLEAT__WORKER_FRESH_MS;
}

bool cleat__worker_is_assignable(const cleat__worker *worker, int64_t now_ms)
{
    return !worker->is_paused && !worker->is_full && cleat__worker_is_active(worker, now_ms);
}

static cleat__pool *find_pool(const cleat__worker *worker, cleat_slice type)
{
    for (size_t i = 0; i < worker->offered->count; i++) {
        if (cleat_slice_equals(worker->pools[i].type, type)) {
            return &worker->pools[i];
        }
    }
    return NULL;
}

bool cleat__worker_has_slots(const cleat__worker *worker, const cleat__slot_list *requests)
{
    for (size_t i = 0; i < requests->count; i++) {
        const cleat__pool *pool = find_pool(worker, requests->items[i].type);
        if (pool == NULL || (int64_t)pool->units - pool->used < requests->items[i].units) {
            return false;
        }
    }
    return true;
}

static bool has_any_slot(const cleat__worker *worker)
{
    for (size_t i = 0; i < worker->offered->count; i++) {
        if (worker->pools[i].used < worker->pools[i].units) {
            return true;
        }
    }
    return false;
}

bool cleat__roster_has_room(const cleat__roster *roster, int64_t now_ms)
{
    size_t cursor = 0;
    const cleat__worker *worker;
    while ((worker = cleat__map_next(&roster->by_id, &cursor)) != NULL) {
        if (has_any_slot(worker) && cleat__worker_is_assignable(worker, now_ms)) {
            return true;
        }
    }
    return false;
}

static void use_slots(const cleat__run *run, int sign)
{
    const cleat__slot_list *requests = run->type->needs->slots;
    for (size_t i = 0; i < requests->count; i++) {
        cleat__pool *pool = find_pool(run->worker, requests->items[i].type);
        if (pool != NULL) {
            pool->used += sign * requests->items[i].units;
        }
    }
}

void cleat__roster_hold(cleat__worker *worker, cleat__run *run)
{
    cleat__roster_hold_beside(worker, run);
    run->has_released = false;
    use_slots(run, 1);
}

void cleat__roster_hold_beside(cleat__worker *worker, cleat__run *run)
{
    run->worker = worker;
    run->has_released = true;
    run->is_owed = false;
    cleat__run_chain_append(&worker->held, run);
}

void cleat__roster_release_slots(cleat__run *run)
{
    if (run->worker != NULL && !run->has_released) {
        use_slots(run, -1);
        run->has_released = true;
        cleat__worker_note_change(run->worker);
    }
}

void cleat__roster_let_go(cleat__run *run)
{
    if (run->worker == NULL) {
        return;
    }
    cleat__roster_release_slots(run);
    if (run->worker->owed == run) {
        run->worker->owed = run->next;
    }
    cleat__run_chain_remove(&run->worker->held, run);
    run->worker = NULL;
}

/* ---- What is told again ---- */

static cleat__run *take_owed(cleat__worker *worker)
{
    while (worker->owed != NULL) {
        cleat__run *run = worker->owed;
        worker->owed = run->next;
        if (run->is_owed && run->receipt != CLEAT__RECEIPT_HEARD) {
            return run;
        }
    }
    return NULL;
}

cleat__run *cleat__roster_take_owed(cleat__roster *roster)
{
    if (!roster->is_owing) {
        return NULL;
    }
    size_t cursor = 0;
    cleat__worker *worker;
    bool is_owing = false;
    while ((worker = cleat__map_next(&roster->by_id, &cursor)) != NULL) {
        cleat__run *run = worker->is_full ? NULL : take_owed(worker);
        if (run != NULL) {
            return run;
        }
        is_owing = is_owing || worker->owed != NULL;
    }
    roster->is_owing = is_owing;
    return NULL;
}

/* ---- Effects ---- */

static void mark(cleat__roster *roster, cleat__worker *worker)
{
    if (!worker->has_effects) {
        worker->has_effects = true;
        worker->next_with_effects = roster->with_effects;
        roster->with_effects = worker;
    }
}

void cleat__roster_assign(cleat__roster *roster, cleat__worker *worker, cleat__assignment *assignment)
{
    assignment->next = NULL;
    *worker->assignments_end = assignment;
    worker->assignments_end = &assignment->next;
    worker->assigned_bytes += assignment->input.size + assignment->metadata.size;
    worker->is_full = worker->sink_is_full != NULL && worker->assigned_bytes >= CLEAT__WORKER_STEP_BYTES;
    mark(roster, worker);
}

/* Its stream may be being opened again. What it is not told meanwhile is at most what it held. */
static bool may_listen_again(const cleat__worker *worker)
{
    return worker->is_remote && !worker->is_lost && !worker->has_left;
}

void cleat__roster_cancel(cleat__roster *roster, cleat__worker *worker, const cleat__run *run)
{
    bool is_told = worker->is_listening || may_listen_again(worker);
    cleat__notice *notice = is_told ? cleat__malloc(sizeof(*notice)) : NULL;
    if (notice == NULL) {
        return;
    }
    notice->next = NULL;
    notice->of = (cleat__cancellation){
        .task_id = run->id,
        .run_id = cleat__dag_root(run)->id,
        .retry_count = run->retry_count,
        .priority = run->priority,
        .invocation_count = cleat__run_is_durable(run)
                                ? CLEAT__CONTAINER(run, const cleat__durable, run)->invocation_count
                                : 0,
        .workflow_id = run->type->workflow->id,
        .version_id = run->type->version_id,
        .step_id = run->type->step_id,
        .task = run->type->queue->action,
        .task_name = run->type->task_name,
    };
    *worker->notices_end = notice;
    worker->notices_end = &notice->next;
    mark(roster, worker);
}

void cleat__roster_remind(cleat__roster *roster, cleat__worker *worker)
{
    if (worker->notices != NULL) {
        mark(roster, worker);
    }
}

/* True: there is room, although it seemed full. */
static bool look_for_room(cleat__worker *worker)
{
    bool was_full = worker->is_full;
    worker->is_full = worker->sink_is_full != NULL && worker->sink_is_full(worker->sink.self);
    if (was_full && !worker->is_full) {
        cleat__worker_note_change(worker);
    }
    return was_full && !worker->is_full;
}

static bool tell(cleat__worker *worker)
{
    bool has_room = false;
    cleat__notice *first = worker->is_listening ? worker->notices : NULL; /* it may have ended meanwhile */
    for (cleat__notice *notice = first; notice != NULL; notice = notice->next) {
        if (worker->cancel != NULL) {
            worker->cancel(worker->sink.self, &notice->of);
        } else {
            worker->sink.cancel(worker->sink.self, &notice->of.task_id, notice->of.retry_count);
        }
    }
    cleat__assignment *assignments = worker->assignments;
    if (assignments != NULL) {
        /* Made after the commands, so that nobody can have stopped listening since. */
        worker->assignments = NULL;
        worker->assigned_bytes = 0;
        worker->sink.assign(worker->sink.self, assignments);
        has_room = look_for_room(worker);
    }
    forget_assignments(worker);
    if (worker->is_listening || !may_listen_again(worker)) {
        forget_notices(worker);
    }
    return has_room;
}

bool cleat__roster_tell(cleat__roster *roster)
{
    bool has_room = false;
    while (roster->with_effects != NULL) {
        cleat__worker *worker = roster->with_effects;
        roster->with_effects = worker->next_with_effects;
        worker->has_effects = false;
        has_room = tell(worker) || has_room;
    }
    return has_room;
}
