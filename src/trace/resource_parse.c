/*
 * OTEL_RESOURCE_ATTRIBUTES: `key1=value1,key2=value2`, percent-encoded UTF-8.
 *
 * Source: OpenTelemetry specification, "Specifying resource information via an environment variable".
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "header.h"
#include "resource_parts.h"

/* Control characters may be encoded, and not stand there as they are. */
static bool decode(char *text, cleat_slice *decoded)
{
    for (size_t i = 0; i < decoded->size; i++) {
        unsigned char character = (unsigned char)text[i];
        if (character < ' ' || character == 0x7F) {
            return false;
        }
    }
    decoded->data = text;
    return cleat__percent_decode((cleat_slice){text, decoded->size}, text, decoded->size, &decoded->size);
}

/* `text` is writable memory under the slice. */
static bool parse_member(char *text, cleat_slice member, cleat_attribute *out)
{
    cleat_slice key, value;
    if (!cleat__split_pair(member, &key, &value) || key.size == 0) {
        return false;
    }
    char *key_text = text + (key.data - member.data);
    char *value_text = text + (value.data - member.data);
    if (!decode(key_text, &key) || !decode(value_text, &value)) {
        return false;
    }
    /* A value is repaired when it is copied; keys that are might become one and the same. */
    if (cleat__utf8_valid_prefix(key.data, key.size) != key.size) {
        return false;
    }
    *out = (cleat_attribute){.key = key};
    out->value.type = CLEAT_VALUE_STRING;
    out->value.as.string = value;
    return true;
}

/* There is room for every member; false when one is malformed. */
static bool parse_members(char *text, size_t size, cleat_attribute *members, size_t *count)
{
    cleat_slice rest = {text, size};
    *count = 0;
    while (rest.data != NULL) {
        char *start = text + (rest.data - text);
        cleat_slice member = cleat__split(rest, ',', &rest);
        if (cleat__trim(member).size == 0) {
            continue;
        }
        if (!parse_member(start, member, &members[*count])) {
            return false;
        }
        ++*count;
    }
    return true;
}

cleat_status cleat__resource_parse(cleat_slice text, cleat_resource **out)
{
    size_t most = 1, count;
    for (size_t i = 0; i < text.size; i++) {
        most += text.data[i] == ',';
    }
    char *copy = cleat__slice_dup(text);
    cleat_attribute *members = cleat__calloc(most, sizeof(*members));
    cleat_status status;
    if (copy == NULL || members == NULL) {
        status = cleat__fail_memory();
    } else if (!parse_members(copy, text.size, members, &count)) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "resource attributes are key=value pairs");
    } else {
        status = cleat_resource_new(members, count, NULL, out);
    }
    cleat__free(members);
    cleat__free(copy);
    return status;
}
