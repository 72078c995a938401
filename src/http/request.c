/* The SERVER span of a request, from what any server library knows of it. */
#include "base/error.h"
#include "base/options.h"
#include "method.h"
#include "origin.h"
#include "query.h"
#include "trace/header.h"

#include <cleat/http.h>

#include <stdio.h>

enum { OWN_ATTRIBUTES = 13, USER_ATTRIBUTES = 16 };

/* A request that is looked at: what its span will start with, and the memory that lies in. */
typedef struct reading {
    const cleat_http_request_options *options;
    cleat__http_fields headers;
    cleat__http_forwarded forwarded;
    cleat__buffer query;
    cleat__buffer name;
    char peer[CLEAT__HTTP_ADDRESS_SIZE];
    bool method_is_known;
    cleat_attribute attributes[OWN_ATTRIBUTES + USER_ATTRIBUTES];
    size_t count;
} reading;

static void put(reading *self, cleat_attribute attribute)
{
    self->attributes[self->count++] = attribute;
}

static void put_slice(reading *self, const char *key, cleat_slice value)
{
    if (value.size != 0) {
        put(self, cleat_attribute_slice(key, value));
    }
}

static void put_port(reading *self, const char *key, int port)
{
    if (port != 0) {
        put(self, cleat_attribute_int(key, port));
    }
}

static void read_method(reading *self, const char *name)
{
    const char *method = self->options->method;
    if (method == NULL) {
        return;
    }
    put(self, cleat_attribute_string("http.request.method",
                                     self->method_is_known ? name : CLEAT__HTTP_METHOD_OTHER));
    if (!self->method_is_known) {
        put_slice(self, "http.request.method_original", cleat_slice_of(method));
    }
}

/* The path and query of a target: without the origin that a request to a proxy has. */
static cleat_slice without_origin(cleat_slice target)
{
    static const char mark[] = "://";
    for (size_t i = 0; i + sizeof(mark) - 1 <= target.size && target.data[i] != '/'; i++) {
        if (memcmp(target.data + i, mark, sizeof(mark) - 1) == 0) {
            size_t host = i + sizeof(mark) - 1;
            cleat_slice rest = {target.data + host, target.size - host};
            const char *path = memchr(rest.data, '/', rest.size);
            return path != NULL ? (cleat_slice){path, (size_t)(rest.data + rest.size - path)}
                                : cleat_slice_of("/");
        }
    }
    return target;
}

static bool append_argument(void *user_data, cleat_slice name, cleat_slice value)
{
    cleat__http_argument_append(user_data, name, value);
    return true;
}

static void read_target(reading *self)
{
    const cleat_http_request_options *options = self->options;
    cleat_slice query = {NULL, 0};
    cleat_slice target = without_origin(cleat_slice_of(options->target));
    put_slice(self, "url.path", cleat__split(target, '?', &query));
    cleat__http_query_append(&self->query, query);
    if (query.data == NULL && options->arguments.visit != NULL) {
        options->arguments.visit(options->arguments.self, append_argument, &self->query);
    }
    if (!self->query.failed) {
        put_slice(self, "url.query", cleat__buffer_slice(&self->query));
    }
}

static void read_origin(reading *self)
{
    const cleat_http_request_options *options = self->options;
    cleat__http_forwarded *forwarded = &self->forwarded;
    cleat_slice scheme = cleat_slice_of(options->scheme != NULL ? options->scheme : "http");
    cleat_slice authority = cleat__http_fields_get(&self->headers, "Host");
    cleat_slice host;
    int port = 0;
    if (options->behind_proxy) {
        cleat__http_forwarded_read(&self->headers, forwarded);
        scheme = forwarded->scheme.data != NULL ? forwarded->scheme : scheme;
        authority = forwarded->authority.data != NULL ? forwarded->authority : authority;
    }
    put_slice(self, "url.scheme", scheme);
    cleat__http_authority_split(cleat__trim(authority), &host, &port);
    if (host.size != 0) {
        put_slice(self, "server.address", host);
        put_port(self, "server.port", port != 0 ? port : cleat__http_default_port(scheme));
    }
    bool has_peer = cleat__http_address_read(options->peer, self->peer, &port);
    if (has_peer || forwarded->client.size != 0) {
        put_slice(self, "client.address",
                  forwarded->client.size != 0 ? forwarded->client : cleat_slice_of(self->peer));
    }
    if (has_peer) {
        put_slice(self, "network.peer.address", cleat_slice_of(self->peer));
        put_port(self, "network.peer.port", port);
    }
}

/* "HTTP/1.1" is 1.1, "HTTP/2.0" is 2 (network.protocol.version). */
static cleat_slice version_of(const char *text)
{
    cleat_slice rest;
    cleat_slice version = cleat_slice_of(text);
    cleat__split(version, '/', &rest);
    version = rest.data != NULL ? rest : version;
    bool is_long = version.size == 3 && version.data[0] >= '2' && memcmp(version.data + 1, ".0", 2) == 0;
    return is_long ? (cleat_slice){version.data, 1} : version;
}

static void read_attributes(reading *self, const char *method_name)
{
    const cleat_http_request_options *options = self->options;
    read_method(self, method_name);
    read_target(self);
    read_origin(self);
    put_slice(self, "http.route", cleat_slice_of(options->route));
    put_slice(self, "network.protocol.version", version_of(options->version));
    put_slice(self, "user_agent.original", cleat__http_fields_get(&self->headers, "User-Agent"));
    for (size_t i = 0; i < options->attribute_count && i < USER_ATTRIBUTES; i++) {
        put(self, options->attributes[i]);
    }
}

/* "GET /users/{id}"; the method alone where there is no route, or no memory. */
static const char *name_of(cleat__buffer *buffer, const char *method, const char *route)
{
    if (route == NULL || route[0] == '\0') {
        return method;
    }
    cleat__buffer_append_string(buffer, method);
    cleat__buffer_append_byte(buffer, ' ');
    cleat__buffer_append_string(buffer, route);
    cleat__buffer_append_byte(buffer, '\0');
    return buffer->failed ? method : (const char *)buffer->data;
}

static cleat_span start_span(reading *self, const char *method_name, const cleat_context *parent)
{
    const cleat_http_request_options *options = self->options;
    cleat_tracer *tracer =
        options->tracer != NULL ? options->tracer : cleat_tracer_get("cleat.http", cleat_version());
    cleat_span_options start = {
        .struct_size = sizeof(start),
        .kind = CLEAT_SPAN_KIND_SERVER,
        .parent = parent,
        .root = parent == NULL, /* NULL would be what is current on this thread */
    };
    if (!cleat_tracer_enabled(tracer)) {
        return cleat_span_start(tracer, method_name, &start);
    }
    read_attributes(self, method_name);
    start.attributes = self->attributes;
    start.attribute_count = self->count;
    cleat_span span = cleat_span_start(tracer, name_of(&self->name, method_name, options->route), &start);
    for (size_t i = USER_ATTRIBUTES; i < options->attribute_count; i++) {
        cleat_span_set_attribute(span, &options->attributes[i]);
    }
    return span;
}

/* Options made for an older, shorter struct; attributes that are not there are none. */
static cleat_http_request_options complete_options(const cleat_http_request_options *from)
{
    cleat_http_request_options options;
    cleat__options_copy(&options, from, sizeof(options));
    if (options.attributes == NULL) {
        options.attribute_count = 0;
    }
    return options;
}

cleat_status cleat_http_request_start(const cleat_http_request_options *options, cleat_http_request *out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the request's span");
    }
    memset(out, 0, sizeof(*out));
    cleat_http_request_options complete = complete_options(options);
    reading self = {.options = &complete, .headers = {.source = complete.headers}};
    cleat_text_map map = cleat__http_fields_text_map(&self.headers);
    self.method_is_known = cleat__http_method_read(complete.method, out->method);
    cleat_context *received = cleat_propagator_extract(complete.propagator, complete.base, &map);
    out->span = start_span(&self, out->method, received);
    out->context = out->span.impl != NULL ? cleat_context_with_span(received, out->span) : NULL;
    if (out->context != NULL) {
        cleat_context_release(received);
    } else {
        out->context = received;
    }
    cleat__http_fields_deinit(&self.headers);
    cleat__buffer_deinit(&self.query);
    cleat__buffer_deinit(&self.name);
    return CLEAT_OK;
}

void cleat_http_request_set_route(cleat_http_request *request, const char *route)
{
    if (request == NULL || route == NULL || !cleat_span_is_recording(request->span)) {
        return;
    }
    cleat__buffer name = {NULL, 0, 0, false};
    cleat_span_set_string(request->span, "http.route", route);
    cleat_span_update_name(request->span, name_of(&name, request->method, route));
    cleat__buffer_deinit(&name);
}

void cleat_http_request_set_status_code(cleat_http_request *request, int status_code)
{
    if (request != NULL) {
        request->status_code = status_code;
    }
}

void cleat_http_request_end(cleat_http_request *request, int status_code, const char *error_type)
{
    if (request == NULL) {
        return;
    }
    cleat_span span = request->span;
    char code[16];
    if (status_code == 0) {
        status_code = request->status_code;
    }
    if (status_code > 0) {
        cleat_span_set_int(span, "http.response.status_code", status_code);
    }
    if (error_type == NULL && status_code >= 500) {
        snprintf(code, sizeof(code), "%d", status_code);
        error_type = code;
    }
    if (error_type != NULL) {
        cleat_span_set_string(span, "error.type", error_type);
        cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, NULL);
    }
    cleat_span_end(span);
    cleat_context_release(request->context);
    memset(request, 0, sizeof(*request));
}
