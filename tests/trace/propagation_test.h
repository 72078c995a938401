/* What the tests of context and propagation share. */
#ifndef CLEAT_TESTS_PROPAGATION_TEST_H
#define CLEAT_TESTS_PROPAGATION_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

#include <cleat/trace.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_ID    "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN_ID     "00f067aa0ba902b7"
#define TRACEPARENT "00-" TRACE_ID "-" SPAN_ID "-01"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline void assert_slice(cleat_slice slice, const char *expected)
{
    if (expected == NULL) {
        assert_null(slice.data);
        assert_int_equal(slice.size, 0);
        return;
    }
    assert_non_null(slice.data);
    if (!cleat_slice_equals(slice, cleat_slice_of(expected))) {
        fail_msg("\"%.*s\", not \"%s\"", CLEAT_SLICE_ARGS(slice), expected);
    }
}

/* A copy in a block of exactly its size, so that a sanitizer sees a read behind it. */
static inline cleat_slice exact_copy(const char *text)
{
    size_t size = strlen(text);
    char *copy = malloc(size != 0 ? size : 1);
    memcpy(copy, text, size);
    return (cleat_slice){copy, size};
}

static inline void exact_free(cleat_slice slice)
{
    free((char *)slice.data);
}

static inline cleat_span_context valid_span_context(void)
{
    cleat_span_context context;
    assert_int_equal(cleat_traceparent_parse(cleat_slice_of(TRACEPARENT), &context), CLEAT_OK);
    return context;
}

static inline void assert_trace_state(const cleat_span_context *context, const char *expected)
{
    assert_slice((cleat_slice){context->trace_state, context->trace_state_size}, expected);
}

#endif
