/* Single values of OTLP JSON as fields in protobuf's wire format. */
#ifndef CLEAT_COLLECTOR_JSON_SCALAR_H
#define CLEAT_COLLECTOR_JSON_SCALAR_H

#include "base/buffer.h"
#include "trace/protobuf.h"

#include <jansson.h>

/* Appends field `field`; false when the value is none of its type. */
typedef bool cleat__json_put(cleat__buffer *out, unsigned field, const json_t *value);

cleat__json_put cleat__json_put_text;
cleat__json_put cleat__json_put_base64; /* either alphabet, with padding or without */
cleat__json_put cleat__json_put_id;     /* hex of either case; one byte, which is no id, for what is no hex */
cleat__json_put cleat__json_put_bool;
cleat__json_put cleat__json_put_int;    /* numbers, and strings that hold one, here and below */
cleat__json_put cleat__json_put_double; /* also "NaN", "Infinity" and "-Infinity" */
cleat__json_put cleat__json_put_count;  /* uint32 */
cleat__json_put cleat__json_put_time;   /* fixed64 */
cleat__json_put cleat__json_put_flags;  /* fixed32 */
cleat__json_put cleat__json_put_kind;   /* numbers or names, here and below */
cleat__json_put cleat__json_put_status_code;

#endif
