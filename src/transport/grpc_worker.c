#include "transport/grpc_assign.h"
#include "transport/grpc_batch.h"
#include "transport/grpc_register.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "grpc/call_status.h"
#include "grpc/library.h"
#include "transport/remote_http.h"
#include "wire/message.h"
#include "wire/timestamp.h"

#include <stdio.h>

enum { UNSUBSCRIBE_TIMEOUT_MS = 5000, REFUSALS_MAX = 10 };

static int64_t now_ms(void)
{
    return cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
}

static void listen_again(cleat__remote_worker *worker, int64_t delay_ms);
static void send_heartbeat(cleat__remote_worker *worker);
static void register_anew(cleat__remote_worker *worker);
static int64_t delay_after(cleat__remote_worker *worker);

/* ---- Registration again, when the server has forgotten the worker ---- */

static void on_registered(void *owner, cleat__call *call)
{
    cleat__remote_worker *worker = owner;
    cleat__link *link = worker->workers->link;
    cleat__buffer bytes = {0};
    cleat__uuid id;
    cleat_status status = CLEAT_UNAVAILABLE;
    worker->registration = NULL;
    if (call->code == GRPC_STATUS_OK && cleat__call_read(call, &bytes)) {
        Cleat__WorkerRegisterResponse *reply = cleat__message_unpack(
            &cleat__worker_register_response__descriptor, cleat__buffer_slice(&bytes), &status);
        status = reply != NULL ? cleat__remote_registration_read(reply, &id) : status;
        cleat__message_free(reply);
    }
    cleat__buffer_deinit(&bytes);
    if (status == CLEAT_OK) {
        cleat__uuid_format(&id, worker->current_id);
        cleat__remote_stream_renew(&worker->durable);
    } else {
        char text[CLEAT__CALL_TEXT];
        static cleat__log_site site;
        cleat__call_text(call, text);
        cleat__link_log(link, &site, CLEAT_LOG_WARN, "the server at %s does not register worker %s: %s %s",
                        link->settings.address, worker->name, cleat__grpc_code_name((int)call->code), text);
        worker->failures += worker->failures == 0;
    }
    /* A server that knows it, and does not, may go on so. */
    listen_again(worker, delay_after(worker));
}

static void register_anew(cleat__remote_worker *worker)
{
    cleat__link *link = worker->workers->link;
    cleat__buffer bytes = {0};
    if (worker->registration != NULL || worker->is_paused) {
        return;
    }
    cleat__call_abandon(worker->heartbeat); /* its answer would be about the worker that was */
    worker->heartbeat = NULL;
    static cleat__log_site site;
    cleat__link_log(worker->workers->link, &site, CLEAT_LOG_WARN,
                    "the server at %s does not know worker %s any more: it registers anew",
                    link->settings.address, worker->current_id);
    Cleat__WorkerRegisterRequest *request = cleat__remote_registration_write(worker);
    if (request != NULL && cleat__message_pack(request, &bytes) == CLEAT_OK) {
        worker->registration = cleat__call_start(link, "/Dispatcher/Register", cleat__buffer_slice(&bytes),
                                                 link->settings.call_timeout_ms, on_registered, worker);
    }
    if (worker->registration == NULL) {
        listen_again(worker, link->settings.reconnect_max_ms);
    }
    cleat__message_free(request);
    cleat__buffer_deinit(&bytes);
}

/* ---- The stream of actions ---- */

static void on_action(void *owner, cleat_slice bytes)
{
    cleat__remote_worker *worker = owner;
    cleat_status status;
    static cleat__log_site site;
    Cleat__AssignedAction *action =
        cleat__message_unpack(&cleat__assigned_action__descriptor, bytes, &status);
    worker->failures = worker->refusals = 0;
    if (action == NULL) {
        cleat__link_log(worker->workers->link, &site, CLEAT_LOG_WARN,
                        "the server at %s sends an action that is none: %s",
                        worker->workers->link->settings.address, cleat_error_message());
    } else if (action->action_type == CLEAT__ACTION_TYPE__START_STEP_RUN) {
        cleat__remote_start_run(worker, action);
    } else if (action->action_type == CLEAT__ACTION_TYPE__START_BATCH) {
        cleat__remote_start_batch(worker, action);
    } else if (action->action_type == CLEAT__ACTION_TYPE__CANCEL_STEP_RUN) {
        cleat__remote_cancel_run(worker, action);
    } else {
        cleat__link_log(worker->workers->link, &site, CLEAT_LOG_WARN,
                        "the server at %s sends an action of type %d, which is unknown",
                        worker->workers->link->settings.address, (int)action->action_type);
    }
    cleat__message_free(action);
}

/* At once after a stream that worked, else later and later. */
static int64_t delay_after(cleat__remote_worker *worker)
{
    const cleat__remote_settings *settings = &worker->workers->link->settings;
    if (cleat__clock_monotonic_ns(NULL) - worker->opened_ns >= CLEAT__GOOD_STREAM_NS) {
        worker->failures = 0;
    }
    unsigned failures = worker->failures;
    worker->failures += failures < 30;
    return failures == 0 ? 0
                         : cleat__link_back_off_ms(worker->workers->link, settings->reconnect_ms,
                                                   settings->reconnect_max_ms, failures - 1);
}

/* A token that was revoked does not come back: who keeps the worker must hear of it. */
static bool is_lost(cleat__remote_worker *worker, int code, const char *text)
{
    bool is_refused = code == GRPC_STATUS_UNAUTHENTICATED || code == GRPC_STATUS_PERMISSION_DENIED;
    worker->refusals = is_refused ? worker->refusals + 1 : 0;
    if (worker->refusals < REFUSALS_MAX) {
        return false;
    }
    worker->is_paused = worker->is_ended = true;
    (void)cleat__link_fail(worker->workers->link, code, text);
    cleat__link_log(worker->workers->link, NULL, CLEAT_LOG_ERROR, "worker %s gives up: %s",
                    worker->current_id, cleat_error_message());
    worker->sink.lost(worker->sink.self, CLEAT_UNAUTHENTICATED, cleat_error_message());
    return true;
}

static void on_stream_ended(void *owner, int code, const char *text)
{
    cleat__remote_worker *worker = owner;
    cleat__link *link = worker->workers->link;
    worker->stream = NULL;
    cleat__remote_gathering_end(worker); /* the rest of a batch comes by itself */
    if (worker->is_ended || link->is_closing || is_lost(worker, code, text)) {
        return;
    }
    if (code == GRPC_STATUS_NOT_FOUND) {
        register_anew(worker);
        return;
    }
    if (code == GRPC_STATUS_UNIMPLEMENTED && !worker->uses_first) {
        worker->uses_first = true;
        listen_again(worker, 0);
        return;
    }
    static cleat__log_site site;
    bool is_usual = code == GRPC_STATUS_OK || code == GRPC_STATUS_UNAVAILABLE;
    cleat__link_log(worker->workers->link, &site, is_usual ? CLEAT_LOG_INFO : CLEAT_LOG_WARN,
                    "worker %s lost its stream from the server at %s and opens it again: %s %s%s",
                    worker->current_id, link->settings.address, cleat__grpc_code_name(code), text,
                    cleat__grpc_is_too_large(code, text)
                        ? ": a run is larger than grpc_max_recv_message_length, and comes again"
                        : "");
    listen_again(worker, delay_after(worker));
}

static void listen_now(cleat__remote_worker *worker)
{
    static const cleat__rpc_stream_handler handler = {
        .may_repeat = true, .message = on_action, .ended = on_stream_ended};
    Cleat__WorkerListenRequest request = CLEAT__WORKER_LISTEN_REQUEST__INIT;
    cleat__buffer bytes = {0};
    request.worker_id = worker->current_id;
    request.has_max_message_size_case = CLEAT__WORKER_LISTEN_REQUEST__HAS_MAX_MESSAGE_SIZE_MAX_MESSAGE_SIZE;
    request.max_message_size = worker->workers->link->settings.max_receive_size;
    if (worker->stream == NULL && !worker->is_ended && cleat__message_pack(&request, &bytes) == CLEAT_OK) {
        worker->opened_ns = cleat__clock_monotonic_ns(NULL);
        worker->stream = cleat__rpc_stream_start(
            worker->workers->link, worker->uses_first ? "/Dispatcher/Listen" : "/Dispatcher/ListenV2",
            cleat__buffer_slice(&bytes), &handler, worker);
    }
    if (worker->stream == NULL && !worker->is_ended) {
        listen_again(worker, worker->workers->link->settings.reconnect_max_ms); /* no memory */
    }
    cleat__buffer_deinit(&bytes);
}

static void on_listen_timer(cleat__link_timer *self)
{
    listen_now(CLEAT__CONTAINER(self, cleat__remote_worker, listen_timer));
}

static void listen_again(cleat__remote_worker *worker, int64_t delay_ms)
{
    cleat__link_timer_set(worker->workers->link, &worker->listen_timer, cleat__deadline_ns(delay_ms));
}

/* ---- Heartbeats ---- */

static void on_heartbeat(void *owner, cleat__call *call)
{
    cleat__remote_worker *worker = owner;
    static cleat__log_site site;
    char text[CLEAT__CALL_TEXT];
    worker->heartbeat = NULL;
    cleat__call_text(call, text);
    switch ((int)call->code) {
    case GRPC_STATUS_OK: return;
    case GRPC_STATUS_UNIMPLEMENTED: worker->is_without_heartbeat = true; return;
    case GRPC_STATUS_NOT_FOUND:
        if (!worker->is_paused && !worker->workers->link->is_closing) {
            cleat__rpc_stream_abandon(worker->stream);
            worker->stream = NULL;
            register_anew(worker);
        }
        return;
    /* It listens no more, or not yet again. */
    case GRPC_STATUS_FAILED_PRECONDITION: return;
    default:
        cleat__link_log(worker->workers->link, &site, CLEAT_LOG_WARN,
                        "a heartbeat of worker %s did not reach the server at %s: %s %s", worker->current_id,
                        worker->workers->link->settings.address, cleat__grpc_code_name((int)call->code),
                        text);
    }
}

static void send_heartbeat(cleat__remote_worker *worker)
{
    cleat__link *link = worker->workers->link;
    bool failed = false;
    cleat__buffer bytes = {0};
    Cleat__HeartbeatRequest *request = cleat__message_new(&cleat__heartbeat_request__descriptor);
    if (request == NULL) {
        return;
    }
    request->worker_id = cleat__message_string(&failed, worker->current_id);
    request->heartbeat_at = cleat__timestamp_new(&failed, now_ms());
    if (!failed && cleat__message_pack(request, &bytes) == CLEAT_OK) {
        worker->heartbeat = cleat__call_start(link, "/Dispatcher/Heartbeat", cleat__buffer_slice(&bytes),
                                              link->settings.heartbeat_timeout_ms, on_heartbeat, worker);
    }
    cleat__buffer_deinit(&bytes);
    cleat__message_free(request);
}

static void on_heartbeat_timer(cleat__link_timer *self)
{
    cleat__remote_worker *worker = CLEAT__CONTAINER(self, cleat__remote_worker, heartbeat_timer);
    cleat__link *link = worker->workers->link;
    if (worker->heartbeat == NULL && worker->registration == NULL) {
        send_heartbeat(worker);
    }
    if (!worker->is_without_heartbeat) {
        cleat__link_timer_set(link, self, cleat__deadline_ns(link->settings.heartbeat_ms));
    }
}

/* ---- Life ---- */

static void free_worker(cleat__remote_worker *worker)
{
    for (size_t i = 0; worker->actions != NULL && i < worker->action_count; i++) {
        cleat__free(worker->actions[i]);
    }
    cleat__remote_gathering_deinit(worker);
    cleat__free(worker->actions);
    cleat__free(worker->own_offset);
    cleat__free(worker->slots);
    cleat__free(worker->labels);
    cleat__free(worker->name);
    cleat__free(worker);
}

static char *remote_name(const cleat__remote_workers *workers, cleat_slice name)
{
    cleat__buffer text = {0};
    cleat__remote_name(&workers->link->settings, name, &text);
    return cleat__buffer_take_string(&text);
}

static bool set_names(cleat__remote_worker *worker, cleat_slice name, const cleat_slice *actions,
                      size_t count)
{
    cleat__buffer text = {0};
    cleat__remote_key(&worker->workers->link->settings, name, &text);
    worker->name = cleat__buffer_take_string(&text);
    worker->actions = cleat__calloc(count, sizeof(*worker->actions));
    worker->own_offset = cleat__calloc(count, sizeof(*worker->own_offset));
    if (worker->name == NULL || worker->actions == NULL || worker->own_offset == NULL) {
        return false;
    }
    worker->action_count = count;
    for (size_t i = 0; i < count; i++) {
        worker->actions[i] = remote_name(worker->workers, actions[i]);
        if (worker->actions[i] == NULL) {
            return false;
        }
        worker->own_offset[i] = strlen(worker->actions[i]) - actions[i].size;
    }
    return true;
}

cleat_status cleat__remote_worker_add(cleat__remote_workers *workers, const cleat__worker_spec *spec,
                                      const cleat__transport_sink *sink, cleat__uuid *id)
{
    cleat__remote_worker *worker = cleat__calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return cleat__fail_memory();
    }
    worker->workers = workers;
    worker->sink = *sink;
    cleat__remote_stream_init(&worker->durable, worker);
    cleat__remote_gathering_init(worker);
    worker->listen_timer.run = on_listen_timer;
    worker->heartbeat_timer.run = on_heartbeat_timer;
    bool has_names = set_names(worker, spec->name, spec->actions, spec->action_count);
    cleat_status status = has_names ? cleat__remote_offer_init(worker, spec) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__remote_register(worker);
    }
    if (status != CLEAT_OK) {
        free_worker(worker);
        return status;
    }
    *id = worker->id;
    pthread_mutex_lock(&workers->link->mutex);
    worker->next = workers->first;
    workers->first = worker;
    listen_now(worker);
    cleat__link_timer_set(workers->link, &worker->heartbeat_timer, 0);
    pthread_mutex_unlock(&workers->link->mutex);
    return CLEAT_OK;
}

/* The pointer to it; to NULL, with a status, when there is none. */
static cleat__remote_worker **find(cleat__remote_workers *workers, const cleat__uuid *id,
                                   cleat_status *status)
{
    char text[37];
    cleat__remote_worker **at = &workers->first;
    while (*at != NULL && !cleat__uuid_equals(&(*at)->id, id)) {
        at = &(*at)->next;
    }
    cleat__uuid_format(id, text);
    *status = *at != NULL ? CLEAT_OK : cleat__fail(CLEAT_NOT_FOUND, "there is no worker %s", text);
    return at;
}

/* Without a stream the server gives it nothing. Heartbeats go on, for what it still runs. */
static void end_stream(cleat__remote_worker *worker)
{
    worker->is_paused = worker->is_ended = true;
    cleat__link_timer_unset(worker->workers->link, &worker->listen_timer);
    cleat__link_timer_unset(worker->workers->link, &worker->gathering.timer);
    cleat__rpc_stream_abandon(worker->stream);
    worker->stream = NULL;
    cleat__call_abandon(worker->registration);
    worker->registration = NULL;
}

/* Whether the server has said that it will give the worker nothing more. The mutex is not held. */
static bool tell_paused(const cleat__link *link, const char *current_id)
{
    char path[80];
    cleat__buffer reply = {0};
    cleat__remote_settings settings = link->settings; /* borrowed */
    settings.call_timeout_ms = settings.heartbeat_timeout_ms;
    settings.tracer = NULL; /* it belongs to nothing that the program does */
    snprintf(path, sizeof(path), "/api/v1/workers/%s", current_id);
    cleat_status status =
        cleat__remote_http(&settings, "PATCH", path, cleat_slice_of("{\"isPaused\":true}"), &reply);
    cleat__buffer_deinit(&reply);
    return status == CLEAT_OK;
}

/* It goes on listening where the server can be told, so that it hears of cancellations while it ends what it
 * runs. */
cleat_status cleat__remote_worker_pause(cleat__remote_workers *workers, const cleat__uuid *id)
{
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        return status;
    }
    char told_id[37] = "";
    pthread_mutex_lock(&workers->link->mutex);
    const cleat__remote_worker *found = *find(workers, id, &status);
    if (found != NULL) {
        memcpy(told_id, found->current_id, sizeof(told_id));
    }
    pthread_mutex_unlock(&workers->link->mutex);
    if (status != CLEAT_OK) {
        return status;
    }
    bool is_told = tell_paused(workers->link, told_id);
    pthread_mutex_lock(&workers->link->mutex);
    cleat__remote_worker *worker = *find(workers, id, &status);
    if (worker != NULL) {
        worker->is_paused = true;
        cleat__remote_gathering_end(worker);
    }
    if (worker != NULL && (!is_told || strcmp(worker->current_id, told_id) != 0)) {
        end_stream(worker);
    }
    pthread_mutex_unlock(&workers->link->mutex);
    return status;
}

/* ---- Labels ---- */

/* Kept for when it must register anew, and the id to be told about; the mutex is not held. */
static cleat_status keep_labels(cleat__remote_workers *workers, const cleat__uuid *id,
                                const cleat__label *labels, size_t count, char current_id[37])
{
    cleat_status status = CLEAT_OK;
    pthread_mutex_lock(&workers->link->mutex);
    cleat__remote_worker *worker = *find(workers, id, &status);
    cleat__labels *merged = NULL;
    if (worker != NULL) {
        merged = cleat__labels_merge(worker->labels, labels, count);
        status = merged != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    if (merged != NULL) {
        cleat__free(worker->labels);
        worker->labels = merged;
        memcpy(current_id, worker->current_id, sizeof(worker->current_id));
    }
    pthread_mutex_unlock(&workers->link->mutex);
    return status;
}

cleat_status cleat__remote_worker_label(cleat__remote_workers *workers, const cleat__uuid *id,
                                        const cleat__label *labels, size_t count)
{
    char current_id[37];
    cleat_status status = cleat__grpc_check_fork();
    if (status == CLEAT_OK) {
        status = cleat__labels_check(labels, count);
    }
    if (status == CLEAT_OK) {
        status = keep_labels(workers, id, labels, count, current_id);
    }
    return status == CLEAT_OK ? cleat__remote_send_labels(workers->link, current_id, labels, count) : status;
}

static void end_heartbeats(cleat__remote_worker *worker)
{
    cleat__link_timer_unset(worker->workers->link, &worker->heartbeat_timer);
    cleat__call_abandon(worker->heartbeat);
    worker->heartbeat = NULL;
}

static cleat_status unsubscribe(const cleat__remote_worker *worker)
{
    static const cleat__method method = {"/Dispatcher/Unsubscribe",
                                         &cleat__worker_unsubscribe_response__descriptor, true, NULL};
    Cleat__WorkerUnsubscribeRequest request = CLEAT__WORKER_UNSUBSCRIBE_REQUEST__INIT;
    void *reply = NULL;
    request.worker_id = (char *)(uintptr_t)worker->current_id;
    cleat_status status = cleat__link_call(worker->workers->link, &method, &request,
                                           cleat__deadline_ns(UNSUBSCRIBE_TIMEOUT_MS), &reply);
    cleat__message_free(reply);
    return status == CLEAT_NOT_FOUND ? CLEAT_OK : status; /* it is gone already */
}

cleat_status cleat__remote_worker_remove(cleat__remote_workers *workers, const cleat__uuid *id)
{
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        return status;
    }
    pthread_mutex_lock(&workers->link->mutex);
    cleat__remote_worker **at = find(workers, id, &status), *worker = *at;
    if (worker != NULL) {
        *at = worker->next;
        end_stream(worker);
        end_heartbeats(worker);
        cleat__remote_give_back(worker);
        cleat__remote_stream_close(&worker->durable);
        /* What it has done must be known before it is gone, or it would be done again. */
        int64_t deadline_ns = cleat__deadline_ns(workers->link->settings.flush_ms);
        (void)cleat__lane_flush(&workers->reports, deadline_ns);
        (void)cleat__lane_flush(&workers->batch_reports, deadline_ns);
    }
    pthread_mutex_unlock(&workers->link->mutex);
    if (worker != NULL) {
        status = unsubscribe(worker);
        free_worker(worker);
    }
    return status;
}

cleat_status cleat__remote_worker_heartbeat(cleat__remote_workers *workers, const cleat__uuid *id)
{
    cleat_status status = cleat__grpc_check_fork();
    if (status == CLEAT_OK) {
        pthread_mutex_lock(&workers->link->mutex);
        (void)find(workers, id, &status);
        pthread_mutex_unlock(&workers->link->mutex);
    }
    return status;
}

void cleat__remote_workers_deinit(cleat__remote_workers *workers)
{
    while (workers->first != NULL) {
        cleat__remote_worker *worker = workers->first;
        workers->first = worker->next;
        free_worker(worker);
    }
    cleat__lane_deinit(&workers->reports); /* whose messages refer to what is held */
    cleat__lane_deinit(&workers->batch_reports);
    cleat__lane_deinit(&workers->begins);
    cleat__lane_deinit(&workers->batch_begins);
    cleat__lane_deinit(&workers->logs);
    cleat__remote_held_deinit(workers);
    cleat__remote_durables_deinit(&workers->durables);
}
