/* v1.V1Dispatcher: durable tasks, which this engine does not have yet. Declarations of them are refused, so
 * only a client that was made for another engine calls these. */
#include "service.h"

#include "wire/v1/dispatcher.pb-c.h"

static void refuse_stream(cleat__rpc_call *call, void *service)
{
    (void)service;
    cleat__service_fail_unsupported(call, "durable tasks");
}

static void refuse(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request;
    refuse_stream(call, service);
}

/* A call that has been ended hears nothing more. */
static void ignore(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)call, (void)request, (void)service;
}

static void ignore_end(cleat__rpc_call *call, void *service)
{
    (void)call, (void)service;
}

cleat__rpc_service cleat__service_durable(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/v1.V1Dispatcher/DurableTask",
         .kind = CLEAT__RPC_BIDI_STREAM,
         .request = &cleat__v1__durable_task_request__descriptor,
         .open = refuse_stream,
         .handle = ignore,
         .cancelled = ignore_end},
        {.path = "/v1.V1Dispatcher/ListenForDurableEvent",
         .kind = CLEAT__RPC_BIDI_STREAM,
         .request = &cleat__v1__listen_for_durable_event_request__descriptor,
         .open = refuse_stream,
         .handle = ignore,
         .cancelled = ignore_end},
        {.path = "/v1.V1Dispatcher/RegisterDurableEvent",
         .request = &cleat__v1__register_durable_event_request__descriptor,
         .handle = refuse},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
