/*
 * Requests of servers. They wait in a queue that is bounded by bytes; a thread takes all that wait and
 * stores them piece by piece. The more come, the more share a transaction and its flush to the disk.
 */
#include "collector/parts.h"

#include "base/alloc.h"
#include "base/error.h"

/* ---- The thread ---- */

/* Sleeps until something waits, and takes it all; nothing when it is time to look at old spans. False: it
 * is time to end. */
static bool take_all(cleat__collector *collector, cleat__ingest **list)
{
    int64_t look_ns = cleat__deadline_ns(collector->prune_every_ms);
    bool is_time = false;
    pthread_mutex_lock(&collector->mutex);
    collector->is_working = false;
    while (collector->first == NULL && !collector->is_stopping && !is_time) {
        pthread_cond_broadcast(&collector->idle);
        is_time = !cleat__cond_wait_until(&collector->wake, &collector->mutex, look_ns);
    }
    *list = collector->first;
    collector->first = NULL;
    collector->end = &collector->first;
    collector->is_working = *list != NULL;
    bool is_ending = *list == NULL && collector->is_stopping;
    if (is_ending) {
        pthread_cond_broadcast(&collector->idle);
    }
    pthread_mutex_unlock(&collector->mutex);
    return !is_ending;
}

/* Answers the requests up to `end`, which is still to be stored. */
static void answer(cleat__collector *collector, cleat__ingest *list, const cleat__ingest *end,
                   cleat_status status)
{
    while (list != end) {
        cleat__submission *submission = (cleat__submission *)list;
        list = list->next;
        pthread_mutex_lock(&collector->mutex);
        collector->stats.waiting_bytes -= submission->received->memory;
        if (status != CLEAT_OK) {
            collector->stats.spans_failed += cleat_span_batch_count(&submission->received->batch);
        }
        pthread_mutex_unlock(&collector->mutex);
        submission->done(submission->argument, status);
        cleat__otlp_received_release(submission->received);
        cleat__free(submission);
    }
}

static bool is_abandoned(cleat__collector *collector)
{
    pthread_mutex_lock(&collector->mutex);
    bool is_abandoning = collector->is_abandoning;
    pthread_mutex_unlock(&collector->mutex);
    return is_abandoning;
}

/* One piece; answers what that made complete or failed, and returns the rest. */
static cleat__ingest *store_some(cleat__collector *collector, cleat__ingest *list)
{
    cleat__ingest *rest = list;
    size_t stored = 0;
    cleat_status status = is_abandoned(collector)
                              ? cleat__fail(CLEAT_UNAVAILABLE, "the collector was stopped")
                              : cleat__collector_store_piece(collector, &rest, &stored);
    if (status != CLEAT_OK) {
        rest = rest != NULL ? rest->next : NULL;
    }
    cleat__collector_count_stored(collector, stored);
    answer(collector, list, rest, status);
    if (status == CLEAT_OK) {
        (void)cleat__collector_prune(collector, stored); /* what fails it fails the next piece, too */
    }
    return rest;
}

static void *run(void *argument)
{
    cleat__collector *collector = argument;
    cleat__ingest *list;
    while (take_all(collector, &list)) {
        if (list == NULL) {
            (void)cleat__collector_prune_idle(collector);
        }
        while (list != NULL) {
            list = store_some(collector, list);
        }
    }
    return NULL;
}

/* ---- The others ---- */

/* Under the mutex. */
static cleat_status start_thread(cleat__collector *collector)
{
    if (collector->has_thread) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__thread_start(&collector->thread, "cleat-spans", run, collector);
    collector->has_thread = status == CLEAT_OK;
    return status;
}

cleat_status cleat__collector_start(cleat__collector *collector)
{
    pthread_mutex_lock(&collector->mutex);
    cleat_status status = collector->is_stopping ? cleat__fail(CLEAT_UNAVAILABLE, "the collector was stopped")
                                                 : start_thread(collector);
    pthread_mutex_unlock(&collector->mutex);
    return status;
}

/* Under the mutex. */
static cleat_status enqueue(cleat__collector *collector, cleat__submission *submission)
{
    size_t memory = submission->received->memory;
    size_t spans = cleat_span_batch_count(&submission->received->batch);
    if (collector->is_stopping) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the collector was stopped");
    }
    /* One that is larger than all that may wait is taken when nothing does. */
    if (collector->stats.waiting_bytes != 0 &&
        memory + collector->stats.waiting_bytes > collector->max_waiting_bytes) {
        collector->stats.spans_refused += spans;
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "spans come faster than the disk takes them");
    }
    cleat_status status = start_thread(collector);
    if (status != CLEAT_OK) {
        return status;
    }
    *collector->end = &submission->ingest;
    collector->end = &submission->ingest.next;
    collector->stats.waiting_bytes += memory;
    collector->stats.spans_rejected += (uint64_t)submission->received->rejected_spans;
    pthread_cond_signal(&collector->wake);
    return CLEAT_OK;
}

cleat_status cleat__collector_submit(cleat__collector *collector, int64_t tenant,
                                     cleat__otlp_received *received, cleat__collector_done done,
                                     void *argument)
{
    cleat__submission *submission = cleat__calloc(1, sizeof(*submission));
    if (submission == NULL) {
        cleat__otlp_received_release(received);
        return cleat__fail_memory();
    }
    *submission = (cleat__submission){
        .ingest = {.tenant = tenant, .batch = &received->batch},
        .received = received,
        .done = done,
        .argument = argument,
    };
    pthread_mutex_lock(&collector->mutex);
    cleat_status status = enqueue(collector, submission);
    pthread_mutex_unlock(&collector->mutex);
    if (status != CLEAT_OK) {
        cleat__otlp_received_release(received);
        cleat__free(submission);
    }
    return status;
}

cleat_status cleat__collector_stop(cleat__collector *collector, int64_t timeout_ms)
{
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    bool is_in_time = true;
    pthread_mutex_lock(&collector->mutex);
    collector->is_stopping = true;
    pthread_cond_signal(&collector->wake);
    while (collector->has_thread && is_in_time && (collector->first != NULL || collector->is_working)) {
        is_in_time = cleat__cond_wait_until(&collector->idle, &collector->mutex, deadline_ns);
    }
    bool is_done = collector->first == NULL && !collector->is_working;
    collector->is_abandoning = true;
    bool has_thread = collector->has_thread;
    collector->has_thread = false;
    pthread_t thread = collector->thread;
    pthread_mutex_unlock(&collector->mutex);
    if (has_thread) {
        pthread_join(thread, NULL); /* it is in a piece at most */
    }
    return is_done ? CLEAT_OK : cleat__fail(CLEAT_TIMEOUT, "not all spans were stored in time");
}

void cleat__collector_get_stats(cleat__collector *collector, cleat__collector_stats *out)
{
    pthread_mutex_lock(&collector->mutex);
    *out = collector->stats;
    pthread_mutex_unlock(&collector->mutex);
}
