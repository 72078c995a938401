/*
 * Spans on their way into the engine: in pieces, each one call on the engine's thread, so that no
 * dispatch waits behind a whole export. Removal of old spans rides behind ingest in bites of
 * the same size; it removes at most twice what came in, so neither side starves the other.
 */
#include "collector/collector.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"

#include <pthread.h>

#define PIECE                   64   /* spans per call: about a millisecond */
#define PRUNE_EVERY             1024 /* spans between two looks at the limits */
#define PRUNE_EVERY_MS          10000
#define DEFAULT_RETENTION_MS    (INT64_C(7) * 24 * 3600 * 1000)
#define DEFAULT_RETENTION_BYTES (INT64_C(1) << 30)

struct cleat__collector {
    cleat__engine *engine; /* borrowed */
    cleat__intake *intake; /* on the engine's thread */
    const cleat_clock *clock;
    int64_t retention_ms;    /* negative: kept */
    int64_t retention_bytes; /* negative: no limit */
    pthread_mutex_t mutex;   /* what follows; exporters may be several */
    int64_t ingested;        /* since the last look at the limits */
    int64_t next_prune_ns;   /* monotonic */
};

cleat_status cleat__collector_new(cleat__engine *engine, const cleat__collector_options *options,
                                  cleat__collector **out)
{
    cleat__collector *collector = cleat__calloc(1, sizeof(*collector));
    if (collector == NULL) {
        return cleat__fail_memory();
    }
    collector->engine = engine;
    if (options != NULL) {
        collector->clock = options->clock;
        collector->retention_ms = options->retention_ms;
        collector->retention_bytes = options->retention_bytes;
    }
    if (collector->retention_ms == 0) {
        collector->retention_ms = DEFAULT_RETENTION_MS;
    }
    if (collector->retention_bytes == 0) {
        collector->retention_bytes = DEFAULT_RETENTION_BYTES;
    }
    cleat_status status = cleat__intake_new(&collector->intake);
    if (status == CLEAT_OK && pthread_mutex_init(&collector->mutex, NULL) != 0) {
        status = cleat__fail_memory();
    }
    if (status != CLEAT_OK) {
        cleat__intake_free(collector->intake);
        cleat__free(collector);
        return status;
    }
    *out = collector;
    return CLEAT_OK;
}

void cleat__collector_free(cleat__collector *collector)
{
    if (collector == NULL) {
        return;
    }
    pthread_mutex_destroy(&collector->mutex);
    cleat__intake_free(collector->intake);
    cleat__free(collector);
}

/* ---- On the engine's thread ---- */

typedef struct piece {
    cleat__intake *intake;
    const cleat_span_batch *batch;
    size_t cursor;
    size_t stored; /* of this piece */
    bool at_end;
} piece;

static cleat_status insert_piece(cleat__store *store, piece *part)
{
    cleat_span_view span;
    for (part->stored = 0; part->stored < PIECE; part->stored++) {
        if (!cleat_span_batch_next(part->batch, &part->cursor, &span)) {
            part->at_end = true;
            return CLEAT_OK;
        }
        cleat_status status = cleat__span_insert(store, part->intake, &span);
        /* A span without ids can never be stored; the others of its batch can. */
        if (status != CLEAT_OK && status != CLEAT_INVALID_ARGUMENT) {
            return status;
        }
    }
    return CLEAT_OK;
}

static cleat_status store_piece(cleat__store *store, void *argument)
{
    piece *part = argument;
    cleat_status status = insert_piece(store, part);
    if (status == CLEAT_OK) {
        status = cleat__span_insert_end(store, part->intake);
    }
    if (status != CLEAT_OK) {
        cleat__intake_reset(part->intake); /* the engine rolls back */
    }
    return status;
}

typedef struct prune_call {
    cleat__intake *intake;
    int64_t older_than_ns;
    int64_t max_bytes;
    int64_t removed;
} prune_call;

static cleat_status prune_bite(cleat__store *store, void *argument)
{
    prune_call *call = argument;
    return cleat__span_prune(store, call->intake, call->older_than_ns, call->max_bytes, PIECE,
                             &call->removed);
}

/* ---- On the exporter's thread ---- */

/* How many spans may be removed now: 0 while it is not time. */
static int64_t removal_allowance(cleat__collector *collector, size_t stored)
{
    int64_t now_ns = cleat__clock_monotonic_ns(collector->clock);
    int64_t allowance = 0;
    pthread_mutex_lock(&collector->mutex);
    collector->ingested += (int64_t)stored;
    if (collector->ingested >= PRUNE_EVERY || now_ns >= collector->next_prune_ns) {
        allowance = 2 * collector->ingested + PIECE;
        collector->ingested = 0;
        collector->next_prune_ns = now_ns + PRUNE_EVERY_MS * CLEAT__NS_PER_MS;
    }
    pthread_mutex_unlock(&collector->mutex);
    return allowance;
}

static cleat_status prune(cleat__collector *collector, int64_t allowance)
{
    prune_call call = {collector->intake, INT64_MIN, collector->retention_bytes, PIECE};
    cleat_status status = CLEAT_OK;
    if (collector->retention_ms >= 0) {
        int64_t oldest_ms =
            cleat__clock_unix_ns(collector->clock) / CLEAT__NS_PER_MS - collector->retention_ms;
        call.older_than_ns =
            oldest_ms > INT64_MIN / CLEAT__NS_PER_MS ? oldest_ms * CLEAT__NS_PER_MS : INT64_MIN;
    }
    for (int64_t removed = 0; removed < allowance && call.removed == PIECE; removed += PIECE) {
        status = cleat__engine_call(collector->engine, prune_bite, &call);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return status;
}

cleat_status cleat__collector_ingest(cleat__collector *collector, const cleat_span_batch *batch)
{
    piece part = {.intake = collector->intake, .batch = batch};
    size_t stored = 0;
    while (!part.at_end) {
        cleat_status status = cleat__engine_call(collector->engine, store_piece, &part);
        if (status != CLEAT_OK) {
            return status;
        }
        stored += part.stored;
    }
    int64_t allowance = removal_allowance(collector, stored);
    return allowance > 0 ? prune(collector, allowance) : CLEAT_OK;
}
