/* The EventsService: log lines; events, once the engine has them. */
#include "service.h"

#include "base/error.h"
#include "wire/log_line.h"
#include "wire/report.h"

static void log_answer(cleat__job *job)
{
    Cleat__PutLogResponse reply = CLEAT__PUT_LOG_RESPONSE__INIT;
    cleat__job_reply(job, &reply.base);
}

static void handle_log(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    cleat__job *job = cleat__job_new(call, service, sizeof(*job), CLEAT__COMMAND_LOG, log_answer);
    if (job == NULL) {
        return;
    }
    cleat__log_line *line = &job->command.as.log;
    cleat_status status =
        cleat__log_line_read((const Cleat__PutLogRequest *)request, cleat__service_now_ms(), line);
    if (status != CLEAT_OK) {
        cleat__job_fail(job, status);
        return;
    }
    if (line->retry_count == CLEAT__CURRENT_ATTEMPT) {
        line->retry_count = CLEAT__RETRY_CURRENT;
    }
    cleat__job_submit(job);
}

static void handle_events(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(call, "events");
}

static void handle_stream_event(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(call, "streams of events");
}

static void handle_replay(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(call, "replays of events");
}

#define UNARY(name, message, function)                                                                   \
    {                                                                                                    \
        .path = "/EventsService/" name, .request = &cleat__##message##__descriptor, .handle = (function) \
    }

cleat__rpc_service cleat__service_events(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        UNARY("PutLog", put_log_request, handle_log),
        UNARY("Push", push_event_request, handle_events),
        UNARY("BulkPush", bulk_push_event_request, handle_events),
        UNARY("PutStreamEvent", put_stream_event_request, handle_stream_event),
        UNARY("ReplaySingleEvent", replay_event_request, handle_replay),
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
