/*
 * HTTP requests made with libcurl: a CLIENT span for each, and the trace's headers in it.
 *
 *     CURL *easy = curl_easy_init();
 *     struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
 *     curl_easy_setopt(easy, CURLOPT_URL, "http://localhost:8080/orders");
 *     curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
 *     CURLcode code = cleat_curl_easy_perform(easy, headers, CLEAT_CURL_OPTIONS(.method = "POST"));
 *     if (code != CURLE_OK) {
 *         fprintf(stderr, "%s\n", curl_easy_strerror(code));
 *     }
 *
 * The program's own headers are an argument, NULL where there are none, and are not set with
 * CURLOPT_HTTPHEADER: libcurl has one list only, does not tell what it was set to, and the trace's headers
 * go into it. A list that was set before is lost as soon as there are trace headers to send.
 *
 * This header does not need <curl/curl.h>: an easy handle is a `void *` here (CURL is void in
 * libcurl's own header) and a CURLcode is an int. The program links libcurl itself.
 *
 * Source: OpenTelemetry semantic conventions, "HTTP spans": HTTP client (stable).
 */
#ifndef CLEAT_CURL_H
#define CLEAT_CURL_H

#include "cleat/propagation.h"

#ifdef __cplusplus
extern "C" {
#endif

struct curl_slist; /* of <curl/curl.h> */

/*
 * What is NULL or zero has a default.
 *
 * `method` is for the span's name and for samplers, it does not set libcurl's: libcurl tells before
 * the first transfer what CURLOPT_CUSTOMREQUEST and CURLOPT_NOBODY ask for, but not whether it will
 * be a GET, a POST or a PUT. Without `method` such a span starts as `http`, and gets name and
 * http.request.method when the request is over (after redirects those of the last request). Give it
 * where samplers or processors look at it.
 *
 * `url` is for the span as well. Without it: what CURLOPT_URL says. Give it where CURLOPT_CURLU was
 * used (else the URL is known only at the end), and for a handle that is used again, without
 * CURLOPT_URL set anew, after a request that was redirected.
 */
typedef struct cleat_curl_options {
    size_t struct_size;
    cleat_tracer *tracer;               /* NULL: "cleat.http" of the global provider */
    const cleat_propagator *propagator; /* NULL: the global one */
    const cleat_context *parent;        /* NULL: the current context of this thread */
    const char *method;
    const char *url;
    const char *error_text; /* the buffer given as CURLOPT_ERRORBUFFER: says more than the code does;
                             * borrowed until the end */
    int64_t resend_count;   /* how often this request was sent before: http.request.resend_count */
    const cleat_attribute *attributes; /* more of them, set when the span starts; the first 16 at creation */
    size_t attribute_count;
} cleat_curl_options;
#define CLEAT_CURL_OPTIONS(...) CLEAT_OPTIONS(cleat_curl_options, __VA_ARGS__)

/*
 * curl_easy_perform() in a span, which is the active one while it runs (for libcurl's callbacks); it
 * answers the CURLcode. `options` may be NULL. Nothing that tracing does makes a request fail. As
 * with libcurl, one thread at a time uses a handle.
 *
 * `headers` are the program's own, what it would have given as CURLOPT_HTTPHEADER; NULL: none. That
 * option is set for the time of the request to a list of the library's, with a copy of `headers` and the
 * propagator's fields, and afterwards to NULL. Only where there is nothing to set, neither `headers` nor
 * such fields, is the handle's list left alone. `headers` is borrowed until the request has ended and
 * never changed.
 * A header of the program's that has the name of one of the propagator's (`traceparent`, in any case)
 * is replaced while the request has a valid span, and is kept when there is none.
 *
 * The span is `http <METHOD>`, of kind CLIENT: the conventions would call it `<METHOD>`, as the SERVER span
 * of a request without a route is called, and in a list of spans nobody could tell which is which. It is
 * `http HTTP` for a method that is not known, `_OTHER`
 * in http.request.method; OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS, read once, replaces the list of
 * known ones). Attributes: http.request.method, http.request.method_original, url.full (user name,
 * password and known secrets in the query replaced by REDACTED), server.address, server.port,
 * http.request.resend_count (redirects that libcurl followed included; the other attributes are
 * those of the request that was asked for, status code and peer those of the last one),
 * network.protocol.version, network.peer.address, network.peer.port, http.response.status_code,
 * http.request.body.size, http.response.body.size, error.type. Status ERROR for 400 and above, and
 * for a request that failed, with libcurl's text and the name of the CURLcode as error.type.
 *
 * No span and no headers: for a URL that is not http, https, ws or wss, and inside an exporter
 * (cleat_tracing_suppressed()). Without a provider there is no span, but the parent's context is
 * sent on. Semantic conventions: "HTTP client span".
 */
CLEAT_API int cleat_curl_easy_perform(void *easy, const struct curl_slist *headers,
                                      const cleat_curl_options *options);

/*
 * The two halves of it, for curl_multi, with the same `headers` and `options`: start before
 * curl_multi_add_handle(); end when curl_multi
 * told the result (CURLMsg.data.result), before the handle is reset, freed or used again. Nothing is
 * attached. Any thread may end it; any CURLcode may be given for a request that is given up, such as
 * CURLE_ABORTED_BY_CALLBACK. CLEAT_INVALID_ARGUMENT without `easy` or `out`; CLEAT_NO_MEMORY, then
 * the request can be made without a span: `headers` are set on the handle, and stay. `*out` is NULL on
 * failure; the caller owns it, and only `end` frees it. Semantic conventions: "HTTP client span", "HTTP
 * request retries and redirects".
 */
typedef struct cleat_curl_request cleat_curl_request;
CLEAT_API cleat_status cleat_curl_request_start(void *easy, const struct curl_slist *headers,
                                                const cleat_curl_options *options, cleat_curl_request **out);
/* For attributes and events of the program's own; the no-op span for NULL. */
CLEAT_API cleat_span cleat_curl_request_span(const cleat_curl_request *request);
/* Consumes `request`; NULL-safe. Semantic conventions: "HTTP client span", "Status". */
CLEAT_API void cleat_curl_request_end(cleat_curl_request *request, int curl_code);

#ifdef __cplusplus
}
#endif
#endif
