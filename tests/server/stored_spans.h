/* Spans in the file of a test's world, as they come over OTLP. */
#ifndef CLEAT_TESTS_STORED_SPANS_H
#define CLEAT_TESTS_STORED_SPANS_H

#include "rest_test.h"

#include "collector/otlp_in.h"

static inline void on_stored(void *argument, cleat_status status, cleat_slice response)
{
    (void)response;
    if (status == CLEAT_OK) {
        gate_add(argument);
    }
}

static inline void store_spans(rest_world *it, int64_t tenant, const char *json)
{
    const cleat__collector_options options = {.retention_ms = -1};
    cleat__otlp_in otlp = {.collector = NULL};
    cleat__buffer body = {0};
    gate stored;
    gate_init(&stored);
    assert_int_equal(cleat__collector_new(it->engine, &options, &otlp.collector), CLEAT_OK);
    cleat__buffer_append_string(&body, json);
    assert_int_equal(cleat__otlp_in_take(&otlp, tenant, true, &body, on_stored, &stored), CLEAT_OK);
    gate_wait(&stored, 1);
    cleat__collector_free(otlp.collector);
    gate_deinit(&stored);
}

#endif
