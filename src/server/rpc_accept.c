#include "rpc_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"

#include <stdio.h>
#include <strings.h>

typedef struct cleat__rpc_slot {
    cleat__completion completion; /* first: the tag */
    cleat__rpc_server *server;
    grpc_completion_queue *queue;
    cleat__rpc_arrival arrival;
} cleat__rpc_slot;

static cleat_slice slice_of(const grpc_slice *slice)
{
    return (cleat_slice){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

cleat_slice cleat__rpc_metadata_get(const grpc_metadata_array *metadata, const char *key)
{
    for (size_t i = 0; i < metadata->count; i++) {
        if (cleat_slice_equals(slice_of(&metadata->metadata[i].key), cleat_slice_of(key))) {
            return slice_of(&metadata->metadata[i].value);
        }
    }
    return (cleat_slice){NULL, 0};
}

/* ---- Whose call it is, and for what ---- */

static const cleat__rpc_route *route_of(const cleat__rpc_server *server, cleat_slice path)
{
    size_t low = 0, high = server->route_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = server->routes[middle].method->path;
        size_t size = strlen(other);
        int order = memcmp(path.data, other, path.size < size ? path.size : size);
        order = order != 0 ? order : (path.size > size) - (path.size < size);
        if (order == 0) {
            return &server->routes[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* The token behind "bearer"; the absent slice when there is none. */
static cleat_slice token_of(cleat_slice authorization)
{
    static const char scheme[] = "bearer ";
    size_t size = sizeof(scheme) - 1;
    if (authorization.size <= size || strncasecmp(authorization.data, scheme, size) != 0) {
        return (cleat_slice){NULL, 0};
    }
    cleat_slice token = {authorization.data + size, authorization.size - size};
    while (token.size != 0 && token.data[0] == ' ') {
        token.data++;
        token.size--;
    }
    return token;
}

/* How a call is refused. */
typedef struct rpc_refusal {
    grpc_status_code code;
    char text[512];
} rpc_refusal;

static bool authenticate(const cleat__rpc_server *server, const grpc_metadata_array *metadata,
                         cleat__identity *out, rpc_refusal *refusal)
{
    *out = server->anonymous;
    if (server->authenticate == NULL) {
        return true;
    }
    cleat_slice token = token_of(cleat__rpc_metadata_get(metadata, "authorization"));
    cleat_status status = token.size != 0 ? server->authenticate(server->authenticate_data, token, out)
                                          : cleat__fail(CLEAT_UNAUTHENTICATED, "invalid auth token");
    if (status == CLEAT_OK) {
        return true;
    }
    bool is_told = status == CLEAT_UNAUTHENTICATED || cleat_status_is_retryable(status);
    refusal->code = is_told ? (grpc_status_code)cleat_status_grpc_code(status) : GRPC_STATUS_INTERNAL;
    snprintf(refusal->text, sizeof(refusal->text), "%s",
             is_told ? cleat_error_message() : "the token cannot be checked");
    return false;
}

static void take_in(cleat__rpc_server *server, cleat__rpc_arrival *arrival)
{
    rpc_refusal refusal = {0};
    cleat__identity identity = {0};
    cleat_slice path = slice_of(&arrival->details.method);
    const cleat__rpc_route *route = route_of(server, path);
    arrival->method = route != NULL ? route->method : NULL;
    bool is_known = authenticate(server, &arrival->metadata, &identity, &refusal);
    if (is_known && route == NULL) {
        refusal.code = GRPC_STATUS_UNIMPLEMENTED;
        snprintf(refusal.text, sizeof(refusal.text), "there is no method %.*s",
                 (int)(path.size < 256 ? path.size : 256), path.data);
    }
    if (is_known && route != NULL && cleat__rpc_admit(server, 0) != CLEAT_OK) {
        refusal.code = GRPC_STATUS_RESOURCE_EXHAUSTED;
        snprintf(refusal.text, sizeof(refusal.text), "%s", cleat_error_message());
        route = NULL;
    }
    bool is_taken = is_known && route != NULL;
    if (is_taken && server->admit != NULL &&
        !server->admit(server->admit_data, &identity, route->method->path)) {
        is_taken = false;
        refusal.code = GRPC_STATUS_RESOURCE_EXHAUSTED;
        snprintf(refusal.text, sizeof(refusal.text), "the token's calls come too fast: try again later");
    }
    cleat__rpc_call *call = cleat__rpc_call_new(server, arrival, is_taken ? route : NULL, &identity);
    if (call == NULL) {
        (void)grpc_call_cancel_with_status(arrival->call, GRPC_STATUS_RESOURCE_EXHAUSTED,
                                           "the server is out of memory", NULL);
        grpc_call_unref(arrival->call);
        arrival->call = NULL;
        return;
    }
    if (call->is_active && route->method->kind == CLEAT__RPC_UNARY && call->place == NULL) {
        snprintf(
            refusal.text, sizeof(refusal.text),
            "the server answers %zu calls at a time, and this tenant's share of them is taken: try again "
            "later",
            server->max_unary_calls);
        cleat__rpc_call_turn_away(call, GRPC_STATUS_RESOURCE_EXHAUSTED, refusal.text);
    } else if (call->is_active) {
        cleat__rpc_call_begin(call);
    } else if (is_taken) {
        cleat__rpc_call_turn_away(call, GRPC_STATUS_UNAVAILABLE, "the server stops");
    } else {
        cleat__rpc_call_turn_away(call, refusal.code, refusal.text);
    }
}

/* ---- Slots ---- */

/* The mutex of the server is not held. */
static void end_slot(cleat__rpc_slot *slot)
{
    cleat__rpc_server *server = slot->server;
    pthread_mutex_lock(&server->mutex);
    server->slot_count--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

static void ask(cleat__rpc_slot *slot)
{
    cleat__rpc_arrival *arrival = &slot->arrival;
    arrival->call = NULL;
    grpc_call_details_init(&arrival->details);
    grpc_metadata_array_init(&arrival->metadata);
    grpc_call_error error =
        grpc_server_request_call(slot->server->server, &arrival->call, &arrival->details, &arrival->metadata,
                                 slot->queue, slot->queue, cleat__completion_tag(&slot->completion));
    if (error != GRPC_CALL_OK) {
        cleat__log(CLEAT_LOG_ERROR, "gRPC takes no request for a call: %s", grpc_call_error_to_string(error));
        end_slot(slot);
    }
}

static void on_call(cleat__completion *self, bool is_ok)
{
    cleat__rpc_slot *slot = (cleat__rpc_slot *)self;
    if (is_ok) {
        take_in(slot->server, &slot->arrival);
    }
    grpc_call_details_destroy(&slot->arrival.details);
    grpc_metadata_array_destroy(&slot->arrival.metadata);
    if (is_ok) {
        ask(slot);
    } else { /* the server shuts down */
        end_slot(slot);
    }
}

cleat_status cleat__rpc_slots_start(cleat__rpc_server *server, cleat__rpc_thread *thread)
{
    thread->slots = cleat__calloc(CLEAT__RPC_SLOTS, sizeof(*thread->slots));
    if (thread->slots == NULL) {
        return cleat__fail_memory();
    }
    pthread_mutex_lock(&server->mutex);
    server->slot_count += CLEAT__RPC_SLOTS;
    pthread_mutex_unlock(&server->mutex);
    for (size_t i = 0; i < CLEAT__RPC_SLOTS; i++) {
        thread->slots[i].completion.run = on_call;
        thread->slots[i].server = server;
        thread->slots[i].queue = thread->completion.queue;
        ask(&thread->slots[i]);
    }
    return CLEAT_OK;
}
