/*
 * The Dispatcher's stream of results, SubscribeToWorkflowRuns: a client sends ids of runs and gets
 * each run's end, once. Every id becomes a WAIT of the engine's, a waiter.
 *
 * What does not fit into the stream's queue waits as an id in the list `later`, without the result, and is asked
 * for again when the client has taken what was sent. So a client that reads slowly costs
 * little memory, and loses nothing.
 *
 * References: the call's, until no callback runs any more, and each waiter's. A waiter that the engine has is freed
 * when that has answered it, or its STOP_WAITING.
 */
#include "service.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "wire/message.h"
#include "wire/run_result.h"

#include <stdatomic.h>

enum { AGAIN_AT_ONCE = 16 };

static const cleat_slice none = {NULL, 0};

struct stream;

/* A waiter is on the account with this; with it, its place in the map. */
#define WAITER_COST (sizeof(waiter) + 64)

typedef struct waiter {
    cleat__command wait; /* first */
    cleat__command stop; /* when the stream ends before the run */
    struct stream *stream;
    struct waiter *next; /* in `later` */
    struct {
        cleat__uuid id;
        uint8_t follow; /* a cleat__follow */
    } asked;            /* the map's key */
    cleat_run_result result;
    char *task_name;
    cleat__task_results tasks; /* of a run of several */
    bool is_stopping;          /* under the stream's mutex: `stop` frees it */
} waiter;

typedef struct stream {
    cleat__services *services;
    cleat__rpc_call *call;
    int64_t tenant;
    atomic_int references;
    pthread_mutex_t mutex; /* guards what follows */
    bool is_over;
    cleat__map waiters; /* by id */
    waiter *later;
} stream;

/* ---- Their life ---- */

static void release(stream *self)
{
    if (atomic_fetch_sub(&self->references, 1) == 1) {
        cleat__map_deinit(&self->waiters);
        pthread_mutex_destroy(&self->mutex);
        cleat__free(self);
    }
}

static void waiter_clear(waiter *it)
{
    cleat_run_result_deinit(&it->result);
    cleat__free(it->task_name);
    it->task_name = NULL;
    cleat__task_results_deinit(&it->tasks);
    it->tasks.is_too_large = false;
    cleat__free(it->wait.error);
    it->wait.error = NULL;
}

static void waiter_free(waiter *it)
{
    stream *owner = it->stream;
    waiter_clear(it);
    cleat__free(it->stop.error);
    cleat__free(it);
    release(owner);
}

static cleat_slice key_of(const waiter *it)
{
    return (cleat_slice){(const char *)&it->asked, sizeof(it->asked)};
}

/* The mutex is held. */
static void forget(stream *self, waiter *it)
{
    cleat__map_remove(&self->waiters, key_of(it));
    cleat__rpc_discharge(self->call, WAITER_COST);
}

/* ---- The end ---- */

static void on_stopped(cleat__command *command)
{
    waiter_free((waiter *)((char *)command - offsetof(waiter, stop)));
}

static void stop(waiter *it)
{
    it->stop.kind = CLEAT__COMMAND_STOP_WAITING;
    it->stop.tenant = it->stream->tenant;
    it->stop.done = on_stopped;
    it->stop.as.stop_waiting = &it->wait;
    cleat__engine_submit(it->stream->services->engine, &it->stop);
}

/* True for the first who asks: it ends the call. */
static bool begin_end(stream *self)
{
    pthread_mutex_lock(&self->mutex);
    bool is_first = !self->is_over;
    self->is_over = true;
    while (is_first && self->later != NULL) { /* the engine does not have these */
        waiter *it = self->later;
        self->later = it->next;
        forget(self, it);
        pthread_mutex_unlock(&self->mutex);
        waiter_free(it);
        pthread_mutex_lock(&self->mutex);
    }
    pthread_mutex_unlock(&self->mutex);
    return is_first;
}

/* No callback runs any more, so the engine has, or had, every waiter that is left. They are taken in one pass,
 * as there may be very many. */
static void stop_all(stream *self)
{
    waiter *list = NULL, *it;
    size_t cursor = 0;
    pthread_mutex_lock(&self->mutex);
    while ((it = cleat__map_next(&self->waiters, &cursor)) != NULL) {
        it->is_stopping = true;
        it->next = list;
        list = it;
    }
    cleat__rpc_discharge(self->call, self->waiters.count * WAITER_COST);
    cleat__map_deinit(&self->waiters);
    pthread_mutex_unlock(&self->mutex);
    while (list != NULL) {
        it = list;
        list = it->next;
        stop(it);
    }
}

static void end(stream *self, cleat_status status, const char *text)
{
    if (begin_end(self)) {
        cleat__rpc_finish(self->call, status, text, none);
    }
}

static void on_half_closed(cleat__rpc_call *call, void *service)
{
    (void)service;
    end(cleat__rpc_call_data(call), CLEAT_OK, NULL);
}

static void on_cancelled(cleat__rpc_call *call, void *service)
{
    (void)service;
    end(cleat__rpc_call_data(call), CLEAT_CANCELLED, NULL);
}

static void on_ended(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    if (self != NULL) {
        stop_all(self);
        release(self);
    }
    cleat__services_leave(service);
}

/* ---- Waiting ---- */

/* Which run was asked for, and which it is. */
static cleat_status say_which(const waiter *it, Cleat__WorkflowRunEvent *event)
{
    bool failed = false;
    char asked[37];
    if (it->asked.follow == CLEAT__FOLLOW_NOT) {
        return CLEAT_OK;
    }
    cleat__uuid_format(&it->asked.id, asked);
    event->cleat_follow = it->asked.follow;
    event->cleat_ended_run_id = event->workflow_run_id;
    event->workflow_run_id = cleat__message_string(&failed, asked);
    return failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status send_result(waiter *it)
{
    bool has_tasks = it->tasks.count != 0 || it->tasks.is_too_large;
    int64_t now_ms = cleat__service_now_ms();
    Cleat__WorkflowRunEvent *event =
        has_tasks ? cleat__run_results_write(&it->result, &it->tasks, now_ms)
                  : cleat__run_result_write(&it->result, cleat_slice_of(it->task_name), now_ms);
    cleat_status status = event != NULL ? say_which(it, event) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__rpc_send(it->stream->call, &event->base);
    }
    cleat__message_free(event);
    return status;
}

/* What is done with a waiter whose run has ended, or was not found. The mutex is held. */
static cleat_status settle(stream *self, waiter *it, bool *is_free)
{
    bool has_ended = it->wait.status == CLEAT_OK;
    cleat_status status = has_ended ? send_result(it) : it->wait.status;
    *is_free = status != CLEAT_RESOURCE_EXHAUSTED || !has_ended;
    if (*is_free) {
        forget(self, it);
    } else {
        waiter_clear(it);
        it->next = self->later;
        self->later = it;
    }
    bool is_answered = status == CLEAT_OK || status == CLEAT_NOT_FOUND || !*is_free;
    return is_answered ? CLEAT_OK : status; /* of runs that are not there nothing is ever said */
}

static void on_waited(cleat__command *command)
{
    waiter *it = (waiter *)command;
    stream *self = it->stream;
    bool is_free = false;
    cleat_status status = CLEAT_OK;
    pthread_mutex_lock(&self->mutex);
    if (!it->is_stopping && !self->is_over) {
        status = settle(self, it, &is_free);
    } else if (!it->is_stopping) { /* stop_all() will not find it */
        forget(self, it);
        is_free = true;
    }
    pthread_mutex_unlock(&self->mutex);
    if (status != CLEAT_OK) {
        end(self, CLEAT_UNAVAILABLE, it->wait.error != NULL ? it->wait.error : cleat_error_message());
    }
    if (is_free) {
        waiter_free(it);
    }
}

static void ask(waiter *it)
{
    it->result = (cleat_run_result){.status = CLEAT_RUN_QUEUED};
    it->wait = (cleat__command){.kind = CLEAT__COMMAND_WAIT, .tenant = it->stream->tenant, .done = on_waited};
    it->wait.as.wait.id = it->asked.id;
    it->wait.as.wait.follow = (cleat__follow)it->asked.follow;
    it->wait.as.wait.result = &it->result;
    it->wait.as.wait.task_name = &it->task_name;
    it->wait.as.wait.tasks = &it->tasks;
    cleat__uuid_format(&it->asked.id, it->result.id.text);
    cleat__engine_submit(it->stream->services->engine, &it->wait);
}

/* The client has taken all: some of what did not fit may now. */
static void on_drained(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    (void)service;
    for (int i = 0; i < AGAIN_AT_ONCE; i++) {
        pthread_mutex_lock(&self->mutex);
        waiter *it = self->later;
        if (it != NULL) {
            self->later = it->next;
        }
        pthread_mutex_unlock(&self->mutex);
        if (it == NULL) {
            return;
        }
        ask(it);
    }
}

/* ---- What the client sends ---- */

static void on_open(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__calloc(1, sizeof(*self));
    cleat__services_enter(service);
    if (self == NULL) {
        cleat__rpc_fail(call, cleat__fail_memory());
        return;
    }
    pthread_mutex_init(&self->mutex, NULL);
    atomic_init(&self->references, 1);
    self->services = service;
    self->call = call;
    self->tenant = cleat__rpc_call_identity(call)->tenant;
    cleat__rpc_call_set_data(call, self);
}

/* The mutex is held. NULL: it waits for that run already, or `*status` says why not. */
static waiter *add_waiter(stream *self, const cleat__uuid *id, cleat__follow follow, cleat_status *status)
{
    const waiter same = {.asked = {*id, (uint8_t)follow}};
    *status = CLEAT_OK;
    if (cleat__map_get(&self->waiters, key_of(&same)) != NULL) {
        return NULL;
    }
    if (cleat__rpc_is_short(self->call)) {
        *status = cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "the server has no memory for more waits");
        return NULL;
    }
    waiter *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        *status = cleat__fail_memory();
        return NULL;
    }
    it->asked = same.asked;
    it->stream = self;
    *status = cleat__map_put(&self->waiters, key_of(it), it);
    if (*status != CLEAT_OK) {
        cleat__free(it);
        return NULL;
    }
    cleat__rpc_charge(self->call, WAITER_COST);
    atomic_fetch_add(&self->references, 1);
    return it;
}

static void handle_subscribe(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__SubscribeToWorkflowRunsRequest *asked =
        (const Cleat__SubscribeToWorkflowRunsRequest *)request;
    stream *self = cleat__rpc_call_data(call);
    cleat__uuid id;
    (void)service;
    if (cleat__uuid_parse(cleat_slice_of(asked->workflow_run_id), &id) != CLEAT_OK) {
        return; /* as the protocol has it */
    }
    cleat__follow follow = cleat__follow_read(asked->cleat_follow);
    waiter *added = NULL;
    cleat_status status = CLEAT_OK;
    pthread_mutex_lock(&self->mutex);
    if (!self->is_over) {
        added = add_waiter(self, &id, follow, &status);
    }
    pthread_mutex_unlock(&self->mutex);
    if (status != CLEAT_OK) {
        end(self, status, cleat_error_message());
    } else if (added != NULL) {
        ask(added);
    }
}

cleat__rpc_service cleat__service_results(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/Dispatcher/SubscribeToWorkflowRuns",
         .kind = CLEAT__RPC_BIDI_STREAM,
         .request = &cleat__subscribe_to_workflow_runs_request__descriptor,
         .open = on_open,
         .handle = handle_subscribe,
         .half_closed = on_half_closed,
         .drained = on_drained,
         .cancelled = on_cancelled,
         .ended = on_ended},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
