/*
 * Source: OTLP specification, "OTLP/HTTP". Failures are a google.rpc.Status in the form of the request:
 * what to say in protobuf is one text, so it is written as one.
 */
#include "http_traces.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/gate.h"
#include "collector/otlp_in.h"
#include "http_call.h"
#include "wire/google/rpc/status.pb-c.h"
#include "wire/message.h"

#include <stdatomic.h>
#include <strings.h>

static const char type_of_protobuf[] = "application/x-protobuf", type_of_json[] = "application/json";

/* A handler that waits for the collector, and the collector: whoever is last frees it. */
typedef struct waiting {
    cleat__gate answered;
    atomic_int references;
    cleat_status status;
    cleat__buffer body;
} waiting;

static void release(waiting *it)
{
    if (atomic_fetch_sub(&it->references, 1) == 1) {
        cleat__gate_deinit(&it->answered);
        cleat__buffer_deinit(&it->body);
        cleat__free(it);
    }
}

static void on_stored(void *argument, cleat_status status, cleat_slice response)
{
    waiting *it = argument;
    it->status = status;
    if (status == CLEAT_OK) {
        cleat__buffer_append_slice(&it->body, response);
    } else {
        cleat__buffer_append_string(&it->body, cleat_error_message());
    }
    cleat__gate_open(&it->answered);
    release(it);
}

static cleat_status submit(cleat__http_call *call, bool is_json, waiting *it)
{
    cleat__buffer body = {0};
    cleat_status status = cleat__http_call_take_body(call, &body);
    if (status == CLEAT_OK) {
        status = cleat__otlp_in_take(call->service, call->identity.tenant, is_json, &body, on_stored, it);
    }
    cleat__buffer_deinit(&body);
    return status;
}

/* Leaves the response, or the sentence of the failure, in `out`. */
static cleat_status take(cleat__http_call *call, bool is_json, cleat__buffer *out)
{
    waiting *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        return cleat__fail_memory();
    }
    cleat__gate_init(&it->answered);
    atomic_init(&it->references, 2);
    cleat_status status = submit(call, is_json, it);
    if (status != CLEAT_OK) {
        release(it); /* the collector has not got it */
    } else if (cleat__gate_wait(&it->answered, call->deadline_ns != 0 ? call->deadline_ns : INT64_MAX)) {
        status = it->status;
        *out = it->body;
        it->body = (cleat__buffer){0};
    } else { /* others want the thread, and they may be stored all the same */
        status = cleat__fail(CLEAT_UNAVAILABLE, "the spans are not stored yet: the disk does not keep up");
    }
    if (status != CLEAT_OK && out->size == 0) {
        cleat__buffer_append_string(out, cleat_error_message());
    }
    release(it);
    return status;
}

static void append_status(cleat__buffer *out, bool is_json, cleat_status status, cleat_slice sentence)
{
    if (is_json) {
        cleat__buffer_append_format(out, "{\"code\":%d,\"message\":", cleat_status_grpc_code(status));
        cleat__buffer_append_json(out, sentence);
        cleat__buffer_append_byte(out, '}');
        return;
    }
    bool failed = false;
    Cleat__Google__Rpc__Status message = CLEAT__GOOGLE__RPC__STATUS__INIT;
    char *text = cleat__message_text(&failed, sentence);
    message.code = cleat_status_grpc_code(status);
    message.message = text;
    cleat__message_pack(&message, out);
    cleat__free(failed || sentence.data == NULL ? NULL : text);
}

static void answer_failure(cleat__http_call *call, bool is_json, cleat_status status, cleat_slice sentence)
{
    cleat__buffer body = {0};
    append_status(&body, is_json, status, sentence);
    if (cleat_status_is_retryable(status)) {
        call->answer.retry_after_s = CLEAT__COLLECTOR_RETRY_MS / 1000;
    }
    cleat__http_call_answer(call, (unsigned)cleat_status_http_code(status),
                            is_json ? type_of_json : type_of_protobuf, &body);
}

/* Whether the type, without its parameters, is that one. */
static bool has_type(const cleat__http_call *call, const char *type)
{
    size_t size = strlen(type);
    const char *end = call->content_type + size;
    return strncasecmp(call->content_type, type, size) == 0 && (*end == '\0' || *end == ';' || *end == ' ');
}

static void handle(cleat__http_call *call)
{
    bool is_json = has_type(call, type_of_json);
    cleat__buffer body = {0};
    if (!is_json && !has_type(call, type_of_protobuf)) {
        cleat__http_call_refuse(call, 415, "Content-Type must be %s or %s", type_of_protobuf, type_of_json);
        return;
    }
    cleat_status status = take(call, is_json, &body);
    if (status == CLEAT_OK) {
        cleat__http_call_answer(call, 200, is_json ? type_of_json : type_of_protobuf, &body);
    } else {
        answer_failure(call, is_json, status, cleat__buffer_slice(&body));
    }
    cleat__buffer_deinit(&body);
}

cleat__http_table cleat__http_traces_table(const struct cleat__otlp_in *otlp)
{
    static const cleat__http_route routes[] = {{"POST", "/v1/traces", CLEAT__HTTP_UNTRACED, handle}};
    return (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), (void *)(uintptr_t)otlp};
}
