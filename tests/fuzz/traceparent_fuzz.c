#include <cleat/trace.h>

#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* The shape of the 55 characters by itself: h is a lower-case digit. */
static bool has_shape(const uint8_t *text)
{
    static const char shape[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (shape[i] == 'h' ? !digit : text[i] != '-') {
            return false;
        }
    }
    return true;
}

/* W3C Trace Context 3.2 and 4.3, said once more and slowly. */
static bool is_traceparent(const uint8_t *data, size_t size)
{
    while (size != 0 && is_blank(data[0])) {
        data++;
        size--;
    }
    while (size != 0 && is_blank(data[size - 1])) {
        size--;
    }
    if (size < 55 || !has_shape(data) || memcmp(data, "ff", 2) == 0 ||
        memcmp(data + 3, "00000000000000000000000000000000", 32) == 0 ||
        memcmp(data + 36, "0000000000000000", 16) == 0) {
        return false;
    }
    return size == 55 || (memcmp(data, "00", 2) != 0 && data[55] == '-' && memchr(data, ',', size) == NULL);
}

/* What is accepted is what W3C says, and written back it is a header that says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat_span_context first, second;
    char header[56];
    bool valid = cleat_traceparent_parse((cleat_slice){(const char *)data, size}, &first) == CLEAT_OK;
    check(valid == is_traceparent(data, size));
    if (!valid) {
        check(!cleat_span_context_is_valid(&first));
        return 0;
    }
    check(cleat_traceparent_format(&first, header) == CLEAT_OK);
    check(cleat_traceparent_parse(cleat_slice_of(header), &second) == CLEAT_OK);
    check(cleat_span_context_equals(&first, &second) && first.trace_flags == second.trace_flags);
    for (; is_blank(*data); data++) {
    }
    check(memcmp(header + 3, data + 3, 50) == 0); /* ids as they were written; version and flags may differ */
    return 0;
}
