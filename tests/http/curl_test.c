#include "curl_test.h"

#define USER_TRACEPARENT "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"

static void test_a_request_has_a_span(void **state)
{
    fixture *self = *state;
    char traceparent[56];
    set_path(self, "/status/200?a=1");
    assert_int_equal(PERFORM(self, .method = "GET"), CURLE_OK);

    cleat_span_view span = sdk_last(&self->sdk);
    assert_slice(span.name, "http GET");
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_CLIENT);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_string_attribute(&span, "http.request.method", "GET");
    assert_string_attribute(&span, "url.full", full_url(self, "/status/200?a=1"));
    assert_string_attribute(&span, "server.address", "127.0.0.1");
    assert_int_attribute(&span, "server.port", self->server.port);
    assert_string_attribute(&span, "network.peer.address", "127.0.0.1");
    assert_int_attribute(&span, "network.peer.port", self->server.port);
    assert_string_attribute(&span, "network.protocol.version", "1.1");
    assert_int_attribute(&span, "http.response.status_code", 200);
    assert_int_attribute(&span, "http.response.body.size", 6);
    assert_false(has_attribute(&span, "error.type"));
    assert_false(has_attribute(&span, "http.request.resend_count"));
    assert_field(server_last(&self->server), "traceparent", traceparent_of(&span, traceparent));
}

static void test_the_current_context_is_the_parent(void **state)
{
    fixture *self = *state;
    cleat_span outer = cleat_span_start(self->sdk.tracer, "outer", NULL);
    cleat_scope scope = cleat_span_attach(outer);
    PERFORM(self);
    cleat_scope_detach(scope);
    cleat_span_context context;
    cleat_span_get_context(outer, &context);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_memory_equal(&span.parent_span_id, &context.span_id, sizeof(context.span_id));
    assert_memory_equal(&span.trace_id, &context.trace_id, sizeof(context.trace_id));
    cleat_span_end(outer);
}

static cleat_context *received_context(void)
{
    cleat_span_context remote = make_context(7, CLEAT_TRACE_FLAG_SAMPLED);
    assert_int_equal(cleat_trace_state_parse(&remote, cleat_slice_of("a=1,b=2")), CLEAT_OK);
    cleat_context *traced = cleat_context_with_span_context(NULL, &remote);
    cleat_baggage *baggage = cleat_baggage_with(NULL, "user", cleat_slice_of("Ada"), NULL);
    cleat_context *context = cleat_context_with_baggage(traced, baggage);
    cleat_baggage_release(baggage);
    cleat_context_release(traced);
    return context;
}

static void test_tracestate_and_baggage_are_sent(void **state)
{
    fixture *self = *state;
    char traceparent[56];
    cleat_context *parent = received_context();
    PERFORM(self, .parent = parent);
    cleat_span_view span = sdk_last(&self->sdk);
    const seen_request *seen = server_last(&self->server);
    assert_int_equal(span.trace_id.bytes[0], 7);
    assert_field(seen, "traceparent", traceparent_of(&span, traceparent));
    assert_field(seen, "tracestate", "a=1,b=2");
    assert_field(seen, "baggage", "user=Ada");
    cleat_context_release(parent);
}

static void test_headers_of_the_program_are_kept(void **state)
{
    fixture *self = *state;
    struct curl_slist *headers = curl_slist_append(NULL, "X-Mine: one");
    headers = curl_slist_append(headers, "X-Mine-Too: two");
    headers = curl_slist_append(headers, "Accept:");
    PERFORM_WITH(self, headers);
    const seen_request *seen = server_last(&self->server);
    assert_field(seen, "X-Mine", "one");
    assert_field(seen, "X-Mine-Too", "two");
    assert_null(seen_field(seen, "Accept"));
    assert_non_null(seen_field(seen, "traceparent"));

    /* Afterwards the handle has none: the program may free its list. */
    curl_slist_free_all(headers);
    curl_easy_perform(self->easy);
    seen = server_last(&self->server);
    assert_null(seen_field(seen, "X-Mine"));
    assert_null(seen_field(seen, "traceparent"));
}

static void test_the_handles_list_is_left_alone_where_there_is_nothing_to_send(void **state)
{
    fixture *self = *state;
    struct curl_slist *set = curl_slist_append(NULL, "X-Set: before");
    cleat_curl_request *request = NULL;
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, set);
    for (int i = 0; i < 2; i++) { /* no span, no context to send on */
        assert_int_equal(cleat_curl_easy_perform(self->easy, NULL, NULL), CURLE_OK);
        assert_field(server_last(&self->server), "X-Set", "before");
    }
    assert_int_equal(cleat_curl_request_start(self->easy, NULL, NULL, &request), CLEAT_OK);
    cleat_curl_request_end(request, curl_easy_perform(self->easy));
    assert_field(server_last(&self->server), "X-Set", "before");
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(set);
}

static void test_a_valid_span_replaces_the_programs_traceparent(void **state)
{
    fixture *self = *state;
    char traceparent[56];
    struct curl_slist *headers = curl_slist_append(NULL, "TraceParent: " USER_TRACEPARENT);
    headers = curl_slist_append(headers, "TRACESTATE: mine=1");
    PERFORM_WITH(self, headers);
    cleat_span_view span = sdk_last(&self->sdk);
    const seen_request *seen = server_last(&self->server);
    assert_field(seen, "traceparent", traceparent_of(&span, traceparent));
    assert_null(seen_field(seen, "tracestate")); /* it belongs to another trace */
    assert_string_equal(headers->data, "TraceParent: " USER_TRACEPARENT);
    curl_slist_free_all(headers);
}

static void test_without_a_span_the_programs_traceparent_stays(void **state)
{
    fixture *self = *state;
    cleat_baggage *baggage = cleat_baggage_with(NULL, "user", cleat_slice_of("Ada"), NULL);
    cleat_context *parent = cleat_context_with_baggage(NULL, baggage);
    struct curl_slist *headers = curl_slist_append(NULL, "traceparent: " USER_TRACEPARENT);
    headers = curl_slist_append(headers, "baggage: mine=1");
    cleat_curl_easy_perform(self->easy, headers, CLEAT_CURL_OPTIONS(.parent = parent));
    const seen_request *seen = server_last(&self->server);
    assert_field(seen, "traceparent", USER_TRACEPARENT);
    assert_field(seen, "baggage", "mine=1");
    assert_int_equal(cleat_memory_exporter_count(self->sdk.exporter), 0);
    cleat_context_release(parent);
    cleat_baggage_release(baggage);
    curl_slist_free_all(headers);
}

static void test_without_a_provider_the_context_goes_on(void **state)
{
    fixture *self = *state;
    char traceparent[56];
    cleat_context *parent = received_context();
    cleat_scope scope = cleat_context_attach(parent);
    assert_int_equal(cleat_curl_easy_perform(self->easy, NULL, NULL), CURLE_OK);
    cleat_scope_detach(scope);
    const seen_request *seen = server_last(&self->server);
    cleat_traceparent_format(cleat_context_span_context(parent), traceparent);
    assert_field(seen, "traceparent", traceparent);
    assert_field(seen, "tracestate", "a=1,b=2");
    assert_field(seen, "baggage", "user=Ada");
    cleat_context_release(parent);

    assert_int_equal(cleat_curl_easy_perform(self->easy, NULL, NULL), CURLE_OK);
    assert_null(seen_field(server_last(&self->server), "traceparent"));
}

static void test_a_span_that_is_not_sampled_is_sent_as_such(void **state)
{
    fixture *self = *state;
    test_sdk other;
    SDK_START(&other, .sampler = cleat_sampler_always_off());
    cleat_curl_easy_perform(self->easy, NULL, CLEAT_CURL_OPTIONS(.tracer = other.tracer));
    const char *traceparent = seen_field(server_last(&self->server), "traceparent");
    assert_non_null(traceparent);
    assert_int_equal(strtoul(traceparent + 53, NULL, 16) & CLEAT_TRACE_FLAG_SAMPLED, 0);
    sdk_stop(&other);
}

/* ---- Methods ---- */

typedef struct name_watcher {
    cleat_span_processor base;
    char methods[3]; /* whether the method was there at the start, for each span */
    size_t count;
} name_watcher;

static void watch_start(cleat_span_processor *processor, cleat_span span, const cleat_context *parent)
{
    name_watcher *self = (name_watcher *)processor;
    (void)parent;
    if (self->count < sizeof(self->methods)) {
        self->methods[self->count++] =
            cleat_span_has_attribute(span, cleat_slice_of("http.request.method")) ? '+' : '-';
    }
}

static void test_the_method_is_found_out(void **state)
{
    fixture *self = *state;
    static name_watcher watcher = {.base = {.on_start = watch_start}}; /* outlives this function */
    assert_int_equal(cleat_tracer_provider_add_processor(self->sdk.provider, &watcher.base), CLEAT_OK);

    curl_easy_setopt(self->easy, CURLOPT_POSTFIELDS, "four");
    PERFORM(self);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_slice(span.name, "http POST");
    assert_string_attribute(&span, "http.request.method", "POST");
    assert_int_attribute(&span, "http.request.body.size", 4);

    curl_easy_setopt(self->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    PERFORM(self);
    span = sdk_last(&self->sdk);
    assert_slice(span.name, "http DELETE");

    curl_easy_setopt(self->easy, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(self->easy, CURLOPT_HTTPGET, 1L);
    PERFORM(self, .method = "GET");
    assert_memory_equal(watcher.methods, "-++", 3);
}

static void test_a_method_that_nobody_knows(void **state)
{
    fixture *self = *state;
    curl_easy_setopt(self->easy, CURLOPT_CUSTOMREQUEST, "BREW");
    PERFORM(self);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_slice(span.name, "http HTTP");
    assert_string_attribute(&span, "http.request.method", "_OTHER");
    assert_string_attribute(&span, "http.request.method_original", "BREW");

    /* Added to the known ones by main(). */
    curl_easy_setopt(self->easy, CURLOPT_CUSTOMREQUEST, "PURGE");
    PERFORM(self);
    span = sdk_last(&self->sdk);
    assert_slice(span.name, "http PURGE");
    assert_string_attribute(&span, "http.request.method", "PURGE");
    assert_false(has_attribute(&span, "http.request.method_original"));
}

/* ---- URLs ---- */

static void test_secrets_are_not_recorded(void **state)
{
    fixture *self = *state;
    set_url(self, "http://me:secret@127.0.0.1:%u%s", "/status/200?sig=secret&a=1#end");
    PERFORM(self);
    cleat_span_view span = sdk_last(&self->sdk);
    char expected[200];
    snprintf(expected, sizeof(expected),
             "http://REDACTED:REDACTED@127.0.0.1:%u/status/200?sig=REDACTED&a=1#end", self->server.port);
    assert_string_attribute(&span, "url.full", expected);
}

static void test_a_url_is_recorded_as_libcurl_completes_it(void **state)
{
    fixture *self = *state;
    set_url(self, "127.0.0.1:%u%s", "");
    PERFORM(self);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_string_attribute(&span, "url.full", full_url(self, "/"));
}

static void test_a_url_by_curlu_is_known_at_the_end(void **state)
{
    fixture *self = *state;
    CURLU *url = curl_url();
    CURL *easy = curl_easy_init();
    curl_url_set(url, CURLUPART_URL, full_url(self, "/status/200"), 0);
    curl_easy_setopt(easy, CURLOPT_CURLU, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    assert_int_equal(cleat_curl_easy_perform(easy, NULL, CLEAT_CURL_OPTIONS(.tracer = self->sdk.tracer)),
                     CURLE_OK);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_string_attribute(&span, "url.full", full_url(self, "/status/200"));
    assert_string_attribute(&span, "server.address", "127.0.0.1");
    curl_easy_cleanup(easy);
    curl_url_cleanup(url);
}

static void test_what_is_not_http_has_no_span(void **state)
{
    fixture *self = *state;
    curl_easy_setopt(self->easy, CURLOPT_URL, "file:///dev/null");
    assert_int_equal(PERFORM(self), CURLE_OK);
    assert_int_equal(cleat_memory_exporter_count(self->sdk.exporter), 0);
}

/* Recorded by no provider, it is looked at nevertheless: the lines would be sent as a mail's. */
static void test_what_is_not_http_gets_no_headers(void **state)
{
    fixture *self = *state;
    cleat_context *parent = received_context();
    struct curl_slist *set = curl_slist_append(NULL, "X-Set: before");
    cleat_curl_request *request = NULL;
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, set);
    curl_easy_setopt(self->easy, CURLOPT_URL, "smtp://127.0.0.1/");
    cleat_curl_request_start(self->easy, NULL, CLEAT_CURL_OPTIONS(.parent = parent), &request);
    set_path(self, "/status/200"); /* where what was set is seen */
    cleat_curl_request_end(request, curl_easy_perform(self->easy));
    assert_field(server_last(&self->server), "X-Set", "before");
    assert_null(seen_field(server_last(&self->server), "traceparent"));
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(set);
    cleat_context_release(parent);
}

static void test_redirects_are_counted(void **state)
{
    fixture *self = *state;
    set_path(self, "/redirect/2");
    curl_easy_setopt(self->easy, CURLOPT_FOLLOWLOCATION, 1L);
    PERFORM(self, .method = "GET", .resend_count = 1);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_string_attribute(&span, "url.full", full_url(self, "/redirect/2"));
    assert_int_attribute(&span, "http.request.resend_count", 3);
    assert_int_attribute(&span, "http.response.status_code", 200);
    assert_int_equal(self->server.count, 3);
    assert_non_null(seen_field(server_last(&self->server), "traceparent"));

    /* Not followed, it is no error. */
    set_path(self, "/redirect/2");
    curl_easy_setopt(self->easy, CURLOPT_FOLLOWLOCATION, 0L);
    PERFORM(self);
    span = sdk_last(&self->sdk);
    assert_int_attribute(&span, "http.response.status_code", 302);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_false(has_attribute(&span, "http.request.resend_count"));
}

/* ---- Errors ---- */

static void test_status_codes_of_errors(void **state)
{
    fixture *self = *state;
    set_path(self, "/status/404");
    assert_int_equal(PERFORM(self), CURLE_OK);
    assert_error(self, "404", NULL);
    set_path(self, "/status/500");
    assert_int_equal(PERFORM(self), CURLE_OK);
    assert_error(self, "500", NULL);
    curl_easy_setopt(self->easy, CURLOPT_FAILONERROR, 1L);
    assert_int_equal(PERFORM(self), CURLE_HTTP_RETURNED_ERROR);
    assert_error(self, "500", NULL);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_int_attribute(&span, "http.response.status_code", 500);
}

static void test_a_refused_connection(void **state)
{
    fixture *self = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    /* Bound, so that nobody else gets the port, but not listening. */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char url[64], text[CURL_ERROR_SIZE] = "";
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    curl_easy_setopt(self->easy, CURLOPT_URL, url);

    assert_int_equal(PERFORM(self, .method = "GET"), CURLE_COULDNT_CONNECT);
    assert_error(self, "CURLE_COULDNT_CONNECT", curl_easy_strerror(CURLE_COULDNT_CONNECT));
    cleat_span_view span = sdk_last(&self->sdk);
    assert_string_attribute(&span, "url.full", url);
    assert_false(has_attribute(&span, "http.response.status_code"));

    curl_easy_setopt(self->easy, CURLOPT_ERRORBUFFER, text);
    PERFORM(self, .error_text = text);
    assert_true(text[0] != '\0');
    assert_error(self, "CURLE_COULDNT_CONNECT", text);
    close(fd);
}

static void test_a_timeout(void **state)
{
    fixture *self = *state;
    set_path(self, "/gate");
    curl_easy_setopt(self->easy, CURLOPT_TIMEOUT_MS, 50L);
    assert_int_equal(PERFORM(self), CURLE_OPERATION_TIMEDOUT);
    assert_error(self, "CURLE_OPERATION_TIMEDOUT", curl_easy_strerror(CURLE_OPERATION_TIMEDOUT));
}

static void test_a_url_that_is_none(void **state)
{
    fixture *self = *state;
    curl_easy_setopt(self->easy, CURLOPT_URL, "http://a b/");
    assert_int_equal(PERFORM(self), CURLE_URL_MALFORMAT);
    assert_error(self, "CURLE_URL_MALFORMAT", curl_easy_strerror(CURLE_URL_MALFORMAT));
    curl_easy_setopt(self->easy, CURLOPT_URL, NULL);
    assert_int_equal(PERFORM(self), CURLE_URL_MALFORMAT);
}

static void test_bad_arguments(void **state)
{
    fixture *self = *state;
    cleat_curl_request *request = (cleat_curl_request *)self;
    assert_int_equal(cleat_curl_easy_perform(NULL, NULL, NULL), CURLE_BAD_FUNCTION_ARGUMENT);
    assert_int_equal(cleat_curl_request_start(NULL, NULL, NULL, &request), CLEAT_INVALID_ARGUMENT);
    assert_null(request);
    assert_int_equal(cleat_curl_request_start(self->easy, NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_null(cleat_curl_request_span(NULL).impl);
    cleat_curl_request_end(NULL, 0);
    PERFORM(self, .attribute_count = 3);
    assert_int_equal(cleat_memory_exporter_count(self->sdk.exporter), 1);
}

/* ---- What goes on around requests ---- */

static size_t note_span(char *data, size_t size, size_t count, void *user_data)
{
    (void)data;
    *(cleat_span_context *)user_data = *cleat_context_span_context(cleat_context_current());
    return size * count;
}

static void test_the_span_is_active_in_callbacks(void **state)
{
    fixture *self = *state;
    cleat_span_context seen = make_context(0, 0);
    curl_easy_setopt(self->easy, CURLOPT_WRITEFUNCTION, note_span);
    curl_easy_setopt(self->easy, CURLOPT_WRITEDATA, &seen);
    PERFORM(self);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_memory_equal(&span.span_id, &seen.span_id, sizeof(seen.span_id));
    assert_false(cleat_span_context_is_valid(cleat_context_span_context(cleat_context_current())));
}

typedef struct sender {
    cleat_span_exporter base;
    fixture *fixture;
} sender;

static cleat_status send_spans(cleat_span_exporter *exporter, const cleat_span_batch *batch,
                               int64_t timeout_ms)
{
    sender *self = (sender *)exporter;
    struct curl_slist *headers = curl_slist_append(NULL, "X-Mine: one");
    (void)batch, (void)timeout_ms;
    PERFORM_WITH(self->fixture, headers);
    curl_slist_free_all(headers);
    return CLEAT_OK;
}

static void test_an_exporters_requests_are_not_traced(void **state)
{
    fixture *self = *state;
    static sender exporter = {.base = {.export_spans = send_spans}}; /* outlives this function */
    exporter.fixture = self;
    cleat_span_processor *processor = NULL;
    assert_int_equal(cleat_simple_processor_new(&exporter.base, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(self->sdk.provider, processor), CLEAT_OK);
    cleat_span span = cleat_span_start(self->sdk.tracer, "work", NULL);
    cleat_scope scope = cleat_span_attach(span);
    cleat_span_end(span);
    cleat_scope_detach(scope);
    assert_int_equal(cleat_memory_exporter_count(self->sdk.exporter), 1);
    assert_int_equal(self->server.count, 1);
    assert_field(server_last(&self->server), "X-Mine", "one");
    assert_null(seen_field(server_last(&self->server), "traceparent"));
}

static void test_many_requests_over_one_handle(void **state)
{
    fixture *self = *state;
    struct curl_slist *headers = curl_slist_append(NULL, "X-Mine: one");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(PERFORM_WITH(self, headers, .method = "GET"), CURLE_OK);
        assert_field(server_last(&self->server), "X-Mine", "one");
        assert_non_null(seen_field(server_last(&self->server), "traceparent"));
    }
    assert_int_equal(cleat_memory_exporter_count(self->sdk.exporter), 100);
    curl_slist_free_all(headers);
}

static void test_more_attributes(void **state)
{
    fixture *self = *state;
    cleat_attribute attributes[20];
    static char keys[20][16];
    for (int i = 0; i < 20; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        attributes[i] = cleat_attribute_int(keys[i], i);
    }
    PERFORM(self, .attributes = attributes, .attribute_count = 20);
    cleat_span_view span = sdk_last(&self->sdk);
    assert_int_attribute(&span, "k0", 0);
    assert_int_attribute(&span, "k19", 19);
}

static void split_a_line(const cleat_propagator *self, const cleat_context *context,
                         const cleat_text_map *carrier)
{
    (void)self, (void)context;
    assert_int_equal(carrier->set(carrier->self, "x-bad", cleat_slice_of("a\r\nX-Smuggled: 1")),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(carrier->set(carrier->self, "x good", cleat_slice_of("a")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(carrier->set(carrier->self, "x-good", cleat_slice_of("a")), CLEAT_OK);
    assert_int_equal(carrier->set(carrier->self, "x-good", cleat_slice_of("b")), CLEAT_OK);
    assert_int_equal(carrier->set(carrier->self, "x-empty", cleat_slice_of("")), CLEAT_OK);
    assert_slice(carrier->get(carrier->self, "X-Good"), "b");
    assert_slice(carrier->get(carrier->self, "x-empty"), "");
    assert_null(carrier->get(carrier->self, "x-bad").data);
}

static void test_a_propagator_cannot_write_other_headers(void **state)
{
    fixture *self = *state;
    cleat_propagator propagator = *cleat_propagator_none();
    propagator.inject = split_a_line;
    PERFORM(self, .propagator = &propagator);
    const seen_request *seen = server_last(&self->server);
    assert_null(seen_field(seen, "x-smuggled"));
    assert_field(seen, "x-good", "b");
    assert_field(seen, "x-empty", "");
    assert_null(seen_field(seen, "traceparent"));
}

static void test_a_propagator_without_inject_sends_nothing(void **state)
{
    fixture *self = *state;
    cleat_propagator propagator = {.inject = NULL};
    assert_int_equal(PERFORM(self, .propagator = &propagator), CURLE_OK);
    assert_null(seen_field(server_last(&self->server), "traceparent"));
}

static void test_requests_go_out_without_memory(void **state)
{
    fixture *self = *state;
    struct curl_slist *headers = curl_slist_append(NULL, "X-Mine: one");
    for (size_t fail_at = 1; fail_at < 16; fail_at++) {
        failing_allocator allocator;
        failing_allocator_install(&allocator, fail_at);
        int code = PERFORM_WITH(self, headers);
        cleat_set_allocator(NULL);
        assert_int_equal(code, CURLE_OK);
        assert_field(server_last(&self->server), "X-Mine", "one");
    }
    curl_slist_free_all(headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_has_a_span),
        TEST(test_the_current_context_is_the_parent),
        TEST(test_tracestate_and_baggage_are_sent),
        TEST(test_headers_of_the_program_are_kept),
        TEST(test_the_handles_list_is_left_alone_where_there_is_nothing_to_send),
        TEST(test_a_valid_span_replaces_the_programs_traceparent),
        TEST(test_without_a_span_the_programs_traceparent_stays),
        TEST(test_without_a_provider_the_context_goes_on),
        TEST(test_a_span_that_is_not_sampled_is_sent_as_such),
        TEST(test_the_method_is_found_out),
        TEST(test_a_method_that_nobody_knows),
        TEST(test_secrets_are_not_recorded),
        TEST(test_a_url_is_recorded_as_libcurl_completes_it),
        TEST(test_a_url_by_curlu_is_known_at_the_end),
        TEST(test_what_is_not_http_has_no_span),
        TEST(test_what_is_not_http_gets_no_headers),
        TEST(test_redirects_are_counted),
        TEST(test_status_codes_of_errors),
        TEST(test_a_refused_connection),
        TEST(test_a_timeout),
        TEST(test_a_url_that_is_none),
        TEST(test_bad_arguments),
        TEST(test_the_span_is_active_in_callbacks),
        TEST(test_an_exporters_requests_are_not_traced),
        TEST(test_many_requests_over_one_handle),
        TEST(test_more_attributes),
        TEST(test_a_propagator_cannot_write_other_headers),
        TEST(test_a_propagator_without_inject_sends_nothing),
        TEST(test_requests_go_out_without_memory),
    };
    setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, POST ,PUT,DELETE,,PURGE", 1);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
