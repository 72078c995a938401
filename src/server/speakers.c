#include "speakers.h"

#include "base/alloc.h"

static const cleat__uuid nobody = {{0}};

/* The connection is a proxy's then, which may send calls of one client over several. */
static bool is_passed_on(const cleat__rpc_call *call)
{
    static const char *const keys[] = {"x-forwarded-for", "x-envoy-external-address", "forwarded", "via"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (cleat__rpc_call_metadata(call, keys[i]).data != NULL) {
            return true;
        }
    }
    return false;
}

static char *peer_of(cleat__rpc_call *call)
{
    return is_passed_on(call) ? NULL : cleat__rpc_call_peer(call);
}

cleat__speaker *cleat__speaker_new(cleat__services *services, cleat__rpc_call *call,
                                   const cleat__uuid *worker_id)
{
    cleat__speaker *self = cleat__calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->worker_id = *worker_id;
    self->peer = peer_of(call);
    pthread_mutex_lock(&services->mutex);
    self->next = services->speakers;
    if (self->next != NULL) {
        self->next->previous = self;
    }
    services->speakers = self;
    pthread_mutex_unlock(&services->mutex);
    return self;
}

void cleat__speaker_free(cleat__services *services, cleat__speaker *speaker)
{
    if (speaker == NULL) {
        return;
    }
    pthread_mutex_lock(&services->mutex);
    for (cleat__speaker *each = services->speakers; each != NULL && speaker->peer != NULL;
         each = each->next) {
        bool is_beside = each->peer != NULL && strcmp(each->peer, speaker->peer) == 0 &&
                         !cleat__uuid_equals(&each->worker_id, &speaker->worker_id);
        each->is_shared = each->is_shared || is_beside;
    }
    if (speaker->next != NULL) {
        speaker->next->previous = speaker->previous;
    }
    *(speaker->previous != NULL ? &speaker->previous->next : &services->speakers) = speaker->next;
    pthread_mutex_unlock(&services->mutex);
    cleat__free(speaker->peer);
    cleat__free(speaker);
}

/* The mutex is held. */
static cleat__uuid find(const cleat__services *services, const char *peer)
{
    cleat__uuid found = nobody;
    for (const cleat__speaker *each = services->speakers; each != NULL; each = each->next) {
        if (each->peer == NULL || strcmp(each->peer, peer) != 0) {
            continue;
        }
        if (each->is_shared ||
            (!cleat__uuid_is_nil(&found) && !cleat__uuid_equals(&found, &each->worker_id))) {
            return nobody;
        }
        found = each->worker_id;
    }
    return found;
}

cleat__uuid cleat__speaker_of(cleat__services *services, cleat__rpc_call *call)
{
    cleat__uuid found = nobody;
    char *peer = peer_of(call);
    if (peer != NULL) {
        pthread_mutex_lock(&services->mutex);
        found = find(services, peer);
        pthread_mutex_unlock(&services->mutex);
    }
    cleat__free(peer);
    return found;
}
