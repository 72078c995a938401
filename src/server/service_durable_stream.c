#include "service_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/heap.h"
#include "wire/message.h"

static const cleat_slice none = {NULL, 0};

typedef cleat__durable_stream stream;

/* ---- The end ---- */

static void cancel(cleat__durable_asking *it)
{
    it->command.status = CLEAT_CANCELLED;
    it->command.done(&it->command);
}

static void cancel_all(cleat__durable_asking *it)
{
    while (it != NULL) {
        cleat__durable_asking *next = it->next;
        cancel(it);
        it = next;
    }
}

/* True for the first who asks: it ends the call, then cancels those that were parked, which have held it. */
static bool begin_end(stream *self, cleat__durable_asking **parked)
{
    pthread_mutex_lock(&self->mutex);
    *parked = self->parked;
    self->parked = NULL;
    bool is_first = !self->is_over;
    self->is_over = true;
    if (is_first) {
        cleat__unread_drop_all(&self->unread, self->call);
    }
    pthread_mutex_unlock(&self->mutex);
    return is_first;
}

void cleat__durable_stream_end(stream *self, cleat_status status, const char *text)
{
    cleat__durable_asking *parked;
    if (begin_end(self, &parked)) {
        cleat__rpc_finish(self->call, status, text, none);
        cancel_all(parked);
    }
}

/* The peer asks nothing more, and has every answer. */
static void end_if_done(stream *self)
{
    pthread_mutex_lock(&self->mutex);
    bool is_done = self->is_half_closed && self->pending == 0 && self->unread.first == NULL;
    pthread_mutex_unlock(&self->mutex);
    if (is_done) {
        cleat__durable_stream_end(self, CLEAT_OK, NULL);
    }
}

void cleat__durable_on_half_closed(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    (void)service;
    pthread_mutex_lock(&self->mutex);
    self->is_half_closed = true;
    pthread_mutex_unlock(&self->mutex);
    end_if_done(self);
}

void cleat__durable_on_cancelled(cleat__rpc_call *call, void *service)
{
    (void)service;
    cleat__durable_stream_end(cleat__rpc_call_data(call), CLEAT_CANCELLED, NULL);
}

static void on_detached(cleat__command *command)
{
    stream *self = (stream *)command;
    cleat__services *services = self->services;
    if (self->deinit != NULL) {
        self->deinit(self);
    }
    pthread_mutex_destroy(&self->mutex);
    cleat__free(command->error);
    cleat__free(self);
    cleat__services_leave(services);
}

void cleat__durable_on_ended(cleat__rpc_call *call, void *service)
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

/* What can wait is taken when all that came before is in the call's queue. */
static bool has_room(void *argument)
{
    stream *self = argument;
    pthread_mutex_lock(&self->mutex);
    bool has = self->is_over || self->unread.first == NULL;
    self->was_refused = self->was_refused || !has;
    pthread_mutex_unlock(&self->mutex);
    return has;
}

/* The mutex is held. */
static bool wants_more(stream *self)
{
    bool wants = self->was_refused && !self->asks_for_more && !self->is_over && self->unread.first == NULL;
    self->asks_for_more = self->asks_for_more || wants;
    self->was_refused = self->was_refused && !wants;
    return wants;
}

static void ask_for_more(stream *self)
{
    cleat__rpc_hold(self->call);
    cleat__engine_submit(self->services->engine, &self->more);
}

static void on_more(cleat__command *command)
{
    stream *self = CLEAT__CONTAINER(command, stream, more);
    cleat__rpc_call *call = self->call;
    cleat__free(command->error);
    command->error = NULL;
    pthread_mutex_lock(&self->mutex);
    self->asks_for_more = false;
    bool wants = wants_more(self); /* it was filled and has drained again meanwhile */
    cleat__durable_asking *parked = self->parked;
    self->parked = NULL;
    pthread_mutex_unlock(&self->mutex);
    while (parked != NULL) {
        cleat__durable_asking *next = parked->next;
        cleat__durable_asking_repeat(parked);
        parked = next;
    }
    if (wants) {
        ask_for_more(self);
    }
    cleat__rpc_release(call);
}

void cleat__durable_on_drained(cleat__rpc_call *call, void *service)
{
    stream *self = cleat__rpc_call_data(call);
    (void)service;
    pthread_mutex_lock(&self->mutex);
    cleat_status status = self->is_over ? CLEAT_OK : cleat__unread_send(&self->unread, self->call);
    bool wants = status == CLEAT_OK && wants_more(self);
    pthread_mutex_unlock(&self->mutex);
    if (wants) {
        ask_for_more(self);
    }
    if (status != CLEAT_OK) {
        cleat__durable_stream_end(self, CLEAT_UNAVAILABLE, cleat_error_message());
    } else {
        end_if_done(self);
    }
}

cleat__unread *cleat__durable_pack(void *message)
{
    cleat__unread *it = message != NULL ? cleat__unread_new(message) : NULL;
    cleat__message_free(message);
    return it;
}

/* Of a call that is over nothing is touched. */
void cleat__durable_stream_put(stream *self, cleat__unread *it)
{
    if (it == NULL) {
        cleat__durable_stream_end(self, CLEAT_UNAVAILABLE, cleat_status_text(CLEAT_NO_MEMORY));
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
    cleat__durable_asking *parked;
    if (status != CLEAT_OK &&
        begin_end(self, &parked)) { /* it would not read what is in the call's queue either */
        cleat__rpc_abort(self->call, CLEAT_UNAVAILABLE, cleat_error_message());
        cancel_all(parked);
    }
}

/* ---- Requests ---- */

void *cleat__durable_asking_new(stream *self, size_t size)
{
    cleat__durable_asking *it = cleat__calloc(1, size);
    size_t message_size = 0;
    if (it == NULL) {
        cleat__durable_stream_end(self, CLEAT_UNAVAILABLE, cleat_status_text(CLEAT_NO_MEMORY));
        return NULL;
    }
    it->message = cleat__rpc_take_message(self->call, &message_size);
    it->charged = message_size + size;
    cleat__rpc_charge(self->call, size);
    it->stream = self;
    it->command.tenant = self->command.tenant;
    cleat__rpc_hold(self->call);
    pthread_mutex_lock(&self->mutex);
    self->pending++;
    pthread_mutex_unlock(&self->mutex);
    return it;
}

void cleat__durable_asking_submit(cleat__durable_asking *it, cleat__command_kind kind,
                                  void (*done)(cleat__command *command))
{
    it->command.kind = kind;
    it->command.done = done;
    cleat__engine_submit(it->stream->services->engine, &it->command);
}

void cleat__durable_asking_repeat(cleat__durable_asking *it)
{
    cleat__free(it->command.error);
    it->command.error = NULL;
    cleat__engine_submit(it->stream->services->engine, &it->command);
}

void cleat__durable_asking_park(cleat__durable_asking *it)
{
    stream *self = it->stream;
    pthread_mutex_lock(&self->mutex);
    bool is_over = self->is_over;
    if (!is_over) {
        it->next = self->parked;
        self->parked = it;
    }
    pthread_mutex_unlock(&self->mutex);
    if (is_over) {
        cancel(it);
    }
}

void cleat__durable_asking_free(cleat__durable_asking *it)
{
    stream *self = it->stream;
    cleat__rpc_call *call = self->call;
    pthread_mutex_lock(&self->mutex);
    self->pending--;
    pthread_mutex_unlock(&self->mutex);
    end_if_done(self);
    cleat__message_free(it->message);
    cleat__rpc_discharge(call, it->charged);
    cleat__free(it->command.error);
    cleat__free(it);
    cleat__rpc_release(call);
}

/* ---- The beginning ---- */

void *cleat__durable_stream_new(cleat__rpc_call *call, void *service, size_t size)
{
    stream *self = cleat__calloc(1, size);
    cleat__services_enter(service);
    if (self == NULL) {
        cleat__rpc_fail(call, cleat__fail_memory());
        return NULL;
    }
    pthread_mutex_init(&self->mutex, NULL);
    self->listener.self = self;
    self->listener.has_room = has_room;
    self->more.kind = CLEAT__COMMAND_DURABLE_GO_ON;
    self->more.done = on_more;
    self->more.as.durable_listener = &self->listener;
    self->services = service;
    self->call = call;
    self->largest = cleat__rpc_largest(call);
    self->command.tenant = cleat__rpc_call_identity(call)->tenant;
    cleat__rpc_call_set_data(call, self);
    return self;
}
