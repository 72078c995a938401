#include "lines.h"
#include "trace/baggage.h"

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_equal(const cleat_baggage *first, const cleat_baggage *second)
{
    check(cleat_baggage_count(first) == cleat_baggage_count(second));
    for (size_t i = 0; i < cleat_baggage_count(first); i++) {
        cleat_slice a[3], b[3];
        cleat_baggage_at(first, i, &a[0], &a[1], &a[2]);
        cleat_baggage_at(second, i, &b[0], &b[1], &b[2]);
        for (size_t part = 0; part < 3; part++) {
            check(cleat_slice_equals(a[part], b[part]));
        }
    }
}

/* Several lines are the same as one with commas between. */
static void check_lines(cleat_slice text)
{
    char *joined = fuzz_join_lines(text);
    check(joined != NULL);
    cleat_context *context = fuzz_extract_lines("baggage", text);
    cleat_baggage *one = cleat__baggage_parse((cleat_slice){joined, text.size});
    check_equal(cleat_context_get_baggage(context), one);
    cleat_baggage_release(one);
    cleat_context_release(context);
    free(joined);
}

/* The same entries can be set by hand, one after the other. */
static void check_with(const cleat_baggage *baggage)
{
    cleat_baggage *made = NULL;
    for (size_t i = 0; i < cleat_baggage_count(baggage); i++) {
        cleat_slice key, value, metadata;
        char text[2][CLEAT__BAGGAGE_SIZE_MAX + 1] = {"", ""};
        cleat_baggage_at(baggage, i, &key, &value, &metadata);
        memcpy(text[0], key.data, key.size);
        if (metadata.size != 0) {
            memcpy(text[1], metadata.data, metadata.size);
        }
        cleat_baggage *next = cleat_baggage_with(made, text[0], value, text[1]);
        check(next != NULL);
        cleat_baggage_release(made);
        made = next;
    }
    check_equal(baggage, made);
    cleat_baggage_release(made);
}

/* What is kept fits into a header, and that header says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char header[CLEAT__BAGGAGE_SIZE_MAX];
    cleat_slice text = {(const char *)data, size};
    check_lines(text);
    cleat_baggage *first = cleat__baggage_parse(text);
    size_t header_size = cleat__baggage_format(first, header);
    check(header_size <= sizeof(header) && cleat_baggage_count(first) <= CLEAT__BAGGAGE_ENTRIES_MAX);
    cleat_baggage *second = cleat__baggage_parse((cleat_slice){header, header_size});
    check_equal(first, second);
    check_with(first);
    cleat_baggage_release(second);
    cleat_baggage_release(first);
    return 0;
}
