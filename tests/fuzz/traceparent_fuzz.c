#include <cleat/trace.h>

#include <stdlib.h>

/* What is accepted is written back as a header that is accepted and says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat_span_context first, second;
    char header[56];
    if (cleat_traceparent_parse((cleat_slice){(const char *)data, size}, &first) != CLEAT_OK) {
        return 0;
    }
    if (cleat_traceparent_format(&first, header) != CLEAT_OK ||
        cleat_traceparent_parse(cleat_slice_of(header), &second) != CLEAT_OK ||
        !cleat_span_context_equals(&first, &second) || first.trace_flags != second.trace_flags) {
        abort();
    }
    return 0;
}
