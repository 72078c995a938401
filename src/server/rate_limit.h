/*
 * So many gRPC calls per second and token, for each group of services on its own (client.md 5): of events, of
 * workflows, of the admin; ten times as many of the dispatcher and of spans. A whole second's calls may come at
 * once. Over HTTP only what asks for no token is counted so, hooks and webhooks, since anybody may try. Thread-safe.
 */
#ifndef CLEAT_SERVER_RATE_LIMIT_H
#define CLEAT_SERVER_RATE_LIMIT_H

#include "base/uuid.h"

typedef struct cleat__rate_limit cleat__rate_limit;

#define CLEAT__RATE_LIMIT_MAX 1000000

/* `per_second`: 1 .. CLEAT__RATE_LIMIT_MAX. `clock` outlives it; NULL: the system's. */
cleat_status cleat__rate_limit_new(uint32_t per_second, const cleat_clock *clock, cleat__rate_limit **out);
void cleat__rate_limit_free(cleat__rate_limit *limit); /* NULL-safe */

/* Whether the token may make this call now. `path` is that of a method; those that are of no group are
 * free. The nil token is one of its own. */
bool cleat__rate_limit_admit(cleat__rate_limit *limit, const cleat__uuid *token_id, const char *path);

#endif
