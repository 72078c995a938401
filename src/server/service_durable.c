/*
 * v1.V1Dispatcher.DurableTask: what the invocations of a worker's durable tasks ask of the engine, and what it tells
 * them. Each message becomes a command, an asking, whose answer is sent when the engine has stored what was asked
 * for; so a stream's answers come in the order of its requests. A request for `register_worker` changes nothing and
 * goes the same way: whoever has its answer knows that all before it is done.
 *
 * The stream is the engine's listener of the runs that it asks for: it is told how their nodes end, after the
 * answers of the same commit. What comes faster than the worker reads waits (unread.h); then it loses the
 * stream, and asks again for what it waits for.
 *
 * What fails is answered with an error that names task and invocation, whoever asks; a stale invocation is
 * told that it is over. Only what names no invocation ends the stream.
 *
 * Each asking holds the call, so `ended` comes behind the last answer. Then the engine gives the listener up
 * (DURABLE_DETACH), and the stream is freed.
 */
#include "service.h"
#include "unread.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/durable_write.h"
#include "wire/message.h"

static const cleat_slice none = {NULL, 0};

typedef Cleat__V1__DurableTaskResponse response;

typedef struct stream {
    cleat__command command; /* first: the last one */
    cleat__durable_listener listener;
    cleat__services *services;
    cleat__rpc_call *call;
    size_t largest;
    pthread_mutex_t mutex; /* guards what follows */
    cleat__unread_list unread;
    size_t pending; /* requests that are not answered */
    bool is_half_closed;
    bool is_over; /* the call has been ended */
} stream;

typedef struct asking {
    cleat__command command; /* first */
    stream *stream;
    Cleat__V1__DurableTaskRequest *message; /* owned; `asked` refers to it */
    size_t charged;
    cleat__durable_asked asked;
    cleat__durable_waiting *waiting; /* of worker_status */
} asking;

/* ---- The end ---- */

static void end(stream *self, cleat_status status, const char *text)
{
    pthread_mutex_lock(&self->mutex);
    bool is_first = !self->is_over;
    self->is_over = true;
    if (is_first) {
        cleat__unread_drop_all(&self->unread, self->call);
    }
    pthread_mutex_unlock(&self->mutex);
    if (is_first) {
        cleat__rpc_finish(self->call, status, text, none);
    }
}

/* The peer asks nothing more, and has every answer. */
static void end_if_done(stream *self)
{
    pthread_mutex_lock(&self->mutex);
    bool is_done = self->is_half_closed && self->pending == 0 && self->unread.first == NULL;
    pthread_mutex_unlock(&self->mutex);
    if (is_done) {
        end(self, CLEAT_OK, NULL);
    }
}

static void on_half_closed(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    (void)service;
    pthread_mutex_lock(&self->mutex);
    self->is_half_closed = true;
    pthread_mutex_unlock(&self->mutex);
    end_if_done(self);
}

static void on_cancelled(cleat__rpc_call *call, void *service)
{
    (void)service;
    end(cleat__rpc_call_data(call), CLEAT_CANCELLED, NULL);
}

static void on_detached(cleat__command *command)
{
    stream *self = (stream *)command;
    cleat__services *services = self->services;
    pthread_mutex_destroy(&self->mutex);
    cleat__free(command->error);
    cleat__free(self);
    cleat__services_leave(services);
}

static void on_ended(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    if (self == NULL) {
        cleat__services_leave(service);
        return;
    }
    self->command.kind = CLEAT__COMMAND_DURABLE_DETACH;
    self->command.done = on_detached;
    self->command.as.durable_listener = &self->listener;
    cleat__engine_submit(self->services->engine, &self->command);
}

/* ---- Sending ---- */

static void on_drained(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    (void)service;
    pthread_mutex_lock(&self->mutex);
    cleat_status status = self->is_over ? CLEAT_OK : cleat__unread_send(&self->unread, self->call);
    pthread_mutex_unlock(&self->mutex);
    if (status != CLEAT_OK) {
        end(self, CLEAT_UNAVAILABLE, cleat_error_message());
    } else {
        end_if_done(self);
    }
}

/* NULL on no memory. Takes the message. */
static cleat__unread *pack(response *message)
{
    cleat__unread *it = message != NULL ? cleat__unread_new(&message->base) : NULL;
    cleat__message_free(message);
    return it;
}

/* Takes it; NULL: there was no memory. Of a call that is over nothing is touched. */
static void put(stream *self, cleat__unread *it)
{
    if (it == NULL) {
        end(self, CLEAT_UNAVAILABLE, cleat_status_text(CLEAT_NO_MEMORY));
        return;
    }
    pthread_mutex_lock(&self->mutex);
    cleat_status status = CLEAT_OK;
    if (self->is_over) {
        cleat__free(it);
    } else {
        cleat__unread_append(&self->unread, self->call, it);
        status = cleat__unread_send(&self->unread, self->call);
        status = status == CLEAT_OK ? cleat__unread_check(&self->unread, self->call) : status;
    }
    pthread_mutex_unlock(&self->mutex);
    if (status != CLEAT_OK) {
        end(self, CLEAT_UNAVAILABLE, cleat_error_message());
    }
}

/* ---- What the engine tells ---- */

static void completed(void *listener, const cleat__uuid *run_id, int32_t invocation_count,
                      const cleat__node_end *completion)
{
    static char too_large[] = "what it has put out is too large to be sent to a worker";
    stream *self = listener;
    cleat__unread *it = pack(cleat__durable_completed_write(run_id, invocation_count, completion));
    if (it != NULL && it->size > self->largest) { /* it has ended all the same */
        cleat__node_end without = {
            .node = completion->node, .order = completion->order, .is_failure = true, .error = too_large};
        cleat__free(it);
        it = pack(cleat__durable_completed_write(run_id, invocation_count, &without));
    }
    put(self, it);
}

static void evicted(void *listener, const cleat__uuid *run_id, int32_t invocation_count, const char *reason)
{
    char id[37];
    cleat__uuid_format(run_id, id);
    put(listener, pack(cleat__durable_evict_write(id, invocation_count, reason)));
}

/* ---- Askings ---- */

static void asking_free(asking *it)
{
    stream *self = it->stream;
    cleat__rpc_call *call = self->call;
    pthread_mutex_lock(&self->mutex);
    self->pending--;
    pthread_mutex_unlock(&self->mutex);
    end_if_done(self);
    cleat__durable_asked_end(&it->asked);
    cleat__message_free(it->message);
    cleat__rpc_discharge(call, it->charged);
    cleat__free(it->waiting);
    cleat__free(it->command.error);
    cleat__free(it);
    cleat__rpc_release(call); /* the stream may be freed now */
}

/* Takes the message of a call, in its handler. NULL on no memory. */
static asking *asking_new(stream *self)
{
    asking *it = cleat__calloc(1, sizeof(*it));
    size_t size = 0;
    if (it == NULL) {
        return NULL;
    }
    it->message = cleat__rpc_take_message(self->call, &size);
    it->charged = size + sizeof(*it);
    cleat__rpc_charge(self->call, sizeof(*it));
    it->stream = self;
    it->command.tenant = self->command.tenant;
    it->asked.task_id = "";
    cleat__rpc_hold(self->call);
    pthread_mutex_lock(&self->mutex);
    self->pending++;
    pthread_mutex_unlock(&self->mutex);
    return it;
}

static void submit(asking *it, cleat__command_kind kind, void (*done)(cleat__command *command))
{
    it->command.kind = kind;
    it->command.done = done;
    cleat__engine_submit(it->stream->services->engine, &it->command);
}

/* ---- What an invocation asks ---- */

static void answer_error(const asking *it, cleat_status status, const char *text)
{
    put(it->stream, pack(cleat__durable_error_write(&it->asked, status, text)));
}

/* A memo that had its value says it in the answer, and as a node that has ended. */
static void answer_done(const asking *it)
{
    stream *self = it->stream;
    bool has_value = it->asked.request.kind == CLEAT__DURABLE_MEMO && it->asked.request.as.memo.existed &&
                     it->asked.request.as.memo.value != NULL;
    cleat__unread *answer = pack(cleat__durable_answer_write(&it->asked));
    if (answer != NULL && answer->size > self->largest) {
        cleat__free(answer);
        answer_error(it, CLEAT_TOO_LARGE, "the memo's value is too large to be sent to a worker");
        return;
    }
    put(self, answer);
    if (has_value) {
        put(self, pack(cleat__durable_memo_write(&it->asked)));
    }
}

static void on_asked(cleat__command *command)
{
    asking *it = (asking *)command;
    cleat_status status = command->status;
    const char *text = command->error != NULL ? command->error : cleat_status_text(status);
    bool is_over = status == CLEAT_CANCELLED; /* the invocation; nothing is left to be evicted then */
    if (status == CLEAT_OK || (is_over && it->asked.request.kind == CLEAT__DURABLE_EVICT)) {
        answer_done(it);
    } else if (is_over) {
        put(it->stream,
            pack(cleat__durable_evict_write(it->asked.task_id, it->asked.invocation_count, text)));
    } else if (status == CLEAT_UNAVAILABLE) { /* the engine closes: another one may know better */
        end(it->stream, status, text);
    } else {
        answer_error(it, status, text);
    }
    asking_free(it);
}

static void ask(asking *it)
{
    cleat_status status = cleat__durable_asked_read(it->message, &it->asked);
    const cleat__durable_request *request = &it->asked.request;
    bool is_known = status != CLEAT_EMPTY;
    if (is_known && status != CLEAT_OK) {
        answer_error(it, status, cleat_error_message());
        asking_free(it);
        return;
    }
    if (!is_known) {
        end(it->stream, CLEAT_UNSUPPORTED, "the server does not know requests of that kind");
        asking_free(it);
        return;
    }
    if (request->kind == CLEAT__DURABLE_COMPLETE_MEMO && request->as.complete_memo.payload.data == NULL) {
        answer_done(it); /* with nothing: it is worked out again */
        asking_free(it);
        return;
    }
    it->command.as.durable.run_id = it->asked.run_id;
    it->command.as.durable.invocation_count = it->asked.invocation_count;
    it->command.as.durable.requests = &it->asked.request;
    it->command.as.durable.count = 1;
    it->command.as.durable.listener = &it->stream->listener;
    submit(it, CLEAT__COMMAND_DURABLE, on_asked);
}

/* ---- What a worker says ---- */

static void on_registered(cleat__command *command)
{
    asking *it = (asking *)command;
    if (command->status == CLEAT_OK) {
        put(it->stream, pack(cleat__durable_register_write(it->message->register_worker->worker_id)));
    } else {
        end(it->stream, command->status, command->error);
    }
    asking_free(it);
}

static void on_told(cleat__command *command)
{
    asking *it = (asking *)command;
    if (command->status != CLEAT_OK) {
        end(it->stream, command->status, command->error);
    }
    asking_free(it);
}

static void tell_status(asking *it, void (*done)(cleat__command *command), size_t count)
{
    it->command.as.durable_status.items = it->waiting;
    it->command.as.durable_status.count = count;
    it->command.as.durable_status.listener = &it->stream->listener;
    submit(it, CLEAT__COMMAND_DURABLE_STATUS, done);
}

/* The id is only said again: what a stream may ask for, its token says. */
static void register_worker(asking *it)
{
    const char *text = it->message->register_worker->worker_id;
    cleat__uuid id;
    if (cleat__uuid_parse(cleat_slice_of(text), &id) == CLEAT_OK) {
        tell_status(it, on_registered, 0);
        return;
    }
    (void)cleat__fail(CLEAT_INVALID_ARGUMENT, "worker_id \"%.64s\" is no UUID", text);
    end(it->stream, CLEAT_INVALID_ARGUMENT, cleat_error_message());
    asking_free(it);
}

/* What names no task cannot wait for anything. */
static void tell_waiting(asking *it)
{
    const Cleat__V1__DurableTaskWorkerStatusRequest *asked = it->message->worker_status;
    size_t size = asked->n_waiting_entries * sizeof(*it->waiting), count = 0;
    it->waiting = cleat__malloc(size != 0 ? size : 1);
    if (it->waiting == NULL) {
        end(it->stream, CLEAT_UNAVAILABLE, cleat_status_text(CLEAT_NO_MEMORY));
        asking_free(it);
        return;
    }
    it->charged += size;
    cleat__rpc_charge(it->stream->call, size);
    for (size_t i = 0; i < asked->n_waiting_entries; i++) {
        const Cleat__V1__DurableTaskAwaitedCompletedEntry *entry = asked->waiting_entries[i];
        cleat__durable_waiting *to = &it->waiting[count];
        if (cleat__uuid_parse(cleat_slice_of(entry->durable_task_external_id), &to->run_id) == CLEAT_OK) {
            to->invocation_count = entry->invocation_count;
            to->node = (cleat__node){entry->branch_id, entry->node_id};
            count++;
        }
    }
    tell_status(it, on_told, count);
}

static void handle_message(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    (void)request, (void)service;
    asking *it = asking_new(self);
    if (it == NULL) {
        end(self, CLEAT_UNAVAILABLE, cleat_status_text(CLEAT_NO_MEMORY));
        return;
    }
    switch ((int)it->message->message_case) {
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_REGISTER_WORKER: register_worker(it); break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_WORKER_STATUS: tell_waiting(it); break;
    default: ask(it); break;
    }
}

static void on_open(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__calloc(1, sizeof(*self));
    cleat__services_enter(service);
    if (self == NULL) {
        cleat__rpc_fail(call, cleat__fail_memory());
        return;
    }
    pthread_mutex_init(&self->mutex, NULL);
    self->listener = (cleat__durable_listener){self, completed, evicted};
    self->services = service;
    self->call = call;
    self->largest = cleat__rpc_largest(call);
    self->command.tenant = cleat__rpc_call_identity(call)->tenant;
    cleat__rpc_call_set_data(call, self);
}

cleat__rpc_service cleat__service_durable(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/v1.V1Dispatcher/DurableTask",
         .kind = CLEAT__RPC_BIDI_STREAM,
         .request = &cleat__v1__durable_task_request__descriptor,
         .open = on_open,
         .handle = handle_message,
         .half_closed = on_half_closed,
         .drained = on_drained,
         .cancelled = on_cancelled,
         .ended = on_ended},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
