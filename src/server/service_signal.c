/*
 * v1.V1Dispatcher's older form of waits, RegisterDurableEvent and ListenForDurableEvent: a run's wait is known by a
 * key of the worker's own, and by nothing of a log. Once registered it is listened to, on any stream, as often as it is
 * asked for; who asks for what is not there is never answered.
 */
#include "service_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/condition.h"
#include "wire/message.h"
#include "wire/v1/dispatcher.pb-c.h"

enum { KEY_MAX = 1024 }; /* bytes of a signal key */

static cleat_status check_key(const char *key)
{
    size_t size = strlen(key);
    return size != 0 && size <= KEY_MAX
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "signal_key has %zu bytes; it must have 1 .. %d", size,
                             KEY_MAX);
}

/* ---- Register ---- */

typedef struct registering {
    cleat__job job; /* first */
    cleat__condition *conditions;
} registering;

static void register_deinit(cleat__job *job)
{
    cleat__free(((registering *)job)->conditions);
}

static void register_answer(cleat__job *job)
{
    Cleat__V1__RegisterDurableEventResponse reply = CLEAT__V1__REGISTER_DURABLE_EVENT_RESPONSE__INIT;
    cleat__job_reply(job, &reply.base);
}

static void handle_register(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__V1__RegisterDurableEventRequest *asked =
        (const Cleat__V1__RegisterDurableEventRequest *)request;
    registering *it =
        cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_DURABLE_SIGNAL, register_answer);
    if (it == NULL) {
        return;
    }
    cleat__command *command = &it->job.command;
    it->job.deinit = register_deinit;
    if (!cleat__job_read_id(&it->job, "task_id", asked->task_id, &command->as.durable_signal.run_id)) {
        return;
    }
    cleat_status status = check_key(asked->signal_key);
    if (status == CLEAT_OK) {
        status =
            cleat__conditions_read(asked->conditions, &it->conditions, &command->as.durable_signal.count);
    }
    if (status != CLEAT_OK) {
        cleat__job_fail(&it->job, status);
        return;
    }
    command->as.durable_signal.key = cleat_slice_of(asked->signal_key);
    command->as.durable_signal.conditions = it->conditions;
    cleat__job_submit(&it->job);
}

/* ---- Listen ---- */

/* A wait that is listened to, until it is told that it has ended. */
typedef struct heard {
    struct heard *next;
    cleat__uuid run_id;
    cleat__node node;
    char key[];
} heard;

typedef struct listening {
    cleat__durable_stream base; /* first */
    heard *first;               /* for the engine's thread only */
} listening;

typedef struct asking {
    cleat__durable_asking base; /* first */
    cleat__node node;
    heard *made;
} asking;

static const Cleat__V1__ListenForDurableEventRequest *message_of(const asking *it)
{
    return it->base.message;
}

static void listening_deinit(cleat__durable_stream *stream)
{
    listening *self = (listening *)stream;
    while (self->first != NULL) {
        heard *it = self->first;
        self->first = it->next;
        cleat__free(it);
    }
}

/* NULL on no memory. */
static Cleat__V1__DurableEvent *event_new(const heard *it, const char *payload)
{
    Cleat__V1__DurableEvent *event = cleat__message_new(&cleat__v1__durable_event__descriptor);
    char id[37];
    bool failed = false;
    if (event == NULL) {
        return NULL;
    }
    cleat__uuid_format(&it->run_id, id);
    event->task_id = cleat__message_string(&failed, id);
    event->signal_key = cleat__message_string(&failed, it->key);
    event->data.data = (uint8_t *)cleat__strdup(payload);
    event->data.len = event->data.data != NULL ? strlen(payload) : 0;
    if (failed || event->data.data == NULL) {
        cleat__message_free(event);
        return NULL;
    }
    return event;
}

/* Whoever asked for it, in whatever invocation. */
static void completed(void *listener, const cleat__uuid *run_id, int32_t invocation_count,
                      const cleat__node_end *completion)
{
    listening *self = listener;
    heard **link = &self->first;
    (void)invocation_count;
    while (*link != NULL) {
        heard *it = *link;
        if (it->node.branch == completion->node.branch && it->node.number == completion->node.number &&
            cleat__uuid_equals(&it->run_id, run_id)) {
            *link = it->next;
            cleat__unread *message =
                cleat__durable_pack(event_new(it, completion->payload != NULL ? completion->payload : "{}"));
            cleat__durable_stream_put(&self->base, message);
            cleat__free(it);
        } else {
            link = &it->next;
        }
    }
}

static void evicted(void *listener, const cleat__uuid *run_id, int32_t invocation_count, const char *reason)
{
    (void)listener, (void)run_id, (void)invocation_count, (void)reason; /* this form knows no invocations */
}

static void asking_free(asking *it)
{
    cleat__free(it->made);
    cleat__durable_asking_free(&it->base);
}

static bool is_known(const listening *self, const heard *made)
{
    for (const heard *it = self->first; it != NULL; it = it->next) {
        if (it->node.number == made->node.number && cleat__uuid_equals(&it->run_id, &made->run_id)) {
            return true;
        }
    }
    return false;
}

/* What has ended is told behind this. */
static void on_listened(cleat__command *command)
{
    asking *it = (asking *)command;
    listening *self = (listening *)it->base.stream;
    it->made->node = it->node;
    if (command->status == CLEAT_OK && !is_known(self, it->made)) {
        it->made->next = self->first;
        self->first = it->made;
        it->made = NULL;
    } else if (command->status != CLEAT_OK && command->status != CLEAT_NOT_FOUND) {
        cleat__durable_stream_end(&self->base, command->status, command->error);
    }
    asking_free(it);
}

static void listen_to(asking *it, const cleat__uuid *run_id)
{
    const char *key = message_of(it)->signal_key;
    cleat__command *command = &it->base.command;
    it->made = cleat__calloc(1, sizeof(*it->made) + strlen(key) + 1);
    if (it->made == NULL) {
        cleat__durable_stream_end(it->base.stream, CLEAT_UNAVAILABLE, cleat_status_text(CLEAT_NO_MEMORY));
        asking_free(it);
        return;
    }
    it->made->run_id = *run_id;
    memcpy(it->made->key, key, strlen(key));
    command->as.durable_signal.run_id = *run_id;
    command->as.durable_signal.key = cleat_slice_of(key);
    command->as.durable_signal.listener = &it->base.stream->listener;
    command->as.durable_signal.node = &it->node;
    cleat__durable_asking_submit(&it->base, CLEAT__COMMAND_DURABLE_SIGNAL, on_listened);
}

static void handle_listen(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    asking *it = cleat__durable_asking_new(cleat__rpc_call_data(call), sizeof(*it));
    cleat__uuid run_id;
    (void)request, (void)service;
    if (it == NULL) {
        return;
    }
    const Cleat__V1__ListenForDurableEventRequest *asked = message_of(it);
    cleat_status status = check_key(asked->signal_key);
    if (status == CLEAT_OK && cleat__uuid_parse(cleat_slice_of(asked->task_id), &run_id) != CLEAT_OK) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "task_id \"%.64s\" is no UUID", asked->task_id);
    }
    if (status == CLEAT_OK) {
        listen_to(it, &run_id);
    } else {
        cleat__durable_stream_end(it->base.stream, status, cleat_error_message());
        asking_free(it);
    }
}

static void on_open(cleat__rpc_call *call, void *service)
{
    listening *self = cleat__durable_stream_new(call, service, sizeof(*self));
    if (self != NULL) {
        self->base.deinit = listening_deinit;
        self->base.listener.completed = completed;
        self->base.listener.evicted = evicted;
    }
}

cleat__rpc_service cleat__service_signal(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/v1.V1Dispatcher/RegisterDurableEvent",
         .request = &cleat__v1__register_durable_event_request__descriptor,
         .handle = handle_register},
        {.path = "/v1.V1Dispatcher/ListenForDurableEvent",
         .kind = CLEAT__RPC_BIDI_STREAM,
         .request = &cleat__v1__listen_for_durable_event_request__descriptor,
         .open = on_open,
         .handle = handle_listen,
         .half_closed = cleat__durable_on_half_closed,
         .drained = cleat__durable_on_drained,
         .cancelled = cleat__durable_on_cancelled,
         .ended = cleat__durable_on_ended},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
