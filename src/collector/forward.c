/*
 * A queue in front of the OTLP/HTTP exporter, which has the connections, the retries and a thread.
 * There is none here: whoever offers starts requests while there are fewer than the exporter carries at a
 * time, and whoever finishes one starts the next.
 *
 * An exporter that is freed may finish a request later still (see http_exporter.c), so each request
 * that is under way holds the forwarder.
 */
#include "collector/forward.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"

#define DEFAULT_WAITING_BYTES ((size_t)32 << 20)

typedef struct item {
    cleat_span_batch batch; /* first */
    struct item *next;
    cleat__forward *forward;
    cleat__otlp_received *received;
} item;

struct cleat__forward {
    cleat_span_exporter *exporter;
    size_t max_waiting_bytes;
    atomic_uint references; /* the owner's, and one of each request under way */
    pthread_mutex_t mutex;  /* what follows */
    pthread_cond_t changed;
    item *first, **end;
    unsigned under_way;
    bool is_starting; /* somebody is in start_next() */
    bool is_stopping, is_shut_down;
    cleat__forward_stats stats;
};

static void release(cleat__forward *forward)
{
    if (atomic_fetch_sub_explicit(&forward->references, 1, memory_order_acq_rel) == 1) {
        pthread_cond_destroy(&forward->changed);
        pthread_mutex_destroy(&forward->mutex);
        cleat__free(forward);
    }
}

static void free_item(item *it)
{
    cleat__otlp_received_release(it->received);
    cleat__free(it);
}

/* ---- Requests ---- */

/* Under the mutex. */
static item *take_next(cleat__forward *forward)
{
    item *next = forward->first;
    if (next == NULL || forward->is_shut_down ||
        forward->under_way >= forward->exporter->max_concurrent_exports) {
        return NULL;
    }
    forward->first = next->next;
    forward->end = forward->first != NULL ? forward->end : &forward->first;
    forward->under_way++;
    return next;
}

/* A request that fails at once is finished inside: then its start_next() leaves it to this one. */
static void start_next(cleat__forward *forward)
{
    item *next;
    pthread_mutex_lock(&forward->mutex);
    if (!forward->is_starting) {
        forward->is_starting = true;
        while ((next = take_next(forward)) != NULL) {
            atomic_fetch_add_explicit(&forward->references, 1, memory_order_relaxed);
            pthread_mutex_unlock(&forward->mutex);
            cleat__batch_launch(forward->exporter, &next->batch, INT64_MAX);
            pthread_mutex_lock(&forward->mutex);
        }
        forward->is_starting = false;
        pthread_cond_broadcast(&forward->changed);
    }
    pthread_mutex_unlock(&forward->mutex);
}

static void finish(cleat_span_batch *batch, cleat_status status, size_t failed)
{
    item *it = (item *)batch;
    cleat__forward *forward = it->forward;
    (void)status; /* the exporter counts, for each part of the batch */
    (void)failed;
    pthread_mutex_lock(&forward->mutex);
    forward->under_way--;
    forward->stats.waiting_bytes -= it->received->memory;
    pthread_cond_broadcast(&forward->changed);
    pthread_mutex_unlock(&forward->mutex);
    free_item(it);
    start_next(forward);
    release(forward);
}

/* Under the mutex: false, and the spans counted, where there is no room. */
static bool enqueue(cleat__forward *forward, item *it)
{
    size_t memory = it->received->memory, spans = it->batch.count;
    if (forward->is_stopping) {
        forward->stats.dropped_stopped += spans;
        return false;
    }
    if (forward->stats.waiting_bytes + memory > forward->max_waiting_bytes) {
        forward->stats.dropped_full += spans;
        return false;
    }
    forward->stats.waiting_bytes += memory;
    *forward->end = it;
    forward->end = &it->next;
    return true;
}

void cleat__forward_offer(cleat__forward *forward, cleat__otlp_received *received)
{
    if (received->batch.count == 0) {
        return;
    }
    item *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        pthread_mutex_lock(&forward->mutex);
        forward->stats.dropped_full += received->batch.count;
        pthread_mutex_unlock(&forward->mutex);
        return;
    }
    *it = (item){
        .batch = {received->batch.entries, received->batch.count, finish},
        .forward = forward,
        .received = cleat__otlp_received_retain(received),
    };
    pthread_mutex_lock(&forward->mutex);
    bool is_taken = enqueue(forward, it);
    pthread_mutex_unlock(&forward->mutex);
    if (is_taken) {
        start_next(forward);
    } else {
        free_item(it);
    }
}

/* ---- Beginning and end ---- */

/* "http://host:4318" and "http://host:4318/" have no path. */
char *cleat__forward_endpoint(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = strchr(host != NULL ? host + 3 : url, '/');
    cleat__buffer text = {0};
    bool has_path = (path != NULL && path[1] != '\0') || strchr(url, '?') != NULL;
    cleat__buffer_append_string(&text, url);
    if (!has_path) {
        cleat__buffer_append_string(&text, path != NULL ? "v1/traces" : "/v1/traces");
    }
    return cleat__buffer_take_string(&text);
}

cleat_status cleat__forward_header_read(char *text, cleat_otlp_header *out)
{
    char *colon = strchr(text, ':');
    const char *value = colon != NULL ? colon + 1 + strspn(colon + 1, " \t") : "";
    if (colon == NULL || colon == text || *value == '\0') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a header for spans must be of the form \"Name: value\"");
    }
    *colon = '\0';
    *out = (cleat_otlp_header){text, value};
    return CLEAT_OK;
}

static cleat_status make_exporter(const char *url, const cleat__forward_options *options,
                                  cleat_span_exporter **out)
{
    char *endpoint = cleat__forward_endpoint(url);
    if (endpoint == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat_otlp_http_exporter_new(
        CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = endpoint, .headers = options->headers,
                                    .header_count = options->header_count,
                                    .compression = options->compression, .timeout_ms = options->timeout_ms,
                                    .certificate_file = options->certificate_file),
        out);
    cleat__free(endpoint);
    return status;
}

cleat_status cleat__forward_new(const char *url, const cleat__forward_options *options, cleat__forward **out)
{
    static const cleat__forward_options defaults = {.headers = NULL};
    options = options != NULL ? options : &defaults;
    *out = NULL;
    cleat__forward *forward = cleat__calloc(1, sizeof(*forward));
    if (forward == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = make_exporter(url, options, &forward->exporter);
    if (status != CLEAT_OK) {
        cleat__free(forward);
        return status;
    }
    forward->max_waiting_bytes =
        options->max_waiting_bytes != 0 ? options->max_waiting_bytes : DEFAULT_WAITING_BYTES;
    forward->end = &forward->first;
    atomic_init(&forward->references, 1);
    pthread_mutex_init(&forward->mutex, NULL);
    cleat__cond_init(&forward->changed);
    *out = forward;
    return CLEAT_OK;
}

/* Under the mutex. */
static item *take_rest(cleat__forward *forward)
{
    item *rest = forward->first;
    for (const item *it = rest; it != NULL; it = it->next) {
        forward->stats.dropped_stopped += it->batch.count;
        forward->stats.waiting_bytes -= it->received->memory;
    }
    forward->first = NULL;
    forward->end = &forward->first;
    return rest;
}

/* Sends what waits, or takes it out. True: all was sent, or is on its way at least. */
static bool drain(cleat__forward *forward, int64_t deadline_ns)
{
    bool is_in_time = true;
    pthread_mutex_lock(&forward->mutex);
    while (is_in_time && (forward->first != NULL || forward->under_way != 0)) {
        is_in_time = cleat__cond_wait_until(&forward->changed, &forward->mutex, deadline_ns);
    }
    bool is_done = forward->first == NULL && forward->under_way == 0;
    forward->is_shut_down = true;
    item *rest = take_rest(forward);
    while (forward->is_starting) { /* the exporter is not called any more behind this */
        pthread_cond_wait(&forward->changed, &forward->mutex);
    }
    pthread_mutex_unlock(&forward->mutex);
    while (rest != NULL) {
        item *next = rest->next;
        free_item(rest);
        rest = next;
    }
    return is_done;
}

cleat_status cleat__forward_stop(cleat__forward *forward, int64_t timeout_ms)
{
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    pthread_mutex_lock(&forward->mutex);
    bool was_stopping = forward->is_stopping;
    forward->is_stopping = true;
    pthread_mutex_unlock(&forward->mutex);
    if (was_stopping) {
        return CLEAT_OK;
    }
    cleat__exporter_before_shutdown(forward->exporter);
    bool is_done = drain(forward, deadline_ns);
    cleat__exporter_shutdown(forward->exporter, cleat__remaining_ms(deadline_ns));
    return is_done ? CLEAT_OK : cleat__fail(CLEAT_TIMEOUT, "not all spans were forwarded in time");
}

void cleat__forward_free(cleat__forward *forward)
{
    if (forward != NULL) {
        cleat__forward_stop(forward, 0);
        cleat__exporter_free(forward->exporter);
        release(forward);
    }
}

void cleat__forward_get_stats(cleat__forward *forward, cleat__forward_stats *out)
{
    cleat_otlp_exporter_stats exporter;
    cleat_otlp_exporter_get_stats(forward->exporter, &exporter);
    pthread_mutex_lock(&forward->mutex);
    *out = forward->stats;
    pthread_mutex_unlock(&forward->mutex);
    out->forwarded = exporter.spans_exported;
    out->dropped_failed = exporter.spans_failed;
    out->dropped_rejected = exporter.spans_rejected;
}
