#include "transport/grpc_watch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/heap.h"
#include "grpc/library.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/message.h"

/* Guarded by the link's mutex. */
typedef struct look {
    cleat__link *link;
    cleat__rpc_stream *stream;
    cleat__link_timer reconnect;
    unsigned failures;  /* in a row */
    bool has_begun;     /* something of the run was told that is not told again */
    int64_t next_index; /* of stored chunks, which are */
    cleat__stream_sink sink;
    bool is_over; /* the sink was told the end */
    char run_id[37];
} look;

static void end(look *it, cleat_status status, const char *text)
{
    if (!it->is_over) {
        it->is_over = true;
        it->sink.end(it->sink.self, status, text);
    }
}

static void take_chunk(look *it, cleat_slice chunk)
{
    it->sink.chunk(it->sink.self, chunk);
    if (it->sink.has_room != NULL && !it->sink.has_room(it->sink.self)) {
        cleat__rpc_stream_pause(it->stream);
    }
}

static void on_message(void *owner, cleat_slice bytes)
{
    static cleat__log_site site;
    look *it = owner;
    cleat_status status;
    Cleat__WorkflowEvent *event = cleat__message_unpack(&cleat__workflow_event__descriptor, bytes, &status);
    it->failures = 0;
    if (event == NULL) {
        it->has_begun = true;
        cleat__link_log(it->link, &site, CLEAT_LOG_WARN,
                        "the server at %s sends an event of a run that is none: %s",
                        it->link->settings.address, cleat_error_message());
        return;
    }
    bool is_chunk = event->event_type == CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STREAM;
    bool is_stored = is_chunk && event->cleat_is_stored != 0;
    it->has_begun = it->has_begun || !is_stored;
    if (is_chunk && !it->is_over && !(is_stored && event->event_index < it->next_index)) {
        it->next_index =
            is_stored && event->event_index < INT64_MAX ? event->event_index + 1 : it->next_index;
        take_chunk(it, cleat_slice_of(event->event_payload));
    }
    if (event->hangup) {
        end(it, CLEAT_EMPTY, "the run has ended");
    }
    cleat__message_free(event);
}

static void look_again(look *it)
{
    const cleat__remote_settings *settings = &it->link->settings;
    int64_t delay_ms =
        cleat__link_back_off_ms(it->link, settings->reconnect_ms, settings->reconnect_max_ms, it->failures);
    it->failures += it->failures < 30;
    cleat__link_timer_set(it->link, &it->reconnect, cleat__deadline_ns(delay_ms));
}

/* What was sent between two streams nobody tells, but what is stored: once the run has begun there may have been
 * something. */
static void on_ended(void *owner, int code, const char *text)
{
    look *it = owner;
    bool is_too_slow = cleat__rpc_stream_has_trailer(it->stream, "cleat-too-slow");
    it->stream = NULL;
    if (it->is_over) {
        return;
    }
    if (code == GRPC_STATUS_OK) {
        end(it, CLEAT_EMPTY, "the run has ended");
    } else if (is_too_slow) {
        end(it, CLEAT_RESOURCE_EXHAUSTED, "the stream is read too slowly: chunks were lost");
    } else if (code == GRPC_STATUS_UNAVAILABLE && !it->link->is_closing && !it->has_begun) {
        look_again(it);
    } else if (code == GRPC_STATUS_UNAVAILABLE && !it->link->is_closing) {
        cleat_status status =
            cleat__fail(CLEAT_UNAVAILABLE, "the stream from the server at %s broke (%s): chunks may be lost",
                        it->link->settings.address, text);
        end(it, status, cleat_error_message());
    } else {
        cleat_status status = cleat__link_fail(it->link, code, text);
        end(it, status, cleat_error_message());
    }
}

static cleat_status start(look *it)
{
    static const cleat__rpc_stream_handler handler = {.message = on_message, .ended = on_ended};
    Cleat__SubscribeToWorkflowEventsRequest request = CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__INIT;
    cleat__buffer bytes = {0};
    request.has_workflow_run_id_case =
        CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__HAS_WORKFLOW_RUN_ID_WORKFLOW_RUN_ID;
    request.workflow_run_id = it->run_id;
    cleat_status status = cleat__message_pack(&request, &bytes);
    if (status == CLEAT_OK) {
        it->stream = cleat__rpc_stream_start(it->link, "/Dispatcher/SubscribeToWorkflowEvents",
                                             cleat__buffer_slice(&bytes), &handler, it);
        if (it->stream == NULL) {
            status = it->link->is_closing ? cleat__fail(CLEAT_UNAVAILABLE, "the client is being freed")
                                          : cleat__fail_memory();
        }
    }
    cleat__buffer_deinit(&bytes);
    return status;
}

static void on_reconnect(cleat__link_timer *self)
{
    look *it = CLEAT__CONTAINER(self, look, reconnect);
    cleat_status status = start(it);
    if (status != CLEAT_OK) {
        end(it, status, cleat_error_message());
    }
}

cleat_status cleat__remote_watch(cleat__link *link, const cleat__uuid *run_id, const cleat__stream_sink *sink,
                                 void **out)
{
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        return status;
    }
    look *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        return cleat__fail_memory();
    }
    it->link = link;
    it->sink = *sink;
    it->reconnect.run = on_reconnect;
    cleat__uuid_format(run_id, it->run_id);
    pthread_mutex_lock(&link->mutex);
    status = start(it);
    pthread_mutex_unlock(&link->mutex);
    if (status != CLEAT_OK) {
        cleat__free(it);
        return status;
    }
    *out = it;
    return CLEAT_OK;
}

void cleat__remote_look_on(cleat__link *link, void *watch)
{
    look *it = watch;
    if (cleat__grpc_check_fork() != CLEAT_OK) {
        return;
    }
    pthread_mutex_lock(&link->mutex);
    if (it->stream != NULL) {
        cleat__rpc_stream_resume(it->stream);
    }
    pthread_mutex_unlock(&link->mutex);
}

void cleat__remote_unwatch(cleat__link *link, void *watch)
{
    look *it = watch;
    if (cleat__grpc_check_fork() != CLEAT_OK) {
        return; /* its thread is not here, and may have had the mutex */
    }
    pthread_mutex_lock(&link->mutex);
    cleat__link_timer_unset(link, &it->reconnect);
    cleat__rpc_stream_abandon(it->stream);
    pthread_mutex_unlock(&link->mutex);
    cleat__free(it);
}
