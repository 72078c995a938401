/*
 * An exporter into the engine's collector. The client may be gone before the provider that owns
 * the exporter (a user's own provider), so the way to it is a link of its own, counted by both
 * ends, that is cut when the client's end goes. Exports hold the link's lock: cutting waits for
 * them.
 */
#include "sdk/client.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"

struct cleat__exporter_link {
    pthread_mutex_t mutex;
    cleat_client *client;        /* under `mutex`; NULL: cut */
    _Atomic int reference_count; /* exporter, and whoever may detach */
};

typedef struct client_exporter {
    cleat_span_exporter base; /* first */
    cleat__exporter_link *link;
} client_exporter;

static void link_release(cleat__exporter_link *link)
{
    if (atomic_fetch_sub(&link->reference_count, 1) == 1) {
        pthread_mutex_destroy(&link->mutex);
        cleat__free(link);
    }
}

static void link_cut(cleat__exporter_link *link)
{
    pthread_mutex_lock(&link->mutex);
    link->client = NULL;
    pthread_mutex_unlock(&link->mutex);
}

static cleat_status exporter_export(cleat_span_exporter *self, const cleat_span_batch *batch,
                                    int64_t timeout_ms)
{
    cleat__exporter_link *link = ((client_exporter *)self)->link;
    cleat_status status = CLEAT_UNAVAILABLE;
    pthread_mutex_lock(&link->mutex);
    if (link->client != NULL) {
        cleat__transport *transport = link->client->transport;
        status = transport->export_spans(transport, batch, timeout_ms);
    } else {
        (void)cleat__fail(status, "the exporter to the collector was shut down");
    }
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
    (void)timeout_ms;
    link_cut(((client_exporter *)self)->link);
    return CLEAT_OK;
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
    made->client = client;
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
    if (link != NULL) {
        link_cut(link);
        link_release(link);
    }
}

cleat_status cleat_client_span_exporter_new(cleat_client *client, cleat_span_exporter **out)
{
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = NULL;
    return cleat__client_exporter_new(client, out, NULL);
}
