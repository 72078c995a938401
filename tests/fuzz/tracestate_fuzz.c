#include "lines.h"

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static cleat_slice text_of(const cleat_span_context *context)
{
    return (cleat_slice){context->trace_state, context->trace_state_size};
}

/* Several lines are the same as one with commas between. */
static void check_lines(cleat_slice text)
{
    char *joined = fuzz_join_lines(text);
    check(joined != NULL);
    cleat_span_context one;
    cleat_context *context = fuzz_extract_lines("tracestate", text);
    (void)cleat_trace_state_parse(&one, (cleat_slice){joined, text.size});
    check(cleat_slice_equals(text_of(cleat_context_span_context(context)), text_of(&one)));
    cleat_context_release(context);
    free(joined);
}

/* Members do not repeat, and each alone is a tracestate. */
static void check_members(const cleat_span_context *context)
{
    cleat_slice rest = text_of(context);
    size_t count = 0;
    while (rest.size != 0) {
        const char *comma = memchr(rest.data, ',', rest.size);
        size_t size = comma != NULL ? (size_t)(comma - rest.data) : rest.size;
        const char *equals = memchr(rest.data, '=', size);
        check(equals != NULL && equals - rest.data <= 256);
        char key[257] = "";
        memcpy(key, rest.data, (size_t)(equals - rest.data));
        check(cleat_trace_state_get(context, key).data == equals + 1);
        cleat_span_context alone = {0};
        check(cleat_trace_state_parse(&alone, (cleat_slice){rest.data, size}) == CLEAT_OK);
        check(alone.trace_state_size == size);
        rest.data += comma != NULL ? size + 1 : size;
        rest.size -= comma != NULL ? size + 1 : size;
        check(comma == NULL || rest.size != 0);
        count++;
    }
    check(count <= 32);
}

/* What is kept is a tracestate again, within the limits; setting a member puts it in front. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat_span_context first, second;
    cleat_slice header = {(const char *)data, size};
    check_lines(header);
    cleat_status status = cleat_trace_state_parse(&first, header);
    check(first.trace_state_size <= CLEAT_TRACE_STATE_MAX);
    if (status != CLEAT_OK) {
        check(first.trace_state_size == 0);
        return 0;
    }
    check_members(&first);
    check(cleat_trace_state_parse(&second, text_of(&first)) == CLEAT_OK);
    check(cleat_slice_equals(text_of(&first), text_of(&second)));

    check(cleat_trace_state_set(&second, "fuzz", cleat_slice_of("1")) == CLEAT_OK);
    check(second.trace_state_size <= CLEAT_TRACE_STATE_MAX);
    check(cleat_trace_state_get(&second, "fuzz").data == second.trace_state + 5);
    check_members(&second);
    cleat_trace_state_delete(&second, "fuzz");
    check(cleat_trace_state_get(&second, "fuzz").data == NULL);
    return 0;
}
