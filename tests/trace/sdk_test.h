/* What the tests of the tracing SDK and of the exporters share. */
#ifndef CLEAT_TESTS_SDK_TEST_H
#define CLEAT_TESTS_SDK_TEST_H

#include "trace/propagation_test.h"

#include <cleat/trace.h>
#include <pthread.h>

#define SECOND INT64_C(1000000000)
/* Two clocks that have nothing to do with each other. */
#define START_UNIX_NS      (1700000000 * SECOND)
#define START_MONOTONIC_NS (5 * SECOND)

typedef struct fake_clock {
    _Atomic int64_t unix_ns;
    _Atomic int64_t monotonic_ns;
} fake_clock;

static inline int64_t fake_unix_ns(void *user_data)
{
    return ((fake_clock *)user_data)->unix_ns;
}

static inline int64_t fake_monotonic_ns(void *user_data)
{
    return ((fake_clock *)user_data)->monotonic_ns;
}

static inline void fake_clock_advance(fake_clock *clock, int64_t ns)
{
    clock->unix_ns += ns;
    clock->monotonic_ns += ns;
}

/* Ids that count from 1 in their last byte. Spans are started by several threads in some tests. */
static inline void next_trace_id(void *user_data, cleat_trace_id *out)
{
    memset(out, 0, sizeof(*out));
    out->bytes[0] = 0xAA;
    out->bytes[15] = ++((_Atomic uint8_t *)user_data)[0];
}

static inline void next_span_id(void *user_data, cleat_span_id *out)
{
    memset(out, 0, sizeof(*out));
    out->bytes[0] = 0xBB;
    out->bytes[7] = ++((_Atomic uint8_t *)user_data)[1];
}

/* A provider with a fake clock, counted ids and a simple processor before a memory exporter. */
typedef struct test_sdk {
    cleat_tracer_provider *provider;
    cleat_span_exporter *exporter; /* the provider's */
    cleat_tracer *tracer;
    fake_clock clock;
    _Atomic uint8_t ids[2];
} test_sdk;

static inline void sdk_start(test_sdk *sdk, cleat_tracer_provider_options options)
{
    cleat_clock clock = {&sdk->clock, fake_unix_ns, fake_monotonic_ns};
    cleat_id_generator ids = {sdk->ids, next_trace_id, next_span_id, true};
    cleat_span_processor *processor = NULL;
    memset(sdk, 0, sizeof(*sdk));
    sdk->clock.unix_ns = START_UNIX_NS;
    sdk->clock.monotonic_ns = START_MONOTONIC_NS;
    options.struct_size = sizeof(options);
    options.clock = &clock;
    options.id_generator = &ids;
    assert_int_equal(cleat_tracer_provider_new(&options, &sdk->provider), CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_new(&sdk->exporter), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(sdk->exporter, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk->provider, processor), CLEAT_OK);
    sdk->tracer = cleat_tracer_provider_get_tracer(sdk->provider, "test", NULL);
}

#define SDK_START(sdk, ...) sdk_start(sdk, (cleat_tracer_provider_options){.struct_size = 0, __VA_ARGS__})

static inline void sdk_stop(test_sdk *sdk)
{
    cleat_tracer_provider_free(sdk->provider);
    sdk->provider = NULL;
}

/* The span exported last. */
static inline cleat_span_view sdk_last(const test_sdk *sdk)
{
    cleat_span_view view;
    size_t count = cleat_memory_exporter_count(sdk->exporter);
    assert_true(count > 0);
    assert_true(cleat_memory_exporter_at(sdk->exporter, count - 1, &view));
    return view;
}

static inline cleat_value value_of(const cleat_span_view *span, const char *key)
{
    cleat_value value = {.type = CLEAT_VALUE_NONE};
    if (!cleat_span_view_attribute(span, key, &value)) {
        fail_msg("no attribute %s", key);
    }
    return value;
}

static inline void assert_string_attribute(const cleat_span_view *span, const char *key, const char *expected)
{
    cleat_value value = value_of(span, key);
    assert_int_equal(value.type, CLEAT_VALUE_STRING);
    assert_slice(value.as.string, expected);
}

static inline void assert_int_attribute(const cleat_span_view *span, const char *key, int64_t expected)
{
    cleat_value value = value_of(span, key);
    assert_int_equal(value.type, CLEAT_VALUE_INT);
    assert_true(value.as.integer == expected);
}

static inline cleat_span_context make_context(uint8_t number, uint8_t flags)
{
    cleat_span_context context;
    memset(&context, 0, sizeof(context));
    memset(context.trace_id.bytes, number, sizeof(context.trace_id));
    memset(context.span_id.bytes, number + 1, sizeof(context.span_id));
    context.trace_flags = flags;
    return context;
}

#endif
