/*
 * Chunks that a durable run stores, on their way to the server: a message at a time, each tried again where that
 * may help, since the same index again is ignored. A server that is not Cleat's gets each chunk by itself.
 */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "grpc/library.h"
#include "transport/grpc_call.h"
#include "wire/events.pb-c.h"
#include "wire/message.h"
#include "wire/timestamp.h"

#include <stdio.h>

/* Guarded by the link's mutex. */
typedef struct putting {
    cleat__link *link;
    cleat__remote_durables *durables;
    cleat__put_chunks *chunks;
    size_t sent;  /* of them, which have arrived */
    size_t count; /* in the message */
    cleat__buffer message;
    unsigned tries;
    cleat__link_timer retry;
} putting;

static bool fill(const putting *it, Cleat__PutStreamEventRequest *request, ProtobufCBinaryData *more)
{
    const cleat__put_chunks *chunks = it->chunks;
    bool failed = false;
    request->created_at = cleat__timestamp_new(&failed, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    request->has_event_index_case = CLEAT__PUT_STREAM_EVENT_REQUEST__HAS_EVENT_INDEX_EVENT_INDEX;
    request->event_index = chunks->first_index + (int64_t)it->sent;
    for (size_t i = 0; i < it->count; i++) {
        const cleat_slice chunk = chunks->items[it->sent + i];
        ProtobufCBinaryData data = {chunk.size, (uint8_t *)(uintptr_t)chunk.data};
        *(i == 0 ? &request->message : &more[i - 1]) = data;
    }
    request->cleat_invocation_count = it->link->is_cleat ? chunks->invocation_count : 0;
    request->cleat_more = more;
    request->n_cleat_more = it->count - 1;
    return !failed;
}

static cleat_status write(putting *it)
{
    Cleat__PutStreamEventRequest request = CLEAT__PUT_STREAM_EVENT_REQUEST__INIT;
    char id[37];
    it->count = it->link->is_cleat ? it->chunks->count - it->sent : 1;
    ProtobufCBinaryData *more = cleat__calloc(it->count, sizeof(*more));
    cleat__uuid_format(&it->chunks->run_id, id);
    request.task_run_external_id = id;
    cleat__buffer_clear(&it->message);
    cleat_status status = more != NULL && fill(it, &request, more) ? CLEAT_OK : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__message_pack(&request, &it->message);
    }
    cleat__message_free(request.created_at);
    cleat__free(more);
    return status;
}

static cleat_status start(putting *it);

/* What comes next goes the same way. */
static void conclude(putting *it, cleat_status status, const char *text)
{
    while ((it->chunks = it->chunks->done(it->chunks, status, text)) != NULL) {
        it->sent = 0;
        it->tries = 0;
        status = start(it);
        if (status == CLEAT_OK) {
            return;
        }
        text = cleat_error_message();
    }
    cleat__buffer_deinit(&it->message);
    cleat__free(it);
}

/* Of a server that stays away. Whoever writes can do nothing but fail, so its run is given back, as for all else that an
 * invocation asks for. */
static cleat_status give_up(const putting *it, cleat_status status)
{
    const cleat__uuid *id = &it->chunks->run_id;
    cleat__remote_invocation *invocation =
        cleat__remote_invocation_find(it->durables, id, cleat__remote_invocation_newest(it->durables, id));
    bool is_away = status == CLEAT_UNAVAILABLE || status == CLEAT_TIMEOUT;
    if (!is_away || !it->link->is_cleat || it->link->is_closing || invocation == NULL) {
        return status;
    }
    char text[CLEAT__CALL_TEXT];
    snprintf(text, sizeof(text), "%s", cleat_error_message());
    cleat__remote_invocation_lose(invocation, text);
    return cleat__fail(CLEAT_CANCELLED, "%s", text);
}

static void answered(void *owner, cleat__call *call)
{
    putting *it = owner;
    const cleat__link *link = it->link;
    char text[CLEAT__CALL_TEXT];
    int code = (int)call->code;
    cleat__call_text(call, text);
    cleat_status status = CLEAT_OK;
    if (code == GRPC_STATUS_OK) {
        it->sent += it->count;
        it->tries = 0;
        status = it->sent < it->chunks->count ? start(it) : CLEAT_OK;
        if (status == CLEAT_OK && it->sent < it->chunks->count) {
            return;
        }
    } else if (!link->is_closing && ++it->tries < (unsigned)link->settings.tries &&
               (cleat__grpc_code_is_passing(code, text) || code == GRPC_STATUS_INTERNAL ||
                code == GRPC_STATUS_UNKNOWN)) {
        int64_t delay_ms =
            cleat__link_back_off_ms(link, link->settings.retry_ms, INT64_MAX / 4, it->tries - 1);
        cleat__link_timer_set(it->link, &it->retry, cleat__deadline_ns(delay_ms));
        return;
    } else {
        status = give_up(it, cleat__link_fail(link, code, text));
    }
    conclude(it, status, status == CLEAT_OK ? "" : cleat_error_message());
}

static cleat_status send(putting *it)
{
    cleat__call *call =
        cleat__call_start(it->link, "/EventsService/PutStreamEvent", cleat__buffer_slice(&it->message),
                          it->link->settings.call_timeout_ms, answered, it);
    if (call != NULL) {
        return CLEAT_OK;
    }
    return it->link->is_closing ? cleat__fail(CLEAT_UNAVAILABLE, "the client is being freed")
                                : cleat__fail_memory();
}

static cleat_status start(putting *it)
{
    cleat_status status = write(it);
    return status == CLEAT_OK ? send(it) : status;
}

static void on_retry(cleat__link_timer *self)
{
    putting *it = CLEAT__CONTAINER(self, putting, retry);
    cleat_status status = send(it);
    if (status != CLEAT_OK) {
        conclude(it, status, cleat_error_message());
    }
}

/* None of them leaves. */
static void refuse(cleat__put_chunks *chunks, cleat_status status)
{
    while (chunks != NULL) {
        chunks = chunks->done(chunks, status, cleat_error_message());
    }
}

void cleat__remote_put_chunks(cleat__remote_workers *workers, cleat__put_chunks *chunks)
{
    cleat__link *link = workers->link;
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        refuse(chunks, status);
        return;
    }
    putting *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        refuse(chunks, cleat__fail_memory());
        return;
    }
    it->link = link;
    it->durables = &workers->durables;
    it->chunks = chunks;
    it->retry.run = on_retry;
    pthread_mutex_lock(&link->mutex);
    status = start(it);
    if (status != CLEAT_OK) {
        conclude(it, status, cleat_error_message());
    }
    pthread_mutex_unlock(&link->mutex);
}
