/* The text of a place in a search: "ORDER.NUMBER" or "ORDER.NUMBER.SPAN", the numbers as decimals. */
#include "collector/trace_search.h"

#include "base/error.h"
#include "base/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void cleat__trace_cursor_format(const cleat__trace_cursor *cursor, char text[CLEAT__TRACE_CURSOR_SIZE])
{
    int size =
        snprintf(text, CLEAT__TRACE_CURSOR_SIZE, "%" PRId64 ".%" PRId64, cursor->order, cursor->number);
    if (cursor->has_span) {
        text[size] = '.';
        cleat__hex_encode(cursor->span_id.bytes, sizeof(cursor->span_id.bytes), text + size + 1);
    }
}

/* Goes behind the number and what ends it. */
static bool take_number(const char **at, char end, int64_t *out)
{
    char *behind = NULL;
    if (**at != '-' && (**at < '0' || **at > '9')) {
        return false; /* strtoll would pass over blanks */
    }
    errno = 0;
    *out = strtoll(*at, &behind, 10);
    if (errno != 0 || behind == *at || *behind != end) {
        return false;
    }
    *at = behind + (end != '\0');
    return true;
}

static bool parse(const char *text, cleat__trace_cursor *out)
{
    const char *at = text;
    if (!take_number(&at, '.', &out->order)) {
        return false;
    }
    const char *point = strchr(at, '.');
    out->has_span = point != NULL;
    if (!take_number(&at, out->has_span ? '.' : '\0', &out->number)) {
        return false;
    }
    return !out->has_span ||
           cleat__hex_decode(cleat_slice_of(at), out->span_id.bytes, sizeof(out->span_id.bytes));
}

cleat_status cleat__trace_cursor_parse(cleat_slice text, cleat__trace_cursor *out)
{
    char copy[CLEAT__TRACE_CURSOR_SIZE] = "";
    *out = (cleat__trace_cursor){.order = 0};
    if (text.size != 0 && text.size < sizeof(copy) && memchr(text.data, '\0', text.size) == NULL) {
        memcpy(copy, text.data, text.size);
    }
    return parse(copy, out)
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "that is not where a search for traces came to");
}
