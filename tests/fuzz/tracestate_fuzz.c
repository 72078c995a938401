#include <cleat/trace.h>

#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* What is kept is a tracestate again, within the limits; setting a member puts it in front. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat_span_context first, second;
    cleat_status status = cleat_trace_state_parse(&first, (cleat_slice){(const char *)data, size});
    check(first.trace_state_size <= CLEAT_TRACE_STATE_MAX);
    if (status != CLEAT_OK) {
        check(first.trace_state_size == 0);
        return 0;
    }
    cleat_slice kept = {first.trace_state, first.trace_state_size};
    check(cleat_trace_state_parse(&second, kept) == CLEAT_OK);
    check(cleat_slice_equals(kept, (cleat_slice){second.trace_state, second.trace_state_size}));

    check(cleat_trace_state_set(&second, "fuzz", cleat_slice_of("1")) == CLEAT_OK);
    check(second.trace_state_size <= CLEAT_TRACE_STATE_MAX);
    check(cleat_trace_state_get(&second, "fuzz").data == second.trace_state + 5);
    cleat_trace_state_delete(&second, "fuzz");
    check(cleat_trace_state_get(&second, "fuzz").data == NULL);
    return 0;
}
