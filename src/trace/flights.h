/*
 * Batches on their way: taken from a backlog of chunks, given to the exporter, and finished by it,
 * possibly several at a time and in any order. Spans stay in their chunks all the while; a chunk is
 * recycled when the last batch that has spans of it is finished.
 */
#ifndef CLEAT_TRACE_FLIGHTS_H
#define CLEAT_TRACE_FLIGHTS_H

#include "span_queue.h"

typedef struct cleat__flight {
    struct cleat_span_batch batch;  /* first: what the exporter has is turned back into this */
    struct cleat__flights *of;      /* NULL in a forked child: the parent's */
    cleat__span_chunk *first_chunk; /* of `chunk_count` that follow each other; each counts this flight */
    size_t chunk_count;
    struct cleat__flight *next_free;
    cleat__batch_entry *entries;
} cleat__flight;

/* How exporting went. */
typedef struct cleat__outcome {
    cleat_status status;
    char text[256]; /* when it failed */
} cleat__outcome;

typedef struct cleat__flights {
    cleat_span_exporter *exporter;
    cleat__span_queue *queue;
    size_t batch_size;
    int64_t timeout_ms;
    unsigned count;
    cleat__flight *all;
    pthread_mutex_t *mutex;  /* the processor's; guards what follows */
    pthread_cond_t *changed; /* signalled when a batch is finished */
    cleat__flight *free;
    unsigned busy;
    bool is_watched;        /* somebody wants to know of failures */
    cleat__outcome failure; /* the first since then */
    uint64_t exported, failed;
    cleat__flight *lost; /* of the parent; here leak checkers find them */
} cleat__flights;

/* Spans drained from the queue and not yet taken by a batch; of one thread. */
typedef struct cleat__backlog {
    cleat__span_chunk *first, **end;
    size_t count;
} cleat__backlog;

/* `flights` is filled in down to `changed`, but for `all`. */
cleat_status cleat__flights_init(cleat__flights *flights);
/* In a forked child: those on their way are the parent's. `all` may be NULL then, and is to be made
 * anew. */
void cleat__flights_in_child(cleat__flights *flights);
/* None is busy. */
void cleat__flights_deinit(cleat__flights *flights);

/* A free flight; NULL while all are busy. The caller launches it. The mutex is held. */
cleat__flight *cleat__flights_take(cleat__flights *flights);

void cleat__backlog_init(cleat__backlog *backlog);
/* What waits in the queue is added. */
void cleat__backlog_collect(cleat__backlog *backlog, cleat__span_queue *queue);
void cleat__backlog_recycle(cleat__backlog *backlog, cleat__span_queue *queue);

/* Takes up to a batch from the backlog, which is not empty, and gives it to the exporter. An
 * exporter without export_async has exported it when this returns. */
void cleat__flight_launch(cleat__flight *flight, cleat__backlog *backlog);

#endif
