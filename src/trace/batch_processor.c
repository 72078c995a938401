/*
 * Exports on a thread of its own. Threads that end spans put them into the queue and go on; they
 * wake the exporting thread only when a batch is complete, or the queue full. That thread keeps
 * what it drained in a backlog and exports it in batches: full ones at once, what is left when the
 * schedule, a flush or the shutdown says so. As many batches are on their way as the exporter
 * allows; for a flush all of them are waited for.
 *
 * A forked child has no such thread and an empty queue: what waits and what is on its way is the
 * parent's. The thread is started again by the first span that ends there.
 *
 * An exporter that hangs keeps nobody: force_flush and shutdown give up at their deadlines, and when
 * the processor is freed meanwhile, the thread frees what is left when the exporter returns.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/process.h"
#include "flights.h"

enum { FREE_TIMEOUT_MS = 5000, WAKE_FOR_BATCH = 1, WAKE_FOR_ALL = 2 };

typedef struct batch_processor {
    cleat_span_processor base;
    cleat_span_exporter *exporter;
    cleat_batch_processor_options options; /* every default filled in */
    cleat__span_queue queue;
    cleat__flights flights;
    cleat__fork_hook fork_hook;
    atomic_uint references; /* the owner's and the thread's */
    atomic_uint wake;       /* WAKE_ bits that ask the thread to look; set once until it does */

    pthread_mutex_t mutex; /* guards what follows, and the flights */
    pthread_cond_t work;   /* for the thread */
    pthread_cond_t done;   /* for those who wait for it */
    pthread_cond_t room;   /* for those who wait for room in the queue */
    unsigned waiting_for_room;
    uint64_t flushes_wanted, flushes_done;
    cleat__outcome flushed; /* of the last flush done */
    bool is_stopping, is_finished, is_exporter_shut_down;
    bool has_thread; /* false in a forked child, until it is needed */
    bool is_waiting; /* the thread, for work: then nobody is at the backlog */
    pthread_t thread;

    cleat__backlog backlog; /* of the thread alone */
    cleat__backlog lost;    /* in a forked child: of the parent's thread; here leak checkers find it */
} batch_processor;

static void release(batch_processor *processor)
{
    if (atomic_fetch_sub_explicit(&processor->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    cleat__fork_unregister(&processor->fork_hook);
    cleat__exporter_free(processor->exporter);
    cleat__backlog_recycle(&processor->backlog, &processor->queue);
    cleat__flights_deinit(&processor->flights);
    cleat__span_queue_deinit(&processor->queue);
    pthread_mutex_destroy(&processor->mutex);
    pthread_cond_destroy(&processor->work);
    pthread_cond_destroy(&processor->done);
    pthread_cond_destroy(&processor->room);
    cleat__free(processor);
}

/* ---- The thread ---- */

static cleat__flight *wait_for_flight(batch_processor *processor)
{
    cleat__flight *flight;
    pthread_mutex_lock(&processor->mutex);
    while ((flight = cleat__flights_take(&processor->flights)) == NULL) {
        pthread_cond_wait(&processor->work, &processor->mutex);
    }
    pthread_mutex_unlock(&processor->mutex);
    return flight;
}

/* A batch has left the queue. */
static void tell_room(batch_processor *processor)
{
    pthread_mutex_lock(&processor->mutex);
    if (processor->waiting_for_room != 0) {
        pthread_cond_broadcast(&processor->room);
    }
    pthread_mutex_unlock(&processor->mutex);
}

static void export_backlog(batch_processor *processor, bool everything)
{
    size_t enough = everything ? 1 : processor->options.max_export_batch_size;
    while (processor->backlog.count >= enough) {
        cleat__flight *flight = wait_for_flight(processor);
        cleat__flight_launch(flight, &processor->backlog);
        if (processor->options.blocks_when_full) {
            tell_room(processor);
        }
    }
}

/* What made the thread look. */
typedef struct reason {
    bool everything; /* not only full batches */
    bool stopping;
    uint64_t flushes;
} reason;

static reason wait_for_work(batch_processor *processor, int64_t scheduled_ns)
{
    pthread_mutex_lock(&processor->mutex);
    bool is_due = false;
    processor->is_waiting = true;
    while (!is_due && !processor->is_stopping && processor->flushes_wanted == processor->flushes_done &&
           atomic_load_explicit(&processor->wake, memory_order_acquire) == 0) {
        is_due = !cleat__cond_wait_until(&processor->work, &processor->mutex, scheduled_ns);
    }
    processor->is_waiting = false;
    unsigned wake = atomic_exchange_explicit(&processor->wake, 0, memory_order_acq_rel);
    reason found = {
        .everything = is_due || processor->is_stopping || (wake & WAKE_FOR_ALL) != 0 ||
                      processor->flushes_wanted != processor->flushes_done,
        .stopping = processor->is_stopping,
        .flushes = processor->flushes_wanted,
    };
    pthread_mutex_unlock(&processor->mutex);
    return found;
}

/* To those who flush or shut down, once all that was on its way has arrived or failed. */
static void report(batch_processor *processor, const reason *found)
{
    pthread_mutex_lock(&processor->mutex);
    if (processor->flushes_done != found->flushes || found->stopping) {
        while (processor->flights.busy != 0) {
            pthread_cond_wait(&processor->work, &processor->mutex);
        }
        /* Not each time: a flush that nobody has read yet must keep its answer. */
        processor->flushes_done = found->flushes;
        processor->flushed = processor->flights.failure;
        /* A flush that was asked for meanwhile may have waited for the same spans. */
        processor->flights.is_watched = processor->flushes_wanted != found->flushes || processor->is_stopping;
    }
    processor->is_finished = found->stopping;
    pthread_cond_broadcast(&processor->done);
    pthread_mutex_unlock(&processor->mutex);
}

static void *run(void *argument)
{
    batch_processor *processor = argument;
    int64_t delay_ms = processor->options.schedule_delay_ms;
    int64_t scheduled_ns = cleat__deadline_ns(delay_ms);
    reason found;
    do {
        found = wait_for_work(processor, scheduled_ns);
        cleat__backlog_collect(&processor->backlog, &processor->queue);
        export_backlog(processor, found.everything);
        if (found.everything) {
            scheduled_ns = cleat__deadline_ns(delay_ms);
        }
        report(processor, &found);
    } while (!found.stopping);
    release(processor);
    return NULL;
}

/* ---- Starting it, also in a forked child ---- */

/* The mutex is held. */
static cleat_status start_thread(batch_processor *processor)
{
    if (processor->flights.all == NULL) {
        cleat_status status = cleat__flights_init(&processor->flights);
        if (status != CLEAT_OK) {
            cleat__flights_deinit(&processor->flights);
            return status;
        }
    }
    atomic_store_explicit(&processor->references, 2, memory_order_relaxed);
    cleat_status status = cleat__thread_start(&processor->thread, "cleat-spans", run, processor);
    processor->has_thread = status == CLEAT_OK;
    if (!processor->has_thread) {
        atomic_store_explicit(&processor->references, 1, memory_order_relaxed);
    }
    return status;
}

/* Where the thread itself forked, in its exporter, it goes on in the child. */
static void in_child(void *object, bool is_whole)
{
    batch_processor *processor = object;
    (void)is_whole;
    cleat__cond_init(&processor->work);
    cleat__cond_init(&processor->done);
    cleat__cond_init(&processor->room);
    processor->waiting_for_room = 0;
    cleat__span_queue_in_child(&processor->queue);
    if (processor->has_thread && pthread_equal(processor->thread, pthread_self())) {
        return;
    }
    if (processor->is_waiting) {
        cleat__backlog_recycle(&processor->backlog, &processor->queue);
    } else {
        processor->lost = processor->backlog;
        cleat__backlog_init(&processor->backlog);
    }
    cleat__flights_in_child(&processor->flights);
    atomic_store_explicit(&processor->wake, 0, memory_order_relaxed);
    atomic_store_explicit(&processor->references, 1, memory_order_relaxed);
    processor->flushes_done = processor->flushes_wanted;
    processor->flushed = (cleat__outcome){CLEAT_OK, ""};
    processor->is_finished = processor->is_stopping;
    processor->has_thread = processor->is_waiting = false;
}

/* False: no thread, and so nowhere to put spans. */
static bool awaken(batch_processor *processor)
{
    cleat_status status = CLEAT_OK;
    pthread_mutex_lock(&processor->mutex);
    if (!processor->has_thread && !processor->is_stopping) {
        status = start_thread(processor);
    }
    if (status == CLEAT_OK) {
        cleat__span_queue_awaken(&processor->queue);
    }
    pthread_mutex_unlock(&processor->mutex);
    return status == CLEAT_OK;
}

/* ---- The others ---- */

static void wake(batch_processor *processor, unsigned why)
{
    if ((atomic_fetch_or_explicit(&processor->wake, why, memory_order_acq_rel) & why) != 0) {
        return; /* it has been told already */
    }
    pthread_mutex_lock(&processor->mutex);
    pthread_cond_signal(&processor->work);
    pthread_mutex_unlock(&processor->mutex);
}

/* Under the mutex, so that no room is missed; the locks of the queue are taken within it. Shutting
 * down closes the queue, which ends the waiting. */
static cleat__push_result push_when_room(batch_processor *processor, const cleat_span_view *span)
{
    cleat__push_result result;
    pthread_mutex_lock(&processor->mutex);
    processor->waiting_for_room++;
    while ((result = cleat__span_queue_push(&processor->queue, span)) == CLEAT__PUSH_FULL) {
        /* Often that is a batch, but what another thread is just reserving fills it too. */
        atomic_fetch_or_explicit(&processor->wake, WAKE_FOR_ALL, memory_order_acq_rel);
        pthread_cond_signal(&processor->work);
        pthread_cond_wait(&processor->room, &processor->mutex);
    }
    processor->waiting_for_room--;
    pthread_mutex_unlock(&processor->mutex);
    return result;
}

static void drop_full(batch_processor *processor)
{
    static cleat__log_site site;
    cleat__span_queue_drop(&processor->queue, CLEAT__DROP_FULL);
    wake(processor, WAKE_FOR_ALL);
    cleat__log_limited(
        &site, CLEAT_LOG_WARN,
        "spans are dropped, since they end faster than they are exported: the queue of %zu is full "
        "(OTEL_BSP_MAX_QUEUE_SIZE)",
        processor->options.max_queue_size);
}

static void on_end(cleat_span_processor *self, const cleat_span_view *span)
{
    batch_processor *processor = (batch_processor *)self;
    /* A span of the exporter's own, ended inside export_spans, would make another export necessary. */
    if ((span->flags & CLEAT_TRACE_FLAG_SAMPLED) == 0 || cleat_tracing_suppressed()) {
        return;
    }
    cleat__push_result result = cleat__span_queue_push(&processor->queue, span);
    if (__builtin_expect(result == CLEAT__PUSHED, true)) {
        return;
    }
    if (result == CLEAT__PUSH_ASLEEP) {
        if (!awaken(processor)) {
            cleat__span_queue_drop(&processor->queue, CLEAT__DROP_NO_MEMORY);
            return;
        }
        result = cleat__span_queue_push(&processor->queue, span);
    }
    if (result == CLEAT__PUSH_FULL && processor->options.blocks_when_full) {
        result = push_when_room(processor, span);
    }
    if (result == CLEAT__PUSHED_BATCH) {
        wake(processor, WAKE_FOR_BATCH);
    } else if (result == CLEAT__PUSH_FULL) {
        drop_full(processor);
    }
}

/* Of the thread itself: it would wait for itself. */
static bool is_own_thread(batch_processor *processor)
{
    pthread_mutex_lock(&processor->mutex);
    bool is_own = processor->has_thread && pthread_equal(pthread_self(), processor->thread);
    pthread_mutex_unlock(&processor->mutex);
    return is_own;
}

/* Somebody waits: what fails from now on is for them. The mutex is held. */
static void watch(batch_processor *processor)
{
    cleat__flights *flights = &processor->flights;
    if (!flights->is_watched) {
        flights->is_watched = true;
        flights->failure = (cleat__outcome){CLEAT_OK, ""};
    }
}

static cleat_status force_flush(cleat_span_processor *self, int64_t timeout_ms)
{
    batch_processor *processor = (batch_processor *)self;
    int64_t deadline = cleat__deadline_ns(timeout_ms);
    if (is_own_thread(processor)) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "an exporter cannot flush its own processor");
    }
    pthread_mutex_lock(&processor->mutex);
    uint64_t ticket = processor->flushes_wanted += processor->has_thread; /* else nothing is queued */
    watch(processor);
    bool is_in_time = true;
    pthread_cond_signal(&processor->work);
    while (is_in_time && !processor->is_finished && processor->flushes_done < ticket) {
        is_in_time = cleat__cond_wait_until(&processor->done, &processor->mutex, deadline);
    }
    bool is_done = processor->is_finished || processor->flushes_done >= ticket;
    cleat__outcome outcome = processor->flushed;
    pthread_mutex_unlock(&processor->mutex);
    if (!is_done) {
        return cleat__fail(CLEAT_TIMEOUT, "spans were not flushed in time");
    }
    cleat_status flushed = cleat__exporter_force_flush(processor->exporter, cleat__remaining_ms(deadline));
    return outcome.status != CLEAT_OK ? cleat__fail(outcome.status, "%s", outcome.text) : flushed;
}

static void before_shutdown(cleat_span_processor *self)
{
    batch_processor *processor = (batch_processor *)self;
    cleat__span_queue_close(&processor->queue);
    pthread_mutex_lock(&processor->mutex);
    bool is_first = !processor->is_stopping;
    watch(processor);
    processor->is_stopping = true;
    processor->is_finished = processor->is_finished || !processor->has_thread;
    pthread_cond_signal(&processor->work);
    pthread_cond_broadcast(&processor->room);
    pthread_mutex_unlock(&processor->mutex);
    if (is_first) {
        cleat__exporter_before_shutdown(processor->exporter);
    }
}

static cleat_status shut_down(cleat_span_processor *self, int64_t timeout_ms)
{
    batch_processor *processor = (batch_processor *)self;
    int64_t deadline = cleat__deadline_ns(timeout_ms);
    if (is_own_thread(processor)) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "an exporter cannot stop its own processor");
    }
    before_shutdown(self);
    pthread_mutex_lock(&processor->mutex);
    bool is_in_time = true;
    while (is_in_time && !processor->is_finished) {
        is_in_time = cleat__cond_wait_until(&processor->done, &processor->mutex, deadline);
    }
    bool is_finished = processor->is_finished;
    bool is_first = !processor->is_exporter_shut_down;
    processor->is_exporter_shut_down = true;
    bool is_joining = is_finished && processor->has_thread; /* it is past all that takes time */
    processor->has_thread = processor->has_thread && !is_finished;
    pthread_t thread = processor->thread;
    cleat__outcome exported = {CLEAT_OK, ""};
    if (is_joining) {
        exported = processor->flushed;
    }
    pthread_mutex_unlock(&processor->mutex);
    if (is_joining) {
        pthread_join(thread, NULL);
    }
    /* Also of an exporter that still exports: that is what makes it stop. */
    cleat_status status =
        is_first ? cleat__exporter_shutdown(processor->exporter, cleat__remaining_ms(deadline)) : CLEAT_OK;
    if (!is_finished) {
        return cleat__fail(CLEAT_TIMEOUT, "spans were not exported in time");
    }
    return exported.status != CLEAT_OK ? cleat__fail(exported.status, "%s", exported.text) : status;
}

static void free_processor(cleat_span_processor *self)
{
    batch_processor *processor = (batch_processor *)self;
    pthread_mutex_lock(&processor->mutex);
    bool is_shut_down = processor->is_exporter_shut_down;
    pthread_mutex_unlock(&processor->mutex);
    if (!is_shut_down) {
        shut_down(self, FREE_TIMEOUT_MS);
    }
    pthread_mutex_lock(&processor->mutex);
    bool is_finished = processor->is_finished, has_thread = processor->has_thread;
    pthread_mutex_unlock(&processor->mutex);
    if (has_thread && is_finished) {
        pthread_join(processor->thread, NULL);
    } else if (has_thread) {
        pthread_detach(processor->thread);
    }
    release(processor);
}

/* ---- Making one ---- */

static int64_t or_environment(int64_t option, const char *name, int64_t fallback, int64_t min)
{
    return option > 0 ? option : cleat__env_int(name, fallback, min, INT32_MAX);
}

static const char batch_variable[] = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";

static void resolve(const cleat_batch_processor_options *from, cleat_batch_processor_options *out)
{
    cleat_batch_processor_options given;
    cleat__options_copy(&given, from, sizeof(given));
    int64_t queue = given.max_queue_size < INT32_MAX ? (int64_t)given.max_queue_size : INT32_MAX;
    int64_t batch =
        given.max_export_batch_size < INT32_MAX ? (int64_t)given.max_export_batch_size : INT32_MAX;
    queue = or_environment(queue, "OTEL_BSP_MAX_QUEUE_SIZE", 2048, 1);
    batch = or_environment(batch, batch_variable, queue < 512 ? queue : 512, 1);
    if (given.max_export_batch_size == 0 && batch > queue) {
        cleat__env_warn(batch_variable, cleat__env_get(batch_variable), "up to the size of the queue");
    }
    int64_t delay = or_environment(given.schedule_delay_ms, "OTEL_BSP_SCHEDULE_DELAY", 5000, 0);
    int64_t timeout = or_environment(given.export_timeout_ms, "OTEL_BSP_EXPORT_TIMEOUT", 30000, 0);
    *out = (cleat_batch_processor_options){
        .struct_size = sizeof(*out),
        .schedule_delay_ms = delay != 0 ? delay : 1,             /* 0 would never sleep */
        .export_timeout_ms = timeout != 0 ? timeout : INT64_MAX, /* specification: 0 is no limit */
        .max_queue_size = (size_t)queue,
        .max_export_batch_size = (size_t)(batch < queue ? batch : queue),
        .blocks_when_full = given.blocks_when_full,
    };
}

static cleat_status start(batch_processor *processor)
{
    const cleat_batch_processor_options *options = &processor->options;
    cleat_status status =
        cleat__span_queue_init(&processor->queue, options->max_queue_size, options->max_export_batch_size);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_span_exporter *exporter = processor->exporter;
    bool is_async = exporter->export_async != NULL && exporter->max_concurrent_exports != 0;
    processor->flights.exporter = processor->exporter;
    processor->flights.queue = &processor->queue;
    processor->flights.batch_size = options->max_export_batch_size;
    processor->flights.timeout_ms = options->export_timeout_ms;
    processor->flights.count = is_async ? exporter->max_concurrent_exports : 1;
    processor->flights.mutex = &processor->mutex;
    processor->flights.changed = &processor->work;
    processor->fork_hook = (cleat__fork_hook){
        .rank = CLEAT__FORK_PROCESSOR,
        .mutex = &processor->mutex,
        .child = in_child,
        .object = processor,
    };
    cleat__fork_register(&processor->fork_hook);
    pthread_mutex_lock(&processor->mutex);
    status = start_thread(processor);
    pthread_mutex_unlock(&processor->mutex);
    return status;
}

static void get_stats(cleat_span_processor *self, cleat_span_processor_stats *out)
{
    batch_processor *processor = (batch_processor *)self;
    pthread_mutex_lock(&processor->mutex);
    out->exported = processor->flights.exported;
    out->failed = processor->flights.failed;
    pthread_mutex_unlock(&processor->mutex);
    out->dropped_full = cleat__span_queue_dropped(&processor->queue, CLEAT__DROP_FULL);
    out->dropped_ended = cleat__span_queue_dropped(&processor->queue, CLEAT__DROP_CLOSED);
    out->dropped_memory = cleat__span_queue_dropped(&processor->queue, CLEAT__DROP_NO_MEMORY);
}

cleat_status cleat_batch_processor_new(cleat_span_exporter *exporter,
                                       const cleat_batch_processor_options *options,
                                       cleat_span_processor **out)
{
    if (out != NULL) {
        *out = NULL;
    }
    if (exporter == NULL || out == NULL) {
        cleat__exporter_free(exporter);
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a batch processor needs an exporter");
    }
    batch_processor *processor = cleat__calloc(1, sizeof(*processor));
    if (processor == NULL) {
        cleat__exporter_free(exporter);
        return cleat__fail_memory();
    }
    processor->base = (cleat_span_processor){
        .on_end = on_end,
        .force_flush = force_flush,
        .shutdown = shut_down,
        .free = free_processor,
        .get_stats = get_stats,
        .before_shutdown = before_shutdown,
    };
    processor->exporter = exporter;
    cleat__backlog_init(&processor->backlog);
    resolve(options, &processor->options);
    atomic_init(&processor->references, 1);
    pthread_mutex_init(&processor->mutex, NULL);
    cleat__cond_init(&processor->work);
    cleat__cond_init(&processor->done);
    cleat__cond_init(&processor->room);
    cleat_status status = start(processor);
    if (status != CLEAT_OK) {
        release(processor);
        return status;
    }
    *out = &processor->base;
    return CLEAT_OK;
}

void cleat_batch_processor_get_stats(cleat_span_processor *processor, cleat_batch_processor_stats *out)
{
    if (out == NULL) {
        return;
    }
    *out = (cleat_batch_processor_stats){0};
    if (processor != NULL && processor->on_end == on_end) {
        get_stats(processor, out);
    }
}
