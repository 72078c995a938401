#include "engine/queue.h"

#include "base/alloc.h"
#include "base/error.h"

void cleat__queues_deinit(cleat__queues *queues)
{
    size_t cursor = 0;
    cleat__queue *queue;
    while ((queue = cleat__map_next(&queues->by_action, &cursor)) != NULL) {
        cleat__free((char *)queue->action.data);
        cleat__free(queue->workers);
        cleat__free(queue);
    }
    cleat__map_deinit(&queues->by_action);
    cursor = 0;
    cleat__task_type *type;
    while ((type = cleat__map_next(&queues->types, &cursor)) != NULL) {
        cleat__free(type);
    }
    cleat__map_deinit(&queues->types);
}

/* ---- Actions and their versions ---- */

cleat__queue *cleat__queues_find(const cleat__queues *queues, cleat_slice action)
{
    return cleat__map_get(&queues->by_action, action);
}

cleat__task_type *cleat__queues_find_type(const cleat__queues *queues, int64_t id)
{
    return cleat__map_get(&queues->types, (cleat_slice){(const char *)&id, sizeof(id)});
}

cleat__queue *cleat__queues_add(cleat__queues *queues, cleat_slice action)
{
    cleat__queue *queue = cleat__queues_find(queues, action);
    if (queue != NULL) {
        return queue;
    }
    queue = cleat__calloc(1, sizeof(*queue));
    char *name = cleat__slice_dup(action);
    if (queue == NULL || name == NULL) {
        goto fail;
    }
    queue->action = (cleat_slice){name, action.size};
    if (cleat__map_put(&queues->by_action, queue->action, queue) != CLEAT_OK) {
        goto fail;
    }
    return queue;
fail:
    cleat__free(name);
    cleat__free(queue);
    return NULL;
}

cleat_status cleat__queues_add_type(cleat__queues *queues, cleat__queue *queue, int64_t id,
                                    const cleat__policy *policy)
{
    cleat__task_type *type = cleat__calloc(1, sizeof(*type));
    if (type == NULL) {
        return cleat__fail_memory();
    }
    *type = (cleat__task_type){.id = id, .queue = queue, .policy = *policy};
    cleat_slice key = {(const char *)&type->id, sizeof(type->id)};
    if (cleat__map_put(&queues->types, key, type) != CLEAT_OK) {
        cleat__free(type);
        return cleat__fail_memory();
    }
    queue->latest = type;
    return CLEAT_OK;
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
    cleat__queue *queue = run->type->queue;
    run->level = (uint8_t)level;
    cleat__run_chain_append(&queue->levels[level - 1], run);
    queues->run_count++;
    if (queue->count++ == 0) {
        append_ready(queues, queue);
    }
}

void cleat__queues_remove(cleat__queues *queues, cleat__run *run)
{
    if (run->level == 0) {
        return;
    }
    cleat__queue *queue = run->type->queue;
    cleat__run_chain_remove(&queue->levels[run->level - 1], run);
    run->level = 0;
    queues->run_count--;
    if (--queue->count == 0) {
        remove_ready(queues, queue);
    }
}

cleat__run *cleat__queue_first(const cleat__queue *queue)
{
    for (int level = CLEAT__LEVEL_AHEAD; level > 0; level--) {
        if (queue->levels[level - 1].head != NULL) {
            return queue->levels[level - 1].head;
        }
    }
    return NULL;
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
