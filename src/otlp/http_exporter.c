/*
 * OTLP over HTTP, with libcurl. Exports are submitted by any thread and carried out by one thread of
 * the exporter's own, which drives all transfers through one multi handle: connections are kept
 * alive, several requests are on their way at a time, and waiting for a retry holds up nobody.
 *
 * Shutting down waits for what is under way until its deadline and cancels the rest. The thread is
 * not waited for without limit, since a name that is being resolved cannot be cancelled: then it
 * frees the exporter when it is through.
 *
 * A forked child has no such thread, and the multi handle it finds is the parent's: its connections and what
 * wakes it are shared, so not even cleaning it up would leave the parent alone. The child makes one of its own
 * when it exports.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"
#include "http_export.h"
#include "trace/batch.h"

enum { FREE_TIMEOUT_MS = 5000, LONGEST_POLL_MS = 60 * 60 * 1000 };

typedef struct http_exporter {
    cleat__otlp_exporter otlp;
    bool is_json;
    struct curl_slist *headers;
    CURLM *multi;           /* of the thread; others only wake it; NULL until there is a thread */
    atomic_uint references; /* the owner's and the thread's */
    cleat__fork_hook fork_hook;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    cleat__http_export *submitted, **submitted_end;
    cleat__http_export *spare;
    uint64_t accepted; /* exports so far; the number of the last */
    uint64_t oldest;   /* the number of the first that is not finished; else that of the next */
    bool has_thread, is_shut_down, is_cancelling, is_finished;
    pthread_t thread;

    cleat__http_export *beginning, *active; /* of the thread alone */

    struct { /* in a forked child, of the parent: where leak checkers find them */
        CURLM *multi;
        cleat__http_export *submitted, *beginning, *active;
    } lost;
} http_exporter;

static void free_exports(cleat__http_export *export)
{
    while (export != NULL) {
        cleat__http_export *next = export->next;
        cleat__http_export_free(export);
        export = next;
    }
}

static void release(http_exporter *exporter)
{
    if (atomic_fetch_sub_explicit(&exporter->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    cleat__fork_unregister(&exporter->fork_hook);
    free_exports(exporter->spare);
    if (exporter->multi != NULL) {
        curl_multi_cleanup(exporter->multi);
    }
    curl_slist_free_all(exporter->headers);
    pthread_mutex_destroy(&exporter->mutex);
    pthread_cond_destroy(&exporter->changed);
    cleat__otlp_exporter_deinit(&exporter->otlp);
    cleat__free(exporter);
}

/* ---- The thread ---- */

static void take_off(http_exporter *exporter, cleat__http_export *export)
{
    cleat__http_export **at = &exporter->active;
    while (*at != export) {
        at = &(*at)->next;
    }
    *at = export->next;
}

/* Those that are beginning were accepted before those that are submitted, both in order. The mutex is
 * held. */
static uint64_t find_oldest(const http_exporter *exporter)
{
    const cleat__http_export *next = exporter->beginning != NULL ? exporter->beginning : exporter->submitted;
    uint64_t oldest = next != NULL ? next->number : exporter->accepted + 1;
    for (const cleat__http_export *export = exporter->active; export != NULL; export = export->next) {
        oldest = export->number < oldest ? export->number : oldest;
    }
    return oldest;
}

/* `export` is in no list. The batch first: whoever waits for nothing unfinished finds it counted. */
static void finish(http_exporter *exporter, cleat__http_export *export, cleat_status status)
{
    cleat__batch_finish(export->batch, status, export->failed);
    export->batch = NULL;
    pthread_mutex_lock(&exporter->mutex);
    export->next = exporter->spare;
    exporter->spare = export;
    exporter->oldest = find_oldest(exporter);
    bool is_last = exporter->is_shut_down && exporter->oldest > exporter->accepted;
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->mutex);
    if (is_last) {
        curl_multi_wakeup(exporter->multi);
    }
}

static void go_on(http_exporter *exporter, cleat__http_export *export, cleat__http_next next,
                  cleat_status status)
{
    if (next == CLEAT__HTTP_SEND && curl_multi_add_handle(exporter->multi, export->easy) != CURLM_OK) {
        (void)cleat__http_export_cancel(export);
        status = cleat__fail_memory();
        next = CLEAT__HTTP_FINISHED;
    }
    if (next == CLEAT__HTTP_FINISHED) {
        take_off(exporter, export);
        finish(exporter, export, status);
    }
}

/* False: the exporter has been shut down and nothing is left to do. */
static bool take_submitted(http_exporter *exporter)
{
    pthread_mutex_lock(&exporter->mutex);
    exporter->beginning = exporter->submitted;
    exporter->submitted = NULL;
    exporter->submitted_end = &exporter->submitted;
    bool goes_on = !exporter->is_shut_down || exporter->beginning != NULL || exporter->active != NULL;
    pthread_mutex_unlock(&exporter->mutex);
    while (exporter->beginning != NULL) {
        cleat__http_export *export = exporter->beginning;
        cleat_status status = CLEAT_OK;
        exporter->beginning = export->next;
        export->next = exporter->active;
        exporter->active = export;
        cleat__http_next first = cleat__http_export_begin(export, &status);
        go_on(exporter, export, first, status);
    }
    return goes_on;
}

static void take_done(http_exporter *exporter)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(exporter->multi, &left)) != NULL) {
        cleat__http_export *export = NULL;
        cleat_status status = CLEAT_OK;
        CURLcode code = message->data.result; /* the message goes with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&export);
        curl_multi_remove_handle(exporter->multi, export->easy);
        cleat__http_next next = cleat__http_export_done(export, code, &status);
        go_on(exporter, export, next, status);
    }
}

/* Begins what is due; how long until the next. */
static int retry_due(http_exporter *exporter)
{
    int64_t now_ns = cleat__clock_monotonic_ns(NULL), first_ns = INT64_MAX;
    bool is_ending = cleat__otlp_is_ending(&exporter->otlp);
    cleat__http_export *next;
    for (cleat__http_export *export = exporter->active; export != NULL; export = next) {
        next = export->next;
        bool is_waiting = export->retry_ns != 0;
        if (is_waiting && (export->retry_ns <= now_ns || (is_ending && !export->retries_later))) {
            go_on(exporter, export, cleat__http_export_again(export), CLEAT_OK);
        } else if (is_waiting && export->retry_ns < first_ns) {
            first_ns = export->retry_ns;
        }
    }
    int64_t wait_ms = cleat__remaining_ms(first_ns);
    return wait_ms < LONGEST_POLL_MS ? (int)wait_ms : LONGEST_POLL_MS;
}

static void cancel_all(http_exporter *exporter)
{
    pthread_mutex_lock(&exporter->mutex);
    bool is_cancelling = exporter->is_cancelling;
    pthread_mutex_unlock(&exporter->mutex);
    while (is_cancelling && exporter->active != NULL) {
        cleat__http_export *export = exporter->active;
        exporter->active = export->next;
        if (export->retry_ns == 0) {
            curl_multi_remove_handle(exporter->multi, export->easy);
        }
        finish(exporter, export, cleat__http_export_cancel(export));
    }
}

static void *run(void *argument)
{
    http_exporter *exporter = argument;
    cleat__tracing_suppress(true);
    while (take_submitted(exporter)) {
        int running;
        cancel_all(exporter);
        curl_multi_perform(exporter->multi, &running);
        take_done(exporter);
        /* Returns at once where wake() was called since the last time. */
        curl_multi_poll(exporter->multi, NULL, 0, retry_due(exporter), NULL);
    }
    pthread_mutex_lock(&exporter->mutex);
    exporter->is_finished = true;
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->mutex);
    release(exporter);
    return NULL;
}

/* ---- The others ---- */

/* The mutex is held. */
static cleat_status start_thread(http_exporter *exporter)
{
    if (exporter->has_thread) {
        return CLEAT_OK;
    }
    if (exporter->multi == NULL && (exporter->multi = curl_multi_init()) == NULL) {
        return cleat__fail_memory();
    }
    atomic_fetch_add_explicit(&exporter->references, 1, memory_order_relaxed);
    cleat_status status = cleat__thread_start(&exporter->thread, "cleat-otlp", run, exporter);
    exporter->has_thread = status == CLEAT_OK;
    if (!exporter->has_thread) {
        atomic_fetch_sub_explicit(&exporter->references, 1, memory_order_relaxed);
    }
    return status;
}

/* The mutex is held. */
static cleat_status submit(http_exporter *exporter, cleat_span_batch *batch, int64_t timeout_ms)
{
    if (exporter->is_shut_down) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the exporter has been shut down");
    }
    cleat_status status = start_thread(exporter);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__http_export *export = exporter->spare;
    if (export != NULL) {
        exporter->spare = export->next;
    } else {
        export = cleat__http_export_new(&exporter->otlp, exporter->is_json, exporter->headers);
        if (export == NULL) {
            return cleat__fail_memory();
        }
    }
    cleat__http_export_assign(export, batch, timeout_ms);
    export->next = NULL;
    *exporter->submitted_end = export;
    exporter->submitted_end = &export->next;
    export->number = ++exporter->accepted;
    return CLEAT_OK;
}

static void export_async(cleat_span_exporter *self, cleat_span_batch *batch, int64_t timeout_ms)
{
    http_exporter *exporter = (http_exporter *)self;
    if (cleat_span_batch_count(batch) == 0) {
        cleat_span_batch_finish(batch, CLEAT_OK);
        return;
    }
    pthread_mutex_lock(&exporter->mutex);
    cleat_status status = submit(exporter, batch, timeout_ms);
    pthread_mutex_unlock(&exporter->mutex);
    if (status != CLEAT_OK) {
        cleat_span_batch_finish(batch, status);
    } else {
        curl_multi_wakeup(exporter->multi);
    }
}

static cleat_status export_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    return cleat__batch_export_and_wait(self, batch, timeout_ms);
}

/* Waits for the exports up to `last`, whatever is accepted meanwhile. The mutex is held. */
static bool wait_for(http_exporter *exporter, uint64_t last, int64_t deadline_ns)
{
    bool is_in_time = true;
    while (is_in_time && exporter->oldest <= last) {
        is_in_time = cleat__cond_wait_until(&exporter->changed, &exporter->mutex, deadline_ns);
    }
    return exporter->oldest > last;
}

static cleat_status force_flush(cleat_span_exporter *self, int64_t timeout_ms)
{
    http_exporter *exporter = (http_exporter *)self;
    pthread_mutex_lock(&exporter->mutex);
    bool is_done = wait_for(exporter, exporter->accepted, cleat__deadline_ns(timeout_ms));
    pthread_mutex_unlock(&exporter->mutex);
    return is_done ? CLEAT_OK : cleat__fail(CLEAT_TIMEOUT, "exports were not over in time");
}

static void before_shutdown(cleat_span_exporter *self)
{
    http_exporter *exporter = (http_exporter *)self;
    pthread_mutex_lock(&exporter->mutex);
    atomic_store_explicit(&exporter->otlp.is_ending, true, memory_order_release);
    curl_multi_wakeup(exporter->multi);
    pthread_mutex_unlock(&exporter->mutex);
}

static cleat_status shut_down(cleat_span_exporter *self, int64_t timeout_ms)
{
    http_exporter *exporter = (http_exporter *)self;
    before_shutdown(self);
    pthread_mutex_lock(&exporter->mutex);
    exporter->is_shut_down = true;
    bool is_done = wait_for(exporter, exporter->accepted, cleat__deadline_ns(timeout_ms));
    exporter->is_cancelling = true;
    curl_multi_wakeup(exporter->multi);
    pthread_mutex_unlock(&exporter->mutex);
    return is_done ? CLEAT_OK
                   : cleat__fail(CLEAT_TIMEOUT, "exports were cancelled: they were not over in time");
}

static void destroy(cleat__otlp_exporter *self)
{
    http_exporter *exporter = (http_exporter *)self;
    int64_t deadline_ns = cleat__deadline_ns(FREE_TIMEOUT_MS);
    bool is_in_time = true;
    pthread_mutex_lock(&exporter->mutex);
    exporter->is_shut_down = exporter->is_cancelling = true;
    curl_multi_wakeup(exporter->multi);
    while (exporter->has_thread && !exporter->is_finished && is_in_time) {
        is_in_time = cleat__cond_wait_until(&exporter->changed, &exporter->mutex, deadline_ns);
    }
    bool has_thread = exporter->has_thread, is_finished = exporter->is_finished;
    pthread_t thread = exporter->thread;
    pthread_mutex_unlock(&exporter->mutex);
    if (has_thread && is_finished) {
        pthread_join(thread, NULL);
    } else if (has_thread) {
        pthread_detach(thread);
    }
    release(exporter);
}

/* ---- Making one ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode curl_is_ready; /* written under `once` */

static void init_curl(void)
{
    curl_is_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    cleat__exit_renew(); /* libcurl's TLS library cleans up at exit */
}

static bool append_header(http_exporter *exporter, const char *name, const char *value)
{
    cleat__buffer line = {0};
    /* libcurl has a form of its own for a header without a value. */
    cleat__buffer_append_format(&line, value[0] != '\0' ? "%s: %s" : "%s;", name, value);
    char *text = cleat__buffer_take_string(&line);
    struct curl_slist *longer = text != NULL ? curl_slist_append(exporter->headers, text) : NULL;
    cleat__free(text);
    if (longer != NULL) {
        exporter->headers = longer;
    }
    return longer != NULL;
}

static cleat_status init_headers(http_exporter *exporter)
{
    const cleat__otlp_settings *settings = &exporter->otlp.settings;
    bool is_fine = append_header(exporter, "Content-Type",
                                 exporter->is_json ? "application/json" : "application/x-protobuf");
    is_fine = is_fine && (!settings->gzip || append_header(exporter, "Content-Encoding", "gzip"));
    /* Or libcurl would wait for permission to send each large body. */
    struct curl_slist *longer = is_fine ? curl_slist_append(exporter->headers, "Expect:") : NULL;
    is_fine = longer != NULL;
    exporter->headers = is_fine ? longer : exporter->headers;
    for (size_t i = 0; is_fine && i < settings->header_count; i++) {
        is_fine = append_header(exporter, settings->headers[i].name, settings->headers[i].value);
    }
    return is_fine ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status init(http_exporter *exporter, const cleat_otlp_exporter_options *options)
{
    cleat_status status = cleat__otlp_exporter_init(
        &exporter->otlp, exporter->is_json ? CLEAT__OTLP_HTTP_JSON : CLEAT__OTLP_HTTP_PROTOBUF, options,
        destroy);
    if (status != CLEAT_OK) {
        return status;
    }
    exporter->otlp.base.export_spans = export_spans;
    exporter->otlp.base.export_async = export_async;
    exporter->otlp.base.force_flush = force_flush;
    exporter->otlp.base.before_shutdown = before_shutdown;
    exporter->otlp.base.shutdown = shut_down;
    exporter->otlp.base.max_concurrent_exports = exporter->otlp.settings.max_concurrent_requests;
    return init_headers(exporter);
}

/* Also where the thread itself forked, in a log handler, whose child has to exec or _exit(): the multi handle
 * would be used by two processes. */
static void in_child(void *object, bool is_whole)
{
    http_exporter *exporter = object;
    (void)is_whole;
    cleat__cond_init(&exporter->changed);
    cleat__otlp_reset_stats(&exporter->otlp);
    if (!exporter->has_thread) {
        return;
    }
    exporter->lost.multi = exporter->multi;
    exporter->lost.submitted = exporter->submitted;
    exporter->lost.beginning = exporter->beginning;
    exporter->lost.active = exporter->active;
    exporter->multi = NULL;
    exporter->submitted = exporter->beginning = exporter->active = NULL;
    exporter->submitted_end = &exporter->submitted;
    exporter->oldest = exporter->accepted + 1;
    exporter->has_thread = exporter->is_finished = false;
    atomic_store_explicit(&exporter->references, 1, memory_order_relaxed);
}

static void watch_forks(http_exporter *exporter)
{
    exporter->fork_hook = (cleat__fork_hook){
        .rank = CLEAT__FORK_EXPORTER,
        .mutex = &exporter->mutex,
        .child = in_child,
        .object = exporter,
    };
    cleat__fork_register(&exporter->fork_hook);
}

static cleat_status make(const cleat_otlp_exporter_options *options, bool is_json, cleat_span_exporter **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the exporter");
    }
    *out = NULL;
    pthread_once(&once, init_curl);
    if (curl_is_ready != CURLE_OK) {
        return cleat__fail(CLEAT_UNAVAILABLE, "libcurl: %s", curl_easy_strerror(curl_is_ready));
    }
    http_exporter *exporter = cleat__calloc(1, sizeof(*exporter));
    if (exporter == NULL) {
        return cleat__fail_memory();
    }
    exporter->is_json = is_json;
    exporter->submitted_end = &exporter->submitted;
    exporter->oldest = 1;
    atomic_init(&exporter->references, 1);
    pthread_mutex_init(&exporter->mutex, NULL);
    cleat__cond_init(&exporter->changed);
    watch_forks(exporter);
    cleat_status status = init(exporter, options);
    if (status != CLEAT_OK) {
        release(exporter);
        return status;
    }
    *out = &exporter->otlp.base;
    return CLEAT_OK;
}

cleat_status cleat_otlp_http_exporter_new(const cleat_otlp_exporter_options *options,
                                          cleat_span_exporter **out)
{
    return make(options, false, out);
}

cleat_status cleat_otlp_json_exporter_new(const cleat_otlp_exporter_options *options,
                                          cleat_span_exporter **out)
{
    return make(options, true, out);
}
