#include "exporter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "library.h"

#include <cleat/otlp_grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/string_util.h>
#include <limits.h>
#include <unistd.h>

/* A connection that nobody answers on is given up, and sooner than TCP does. Pings go out only while a call
 * waits, so servers do not take them for an attack. */
enum { KEEPALIVE_TIME_MS = 20000, KEEPALIVE_TIMEOUT_MS = 10000 };

/* gRPC takes up to ten seconds to end calls, and itself, when a connection is stuck in a write. */
enum { END_TIMEOUT_MS = 1000 };

/* ---- Start and end of gRPC, with the mutex held ---- */

/* Names that gRPC writes itself. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"content-type", "te", "user-agent", "host"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, "grpc-", 5) == 0;
}

static bool is_sendable(const cleat__otlp_setting_header *header)
{
    grpc_slice name = grpc_slice_from_static_string(header->name);
    grpc_slice value = grpc_slice_from_static_string(header->value);
    return !is_reserved(header->name) && grpc_header_key_is_legal(name) != 0 &&
           (grpc_is_binary_header(name) != 0 || grpc_header_nonbin_value_is_legal(value) != 0);
}

static cleat_status make_metadata(cleat__grpc_exporter *exporter)
{
    const cleat__otlp_settings *settings = &exporter->otlp.settings;
    exporter->metadata_count = 0;
    if (settings->header_count == 0) {
        return CLEAT_OK;
    }
    exporter->metadata = cleat__calloc(settings->header_count, sizeof(*exporter->metadata));
    if (exporter->metadata == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < settings->header_count; i++) {
        const cleat__otlp_setting_header *header = &settings->headers[i];
        if (is_sendable(header)) {
            exporter->metadata[exporter->metadata_count++] =
                (grpc_metadata){.key = grpc_slice_from_copied_string(header->name),
                                .value = grpc_slice_from_copied_string(header->value)};
        }
    }
    return CLEAT_OK;
}

static void drop_metadata(cleat__grpc_exporter *exporter)
{
    for (size_t i = 0; i < exporter->metadata_count; i++) {
        grpc_slice_unref(exporter->metadata[i].key);
        grpc_slice_unref(exporter->metadata[i].value);
    }
    cleat__free(exporter->metadata);
    exporter->metadata = NULL;
    exporter->metadata_count = 0;
}

static int limited_int(int64_t value)
{
    return value < INT_MAX ? (int)value : INT_MAX;
}

static grpc_arg integer_argument(const char *key, int64_t value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = limited_int(value)};
}

static cleat_status make_channel(cleat__grpc_exporter *exporter)
{
    const cleat__otlp_settings *settings = &exporter->otlp.settings;
    grpc_channel_credentials *credentials = settings->is_secure ? cleat__grpc_tls_credentials(&exporter->pem)
                                                                : grpc_insecure_credentials_create();
    if (credentials == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "gRPC does not accept the certificates or the key for %s",
                           settings->endpoint);
    }
    grpc_arg arguments[] = {
        {.type = GRPC_ARG_STRING,
         .key = (char *)(uintptr_t)GRPC_ARG_PRIMARY_USER_AGENT_STRING,
         .value.string = settings->user_agent},
        integer_argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                         (int64_t)(settings->max_response_size & INT64_MAX)),
        integer_argument(GRPC_ARG_ENABLE_RETRIES, 0),            /* there is one who retries already */
        integer_argument(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1), /* a connection of its own */
        /* A connection is not tried less often than exports are. */
        integer_argument(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, settings->initial_backoff_ms),
        integer_argument(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, settings->max_backoff_ms),
        integer_argument(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_TIME_MS),
        integer_argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        integer_argument(GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
                         settings->gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE),
    };
    grpc_channel_args all = {sizeof(arguments) / sizeof(arguments[0]), arguments};
    exporter->channel = grpc_channel_create(settings->endpoint, credentials, &all);
    grpc_channel_credentials_release(credentials);
    return exporter->channel != NULL
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "gRPC cannot use the endpoint %s", settings->endpoint);
}

static void end_grpc(cleat__grpc_exporter *exporter)
{
    drop_metadata(exporter);
    if (exporter->channel != NULL) {
        grpc_channel_destroy(exporter->channel);
        exporter->channel = NULL;
    }
    cleat__grpc_end();
}

/* ---- The thread of the queue ---- */

/* What has come with the time, taken out of waiting. */
typedef struct due_export {
    cleat__grpc_export *export; /* NULL: nothing until `next_ns` */
    bool is_overdue;            /* else it is to be sent again */
    int64_t next_ns;
} due_export;

static due_export take_due(cleat__grpc_exporter *exporter)
{
    int64_t now_ns = cleat__clock_monotonic_ns(NULL);
    due_export due = {.next_ns = INT64_MAX};
    pthread_mutex_lock(&exporter->mutex);
    for (cleat__grpc_export *export = exporter->first; export != NULL && due.export == NULL;
         export = export->next) {
        int64_t at_ns = export->attempt != NULL    ? cleat__grpc_export_overdue_ns(export)
                        : export->retry_at_ns != 0 ? export->retry_at_ns
                                                   : INT64_MAX;
        if (at_ns <= now_ns) {
            due.export = export;
            due.is_overdue = export->attempt != NULL;
            export->retry_at_ns = 0;
            if (due.is_overdue) {
                cleat__grpc_export_abandon(export);
            }
        }
        due.next_ns = at_ns < due.next_ns ? at_ns : due.next_ns;
    }
    exporter->waits_until_ns = due.export == NULL ? due.next_ns : 0;
    pthread_mutex_unlock(&exporter->mutex);
    return due;
}

static int64_t before_wait(void *user_data)
{
    due_export due = take_due(user_data);
    while (due.export != NULL) {
        if (due.is_overdue) {
            cleat__grpc_export_overdue(due.export);
            cleat__grpc_export_finish(due.export);
        } else {
            cleat__grpc_export_attempt(due.export);
        }
        due = take_due(user_data);
    }
    return due.next_ns;
}

/* The tag `wake`: that the thread does not wait any more is all. */
static void woken(cleat__completion *self, bool is_ok)
{
    (void)self;
    (void)is_ok;
}

static void at_end(void *user_data)
{
    cleat__grpc_exporter *exporter = user_data;
    end_grpc(exporter);
    pthread_mutex_lock(&exporter->mutex);
    exporter->is_ended = true;
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->mutex);
    cleat__grpc_exporter_release(exporter);
}

/* The mutex is held. */
static cleat_status start(cleat__grpc_exporter *exporter)
{
    if (exporter->is_started) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__grpc_begin();
    if (status != CLEAT_OK) {
        return status;
    }
    status = make_metadata(exporter);
    if (status == CLEAT_OK) {
        status = make_channel(exporter);
    }
    if (status == CLEAT_OK) {
        atomic_fetch_add_explicit(&exporter->references, 1, memory_order_relaxed);
        status = cleat__completion_thread_start(&exporter->thread, "cleat-otlp-grpc");
        if (status != CLEAT_OK) {
            atomic_fetch_sub_explicit(&exporter->references, 1, memory_order_relaxed);
        }
    }
    if (status != CLEAT_OK) {
        end_grpc(exporter);
    }
    exporter->is_started = status == CLEAT_OK;
    return status;
}

/* ---- Exporting ---- */

/* Whether the exporter was in use when this process was forked. */
static bool is_in_forked_child(cleat__grpc_exporter *exporter)
{
    pid_t process = atomic_load_explicit(&exporter->process, memory_order_acquire);
    return process != 0 && process != getpid();
}

/* No mutex has been locked yet. */
static bool is_unused(cleat__grpc_exporter *exporter)
{
    return atomic_load_explicit(&exporter->process, memory_order_acquire) == 0;
}

/* Without the mutex: a log handler may use the exporter. */
static void tell_what_is_not_sent(const cleat__otlp_settings *settings)
{
    for (size_t i = 0; i < settings->header_count; i++) {
        if (!is_sendable(&settings->headers[i])) {
            cleat__log(CLEAT_LOG_WARN,
                       "the header \"%s\" is not sent: gRPC takes a-z 0-9 - _ . in names, "
                       "printable ASCII in values, and writes content-type, te, user-agent, host and grpc-* "
                       "itself",
                       settings->headers[i].name);
        }
    }
}

/* Makes the export, or says why not. */
static cleat_status prepare(cleat__grpc_exporter *exporter, const cleat_span_batch *batch, int64_t timeout_ms,
                            cleat__grpc_export **out)
{
    pid_t none = 0;
    if (atomic_load_explicit(&exporter->is_shut_down, memory_order_acquire)) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the exporter has been shut down");
    }
    if (is_in_forked_child(exporter)) {
        return cleat__fail(
            CLEAT_UNAVAILABLE,
            "the exporter was in use before fork(), which gRPC does not survive: fork before the "
            "first export, or export with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf");
    }
    atomic_compare_exchange_strong(&exporter->process, &none, getpid());
    pthread_mutex_lock(&exporter->mutex);
    bool is_first = !exporter->is_started;
    cleat_status status = start(exporter);
    bool is_own = status == CLEAT_OK && cleat__completion_thread_is_own(&exporter->thread);
    pthread_mutex_unlock(&exporter->mutex);
    if (is_first && status == CLEAT_OK) {
        tell_what_is_not_sent(&exporter->otlp.settings);
    }
    if (is_own) {
        status =
            cleat__fail(CLEAT_FAILED_PRECONDITION, "a log handler cannot export: it would wait for itself");
    }
    cleat__grpc_export *export = status == CLEAT_OK ? cleat__calloc(1, sizeof(*export)) : NULL;
    if (export == NULL) {
        return status != CLEAT_OK ? status : cleat__fail_memory();
    }
    int64_t limit_ms = exporter->otlp.settings.timeout_ms;
    export->exporter = exporter;
    export->batch = batch;
    export->deadline_ns =
        cleat__deadline_ns(timeout_ms >= 0 && timeout_ms < limit_ms ? timeout_ms : limit_ms);
    atomic_fetch_add_explicit(&exporter->references, 1, memory_order_relaxed);
    *out = export;
    return CLEAT_OK;
}

static void count_refused(cleat__grpc_exporter *exporter, const cleat_span_batch *batch)
{
    cleat__otlp_count(&exporter->otlp.stats.spans_failed, cleat_span_batch_count(batch));
}

static cleat_status export_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    cleat__grpc_exporter *exporter = (cleat__grpc_exporter *)self;
    cleat__grpc_export *export = NULL;
    if (cleat_span_batch_count(batch) == 0) {
        return CLEAT_OK;
    }
    cleat_status status = prepare(exporter, batch, timeout_ms, &export);
    if (status != CLEAT_OK) {
        count_refused(exporter, batch);
        return status;
    }
    cleat__grpc_export_begin(export);
    pthread_mutex_lock(&exporter->mutex);
    while (!export->is_done) { /* for the time of the deadline: gRPC sees to that */
        pthread_cond_wait(&exporter->changed, &exporter->mutex);
    }
    pthread_mutex_unlock(&exporter->mutex);
    if (export->status != CLEAT_OK) {
        status = cleat__fail(export->status, "%s", export->text);
    }
    cleat__free(export);
    cleat__grpc_exporter_release(exporter);
    return status;
}

static void export_async(cleat_span_exporter *self, cleat_span_batch *batch, int64_t timeout_ms)
{
    cleat__grpc_exporter *exporter = (cleat__grpc_exporter *)self;
    cleat__grpc_export *export = NULL;
    if (cleat_span_batch_count(batch) == 0) {
        cleat_span_batch_finish(batch, CLEAT_OK);
        return;
    }
    cleat_status status = prepare(exporter, batch, timeout_ms, &export);
    if (status != CLEAT_OK) {
        count_refused(exporter, batch);
        cleat_span_batch_finish(batch, status);
        return;
    }
    export->to_finish = batch;
    cleat__grpc_export_begin(export);
}

/* ---- Flush, shutdown, end ---- */

/* Waits until those that began up to `number` are over. The mutex is held. */
static bool wait_for(cleat__grpc_exporter *exporter, uint64_t number, int64_t deadline_ns)
{
    bool is_in_time = true;
    while (is_in_time && exporter->first != NULL && exporter->first->number <= number) {
        is_in_time = cleat__cond_wait_until(&exporter->changed, &exporter->mutex, deadline_ns);
    }
    return exporter->first == NULL || exporter->first->number > number;
}

static cleat_status force_flush(cleat_span_exporter *self, int64_t timeout_ms)
{
    cleat__grpc_exporter *exporter = (cleat__grpc_exporter *)self;
    if (is_unused(exporter) || is_in_forked_child(exporter)) {
        return CLEAT_OK; /* in the child, what is on its way is the parent's */
    }
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    pthread_mutex_lock(&exporter->mutex);
    bool is_own = exporter->is_started && cleat__completion_thread_is_own(&exporter->thread);
    bool is_done = !is_own && wait_for(exporter, exporter->begun, deadline_ns);
    pthread_mutex_unlock(&exporter->mutex);
    if (is_own) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "an exporter's own thread cannot wait for its exports");
    }
    return is_done ? CLEAT_OK
                   : cleat__fail(CLEAT_TIMEOUT, "%s did not have all spans in time",
                                 exporter->otlp.settings.endpoint);
}

/* The first that waits for an answer or a retry, taken out of waiting. The mutex is held. */
static cleat__grpc_export *take_waiting(cleat__grpc_exporter *exporter)
{
    cleat__grpc_export *export = exporter->first;
    while (export != NULL && export->attempt == NULL && export->retry_at_ns == 0) {
        export = export->next;
    }
    if (export != NULL && export->attempt != NULL) {
        cleat__grpc_export_abandon(export);
    } else if (export != NULL) {
        export->retry_at_ns = 0;
    }
    return export;
}

/* Ends what is in flight; what some thread has in its hands ends there. Answers whether there was
 * anything. */
static bool cancel_all(cleat__grpc_exporter *exporter)
{
    pthread_mutex_lock(&exporter->mutex);
    bool had_any = exporter->first != NULL;
    exporter->is_cancelled = true;
    cleat__grpc_export *export = take_waiting(exporter);
    while (export != NULL) {
        pthread_mutex_unlock(&exporter->mutex);
        cleat__grpc_export_cancelled(export);
        cleat__grpc_export_finish(export);
        pthread_mutex_lock(&exporter->mutex);
        export = take_waiting(exporter);
    }
    pthread_mutex_unlock(&exporter->mutex);
    return had_any;
}

/* The first that waits for a time that no server has named, taken out of waiting. The mutex is held. */
static cleat__grpc_export *take_retry(cleat__grpc_exporter *exporter)
{
    cleat__grpc_export *export = exporter->first;
    while (export != NULL && (export->retry_at_ns == 0 || export->waits_as_asked)) {
        export = export->next;
    }
    if (export != NULL) {
        export->retry_at_ns = 0;
    }
    return export;
}

static void before_shutdown(cleat_span_exporter *self)
{
    cleat__grpc_exporter *exporter = (cleat__grpc_exporter *)self;
    atomic_store_explicit(&exporter->otlp.is_ending, true, memory_order_release);
    if (is_unused(exporter) || is_in_forked_child(exporter)) {
        return;
    }
    pthread_mutex_lock(&exporter->mutex);
    for (cleat__grpc_export *export; (export = take_retry(exporter)) != NULL;) {
        pthread_mutex_unlock(&exporter->mutex);
        cleat__grpc_export_attempt(export);
        pthread_mutex_lock(&exporter->mutex);
    }
    pthread_mutex_unlock(&exporter->mutex);
}

static cleat_status shut_down(cleat_span_exporter *self, int64_t timeout_ms)
{
    cleat__grpc_exporter *exporter = (cleat__grpc_exporter *)self;
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    before_shutdown(self);
    atomic_store_explicit(&exporter->is_shut_down, true, memory_order_release);
    if (is_unused(exporter) || is_in_forked_child(exporter)) {
        return CLEAT_OK;
    }
    pthread_mutex_lock(&exporter->mutex);
    if (!exporter->is_started || !cleat__completion_thread_is_own(&exporter->thread)) {
        (void)wait_for(exporter, UINT64_MAX, deadline_ns);
    }
    pthread_mutex_unlock(&exporter->mutex);
    return !cancel_all(exporter)
               ? CLEAT_OK
               : cleat__fail(CLEAT_TIMEOUT, "%s did not have all spans in time; the rest is given up",
                             exporter->otlp.settings.endpoint);
}

void cleat__grpc_exporter_release(cleat__grpc_exporter *exporter)
{
    if (atomic_fetch_sub_explicit(&exporter->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    cleat__pem_deinit(&exporter->pem);
    cleat__otlp_exporter_deinit(&exporter->otlp);
    pthread_mutex_destroy(&exporter->mutex);
    pthread_cond_destroy(&exporter->changed);
    cleat__free(exporter);
}

/* Ends the thread. All has been cancelled, but the thread may still have an export in its hands. */
static void stop_thread(cleat__grpc_exporter *exporter)
{
    bool is_own = cleat__completion_thread_is_own(&exporter->thread), is_in_time = !is_own;
    pthread_t thread = exporter->thread.thread;
    pthread_mutex_lock(&exporter->mutex);
    cleat__completion_thread_close(&exporter->thread);
    if (!is_own) {
        (void)wait_for(exporter, UINT64_MAX, INT64_MAX);
    }
    int64_t deadline_ns = cleat__deadline_ns(END_TIMEOUT_MS);
    while (is_in_time && !exporter->is_ended) {
        is_in_time = cleat__cond_wait_until(&exporter->changed, &exporter->mutex, deadline_ns);
    }
    pthread_mutex_unlock(&exporter->mutex);
    if (is_in_time) {
        pthread_join(thread, NULL);
    } else {
        pthread_detach(thread); /* it frees what is left, and so it does when it is the one that is here */
    }
}

/* In a forked child gRPC's part is left alone, and lost: its threads and locks are the parent's. */
static void destroy(cleat__otlp_exporter *self)
{
    cleat__grpc_exporter *exporter = (cleat__grpc_exporter *)self;
    atomic_store_explicit(&exporter->is_shut_down, true, memory_order_release);
    if (is_in_forked_child(exporter)) {
        return;
    }
    if (!is_unused(exporter)) {
        (void)cancel_all(exporter);
        if (exporter->is_started) { /* nobody starts it any more */
            stop_thread(exporter);
        }
    }
    cleat__grpc_exporter_release(exporter);
}

/* ---- Making ---- */

cleat_status cleat_otlp_grpc_exporter_new(const cleat_otlp_exporter_options *options,
                                          cleat_span_exporter **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an exporter needs a place to be put");
    }
    *out = NULL;
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__grpc_exporter *exporter = cleat__calloc(1, sizeof(*exporter));
    if (exporter == NULL) {
        return cleat__fail_memory();
    }
    status = cleat__otlp_exporter_init(&exporter->otlp, CLEAT__OTLP_GRPC, options, destroy);
    if (status != CLEAT_OK) {
        cleat__free(exporter);
        return status;
    }
    const cleat__otlp_settings *settings = &exporter->otlp.settings;
    cleat_span_exporter *base = &exporter->otlp.base;
    base->export_spans = export_spans;
    base->export_async = export_async;
    base->max_concurrent_exports = settings->max_concurrent_requests;
    base->force_flush = force_flush;
    base->before_shutdown = before_shutdown;
    base->shutdown = shut_down;
    pthread_mutex_init(&exporter->mutex, NULL);
    cleat__cond_init(&exporter->changed);
    atomic_init(&exporter->references, 1);
    exporter->wake.run = woken;
    exporter->thread.before_wait = before_wait;
    exporter->thread.at_end = at_end;
    exporter->thread.user_data = exporter;
    if (settings->is_secure) {
        status = cleat__pem_read(&exporter->pem, settings->certificate_file,
                                 settings->client_certificate_file, settings->client_key_file);
    }
    if (status != CLEAT_OK) {
        cleat__grpc_exporter_release(exporter);
        return status;
    }
    *out = base;
    return CLEAT_OK;
}
