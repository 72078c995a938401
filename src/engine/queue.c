#include "engine/queue.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/batches.h"
#include "engine/scope.h"

static void free_queue(cleat__queue *queue)
{
    if (queue != NULL) {
        cleat__free(queue->key);
        cleat__free(queue->workers);
        cleat__free(queue);
    }
}

void cleat__queues_deinit(cleat__queues *queues)
{
    size_t cursor = 0;
    cleat__queue *queue;
    while ((queue = cleat__map_next(&queues->by_action, &cursor)) != NULL) {
        free_queue(queue);
    }
    cleat__map_deinit(&queues->by_action);
}

/* ---- Actions ---- */

cleat__queue *cleat__queues_find(const cleat__queues *queues, int64_t tenant, cleat_slice action)
{
    cleat__scope scope;
    return cleat__map_get(&queues->by_action, cleat__scope_key(&scope, tenant, action));
}

cleat__queue *cleat__queues_add(cleat__queues *queues, int64_t tenant, cleat_slice action)
{
    cleat__queue *queue = cleat__queues_find(queues, tenant, action);
    if (queue != NULL) {
        return queue;
    }
    queue = cleat__calloc(1, sizeof(*queue));
    if (queue == NULL) {
        return NULL;
    }
    queue->tenant = tenant;
    queue->round = 1;
    queue->key = cleat__scope_new(tenant, action, &queue->action);
    if (queue->key == NULL ||
        cleat__map_put(&queues->by_action, cleat__scope_kept(queue->action), queue) != CLEAT_OK) {
        free_queue(queue);
        return NULL;
    }
    return queue;
}

void cleat__queues_drop(cleat__queues *queues, cleat__queue *queue)
{
    if (queue->type_count == 0 && queue->worker_count == 0) {
        cleat__map_remove(&queues->by_action, cleat__scope_kept(queue->action));
        free_queue(queue);
    }
}

/* ---- Lanes ---- */

cleat__run *cleat__lane_first(const cleat__lane *lane)
{
    for (int level = CLEAT__LEVEL_AHEAD; level > 0; level--) {
        if (lane->levels[level - 1].head != NULL) {
            return lane->levels[level - 1].head;
        }
    }
    return NULL;
}

bool cleat__run_is_ahead(const cleat__run *run, const cleat__run *other)
{
    if (run->level != other->level) {
        return run->level > other->level;
    }
    return (int32_t)(run->order - other->order) < 0; /* the numbers start again some day */
}

static void append_lane(cleat__lane_list *list, cleat__lane *lane)
{
    lane->next = NULL;
    lane->previous = list->tail;
    if (list->tail != NULL) {
        list->tail->next = lane;
    } else {
        list->head = lane;
    }
    list->tail = lane;
}

static void remove_lane(cleat__queue *queue, cleat__lane *lane)
{
    cleat__lane_list *list = lane->parked_in != NULL          ? lane->parked_in
                             : lane->aside_in == queue->round ? &queue->aside
                                                              : &queue->lanes;
    if (lane->previous != NULL) {
        lane->previous->next = lane->next;
    } else {
        list->head = lane->next;
    }
    if (lane->next != NULL) {
        lane->next->previous = lane->previous;
    } else {
        list->tail = lane->previous;
    }
    lane->aside_in = 0;
    lane->parked_in = NULL;
}

void cleat__queue_park(cleat__queue *queue, cleat__lane *lane, cleat__lane_list *list)
{
    remove_lane(queue, lane);
    lane->parked_in = list;
    append_lane(list, lane);
}

void cleat__lanes_unpark(cleat__lane_list *list)
{
    cleat__lane *lane = list->head;
    *list = (cleat__lane_list){NULL, NULL};
    while (lane != NULL) {
        cleat__lane *next = lane->next;
        lane->parked_in = NULL;
        append_lane(&lane->type->queue->lanes, lane);
        lane = next;
    }
}

void cleat__lane_unpark(cleat__lane *lane)
{
    if (lane->parked_in != NULL) {
        cleat__queue *queue = lane->type->queue;
        remove_lane(queue, lane);
        append_lane(&queue->lanes, lane);
    }
}

void cleat__queue_set_aside(cleat__queue *queue, cleat__lane *lane)
{
    remove_lane(queue, lane);
    lane->aside_in = queue->round;
    append_lane(&queue->aside, lane);
}

void cleat__queue_put_back(cleat__queue *queue)
{
    cleat__lane_list *lanes = &queue->lanes, *aside = &queue->aside;
    if (aside->head == NULL) {
        return;
    }
    if (lanes->tail != NULL) {
        lanes->tail->next = aside->head;
        aside->head->previous = lanes->tail;
    } else {
        lanes->head = aside->head;
    }
    lanes->tail = aside->tail;
    *aside = (cleat__lane_list){NULL, NULL};
    queue->round++; /* none of them is aside any more */
}

/* ---- Runs ---- */

static void append_ready(cleat__queues *queues, cleat__queue *queue)
{
    queue->next = NULL;
    queue->previous = queues->ready_tail;
    if (queues->ready_tail != NULL) {
        queues->ready_tail->next = queue;
    } else {
        queues->ready_head = queue;
    }
    queues->ready_tail = queue;
    queues->ready_count++;
}

static void remove_ready(cleat__queues *queues, cleat__queue *queue)
{
    if (queue->previous != NULL) {
        queue->previous->next = queue->next;
    } else {
        queues->ready_head = queue->next;
    }
    if (queue->next != NULL) {
        queue->next->previous = queue->previous;
    } else {
        queues->ready_tail = queue->previous;
    }
    queues->ready_count--;
}

void cleat__queues_append(cleat__queues *queues, cleat__run *run, int level)
{
    cleat__lane *lane = run->lane;
    cleat__queue *queue = run->type->queue;
    run->level = (uint8_t)level;
    run->order = ++queue->last_order;
    cleat__run_chain_append(&lane->levels[level - 1], run);
    queues->run_count++;
    if (lane->count++ == 0) {
        append_lane(&queue->lanes, lane);
    }
    if (lane->batching != NULL) {
        cleat__batching_add(lane->batching, run);
    }
    if (queue->count++ == 0) {
        append_ready(queues, queue);
    }
}

void cleat__queues_remove(cleat__queues *queues, cleat__run *run)
{
    if (run->level == 0) {
        return;
    }
    cleat__lane *lane = run->lane;
    cleat__queue *queue = run->type->queue;
    cleat__run_chain_remove(&lane->levels[run->level - 1], run);
    run->level = 0;
    if (lane->batching != NULL) {
        lane->batching->bytes -= cleat__batched_of(run)->bytes;
    }
    queues->run_count--;
    if (--lane->count == 0) {
        remove_lane(queue, lane);
    }
    if (--queue->count == 0) {
        remove_ready(queues, queue);
    }
}

void cleat__queues_rotate(cleat__queues *queues, cleat__queue *queue)
{
    remove_ready(queues, queue);
    append_ready(queues, queue);
}

/* ---- Workers ---- */

cleat_status cleat__queue_add_worker(cleat__queue *queue, struct cleat__worker *worker)
{
    if (queue->worker_count == queue->worker_capacity) {
        size_t capacity = queue->worker_capacity != 0 ? queue->worker_capacity * 2 : 4;
        struct cleat__worker **workers =
            cleat__realloc(queue->workers, capacity * sizeof(struct cleat__worker *));
        if (workers == NULL) {
            return cleat__fail_memory();
        }
        queue->workers = workers;
        queue->worker_capacity = capacity;
    }
    queue->workers[queue->worker_count++] = worker;
    return CLEAT_OK;
}

void cleat__queue_remove_worker(cleat__queue *queue, const struct cleat__worker *worker)
{
    for (size_t i = 0; i < queue->worker_count; i++) {
        if (queue->workers[i] == worker) {
            queue->workers[i] = queue->workers[--queue->worker_count];
            return;
        }
    }
}
