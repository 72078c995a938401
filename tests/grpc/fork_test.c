/*
 * fork() and the OTLP/gRPC exporter. Nothing here uses gRPC in the test's own process before it
 * forks, unless that is what is tested; children end without what cmocka does at exit.
 */
#include "grpc/grpc_test.h"
#include "support/sanitizer.h"

#include <sys/wait.h>
#include <unistd.h>

/* Runs `child` in a child; what it does not expect makes it end with 1. */
static void run_in_child(void (*child)(void *argument), void *argument)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(300);
        child(argument);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "in the child: %s: %s\n", what, cleat_error_message());
        _exit(1);
    }
}
#define EXPECT(condition) expect(condition, #condition)

static void export_to_own_sink(void *argument)
{
    cleat_span_exporter *exporter = argument;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *own = EXPORTER_FOR(sink);
    EXPECT(export_some(own, 2) == CLEAT_OK);
    EXPECT(grpc_sink_span_count(sink, 0) == 2);
    own->free(own);
    grpc_sink_stop(sink);
    /* Nobody listens there, but it is tried. */
    EXPECT(export_some(exporter, 1) == CLEAT_UNAVAILABLE);
    EXPECT(stats_of(exporter).requests == 1);
    exporter->free(exporter);
}

static void test_an_unused_exporter_works_in_the_child(void **state)
{
    (void)state;
    cleat_span_exporter *exporter = EXPORTER_FOR(NULL, .endpoint = "http://127.0.0.1:1", .max_attempts = 1);
    run_in_child(export_to_own_sink, exporter);
    run_in_child(export_to_own_sink, exporter);
    exporter->free(exporter);
}

static void use_after_fork(void *argument)
{
    cleat_span_exporter *exporter = argument, *another = NULL;
    test_batch batch;
    batch_init(&batch, 1);
    EXPECT(exporter->force_flush(exporter, 300000) == CLEAT_OK);
    EXPECT(exporter->export_spans(exporter, &batch.batch, 300000) == CLEAT_UNAVAILABLE);
    EXPECT(strstr(cleat_error_message(), "fork before the first export") != NULL);
    EXPECT(export_some(exporter, 1) == CLEAT_UNAVAILABLE);
    EXPECT(cleat_otlp_grpc_exporter_new(NULL, &another) == CLEAT_UNAVAILABLE);
    EXPECT(strstr(cleat_error_message(), "fork before the first export") != NULL);
    EXPECT(exporter->shutdown(exporter, 300000) == CLEAT_OK);
    exporter->free(exporter);
}

/* A call is on its way at that moment. */
static void use_before_fork(void *argument)
{
    const grpc_sink_answer held = {.is_held = true};
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    (void)argument;
    batch_init(&batch, 1);
    grpc_sink_script(sink, &held, 1);
    exporter->export_async(exporter, &batch.batch, 300000);
    grpc_sink_wait(sink, 1);
    run_in_child(use_after_fork, exporter);
    /* The parent's connection is as it was. */
    grpc_sink_release(sink);
    EXPECT(batch_wait(&batch) == CLEAT_OK);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_a_used_exporter_refuses_in_the_child(void **state)
{
    (void)state;
    run_in_child(use_before_fork, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unused_exporter_works_in_the_child),
        cmocka_unit_test(test_a_used_exporter_refuses_in_the_child),
    };
    if (UNDER_ADDRESS_SANITIZER) {
        return 77; /* its allocator does not survive a fork while another thread allocates */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
