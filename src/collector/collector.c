/*
 * Spans on their way into the engine: in pieces, each one call on the engine's thread, so that no
 * dispatch waits behind a whole export. A piece ends with the time it took, as a span's cost depends
 * on its size and on the disk. Removal of old spans rides behind ingest, in bites; it
 * removes at most twice what came in, so neither side starves the other.
 */
#include "collector/parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"

#define PIECE_NS                (2 * CLEAT__NS_PER_MS)
#define PIECE_LOOK              64   /* spans between two looks at the clock */
#define BITE                    256  /* spans removed per call; 64 took a fourth more CPU, for commits */
#define PRUNE_EVERY             1024 /* spans between two looks at the limits */
#define PRUNE_EVERY_MS          10000
#define DEFAULT_RETENTION_MS    (INT64_C(7) * 24 * 3600 * 1000)
#define DEFAULT_RETENTION_BYTES (INT64_C(1) << 30)
#define DEFAULT_WAITING_BYTES   ((size_t)32 << 20)

static void apply_options(cleat__collector *collector, const cleat__collector_options *options)
{
    static const cleat__collector_options defaults = {.retention_ms = 0};
    options = options != NULL ? options : &defaults;
    collector->clock = options->clock;
    collector->added = options->added;
    collector->added_argument = options->added_argument;
    collector->retention_ms = options->retention_ms != 0 ? options->retention_ms : DEFAULT_RETENTION_MS;
    collector->retention_bytes =
        options->retention_bytes != 0 ? options->retention_bytes : DEFAULT_RETENTION_BYTES;
    collector->max_waiting_bytes =
        options->max_waiting_bytes != 0 ? options->max_waiting_bytes : DEFAULT_WAITING_BYTES;
}

cleat_status cleat__collector_new(cleat__engine *engine, const cleat__collector_options *options,
                                  cleat__collector **out)
{
    cleat__collector *collector = cleat__calloc(1, sizeof(*collector));
    if (collector == NULL) {
        return cleat__fail_memory();
    }
    collector->engine = engine;
    collector->end = &collector->first;
    apply_options(collector, options);
    cleat_status status = cleat__intake_new(&collector->intake);
    if (status == CLEAT_OK && pthread_mutex_init(&collector->mutex, NULL) != 0) {
        status = cleat__fail_memory();
    }
    if (status != CLEAT_OK) {
        cleat__intake_free(collector->intake);
        cleat__free(collector);
        return status;
    }
    cleat__cond_init(&collector->wake);
    cleat__cond_init(&collector->idle);
    *out = collector;
    return CLEAT_OK;
}

void cleat__collector_free(cleat__collector *collector)
{
    if (collector == NULL) {
        return;
    }
    cleat__collector_stop(collector, 0);
    pthread_cond_destroy(&collector->idle);
    pthread_cond_destroy(&collector->wake);
    pthread_mutex_destroy(&collector->mutex);
    cleat__intake_free(collector->intake);
    cleat__free(collector);
}

/* ---- On the engine's thread ---- */

typedef struct piece {
    cleat__intake *intake;
    cleat__ingest *at;
    cleat__buffer *added; /* gets what the engine adds; NULL: nobody wants it */
    int64_t end_ns;       /* monotonic, of the system's clock: it is about real time */
    size_t spans;
} piece;

/* Inserts spans of the batch `at`; false in `*goes_on`: the time is up. */
static cleat_status insert_some(cleat__store *store, piece *part, bool *goes_on)
{
    cleat_span_view span;
    cleat__ingest *at = part->at;
    while (*goes_on) {
        if (!cleat_span_batch_next(at->batch, &at->cursor, &span)) {
            part->at = at->next;
            return CLEAT_OK;
        }
        cleat_status status = cleat__span_insert(store, part->intake, at->tenant, &span);
        /* A span without ids can never be stored; the others of its batch can. */
        if (status != CLEAT_OK && status != CLEAT_INVALID_ARGUMENT) {
            return status;
        }
        *goes_on = ++part->spans % PIECE_LOOK != 0 || cleat__clock_monotonic_ns(NULL) < part->end_ns;
    }
    return CLEAT_OK;
}

static cleat_status store_piece(cleat__store *store, void *argument)
{
    piece *part = argument;
    cleat_status status = CLEAT_OK;
    bool goes_on = true;
    part->end_ns = cleat__clock_monotonic_ns(NULL) + PIECE_NS;
    cleat__intake_copy_added(part->intake, part->added);
    while (status == CLEAT_OK && goes_on && part->at != NULL) {
        status = insert_some(store, part, &goes_on);
    }
    if (status == CLEAT_OK) {
        status = cleat__span_insert_end(store, part->intake);
    }
    if (status != CLEAT_OK) {
        cleat__intake_reset(part->intake); /* the engine rolls back */
    }
    cleat__intake_copy_added(part->intake, NULL);
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
    return cleat__span_prune(store, call->intake, call->older_than_ns, call->max_bytes, BITE, &call->removed);
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
        allowance = 2 * collector->ingested + BITE;
        collector->ingested = 0;
        collector->next_prune_ns = now_ns + PRUNE_EVERY_MS * CLEAT__NS_PER_MS;
    }
    pthread_mutex_unlock(&collector->mutex);
    return allowance;
}

static cleat_status prune(cleat__collector *collector, int64_t allowance)
{
    prune_call call = {collector->intake, INT64_MIN, collector->retention_bytes, BITE};
    cleat_status status = CLEAT_OK;
    if (collector->retention_ms >= 0) {
        int64_t oldest_ms =
            cleat__clock_unix_ns(collector->clock) / CLEAT__NS_PER_MS - collector->retention_ms;
        call.older_than_ns =
            oldest_ms > INT64_MIN / CLEAT__NS_PER_MS ? oldest_ms * CLEAT__NS_PER_MS : INT64_MIN;
    }
    for (int64_t removed = 0; removed < allowance && call.removed == BITE; removed += BITE) {
        status = cleat__engine_call(collector->engine, prune_bite, &call);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return status;
}

cleat_status cleat__collector_prune(cleat__collector *collector, size_t stored)
{
    int64_t allowance = removal_allowance(collector, stored);
    return allowance > 0 ? prune(collector, allowance) : CLEAT_OK;
}

cleat_status cleat__collector_store_piece(cleat__collector *collector, cleat__ingest **list, size_t *stored)
{
    cleat__buffer added = {0};
    piece part = {
        .intake = collector->intake, .at = *list, .added = collector->added != NULL ? &added : NULL};
    cleat_status status = cleat__engine_call(collector->engine, store_piece, &part);
    *list = part.at;
    if (status == CLEAT_OK && added.size != 0) {
        collector->added(collector->added_argument, &added);
    }
    cleat__buffer_deinit(&added);
    *stored = status == CLEAT_OK ? part.spans : 0;
    return status;
}

static void count_stored(cleat__collector *collector, size_t stored)
{
    pthread_mutex_lock(&collector->mutex);
    collector->stats.spans_stored += stored;
    pthread_mutex_unlock(&collector->mutex);
}

cleat_status cleat__collector_ingest(cleat__collector *collector, int64_t tenant,
                                     const cleat_span_batch *batch)
{
    cleat__ingest ingest = {.tenant = tenant, .batch = batch}, *list = &ingest;
    size_t stored = 0, more = 0;
    while (list != NULL) {
        cleat_status status = cleat__collector_store_piece(collector, &list, &more);
        if (status != CLEAT_OK) {
            return status;
        }
        stored += more;
    }
    count_stored(collector, stored);
    return cleat__collector_prune(collector, stored);
}
