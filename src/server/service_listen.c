/*
 * The Dispatcher's streams to workers, Listen and ListenV2, each a listener.
 *
 * It listens to the engine in a session (WORKER_LISTEN), whose sink puts what is to be told into an outbox,
 * on the engine's thread. When the stream ends, for whatever reason, the session is ended first
 * (WORKER_UNLISTEN), so that the sink is quiet; then what may not have arrived is given back to the
 * engine (UNDELIVERED), and another worker, or another stream, gets it.
 *
 * Of runs the engine hands over no more than the stream takes soon: it asks whether any wait, and is told
 * when none do any more (WORKER_HAS_ROOM). So a backlog of large runs stays in the file.
 *
 * A listener has these references: its session's, until the last of these commands is answered, that of
 * the word that there is room, until that is answered, and its call's, until no callback of that runs
 * any more. Whoever closes the outbox ends the call.
 */
#include "listeners.h"
#include "outbox.h"
#include "speakers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/thread.h"
#include "wire/assignment.h"
#include "wire/batch.h"
#include "wire/message.h"

#include <stdatomic.h>

/* A start that may not have arrived. */
typedef struct returned {
    cleat__command command; /* first */
    struct listener *owner;
} returned;

typedef struct listener {
    cleat__command command; /* first: one at a time */
    cleat__services *services;
    cleat__rpc_call *call;
    cleat__uuid worker_id;
    cleat__speaker *speaker;
    uint64_t session;
    char tenant[37];

    struct listener *next, *previous; /* of all; their mutex guards these */
    int references;

    pthread_mutex_t mutex; /* guards what follows */
    bool is_open;          /* LISTEN is answered */
    cleat__outbox outbox;
    cleat__command room; /* WORKER_HAS_ROOM */
    bool owes_room;      /* the engine knows that runs wait */
    bool tells_room;     /* `room` is on its way */
    /* When it is over. */
    returned *returned, one;
    size_t returned_count;
    atomic_size_t left; /* of these, without an answer; and one for who submits */
    bool takes_members; /* of batches one by one: Cleat's own workers do */
} listener;

struct cleat__listeners {
    pthread_mutex_t mutex;
    pthread_cond_t none_left;
    listener *first;
    size_t count;
    uint64_t sessions;
};

static const cleat_slice none = {NULL, 0};

/* ---- Their life ---- */

static listener *listener_new(cleat__services *services, cleat__rpc_call *call)
{
    cleat__listeners *all = services->listeners;
    listener *self = cleat__calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    pthread_mutex_init(&self->mutex, NULL);
    self->services = services;
    self->call = call;
    self->references = 2;
    self->command.tenant = cleat__rpc_call_identity(call)->tenant;
    cleat__uuid_format(&cleat__rpc_call_identity(call)->tenant_id, self->tenant);
    pthread_mutex_lock(&all->mutex);
    self->session = ++all->sessions;
    self->next = all->first;
    if (self->next != NULL) {
        self->next->previous = self;
    }
    all->first = self;
    all->count++;
    pthread_mutex_unlock(&all->mutex);
    return self;
}

/* Their mutex is held. */
static void delist(cleat__listeners *all, listener *self)
{
    if (self->next != NULL) {
        self->next->previous = self->previous;
    }
    if (self->previous != NULL) {
        self->previous->next = self->next;
    } else {
        all->first = self->next;
    }
    if (--all->count == 0) {
        pthread_cond_broadcast(&all->none_left);
    }
}

static void retain(listener *self)
{
    cleat__listeners *all = self->services->listeners;
    pthread_mutex_lock(&all->mutex);
    self->references++;
    pthread_mutex_unlock(&all->mutex);
}

static void release(listener *self)
{
    cleat__listeners *all = self->services->listeners;
    pthread_mutex_lock(&all->mutex);
    bool is_last = --self->references == 0;
    if (is_last) {
        delist(all, self);
        /* Before the mutex is free again: who waits for the last one goes on to free everything. */
        cleat__outbox_deinit(&self->outbox);
        pthread_mutex_destroy(&self->mutex);
        cleat__speaker_free(self->services, self->speaker);
        cleat__free(self->command.error);
        cleat__free(self);
    }
    pthread_mutex_unlock(&all->mutex);
}

/* ---- The end ---- */

static void submit(listener *self, cleat__command_kind kind, void (*done)(cleat__command *command))
{
    cleat__free(self->command.error);
    self->command.error = NULL;
    self->command.kind = kind;
    self->command.done = done;
    cleat__engine_submit(self->services->engine, &self->command);
}

/* What did not arrive goes back in groups, each in few commits: others wait for it. */
enum { GROUP = 500 };

static void give_back(listener *self);

static void count_down(listener *self)
{
    if (atomic_fetch_sub(&self->left, 1) != 1) {
        return;
    }
    bool is_closing = false;
    for (size_t i = 0; i < self->returned_count; i++) {
        is_closing = is_closing || self->returned[i].command.status == CLEAT_UNAVAILABLE; /* the engine */
        cleat__free(self->returned[i].command.error);
    }
    cleat__free(self->returned != &self->one ? self->returned : NULL);
    if (is_closing) {
        cleat__outbox_deinit(&self->outbox);
    }
    give_back(self);
}

static void on_given_back(cleat__command *command)
{
    count_down(((returned *)command)->owner);
}

static size_t take_back(listener *self, size_t room)
{
    size_t count = 0;
    cleat__command command = {
        .kind = CLEAT__COMMAND_UNDELIVERED, .tenant = self->command.tenant, .done = on_given_back};
    while (count < room && cleat__outbox_take_back(&self->outbox, &command.as.undelivered.id,
                                                   &command.as.undelivered.retry_count)) {
        self->returned[count++] = (returned){command, self};
    }
    return count;
}

/* The session is over, so nobody else adds anything. */
static void give_back(listener *self)
{
    returned *many = cleat__calloc(GROUP, sizeof(*many));
    self->returned = many != NULL ? many : &self->one;
    self->returned_count = take_back(self, many != NULL ? GROUP : 1);
    size_t count = self->returned_count;
    if (count == 0) {
        cleat__free(many);
        release(self);
        return;
    }
    atomic_store(&self->left, count + 1);
    for (size_t i = 0; i < count; i++) {
        cleat__engine_submit(self->services->engine, &self->returned[i].command);
    }
    count_down(self);
}

static void on_unlistened(cleat__command *command)
{
    give_back((listener *)command);
}

static void end_session(listener *self)
{
    self->command.as.listen.id = self->worker_id;
    self->command.as.listen.session = self->session;
    submit(self, CLEAT__COMMAND_WORKER_UNLISTEN, on_unlistened);
}

/* True for the first who asks: it ends the call, and the session if there is one to be ended. */
static bool begin_end(listener *self, bool *has_session)
{
    pthread_mutex_lock(&self->mutex);
    bool is_first = !self->outbox.is_closed;
    cleat__outbox_close(&self->outbox);
    *has_session = self->is_open;
    pthread_mutex_unlock(&self->mutex);
    return is_first;
}

static void abort_stream(listener *self, const char *text)
{
    bool has_session = false;
    if (begin_end(self, &has_session)) {
        cleat__rpc_abort(self->call, CLEAT_UNAVAILABLE, text);
        if (has_session) {
            end_session(self);
        }
    }
}

static void on_cancelled(cleat__rpc_call *call, void *service)
{
    listener *self = cleat__rpc_call_data(call);
    bool has_session = false;
    (void)service;
    if (begin_end(self, &has_session)) {
        cleat__rpc_finish(call, CLEAT_CANCELLED, NULL, none);
        if (has_session) {
            end_session(self);
        }
    }
}

/* ---- Room ---- */

/* The mutex is held. True: `room` must be submitted, with a reference. */
static bool take_room(listener *self)
{
    bool has_room =
        self->owes_room && !self->tells_room && !self->outbox.is_closed && self->outbox.waiting.first == NULL;
    if (has_room) {
        self->owes_room = false;
        self->tells_room = true;
    }
    return has_room;
}

static void on_room_told(cleat__command *command);

static void tell_room(listener *self)
{
    self->room = (cleat__command){
        .kind = CLEAT__COMMAND_WORKER_HAS_ROOM, .tenant = self->command.tenant, .done = on_room_told};
    self->room.as.listen.id = self->worker_id;
    self->room.as.listen.session = self->session;
    cleat__engine_submit(self->services->engine, &self->room);
}

static void on_room_told(cleat__command *command)
{
    listener *self = CLEAT__CONTAINER(command, listener, room);
    bool is_alive = command->status == CLEAT_OK; /* the worker, and the engine */
    cleat__free(command->error);
    pthread_mutex_lock(&self->mutex);
    self->tells_room = false;
    bool has_room = is_alive && take_room(self); /* it filled and emptied again meanwhile */
    pthread_mutex_unlock(&self->mutex);
    if (has_room) {
        tell_room(self);
    } else {
        release(self);
    }
}

/* What did not fit may now. */
static void on_drained(cleat__rpc_call *call, void *service)
{
    listener *self = cleat__rpc_call_data(call);
    (void)service;
    pthread_mutex_lock(&self->mutex);
    cleat_status status = cleat__outbox_send(&self->outbox);
    bool has_room = status == CLEAT_OK && take_room(self);
    pthread_mutex_unlock(&self->mutex);
    if (status != CLEAT_OK) {
        abort_stream(self, cleat_error_message());
    } else if (has_room) {
        retain(self);
        tell_room(self);
    }
}

static void on_ended(cleat__rpc_call *call, void *service)
{
    listener *self = cleat__rpc_call_data(call);
    (void)service;
    if (self != NULL) {
        release(self);
    }
}

/* ---- What the engine tells ---- */

/* The ids as texts, and what refers to them. */
typedef struct details {
    char workflow[37], version[37], step[37];
    cleat__action_details of;
} details;

static void describe(const listener *self, const cleat__uuid *workflow_id, const cleat__uuid *version_id,
                     const cleat__uuid *step_id, details *out)
{
    cleat__uuid_format(step_id, out->step);
    cleat__uuid_format(workflow_id, out->workflow);
    cleat__uuid_format(version_id, out->version);
    out->of = (cleat__action_details){
        .tenant_id = cleat_slice_of(self->tenant),
        .workflow_id = cleat_slice_of(out->workflow),
        .workflow_version_id = cleat_slice_of(out->version),
        .step_id = cleat_slice_of(out->step),
    };
}

static void on_refused(cleat__command *command)
{
    cleat__free(command->error);
    cleat__free(command);
}

/* No worker could be sent it. Without memory to say so it runs into its timeout. */
static void refuse_too_large(void *owner, const cleat__notice_out *notice)
{
    listener *self = owner;
    cleat__command *command = cleat__calloc(1, sizeof(*command));
    if (command == NULL) {
        return;
    }
    command->kind = CLEAT__COMMAND_REPORT;
    command->tenant = self->command.tenant;
    command->done = on_refused;
    command->as.report = (cleat__report){
        .task_id = notice->task_id,
        .retry_count = notice->retry_count,
        .status = CLEAT_NON_RETRYABLE,
        .error = cleat_slice_of("input, metadata and parents' outputs are too large to be sent to a worker"),
    };
    cleat__engine_submit(self->services->engine, command);
}

/* NULL when there was no memory for it: then only an attempt's timeout tells of it. */
static void tell(listener *self, cleat__notice_out *notice)
{
    if (notice == NULL) {
        abort_stream(self, cleat_status_text(CLEAT_NO_MEMORY));
        return;
    }
    pthread_mutex_lock(&self->mutex);
    cleat_status status = cleat__outbox_put(&self->outbox, notice);
    pthread_mutex_unlock(&self->mutex);
    if (status != CLEAT_OK) {
        abort_stream(self, cleat_error_message());
    }
}

/* Whether it goes in one action with those of its batch that follow. */
static bool is_of_batch(const listener *self, const cleat__assignment *assignment)
{
    return !self->takes_members && !cleat__uuid_is_nil(&assignment->batch_id);
}

static size_t count_together(const listener *self, const cleat__assignment *list)
{
    size_t count = 1;
    const cleat__assignment *one = is_of_batch(self, list) ? list->next : NULL;
    for (; one != NULL && cleat__uuid_equals(&one->batch_id, &list->batch_id); one = one->next) {
        count++;
    }
    return count;
}

static Cleat__AssignedAction *write_action(const listener *self, const cleat__assignment *list, size_t count)
{
    details about;
    describe(self, &list->workflow_id, &list->version_id, &list->step_id, &about);
    about.of.run_id = list->run_id;
    about.of.task_name = list->task_name;
    about.of.priority = list->priority;
    return is_of_batch(self, list) ? cleat__batch_write(list, count, &about.of)
                                   : cleat__assignment_write(list, &about.of);
}

static cleat__notice_out *new_notice(const listener *self, const cleat__assignment *list, size_t count)
{
    Cleat__AssignedAction *action = write_action(self, list, count);
    cleat__notice_out *notice =
        action != NULL ? cleat__notice_out_new(action, true, &list->task_id, list->retry_count) : NULL;
    cleat__message_free(action);
    const cleat__assignment *one = list->next;
    for (size_t i = 1; i < count && notice != NULL; i++, one = one->next) {
        if (!cleat__notice_out_add(notice, &one->task_id, one->retry_count)) {
            cleat__notice_out_free(notice);
            notice = NULL;
        }
    }
    return notice;
}

static void assign(void *sink, cleat__assignment *list)
{
    listener *self = sink;
    while (list != NULL) {
        size_t count = count_together(self, list);
        tell(self, new_notice(self, list, count));
        for (; count > 0; count--) {
            cleat__assignment *next = list->next;
            cleat__free(list);
            list = next;
        }
    }
}

/* If it does not arrive, the worker finds out when its report is ignored. */
static void cancel(void *sink, const cleat__cancellation *cancelled)
{
    const cleat__uuid *id = &cancelled->task_id;
    details about;
    describe(sink, &cancelled->workflow_id, &cancelled->version_id, &cancelled->step_id, &about);
    about.of.run_id = cancelled->run_id;
    about.of.task_name = cancelled->task_name;
    about.of.priority = cancelled->priority;
    about.of.invocation_count = cancelled->invocation_count;
    Cleat__AssignedAction *action =
        cleat__cancellation_write(id, cancelled->retry_count, cancelled->task, &about.of);
    tell(sink, action != NULL ? cleat__notice_out_new(action, false, id, cancelled->retry_count) : NULL);
    cleat__message_free(action);
}

/* Whether runs wait until the stream takes them; then the engine is owed a word. */
static bool is_full(void *sink)
{
    listener *self = sink;
    pthread_mutex_lock(&self->mutex);
    bool is_full = !self->outbox.is_closed && self->outbox.waiting.first != NULL;
    self->owes_room = is_full;
    pthread_mutex_unlock(&self->mutex);
    return is_full;
}

/* ---- The beginning ---- */

static void on_listening(cleat__command *command)
{
    listener *self = (listener *)command;
    bool is_listening = command->status == CLEAT_OK;
    pthread_mutex_lock(&self->mutex);
    bool was_over = self->outbox.is_closed;
    listener *former = is_listening ? command->as.listen.former : NULL;
    self->is_open = is_listening;
    if (!is_listening) {
        cleat__outbox_close(&self->outbox);
    }
    pthread_mutex_unlock(&self->mutex);
    if (!is_listening) {
        if (!was_over) {
            cleat__rpc_finish(self->call, command->status, command->error, none);
        }
        release(self);
    } else if (was_over) {
        end_session(self);
    }
    if (former != NULL) { /* its session's end is not answered yet: it is still there */
        abort_stream(former, "the worker listens on another stream");
    }
}

/* One that would take none of it says nothing of use. */
static size_t max_size_of(const Cleat__WorkerListenRequest *of)
{
    return of->has_max_message_size_case != 0 && of->max_message_size > 0 ? (size_t)of->max_message_size : 0;
}

static void begin(cleat__rpc_call *call, const Cleat__WorkerListenRequest *request, bool is_kept,
                  cleat__services *services)
{
    cleat__uuid id;
    if (cleat__uuid_parse(cleat_slice_of(request->worker_id), &id) != CLEAT_OK) {
        cleat__rpc_fail(
            call, cleat__fail(CLEAT_INVALID_ARGUMENT, "worker_id \"%.64s\" is no UUID", request->worker_id));
        return;
    }
    listener *self = listener_new(services, call);
    if (self == NULL) {
        cleat__rpc_fail(call, cleat__fail_memory());
        return;
    }
    self->speaker = cleat__speaker_new(services, call, &id);
    self->outbox = (cleat__outbox){.call = call, .refuse = refuse_too_large, .owner = self};
    self->outbox.max_size = max_size_of(request);
    self->command.as.listen.id = self->worker_id = id;
    self->command.as.listen.session = self->session;
    self->command.as.listen.is_kept = is_kept;
    self->command.as.listen.may_repeat = cleat__rpc_call_metadata(call, "cleat-may-repeat").size != 0;
    self->takes_members = request->has_max_message_size_case != 0;
    self->command.as.listen.sink = (cleat__worker_sink){.self = self, .assign = assign};
    self->command.as.listen.cancel = cancel;
    self->command.as.listen.is_full = is_full;
    cleat__rpc_call_set_data(call, self);
    submit(self, CLEAT__COMMAND_WORKER_LISTEN, on_listening);
}

/* The stream itself is the heartbeat. */
static void handle_listen(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    begin(call, (const Cleat__WorkerListenRequest *)request, true, service);
}

static void handle_listen_v2(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    begin(call, (const Cleat__WorkerListenRequest *)request, false, service);
}

cleat__rpc_service cleat__service_listen(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/Dispatcher/Listen",
         .kind = CLEAT__RPC_SERVER_STREAM,
         .request = &cleat__worker_listen_request__descriptor,
         .handle = handle_listen,
         .drained = on_drained,
         .cancelled = on_cancelled,
         .ended = on_ended},
        {.path = "/Dispatcher/ListenV2",
         .kind = CLEAT__RPC_SERVER_STREAM,
         .request = &cleat__worker_listen_request__descriptor,
         .handle = handle_listen_v2,
         .drained = on_drained,
         .cancelled = on_cancelled,
         .ended = on_ended},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}

/* ---- All of them ---- */

cleat_status cleat__listeners_new(cleat__listeners **out)
{
    cleat__listeners *all = cleat__calloc(1, sizeof(*all));
    *out = NULL;
    if (all == NULL) {
        return cleat__fail_memory();
    }
    pthread_mutex_init(&all->mutex, NULL);
    cleat__cond_init(&all->none_left);
    *out = all;
    return CLEAT_OK;
}

size_t cleat__listeners_count(cleat__listeners *listeners)
{
    pthread_mutex_lock(&listeners->mutex);
    size_t count = listeners->count;
    pthread_mutex_unlock(&listeners->mutex);
    return count;
}

void cleat__listeners_free(cleat__listeners *listeners)
{
    if (listeners == NULL) {
        return;
    }
    pthread_mutex_lock(&listeners->mutex);
    while (listeners->count != 0) {
        pthread_cond_wait(&listeners->none_left, &listeners->mutex);
    }
    pthread_mutex_unlock(&listeners->mutex);
    pthread_cond_destroy(&listeners->none_left);
    pthread_mutex_destroy(&listeners->mutex);
    cleat__free(listeners);
}
