#include "span_queue.h"

#include "base/alloc.h"
#include "base/error.h"
#include "instrumentation_scope.h"
#include "local.h"
#include "protobuf.h"

#include <unistd.h>

enum {
    CHUNK_BYTES = 32 * 1024, /* of a usual chunk, all in all */
    CHUNK_CAPACITY = CHUNK_BYTES - sizeof(cleat__span_chunk),
    LARGEST_BLOCK = 32,
    FEWEST_SHARDS = 4,
    MOST_SHARDS = 32,
    SHARD_ALIGNMENT = 128,
};

/* ---- Chunks ---- */

static cleat__span_chunk *chunk_new(cleat__span_queue *queue, size_t needed)
{
    cleat__span_chunk *chunk = NULL;
    if (needed <= CHUNK_CAPACITY) {
        pthread_mutex_lock(&queue->mutex);
        chunk = queue->free_chunks;
        if (chunk != NULL) {
            queue->free_chunks = chunk->next;
            queue->free_count--;
        }
        pthread_mutex_unlock(&queue->mutex);
        needed = CHUNK_CAPACITY;
    }
    if (chunk == NULL) {
        chunk = cleat__malloc(sizeof(*chunk) + needed);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->capacity = (uint32_t)needed;
    }
    chunk->next = NULL;
    chunk->resource = NULL;
    chunk->size = chunk->count = chunk->taken = 0;
    atomic_init(&chunk->references, 1);
    return chunk;
}

void cleat__span_queue_recycle(cleat__span_queue *queue, cleat__span_chunk *chunk)
{
    cleat_resource_release(chunk->resource);
    if (chunk->capacity == CHUNK_CAPACITY) {
        pthread_mutex_lock(&queue->mutex);
        bool is_kept = queue->free_count < queue->free_max;
        if (is_kept) {
            chunk->next = queue->free_chunks;
            queue->free_chunks = chunk;
            queue->free_count++;
        }
        pthread_mutex_unlock(&queue->mutex);
        if (is_kept) {
            return;
        }
    }
    cleat__free(chunk);
}

static void push_full(cleat__span_queue *queue, cleat__span_chunk *chunk)
{
    chunk->next = atomic_load_explicit(&queue->full, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&queue->full, &chunk->next, chunk, memory_order_release,
                                                  memory_order_relaxed)) {
    }
}

/* The shard's lock is held. */
static void hand_over_chunk(cleat__span_queue *queue, cleat__span_shard *shard)
{
    if (shard->chunk != NULL && shard->chunk->count != 0) {
        push_full(queue, shard->chunk);
        shard->chunk = NULL;
    }
}

/* ---- Making and freeing ---- */

static size_t choose_shard_count(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = FEWEST_SHARDS;
    while (count < MOST_SHARDS && (long)count < 2 * processors) {
        count *= 2;
    }
    return count;
}

cleat_status cleat__span_queue_init(cleat__span_queue *queue, size_t max_spans, size_t batch_size)
{
    pthread_mutex_init(&queue->mutex, NULL);
    queue->fork_hook = (cleat__fork_hook){.rank = CLEAT__FORK_QUEUE, .mutex = &queue->mutex};
    cleat__fork_register(&queue->fork_hook);
    queue->shard_count = choose_shard_count();
    queue->shard_memory = cleat__calloc(1, queue->shard_count * sizeof(cleat__span_shard) + SHARD_ALIGNMENT);
    if (queue->shard_memory == NULL) {
        return cleat__fail_memory();
    }
    uintptr_t start = (uintptr_t)queue->shard_memory + SHARD_ALIGNMENT - 1;
    queue->shards = (cleat__span_shard *)(start / SHARD_ALIGNMENT * SHARD_ALIGNMENT);
    /* Small against a batch, so that a batch is noticed in time. */
    size_t block = batch_size / 16;
    queue->block = block > LARGEST_BLOCK ? LARGEST_BLOCK : block != 0 ? (uint32_t)block : 1;
    queue->wake_at = (int64_t)batch_size;
    queue->max_spans = max_spans;
    queue->free_max = max_spans / 32 + queue->shard_count + 1;
    atomic_init(&queue->credit, (int64_t)max_spans);
    return CLEAT_OK;
}

static void free_chunks(cleat__span_chunk *chunk)
{
    while (chunk != NULL) {
        cleat__span_chunk *next = chunk->next;
        cleat_resource_release(chunk->resource);
        cleat__free(chunk);
        chunk = next;
    }
}

void cleat__span_queue_deinit(cleat__span_queue *queue)
{
    for (size_t i = 0; queue->shards != NULL && i < queue->shard_count; i++) {
        free_chunks(queue->shards[i].chunk);
    }
    free_chunks(atomic_load_explicit(&queue->full, memory_order_acquire));
    for (cleat__span_chunk *chunk = queue->free_chunks; chunk != NULL; chunk = chunk->next) {
        chunk->resource = NULL; /* released when it was put here */
    }
    free_chunks(queue->free_chunks);
    cleat__free(queue->shard_memory);
    cleat__fork_unregister(&queue->fork_hook);
    pthread_mutex_destroy(&queue->mutex);
}

/* ---- Pushing ---- */

typedef enum obstacle {
    LACKS_NOTHING,
    LACKS_SCOPE,  /* the scope is not known to be interned */
    LACKS_CREDIT, /* for one more span */
    LACKS_ROOM,   /* in the chunk */
    IS_CLOSED,
    IS_ASLEEP,
} obstacle;

typedef struct push_call {
    cleat__span_queue *queue;
    cleat__span_shard *shard;
    const cleat_span_view *span;
    const cleat_instrumentation_scope *scope; /* interned, once it had to be looked up */
    uint32_t published;                       /* spans to be added to `waiting` after unlocking */
} push_call;

static bool fits(const cleat__span_chunk *chunk, const cleat_span_view *span)
{
    return chunk != NULL && chunk->count < CLEAT__CHUNK_SPANS &&
           chunk->capacity - chunk->size >= span->record.size + CLEAT__BATCH_PREFIX_MAX &&
           (chunk->count == 0 || chunk->resource == span->resource);
}

static void append(cleat__span_chunk *chunk, const cleat_span_view *span,
                   const cleat_instrumentation_scope *scope)
{
    if (chunk->count == 0) {
        chunk->resource = cleat_resource_retain(span->resource);
    }
    cleat__batch_entry *entry = &chunk->entries[chunk->count++];
    cleat__batch_put(chunk->data + chunk->size, span->record, entry);
    entry->scope = scope;
    entry->resource = chunk->resource;
    chunk->size += entry->size;
}

/* False while nobody has said that the scope is interned. */
static bool find_scope(push_call *push)
{
    const cleat_instrumentation_scope *scope = push->span->scope;
    if (scope == NULL) {
        return true;
    }
    const cleat_instrumentation_scope **known = cleat__known_scope(&push->shard->known, scope);
    if (*known == scope) {
        push->scope = scope;
    } else if (push->scope == scope) {
        *known = scope;
    }
    return push->scope != NULL;
}

/* The shard's lock is held. Appends the span or says what is in the way. */
static obstacle try_append(push_call *push)
{
    cleat__span_shard *shard = push->shard;
    const cleat_span_view *span = push->span;
    if (__builtin_expect(shard->state != CLEAT__SHARD_OPEN, false)) {
        return shard->state == CLEAT__SHARD_CLOSED ? IS_CLOSED : IS_ASLEEP;
    }
    if (!find_scope(push)) {
        return LACKS_SCOPE;
    }
    uint32_t credit = atomic_load_explicit(&shard->credit, memory_order_relaxed);
    if (credit == 0) {
        return LACKS_CREDIT;
    }
    if (!fits(shard->chunk, span)) {
        hand_over_chunk(push->queue, shard);
        return LACKS_ROOM;
    }
    append(shard->chunk, span, push->scope);
    shard->unpublished++;
    atomic_store_explicit(&shard->credit, credit - 1, memory_order_relaxed);
    if (credit == 1) {
        push->published = shard->unpublished;
        shard->unpublished = 0;
    }
    return LACKS_NOTHING;
}

/* Credit that other shards took and do not use, for when there is no other. */
static uint32_t collect_credit(cleat__span_queue *queue)
{
    uint32_t credit = 0;
    for (size_t i = 0; i < queue->shard_count && credit == 0; i++) {
        cleat__span_shard *shard = &queue->shards[i];
        if (atomic_load_explicit(&shard->credit, memory_order_relaxed) == 0) {
            continue;
        }
        cleat__spin_lock(&shard->lock);
        credit = atomic_load_explicit(&shard->credit, memory_order_relaxed);
        atomic_store_explicit(&shard->credit, 0, memory_order_relaxed);
        cleat__spin_unlock(&shard->lock);
    }
    return credit;
}

static bool get_credit(push_call *push)
{
    cleat__span_queue *queue = push->queue;
    int64_t available = atomic_load_explicit(&queue->credit, memory_order_relaxed);
    int64_t got;
    do {
        got = available < (int64_t)queue->block ? available : (int64_t)queue->block;
    } while (got > 0 && !atomic_compare_exchange_weak_explicit(&queue->credit, &available, available - got,
                                                               memory_order_relaxed, memory_order_relaxed));
    if (got <= 0) {
        got = collect_credit(queue);
    }
    if (got <= 0) {
        return false;
    }
    cleat__spin_lock(&push->shard->lock);
    atomic_fetch_add_explicit(&push->shard->credit, (uint32_t)got, memory_order_relaxed);
    cleat__spin_unlock(&push->shard->lock);
    return true;
}

static bool get_room(push_call *push)
{
    size_t needed = push->span->record.size + CLEAT__BATCH_PREFIX_MAX;
    cleat__span_chunk *chunk = needed < UINT32_MAX ? chunk_new(push->queue, needed) : NULL;
    if (chunk == NULL) {
        return false;
    }
    cleat__spin_lock(&push->shard->lock);
    /* Another thread of this shard may have been quicker, or left an empty chunk that is too small. */
    cleat__span_chunk *spare = push->shard->chunk;
    if (spare != NULL && spare->count != 0) {
        hand_over_chunk(push->queue, push->shard);
        spare = NULL;
    }
    push->shard->chunk = chunk;
    cleat__spin_unlock(&push->shard->lock);
    if (spare != NULL) {
        cleat__span_queue_recycle(push->queue, spare);
    }
    return true;
}

static void count_drop(cleat__span_shard *shard, cleat__drop_reason reason)
{
    atomic_fetch_add_explicit(&shard->dropped[reason], 1, memory_order_relaxed);
}

static cleat__push_result lose(cleat__span_shard *shard, cleat__drop_reason reason)
{
    count_drop(shard, reason);
    return CLEAT__PUSH_LOST;
}

static cleat__push_result publish(cleat__span_queue *queue, uint32_t count)
{
    int64_t before = atomic_fetch_add_explicit(&queue->waiting, count, memory_order_relaxed);
    return before + (int64_t)count >= queue->wake_at ? CLEAT__PUSHED_BATCH : CLEAT__PUSHED;
}

/* This thread's; few threads share one. */
static cleat__span_shard *shard_of(cleat__span_queue *queue)
{
    const cleat__local *local = cleat__local_get();
    return &queue->shards[local != NULL ? local->index & (queue->shard_count - 1) : 0];
}

void cleat__span_queue_drop(cleat__span_queue *queue, cleat__drop_reason reason)
{
    count_drop(shard_of(queue), reason);
}

cleat__push_result cleat__span_queue_push(cleat__span_queue *queue, const cleat_span_view *span)
{
    push_call push = {queue, shard_of(queue), span, NULL, 0};
    for (;;) {
        cleat__spin_lock(&push.shard->lock);
        obstacle found = try_append(&push);
        cleat__spin_unlock(&push.shard->lock);
        switch (found) {
        case LACKS_NOTHING: return push.published != 0 ? publish(queue, push.published) : CLEAT__PUSHED;
        case IS_CLOSED: return lose(push.shard, CLEAT__DROP_CLOSED);
        case IS_ASLEEP: return CLEAT__PUSH_ASLEEP;
        case LACKS_SCOPE:
            push.scope = cleat__scope_intern(span->scope);
            if (push.scope == NULL) {
                return lose(push.shard, CLEAT__DROP_NO_MEMORY);
            }
            break;
        case LACKS_CREDIT:
            if (!get_credit(&push)) {
                return CLEAT__PUSH_FULL;
            }
            break;
        case LACKS_ROOM:
            if (!get_room(&push)) {
                return lose(push.shard, CLEAT__DROP_NO_MEMORY);
            }
            break;
        }
    }
}

/* ---- Taking ---- */

void cleat__span_queue_close(cleat__span_queue *queue)
{
    for (size_t i = 0; i < queue->shard_count; i++) {
        cleat__spin_lock(&queue->shards[i].lock);
        queue->shards[i].state = CLEAT__SHARD_CLOSED;
        cleat__spin_unlock(&queue->shards[i].lock);
    }
}

cleat__span_chunk *cleat__span_queue_drain(cleat__span_queue *queue)
{
    for (size_t i = 0; i < queue->shard_count; i++) {
        cleat__span_shard *shard = &queue->shards[i];
        cleat__spin_lock(&shard->lock);
        hand_over_chunk(queue, shard);
        cleat__spin_unlock(&shard->lock);
    }
    cleat__span_chunk *newest = atomic_exchange_explicit(&queue->full, NULL, memory_order_acquire);
    cleat__span_chunk *oldest = NULL;
    while (newest != NULL) {
        cleat__span_chunk *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void cleat__span_queue_taken(cleat__span_queue *queue, size_t count)
{
    atomic_fetch_sub_explicit(&queue->waiting, (int64_t)count, memory_order_relaxed);
    atomic_fetch_add_explicit(&queue->credit, (int64_t)count, memory_order_relaxed);
}

uint64_t cleat__span_queue_dropped(cleat__span_queue *queue, cleat__drop_reason reason)
{
    uint64_t count = 0;
    for (size_t i = 0; i < queue->shard_count; i++) {
        count += atomic_load_explicit(&queue->shards[i].dropped[reason], memory_order_relaxed);
    }
    return count;
}

/* ---- Forked children ---- */

/* A chunk that a thread was filling is given up: it is in any state, and the parent's memory as long
 * as nobody writes to it. */
static void reset_shard(cleat__span_queue *queue, cleat__span_shard *shard)
{
    cleat__span_chunk *chunk = cleat__spin_renew(&shard->lock) ? NULL : shard->chunk;
    shard->chunk = NULL;
    shard->unpublished = 0;
    atomic_store_explicit(&shard->credit, 0, memory_order_relaxed);
    shard->known = (cleat__known_scopes){{NULL}};
    for (int reason = 0; reason < CLEAT__DROP_REASONS; reason++) {
        atomic_store_explicit(&shard->dropped[reason], 0, memory_order_relaxed);
    }
    if (shard->state == CLEAT__SHARD_OPEN) {
        shard->state = CLEAT__SHARD_ASLEEP;
    }
    if (chunk != NULL) {
        cleat__span_queue_recycle(queue, chunk);
    }
}

void cleat__span_queue_in_child(cleat__span_queue *queue)
{
    for (size_t i = 0; i < queue->shard_count; i++) {
        reset_shard(queue, &queue->shards[i]);
    }
    cleat__span_chunk *chunk = atomic_exchange_explicit(&queue->full, NULL, memory_order_relaxed);
    while (chunk != NULL) {
        cleat__span_chunk *next = chunk->next;
        cleat__span_queue_recycle(queue, chunk);
        chunk = next;
    }
    atomic_store_explicit(&queue->credit, (int64_t)queue->max_spans, memory_order_relaxed);
    atomic_store_explicit(&queue->waiting, 0, memory_order_relaxed);
}

void cleat__span_queue_awaken(cleat__span_queue *queue)
{
    for (size_t i = 0; i < queue->shard_count; i++) {
        cleat__spin_lock(&queue->shards[i].lock);
        if (queue->shards[i].state == CLEAT__SHARD_ASLEEP) {
            queue->shards[i].state = CLEAT__SHARD_OPEN;
        }
        cleat__spin_unlock(&queue->shards[i].lock);
    }
}
