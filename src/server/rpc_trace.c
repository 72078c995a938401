/* A span of each call, by the semantic conventions for RPC ("gRPC"): from when it came until it is over, so that
 * of a stream covers all of it. */
#include "internal_traces.h"
#include "rpc_parts.h"

#include <grpc/support/alloc.h>
#include <stdlib.h>

static const char *const code_names[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

/* What is the server's fault; the others are the caller's. */
static bool is_error(grpc_status_code code)
{
    switch (code) {
    case GRPC_STATUS_UNKNOWN:
    case GRPC_STATUS_DEADLINE_EXCEEDED:
    case GRPC_STATUS_UNIMPLEMENTED:
    case GRPC_STATUS_INTERNAL:
    case GRPC_STATUS_UNAVAILABLE:
    case GRPC_STATUS_DATA_LOSS: return true;
    default: return false;
    }
}

/* ---- The peer ---- */

/* "ipv4:127.0.0.1:41234", "ipv6:%5B::1%5D:41234" */
static void set_peer(cleat_span span, grpc_call *call)
{
    char *peer = grpc_call_get_peer(call);
    char *host = peer != NULL && strncmp(peer, "ipv", 3) == 0 ? strchr(peer, ':') : NULL;
    char *colon = host != NULL ? strrchr(host, ':') : NULL;
    if (colon != NULL && colon != host) {
        *colon = '\0';
        host++;
        if (strncmp(host, "%5B", 3) == 0 && colon - host > 6) {
            host += 3;
            colon[-3] = '\0';
        }
        (void)cleat_span_set_string(span, "network.peer.address", host);
        (void)cleat_span_set_int(span, "network.peer.port", atoi(colon + 1));
        (void)cleat_span_set_string(span, "client.address", host);
    }
    gpr_free(peer);
}

/* ---- Begin and end ---- */

static cleat_span start(cleat_tracer *tracer, const cleat__rpc_arrival *arrival)
{
    const char *name = arrival->method != NULL ? arrival->method->path + 1 : "_OTHER";
    const cleat_attribute attributes[] = {
        cleat_attribute_string("rpc.system.name", "grpc"),
        cleat_attribute_string("rpc.method", name),
    };
    cleat_span_context caller;
    const cleat_link link = {.context = &caller};
    bool is_linked =
        cleat__caller_context_read(cleat__rpc_metadata_get(&arrival->metadata, "traceparent"),
                                   cleat__rpc_metadata_get(&arrival->metadata, "tracestate"), &caller);
    return cleat_span_start(tracer, arrival->method != NULL ? name : "grpc",
                            CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_SERVER, .root = true,
                                               .attributes = attributes, .attribute_count = 2, .links = &link,
                                               .link_count = is_linked));
}

void cleat__rpc_trace_begin(cleat__rpc_call *call, const cleat__rpc_arrival *arrival)
{
    cleat_tracer *tracer = call->server->tracer;
    if (tracer == NULL || (arrival->method != NULL && arrival->method->is_untraced)) {
        return;
    }
    call->span = start(tracer, arrival);
    if (cleat_span_is_recording(call->span)) {
        set_peer(call->span, arrival->call);
    }
}

void cleat__rpc_trace_end(cleat__rpc_call *call)
{
    cleat_span span = call->span;
    if (!cleat_span_is_recording(span)) {
        return;
    }
    /* Over without a status: the peer did not wait for it. */
    grpc_status_code code = call->is_ending ? call->code : GRPC_STATUS_CANCELLED;
    size_t count = sizeof(code_names) / sizeof(code_names[0]);
    const char *name = (size_t)code < count ? code_names[code] : "UNKNOWN";
    (void)cleat_span_set_string(span, "rpc.response.status_code", name);
    if (is_error(code)) {
        (void)cleat_span_set_string(span, "error.type", name);
        (void)cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, NULL);
    }
    (void)cleat_span_end(span);
}
