/* The inside of cleat__collector: collector.c stores, submit.c has the queue before it. */
#ifndef CLEAT_COLLECTOR_PARTS_H
#define CLEAT_COLLECTOR_PARTS_H

#include "base/thread.h"
#include "collector/collector.h"

/* A batch that is being stored. */
typedef struct cleat__ingest {
    struct cleat__ingest *next;
    int64_t tenant;
    const cleat_span_batch *batch;
    size_t cursor;
} cleat__ingest;

/* What waits in the queue. */
typedef struct cleat__submission {
    cleat__ingest ingest; /* first */
    cleat__otlp_received *received;
    cleat__collector_done done;
    void *argument;
} cleat__submission;

struct cleat__collector {
    struct cleat__engine *engine; /* borrowed */
    cleat__intake *intake;        /* on the engine's thread */
    const cleat_clock *clock;
    void (*added)(void *argument, cleat__buffer *request); /* NULL: nobody wants it */
    void *added_argument;
    int64_t retention_ms;     /* negative: kept */
    int64_t retention_bytes;  /* negative: no limit */
    size_t max_waiting_bytes; /* of submissions */
    pthread_mutex_t mutex;    /* what follows; exporters may be several */
    int64_t ingested;         /* since the last look at the limits */
    int64_t next_prune_ns;    /* monotonic */
    pthread_cond_t wake;      /* the thread */
    pthread_cond_t idle;      /* it has nothing to do */
    cleat__ingest *first, **end;
    bool has_thread, is_stopping, is_abandoning, is_working;
    pthread_t thread;
    cleat__collector_stats stats;
};

/*
 * Stores the next spans of a list of batches, `*stored` of them, in one transaction, and moves `*list`
 * on to the first that is not at its end. On failure nothing of the piece is stored, and the batches
 * that had a part in it will not be complete: those before the new `*list`, and that one.
 */
cleat_status cleat__collector_store_piece(cleat__collector *collector, cleat__ingest **list, size_t *stored);
/* Removes old spans where it is time, after `stored` more. */
cleat_status cleat__collector_prune(cleat__collector *collector, size_t stored);

#endif
