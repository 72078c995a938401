/*
 * Routes: tables of a method, a pattern and what answers. A pattern is a path some of whose segments
 * are "{name}", which match anything that is not empty. The first row that matches is it.
 */
#ifndef CLEAT_SERVER_HTTP_ROUTE_H
#define CLEAT_SERVER_HTTP_ROUTE_H

#include "http_target.h"

struct cleat__http_call;

typedef enum cleat__http_flags {
    CLEAT__HTTP_OPEN = 1,     /* asks for no token */
    CLEAT__HTTP_NAMED = 2,    /* parts of the path other than {tenant} are names; else all are UUIDs */
    CLEAT__HTTP_INLINE = 4,   /* is answered on the thread of the connections: must not block */
    CLEAT__HTTP_UNTRACED = 8, /* no span is made of its requests */
    CLEAT__HTTP_KNOWS = 16,   /* OPEN, but who comes with a token is known by it */
    CLEAT__HTTP_SECRET = 32,  /* a part of the path is, and spans show the pattern instead */
    CLEAT__HTTP_BROWSED = 64, /* for pages in browsers: see http_browser.h */
} cleat__http_flags;

typedef struct cleat__http_route {
    const char *method;
    const char *pattern;
    int flags;
    void (*handle)(struct cleat__http_call *call);
} cleat__http_route;

typedef struct cleat__http_table {
    const cleat__http_route *routes;
    size_t count;
    void *service; /* for the handlers */
} cleat__http_table;

/* The part of `target` that stands for "{name}" in `pattern`; absent when there is none. */
cleat_slice cleat__http_pattern_part(const char *pattern, const cleat__http_target *target, const char *name);
/* Calls `visit` for each "{name}" of the pattern until it answers false; false when it did. */
bool cleat__http_pattern_visit(const char *pattern, const cleat__http_target *target,
                               bool (*visit)(void *argument, cleat_slice name, cleat_slice value),
                               void *argument);

typedef enum cleat__http_match {
    CLEAT__HTTP_FOUND,
    CLEAT__HTTP_NO_PATH,
    CLEAT__HTTP_NO_METHOD, /* the path is there, for other methods */
} cleat__http_match;

/* HEAD finds the row of GET. */
cleat__http_match cleat__http_find(const cleat__http_table *tables, size_t count, const char *method,
                                   const cleat__http_target *target, const cleat__http_table **table,
                                   const cleat__http_route **route);
/* "GET, HEAD, OPTIONS, POST": what may be asked of a path that is there; NULL on no memory. To be freed. */
char *cleat__http_allowed(const cleat__http_table *tables, size_t count, const cleat__http_target *target);

#endif
