/* JSON at the boundaries, by jansson: checking what is stored, and reading and changing metadata. */
#ifndef CLEAT_MODEL_JSON_H
#define CLEAT_MODEL_JSON_H

#include <cleat/status.h>

/* CLEAT_TOO_LARGE above CLEAT_PAYLOAD_MAX; CLEAT_INVALID_ARGUMENT with `what` ("input"), line and
 * column when it is not JSON, holds \u0000, or is not an object although it must be. */
cleat_status cleat__json_check(const char *what, cleat_slice text, bool must_be_object);
/* Of any size. */
cleat_status cleat__json_check_large(const char *what, cleat_slice text, bool must_be_object);

#endif
