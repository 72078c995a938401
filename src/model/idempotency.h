/*
 * Keys that keep a workflow from doing the same thing twice (engine.md 12). An expression makes a key of what a run
 * is triggered with; who is triggered with a key that another run has is not started. All workflows of a tenant share
 * one space of keys. A run has its key for a time, or until it ends, and for that time at most.
 */
#ifndef CLEAT_MODEL_IDEMPOTENCY_H
#define CLEAT_MODEL_IDEMPOTENCY_H

#include "base/buffer.h"

#include <cleat/task.h>

#define CLEAT__IDEMPOTENCY_KEY_MAX  1024                /* bytes */
#define CLEAT__IDEMPOTENCY_RESERVED "hatchet_internal_" /* what no key of a program begins with */

/* As it is declared; borrowed. */
typedef struct cleat__idempotency {
    cleat_slice expression; /* CEL: input, additional_metadata */
    int64_t ttl_ms;
    cleat_idempotency_method method;
} cleat__idempotency;
/* CLEAT_INVALID_ARGUMENT names the field, and of the expression the place. */
cleat_status cleat__idempotency_check(const cleat__idempotency *idempotency);
/* As JSON. */
void cleat__idempotency_encode(const cleat__idempotency *idempotency, cleat__buffer *out);

/* As it is used. */
typedef struct cleat__idempotency_rule {
    struct cleat__expression *expression;
    int64_t ttl_ms;
    cleat_idempotency_method method;
} cleat__idempotency_rule;
/* Of what was encoded. CLEAT_CORRUPT: it makes no sense. */
struct json_t;
cleat_status cleat__idempotency_decode(const struct json_t *json, cleat__idempotency_rule **out);
void cleat__idempotency_free(cleat__idempotency_rule *rule); /* NULL-safe */

/* The key of what has that input and metadata (JSON objects; absent: {}), with a NUL behind it, to be freed.
 * `*steps`: what the keys of one call may take together, lowered; NULL: any number. CLEAT_INVALID_ARGUMENT,
 * CLEAT_TOO_LARGE: there is none, and why. */
cleat_status cleat__idempotency_key(const cleat__idempotency_rule *rule, cleat_slice input,
                                    cleat_slice metadata, size_t *steps, char **key, size_t *size);

/* Until when a run has the key that it gets now. */
int64_t cleat__idempotency_expiry(const cleat__idempotency_rule *rule, int64_t now_ms);
static inline bool cleat__idempotency_is_held(int64_t expires_at_ms, int64_t now_ms)
{
    return expires_at_ms > now_ms;
}
/* Whether a run that ends gives it back. */
static inline bool cleat__idempotency_ends_with_run(const cleat__idempotency_rule *rule)
{
    return rule->method == CLEAT_IDEMPOTENCY_STATUS;
}

#endif
