/* The two halves of a request that libcurl's multi handle carries out, or nobody. */
#include "curl_test.h"

static void run_multi(CURLM *multi, int requests)
{
    for (int running = requests; running > 0;) {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        assert_int_equal(curl_multi_poll(multi, NULL, 0, running > 0 ? 1000 : 0, NULL), CURLM_OK);
    }
}

static void test_requests_of_a_multi_handle(void **state)
{
    enum { REQUESTS = 3 };
    fixture *self = *state;
    CURLM *multi = curl_multi_init();
    cleat_curl_request *requests[REQUESTS];
    char traceparents[REQUESTS][56];
    for (int i = 0; i < REQUESTS; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/status/20%d", i);
        CURL *easy = easy_new(self->server.port, path);
        assert_int_equal(
            cleat_curl_request_start(
                easy, NULL, CLEAT_CURL_OPTIONS(.tracer = self->sdk.tracer, .method = "GET"), &requests[i]),
            CLEAT_OK);
        cleat_span_context context;
        cleat_span_set_int(cleat_curl_request_span(requests[i]), "number", i);
        cleat_span_get_context(cleat_curl_request_span(requests[i]), &context);
        cleat_traceparent_format(&context, traceparents[i]);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, requests[i]);
        curl_multi_add_handle(multi, easy);
    }
    run_multi(multi, REQUESTS);
    int left, ended = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL; ended++) {
        cleat_curl_request *request = NULL;
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &request);
        cleat_curl_request_end(request, (int)message->data.result);
        curl_multi_remove_handle(multi, easy);
        curl_easy_cleanup(easy);
        cleat_span_view span = sdk_last(&self->sdk);
        cleat_value number = value_of(&span, "number");
        assert_int_attribute(&span, "http.response.status_code", 200 + number.as.integer);
    }
    assert_int_equal(ended, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
        int index = self->server.seen[i].path[10] - '0';
        assert_field(&self->server.seen[i], "traceparent", traceparents[index]);
    }
    curl_multi_cleanup(multi);
}

static void test_a_request_that_is_given_up(void **state)
{
    fixture *self = *state;
    cleat_curl_request *request = NULL;
    CURLM *multi = curl_multi_init();
    cleat_curl_request_start(self->easy, NULL, CLEAT_CURL_OPTIONS(.tracer = self->sdk.tracer), &request);
    curl_multi_add_handle(multi, self->easy);
    curl_multi_remove_handle(multi, self->easy);
    cleat_curl_request_end(request, CURLE_ABORTED_BY_CALLBACK);
    assert_error(self, "CURLE_ABORTED_BY_CALLBACK", curl_easy_strerror(CURLE_ABORTED_BY_CALLBACK));
    curl_multi_cleanup(multi);
}

/* The second request of a handle is given up before it begins. */
static void test_of_a_request_that_never_ran_nothing_is_recorded(void **state)
{
    fixture *self = *state;
    cleat_curl_request *request = NULL;
    CURLM *multi = curl_multi_init();
    curl_easy_setopt(self->easy, CURLOPT_POSTFIELDS, "four");
    assert_int_equal(PERFORM(self), CURLE_OK);
    for (int i = 0; i < 2; i++) {
        cleat_curl_request_start(self->easy, NULL, CLEAT_CURL_OPTIONS(.tracer = self->sdk.tracer), &request);
        if (i != 0) {
            curl_multi_add_handle(multi, self->easy);
            curl_multi_remove_handle(multi, self->easy);
        }
        cleat_curl_request_end(request, CURLE_ABORTED_BY_CALLBACK);
        assert_error(self, "CURLE_ABORTED_BY_CALLBACK", curl_easy_strerror(CURLE_ABORTED_BY_CALLBACK));
        cleat_span_view span = sdk_last(&self->sdk);
        assert_slice(span.name, "http");
        assert_string_attribute(&span, "url.full", full_url(self, "/status/200"));
        assert_false(has_attribute(&span, "http.request.method"));
        assert_false(has_attribute(&span, "http.response.status_code"));
        assert_false(has_attribute(&span, "http.request.body.size"));
        assert_false(has_attribute(&span, "network.peer.address"));
        assert_false(has_attribute(&span, "network.protocol.version"));
    }
    curl_multi_cleanup(multi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_requests_of_a_multi_handle),
        TEST(test_a_request_that_is_given_up),
        TEST(test_of_a_request_that_never_ran_nothing_is_recorded),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
