/* Tracing over gRPC by the environment alone. Nothing here names the exporter. */
#include "base/base_test.h"

#include "support/grpc_sink.h"

#include <cleat/trace.h>

static void test_protocol_grpc(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_view view;
    setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", 1);
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", grpc_sink_endpoint(sink), 1);
    setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret%201", 1);
    assert_int_equal(cleat_tracing_start(NULL), CLEAT_OK);
    cleat_span_end(cleat_span_start(cleat_tracer_get("test", NULL), "work", NULL));
    assert_int_equal(cleat_tracing_stop(30000), CLEAT_OK);
    assert_int_equal(grpc_sink_count(sink), 1);
    assert_true(grpc_sink_span(sink, 0, 0, &view));
    assert_true(cleat_slice_equals(view.name, cleat_slice_of("work")));
    assert_true(cleat_slice_equals(grpc_sink_metadata(sink, 0, "api-key"), cleat_slice_of("secret 1")));
    grpc_sink_stop(sink);
}

static void test_without_a_scheme_insecure_decides(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "localhost:%d", grpc_sink_port(sink));
    setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", 1);
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, 1);
    setenv("OTEL_EXPORTER_OTLP_INSECURE", "true", 1);
    assert_int_equal(cleat_tracing_start(NULL), CLEAT_OK);
    cleat_span_end(cleat_span_start(cleat_tracer_get("test", NULL), "work", NULL));
    assert_int_equal(cleat_tracing_stop(30000), CLEAT_OK);
    assert_int_equal(grpc_sink_count(sink), 1);
    unsetenv("OTEL_EXPORTER_OTLP_INSECURE");
    grpc_sink_stop(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocol_grpc),
        cmocka_unit_test(test_without_a_scheme_insecure_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
