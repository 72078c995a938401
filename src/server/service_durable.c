/*
 * v1.V1Dispatcher.DurableTask: what the invocations of a worker's durable tasks ask of the engine, and what it tells
 * them. Each message becomes a command, an asking, whose answer is sent when the engine has stored what was asked
 * for; so a stream's answers come in the order of its requests.
 *
 * The engine tells how nodes end, behind the answers of the same commit. A request for `register_worker` changes
 * nothing, and its answer comes behind that: whoever has it knows that all before it is done, and has been told.
 *
 * What fails is answered with an error that names task and invocation, whoever asks; a stale invocation is
 * told that it is over. Only what names no invocation ends the stream.
 */
#include "service_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/durable_write.h"
#include "wire/message.h"

typedef cleat__durable_stream stream;

typedef struct asking {
    cleat__durable_asking base;      /* first */
    cleat__durable_asked asked;      /* refers to its message */
    cleat__durable_waiting *waiting; /* of worker_status */
    cleat__uuid awaited; /* of register_worker: the run that a worker_status before it has named */
    bool is_known;       /* and to the engine: what it tells of that step has been told */
} asking;

/* ---- What the engine tells ---- */

static void completed(void *listener, const cleat__uuid *run_id, int32_t invocation_count,
                      const cleat__node_end *end)
{
    static char too_large[] = "what it has put out is too large to be sent to a worker";
    stream *self = listener;
    cleat__unread *it = cleat__durable_pack(cleat__durable_completed_write(run_id, invocation_count, end));
    if (it != NULL && it->size > self->largest) { /* it has ended all the same */
        cleat__node_end without = {
            .node = end->node, .order = end->order, .is_failure = true, .error = too_large};
        cleat__free(it);
        it = cleat__durable_pack(cleat__durable_completed_write(run_id, invocation_count, &without));
    }
    cleat__durable_stream_put(self, it);
}

static void evicted(void *listener, const cleat__uuid *run_id, int32_t invocation_count, const char *reason)
{
    char id[37];
    cleat__uuid_format(run_id, id);
    cleat__durable_stream_put(listener,
                              cleat__durable_pack(cleat__durable_evict_write(id, invocation_count, reason)));
}

/* ---- Askings ---- */

static void asking_free(asking *it)
{
    cleat__durable_asked_end(&it->asked);
    cleat__free(it->waiting);
    cleat__durable_asking_free(&it->base);
}

static const Cleat__V1__DurableTaskRequest *message_of(const asking *it)
{
    return it->base.message;
}

/* ---- What an invocation asks ---- */

static void answer_error(const asking *it, cleat_status status, const char *text)
{
    cleat__durable_stream_put(it->base.stream,
                              cleat__durable_pack(cleat__durable_error_write(&it->asked, status, text)));
}

/* A memo that had its value says it in the answer, and as a node that has ended. */
static void answer_done(const asking *it)
{
    stream *self = it->base.stream;
    bool has_value = it->asked.request.kind == CLEAT__DURABLE_MEMO && it->asked.request.as.memo.existed &&
                     it->asked.request.as.memo.value != NULL;
    cleat__unread *answer = cleat__durable_pack(cleat__durable_answer_write(&it->asked));
    if (answer != NULL && answer->size > self->largest) {
        cleat__free(answer);
        answer_error(it, CLEAT_TOO_LARGE, "the memo's value is too large to be sent to a worker");
        return;
    }
    cleat__durable_stream_put(self, answer);
    if (has_value) {
        cleat__durable_stream_put(self, cleat__durable_pack(cleat__durable_memo_write(&it->asked)));
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
        cleat__durable_stream_put(it->base.stream, cleat__durable_pack(cleat__durable_evict_write(
                                                       it->asked.task_id, it->asked.invocation_count, text)));
    } else if (status == CLEAT_UNAVAILABLE) { /* the engine closes: another one may know better */
        cleat__durable_stream_end(it->base.stream, status, text);
    } else {
        answer_error(it, status, text);
    }
    asking_free(it);
}

static void ask(asking *it)
{
    cleat_status status = cleat__durable_asked_read(message_of(it), &it->asked);
    const cleat__durable_request *request = &it->asked.request;
    bool is_known = status != CLEAT_EMPTY;
    if (is_known && status != CLEAT_OK) {
        answer_error(it, status, cleat_error_message());
        asking_free(it);
        return;
    }
    if (!is_known) {
        cleat__durable_stream_end(it->base.stream, CLEAT_UNSUPPORTED,
                                  "the server does not know requests of that kind");
        asking_free(it);
        return;
    }
    if (request->kind == CLEAT__DURABLE_COMPLETE_MEMO && request->as.complete_memo.payload.data == NULL) {
        answer_done(it); /* with nothing: it is worked out again */
        asking_free(it);
        return;
    }
    it->base.command.as.durable.run_id = it->asked.run_id;
    it->base.command.as.durable.invocation_count = it->asked.invocation_count;
    it->base.command.as.durable.requests = &it->asked.request;
    it->base.command.as.durable.count = 1;
    it->base.command.as.durable.listener = &it->base.stream->listener;
    cleat__durable_asking_submit(&it->base, CLEAT__COMMAND_DURABLE, on_asked);
}

/* ---- What a worker says ---- */

/* The answer of a step comes before what the step tells, and some of that may be late. */
static void on_registered(cleat__command *command)
{
    asking *it = (asking *)command;
    cleat__lateness late = command->status == CLEAT_OK ? command->as.durable_status.late : CLEAT__LATE_NOT;
    bool was_known = it->is_known || command->status != CLEAT_OK;
    it->is_known = late == CLEAT__LATE_NOT;
    if (late == CLEAT__LATE_PARKED) {
        cleat__durable_asking_park(&it->base);
        return;
    }
    if (!was_known || !it->is_known) {
        cleat__durable_asking_repeat(&it->base);
        return;
    }
    if (command->status == CLEAT_OK) {
        cleat__durable_stream_put(it->base.stream, cleat__durable_pack(cleat__durable_register_write(
                                                       message_of(it)->register_worker->worker_id)));
    } else {
        cleat__durable_stream_end(it->base.stream, command->status, command->error);
    }
    asking_free(it);
}

static void on_told(cleat__command *command)
{
    asking *it = (asking *)command;
    if (command->status != CLEAT_OK) {
        cleat__durable_stream_end(it->base.stream, command->status, command->error);
    }
    asking_free(it);
}

static void tell_status(asking *it, void (*done)(cleat__command *command), size_t count)
{
    it->base.command.as.durable_status.items = it->waiting;
    it->base.command.as.durable_status.count = count;
    it->base.command.as.durable_status.listener = &it->base.stream->listener;
    cleat__durable_asking_submit(&it->base, CLEAT__COMMAND_DURABLE_STATUS, done);
}

/* The id is only said again: what a stream may ask for, its token says. */
static void register_worker(asking *it)
{
    const char *text = message_of(it)->register_worker->worker_id;
    cleat__uuid id;
    if (cleat__uuid_parse(cleat_slice_of(text), &id) == CLEAT_OK) {
        it->awaited = it->base.stream->awaited;
        it->base.command.as.durable_status.run_id = &it->awaited;
        tell_status(it, on_registered, 0);
        return;
    }
    (void)cleat__fail(CLEAT_INVALID_ARGUMENT, "worker_id \"%.64s\" is no UUID", text);
    cleat__durable_stream_end(it->base.stream, CLEAT_INVALID_ARGUMENT, cleat_error_message());
    asking_free(it);
}

/* What names no task cannot wait for anything. */
static void tell_waiting(asking *it)
{
    const Cleat__V1__DurableTaskWorkerStatusRequest *asked = message_of(it)->worker_status;
    size_t size = asked->n_waiting_entries * sizeof(*it->waiting), count = 0;
    it->waiting = cleat__malloc(size != 0 ? size : 1);
    if (it->waiting == NULL) {
        cleat__durable_stream_end(it->base.stream, CLEAT_UNAVAILABLE, cleat_status_text(CLEAT_NO_MEMORY));
        asking_free(it);
        return;
    }
    it->base.charged += size;
    cleat__rpc_charge(it->base.stream->call, size);
    for (size_t i = 0; i < asked->n_waiting_entries; i++) {
        const Cleat__V1__DurableTaskAwaitedCompletedEntry *entry = asked->waiting_entries[i];
        cleat__durable_waiting *to = &it->waiting[count];
        if (cleat__uuid_parse(cleat_slice_of(entry->durable_task_external_id), &to->run_id) == CLEAT_OK) {
            to->invocation_count = entry->invocation_count;
            to->node = (cleat__node){entry->branch_id, entry->node_id};
            it->base.stream->awaited = to->run_id;
            count++;
        }
    }
    tell_status(it, on_told, count);
}

static void handle_message(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    asking *it = cleat__durable_asking_new(cleat__rpc_call_data(call), sizeof(*it));
    (void)request, (void)service;
    if (it == NULL) {
        return;
    }
    it->asked.task_id = "";
    switch ((int)message_of(it)->message_case) {
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_REGISTER_WORKER: register_worker(it); break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_WORKER_STATUS: tell_waiting(it); break;
    default: ask(it); break;
    }
}

static void on_open(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__durable_stream_new(call, service, sizeof(*self));
    if (self != NULL) {
        self->listener.completed = completed;
        self->listener.evicted = evicted;
    }
}

cleat__rpc_service cleat__service_durable(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/v1.V1Dispatcher/DurableTask",
         .kind = CLEAT__RPC_BIDI_STREAM,
         .request = &cleat__v1__durable_task_request__descriptor,
         .open = on_open,
         .handle = handle_message,
         .half_closed = cleat__durable_on_half_closed,
         .drained = cleat__durable_on_drained,
         .cancelled = cleat__durable_on_cancelled,
         .ended = cleat__durable_on_ended},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
