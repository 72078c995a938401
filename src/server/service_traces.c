/* OpenTelemetry's TraceService: spans on their way in. */
#include "service.h"

#include "base/error.h"
#include "collector/otlp_in.h"
#include "wire/google/rpc/error_details.pb-c.h"
#include "wire/status.h"

/* The sentence, and when to come again: peers wait that long, and retry RESOURCE_EXHAUSTED only with that. */
static void refuse(cleat__rpc_call *call, cleat_status status)
{
    Cleat__Google__Protobuf__Duration delay = CLEAT__GOOGLE__PROTOBUF__DURATION__INIT;
    Cleat__Google__Rpc__RetryInfo info = CLEAT__GOOGLE__RPC__RETRY_INFO__INIT;
    cleat__buffer details = {0};
    if (!cleat_status_is_retryable(status)) {
        cleat__rpc_fail(call, status);
        return;
    }
    const char *sentence = cleat_error_message();
    delay.seconds = CLEAT__COLLECTOR_RETRY_MS / 1000;
    info.retry_delay = &delay;
    (void)cleat__status_detail_pack(cleat_status_grpc_code(status), sentence, &info, &details);
    cleat__rpc_finish(call, status, sentence, cleat__buffer_slice(&details));
    cleat__buffer_deinit(&details);
}

static void on_stored(void *argument, cleat_status status, cleat_slice response)
{
    cleat__rpc_call *call = argument;
    if (status == CLEAT_OK) {
        cleat__rpc_reply_bytes(call, response);
    } else {
        refuse(call, status);
    }
}

static void handle_export(cleat__rpc_call *call, cleat_slice request, void *service)
{
    const cleat__services *services = service;
    int64_t tenant = cleat__rpc_call_identity(call)->tenant;
    cleat__buffer body = {0};
    cleat__buffer_append_slice(&body, request);
    cleat_status status = body.failed ? cleat__fail_memory() : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__otlp_in_take(services->otlp, tenant, false, &body, on_stored, call);
    }
    cleat__buffer_deinit(&body);
    if (status != CLEAT_OK) {
        refuse(call, status);
    }
}

cleat__rpc_service cleat__service_traces(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
         .handle_bytes = handle_export,
         .is_untraced = true},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
