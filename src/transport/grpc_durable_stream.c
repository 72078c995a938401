/* The stream of a worker's durable tasks: connecting, and what is written to it in which order. */
#include "transport/grpc_durable.h"

#include "base/error.h"
#include "base/heap.h"
#include "grpc/call_status.h"
#include "transport/grpc_worker.h"

#include <stdio.h>

static cleat__link *link_of(const cleat__remote_stream *stream)
{
    return stream->worker->workers->link;
}

/* ---- Who has something to write, and who waits for an echo ---- */

static void add_ready(cleat__remote_ask *ask)
{
    cleat__remote_stream *stream = ask->invocation->stream;
    if (!ask->is_ready) {
        ask->is_ready = true;
        ask->next_ready = NULL;
        *(stream->last_ready != NULL ? &stream->last_ready->next_ready : &stream->ready) = ask;
        stream->last_ready = ask;
    }
}

static void remove_ready(cleat__remote_stream *stream, cleat__remote_ask *ask)
{
    cleat__remote_ask **at = &stream->ready, *before = NULL;
    while (*at != ask) {
        before = *at;
        at = &before->next_ready;
    }
    *at = ask->next_ready;
    stream->last_ready = stream->last_ready == ask ? before : stream->last_ready;
    ask->is_ready = false;
}

static void add_echo(cleat__remote_stream *stream, cleat__remote_ask *ask)
{
    ask->echo = stream->registrations;
    ask->waits_for_echo = true;
    ask->next_echo = NULL;
    *(stream->last_echoing != NULL ? &stream->last_echoing->next_echo : &stream->echoing) = ask;
    stream->last_echoing = ask;
}

static void remove_echo(cleat__remote_stream *stream, cleat__remote_ask *ask)
{
    cleat__remote_ask **at = &stream->echoing, *before = NULL;
    while (*at != ask) {
        before = *at;
        at = &before->next_echo;
    }
    *at = ask->next_echo;
    stream->last_echoing = stream->last_echoing == ask ? before : stream->last_echoing;
    ask->waits_for_echo = false;
}

void cleat__remote_stream_pull(cleat__remote_ask *ask)
{
    if (ask->is_ready) {
        remove_ready(ask->invocation->stream, ask);
    }
    if (ask->waits_for_echo) {
        remove_echo(ask->invocation->stream, ask);
    }
}

/* ---- Writing ---- */

static void write_registration(cleat__remote_stream *stream)
{
    cleat__buffer bytes = {0};
    if (cleat__remote_registration(stream->worker->current_id, &bytes) == CLEAT_OK) {
        stream->must_register = false;
        stream->registrations++;
        cleat__rpc_stream_write(stream->stream, cleat__buffer_slice(&bytes));
    }
    cleat__buffer_deinit(&bytes); /* on no memory: with the next that is written */
}

/* The next message of an ask, behind which it may have to wait. */
static void write_next(cleat__remote_stream *stream, cleat__remote_ask *ask)
{
    const cleat__remote_message *message = &ask->messages[ask->written++];
    ask->waits_for_ack = message->is_acked;
    if (message->is_echoed) {
        stream->registrations++;
        add_echo(stream, ask);
    }
    if (ask->waits_for_ack || ask->written == ask->message_count) {
        remove_ready(stream, ask);
    }
    cleat__rpc_stream_write(stream->stream, (cleat_slice){message->data, message->size});
    bool is_last = ask->written == ask->message_count;
    bool is_await = ask->requests[0].kind == CLEAT__DURABLE_AWAIT;
    if (is_last && !ask->waits_for_ack && !ask->waits_for_echo && !is_await) {
        ask->answered = ask->count; /* the value of a memo, of which such an engine says nothing */
        cleat__remote_settle(ask, CLEAT_OK, NULL);
    }
}

static void write_more(void *owner)
{
    cleat__remote_stream *stream = owner;
    if (stream->stream == NULL || !cleat__rpc_stream_is_writable(stream->stream)) {
        return;
    }
    if (stream->must_register) {
        write_registration(stream);
    } else if (stream->ready != NULL) {
        write_next(stream, stream->ready);
    }
}

void cleat__remote_stream_push(cleat__remote_ask *ask)
{
    cleat__remote_stream *stream = ask->invocation->stream;
    if (ask->invocation->first != ask || ask->waits_for_ack || ask->written == ask->message_count) {
        return; /* another one is first, or it waits */
    }
    add_ready(ask);
    cleat__remote_stream_open(stream);
    write_more(stream);
}

void cleat__remote_stream_renew(cleat__remote_stream *stream)
{
    if (stream->stream != NULL) {
        stream->must_register = true;
        write_more(stream);
    }
}

/* ---- Reading ---- */

static void on_message(void *owner, cleat_slice bytes)
{
    cleat__remote_answer(owner, bytes);
}

/* Of this connection. */
void cleat__remote_echoed(cleat__remote_stream *stream)
{
    stream->echoes++;
    cleat__remote_ask *ask = stream->echoing;
    if (ask != NULL && ask->echo <= stream->echoes) {
        remove_echo(stream, ask);
        if (!ask->waits_for_ack && ask->written == ask->message_count) {
            ask->answered = ask->count;
            cleat__remote_settle(ask, CLEAT_OK, NULL);
        }
    }
}

/* ---- Its end, and the next one ---- */

/* What was written of it may have been done or not. `text`: why the stream has ended; `is_loss`: for reasons that have
 * nothing to do with what was asked, else each stream would end so on which it is asked again. The invocation may be
 * freed. */
static void interrupt(cleat__remote_invocation *invocation, bool is_loss, const char *text)
{
    cleat__remote_ask *ask = invocation->first;
    if (ask == NULL) {
        return;
    }
    if (!is_loss && ask->written > ask->confirmed) {
        cleat__remote_invocation_fail(invocation, CLEAT_UNAVAILABLE, text);
    } else if (ask->waits_for_ack && ask->messages[ask->written - 1].is_once) {
        cleat__remote_invocation_lose(invocation, text);
    } else {
        ask->written = ask->confirmed;
        ask->waits_for_ack = false;
        add_ready(ask);
    }
}

static void interrupt_all(cleat__remote_stream *stream, bool is_loss, const char *text)
{
    while (stream->echoing != NULL) {
        remove_echo(stream, stream->echoing);
    }
    cleat__remote_invocation *next;
    for (cleat__remote_invocation *it = stream->invocations; it != NULL; it = next) {
        next = it->next;
        interrupt(it, is_loss, text);
    }
}

/* Nobody here can work on a durable task any more. */
static void fail_all(cleat__remote_stream *stream, cleat_status status, const char *text)
{
    for (cleat__remote_invocation *it = stream->invocations; it != NULL; it = it->next) {
        cleat__remote_invocation_fail(it, status, text);
    }
}

/* At once after a connection that lived; then with a pause, as TypeScript's. */
static int64_t delay_after(cleat__remote_stream *stream)
{
    const cleat__link *link = link_of(stream);
    if (cleat__clock_monotonic_ns(NULL) - stream->opened_ns >= CLEAT__GOOD_STREAM_NS) {
        stream->failures = 0;
    }
    unsigned failures = stream->failures;
    stream->failures += failures < 30;
    return failures == 0 ? 0
                         : cleat__link_back_off_ms(link, link->settings.durable_reconnect_ms,
                                                   link->settings.durable_reconnect_ms, 0);
}

static void connect_later(cleat__remote_stream *stream)
{
    if (stream->invocations != NULL) {
        cleat__link_timer_set(link_of(stream), &stream->reconnect, cleat__deadline_ns(delay_after(stream)));
    }
}

static void on_ended(void *owner, int code, const char *text)
{
    cleat__remote_stream *stream = owner;
    cleat__link *link = link_of(stream);
    static cleat__log_site site;
    stream->stream = NULL;
    (void)cleat__link_fail(link, code, text); /* a sentence for it */
    if (code == GRPC_STATUS_UNIMPLEMENTED) {
        fail_all(stream, CLEAT_UNSUPPORTED, cleat_error_message());
        return;
    }
    char sentence[CLEAT__CALL_TEXT];
    (void)snprintf(sentence, sizeof(sentence), "the stream of durable tasks was lost: %s",
                   cleat_error_message());
    bool is_usual = code == GRPC_STATUS_OK || code == GRPC_STATUS_UNAVAILABLE;
    if (link->is_closing) {
        fail_all(stream, CLEAT_UNAVAILABLE, "the client was freed");
        return;
    }
    interrupt_all(stream, is_usual, sentence);
    cleat__link_log(link, &site, is_usual ? CLEAT_LOG_INFO : CLEAT_LOG_WARN,
                    "worker %s lost its stream of durable tasks at %s and opens it again: %s %s",
                    stream->worker->current_id, link->settings.address, cleat__grpc_code_name(code), text);
    connect_later(stream);
}

static void connect_now(cleat__remote_stream *stream)
{
    static const cleat__rpc_stream_handler handler = {
        .message = on_message, .writable = write_more, .ended = on_ended};
    stream->opened_ns = cleat__clock_monotonic_ns(NULL);
    stream->registrations = stream->echoes = 0;
    stream->must_register = true;
    stream->stream = cleat__rpc_stream_start(link_of(stream), "/v1.V1Dispatcher/DurableTask",
                                             (cleat_slice){NULL, 0}, &handler, stream);
    if (stream->stream == NULL) {
        connect_later(stream); /* no memory */
    } else {
        write_more(stream);
    }
}

void cleat__remote_stream_open(cleat__remote_stream *stream)
{
    if (stream->stream == NULL && !stream->reconnect.is_set) {
        connect_now(stream);
    }
}

static void on_reconnect(cleat__link_timer *self)
{
    cleat__remote_stream *stream = CLEAT__CONTAINER(self, cleat__remote_stream, reconnect);
    if (stream->stream == NULL && stream->invocations != NULL) {
        connect_now(stream);
    }
}

void cleat__remote_stream_init(cleat__remote_stream *stream, cleat__remote_worker *worker)
{
    stream->worker = worker;
    stream->reconnect.run = on_reconnect;
}

void cleat__remote_stream_close(cleat__remote_stream *stream)
{
    cleat__link_timer_unset(link_of(stream), &stream->reconnect);
    fail_all(stream, CLEAT_UNAVAILABLE, "the worker was removed");
    while (stream->invocations != NULL) {
        const cleat__remote_invocation *it = stream->invocations;
        const cleat__uuid task_id = it->task_id;
        cleat__remote_invocation_end(it->durables, &task_id, it->count);
    }
    cleat__rpc_stream_abandon(stream->stream);
    stream->stream = NULL;
}
