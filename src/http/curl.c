/*
 * The CLIENT span of a request made with libcurl.
 *
 * libcurl tells little before a transfer and nothing of what was set with curl_easy_setopt(). What
 * is known at the start goes into the span at creation, for samplers; the rest, and what turns out
 * to be otherwise, when it ends.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "curl_code.h"
#include "curl_headers.h"
#include "curl_url.h"
#include "method.h"

#include <cleat/curl.h>

#include <stdio.h>

enum { OWN_ATTRIBUTES = 6, USER_ATTRIBUTES = 16, NAME_SIZE = CLEAT__HTTP_METHOD_SIZE + 8 };

/* What libcurl tells of a handle's last transfer; another one changes some of it. */
typedef struct transfer_trace {
    curl_off_t total_us;
    long status_code, peer_port, local_port;
} transfer_trace;

struct cleat_curl_request {
    CURL *easy;
    transfer_trace before; /* at the start */
    cleat_span span;
    cleat_context *context;          /* owned: the parent's, with `span` as the active span */
    cleat__curl_headers headers;     /* what the handle sends; no lines: the program's own */
    const struct curl_slist *theirs; /* borrowed */
    bool sets_headers;               /* else the handle's list is left alone */
    bool is_performed;               /* by this library: there was a transfer */
    const char *error_text;          /* borrowed, may be NULL */
    char *url;                       /* owned: what libcurl said at the start, NULL where it was given */
    bool method_is_known;            /* it is in the span */
    bool is_traced;                  /* it has a span, be it one that does not record */
    int64_t resend_count;
};

/* ---- Start ---- */

/* What a span starts with, and the memory that lies in. */
typedef struct beginning {
    cleat__curl_url url;
    char name[NAME_SIZE];
    cleat_attribute attributes[OWN_ATTRIBUTES + USER_ATTRIBUTES];
    size_t count;
} beginning;

static void put(beginning *self, cleat_attribute attribute)
{
    self->attributes[self->count++] = attribute;
}

/* "http POST", and the attributes that say so: one or two. */
static size_t describe_method(const char *method, char name[NAME_SIZE], cleat_attribute attributes[2])
{
    static const char prefix[] = "http ";
    const size_t prefix_size = sizeof(prefix) - 1;
    memcpy(name, prefix, prefix_size);
    bool is_known = cleat__http_method_read(method, name + prefix_size);
    if (is_known) {
        attributes[0] = cleat_attribute_string("http.request.method", name + prefix_size);
        return 1;
    }
    attributes[0] = cleat_attribute_string("http.request.method", CLEAT__HTTP_METHOD_OTHER);
    attributes[1] = cleat_attribute_string("http.request.method_original", method);
    return 2;
}

static const char *info_text(CURL *easy, CURLINFO info)
{
    char *text = NULL;
    return curl_easy_getinfo(easy, info, &text) == CURLE_OK ? text : NULL;
}

static long info_number(CURL *easy, CURLINFO info)
{
    long number = 0;
    return curl_easy_getinfo(easy, info, &number) == CURLE_OK ? number : 0;
}

/* NULL where it is not known yet: before a transfer, GET, POST and PUT are what the last transfer of
 * the handle was, or a guess. */
static const char *method_before(CURL *easy)
{
    static const char *const unsure[] = {"GET", "POST", "PUT"};
    const char *method = info_text(easy, CURLINFO_EFFECTIVE_METHOD);
    for (size_t i = 0; method != NULL && i < sizeof(unsure) / sizeof(unsure[0]); i++) {
        if (strcmp(method, unsure[i]) == 0) {
            return NULL;
        }
    }
    return method;
}

static size_t url_attributes(const cleat__curl_url *url, cleat_attribute attributes[3])
{
    size_t count = 0;
    attributes[count] = cleat_attribute_string("url.full", url->full);
    count += url->full != NULL;
    attributes[count] = cleat_attribute_slice("server.address", url->name);
    count += url->name.size != 0;
    attributes[count] = cleat_attribute_int("server.port", url->port);
    count += url->port != 0;
    return count;
}

static transfer_trace trace_of(CURL *easy)
{
    transfer_trace trace = {.status_code = info_number(easy, CURLINFO_RESPONSE_CODE),
                            .peer_port = info_number(easy, CURLINFO_PRIMARY_PORT),
                            .local_port = info_number(easy, CURLINFO_LOCAL_PORT)};
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &trace.total_us);
    return trace;
}

/* False where the URL is not HTTP's: then there is nothing to record, or to send. */
static bool read_url(beginning *self, cleat_curl_request *request, const cleat_curl_options *options)
{
    const char *url = options->url != NULL ? options->url : info_text(request->easy, CURLINFO_EFFECTIVE_URL);
    if (cleat__curl_url_read(&self->url, url) && !cleat__curl_url_is_http(&self->url)) {
        return false;
    }
    if (options->url == NULL) {
        request->url = cleat__strdup(url != NULL ? url : "");
    }
    return true;
}

static void gather(beginning *self, cleat_curl_request *request, const cleat_curl_options *options)
{
    const char *method = options->method != NULL ? options->method : method_before(request->easy);
    if (method != NULL) {
        self->count += describe_method(method, self->name, self->attributes);
        request->method_is_known = true;
    }
    self->count += url_attributes(&self->url, self->attributes + self->count);
    if (options->resend_count > 0) {
        put(self, cleat_attribute_int("http.request.resend_count", options->resend_count));
    }
    for (size_t i = 0; i < options->attribute_count && i < USER_ATTRIBUTES; i++) {
        put(self, options->attributes[i]);
    }
}

/* False where the request is to have no span and no headers. */
static bool start_span(cleat_curl_request *request, const cleat_curl_options *options)
{
    cleat_tracer *tracer =
        options->tracer != NULL ? options->tracer : cleat_tracer_get("cleat.http", cleat_version());
    beginning self = {.name = "http"};
    bool is_http = read_url(&self, request, options);
    bool is_enabled = is_http && cleat_tracer_enabled(tracer);
    if (is_enabled) {
        gather(&self, request, options);
    }
    if (is_http) {
        cleat_span_options start = {
            .struct_size = sizeof(start),
            .kind = CLEAT_SPAN_KIND_CLIENT,
            .parent = options->parent,
            .attributes = self.attributes,
            .attribute_count = self.count,
        };
        request->span = cleat_span_start(tracer, self.name, &start);
    }
    cleat__curl_url_deinit(&self.url);
    for (size_t i = USER_ATTRIBUTES; is_enabled && i < options->attribute_count; i++) {
        cleat_span_set_attribute(request->span, &options->attributes[i]);
    }
    return is_http;
}

static void make_context(cleat_curl_request *request, const cleat_context *parent)
{
    parent = parent != NULL ? parent : cleat_context_current();
    request->context = request->span.impl != NULL ? cleat_context_with_span(parent, request->span) : NULL;
    if (request->context == NULL) { /* no span, or no memory */
        request->context = cleat_context_retain(parent);
    }
}

/* The program's headers and the propagator's. Without memory for all of them the request goes out
 * with the program's alone. */
static void inject(cleat_curl_request *request, const cleat_propagator *propagator)
{
    cleat__curl_headers *headers = &request->headers;
    cleat_text_map map = cleat__curl_headers_text_map(headers);
    if (!cleat__curl_headers_append(headers, request->theirs)) {
        curl_slist_free_all(headers->lines);
        headers->lines = NULL;
        return;
    }
    headers->keeps_present = !cleat_span_context_is_valid(cleat_context_span_context(request->context));
    cleat_propagator_inject(propagator, request->context, &map);
}

static void set_headers(CURL *easy, const struct curl_slist *lines)
{
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
}

/* `request` is zeroed but for `easy` and `is_performed`. */
static void begin(cleat_curl_request *request, const struct curl_slist *headers,
                  const cleat_curl_options *options)
{
    request->theirs = headers;
    request->before = trace_of(request->easy);
    request->error_text = options->error_text;
    request->resend_count = options->resend_count > 0 ? options->resend_count : 0;
    request->is_traced = !cleat_tracing_suppressed() && start_span(request, options);
    if (request->is_traced) {
        make_context(request, options->parent);
        inject(request, options->propagator);
    }
    const struct curl_slist *lines =
        request->headers.lines != NULL ? request->headers.lines : request->theirs;
    request->sets_headers = lines != NULL;
    if (request->sets_headers) {
        set_headers(request->easy, lines);
    }
}

/* ---- End ---- */

static void set_all(cleat_span span, const cleat_attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat_span_set_attribute(span, &attributes[i]);
    }
}

/* What the start could not know. */
static void complete_beginning(cleat_curl_request *request, long redirects)
{
    const char *method = info_text(request->easy, CURLINFO_EFFECTIVE_METHOD);
    if (!request->method_is_known && method != NULL) {
        char name[NAME_SIZE];
        cleat_attribute attributes[2];
        set_all(request->span, attributes, describe_method(method, name, attributes));
        cleat_span_update_name(request->span, name);
    }
    /* Without redirects this is the URL of the request, in the form libcurl gave it; with them it is
     * that of the last one. */
    const char *url = info_text(request->easy, CURLINFO_EFFECTIVE_URL);
    bool was_unknown = request->url != NULL && request->url[0] == '\0';
    if (request->url == NULL || url == NULL || (redirects != 0 && !was_unknown) ||
        strcmp(url, request->url) == 0) {
        return;
    }
    cleat__curl_url read;
    cleat_attribute attributes[3];
    cleat__curl_url_read(&read, url);
    set_all(request->span, attributes, url_attributes(&read, attributes));
    cleat__curl_url_deinit(&read);
}

static const char *version_of(long version)
{
    switch (version) {
    case CURL_HTTP_VERSION_1_0: return "1.0";
    case CURL_HTTP_VERSION_1_1: return "1.1";
    case CURL_HTTP_VERSION_2_0: return "2";
    case CURL_HTTP_VERSION_3: return "3";
    default: return NULL;
    }
}

static void set_size(const cleat_curl_request *request, const char *key, CURLINFO info)
{
    curl_off_t size = 0;
    if (curl_easy_getinfo(request->easy, info, &size) == CURLE_OK && size > 0) {
        cleat_span_set_int(request->span, key, size);
    }
}

static void set_response(const cleat_curl_request *request, long status_code)
{
    cleat_span span = request->span;
    const char *peer = info_text(request->easy, CURLINFO_PRIMARY_IP);
    if (peer != NULL && peer[0] != '\0') {
        cleat_span_set_string(span, "network.peer.address", peer);
        cleat_span_set_int(span, "network.peer.port", info_number(request->easy, CURLINFO_PRIMARY_PORT));
    }
    const char *version = version_of(info_number(request->easy, CURLINFO_HTTP_VERSION));
    if (version != NULL) {
        cleat_span_set_string(span, "network.protocol.version", version);
    }
    set_size(request, "http.request.body.size", CURLINFO_SIZE_UPLOAD_T);
    if (status_code > 0) {
        cleat_span_set_int(span, "http.response.status_code", status_code);
        set_size(request, "http.response.body.size", CURLINFO_SIZE_DOWNLOAD_T);
    }
}

/* A status code of 400 and above says enough by itself; otherwise libcurl's text does. */
static void set_outcome(const cleat_curl_request *request, long status_code, int curl_code)
{
    char error_type[CLEAT__CURL_CODE_SIZE];
    const char *description = NULL;
    bool is_refused = status_code >= 400 && (curl_code == CURLE_OK || curl_code == CURLE_HTTP_RETURNED_ERROR);
    if (is_refused) {
        snprintf(error_type, sizeof(error_type), "%ld", status_code);
    } else if (curl_code != CURLE_OK) {
        bool has_text = request->error_text != NULL && request->error_text[0] != '\0';
        description = has_text ? request->error_text : curl_easy_strerror((CURLcode)curl_code);
        cleat__curl_code_name(curl_code, error_type);
    } else {
        return;
    }
    cleat_span_set_string(request->span, "error.type", error_type);
    cleat_span_set_status(request->span, CLEAT_SPAN_STATUS_ERROR, description);
}

/* libcurl forgets a transfer when the next one begins: what is as it was belongs to an earlier request. */
static bool has_run(const cleat_curl_request *request, int curl_code)
{
    transfer_trace before = request->before, now = trace_of(request->easy);
    return request->is_performed || curl_code == CURLE_OK || now.total_us != before.total_us ||
           now.status_code != before.status_code || now.peer_port != before.peer_port ||
           now.local_port != before.local_port;
}

static void describe_end(cleat_curl_request *request, int curl_code)
{
    if (!has_run(request, curl_code)) {
        set_outcome(request, 0, curl_code);
        return;
    }
    long redirects = info_number(request->easy, CURLINFO_REDIRECT_COUNT);
    long status_code = info_number(request->easy, CURLINFO_RESPONSE_CODE);
    complete_beginning(request, redirects);
    if (redirects > 0) {
        cleat_span_set_int(request->span, "http.request.resend_count", request->resend_count + redirects);
    }
    set_response(request, status_code);
    set_outcome(request, status_code, curl_code);
}

/* Leaves nothing in `request` to be freed. */
static void end(cleat_curl_request *request, int curl_code)
{
    if (cleat_span_is_recording(request->span)) {
        describe_end(request, curl_code);
    }
    if (request->is_traced) {
        cleat_span_end(request->span);
    }
    if (request->sets_headers) {
        set_headers(request->easy, NULL);
    }
    curl_slist_free_all(request->headers.lines);
    cleat_context_release(request->context);
    cleat__free(request->url);
}

/* ---- The calls ---- */

/* Options made for an older, shorter struct; attributes that are not there are none. */
static cleat_curl_options complete_options(const cleat_curl_options *from)
{
    cleat_curl_options options;
    cleat__options_copy(&options, from, sizeof(options));
    if (options.attributes == NULL) {
        options.attribute_count = 0;
    }
    return options;
}

static int perform(const cleat_curl_request *request)
{
    if (!request->is_traced) {
        return (int)curl_easy_perform(request->easy);
    }
    cleat_scope scope = cleat_context_attach(request->context);
    int code = (int)curl_easy_perform(request->easy);
    cleat_scope_detach(scope);
    return code;
}

int cleat_curl_easy_perform(void *easy, const struct curl_slist *headers, const cleat_curl_options *options)
{
    if (easy == NULL) {
        return CURLE_BAD_FUNCTION_ARGUMENT;
    }
    cleat_curl_options complete = complete_options(options);
    cleat_curl_request request = {.easy = easy, .is_performed = true};
    begin(&request, headers, &complete);
    int code = perform(&request);
    end(&request, code);
    return code;
}

cleat_status cleat_curl_request_start(void *easy, const struct curl_slist *headers,
                                      const cleat_curl_options *options, cleat_curl_request **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the request");
    }
    *out = NULL;
    if (easy == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a request needs an easy handle of libcurl");
    }
    cleat_curl_options complete = complete_options(options);
    cleat_curl_request *request = cleat__calloc(1, sizeof(*request));
    if (request == NULL) {
        if (headers != NULL) {
            set_headers(easy, headers);
        }
        return cleat__fail_memory();
    }
    request->easy = easy;
    begin(request, headers, &complete);
    *out = request;
    return CLEAT_OK;
}

cleat_span cleat_curl_request_span(const cleat_curl_request *request)
{
    return request != NULL ? request->span : (cleat_span){NULL, 0};
}

void cleat_curl_request_end(cleat_curl_request *request, int curl_code)
{
    if (request != NULL) {
        end(request, curl_code);
        cleat__free(request);
    }
}
