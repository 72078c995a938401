/* A server's JSON, read as an export reads it. */
#include "otlp/json_reader.h"

#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* A value lies within its object, and says the same when it is asked again in a copy of its own. */
static void check_value(cleat_slice object, cleat_slice value)
{
    if (value.data == NULL) {
        return;
    }
    check(value.size != 0 && value.data > object.data);
    check(value.data + value.size <= object.data + object.size);
    char *copy = malloc(value.size);
    check(copy != NULL);
    memcpy(copy, value.data, value.size);
    cleat_slice copied = {copy, value.size};
    int64_t number = -1, other = -1;
    check(cleat__json_int(value, &number) == cleat__json_int(copied, &other) && number == other);
    cleat_slice text = cleat__json_text(copied);
    check(text.data == NULL || text.size + 2 == value.size);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"partialSuccess", "rejectedSpans", "errorMessage", "message", ""};
    cleat_slice object = {(const char *)data, size};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        cleat_slice value = cleat__json_member(object, keys[i]);
        check_value(object, value);
        for (size_t j = 0; value.data != NULL && j < sizeof(keys) / sizeof(keys[0]); j++) {
            check_value(value, cleat__json_member(value, keys[j]));
        }
    }
    return 0;
}
