#include "support/rpc_client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "grpc/completion.h"
#include "grpc/library.h"
#include "support/grpc_suppressions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <stdio.h>

enum { WAIT_MS = 300000, MOST_METADATA = 1 };

struct rpc_client {
    grpc_channel *channel;
};

/* The operations of a call, each under way at most once. */
enum operation { SEND_HEAD, SEND_MESSAGE, SEND_CLOSE, GET_HEAD, GET_MESSAGE, GET_STATUS, OPERATIONS };

struct rpc_stream {
    grpc_completion_queue *queue;
    grpc_call *call;
    char tags[OPERATIONS];
    bool is_under_way[OPERATIONS];
    grpc_slice path;
    grpc_metadata metadata[2];
    size_t metadata_count;
    grpc_metadata_array head, trailer;
    grpc_status_code code;
    grpc_slice text;
    grpc_byte_buffer *received;
};

rpc_client *rpc_client_new(const char *address, rpc_client_options options)
{
    rpc_client *client = cleat__calloc(1, sizeof(*client));
    grpc_suppressions_use();
    assert_int_equal(cleat__grpc_begin(), CLEAT_OK);
    grpc_channel_credentials *credentials =
        options.pem != NULL ? cleat__grpc_tls_credentials(options.pem) : grpc_insecure_credentials_create();
    assert_non_null(credentials);
    grpc_arg arguments[] = {
        {GRPC_ARG_INTEGER,
         (char *)(uintptr_t)GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
         {.integer = options.is_gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE}},
        {GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, {.integer = 1}},
        {GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, {.integer = -1}},
        {GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_ENABLE_RETRIES, {.integer = 0}},
        {GRPC_ARG_STRING,
         (char *)(uintptr_t)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
         {.string = (char *)(uintptr_t)options.server_name}},
    };
    grpc_channel_args all = {sizeof(arguments) / sizeof(arguments[0]) - (options.server_name == NULL),
                             arguments};
    client->channel = grpc_channel_create(address, credentials, &all);
    grpc_channel_credentials_release(credentials);
    return client;
}

void rpc_client_free(rpc_client *client)
{
    grpc_channel_destroy(client->channel);
    cleat__grpc_end();
    cleat__free(client);
}

void rpc_result_deinit(rpc_result *result)
{
    cleat__buffer_deinit(&result->details);
    cleat__buffer_deinit(&result->message);
}

/* ---- Operations ---- */

static void start(rpc_stream *stream, enum operation which, grpc_op operation)
{
    assert_false(stream->is_under_way[which]);
    stream->is_under_way[which] = true;
    assert_int_equal(grpc_call_start_batch(stream->call, &operation, 1, &stream->tags[which], NULL),
                     GRPC_CALL_OK);
}

static bool finish(rpc_stream *stream, enum operation which)
{
    if (!stream->is_under_way[which]) {
        return false;
    }
    grpc_event event = grpc_completion_queue_pluck(stream->queue, &stream->tags[which],
                                                   cleat__grpc_deadline(cleat__deadline_ns(WAIT_MS)), NULL);
    if (event.type != GRPC_OP_COMPLETE) {
        fail_msg("operation %d of a call does not end", which);
    }
    stream->is_under_way[which] = false;
    return event.success != 0;
}

static void add_metadata(rpc_stream *stream, const char *key, const char *value)
{
    if (value != NULL) {
        stream->metadata[stream->metadata_count++] = (grpc_metadata){
            .key = grpc_slice_from_static_string(key), .value = grpc_slice_from_copied_string(value)};
    }
}

rpc_stream *rpc_open(rpc_client *client, const char *path, rpc_call_options options)
{
    rpc_stream *stream = cleat__calloc(1, sizeof(*stream));
    stream->queue = grpc_completion_queue_create_for_pluck(NULL);
    stream->path = grpc_slice_from_copied_string(path);
    stream->call = grpc_channel_create_call(
        client->channel, NULL, 0, stream->queue, stream->path, NULL,
        cleat__grpc_deadline(options.timeout_ms != 0 ? cleat__deadline_ns(options.timeout_ms) : INT64_MAX),
        NULL);
    add_metadata(stream, "authorization", options.authorization);
    add_metadata(stream, "traceparent", options.traceparent);
    grpc_metadata_array_init(&stream->head);
    grpc_metadata_array_init(&stream->trailer);
    stream->text = grpc_empty_slice();
    start(stream, SEND_HEAD,
          (grpc_op){
              .op = GRPC_OP_SEND_INITIAL_METADATA,
              .data.send_initial_metadata = {.count = stream->metadata_count, .metadata = stream->metadata}});
    start(stream, GET_HEAD,
          (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA,
                    .data.recv_initial_metadata = {.recv_initial_metadata = &stream->head}});
    start(stream, GET_STATUS,
          (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                    .data.recv_status_on_client = {.trailing_metadata = &stream->trailer,
                                                   .status = &stream->code,
                                                   .status_details = &stream->text}});
    (void)finish(stream, SEND_HEAD);
    return stream;
}

bool rpc_write(rpc_stream *stream, cleat_slice message)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(message.data, message.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    start(stream, SEND_MESSAGE,
          (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = buffer}});
    bool is_sent = finish(stream, SEND_MESSAGE);
    grpc_byte_buffer_destroy(buffer);
    return is_sent;
}

void rpc_half_close(rpc_stream *stream)
{
    start(stream, SEND_CLOSE, (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT});
    (void)finish(stream, SEND_CLOSE);
}

void rpc_accepted(rpc_stream *stream)
{
    (void)finish(stream, GET_HEAD);
}

bool rpc_read(rpc_stream *stream, cleat__buffer *out)
{
    cleat__buffer_clear(out);
    start(stream, GET_MESSAGE,
          (grpc_op){.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {.recv_message = &stream->received}});
    (void)finish(stream, GET_MESSAGE);
    if (stream->received == NULL) {
        return false;
    }
    grpc_byte_buffer_reader reader;
    assert_int_not_equal(grpc_byte_buffer_reader_init(&reader, stream->received), 0);
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    cleat__buffer_append(out, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes));
    grpc_slice_unref(bytes);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(stream->received);
    stream->received = NULL;
    return true;
}

void rpc_cancel(rpc_stream *stream)
{
    assert_int_equal(grpc_call_cancel(stream->call, NULL), GRPC_CALL_OK);
}

static void read_trailer(const rpc_stream *stream, rpc_result *result)
{
    for (size_t i = 0; i < stream->trailer.count; i++) {
        const grpc_metadata *pair = &stream->trailer.metadata[i];
        if (grpc_slice_str_cmp(pair->key, "cleat-too-slow") == 0) {
            result->is_too_slow = grpc_slice_str_cmp(pair->value, "1") == 0;
        }
        if (grpc_slice_str_cmp(pair->key, "grpc-status-details-bin") == 0) {
            cleat__buffer_append(&result->details, GRPC_SLICE_START_PTR(pair->value),
                                 GRPC_SLICE_LENGTH(pair->value));
        }
    }
}

rpc_result rpc_end(rpc_stream *stream)
{
    rpc_result result = {0};
    (void)finish(stream, GET_STATUS);
    (void)finish(stream, GET_HEAD);
    result.code = (int)stream->code;
    snprintf(result.text, sizeof(result.text), "%.*s", (int)GRPC_SLICE_LENGTH(stream->text),
             (const char *)GRPC_SLICE_START_PTR(stream->text));
    read_trailer(stream, &result);
    grpc_call_unref(stream->call);
    grpc_completion_queue_shutdown(stream->queue);
    grpc_completion_queue_destroy(stream->queue);
    grpc_metadata_array_destroy(&stream->head);
    grpc_metadata_array_destroy(&stream->trailer);
    grpc_slice_unref(stream->text);
    grpc_slice_unref(stream->path);
    for (size_t i = 0; i < stream->metadata_count; i++) {
        grpc_slice_unref(stream->metadata[i].value);
    }
    cleat__free(stream);
    return result;
}

rpc_stream *rpc_begin(rpc_client *client, const char *path, cleat_slice request, rpc_call_options options)
{
    rpc_stream *stream = rpc_open(client, path, options);
    (void)rpc_write(stream, request);
    rpc_half_close(stream);
    return stream;
}

rpc_result rpc_call(rpc_client *client, const char *path, cleat_slice request, rpc_call_options options)
{
    rpc_stream *stream = rpc_begin(client, path, request, options);
    cleat__buffer message = {0};
    bool has_message = rpc_read(stream, &message);
    rpc_result result = rpc_end(stream);
    result.message = message;
    result.has_message = has_message;
    return result;
}
