#include "transport/remote_query.h"

#include "base/percent.h"
#include "model/rfc3339.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_plain(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("-._~", byte) != NULL);
}

/* What would have a meaning there is escaped. */
static void append_escaped(cleat__buffer *path, cleat_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char escape[CLEAT__PERCENT_SIZE];
        if (is_plain(value.data[i])) {
            cleat__buffer_append_byte(path, (uint8_t)value.data[i]);
        } else {
            cleat__percent_put(escape, (uint8_t)value.data[i]);
            cleat__buffer_append(path, escape, sizeof(escape));
        }
    }
}

void cleat__remote_query_text(cleat__buffer *path, const char *name, cleat_slice value)
{
    bool is_first = path->size == 0 || memchr(path->data, '?', path->size) == NULL;
    cleat__buffer_append_format(path, "%c%s=", is_first ? '?' : '&', name);
    append_escaped(path, value);
}

void cleat__remote_query_int(cleat__buffer *path, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    cleat__remote_query_text(path, name, cleat_slice_of(text));
}

void cleat__remote_query_id(cleat__buffer *path, const char *name, const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    cleat__remote_query_text(path, name, cleat_slice_of(text));
}

void cleat__remote_query_time(cleat__buffer *path, const char *name, int64_t unix_ms)
{
    const int64_t last_ms = INT64_C(253402300799999);
    char text[CLEAT__RFC3339_SIZE];
    cleat__rfc3339_format(unix_ms < last_ms ? unix_ms : last_ms, text);
    cleat__remote_query_text(path, name, cleat_slice_of(text));
}
