/*
 * The Dispatcher's stream of happenings, SubscribeToWorkflowEvents: of one run, or of those whose metadata
 * has a key with a value. Each call becomes a watch of the engine's (WATCH, UNWATCH).
 *
 * An id that was told is in the file, so a run that is not there will never be: nobody is made to wait for
 * it. What comes faster than the client reads waits, behind the stream's queue, up to UNREAD_MAX; then it loses
 * the stream, since what is streamed is not kept, and ends of runs are told again by SubscribeToWorkflowRuns. The
 * status is UNAVAILABLE, since any other ends the programs of SDKs; that it is no outage, which a new stream
 * would mend, the trailer's TOO_SLOW says.
 *
 * A watcher is freed when no callback of its call runs any more and the engine does not have it: whichever
 * comes last, in on_ended(), on_watched() or on_unwatched().
 */
#include "service.h"
#include "unread.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/heap.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/message.h"
#include "wire/timestamp.h"

#define TOO_SLOW "cleat-too-slow"

static const cleat_slice none = {NULL, 0};

typedef struct watcher {
    cleat__command command; /* first: WATCH, then UNWATCH */
    cleat__command more;    /* WATCH_ON */
    cleat__watch watch;
    void *request; /* owned; the watch refers to it */
    cleat__services *services;
    cleat__rpc_call *call;
    pthread_mutex_t mutex; /* guards what follows */
    enum { ASKING, WATCHING, LEFT } state;
    cleat__unread_list unread;
    bool is_over;      /* the call has been ended */
    bool is_gone;      /* and no callback runs any more */
    bool was_refused;  /* stored chunks wait at the engine for room here */
    bool is_asking;    /* `more` is on its way */
    bool is_unwatched; /* but for that it would be freed */
} watcher;

/* What fits, when the call is not over; the mutex is held. CLEAT_EMPTY: that was the last there will be. */
static cleat_status send_waiting(watcher *self)
{
    return self->is_over ? CLEAT_OK : cleat__unread_send(&self->unread, self->call);
}

/* ---- The end ---- */

static void watcher_free(watcher *self)
{
    cleat__services *services = self->services;
    pthread_mutex_destroy(&self->mutex);
    cleat__message_free(self->request);
    cleat__free(self->command.error);
    cleat__free(self);
    cleat__services_leave(services);
}

static void on_unwatched(cleat__command *command)
{
    watcher *self = (watcher *)command;
    pthread_mutex_lock(&self->mutex);
    bool is_asking = self->is_asking;
    self->is_unwatched = true;
    pthread_mutex_unlock(&self->mutex);
    if (!is_asking) {
        watcher_free(self);
    }
}

static void leave(watcher *self)
{
    self->command.kind = CLEAT__COMMAND_UNWATCH;
    self->command.done = on_unwatched;
    cleat__engine_submit(self->services->engine, &self->command);
}

/* The first who asks ends the call. */
static void end(watcher *self, cleat_status status, const char *text)
{
    pthread_mutex_lock(&self->mutex);
    bool is_first = !self->is_over;
    self->is_over = true;
    cleat__unread_drop_all(&self->unread, self->call);
    pthread_mutex_unlock(&self->mutex);
    if (is_first) {
        cleat__rpc_finish(self->call, status, text, none);
    }
}

/* Of sending. */
static void conclude(watcher *self, cleat_status status)
{
    if (status == CLEAT_EMPTY) {
        end(self, CLEAT_OK, NULL);
    } else if (status != CLEAT_OK) {
        end(self, CLEAT_UNAVAILABLE, cleat_error_message());
    }
}

/* The mutex is held. Whether stored chunks are to be asked for: there is room for them again. */
static bool wants_more(watcher *self)
{
    bool wants = self->was_refused && !self->is_asking && self->state == WATCHING && !self->is_over &&
                 self->unread.first == NULL;
    self->is_asking = self->is_asking || wants;
    self->was_refused = self->was_refused && !wants;
    return wants;
}

static void ask_for_more(watcher *self)
{
    cleat__engine_submit(self->services->engine, &self->more);
}

static void on_asked(cleat__command *command)
{
    watcher *self = CLEAT__CONTAINER(command, watcher, more);
    cleat__free(command->error);
    command->error = NULL;
    pthread_mutex_lock(&self->mutex);
    self->is_asking = false;
    bool is_unwatched = self->is_unwatched;
    bool wants = !is_unwatched && wants_more(self); /* it was filled and has drained again meanwhile */
    pthread_mutex_unlock(&self->mutex);
    if (is_unwatched) {
        watcher_free(self);
    } else if (wants) {
        ask_for_more(self);
    }
}

static void on_drained(cleat__rpc_call *call, void *service)
{
    watcher *self = cleat__rpc_call_data(call);
    (void)service;
    pthread_mutex_lock(&self->mutex);
    cleat_status status = send_waiting(self);
    bool wants = status == CLEAT_OK && wants_more(self);
    pthread_mutex_unlock(&self->mutex);
    if (wants) {
        ask_for_more(self);
    }
    conclude(self, status);
}

static void on_cancelled(cleat__rpc_call *call, void *service)
{
    (void)service;
    end(cleat__rpc_call_data(call), CLEAT_CANCELLED, NULL);
}

static void on_ended(cleat__rpc_call *call, void *service)
{
    watcher *self = cleat__rpc_call_data(call);
    (void)service;
    if (self == NULL) {
        return;
    }
    pthread_mutex_lock(&self->mutex);
    self->is_gone = self->is_over = true;
    cleat__unread_drop_all(&self->unread, self->call); /* nobody holds the call any more who could append */
    bool is_free = self->state == LEFT, is_watching = self->state == WATCHING;
    self->state = is_watching ? LEFT : self->state;
    pthread_mutex_unlock(&self->mutex);
    if (is_watching) {
        leave(self);
    } else if (is_free) {
        watcher_free(self);
    }
}

/* ---- What happens ---- */

static Cleat__ResourceEventType type_of(const cleat__happening *happening)
{
    switch (happening->kind) {
    case CLEAT__HAPPENING_STARTED: return CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STARTED;
    case CLEAT__HAPPENING_COMPLETED: return CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_COMPLETED;
    case CLEAT__HAPPENING_FAILED: return CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_FAILED;
    case CLEAT__HAPPENING_CANCELLED: return CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_CANCELLED;
    case CLEAT__HAPPENING_TIMED_OUT: return CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_TIMED_OUT;
    default: return CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STREAM;
    }
}

/* Of a task it is told which attempt of how many. */
static void describe_attempt(Cleat__WorkflowEvent *event, const cleat__happening *happening)
{
    event->has_task_retries_case = CLEAT__WORKFLOW_EVENT__HAS_TASK_RETRIES_TASK_RETRIES;
    event->task_retries = happening->retries;
    event->has_retry_count_case = CLEAT__WORKFLOW_EVENT__HAS_RETRY_COUNT_RETRY_COUNT;
    event->retry_count = happening->retry_count;
    if (happening->event_index >= 0) {
        event->has_event_index_case = CLEAT__WORKFLOW_EVENT__HAS_EVENT_INDEX_EVENT_INDEX;
        event->event_index = happening->event_index;
    }
}

/* NULL on no memory. */
static Cleat__WorkflowEvent *event_new(const cleat__happening *happening)
{
    Cleat__WorkflowEvent *event = cleat__message_new(&cleat__workflow_event__descriptor);
    char run[37], task[37];
    bool failed = false;
    if (event == NULL) {
        return NULL;
    }
    cleat__uuid_format(&happening->run_id, run);
    cleat__uuid_format(&happening->task_id, task);
    event->workflow_run_id = cleat__message_string(&failed, run);
    event->resource_id = cleat__message_string(&failed, happening->is_of_run ? run : task);
    event->resource_type = happening->is_of_run ? CLEAT__RESOURCE_TYPE__RESOURCE_TYPE_WORKFLOW_RUN
                                                : CLEAT__RESOURCE_TYPE__RESOURCE_TYPE_STEP_RUN;
    event->event_type = type_of(happening);
    event->event_timestamp = cleat__timestamp_new(&failed, happening->at_ms);
    event->event_payload = cleat__message_text(&failed, happening->payload);
    event->hangup = happening->hangup;
    event->cleat_is_stored = happening->is_stored;
    if (!happening->is_of_run) {
        describe_attempt(event, happening);
    }
    if (failed) {
        cleat__message_free(event);
        return NULL;
    }
    return event;
}

static cleat__unread *pack(const cleat__happening *happening)
{
    Cleat__WorkflowEvent *event = event_new(happening);
    cleat__unread *it = event != NULL ? cleat__unread_new(&event->base) : NULL;
    if (it != NULL) {
        it->is_last = happening->hangup;
    }
    cleat__message_free(event);
    return it;
}

/* NULL on no memory. */
static cleat__unread *unread_new(const cleat__rpc_call *call, const cleat__happening *happening)
{
    cleat__unread *it = pack(happening);
    if (it != NULL && it->size > cleat__rpc_largest(call)) { /* that it happened matters more */
        cleat__happening without = *happening;
        without.payload = none;
        cleat__free(it);
        it = pack(&without);
    }
    return it;
}

static void put(watcher *self, cleat__rpc_call *call, cleat__unread *it)
{
    pthread_mutex_lock(&self->mutex);
    cleat__unread_append(&self->unread, call, it);
    cleat_status status = send_waiting(self);
    cleat_status slowness = status == CLEAT_OK ? cleat__unread_check(&self->unread, call) : CLEAT_OK;
    pthread_mutex_unlock(&self->mutex);
    if (slowness != CLEAT_OK) {
        cleat__rpc_mark(call, TOO_SLOW);
        status = slowness;
    }
    conclude(self, status);
}

/* On the engine's thread. */
static void tell(void *argument, const cleat__happening *happening)
{
    watcher *self = argument;
    pthread_mutex_lock(&self->mutex);
    cleat__rpc_call *call = self->is_over ? NULL : cleat__rpc_hold(self->call);
    pthread_mutex_unlock(&self->mutex);
    if (call == NULL) {
        return;
    }
    if (happening->kind == CLEAT__HAPPENING_LOST) { /* SDKs come back after this one */
        end(self, CLEAT_UNAVAILABLE, "the engine cannot say what happens any more");
        cleat__rpc_release(call);
        return;
    }
    cleat__unread *it = unread_new(call, happening);
    if (it != NULL) {
        put(self, call, it);
    } else {
        conclude(self, cleat__fail_memory());
    }
    cleat__rpc_release(call);
}

/* What is stored can wait: no more of it is taken than the call's queue, and one piece that did not fit. */
static bool has_room(void *argument)
{
    watcher *self = argument;
    pthread_mutex_lock(&self->mutex);
    bool has = self->is_over || self->unread.first == NULL;
    self->was_refused = self->was_refused || !has;
    pthread_mutex_unlock(&self->mutex);
    return has;
}

/* ---- The beginning ---- */

static void on_watched(cleat__command *command)
{
    watcher *self = (watcher *)command;
    cleat_status status = command->status;
    pthread_mutex_lock(&self->mutex);
    bool is_gone = self->is_gone;
    self->state = status == CLEAT_OK && !is_gone ? WATCHING : LEFT;
    bool is_first = status != CLEAT_OK && !self->is_over;
    cleat__rpc_call *call = status == CLEAT_OK && !self->is_over ? cleat__rpc_hold(self->call) : NULL;
    self->is_over = self->is_over || is_first;
    pthread_mutex_unlock(&self->mutex);
    if (call != NULL) { /* the client sees that it looks from now on */
        cleat__rpc_accept(call);
        cleat__rpc_release(call); /* it may be freed now */
        return;
    }
    if (is_first) { /* from here on it may be freed. CLEAT_EMPTY: the run has ended, and so does this */
        cleat__rpc_finish(self->call, status == CLEAT_EMPTY ? CLEAT_OK : status, command->error, none);
    } else if (is_gone && status == CLEAT_OK) {
        leave(self);
    } else if (is_gone) {
        watcher_free(self);
    }
}

static cleat_status read_request(const Cleat__SubscribeToWorkflowEventsRequest *asked, cleat__watch *watch)
{
    if (asked->has_workflow_run_id_case != 0) {
        if (cleat__uuid_parse(cleat_slice_of(asked->workflow_run_id), &watch->run_id) != CLEAT_OK ||
            cleat__uuid_is_nil(&watch->run_id)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "workflow_run_id \"%.64s\" is no UUID",
                               asked->workflow_run_id);
        }
        return CLEAT_OK;
    }
    if (asked->has_additional_meta_key_case == 0 || asked->additional_meta_key[0] == '\0' ||
        asked->has_additional_meta_value_case == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "give either workflow_run_id, or additional_meta_key and "
                                                   "additional_meta_value");
    }
    watch->key = cleat_slice_of(asked->additional_meta_key);
    watch->value = cleat_slice_of(asked->additional_meta_value);
    return CLEAT_OK;
}

static void handle_subscribe(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__SubscribeToWorkflowEventsRequest *asked =
        (const Cleat__SubscribeToWorkflowEventsRequest *)request;
    cleat__watch watch = {.key = none};
    cleat_status status = read_request(asked, &watch);
    watcher *self = status == CLEAT_OK ? cleat__calloc(1, sizeof(*self)) : NULL;
    if (self == NULL) {
        cleat__rpc_fail(call, status != CLEAT_OK ? status : cleat__fail_memory());
        return;
    }
    pthread_mutex_init(&self->mutex, NULL);
    self->services = service;
    cleat__services_enter(service);
    self->call = call;
    self->request = cleat__rpc_take_request(call);
    self->watch = watch;
    self->watch.self = self;
    self->watch.tell = tell;
    self->watch.has_room = has_room;
    self->more.kind = CLEAT__COMMAND_WATCH_ON;
    self->more.tenant = cleat__rpc_call_identity(call)->tenant;
    self->more.done = on_asked;
    self->more.as.watch = &self->watch;
    self->command.kind = CLEAT__COMMAND_WATCH;
    self->command.tenant = cleat__rpc_call_identity(call)->tenant;
    self->command.done = on_watched;
    self->command.as.watch = &self->watch;
    cleat__rpc_call_set_data(call, self);
    cleat__engine_submit(self->services->engine, &self->command);
}

cleat__rpc_service cleat__service_watch(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/Dispatcher/SubscribeToWorkflowEvents",
         .kind = CLEAT__RPC_SERVER_STREAM,
         .accepts_late = true,
         .request = &cleat__subscribe_to_workflow_events_request__descriptor,
         .handle = handle_subscribe,
         .drained = on_drained,
         .cancelled = on_cancelled,
         .ended = on_ended},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
