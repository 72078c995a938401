#include "query.h"

#include "base/percent.h"
#include "trace/header.h"

/*
 * Case-sensitive, as the semantic conventions have it ("url.full", "url.query"): the first four are
 * theirs, the others are what the second version of AWS's signatures is called in its fourth.
 */
static bool is_secret(cleat_slice name)
{
    static const char *const secrets[] = {
        "AWSAccessKeyId",       "Signature", "sig", "X-Goog-Signature", "X-Amz-Signature", "X-Amz-Credential",
        "X-Amz-Security-Token",
    };
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (cleat_slice_equals(name, cleat_slice_of(secrets[i]))) {
            return true;
        }
    }
    return false;
}

void cleat__http_query_append(cleat__buffer *out, cleat_slice query)
{
    for (bool first = true; query.data != NULL; first = false) {
        cleat_slice value;
        cleat_slice name = cleat__split(cleat__split(query, '&', &query), '=', &value);
        if (!first) {
            cleat__buffer_append_byte(out, '&');
        }
        cleat__buffer_append_slice(out, name);
        if (value.data != NULL) {
            cleat__buffer_append_byte(out, '=');
            cleat__buffer_append_slice(out, is_secret(name) ? cleat_slice_of(CLEAT__HTTP_REDACTED) : value);
        }
    }
}

static void append_encoded(cleat__buffer *out, cleat_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char character = text.data[i];
        uint8_t byte = (uint8_t)character;
        bool is_upper = character >= 'A' && character <= 'Z';
        if (is_upper || cleat__is_lower(character) || cleat__is_digit(character) ||
            (byte != 0 && strchr("-._~", byte) != NULL)) {
            cleat__buffer_append_byte(out, byte);
        } else {
            char escaped[CLEAT__PERCENT_SIZE];
            cleat__percent_put(escaped, byte);
            cleat__buffer_append(out, escaped, sizeof(escaped));
        }
    }
}

void cleat__http_argument_append(cleat__buffer *out, cleat_slice name, cleat_slice value)
{
    if (out->size != 0) {
        cleat__buffer_append_byte(out, '&');
    }
    append_encoded(out, name);
    if (value.data != NULL) {
        cleat__buffer_append_byte(out, '=');
        if (is_secret(name)) {
            value = cleat_slice_of(CLEAT__HTTP_REDACTED);
        }
        append_encoded(out, value);
    }
}
