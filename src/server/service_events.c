/* The EventsService: events, what tasks stream, log lines. */
#include "service.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/event.h"
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
    cleat__job_submit(job);
}

/* ---- Events ---- */

/* What an answer has more than the event that it repeats, and somewhat more than that; and its limit, above
 * which clients take no message: it must not be found out when the events are stored. */
enum { REPLY_EXTRA = 160, REPLY_MAX = 4 << 20 };

typedef struct pushing {
    cleat__job job; /* first */
    size_t count;
    Cleat__PushEventRequest *only;         /* what was asked, when it is one event */
    Cleat__PushEventRequest *const *asked; /* of the request */
    cleat__user_event *items;
    cleat__uuid *ids;
    int64_t at_ms;
} pushing;

static void pushing_deinit(cleat__job *job)
{
    pushing *it = (pushing *)job;
    cleat__free(it->items);
    cleat__free(it->ids);
}

/* `replies` has room for all. */
static void make_replies(const pushing *it, char tenant_id[37], cleat__event_reply *replies)
{
    cleat__uuid_format(&cleat__rpc_call_identity(it->job.call)->tenant_id, tenant_id);
    for (size_t i = 0; i < it->count; i++) {
        cleat__event_reply_init(&replies[i], it->asked[i], &it->ids[i], it->at_ms, tenant_id);
    }
}

static void push_answer(cleat__job *job)
{
    cleat__event_reply reply;
    char tenant_id[37];
    make_replies((pushing *)job, tenant_id, &reply);
    cleat__job_reply(job, &reply.message.base);
}

static void bulk_answer(cleat__job *job)
{
    const pushing *it = (pushing *)job;
    Cleat__Events reply = CLEAT__EVENTS__INIT;
    char tenant_id[37];
    cleat__event_reply *replies = cleat__calloc(it->count, sizeof(*replies));
    Cleat__Event **list = cleat__calloc(it->count, sizeof(Cleat__Event *));
    if (replies == NULL || list == NULL) {
        cleat__job_fail(job, cleat__fail_memory());
    } else {
        make_replies(it, tenant_id, replies);
        for (size_t i = 0; i < it->count; i++) {
            list[i] = &replies[i].message;
        }
        reply.events = list;
        reply.n_events = it->count;
        cleat__job_reply(job, &reply.base);
    }
    cleat__free(list);
    cleat__free(replies);
}

static cleat_status check_answer(const pushing *it)
{
    size_t size = protobuf_c_message_get_packed_size(it->job.request) + it->count * REPLY_EXTRA;
    return size <= REPLY_MAX ? CLEAT_OK
                             : cleat__fail(CLEAT_INVALID_ARGUMENT,
                                           "the answer, which repeats the events, would have %zu bytes; it "
                                           "must not have more than %d",
                                           size, REPLY_MAX);
}

/* Consumes the job. */
static void push(pushing *it, Cleat__PushEventRequest *const *asked, size_t count)
{
    it->job.deinit = pushing_deinit;
    it->count = count;
    it->asked = asked;
    cleat_status status = check_answer(it);
    if (status != CLEAT_OK) {
        cleat__job_fail(&it->job, status);
        return;
    }
    it->items = cleat__calloc(count + 1, sizeof(*it->items));
    it->ids = cleat__calloc(count + 1, sizeof(*it->ids));
    status = it->items != NULL && it->ids != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = cleat__event_read(asked[i], &it->items[i]);
    }
    if (status != CLEAT_OK) {
        cleat__job_fail(&it->job, status);
        return;
    }
    it->job.command.as.push.items = it->items;
    it->job.command.as.push.count = count;
    it->job.command.as.push.ids = it->ids;
    it->job.command.as.push.at_ms = &it->at_ms;
    cleat__job_expire(&it->job);
    cleat__job_submit(&it->job);
}

static void handle_push(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    pushing *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_PUSH, push_answer);
    if (it != NULL) {
        it->only = it->job.request;
        push(it, &it->only, 1);
    }
    (void)request; /* it is the job's */
}

static void handle_bulk_push(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__BulkPushEventRequest *asked = (const Cleat__BulkPushEventRequest *)request;
    pushing *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_PUSH, bulk_answer);
    if (it == NULL) {
        return;
    }
    if (asked->n_events == 0 || asked->n_events > CLEAT__EVENTS_MAX) {
        cleat__job_fail(&it->job, cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu events; 1 to %d go together",
                                              asked->n_events, CLEAT__EVENTS_MAX));
        return;
    }
    push(it, asked->events, asked->n_events);
}

/* ---- Streams ---- */

/* Several chunks in one message. */
typedef struct streaming {
    cleat__job job; /* first */
    cleat_slice *items;
} streaming;

static void streaming_deinit(cleat__job *job)
{
    cleat__free(((streaming *)job)->items);
}

static cleat_slice bytes_of(ProtobufCBinaryData data)
{
    return (cleat_slice){(const char *)data.data, data.len};
}

static void stream_answer(cleat__job *job)
{
    Cleat__PutStreamEventResponse reply = CLEAT__PUT_STREAM_EVENT_RESPONSE__INIT;
    cleat__job_reply(job, &reply.base);
}

/* False: no memory. */
static bool collect_chunks(streaming *it, const Cleat__PutStreamEventRequest *asked)
{
    it->items = cleat__calloc(asked->n_cleat_more + 1, sizeof(*it->items));
    if (it->items == NULL) {
        return false;
    }
    it->items[0] = bytes_of(asked->message);
    for (size_t i = 0; i < asked->n_cleat_more; i++) {
        it->items[i + 1] = bytes_of(asked->cleat_more[i]);
    }
    return true;
}

static void handle_stream_event(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__PutStreamEventRequest *asked = (const Cleat__PutStreamEventRequest *)request;
    cleat__uuid id;
    streaming *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_PUT_CHUNKS, stream_answer);
    if (it == NULL ||
        !cleat__job_read_id(&it->job, "task_run_external_id", asked->task_run_external_id, &id)) {
        return;
    }
    it->job.deinit = streaming_deinit;
    if (!collect_chunks(it, asked)) {
        cleat__job_fail(&it->job, cleat__fail_memory());
        return;
    }
    it->job.command.as.put_chunks.task_id = id;
    it->job.command.as.put_chunks.invocation_count = asked->cleat_invocation_count;
    it->job.command.as.put_chunks.first_index = asked->has_event_index_case != 0 ? asked->event_index : -1;
    it->job.command.as.put_chunks.items = it->items;
    it->job.command.as.put_chunks.count = asked->n_cleat_more + 1;
    cleat__job_submit(&it->job);
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
        UNARY("Push", push_event_request, handle_push),
        UNARY("BulkPush", bulk_push_event_request, handle_bulk_push),
        UNARY("PutStreamEvent", put_stream_event_request, handle_stream_event),
        UNARY("ReplaySingleEvent", replay_event_request, handle_replay),
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
