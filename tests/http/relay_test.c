/*
 * examples/http_relay as a participant in traces: what it sends on for what it was sent (W3C Trace
 * Context Level 2, chapters 3 and 4). The service runs as a process of its own.
 */
#include "http_test.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define ID     "12345678901234567890123456789012"
#define PARENT "1234567890123456"
#define VALID  "00-" ID "-" PARENT "-01"

extern char **environ;

typedef struct fixture {
    pid_t relay;
    unsigned relay_port;
    test_server target;
    CURL *easy;
} fixture;

/* The service says in its first line where it listens. */
static unsigned read_port(int fd)
{
    char line[256];
    FILE *stream = fdopen(fd, "r");
    assert_non_null(stream);
    if (fgets(line, sizeof(line), stream) == NULL) {
        fail_msg("http_relay ended before it listened");
    }
    fclose(stream);
    const char *port = strrchr(line, ':');
    assert_non_null(port);
    return (unsigned)strtoul(port + 1, NULL, 10);
}

static int start_all(void **state)
{
    static fixture self;
    static char path[4096];
    const char *build = getenv("CLEAT_BUILD");
    snprintf(path, sizeof(path), "%s/examples/http_relay", build != NULL ? build : ".");
    if (access(path, X_OK) != 0) {
        self.relay = 0; /* a build of a few floors only */
        *state = &self;
        return 0;
    }
    int ends[2];
    posix_spawn_file_actions_t actions;
    char *const arguments[] = {path, (char *)(uintptr_t) "--listen", (char *)(uintptr_t) "127.0.0.1:0", NULL};
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    setenv("OTEL_TRACES_EXPORTER", "none", 1);
    assert_int_equal(posix_spawn(&self.relay, path, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    self.relay_port = read_port(ends[0]);
    server_start(&self.target);
    self.easy = easy_new(self.relay_port, "/test");
    *state = &self;
    return 0;
}

static int stop_all(void **state)
{
    fixture *self = *state;
    if (self->relay == 0) {
        return 0;
    }
    int status = -1;
    curl_easy_cleanup(self->easy);
    server_stop(&self->target);
    kill(self->relay, SIGTERM);
    waitpid(self->relay, &status, 0);
    return status == 0 ? 0 : -1; /* it ends by itself, cleanly */
}

static fixture *fixture_of(void **state)
{
    fixture *self = *state;
    if (self->relay == 0) {
        skip();
    }
    return self;
}

static long post(fixture *self, const char *body, struct curl_slist *headers)
{
    long status_code = 0;
    curl_easy_setopt(self->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, headers);
    assert_int_equal(curl_easy_perform(self->easy), CURLE_OK);
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status_code);
    return status_code;
}

/* What the target got when the service was sent these header lines (up to a NULL). */
static const seen_request *relayed(fixture *self, const char *const *lines)
{
    char body[128];
    struct curl_slist *headers = NULL;
    for (; *lines != NULL; lines++) {
        headers = curl_slist_append(headers, *lines);
    }
    snprintf(body, sizeof(body), "[{\"url\": \"http://127.0.0.1:%u/status/200\", \"arguments\": []}]",
             self->target.port);
    assert_int_equal(post(self, body, headers), 200);
    curl_slist_free_all(headers);
    return server_last(&self->target);
}

#define RELAYED(self, ...) relayed(self, (const char *const[]){__VA_ARGS__, NULL})

static void assert_continues(const seen_request *seen, bool continues)
{
    const char *value = seen_field(seen, "traceparent");
    cleat_span_context context;
    char hex[33];
    assert_non_null(value);
    assert_int_equal(cleat_traceparent_parse(cleat_slice_of(value), &context), CLEAT_OK);
    cleat_trace_id_to_hex(&context.trace_id, hex);
    if (continues != (strcmp(hex, ID) == 0)) {
        fail_msg("%s was sent on", value);
    }
    cleat_span_id_to_hex(&context.span_id, hex);
    assert_string_not_equal(hex, PARENT);
}

static void test_without_headers_a_trace_begins(void **state)
{
    fixture *self = fixture_of(state);
    const seen_request *seen = RELAYED(self, "X-None: 1");
    assert_continues(seen, false);
    assert_null(seen_field(seen, "tracestate"));
}

static void test_traceparents_that_are_continued(void **state)
{
    fixture *self = fixture_of(state);
    static const char *const lines[] = {
        "traceparent: " VALID,
        "TraceParent: " VALID,
        "TrAcEpArEnT: " VALID,
        "traceparent: 00-" ID "-" PARENT "-00",
        "traceparent: cc-" ID "-" PARENT "-01",
        "traceparent: cc-" ID "-" PARENT "-01-what-the-future-will-be-like",
        "traceparent:  " VALID,
        "traceparent:\t" VALID,
        "traceparent: " VALID " ",
        "traceparent: " VALID "\t",
        "traceparent: \t " VALID " \t",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_continues(RELAYED(self, lines[i]), true);
    }
}

static void test_traceparents_that_are_not_continued(void **state)
{
    fixture *self = fixture_of(state);
    static const char *const lines[] = {
        "trace-parent: " VALID,
        "trace.parent: " VALID,
        "traceparent;",
        "traceparent: 00-" ID "-" PARENT "-01.",
        "traceparent: 00-" ID "-" PARENT "-01-what-the-future-will-be-like",
        "traceparent: cc-" ID "-" PARENT "-01.what-the-future-will-be-like",
        "traceparent: ff-" ID "-" PARENT "-01",
        "traceparent: .0-" ID "-" PARENT "-01",
        "traceparent: 0.-" ID "-" PARENT "-01",
        "traceparent: 000-" ID "-" PARENT "-01",
        "traceparent: 0-" ID "-" PARENT "-01",
        "traceparent: 00-00000000000000000000000000000000-" PARENT "-01",
        "traceparent: 00-.2345678901234567890123456789012-" PARENT "-01",
        "traceparent: 00-1234567890123456789012345678901.-" PARENT "-01",
        "traceparent: 00-" ID "3-" PARENT "-01",
        "traceparent: 00-1234567890123456789012345678901-" PARENT "-01",
        "traceparent: 00-1234567890123456789012345678901A-" PARENT "-01",
        "traceparent: 00-" ID "-0000000000000000-01",
        "traceparent: 00-" ID "-.234567890123456-01",
        "traceparent: 00-" ID "-" PARENT "7-01",
        "traceparent: 00-" ID "-123456789012345-01",
        "traceparent: 00-" ID "-" PARENT "-.0",
        "traceparent: 00-" ID "-" PARENT "-0.",
        "traceparent: 00-" ID "-" PARENT "-001",
        "traceparent: 00-" ID "-" PARENT "-1",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const seen_request *seen = RELAYED(self, lines[i], "tracestate: foo=1");
        assert_continues(seen, false);
        assert_null(seen_field(seen, "tracestate")); /* it belonged to the trace that is not continued */
    }
}

static void test_two_traceparents_are_none(void **state)
{
    fixture *self = fixture_of(state);
    assert_continues(RELAYED(self, "traceparent: " VALID, "traceparent: 00-" ID "-1234567890123457-01"),
                     false);
    assert_continues(RELAYED(self, "traceparent: " VALID, "traceparent: " VALID), false);
}

static void test_a_tracestate_alone_is_dropped(void **state)
{
    fixture *self = fixture_of(state);
    assert_null(seen_field(RELAYED(self, "tracestate: foo=1"), "tracestate"));
    assert_null(seen_field(RELAYED(self, "tracestate: foo=1,bar=2"), "tracestate"));
}

/* A line, and the tracestate that is sent on for it. */
static void test_tracestates_that_are_sent_on(void **state)
{
    fixture *self = fixture_of(state);
    static char longest_key[300] = "tracestate: ", expected_key[300];
    memset(longest_key + strlen(longest_key), 'z', 256);
    strcat(longest_key, "=1");
    strcpy(expected_key, longest_key + strlen("tracestate: "));
    const char *const cases[][2] = {
        {"tracestate: foo=1,bar=2", "foo=1,bar=2"},
        {"TraceState: foo=1", "foo=1"},
        {"tracestate: foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"},
        {"tracestate: foo=1,", "foo=1"},
        {"tracestate: ,foo=1,,bar=2", "foo=1,bar=2"},
        {"tracestate: foo=1\t \t,\t \tbar=2,\t \tbaz=3", "foo=1,bar=2,baz=3"},
        {"tracestate: t-1@nr_2*3/4=a b!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~", NULL},
        {"tracestate: 0v=1", "0v=1"},
        {longest_key, expected_key},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const seen_request *seen = RELAYED(self, "traceparent: " VALID, cases[i][0]);
        const char *expected = cases[i][1] != NULL ? cases[i][1] : strchr(cases[i][0], ' ') + 1;
        assert_continues(seen, true);
        assert_field(seen, "tracestate", expected);
    }
}

static void test_tracestates_that_are_dropped(void **state)
{
    fixture *self = fixture_of(state);
    static char long_key[300] = "tracestate: ", many[512] = "tracestate: ";
    memset(long_key + strlen(long_key), 'z', 257);
    strcat(long_key, "=1");
    for (int i = 0; i < 33; i++) {
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "%sbar%02d=%02d", i != 0 ? "," : "", i, i);
    }
    const char *const lines[] = {
        "tracestate;",
        "trace-state: foo=1",
        "tracestate: foo =1",
        "tracestate: FOO=1",
        "tracestate: foo.bar=1",
        "tracestate: @foo=1,bar=2",
        "tracestate: foo=bar=baz",
        "tracestate: foo=,bar=3",
        "tracestate: foo",
        "tracestate: =1",
        long_key,
        many,
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const seen_request *seen = RELAYED(self, "traceparent: " VALID, lines[i]);
        assert_continues(seen, true);
        assert_null(seen_field(seen, "tracestate"));
    }
}

static void test_lines_of_tracestate_are_joined(void **state)
{
    fixture *self = fixture_of(state);
    assert_field(RELAYED(self, "traceparent: " VALID, "tracestate: foo=1,bar=2", "tracestate: rojo=1,congo=2",
                         "tracestate: baz=3"),
                 "tracestate", "foo=1,bar=2,rojo=1,congo=2,baz=3");
    assert_field(RELAYED(self, "traceparent: " VALID, "tracestate: foo=1", "tracestate;"), "tracestate",
                 "foo=1");
    assert_field(RELAYED(self, "traceparent: " VALID, "tracestate;", "tracestate: foo=1"), "tracestate",
                 "foo=1");
    assert_null(seen_field(RELAYED(self, "traceparent: " VALID, "tracestate: foo=1", "tracestate: BAD=1"),
                           "tracestate"));
}

static void test_baggage_is_sent_on(void **state)
{
    fixture *self = fixture_of(state);
    const seen_request *seen = RELAYED(self, "baggage: user=Ada", "BAGGAGE: city=London;p=1");
    assert_field(seen, "baggage", "user=Ada,city=London;p=1");
}

/* Each request that goes out has a span of its own, all in the trace that came in. */
static void test_several_targets_have_different_parents(void **state)
{
    enum { TARGETS = 3 };
    fixture *self = fixture_of(state);
    char body[512];
    size_t first = self->target.count;
    struct curl_slist *headers = curl_slist_append(NULL, "traceparent: " VALID);
    snprintf(body, sizeof(body),
             "[{\"url\": \"http://127.0.0.1:%u/1\", \"arguments\": []},"
             " {\"url\": \"http://127.0.0.1:%u/test\", \"arguments\":"
             "   [{\"url\": \"http://127.0.0.1:%u/2\", \"arguments\": {\"a\": [1]}}]},"
             " {\"url\": \"http://127.0.0.1:%u/3\", \"arguments\": null}]",
             self->target.port, self->relay_port, self->target.port, self->target.port);
    assert_int_equal(post(self, body, headers), 200);
    curl_slist_free_all(headers);
    assert_int_equal(self->target.count, first + TARGETS);
    for (size_t i = 0; i < TARGETS; i++) {
        const seen_request *seen = &self->target.seen[first + i];
        assert_continues(seen, true);
        assert_field(seen, "content-type", "application/json");
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(seen_field(seen, "traceparent"),
                                    seen_field(&self->target.seen[first + j], "traceparent"));
        }
    }
}

static void test_what_is_not_understood_is_refused(void **state)
{
    fixture *self = fixture_of(state);
    static const char *const bodies[] = {
        "",
        "{",
        "{}",
        "[1]",
        "[{}]",
        "[{\"url\": \"http://127.0.0.1/\"}]",
        "[{\"url\": 1, \"arguments\": []}]",
        "\xFF\xFE",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        assert_int_equal(post(self, bodies[i], NULL), 400);
    }
    assert_int_equal(post(self, "[{\"url\": \"file:///dev/null\", \"arguments\": []}]", NULL), 502);
    assert_int_equal(post(self, "[]", NULL), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_headers_a_trace_begins),
        cmocka_unit_test(test_traceparents_that_are_continued),
        cmocka_unit_test(test_traceparents_that_are_not_continued),
        cmocka_unit_test(test_two_traceparents_are_none),
        cmocka_unit_test(test_a_tracestate_alone_is_dropped),
        cmocka_unit_test(test_tracestates_that_are_sent_on),
        cmocka_unit_test(test_tracestates_that_are_dropped),
        cmocka_unit_test(test_lines_of_tracestate_are_joined),
        cmocka_unit_test(test_baggage_is_sent_on),
        cmocka_unit_test(test_several_targets_have_different_parents),
        cmocka_unit_test(test_what_is_not_understood_is_refused),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start_all, stop_all);
    curl_global_cleanup();
    return failed;
}
