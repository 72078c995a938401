/* What runs of a task take of rate limits, as it is declared and stored. */
#ifndef CLEAT_MODEL_RATE_USE_H
#define CLEAT_MODEL_RATE_USE_H

#include "base/buffer.h"
#include "model/rate_window.h"

#define CLEAT__RATE_USES_MAX 16
#define CLEAT__RATE_KEY_MAX  255 /* bytes */

typedef struct cleat__rate_use {
    cleat_slice key;            /* absent: the expression says it */
    cleat_slice key_expression; /* absent: the key is that; so below */
    int32_t units;
    cleat_slice units_expression;
    cleat_slice limit_expression; /* absent: the limit is there already */
    int64_t window_ms;
} cleat__rate_use;

/* CLEAT_INVALID_ARGUMENT; `key` absent is one too. */
cleat_status cleat__rate_key_check(cleat_slice key);
cleat_status cleat__rate_limit_check(int32_t limit, int64_t window_ms);
/* CLEAT_INVALID_ARGUMENT says what is wrong, and where in an expression. */
cleat_status cleat__rate_uses_check(const cleat__rate_use *uses, size_t count);
/* Whether it says all by itself, so that the limit must be there when it is declared. */
bool cleat__rate_use_is_static(const cleat__rate_use *use);

/* A list with all it refers to in one block; free with cleat__free(). */
typedef struct cleat__rate_use_list {
    size_t count;
    cleat__rate_use items[];
} cleat__rate_use_list;
/* [{"key":"calls","units":1,"window":60000}]. */
void cleat__rate_uses_encode(const cleat__rate_use *uses, size_t count, cleat__buffer *out);
cleat_status cleat__rate_uses_decode_text(cleat_slice text, cleat__rate_use_list **out);
struct json_t;
/* NULL is an empty array, for which `*out` is NULL. CLEAT_CORRUPT: it is none. */
cleat_status cleat__rate_uses_decode(const struct json_t *array, cleat__rate_use_list **out);

#endif
