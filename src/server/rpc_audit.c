/*
 * Who calls is looked at when a call comes in, and a stream may last for months: so those whose tokens have
 * been revoked or are over are looked for, and ended. So are calls whose peers do not do their part, although they
 * answer pings: they have sent a head and no request, or take nothing of what they are sent. Each holds a place, or
 * memory, that others need.
 */
#include "rpc_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

enum { SLOWEST = 64 * 1024 }; /* bytes a second that a peer has to take */

/* A call to look at, with a reference. */
typedef struct audited {
    cleat__rpc_call *call;
    bool is_late, is_stuck;
} audited;

static bool is_asked_about(const cleat__rpc_server *server, const cleat__rpc_call *call)
{
    return server->authenticate_again != NULL && call->method->kind != CLEAT__RPC_UNARY;
}

/* Whether to look at it; the server's mutex is held. */
static bool examine(const cleat__rpc_server *server, cleat__rpc_call *call, int64_t now_ns, audited *out)
{
    *out = (audited){.call = call};
    if (!call->is_active) {
        return false;
    }
    pthread_mutex_lock(&call->mutex);
    size_t size = call->sent != NULL ? call->sent->size : 0;
    int64_t stall_ns = server->stall_ns + (int64_t)(size / SLOWEST) * CLEAT__NS_PER_S;
    bool is_waiting = call->is_receiving && call->method->kind != CLEAT__RPC_BIDI_STREAM;
    out->is_late = is_waiting && !call->is_ending && now_ns - call->came_ns > server->request_ns;
    out->is_stuck = call->is_sending && !call->is_closed && now_ns - call->sent_ns > stall_ns;
    pthread_mutex_unlock(&call->mutex);
    return out->is_late || out->is_stuck || is_asked_about(server, call);
}

/* The mutex is held. NULL: there are none, or no memory for the list. */
static audited *collect(cleat__rpc_server *server, size_t *count)
{
    int64_t now_ns = cleat__clock_monotonic_ns(NULL);
    size_t all = 0;
    audited next;
    for (cleat__rpc_call *call = server->calls; call != NULL; call = call->next) {
        all += examine(server, call, now_ns, &next);
    }
    audited *list = all != 0 ? cleat__calloc(all, sizeof(*list)) : NULL;
    *count = 0;
    for (cleat__rpc_call *call = server->calls; list != NULL && call != NULL; call = call->next) {
        if (*count < all && examine(server, call, now_ns, &next)) {
            cleat__rpc_hold(call);
            list[(*count)++] = next;
        }
    }
    return list;
}

static void end_idle(const audited *it)
{
    if (it->is_late) {
        cleat__rpc_call_turn_away(it->call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                  "the request did not come in time");
    } else if (it->is_stuck) {
        cleat__rpc_call_cut(it->call, "the peer takes nothing of what it is sent");
    }
}

/* Neighbours in the list are often of one token. */
static void look_at(cleat__rpc_server *server, const audited *list, size_t count)
{
    cleat_status status = CLEAT_OK;
    const cleat__identity *former = NULL;
    for (size_t i = 0; i < count; i++) {
        cleat__rpc_call *call = list[i].call;
        end_idle(&list[i]);
        if (!is_asked_about(server, call)) {
            continue;
        }
        bool is_same = former != NULL && cleat__uuid_equals(&call->identity.token_id, &former->token_id);
        if (!is_same || status != CLEAT_OK) {
            status = server->authenticate_again(server->authenticate_data, &call->identity);
        }
        former = &call->identity;
        if (status == CLEAT_UNAUTHENTICATED) {
            cleat__rpc_call_turn_away(call, GRPC_STATUS_UNAUTHENTICATED, cleat_error_message());
        }
    }
    for (size_t i = 0; i < count; i++) {
        cleat__rpc_release(list[i].call);
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
        audited *list = collect(server, &count);
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
