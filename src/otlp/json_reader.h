/*
 * Finding members in JSON text of a peer, for responses of a few lines: libcleat-trace has no JSON
 * library. Nothing is believed: malformed text is found out, nesting is bounded.
 *
 * Source: RFC 8259.
 */
#ifndef CLEAT_OTLP_JSON_READER_H
#define CLEAT_OTLP_JSON_READER_H

#include <cleat/status.h>

/*
 * The value of the member `key` of the object `object` as it stands in the text; the absent slice
 * when there is none or the text is malformed before it. Keys are compared as they are written,
 * escapes not resolved.
 */
cleat_slice cleat__json_member(cleat_slice object, const char *key);

/* A number, or a string of digits as protobuf's mapping writes 64-bit ones. False: it is neither. */
bool cleat__json_int(cleat_slice value, int64_t *out);

/* What is between the quotes, escapes and all; the absent slice when `value` is no string. */
cleat_slice cleat__json_text(cleat_slice value);

#endif
