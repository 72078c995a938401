/*
 * HTTP servers: a SERVER span for each request, whatever the library that serves it. On top of this
 * stands microhttpd.h; for requests that a program makes itself there is curl.h.
 *
 *     cleat_http_request request;
 *     cleat_http_request_start(
 *         CLEAT_HTTP_REQUEST_OPTIONS(.method = "GET", .target = "/users/7?full=1",
 *                                    .version = "HTTP/1.1", .route = "/users/{id}"),
 *         &request);
 *     cleat_scope scope = cleat_context_attach(request.context);
 *     ...                                              // answer it
 *     cleat_scope_detach(scope);
 *     cleat_http_request_end(&request, 200, NULL);
 *
 * Source: OpenTelemetry semantic conventions, "HTTP spans": HTTP server (stable).
 */
#ifndef CLEAT_HTTP_H
#define CLEAT_HTTP_H

#include "cleat/propagation.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr; /* of <sys/socket.h> */

/* Gets one header line, or one argument of a query; false ends the visit. */
typedef bool (*cleat_http_visitor)(void *user_data, cleat_slice name, cleat_slice value);

/*
 * What a server library holds of a request's headers, or of its query's arguments. `visit` shows
 * all of them in their order, a header of several lines as often as it has lines; it is called more
 * than once. The slices stay valid until cleat_http_request_start() returns. A NULL `visit`: none.
 */
typedef struct cleat_http_fields {
    void *self;
    void (*visit)(void *self, cleat_http_visitor visitor, void *user_data);
} cleat_http_fields;

/*
 * Everything is copied. What is NULL or zero is not known and is left out.
 *
 * `target` is what stands between method and version on the request line; its query may be missing
 * and be given as `arguments` instead, decoded ones, which are encoded anew (a value that is the
 * absent slice is an argument without `=`). Of `headers` are read: what the propagator asks for,
 * lines of one name joined by commas in their order (RFC 9110, 5.3), names in any case; Host,
 * User-Agent; and Forwarded and X-Forwarded-* if `behind_proxy`.
 *
 * `route` is the pattern that the target matched, such as "/users/{id}": never the target itself,
 * it must have few values. Where routing comes later: cleat_http_request_set_route().
 */
typedef struct cleat_http_request_options {
    size_t struct_size;
    cleat_tracer *tracer;               /* NULL: "cleat.http" of the global provider */
    const cleat_propagator *propagator; /* NULL: the global one */
    const cleat_context *base; /* what the request brings is laid over it; NULL: the root context, so that
                                * a request without a valid traceparent starts a new trace */
    const char *method;
    const char *target;
    const char *version; /* "HTTP/1.1", "1.1", "2" */
    const char *scheme;  /* NULL: "http" */
    const char *route;
    cleat_http_fields headers;
    cleat_http_fields arguments;
    const struct sockaddr *peer; /* the other end of the connection; IPv4 and IPv6 are known */
    bool behind_proxy; /* a proxy of yours is in front: believe its Forwarded and X-Forwarded-* headers */
    const cleat_attribute *attributes; /* more of them, set when the span starts; the first 16 at creation */
    size_t attribute_count;
} cleat_http_request_options;
#define CLEAT_HTTP_REQUEST_OPTIONS(...) CLEAT_OPTIONS(cleat_http_request_options, __VA_ARGS__)

/*
 * A request that is being answered: embed it in what your server keeps per request. All zero is no
 * request, which every call here accepts. Used by one thread at a time, which may be another one
 * each time. `span` and `context` are to be read, the rest is the library's.
 */
typedef struct cleat_http_request {
    cleat_span span;
    cleat_context *context; /* owned: what the request brought, with `span` as the active span */
    int status_code;        /* of the response, once cleat_http_request_set_status_code() told it */
    char method[32];
} cleat_http_request;

/*
 * Extracts the context from the headers and starts a span `<METHOD> <route>`, or `<METHOD>` without
 * a route; an unknown method is `HTTP` in the name and `_OTHER` in http.request.method
 * (OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS, read once, replaces the known ones). Attributes:
 * http.request.method, http.request.method_original, url.path, url.query (known secrets replaced by
 * REDACTED), url.scheme, http.route, server.address, server.port, client.address,
 * network.peer.address, network.peer.port, network.protocol.version, user_agent.original.
 * Nothing is attached: cleat_context_attach(request->context) around what answers the request.
 *
 * Without a provider there is no span, but the context goes on. `*out` is always set; what was
 * there before is overwritten. CLEAT_INVALID_ARGUMENT without `out`; nothing else fails: where
 * memory runs out, what can be had is recorded. Any thread. Semantic conventions: "HTTP server span",
 * "Name"; Propagators API, "Extract".
 */
CLEAT_API cleat_status cleat_http_request_start(const cleat_http_request_options *options,
                                                cleat_http_request *out);
/* Sets http.route and the span's name. NULL changes nothing. Semantic conventions: "Name". */
CLEAT_API void cleat_http_request_set_route(cleat_http_request *request, const char *route);
/* Tells the response's status code before the end, for servers that have it in one place and the end in
 * another. */
CLEAT_API void cleat_http_request_set_status_code(cleat_http_request *request, int status_code);
/*
 * Ends the span and zeroes `request`; a second call changes nothing. `status_code` 0: what
 * cleat_http_request_set_status_code() told. 500 and above is an error, with the code as error.type;
 * 400 to 499 is the client's error and leaves the status unset. `error_type` (NULL: none) says that
 * it went wrong otherwise, such as "timeout": of few values. Semantic conventions: "HTTP server span",
 * "Status".
 */
CLEAT_API void cleat_http_request_end(cleat_http_request *request, int status_code, const char *error_type);

#ifdef __cplusplus
}
#endif
#endif
