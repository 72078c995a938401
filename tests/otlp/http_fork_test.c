/* A forked child exports over HTTP like its parent, and nothing of its parent's. */
#define _GNU_SOURCE /* memmem */
#include "support/http_sink.h"
#include "support/sanitizer.h"
#include "trace/sdk_test.h"

#include <sys/wait.h>
#include <unistd.h>

#if UNDER_THREAD_SANITIZER || UNDER_ADDRESS_SANITIZER
/* In the child of a process with threads the first ends the program as soon as a thread is started, and the other
 * waits for ever when one of them was allocating at the fork. */
enum { IS_SKIPPED = true };
#else
enum { IS_SKIPPED = false };
#endif

enum { FLUSH_MS = 300000 };

typedef struct fixture {
    http_sink *sink;
    cleat_tracer_provider *provider;
    cleat_span_exporter *exporter; /* the provider's */
    int handlers_child;            /* how it ended */
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    cleat_span_processor *processor = NULL;
    it->sink = http_sink_start();
    cleat_otlp_http_exporter_new(
        CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = http_sink_url(it->sink, "/v1/traces"),
                                    .timeout_ms = FLUSH_MS),
        &it->exporter);
    cleat_batch_processor_new(it->exporter, CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000),
                              &processor);
    cleat_tracer_provider_new(NULL, &it->provider);
    cleat_tracer_provider_add_processor(it->provider, processor);
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_tracer_provider_free(it->provider);
    http_sink_stop(it->sink);
    free(it);
    return 0;
}

static void make_span(fixture *it, const char *name)
{
    cleat_span_end(
        cleat_span_start(cleat_tracer_provider_get_tracer(it->provider, "fork", NULL), name, NULL));
}

static cleat_status flush(fixture *it)
{
    return cleat_tracer_provider_force_flush(it->provider, FLUSH_MS);
}

/* In a child: makes a span, flushes and ends the provider; its exit code. */
static int export_in_child(fixture *it)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        cleat_otlp_exporter_stats stats;
        alarm(300);
        make_span(it, "of the child");
        bool is_flushed = flush(it) == CLEAT_OK;
        cleat_otlp_exporter_get_stats(it->exporter, &stats);
        bool is_alone = stats.requests == 1 && stats.spans_exported == 1;
        bool is_over = cleat_tracer_provider_shutdown(it->provider, FLUSH_MS) == CLEAT_OK;
        _exit(!is_flushed ? 2 : !is_alone ? 3 : !is_over ? 4 : 0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Requests that hold the name. */
static int count_named(fixture *it, const char *name)
{
    int count = 0;
    for (size_t i = 0; i < http_sink_requests(it->sink); i++) {
        cleat_slice body = http_sink_request(it->sink, i).body;
        count += memmem(body.data, body.size, name, strlen(name)) != NULL;
    }
    return count;
}

static void before_the_first_export(void **state)
{
    fixture *it = *state;
    make_span(it, "of the parent");
    assert_int_equal(export_in_child(it), 0);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_int_equal(count_named(it, "of the parent"), 1);
    assert_int_equal(count_named(it, "of the child"), 1);
}

static void after_the_first_export(void **state)
{
    fixture *it = *state;
    make_span(it, "first");
    assert_int_equal(flush(it), CLEAT_OK);
    assert_int_equal(export_in_child(it), 0);
    make_span(it, "second");
    assert_int_equal(flush(it), CLEAT_OK);
    assert_int_equal(count_named(it, "first"), 1);
    assert_int_equal(count_named(it, "second"), 1);
    assert_int_equal(count_named(it, "of the child"), 1);
    assert_int_equal(http_sink_connections(it->sink), 2); /* the child closed nothing of the parent's */
}

static void *flush_in_thread(void *argument)
{
    return flush(argument) == CLEAT_OK ? argument : NULL;
}

static void while_the_parent_exports(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.waits = true}, {.status = 200}};
    pthread_t thread;
    void *flushed = NULL;
    http_sink_answer(it->sink, answers, 2);
    make_span(it, "on its way");
    assert_int_equal(pthread_create(&thread, NULL, flush_in_thread, it), 0);
    http_sink_wait(it->sink, 1);
    assert_int_equal(export_in_child(it), 0);
    http_sink_open(it->sink);
    pthread_join(thread, &flushed);
    assert_non_null(flushed);
    assert_int_equal(count_named(it, "on its way"), 1);
    assert_int_equal(count_named(it, "of the child"), 1);
}

static void while_the_parent_waits_for_a_retry(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 503, .headers = "Retry-After: 20\r\n"}, {.status = 200}};
    http_sink_answer(it->sink, answers, 2);
    make_span(it, "refused once");
    assert_int_equal(cleat_tracer_provider_force_flush(it->provider, 0), CLEAT_TIMEOUT);
    http_sink_wait(it->sink, 1);
    assert_int_equal(export_in_child(it), 0);
    assert_int_equal(http_sink_requests(it->sink), 2);
    assert_int_equal(cleat_tracer_provider_shutdown(it->provider, 1), CLEAT_TIMEOUT);
}

/* The child of the log handler says whether it found nothing of its parent's. */
static void fork_and_look(void *user_data, cleat_log_level level, const char *message)
{
    fixture *it = user_data;
    (void)level, (void)message;
    pid_t child = fork();
    if (child == 0) {
        cleat_otlp_exporter_stats stats;
        cleat_otlp_exporter_get_stats(it->exporter, &stats);
        bool is_clean = stats.requests == 0 && it->exporter->force_flush(it->exporter, 0) == CLEAT_OK;
        _exit(is_clean ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &it->handlers_child, 0), child);
}

static void a_log_handler_may_fork_on_the_exporters_thread(void **state)
{
    fixture *it = *state;
    static const char body[] = "\x0a\x09\x08\x01\x12\x05wrong";
    const http_answer answer = {.headers = "Content-Type: application/x-protobuf\r\n",
                                .body = {body, sizeof(body) - 1}};
    it->handlers_child = -1;
    http_sink_answer(it->sink, &answer, 1);
    cleat_log_set_handler(fork_and_look, it, CLEAT_LOG_WARN);
    make_span(it, "a span");
    assert_int_equal(flush(it), CLEAT_OK);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    assert_int_equal(it->handlers_child, 0);
    make_span(it, "another");
    assert_int_equal(flush(it), CLEAT_OK); /* the parent goes on */
    assert_int_equal(http_sink_requests(it->sink), 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(before_the_first_export),
        TEST(after_the_first_export),
        TEST(while_the_parent_exports),
        TEST(while_the_parent_waits_for_a_retry),
        TEST(a_log_handler_may_fork_on_the_exporters_thread),
    };
    return IS_SKIPPED ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
