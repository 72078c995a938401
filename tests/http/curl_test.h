/* What the tests of libcurl's requests share: a server, a provider that keeps spans, and a handle. */
#ifndef CLEAT_TESTS_CURL_TEST_H
#define CLEAT_TESTS_CURL_TEST_H

#include "http_test.h"

typedef struct fixture {
    test_server server;
    test_sdk sdk;
    CURL *easy;
} fixture;

static inline int set_up(void **state)
{
    static fixture self;
    memset(&self, 0, sizeof(self));
    server_start(&self.server);
    http_sdk_start(&self.sdk);
    self.easy = easy_new(self.server.port, "/status/200");
    *state = &self;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *self = *state;
    curl_easy_cleanup(self->easy);
    server_stop(&self->server);
    sdk_stop(&self->sdk);
    return 0;
}

static inline void set_url(fixture *self, const char *format, const char *path)
{
    char url[200];
    snprintf(url, sizeof(url), format, self->server.port, path);
    curl_easy_setopt(self->easy, CURLOPT_URL, url);
}

static inline void set_path(fixture *self, const char *path)
{
    set_url(self, "http://127.0.0.1:%u%s", path);
}

static inline const char *full_url(const fixture *self, const char *path)
{
    static char url[200];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", self->server.port, path);
    return url;
}

#define PERFORM(self, ...) PERFORM_WITH(self, NULL, __VA_ARGS__)
#define PERFORM_WITH(self, headers, ...)           \
    cleat_curl_easy_perform((self)->easy, headers, \
                            CLEAT_CURL_OPTIONS(.tracer = (self)->sdk.tracer, __VA_ARGS__))

static inline void assert_error(const fixture *self, const char *type, const char *description)
{
    cleat_span_view span = sdk_last(&self->sdk);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
    assert_string_attribute(&span, "error.type", type);
    assert_slice(span.status_message, description);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
