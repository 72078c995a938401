#include "support/grpc_sink.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "grpc/completion.h"
#include "grpc/library.h"
#include "support/grpc_suppressions.h"
#include "trace/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { MOST_REQUESTS = 256, MOST_ANSWERS = 64, WAIT_MS = 300000 };

typedef struct sink_request {
    cleat__buffer body;
    bool is_gzip;
    int64_t time_ns;
    char *method;
    char **keys;
    cleat__buffer *values;
    size_t metadata_count;
} sink_request;

typedef struct sink_call {
    cleat__completion completion;
    grpc_sink *sink;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *message;
    grpc_sink_answer answer;
    grpc_slice status_message; /* gRPC reads these two until the answer is out */
    grpc_metadata trailer;
    int was_cancelled;
    struct sink_call *next_held;
} sink_call;

struct grpc_sink {
    cleat__completion_thread thread;
    cleat__completion shutdown_completion;
    grpc_server *server;
    int port;
    char endpoint[64];
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool is_stopping, is_server_shut_down, is_released;
    sink_request *requests[MOST_REQUESTS];
    size_t request_count;
    grpc_sink_answer answers[MOST_ANSWERS];
    size_t answer_count, answers_used;
    sink_call *held;
};

static void ask_for_call(grpc_sink *sink);

static cleat_slice slice_of(const grpc_slice *slice)
{
    return (cleat_slice){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

static void free_call(sink_call *call)
{
    if (call->call != NULL) {
        grpc_call_unref(call->call);
    }
    if (call->message != NULL) {
        grpc_byte_buffer_destroy(call->message);
    }
    grpc_slice_unref(call->status_message);
    grpc_slice_unref(call->trailer.value);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->metadata);
    cleat__free(call);
}

/* The call is the queue's from now on. */
static void start(sink_call *call, const grpc_op *operations, size_t count,
                  void (*run)(cleat__completion *self, bool is_ok))
{
    grpc_call *started = call->call;
    call->completion.run = run;
    void *tag = cleat__completion_tag(&call->completion);
    assert_int_equal(grpc_call_start_batch(started, operations, count, tag, NULL), GRPC_CALL_OK);
}

/* ---- Answering ---- */

static void on_answered(cleat__completion *self, bool is_ok)
{
    (void)is_ok;
    free_call((sink_call *)self);
}

/* A google.rpc.Status with a RetryInfo. */
static void write_retry_info(int64_t delay_ms, cleat__buffer *out)
{
    static const char type[] = "type.googleapis.com/google.rpc.RetryInfo";
    uint8_t duration[32], info[64], any[160], *at = duration;
    at = cleat__put_tag(at, 1, CLEAT__WIRE_VARINT);
    at = cleat__put_varint(at, (uint64_t)(delay_ms / 1000));
    at = cleat__put_tag(at, 2, CLEAT__WIRE_VARINT);
    at = cleat__put_varint(at, (uint64_t)(delay_ms % 1000 * 1000000));
    size_t info_size = (size_t)(cleat__put_bytes(info, 1, duration, (size_t)(at - duration)) - info);
    at = cleat__put_bytes(any, 1, type, sizeof(type) - 1);
    at = cleat__put_bytes(at, 2, info, info_size);
    uint8_t *room = cleat__buffer_reserve(out, 200);
    out->size = (size_t)(cleat__put_bytes(room, 3, any, (size_t)(at - any)) - room);
}

/* An ExportTraceServiceResponse. */
static grpc_byte_buffer *response_of(const grpc_sink_answer *answer)
{
    cleat__buffer text = {0};
    const char *why = answer->partial_message != NULL ? answer->partial_message : "";
    if (answer->rejected_spans != 0 || answer->partial_message != NULL) {
        uint8_t partial[512], *at = partial;
        at = cleat__put_tag(at, 1, CLEAT__WIRE_VARINT);
        at = cleat__put_varint(at, (uint64_t)answer->rejected_spans);
        at = cleat__put_bytes(at, 2, why, strlen(why));
        uint8_t *room = cleat__buffer_reserve(&text, sizeof(partial) + 8);
        text.size = (size_t)(cleat__put_bytes(room, 1, partial, (size_t)(at - partial)) - room);
    }
    if (answer->response_padding != 0) {
        uint8_t *room = cleat__buffer_reserve(&text, answer->response_padding + 16);
        uint8_t *at = cleat__put_tag(room, 15, CLEAT__WIRE_BYTES);
        at = cleat__put_varint(at, answer->response_padding);
        memset(at, 'p', answer->response_padding);
        text.size += (size_t)(at - room) + answer->response_padding;
    }
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)text.data, text.size);
    grpc_byte_buffer *response = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    cleat__buffer_deinit(&text);
    return response;
}

static void answer_call(sink_call *call)
{
    const grpc_sink_answer *answer = &call->answer;
    bool is_good = answer->code == GRPC_STATUS_OK;
    grpc_byte_buffer *response = is_good ? response_of(answer) : NULL;
    cleat__buffer details = {0};
    if (answer->has_retry_info) {
        write_retry_info(answer->retry_delay_ms, &details);
    }
    call->status_message = grpc_slice_from_copied_string(answer->message != NULL ? answer->message : "");
    bool has_key = answer->trailer_key != NULL;
    call->trailer.key =
        grpc_slice_from_static_string(has_key ? answer->trailer_key : "grpc-status-details-bin");
    call->trailer.value = has_key ? grpc_slice_from_static_string("1")
                                  : grpc_slice_from_copied_buffer((const char *)details.data, details.size);
    cleat__buffer_deinit(&details);
    grpc_op operations[4] = {
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
         .data.recv_close_on_server = {.cancelled = &call->was_cancelled}},
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.trailing_metadata_count = answer->has_retry_info || has_key,
                                          .trailing_metadata = &call->trailer,
                                          .status = (grpc_status_code)answer->code,
                                          .status_details = &call->status_message}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = response}},
    };
    start(call, operations, is_good ? 4 : 3, on_answered);
    if (response != NULL) {
        grpc_byte_buffer_destroy(response);
    }
}

/* ---- Receiving ---- */

static void append_message(sink_request *request, grpc_byte_buffer *message)
{
    grpc_byte_buffer_reader reader;
    if (message == NULL || grpc_byte_buffer_reader_init(&reader, message) == 0) {
        return;
    }
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    request->is_gzip = message->data.raw.compression == GRPC_COMPRESS_GZIP;
    if (!request->is_gzip) {
        cleat__buffer_append_slice(&request->body, slice_of(&bytes));
    } else {
        z_stream stream = {.next_in = GRPC_SLICE_START_PTR(bytes),
                           .avail_in = (uInt)GRPC_SLICE_LENGTH(bytes)};
        assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
        int result = Z_OK;
        while (result == Z_OK) {
            stream.next_out = cleat__buffer_reserve(&request->body, 65536);
            stream.avail_out = 65536;
            result = inflate(&stream, Z_NO_FLUSH);
            request->body.size += 65536 - stream.avail_out;
        }
        assert_int_equal(result, Z_STREAM_END);
        inflateEnd(&stream);
    }
    grpc_slice_unref(bytes);
    grpc_byte_buffer_reader_destroy(&reader);
}

static sink_request *request_of(sink_call *call)
{
    sink_request *request = cleat__calloc(1, sizeof(*request));
    request->time_ns = cleat__clock_monotonic_ns(NULL);
    request->method = cleat__slice_dup(slice_of(&call->details.method));
    request->metadata_count = call->metadata.count;
    request->keys = cleat__calloc(call->metadata.count + 1, sizeof(*request->keys));
    request->values = cleat__calloc(call->metadata.count + 1, sizeof(*request->values));
    for (size_t i = 0; i < call->metadata.count; i++) {
        request->keys[i] = cleat__slice_dup(slice_of(&call->metadata.metadata[i].key));
        cleat__buffer_append_slice(&request->values[i], slice_of(&call->metadata.metadata[i].value));
    }
    append_message(request, call->message);
    return request;
}

static void free_request(sink_request *request)
{
    for (size_t i = 0; i < request->metadata_count; i++) {
        cleat__free(request->keys[i]);
        cleat__buffer_deinit(&request->values[i]);
    }
    cleat__free((void *)request->keys);
    cleat__free(request->values);
    cleat__free(request->method);
    cleat__buffer_deinit(&request->body);
    cleat__free(request);
}

static void on_received(cleat__completion *self, bool is_ok)
{
    sink_call *call = (sink_call *)self;
    grpc_sink *sink = call->sink;
    sink_request *request = is_ok && call->message != NULL ? request_of(call) : NULL;
    pthread_mutex_lock(&sink->mutex);
    if (request != NULL && sink->request_count < MOST_REQUESTS) {
        sink->requests[sink->request_count++] = request;
        call->answer = sink->answers_used < sink->answer_count ? sink->answers[sink->answers_used++]
                                                               : (grpc_sink_answer){0};
        pthread_cond_broadcast(&sink->changed);
    } else if (request != NULL) {
        free_request(request);
    }
    bool is_held = call->answer.is_held && !sink->is_stopping && !sink->is_released;
    if (is_held) {
        call->next_held = sink->held;
        sink->held = call;
    }
    pthread_mutex_unlock(&sink->mutex);
    if (!is_held) {
        answer_call(call);
    }
}

static void on_call(cleat__completion *self, bool is_ok)
{
    sink_call *call = (sink_call *)self;
    if (!is_ok) { /* the server shuts down */
        free_call(call);
        return;
    }
    ask_for_call(call->sink);
    const grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE,
                               .data.recv_message = {.recv_message = &call->message}};
    start(call, &operation, 1, on_received);
}

static void ask_for_call(grpc_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    if (!sink->is_stopping) {
        sink_call *call = cleat__calloc(1, sizeof(*call));
        call->sink = sink;
        call->completion.run = on_call;
        call->status_message = call->trailer.value = grpc_empty_slice();
        grpc_call_details_init(&call->details);
        grpc_metadata_array_init(&call->metadata);
        assert_int_equal(grpc_server_request_call(sink->server, &call->call, &call->details, &call->metadata,
                                                  sink->thread.queue, sink->thread.queue,
                                                  cleat__completion_tag(&call->completion)),
                         GRPC_CALL_OK);
    }
    pthread_mutex_unlock(&sink->mutex);
}

/* ---- Start and stop ---- */

static grpc_server_credentials *credentials_of(const grpc_sink_tls *tls)
{
    if (tls == NULL) {
        return grpc_insecure_server_credentials_create();
    }
    grpc_ssl_pem_key_cert_pair pair = {.private_key = tls->key, .cert_chain = tls->certificate};
    return grpc_ssl_server_credentials_create_ex(
        tls->client_authorities, &pair, 1,
        tls->client_authorities != NULL ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        NULL);
}

static void at_end(void *user_data)
{
    (void)user_data;
}

static void on_shutdown(cleat__completion *self, bool is_ok)
{
    grpc_sink *sink = (grpc_sink *)((char *)self - offsetof(grpc_sink, shutdown_completion));
    (void)is_ok;
    pthread_mutex_lock(&sink->mutex);
    sink->is_server_shut_down = true;
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->mutex);
}

grpc_sink *grpc_sink_start(const grpc_sink_tls *tls, int port)
{
    grpc_sink *sink = cleat__calloc(1, sizeof(*sink));
    char address[32];
    pthread_mutex_init(&sink->mutex, NULL);
    cleat__cond_init(&sink->changed);
    grpc_suppressions_use();
    assert_int_equal(cleat__grpc_begin(), CLEAT_OK);
    sink->thread.at_end = at_end;
    assert_int_equal(cleat__completion_thread_start(&sink->thread, "grpc-sink"), CLEAT_OK);
    /* So that compressed messages come as they are. */
    grpc_arg arguments[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)(uintptr_t)GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
         .value.integer = 0},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = -1},
        {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0}};
    grpc_channel_args all = {sizeof(arguments) / sizeof(arguments[0]), arguments};
    sink->server = grpc_server_create(&all, NULL);
    grpc_server_register_completion_queue(sink->server, sink->thread.queue, NULL);
    grpc_server_credentials *credentials = credentials_of(tls);
    assert_non_null(credentials);
    snprintf(address, sizeof(address), "localhost:%d", port);
    sink->port = grpc_server_add_http2_port(sink->server, address, credentials);
    grpc_server_credentials_release(credentials);
    snprintf(sink->endpoint, sizeof(sink->endpoint), "%s://localhost:%d", tls != NULL ? "https" : "http",
             sink->port);
    grpc_server_start(sink->server);
    if (sink->port == 0) {
        grpc_sink_stop(sink);
        return NULL;
    }
    ask_for_call(sink);
    return sink;
}

void grpc_sink_stop(grpc_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    pthread_mutex_lock(&sink->mutex);
    sink->is_stopping = true;
    sink->shutdown_completion.run = on_shutdown;
    grpc_server_shutdown_and_notify(sink->server, sink->thread.queue,
                                    cleat__completion_tag(&sink->shutdown_completion));
    grpc_server_cancel_all_calls(sink->server);
    pthread_mutex_unlock(&sink->mutex);
    grpc_sink_release(sink);
    pthread_mutex_lock(&sink->mutex);
    while (!sink->is_server_shut_down) {
        pthread_cond_wait(&sink->changed, &sink->mutex);
    }
    pthread_mutex_unlock(&sink->mutex);
    cleat__completion_thread_close(&sink->thread);
    pthread_join(sink->thread.thread, NULL);
    grpc_server_destroy(sink->server);
    cleat__grpc_end();
    for (size_t i = 0; i < sink->request_count; i++) {
        free_request(sink->requests[i]);
    }
    pthread_mutex_destroy(&sink->mutex);
    pthread_cond_destroy(&sink->changed);
    cleat__free(sink);
}

int grpc_sink_port(const grpc_sink *sink)
{
    return sink->port;
}

const char *grpc_sink_endpoint(const grpc_sink *sink)
{
    return sink->endpoint;
}

void grpc_sink_script(grpc_sink *sink, const grpc_sink_answer *answers, size_t count)
{
    assert_true(count <= MOST_ANSWERS);
    pthread_mutex_lock(&sink->mutex);
    memcpy(sink->answers, answers, count * sizeof(*answers));
    sink->answer_count = count;
    sink->answers_used = 0;
    sink->is_released = false;
    pthread_mutex_unlock(&sink->mutex);
}

void grpc_sink_release(grpc_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    sink_call *held = sink->held;
    sink->held = NULL;
    sink->is_released = true;
    pthread_mutex_unlock(&sink->mutex);
    while (held != NULL) {
        sink_call *call = held;
        held = call->next_held;
        answer_call(call);
    }
}

void grpc_sink_wait(grpc_sink *sink, size_t count)
{
    int64_t deadline_ns = cleat__deadline_ns(WAIT_MS);
    bool is_in_time = true;
    pthread_mutex_lock(&sink->mutex);
    while (is_in_time && sink->request_count < count) {
        is_in_time = cleat__cond_wait_until(&sink->changed, &sink->mutex, deadline_ns);
    }
    size_t found = sink->request_count;
    pthread_mutex_unlock(&sink->mutex);
    if (found < count) {
        fail_msg("only %zu of %zu requests have come", found, count);
    }
}

size_t grpc_sink_count(grpc_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    size_t count = sink->request_count;
    pthread_mutex_unlock(&sink->mutex);
    return count;
}

/* ---- Reading ---- */

static const sink_request *request_at(grpc_sink *sink, size_t index)
{
    pthread_mutex_lock(&sink->mutex);
    const sink_request *request = index < sink->request_count ? sink->requests[index] : NULL;
    pthread_mutex_unlock(&sink->mutex);
    assert_non_null(request);
    return request;
}

cleat_slice grpc_sink_body(grpc_sink *sink, size_t index)
{
    return cleat__buffer_slice(&request_at(sink, index)->body);
}

bool grpc_sink_is_gzip(grpc_sink *sink, size_t index)
{
    return request_at(sink, index)->is_gzip;
}

int64_t grpc_sink_time_ns(grpc_sink *sink, size_t index)
{
    return request_at(sink, index)->time_ns;
}

const char *grpc_sink_method(grpc_sink *sink, size_t index)
{
    return request_at(sink, index)->method;
}

cleat_slice grpc_sink_metadata(grpc_sink *sink, size_t index, const char *key)
{
    const sink_request *request = request_at(sink, index);
    for (size_t i = 0; i < request->metadata_count; i++) {
        if (strcmp(request->keys[i], key) == 0) {
            return cleat__buffer_slice(&request->values[i]);
        }
    }
    return (cleat_slice){NULL, 0};
}

/* Goes down the fields `path` of nested messages; the one numbered `*rest` at the end is `out`. */
static bool find(cleat_slice message, const uint32_t *path, size_t depth, size_t *rest, cleat_slice *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number != path[0] || field.wire != CLEAT__WIRE_BYTES) {
            continue;
        }
        if (depth > 1 ? find(field.bytes, path + 1, depth - 1, rest, out) : (*rest)-- == 0) {
            *out = depth > 1 ? *out : field.bytes;
            return true;
        }
    }
    assert_false(reader.malformed);
    return false;
}

bool grpc_sink_span(grpc_sink *sink, size_t index, size_t span, cleat_span_view *out)
{
    /* resource_spans, scope_spans, spans */
    static const uint32_t path[] = {1, 2, 2};
    cleat_slice record;
    return find(grpc_sink_body(sink, index), path, 3, &span, &record) &&
           cleat_span_view_read(record, out) == CLEAT_OK;
}

size_t grpc_sink_span_count(grpc_sink *sink, size_t index)
{
    cleat_span_view view;
    size_t count = 0;
    while (grpc_sink_span(sink, index, count, &view)) {
        count++;
    }
    return count;
}
