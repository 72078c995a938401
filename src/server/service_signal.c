/*
 * v1.V1Dispatcher's older form of waits, RegisterDurableEvent and ListenForDurableEvent: a run's wait is known by a
 * key of the worker's own, and by nothing of a log. Once registered it is listened to, on any stream, as often as it is
 * asked for; who asks for what is not there is never answered.
 */
#include "service_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
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

enum { HEARD_MAX = 100000 };

/* A wait that is listened to, until it is told that it has ended, or its invocation is over. */
typedef struct heard {
    struct heard *next; /* of the same run */
    int64_t number;
    char key[];
} heard;

typedef struct heard_run {
    cleat__uuid id; /* the map's key */
    heard *first;
} heard_run;

typedef struct listening {
    cleat__durable_stream base; /* first */
    cleat__map runs;            /* from here on for the engine's thread only */
    size_t count;
} listening;

typedef struct asking {
    cleat__durable_asking base; /* first */
    cleat__uuid run_id;
    cleat__node node;
    heard *made;
} asking;

static const Cleat__V1__ListenForDurableEventRequest *message_of(const asking *it)
{
    return it->base.message;
}

static cleat_slice key_of(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

static void free_run(listening *self, heard_run *run)
{
    while (run->first != NULL) {
        heard *it = run->first;
        run->first = it->next;
        self->count--;
        cleat__free(it);
    }
    cleat__free(run);
}

static void listening_deinit(cleat__durable_stream *stream)
{
    listening *self = (listening *)stream;
    size_t cursor = 0;
    heard_run *run;
    while ((run = cleat__map_next(&self->runs, &cursor)) != NULL) {
        free_run(self, run);
    }
    cleat__map_deinit(&self->runs);
}

/* Nothing is told of its waits any more. */
static void forget(listening *self, const cleat__uuid *run_id)
{
    heard_run *run = cleat__map_remove(&self->runs, key_of(run_id));
    if (run != NULL) {
        free_run(self, run);
    }
}

/* NULL on no memory. */
static Cleat__V1__DurableEvent *event_new(const cleat__uuid *run_id, const char *key, const char *payload)
{
    Cleat__V1__DurableEvent *event = cleat__message_new(&cleat__v1__durable_event__descriptor);
    char id[37];
    bool failed = false;
    if (event == NULL) {
        return NULL;
    }
    cleat__uuid_format(run_id, id);
    event->task_id = cleat__message_string(&failed, id);
    event->signal_key = cleat__message_string(&failed, key);
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
                      const cleat__node_end *end)
{
    listening *self = listener;
    heard_run *run = cleat__map_get(&self->runs, key_of(run_id));
    (void)invocation_count;
    if (run == NULL || end->node.branch != CLEAT__BRANCH_OF_SIGNALS) {
        return;
    }
    heard **link = &run->first;
    while (*link != NULL && (*link)->number != end->node.number) {
        link = &(*link)->next;
    }
    heard *it = *link;
    if (it == NULL) {
        return;
    }
    *link = it->next;
    self->count--;
    if (run->first == NULL) {
        forget(self, run_id);
    }
    const char *payload = end->payload != NULL ? end->payload : "{}";
    cleat__durable_stream_put(&self->base, cleat__durable_pack(event_new(run_id, it->key, payload)));
    cleat__free(it);
}

static void ended(void *listener, const cleat__uuid *run_id)
{
    forget(listener, run_id);
}

/* This form knows no invocations. */
static void evicted(void *listener, const cleat__uuid *run_id, int32_t invocation_count, const char *reason)
{
    (void)invocation_count, (void)reason;
    forget(listener, run_id);
}

static void asking_free(asking *it)
{
    cleat__free(it->made);
    cleat__durable_asking_free(&it->base);
}

/* NULL on no memory. */
static heard_run *find_or_make(listening *self, const cleat__uuid *id)
{
    heard_run *run = cleat__map_get(&self->runs, key_of(id));
    if (run != NULL) {
        return run;
    }
    run = cleat__calloc(1, sizeof(*run));
    if (run != NULL) {
        run->id = *id;
        if (cleat__map_put(&self->runs, key_of(&run->id), run) != CLEAT_OK) {
            cleat__free(run);
            return NULL;
        }
    }
    return run;
}

/* Takes what was made, unless it is there. */
static cleat_status keep(listening *self, asking *it)
{
    if (self->count >= HEARD_MAX) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "%d waits are listened to on this stream already",
                           HEARD_MAX);
    }
    heard_run *run = find_or_make(self, &it->run_id);
    if (run == NULL) {
        return cleat__fail_memory();
    }
    for (const heard *known = run->first; known != NULL; known = known->next) {
        if (known->number == it->made->number) {
            return CLEAT_OK;
        }
    }
    it->made->next = run->first;
    run->first = it->made;
    it->made = NULL;
    self->count++;
    return CLEAT_OK;
}

/* What has ended is told behind this. */
static void on_listened(cleat__command *command)
{
    asking *it = (asking *)command;
    listening *self = (listening *)it->base.stream;
    it->made->number = it->node.number;
    cleat_status status = command->status;
    if (status == CLEAT_OK) {
        status = keep(self, it);
        if (status != CLEAT_OK) {
            cleat__durable_stream_end(&self->base, status, cleat_error_message());
        }
    } else if (status != CLEAT_NOT_FOUND) {
        cleat__durable_stream_end(&self->base, status, command->error);
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
    it->run_id = *run_id;
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
        self->base.listener.ended = ended;
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
