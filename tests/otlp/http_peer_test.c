/* Servers as they are met: old, slow, broken, hostile. And many exporters, threads and ends at once. */
#define _GNU_SOURCE /* memmem */
#include "support/http_sink.h"
#include "trace/batch.h"
#include "trace/sdk_test.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

typedef struct fixture {
    http_sink *sink;
    cleat_span_exporter *exporter;
    cleat__batch_entry entry;
    uint8_t record[64];
    cleat_span_batch batch; /* of one span */
} fixture;

static const uint8_t span[] = "\x2a\x06myspan";

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    it->sink = http_sink_start();
    cleat__batch_put(it->record, (cleat_slice){(const char *)span, sizeof(span) - 1}, &it->entry);
    it->batch = (cleat_span_batch){.entries = &it->entry, .count = 1};
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    if (it->exporter != NULL) {
        it->exporter->free(it->exporter);
    }
    http_sink_stop(it->sink);
    free(it);
    return 0;
}

static cleat_span_exporter *make_exporter(fixture *it, cleat_otlp_exporter_options options)
{
    cleat_span_exporter *exporter = NULL;
    options.struct_size = sizeof(options);
    options.endpoint = options.endpoint != NULL ? options.endpoint : http_sink_url(it->sink, "/v1/traces");
    options.timeout_ms =
        options.timeout_ms != 0 ? options.timeout_ms : 300000; /* a sanitizer takes its time */
    assert_int_equal(cleat_otlp_http_exporter_new(&options, &exporter), CLEAT_OK);
    return exporter;
}

#define USE(it, ...)                        \
    ((it)->exporter = make_exporter(        \
         it, (cleat_otlp_exporter_options){ \
                 .struct_size = 0, .initial_backoff_ms = 1, .max_backoff_ms = 1, __VA_ARGS__}))

static cleat_status export(fixture *it)
{
    return it->exporter->export_spans(it->exporter, &it->batch, 300000);
}

static cleat_otlp_exporter_stats stats_of(fixture *it)
{
    cleat_otlp_exporter_stats stats;
    cleat_otlp_exporter_get_stats(it->exporter, &stats);
    return stats;
}

#define RAW(text)              \
    {                          \
        text, sizeof(text) - 1 \
    }

/* ---- Good answers in unusual forms ---- */

static void answers_of_every_form_are_understood(void **state)
{
    static const http_answer answers[] = {
        {.raw = RAW("HTTP/1.1 200 OK\r\n\r\n")}, /* no length: to the end of the connection */
        {.raw = RAW("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")},
        {.raw = RAW("HTTP/1.0 200 OK\r\n\r\nwhatever")},
        {.raw = RAW("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n")},
        {.raw = RAW("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
        {.raw =
             RAW("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 202 "
                 "Accepted\r\nContent-Length: 0\r\n\r\n")},
        {.raw = RAW("HTTP/1.1 204 No Content\r\n\r\n")},
        {.raw = RAW("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"), .drips = true},
    };
    fixture *it = *state;
    USE(it, .timeout_ms = 0);
    http_sink_answer(it->sink, answers, COUNT_OF(answers));
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        assert_int_equal(export(it), CLEAT_OK);
        assert_int_equal(stats_of(it).requests, i + 1);
    }
}

static void a_partial_success_in_chunks_is_read(void **state)
{
    static const http_answer answer = {
        .raw = RAW("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n3\r\n\x0a\x09\x08\r\n8\r\n\x01\x12\x05wrong\r\n0\r\n\r\n"),
        .drips = true};
    fixture *it = *state;
    USE(it, .timeout_ms = 0);
    http_sink_answer(it->sink, &answer, 1);
    assert_int_equal(export(it), CLEAT_OK);
    assert_int_equal(stats_of(it).spans_rejected, 1);
}

/* ---- Broken answers ---- */

static void what_ends_early_is_tried_again(void **state)
{
    static const http_answer answers[] = {
        {.raw = RAW("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")},    /* between head and body */
        {.raw = RAW("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")}, /* in the body */
        {.raw = RAW("HTTP/1.1 200 OK\r\nContent-Le")},                    /* in the head */
        {.raw = RAW("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab")},
        {.status = 200},
    };
    fixture *it = *state;
    USE(it, .max_attempts = 10);
    http_sink_answer(it->sink, answers, COUNT_OF(answers));
    assert_int_equal(export(it), CLEAT_OK);
    assert_int_equal(stats_of(it).requests, COUNT_OF(answers));
}

static void what_stops_halfway_is_given_up_in_time(void **state)
{
    static const http_answer answers[] = {
        {.raw = RAW("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .stays = true},
        {.raw = RAW("HTTP/1.1 200 OK\r\nContent-Le"), .stays = true},
        {.raw = RAW("HTTP/1.1 100 Continue\r\n\r\n"), .stays = true},
    };
    fixture *it = *state;
    USE(it, .timeout_ms = 30);
    http_sink_answer(it->sink, answers, COUNT_OF(answers));
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        assert_int_equal(export(it), CLEAT_TIMEOUT);
    }
    assert_int_equal(stats_of(it).spans_failed, COUNT_OF(answers));
}

static void a_head_without_end_is_given_up(void **state)
{
    enum { LINES = 200, LINE = 1000 };
    static char text[32 + LINES * LINE + 1];
    fixture *it = *state;
    size_t size = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < LINES; i++) {
        size += (size_t)sprintf(text + size, "X-%d: %0*d\r\n", i, LINE - 20, 0);
    }
    const http_answer answer = {.raw = {text, size}, .stays = true};
    USE(it, .max_response_size = 100000);
    http_sink_answer(it->sink, &answer, 1);
    assert_int_equal(export(it), CLEAT_TOO_LARGE);
    assert_int_equal(stats_of(it).requests, 1);
}

static void what_a_server_says_is_shown_as_one_line_of_text(void **state)
{
    static const http_answer answer = {
        .status = 400,
        .headers = "Content-Type: text/plain\r\n",
        .body = RAW("no\r\n\x1b[31m2026 ERROR: forged\x7f \xC3\xBC\xFF not shown"),
    };
    fixture *it = *state;
    USE(it, .timeout_ms = 0);
    http_sink_answer(it->sink, &answer, 1);
    assert_int_equal(export(it), CLEAT_NON_RETRYABLE);
    assert_non_null(strstr(cleat_error_message(), "no   [31m2026 ERROR: forged  \xC3\xBC"));
    assert_null(strstr(cleat_error_message(), "not shown"));
}

static void the_password_of_an_endpoint_is_used_and_not_shown(void **state)
{
    static const http_answer answer = {.status = 400};
    fixture *it = *state;
    char url[160], value[64];
    snprintf(url, sizeof(url), "http://me:s3cret@%s", http_sink_url(it->sink, "/x") + strlen("http://"));
    USE(it, .endpoint = url);
    http_sink_answer(it->sink, &answer, 1);
    assert_int_equal(export(it), CLEAT_NON_RETRYABLE);
    assert_string_equal(
        http_header(http_sink_request(it->sink, 0).head, "Authorization", value, sizeof(value)),
        "Basic bWU6czNjcmV0");
    assert_null(strstr(cleat_error_message(), "s3cret"));
    assert_non_null(strstr(cleat_error_message(), "/x: HTTP status 400"));
}

/* ---- Retry-After, redirects ---- */

static void format_date(char *out, size_t size, int seconds)
{
    time_t when = time(NULL) + seconds;
    struct tm parts;
    gmtime_r(&when, &parts);
    strftime(out, size, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
}

static void a_date_in_retry_after_is_understood(void **state)
{
    fixture *it = *state;
    char later[64], past[64];
    format_date(later, sizeof(later), 3600);
    format_date(past, sizeof(past), -3600);
    /* One that is over is no reason to wait; what the first wanted is forgotten. */
    const http_answer answers[] = {{.status = 503, .headers = past},
                                   {.status = 503, .headers = "Retry-After: nonsense\r\n"},
                                   {.status = 503, .headers = "Retry-After: -5\r\n"},
                                   {.status = 503, .headers = later}};
    USE(it, .max_attempts = 10);
    http_sink_answer(it->sink, answers, 4);
    assert_int_equal(export(it), CLEAT_UNAVAILABLE);
    assert_int_equal(stats_of(it).requests, 4);
}

static void what_one_answer_asks_for_does_not_hold_for_the_next(void **state)
{
    fixture *it = *state;
    static const http_answer answers[] = {
        {.status = 503, .headers = "Retry-After: 3600\r\n"}, {.status = 503}, {.status = 200}};
    USE(it, .timeout_ms = 0);
    http_sink_answer(it->sink, answers, 3);
    assert_int_equal(export(it), CLEAT_UNAVAILABLE);
    assert_int_equal(export(it), CLEAT_OK); /* on the same connection */
    assert_int_equal(stats_of(it).requests, 3);
}

static void redirects_are_not_followed(void **state)
{
    fixture *it = *state;
    static const http_answer answers[] = {{.status = 307, .headers = "Location: /other\r\n"},
                                          {.status = 302, .headers = "Location: /other\r\n"}};
    USE(it, .timeout_ms = 0);
    http_sink_answer(it->sink, answers, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(export(it), CLEAT_NON_RETRYABLE);
        assert_non_null(strstr(cleat_error_message(), "redirected"));
    }
    assert_int_equal(http_sink_requests(it->sink), 2);
}

/* ---- Servers that do not read ---- */

/* A batch that no socket has room for. */
static void enlarge(fixture *it, cleat__batch_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        entries[i] = it->entry;
    }
    it->batch.entries = entries;
    it->batch.count = count;
}

static void a_server_that_stops_reading_is_given_up_in_time(void **state)
{
    enum { COUNT = 2000000 };
    fixture *it = *state;
    static const http_answer answer = {.hangs = true, .blind = true};
    cleat__batch_entry *entries = calloc(COUNT, sizeof(*entries));
    enlarge(it, entries, COUNT);
    USE(it, .timeout_ms = 300);
    http_sink_answer(it->sink, &answer, 1);
    assert_int_equal(export(it), CLEAT_TIMEOUT);
    assert_int_equal(stats_of(it).spans_failed, COUNT);
    free(entries);
}

static void a_server_that_refuses_without_reading_is_understood(void **state)
{
    enum { COUNT = 2000000 };
    fixture *it = *state;
    static const http_answer answer = {
        .raw = RAW("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        .stays = true,
        .blind = true};
    cleat__batch_entry *entries = calloc(COUNT, sizeof(*entries));
    enlarge(it, entries, COUNT);
    USE(it, .timeout_ms = 0);
    http_sink_answer(it->sink, &answer, 1);
    assert_int_equal(export(it), CLEAT_NON_RETRYABLE);
    assert_non_null(strstr(cleat_error_message(), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"));
    assert_int_equal(stats_of(it).requests, 1);
    free(entries);
}

/* ---- Limits of the caller's ---- */

static void the_first_failure_of_several_parts_is_told(void **state)
{
    enum { COUNT = 20 };
    fixture *it = *state;
    static const http_answer answers[] = {{.status = 200}, {.status = 400}, {.status = 413}, {.status = 200}};
    cleat__batch_entry entries[COUNT];
    enlarge(it, entries, COUNT);
    USE(it, .max_request_size = 60);
    http_sink_answer(it->sink, answers, 4);
    assert_int_equal(export(it), CLEAT_NON_RETRYABLE);
    assert_non_null(strstr(cleat_error_message(), "HTTP status 400"));
    assert_true(stats_of(it).requests > 4);
    assert_int_equal(stats_of(it).spans_exported + stats_of(it).spans_failed, COUNT);
}

static void a_negative_timeout_leaves_the_exporters_own(void **state)
{
    fixture *it = *state;
    static const http_answer answer = {.hangs = true};
    USE(it, .timeout_ms = 50);
    http_sink_answer(it->sink, &answer, 1);
    assert_int_equal(it->exporter->export_spans(it->exporter, &it->batch, -1), CLEAT_TIMEOUT);
}

static void no_batch_and_an_empty_one_are_exported(void **state)
{
    fixture *it = *state;
    USE(it, .timeout_ms = 0);
    it->batch.count = 0;
    assert_int_equal(export(it), CLEAT_OK);
    assert_int_equal(it->exporter->export_spans(it->exporter, NULL, 300000), CLEAT_OK);
    it->exporter->export_async(it->exporter, NULL, 300000);
    assert_int_equal(stats_of(it).requests, 0);
}

/* ---- Flushing, threads, many of them ---- */

typedef struct endless {
    cleat_span_batch batch;
    cleat_span_exporter *exporter;
    atomic_bool is_stopped;
    atomic_uint running;
} endless;

static void export_again(cleat_span_batch *batch, cleat_status status, size_t failed)
{
    endless *self = (endless *)batch;
    assert_int_equal(failed, 0);
    if (atomic_load(&self->is_stopped) || status != CLEAT_OK) {
        atomic_store(&self->running, 0);
    } else {
        self->exporter->export_async(self->exporter, batch, 300000);
    }
}

static void a_flush_does_not_wait_for_what_comes_after_it(void **state)
{
    fixture *it = *state;
    USE(it, .timeout_ms = 30000);
    endless self = {.batch = it->batch, .exporter = it->exporter};
    self.batch.finish = export_again;
    atomic_init(&self.is_stopped, false);
    atomic_init(&self.running, 1);
    it->exporter->export_async(it->exporter, &self.batch, 300000);
    assert_int_equal(it->exporter->force_flush(it->exporter, 300000), CLEAT_OK);
    atomic_store(&self.is_stopped, true);
    assert_int_equal(it->exporter->shutdown(it->exporter, 300000), CLEAT_OK);
    assert_int_equal(atomic_load(&self.running), 0);
}

enum { THREADS = 4, SPANS = 25 };

static void *shut_down(void *argument)
{
    cleat_tracer_provider *provider = argument;
    return (void *)(uintptr_t)cleat_tracer_provider_shutdown(provider, 10);
}

static cleat_tracer_provider *make_provider(cleat_span_exporter *exporter, bool is_simple)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = NULL;
    assert_int_equal(
        is_simple ? cleat_simple_processor_new(exporter, &processor)
                  : cleat_batch_processor_new(
                        exporter, CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000), &processor),
        CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    return provider;
}

static void make_spans(cleat_tracer_provider *provider, int count)
{
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "peer", NULL);
    for (int i = 0; i < count; i++) {
        cleat_span_end(cleat_span_start(tracer, "one of many", NULL));
    }
}

static void several_threads_shut_down_what_hangs(void **state)
{
    fixture *it = *state;
    static const http_answer answer = {.hangs = true};
    pthread_t threads[THREADS];
    http_sink_answer(it->sink, &answer, 1);
    cleat_tracer_provider *provider =
        make_provider(make_exporter(it, (cleat_otlp_exporter_options){.timeout_ms = 3600000}), false);
    make_spans(provider, 1000);
    http_sink_wait(it->sink, 1);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, shut_down, provider), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    cleat_tracer_provider_free(provider);
}

static void *make_some_spans(void *argument)
{
    make_spans(argument, SPANS);
    return NULL;
}

static void several_threads_export_through_the_simple_processor(void **state)
{
    fixture *it = *state;
    pthread_t threads[THREADS];
    cleat_otlp_exporter_stats stats;
    cleat_span_exporter *exporter = make_exporter(it, (cleat_otlp_exporter_options){.struct_size = 0});
    cleat_tracer_provider *provider = make_provider(exporter, true);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_some_spans, provider), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    cleat_otlp_exporter_get_stats(exporter, &stats);
    assert_int_equal(stats.spans_exported, THREADS * SPANS);
    assert_int_equal(http_sink_connections(it->sink), 1); /* one at a time, and kept */
    cleat_tracer_provider_free(provider);
}

static size_t count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/* The sink keeps its ends of all connections until it stops: it is stopped before descriptors are counted. */
static void many_exporters_leave_nothing_open(void **state)
{
    enum { MANY = 64 };
    fixture *it = *state;
    static const http_answer waits = {.waits = true};
    cleat_tracer_provider *providers[MANY];
    http_sink_stop(it->sink);
    size_t before = count_descriptors();
    it->sink = http_sink_start();
    http_sink_answer(it->sink, &waits, 1);
    for (int i = 0; i < MANY; i++) {
        cleat_otlp_exporter_options options = {.max_concurrent_requests = 1};
        providers[i] = make_provider(make_exporter(it, options), false);
        make_spans(providers[i], 600); /* a batch that goes at once, and a rest */
    }
    http_sink_wait(it->sink, MANY); /* all of them are under way */
    http_sink_open(it->sink);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(cleat_tracer_provider_force_flush(providers[i], 300000), CLEAT_OK);
        cleat_tracer_provider_free(providers[i]);
    }
    assert_int_equal(http_sink_requests(it->sink), 2 * MANY);
    http_sink_stop(it->sink);
    assert_int_equal(count_descriptors(), before);
    it->sink = http_sink_start();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_of_every_form_are_understood),
        TEST(a_partial_success_in_chunks_is_read),
        TEST(what_ends_early_is_tried_again),
        TEST(what_stops_halfway_is_given_up_in_time),
        TEST(a_head_without_end_is_given_up),
        TEST(what_a_server_says_is_shown_as_one_line_of_text),
        TEST(the_password_of_an_endpoint_is_used_and_not_shown),
        TEST(a_date_in_retry_after_is_understood),
        TEST(what_one_answer_asks_for_does_not_hold_for_the_next),
        TEST(redirects_are_not_followed),
        TEST(a_server_that_stops_reading_is_given_up_in_time),
        TEST(a_server_that_refuses_without_reading_is_understood),
        TEST(the_first_failure_of_several_parts_is_told),
        TEST(a_negative_timeout_leaves_the_exporters_own),
        TEST(no_batch_and_an_empty_one_are_exported),
        TEST(a_flush_does_not_wait_for_what_comes_after_it),
        TEST(several_threads_shut_down_what_hangs),
        TEST(several_threads_export_through_the_simple_processor),
        TEST(many_exporters_leave_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
