/*
 * An exporter into the engine's collector. The client may be gone before the provider that owns
 * the exporter (a user's own provider), so the way to it is a link of its own, counted by both
 * ends, that is cut when the client's end goes. Cutting waits for the exports that are under way: for as long as
 * a shutdown may take, or, when the client goes, for their end, which comes at once then.
 */
#include "sdk/client.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"

struct cleat__exporter_link {
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    cleat__transport *transport; /* as long as it is not detached */
    bool is_cut, is_detached;    /* under `mutex`, as what follows */
    size_t active;               /* exports under way */
    _Atomic int reference_count; /* exporter, and whoever may detach */
};

typedef struct client_exporter {
    cleat_span_exporter base; /* first */
    cleat__exporter_link *link;
} client_exporter;

static void link_release(cleat__exporter_link *link)
{
    if (atomic_fetch_sub(&link->reference_count, 1) == 1) {
        pthread_cond_destroy(&link->idle);
        pthread_mutex_destroy(&link->mutex);
        cleat__free(link);
    }
}

/* With the mutex; false: exports are under way still. */
static bool wait_idle(cleat__exporter_link *link, int64_t deadline_ns)
{
    while (link->active != 0 && cleat__cond_wait_until(&link->idle, &link->mutex, deadline_ns)) {
    }
    return link->active == 0;
}

static cleat_status link_cut(cleat__exporter_link *link, int64_t timeout_ms)
{
    pthread_mutex_lock(&link->mutex);
    link->is_cut = true;
    bool is_idle = wait_idle(link, cleat__deadline_ns(timeout_ms));
    pthread_mutex_unlock(&link->mutex);
    return is_idle ? CLEAT_OK : cleat__fail(CLEAT_TIMEOUT, "an export to the collector is still under way");
}

/* A provider that goes on without its instrumentor has done nothing wrong: its spans just do not come here. */
static cleat_status answer_cut(bool is_detached)
{
    static cleat__log_site site;
    if (!is_detached) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the exporter to the collector was shut down");
    }
    cleat__log_limited(&site, CLEAT_LOG_INFO,
                       "spans do not go to the collector any more: the instrumentor was freed");
    return CLEAT_OK;
}

static cleat_status exporter_export(cleat_span_exporter *self, const cleat_span_batch *batch,
                                    int64_t timeout_ms)
{
    cleat__exporter_link *link = ((client_exporter *)self)->link;
    pthread_mutex_lock(&link->mutex);
    bool is_cut = link->is_cut, is_detached = link->is_detached;
    link->active += !is_cut;
    pthread_mutex_unlock(&link->mutex);
    if (is_cut) {
        return answer_cut(is_detached);
    }
    cleat_status status = link->transport->export_spans(link->transport, batch, timeout_ms);
    pthread_mutex_lock(&link->mutex);
    link->active--;
    pthread_cond_broadcast(&link->idle);
    pthread_mutex_unlock(&link->mutex);
    return status;
}

static cleat_status exporter_force_flush(cleat_span_exporter *self, int64_t timeout_ms)
{
    (void)self; /* an export returns when its spans are stored */
    (void)timeout_ms;
    return CLEAT_OK;
}

static cleat_status exporter_shutdown(cleat_span_exporter *self, int64_t timeout_ms)
{
    return link_cut(((client_exporter *)self)->link, timeout_ms);
}

static void exporter_free(cleat_span_exporter *self)
{
    link_release(((client_exporter *)self)->link);
    cleat__free(self);
}

cleat_status cleat__client_exporter_new(cleat_client *client, cleat_span_exporter **out,
                                        cleat__exporter_link **link)
{
    client_exporter *exporter = cleat__calloc(1, sizeof *exporter);
    cleat__exporter_link *made = cleat__calloc(1, sizeof *made);
    if (exporter == NULL || made == NULL) {
        cleat__free(exporter);
        cleat__free(made);
        return cleat__fail_memory();
    }
    pthread_mutex_init(&made->mutex, NULL);
    cleat__cond_init(&made->idle);
    made->transport = client->transport;
    atomic_init(&made->reference_count, link != NULL ? 2 : 1);
    exporter->base = (cleat_span_exporter){
        .export_spans = exporter_export,
        .force_flush = exporter_force_flush,
        .shutdown = exporter_shutdown,
        .free = exporter_free,
    };
    exporter->link = made;
    *out = &exporter->base;
    if (link != NULL) {
        *link = made;
    }
    return CLEAT_OK;
}

void cleat__exporter_link_detach(cleat__exporter_link *link)
{
    if (link == NULL) {
        return;
    }
    cleat__transport *transport = link->transport;
    pthread_mutex_lock(&link->mutex);
    link->is_cut = link->is_detached = true;
    bool is_idle = link->active == 0;
    pthread_mutex_unlock(&link->mutex);
    if (!is_idle && transport->refuse_spans != NULL) {
        transport->refuse_spans(transport, true);
    }
    pthread_mutex_lock(&link->mutex);
    (void)wait_idle(link, INT64_MAX);
    pthread_mutex_unlock(&link->mutex);
    if (!is_idle && transport->refuse_spans != NULL) {
        transport->refuse_spans(transport, false);
    }
    link_release(link);
}

cleat_status cleat_client_span_exporter_new(cleat_client *client, cleat_span_exporter **out)
{
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = NULL;
    return cleat__client_exporter_new(client, out, NULL);
}
