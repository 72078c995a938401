#include "model/json.h"

#include "base/error.h"
#include <cleat/run.h>

#include <jansson.h>

/* Jansson quotes the text it stumbled over; a message is one line. */
static void make_one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            *text = ' ';
        }
    }
}

cleat_status cleat__json_check(const char *what, cleat_slice text, bool must_be_object)
{
    if (text.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "%s has %zu bytes; at most %zu are stored", what, text.size,
                           CLEAT_PAYLOAD_MAX);
    }
    /* Integers as reals: Jansson refuses those above 64 bits, which are JSON all the same. */
    size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
    json_error_t error;
    json_t *value = json_loadb(text.size != 0 ? text.data : "", text.size, flags, &error);
    if (value == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            return cleat__fail_memory();
        }
        make_one_line(error.text);
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is not JSON, line %d column %d: %s", what, error.line,
                           error.column, error.text);
    }
    bool is_object = json_is_object(value);
    json_decref(value);
    if (must_be_object && !is_object) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s must be a JSON object, such as {\"key\":1}", what);
    }
    return CLEAT_OK;
}
