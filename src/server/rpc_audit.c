/*
 * Who calls is looked at when a call comes in, and a stream may last for months: so those whose tokens have
 * been revoked or are over are looked for, and ended.
 */
#include "rpc_parts.h"

#include "base/alloc.h"
#include "base/error.h"

enum { DEFAULT_EVERY_MS = 5000 };

static bool is_audited(const cleat__rpc_call *call)
{
    return call->is_active && call->method->kind != CLEAT__RPC_UNARY;
}

/* The mutex is held. All streams, with a reference each; NULL: there are none, or no memory for the list. */
static cleat__rpc_call **collect(cleat__rpc_server *server, size_t *count)
{
    size_t all = 0;
    for (const cleat__rpc_call *call = server->calls; call != NULL; call = call->next) {
        all += is_audited(call);
    }
    cleat__rpc_call **list = all != 0 ? cleat__calloc(all, sizeof(*list)) : NULL;
    *count = 0;
    for (cleat__rpc_call *call = server->calls; list != NULL && call != NULL; call = call->next) {
        if (is_audited(call)) {
            list[(*count)++] = cleat__rpc_hold(call);
        }
    }
    return list;
}

/* Neighbours in the list are often of one token. */
static void look_at(cleat__rpc_server *server, cleat__rpc_call **list, size_t count)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count; i++) {
        const cleat__identity *identity = &list[i]->identity;
        bool is_same = i > 0 && cleat__uuid_equals(&identity->token_id, &list[i - 1]->identity.token_id);
        if (!is_same || status != CLEAT_OK) {
            status = server->authenticate_again(server->authenticate_data, identity);
        }
        if (status == CLEAT_UNAUTHENTICATED) {
            cleat__rpc_call_turn_away(list[i], GRPC_STATUS_UNAUTHENTICATED, cleat_error_message());
        }
    }
    for (size_t i = 0; i < count; i++) {
        cleat__rpc_release(list[i]);
    }
}

static void *audit(void *argument)
{
    cleat__rpc_server *server = argument;
    pthread_mutex_lock(&server->mutex);
    while (server->state == CLEAT__RPC_SERVING) {
        if (cleat__cond_wait_until(&server->audit_wake, &server->mutex,
                                   cleat__deadline_ns(server->again_ms))) {
            continue; /* it stops, or woke up for nothing */
        }
        size_t count = 0;
        cleat__rpc_call **list = collect(server, &count);
        pthread_mutex_unlock(&server->mutex);
        look_at(server, list, count);
        cleat__free(list);
        pthread_mutex_lock(&server->mutex);
    }
    pthread_mutex_unlock(&server->mutex);
    return NULL;
}

cleat_status cleat__rpc_audit_start(cleat__rpc_server *server)
{
    if (server->authenticate_again == NULL) {
        return CLEAT_OK;
    }
    server->again_ms = server->again_ms != 0 ? server->again_ms : DEFAULT_EVERY_MS;
    cleat_status status = cleat__thread_start(&server->audit_thread, "cleat-rpc-audit", audit, server);
    server->is_audited = status == CLEAT_OK;
    return status;
}

void cleat__rpc_audit_join(cleat__rpc_server *server)
{
    if (server->is_audited) {
        server->is_audited = false;
        pthread_join(server->audit_thread, NULL);
    }
}
