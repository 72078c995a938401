/* Lines of the input are the values of b3 and of the X-B3 headers; an empty one is not there. */
#include <cleat/trace.h>

#include <stdlib.h>

enum { HEADERS = 5 };

static const char *const names[HEADERS] = {"b3", "X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled", "X-B3-Flags"};

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static cleat_slice get_line(void *self, const char *key)
{
    const cleat_slice *lines = self;
    for (size_t i = 0; i < HEADERS; i++) {
        if (strcmp(names[i], key) == 0) {
            return lines[i];
        }
    }
    return (cleat_slice){NULL, 0};
}

static void split(cleat_slice text, cleat_slice lines[HEADERS])
{
    memset(lines, 0, HEADERS * sizeof(lines[0]));
    for (size_t i = 0; i < HEADERS && text.size != 0; i++) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        size_t taken = end != NULL ? size + 1 : size;
        lines[i] = size != 0 ? (cleat_slice){text.data, size} : (cleat_slice){NULL, 0};
        text = (cleat_slice){text.data + taken, text.size - taken};
    }
}

/* What is written for a context is read as the same by each, and written the same again. */
static void check_both_ways(const cleat_context *context, const cleat_propagator *propagator)
{
    cleat_carrier *first = NULL, *second = NULL;
    check(cleat_carrier_new(&first) == CLEAT_OK && cleat_carrier_new(&second) == CLEAT_OK);
    cleat_text_map map = cleat_carrier_text_map(first), again = cleat_carrier_text_map(second);
    cleat_propagator_inject(propagator, context, &map);
    cleat_context *read = cleat_propagator_extract(cleat_propagator_b3(), NULL, &map);
    const cleat_span_context *a = cleat_context_span_context(context), *b = cleat_context_span_context(read);
    check(cleat_span_context_equals(a, b) && a->trace_flags == b->trace_flags && b->is_remote);
    cleat_propagator_inject(propagator, read, &again);
    check(cleat_carrier_count(first) == cleat_carrier_count(second));
    for (size_t i = 0; i < HEADERS; i++) {
        check(cleat_slice_equals(cleat_carrier_get(first, names[i]), cleat_carrier_get(second, names[i])));
    }
    cleat_context_release(read);
    cleat_carrier_free(first);
    cleat_carrier_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat_slice lines[HEADERS];
    split((cleat_slice){(const char *)data, size}, lines);
    const cleat_text_map map = {.self = lines, .get = get_line};
    cleat_context *context = cleat_propagator_extract(cleat_propagator_b3(), NULL, &map);
    if (context != NULL) {
        const cleat_span_context *span = cleat_context_span_context(context);
        check(cleat_span_context_is_valid(span) && span->trace_state_size == 0);
        check((span->trace_flags & ~CLEAT_TRACE_FLAG_SAMPLED) == 0);
        check_both_ways(context, cleat_propagator_b3());
        check_both_ways(context, cleat_propagator_b3_multi());
    }
    cleat_context_release(context);
    return 0;
}
