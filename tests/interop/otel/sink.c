/*
 * A collector for what Node exports: takes OTLP/HTTP protobuf on a port of its own choice, reads it
 * with span views and prints, a line each, first the port and then every span as plain JSON. Ends
 * with its standard input.
 */
#include "plain_json.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

/* ---- Bodies ---- */

/* Inflates gzip in place; false when it is not whole. */
static bool inflate_body(cleat__buffer *body)
{
    z_stream stream = {.next_in = body->data, .avail_in = (uInt)body->size};
    cleat__buffer plain = {0};
    int code = inflateInit2(&stream, 15 + 16);
    while (code == Z_OK) {
        stream.next_out = cleat__buffer_reserve(&plain, 65536);
        stream.avail_out = 65536;
        code = stream.next_out != NULL ? inflate(&stream, Z_NO_FLUSH) : Z_MEM_ERROR;
        plain.size += 65536 - stream.avail_out;
    }
    inflateEnd(&stream);
    cleat__buffer_deinit(body);
    *body = plain;
    return code == Z_STREAM_END;
}

static bool print_span(void *user_data, const otlp_place *place, cleat_slice span)
{
    cleat_span_view view;
    cleat__buffer json = {0};
    (void)user_data;
    if (cleat_span_view_read(span, &view) != CLEAT_OK) {
        fprintf(stderr, "sink: a span: %s\n", cleat_error_message());
        return false;
    }
    plain_json_read(&json, &view, place);
    cleat__buffer_append_byte(&json, '\n');
    fwrite(json.data, 1, json.size, stdout);
    cleat__buffer_deinit(&json);
    return true;
}

/* The status code of the answer. */
static unsigned take(struct MHD_Connection *connection, cleat__buffer *body)
{
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    const char *coding = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Encoding");
    if (type == NULL || strcmp(type, "application/x-protobuf") != 0) {
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    if (coding != NULL && strcmp(coding, "gzip") == 0 && !inflate_body(body)) {
        return MHD_HTTP_BAD_REQUEST;
    }
    bool is_whole = otlp_request_visit(cleat__buffer_slice(body), print_span, NULL);
    fflush(stdout);
    return is_whole ? MHD_HTTP_OK : MHD_HTTP_BAD_REQUEST;
}

/* ---- The server ---- */

static enum MHD_Result answer(void *self, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data, size_t *size,
                              void **state)
{
    cleat__buffer *body = *state;
    (void)self;
    (void)url;
    (void)method;
    (void)version;
    if (body == NULL) {
        *state = calloc(1, sizeof(*body));
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*size != 0) {
        cleat__buffer_append(body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    /* Nothing in it: an empty ExportTraceServiceResponse, everything was taken. */
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/x-protobuf");
    enum MHD_Result result = MHD_queue_response(connection, take(connection, body), response);
    MHD_destroy_response(response);
    return result;
}

static void forget(void *self, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode why)
{
    (void)self;
    (void)connection;
    (void)why;
    if (*state != NULL) {
        cleat__buffer_deinit(*state);
        free(*state);
    }
}

int main(void)
{
    char rest[256];
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL,
                                                 MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
    if (daemon == NULL) {
        perror("sink");
        return 1;
    }
    printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (read(STDIN_FILENO, rest, sizeof(rest)) > 0) {
    }
    MHD_stop_daemon(daemon);
    return 0;
}
