#include "engine/roster.h"

#include "base/alloc.h"
#include "base/error.h"

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

static void forget_effects(cleat__worker *worker)
{
    while (worker->assignments != NULL) {
        cleat__assignment *assignment = worker->assignments;
        worker->assignments = assignment->next;
        cleat__free(assignment);
    }
    while (worker->notices != NULL) {
        cleat__notice *notice = worker->notices;
        worker->notices = notice->next;
        cleat__free(notice);
    }
}

static void free_worker(cleat__worker *worker)
{
    forget_effects(worker);
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

cleat_status cleat__roster_add(cleat__roster *roster, const cleat__uuid *id, const cleat__worker_sink *sink,
                               int32_t slots, size_t queue_count, cleat__worker **out)
{
    cleat__worker *worker = cleat__calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return cleat__fail_memory();
    }
    worker->id = *id;
    worker->sink = *sink;
    worker->slots = slots;
    worker->assignments_end = &worker->assignments;
    worker->notices_end = &worker->notices;
    worker->queues = cleat__calloc(queue_count, sizeof(worker->queues[0]));
    if (worker->queues == NULL || cleat__map_put(&roster->by_id, key_of(&worker->id), worker) != CLEAT_OK) {
        free_worker(worker);
        return cleat__fail_memory();
    }
    *out = worker;
    return CLEAT_OK;
}

cleat_status cleat__roster_serve(cleat__worker *worker, cleat__queue *queue)
{
    for (size_t i = 0; i < worker->queue_count; i++) {
        if (worker->queues[i] == queue) {
            return CLEAT_OK;
        }
    }
    cleat_status status = cleat__queue_add_worker(queue, worker);
    if (status == CLEAT_OK) {
        worker->queues[worker->queue_count++] = queue;
    }
    return status;
}

cleat__worker *cleat__roster_find(const cleat__roster *roster, const cleat__uuid *id)
{
    return cleat__map_get(&roster->by_id, key_of(id));
}

void cleat__roster_remove(cleat__roster *roster, cleat__worker *worker)
{
    for (size_t i = 0; i < worker->queue_count; i++) {
        cleat__queue_remove_worker(worker->queues[i], worker);
    }
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

cleat_status cleat__roster_touch(cleat__roster *roster, cleat__worker *worker, int64_t now_ms)
{
    cleat__heap_remove(&roster->timers, &worker->timer);
    worker->is_lost = false;
    worker->deadline_ms = now_ms + CLEAT__WORKER_LOST_AFTER_MS;
    return cleat__heap_push(&roster->timers, &worker->timer);
}

void cleat__roster_lose(cleat__roster *roster, cleat__worker *worker)
{
    cleat__heap_remove(&roster->timers, &worker->timer);
    worker->is_lost = true;
}

cleat__worker *cleat__roster_first_timer(const cleat__roster *roster)
{
    cleat__heap_node *node = cleat__heap_peek(&roster->timers);
    return node != NULL ? worker_of(node) : NULL;
}

/* ---- Slots ---- */

bool cleat__roster_can_take(const cleat__worker *worker)
{
    return worker->used < worker->slots && !worker->is_paused && !worker->is_lost;
}

bool cleat__roster_has_room(const cleat__roster *roster)
{
    size_t cursor = 0;
    const cleat__worker *worker;
    while ((worker = cleat__map_next(&roster->by_id, &cursor)) != NULL) {
        if (cleat__roster_can_take(worker)) {
            return true;
        }
    }
    return false;
}

void cleat__roster_hold(cleat__worker *worker, cleat__run *run)
{
    run->worker = worker;
    worker->used++;
    cleat__run_chain_append(&worker->held, run);
}

void cleat__roster_let_go(cleat__run *run)
{
    cleat__worker *worker = run->worker;
    if (worker == NULL) {
        return;
    }
    cleat__run_chain_remove(&worker->held, run);
    worker->used--;
    run->worker = NULL;
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
    mark(roster, worker);
}

void cleat__roster_cancel(cleat__roster *roster, cleat__worker *worker, const cleat__run *run)
{
    cleat__notice *notice = cleat__malloc(sizeof(*notice));
    if (notice == NULL) {
        return;
    }
    *notice = (cleat__notice){NULL, run->id, run->retry_count};
    *worker->notices_end = notice;
    worker->notices_end = &notice->next;
    mark(roster, worker);
}

static void tell(cleat__worker *worker)
{
    for (cleat__notice *notice = worker->notices; notice != NULL; notice = notice->next) {
        worker->sink.cancel(worker->sink.self, &notice->task_id, notice->retry_count);
    }
    cleat__assignment *assignments = worker->assignments;
    worker->assignments = NULL;
    worker->assignments_end = &worker->assignments;
    if (assignments != NULL) {
        worker->sink.assign(worker->sink.self, assignments);
    }
    forget_effects(worker);
    worker->notices_end = &worker->notices;
}

void cleat__roster_tell(cleat__roster *roster)
{
    while (roster->with_effects != NULL) {
        cleat__worker *worker = roster->with_effects;
        roster->with_effects = worker->next_with_effects;
        worker->has_effects = false;
        tell(worker);
    }
}
