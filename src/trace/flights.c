#include "flights.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"

cleat_status cleat__flights_init(cleat__flights *flights)
{
    flights->all = cleat__calloc(flights->count, sizeof(*flights->all));
    if (flights->all == NULL) {
        return cleat__fail_memory();
    }
    for (unsigned i = 0; i < flights->count; i++) {
        cleat__flight *flight = &flights->all[i];
        flight->of = flights;
        flight->entries = cleat__calloc(flights->batch_size, sizeof(*flight->entries));
        if (flight->entries == NULL) {
            return cleat__fail_memory();
        }
        flight->next_free = flights->free;
        flights->free = flight;
    }
    return CLEAT_OK;
}

void cleat__flights_in_child(cleat__flights *flights)
{
    flights->is_watched = false;
    flights->failure = (cleat__outcome){CLEAT_OK, ""};
    flights->exported = flights->failed = 0;
    if (flights->busy == 0) {
        return;
    }
    for (unsigned i = 0; i < flights->count; i++) {
        flights->all[i].of = NULL;
    }
    flights->lost = flights->all;
    flights->all = flights->free = NULL;
    flights->busy = 0;
}

void cleat__flights_deinit(cleat__flights *flights)
{
    for (unsigned i = 0; flights->all != NULL && i < flights->count; i++) {
        cleat__free(flights->all[i].entries);
    }
    cleat__free(flights->all);
    flights->all = flights->free = NULL;
}

cleat__flight *cleat__flights_take(cleat__flights *flights)
{
    cleat__flight *flight = flights->free;
    if (flight != NULL) {
        flights->free = flight->next_free;
        flights->busy++;
    }
    return flight;
}

/* ---- The backlog ---- */

void cleat__backlog_init(cleat__backlog *backlog)
{
    backlog->first = NULL;
    backlog->end = &backlog->first;
    backlog->count = 0;
}

void cleat__backlog_collect(cleat__backlog *backlog, cleat__span_queue *queue)
{
    cleat__span_chunk *chunk = cleat__span_queue_drain(queue);
    while (chunk != NULL) {
        *backlog->end = chunk;
        backlog->end = &chunk->next;
        backlog->count += chunk->count;
        chunk = chunk->next;
    }
}

static void drop_chunk(cleat__span_queue *queue, cleat__span_chunk *chunk)
{
    if (atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) == 1) {
        cleat__span_queue_recycle(queue, chunk);
    }
}

static void take_off_first(cleat__backlog *backlog, cleat__span_queue *queue)
{
    cleat__span_chunk *chunk = backlog->first;
    backlog->first = chunk->next;
    if (backlog->first == NULL) {
        backlog->end = &backlog->first;
    }
    drop_chunk(queue, chunk);
}

void cleat__backlog_recycle(cleat__backlog *backlog, cleat__span_queue *queue)
{
    while (backlog->first != NULL) {
        take_off_first(backlog, queue);
    }
    backlog->count = 0;
}

/* The flight holds a reference to each chunk it takes from, so their links stay as they are until
 * it is finished, also where the backlog lets go of them. */
static void gather(cleat__flight *flight, cleat__backlog *backlog)
{
    size_t count = 0, wanted = flight->of->batch_size;
    flight->first_chunk = backlog->first;
    flight->chunk_count = 0;
    while (backlog->first != NULL && count < wanted) {
        cleat__span_chunk *chunk = backlog->first;
        size_t here = chunk->count - chunk->taken;
        size_t taken = here < wanted - count ? here : wanted - count;
        memcpy(&flight->entries[count], &chunk->entries[chunk->taken], taken * sizeof(*flight->entries));
        chunk->taken += (uint32_t)taken;
        count += taken;
        atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
        flight->chunk_count++;
        if (chunk->taken == chunk->count) {
            take_off_first(backlog, flight->of->queue);
        }
    }
    backlog->count -= count;
    flight->batch.entries = flight->entries;
    flight->batch.count = count;
}

/* ---- Launching and finishing ---- */

/* With the error message of this thread. */
static void describe(cleat_status status, cleat__outcome *out)
{
    const char *text = cleat_error_message();
    out->status = status;
    snprintf(out->text, sizeof(out->text), "%s",
             status == CLEAT_OK || text[0] != '\0' ? text : cleat_status_text(status));
}

static void log_failure(size_t failed, size_t count, cleat_status status)
{
    static cleat__log_site site;
    if (failed == count) {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "%zu span%s not exported: %s: %s", count,
                           count == 1 ? "" : "s", cleat_status_text(status), cleat_error_message());
    } else {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "%zu of %zu spans not exported: %s: %s", failed, count,
                           cleat_status_text(status), cleat_error_message());
    }
}

static void finish(cleat_span_batch *batch, cleat_status status, size_t failed)
{
    cleat__flight *flight = (cleat__flight *)batch;
    size_t count = batch->count;
    cleat__outcome outcome;
    describe(status, &outcome);
    if (flight->of != NULL && status != CLEAT_OK) {
        log_failure(failed, count, status);
    }
    /* A log handler may have forked: in the child the batch is the parent's from then on. */
    cleat__flights *flights = flight->of;
    cleat__span_chunk *chunk = flight->first_chunk;
    if (flights == NULL) {
        return;
    }
    for (size_t i = 0; i < flight->chunk_count; i++) {
        /* The link of the last one is not this flight's: the backlog may be appending to it. */
        cleat__span_chunk *next = i + 1 < flight->chunk_count ? chunk->next : NULL;
        drop_chunk(flights->queue, chunk);
        chunk = next;
    }
    pthread_mutex_lock(flights->mutex);
    flights->exported += count - failed;
    flights->failed += failed;
    if (flights->is_watched && flights->failure.status == CLEAT_OK) {
        flights->failure = outcome;
    }
    flight->next_free = flights->free;
    flights->free = flight;
    flights->busy--;
    pthread_cond_signal(flights->changed);
    /* Once this is unlocked the processor may be gone. */
    pthread_mutex_unlock(flights->mutex);
}

void cleat__flight_launch(cleat__flight *flight, cleat__backlog *backlog)
{
    cleat__flights *flights = flight->of;
    gather(flight, backlog);
    flight->batch.finish = finish;
    /* They have left the queue: others may take their place while they are exported. */
    cleat__span_queue_taken(flights->queue, flight->batch.count);
    cleat__batch_launch(flights->exporter, &flight->batch, flights->timeout_ms);
}
