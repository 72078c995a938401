/*
 * Finished spans between the threads that end them and the one that exports them.
 *
 * Records are copied into chunks, one behind the other, and whole chunks change hands. Each thread
 * fills the chunk of its shard, so that threads share neither a lock nor a cache line per span. The
 * bound is a number of spans: a shard takes credit for a block of them at a time from the common
 * account. The common count of waiting spans, too, is kept per block: exact with one thread, late
 * by less than a block for each further one.
 *
 * Locks: a shard's spin lock, the free list's mutex; never both.
 */
#ifndef CLEAT_TRACE_SPAN_QUEUE_H
#define CLEAT_TRACE_SPAN_QUEUE_H

#include "base/process.h"
#include "base/thread.h"
#include "batch.h"

#include <cleat/trace.h>
#include <stdalign.h>

enum { CLEAT__CHUNK_SPANS = 128 };

typedef enum cleat__drop_reason {
    CLEAT__DROP_FULL,
    CLEAT__DROP_CLOSED,
    CLEAT__DROP_NO_MEMORY,
    CLEAT__DROP_REASONS,
} cleat__drop_reason;

/* Filled by one thread, then read by others, never both. */
typedef struct cleat__span_chunk {
    struct cleat__span_chunk *next;
    cleat_resource *resource; /* retained; of all its spans */
    uint32_t capacity;        /* of `data` */
    uint32_t size;
    uint32_t count;
    uint32_t taken;         /* entries that are in a batch already; of the exporting thread */
    atomic_uint references; /* the holder's, and one of each batch that has spans of it */
    cleat__batch_entry entries[CLEAT__CHUNK_SPANS];
    uint8_t data[];
} cleat__span_chunk;

typedef enum cleat__shard_state {
    CLEAT__SHARD_OPEN,
    CLEAT__SHARD_ASLEEP, /* in a forked child, until somebody pushes */
    CLEAT__SHARD_CLOSED,
} cleat__shard_state;

typedef struct cleat__span_shard {
    alignas(128) cleat__spin lock; /* guards all but the atomics; those change under it too */
    cleat__shard_state state;
    uint32_t unpublished; /* spans appended but not yet in `waiting` */
    atomic_uint credit;   /* spans that may be appended without asking */
    cleat__span_chunk *chunk;
    cleat__known_scopes known;
    atomic_uint_fast64_t dropped[CLEAT__DROP_REASONS];
} cleat__span_shard;

typedef struct cleat__span_queue {
    /* Set at the beginning. */
    cleat__span_shard *shards;
    void *shard_memory;
    size_t shard_count; /* a power of two */
    size_t max_spans;
    uint32_t block;  /* spans of credit taken at a time */
    int64_t wake_at; /* waiting spans that make a batch */

    char padding_1[128];               /* what follows is written by everybody, if seldom */
    atomic_int_fast64_t credit;        /* spans that still fit */
    atomic_int_fast64_t waiting;       /* may lag behind, and so be negative for a moment */
    _Atomic(cleat__span_chunk *) full; /* a stack; pushed to by anybody, taken whole */

    char padding_2[128];
    pthread_mutex_t mutex; /* guards the free chunks */
    cleat__span_chunk *free_chunks;
    size_t free_count, free_max;

    cleat__fork_hook fork_hook; /* of the mutex alone */
} cleat__span_queue;

/* `queue` is zero. */
cleat_status cleat__span_queue_init(cleat__span_queue *queue, size_t max_spans, size_t batch_size);
void cleat__span_queue_deinit(cleat__span_queue *queue);

typedef enum cleat__push_result {
    CLEAT__PUSHED,
    CLEAT__PUSHED_BATCH, /* and there is a batch to export now */
    CLEAT__PUSH_FULL,    /* dropped; counted by the caller, who may try again */
    CLEAT__PUSH_LOST,    /* dropped and counted */
    CLEAT__PUSH_ASLEEP,  /* see cleat__span_queue_in_child(); as CLEAT__PUSH_FULL */
} cleat__push_result;
cleat__push_result cleat__span_queue_push(cleat__span_queue *queue, const cleat_span_view *span);

/*
 * In a forked child: what was in the queue is the parent's and goes. Nobody takes what is pushed yet:
 * pushing answers CLEAT__PUSH_ASLEEP until the queue is woken.
 */
void cleat__span_queue_in_child(cleat__span_queue *queue);
void cleat__span_queue_awaken(cleat__span_queue *queue);

/* From now on pushing drops. What was pushed before can still be drained. */
void cleat__span_queue_close(cleat__span_queue *queue);
/* All that was pushed before the call, oldest first; the chunks belong to the caller, and still
 * count until they are taken. */
cleat__span_chunk *cleat__span_queue_drain(cleat__span_queue *queue);
/* `count` spans of drained chunks no longer count. */
void cleat__span_queue_taken(cleat__span_queue *queue, size_t count);
void cleat__span_queue_recycle(cleat__span_queue *queue, cleat__span_chunk *chunk);
void cleat__span_queue_drop(cleat__span_queue *queue, cleat__drop_reason reason);
uint64_t cleat__span_queue_dropped(cleat__span_queue *queue, cleat__drop_reason reason);

#endif
