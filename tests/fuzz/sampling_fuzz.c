#include "trace/ot_state.h"

#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* The tracestate as a provider has it; nothing when it is malformed. */
static cleat_span_context parse(const uint8_t *data, size_t size)
{
    cleat_span_context context;
    memset(&context, 0, sizeof(context));
    (void)cleat_trace_state_parse(&context, (cleat_slice){(const char *)data, size});
    return context;
}

/* First byte: what is wanted; then a tracestate. The result is a tracestate that says what was
 * wanted, keeps randomness, and loses no other member but for want of room. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint64_t random = data[0] * UINT64_C(0x9E3779B97F4A7C15) >> 8;
    cleat__ot_state wanted = {data[0] & 1, data[0] & 2, random & 0xFFFFFFFFF00000, random};
    cleat_span_context before = parse(data + 1, size - 1);
    cleat_slice text = {before.trace_state, before.trace_state_size};
    cleat_sampling_result result;
    memset(&result, 0, sizeof(result));
    cleat__ot_write(text, &wanted, &result);

    cleat_span_context after = result.sets_trace_state ? result.trace_state_of : before;
    cleat_slice written = {after.trace_state, after.trace_state_size};
    cleat__ot_state had, has;
    cleat__ot_read(text, &had);
    cleat__ot_read(written, &has);
    check(has.has_threshold == wanted.has_threshold);
    check(!has.has_threshold || has.threshold == wanted.threshold);
    check(has.has_randomness == (had.has_randomness || wanted.has_randomness));
    check(!has.has_randomness || has.randomness == (had.has_randomness ? had.randomness : wanted.randomness));

    cleat_span_context again;
    memset(&again, 0, sizeof(again));
    check(cleat_trace_state_parse(&again, written) == CLEAT_OK);
    check(cleat_slice_equals((cleat_slice){again.trace_state, again.trace_state_size}, written));
    return 0;
}
