#include "trace/baggage.h"

#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* What is kept fits into a header, and that header says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char header[CLEAT__BAGGAGE_SIZE_MAX];
    cleat_baggage *first = cleat__baggage_parse((cleat_slice){(const char *)data, size});
    size_t header_size = cleat__baggage_format(first, header);
    check(header_size <= sizeof(header));
    cleat_baggage *second = cleat__baggage_parse((cleat_slice){header, header_size});
    check(cleat_baggage_count(first) == cleat_baggage_count(second));
    for (size_t i = 0; i < cleat_baggage_count(first); i++) {
        cleat_slice a[3], b[3];
        cleat_baggage_at(first, i, &a[0], &a[1], &a[2]);
        cleat_baggage_at(second, i, &b[0], &b[1], &b[2]);
        for (size_t part = 0; part < 3; part++) {
            check(cleat_slice_equals(a[part], b[part]));
        }
    }
    cleat_baggage_release(second);
    cleat_baggage_release(first);
    return 0;
}
