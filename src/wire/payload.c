#include "wire/payload.h"

#include "base/alloc.h"
#include "model/json.h"

#include <jansson.h>

/* The first character that is no blank; NUL: there is none. */
static char first_of(cleat_slice json)
{
    for (size_t i = 0; i < json.size; i++) {
        if (strchr(" \t\r\n", json.data[i]) == NULL || json.data[i] == '\0') {
            return json.data[i];
        }
    }
    return '\0';
}

bool cleat__payload_is_object(cleat_slice json)
{
    return first_of(json) == '{';
}

cleat_slice cleat__payload_input(cleat_slice json)
{
    return cleat__payload_is_object(json) ? json : cleat_slice_of("null");
}

cleat_status cleat__payload_metadata(const char *text, cleat_slice *out)
{
    return cleat__payload_metadata_of(cleat_slice_of(text), out);
}

cleat_status cleat__payload_metadata_of(cleat_slice metadata, cleat_slice *out)
{
    *out = (cleat_slice){NULL, 0};
    if (metadata.size == 0) {
        return CLEAT_OK;
    }
    bool is_object = cleat__payload_is_object(metadata);
    cleat_status status = cleat__json_check("metadata", metadata, first_of(metadata) != 'n');
    if (status == CLEAT_OK && is_object) {
        *out = metadata;
    }
    return status;
}

/* ---- Errors ---- */

void cleat__payload_error_write(cleat__buffer *out, cleat_slice error)
{
    cleat__buffer_append_string(out, "{\"message\":");
    cleat__buffer_append_json(out, error);
    cleat__buffer_append_byte(out, '}');
}

char *cleat__payload_error_read(cleat_slice text)
{
    char first = first_of(text);
    json_t *value = first == '{' || first == '"'
                        ? json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL)
                        : NULL;
    const json_t *message = json_is_object(value) ? json_object_get(value, "message") : value;
    const char *string = json_string_value(message);
    char *copy = string != NULL ? cleat__strdup(string) : cleat__slice_dup(text);
    json_decref(value);
    return copy;
}
