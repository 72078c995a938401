/*
 * Hooks of durable runs, by which code outside resumes them. Their worker makes them, with a token of the
 * API's; whoever knows a hook's own token may resume it.
 */
#ifndef CLEAT_SERVER_HTTP_HOOKS_H
#define CLEAT_SERVER_HTTP_HOOKS_H

#include "http_route.h"

struct cleat__engine;
struct cleat__rate_limit;

typedef struct cleat__http_hooks {
    struct cleat__engine *engine;
    struct cleat__rate_limit *rate_limit; /* of those who come without a token of the API's; NULL: none */
} cleat__http_hooks;

/* `hooks` is borrowed. */
cleat__http_table cleat__http_hooks_table(const cleat__http_hooks *hooks);

#endif
