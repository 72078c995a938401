/*
 * A request and its answer, as a handler sees them. A handler runs on a thread of the server's pool
 * and may block; what it has answered is sent when it returns. One that answers nothing has failed:
 * 500.
 *
 * There are two shapes of errors. What the framework finds wrong (route, credentials, ids in the
 * path, the body's form) is {"message":"..."}; what a handler does, {"errors":[{"description":"..."}]}.
 */
#ifndef CLEAT_SERVER_HTTP_CALL_H
#define CLEAT_SERVER_HTTP_CALL_H

#include "base/buffer.h"
#include "base/json_writer.h"
#include "identity.h"
#include "http_route.h"
#include "http_target.h"

#include <jansson.h>
#include <stdatomic.h>

typedef struct cleat__http_answer {
    unsigned status;          /* 0: there is none yet */
    const char *content_type; /* static */
    cleat__buffer body;
    char *allow;            /* methods, for the header Allow; owned */
    unsigned retry_after_s; /* for the header Retry-After; 0: none */
    char tag[40];           /* for the header ETag, without its quotes; "": none */
    bool is_packed;         /* the body is gzip */
} cleat__http_answer;

typedef struct cleat__http_call {
    const cleat__http_route *route;
    void *service;            /* of the route's table */
    cleat__identity identity; /* zero where no token was asked for, or given */
    const char *content_type; /* of the body, "" when the request does not say */
    /* Of the caller's trace; NULL: it does not say. */
    const char *traceparent, *tracestate, *baggage;
    const char *if_none_match; /* the header; NULL: none */
    cleat_slice body;          /* unpacked */
    const atomic_bool *is_cut; /* the server ends and waits for no work any more; NULL: it never does */
    int64_t deadline_ns;       /* for the work, monotonic; 0: none */
    /* The rest by the functions below. */
    struct MHD_Connection *connection; /* for the headers; NULL: there are none */
    cleat__http_target target;
    cleat__buffer *held; /* what `body` points into; NULL: it cannot be taken */
    cleat__http_answer answer;
} cleat__http_call;

void cleat__http_call_deinit(cleat__http_call *call);

/* ---- The request ---- */

/* What stands in the path for "{name}" of the route; absent when the route has no such part. */
cleat_slice cleat__http_call_part(const cleat__http_call *call, const char *name);
/* The same as an id: it is one, or the handler would not have been called. */
cleat__uuid cleat__http_call_id(const cleat__http_call *call, const char *name);

/* The next value of the argument `name` in the query; `*cursor` is 0 at first. False: no more. */
bool cleat__http_call_next(const cleat__http_call *call, const char *name, size_t *cursor,
                           cleat_slice *value);
/* The only, else the first one; absent when there is none. */
cleat_slice cleat__http_call_argument(const cleat__http_call *call, const char *name);
/*
 * Typed ones. Where there is none, `*out` stays as it is. False: it is malformed, which has been
 * answered with 400.
 */
bool cleat__http_call_int(cleat__http_call *call, const char *name, int64_t min, int64_t max, int64_t *out);
bool cleat__http_call_bool(cleat__http_call *call, const char *name, bool *out);
/* RFC 3339, to Unix ms. */
bool cleat__http_call_time(cleat__http_call *call, const char *name, int64_t *unix_ms);
bool cleat__http_call_uuid(cleat__http_call *call, const char *name, cleat__uuid *out, bool *is_there);

/* Calls `visit` for each header of the request until it answers false. */
void cleat__http_call_headers(const cleat__http_call *call,
                              bool (*visit)(void *argument, cleat_slice name, cleat_slice value),
                              void *argument);

/* The body as a JSON object whose numbers are all reals, to be released by json_decref(). NULL: it is none,
 * which has been answered with 400. */
json_t *cleat__http_call_json(cleat__http_call *call);

/* The body itself, to be freed; then there is none. A copy where nobody gives it away. */
cleat_status cleat__http_call_take_body(cleat__http_call *call, cleat__buffer *out);

/* Whether nobody waits for the work any more: what may take long asks now and then. */
bool cleat__http_call_is_over(const cleat__http_call *call);

/* ---- The answer: the first one counts ---- */

/* Takes the writer's document. */
void cleat__http_call_answer_json(cleat__http_call *call, unsigned status, cleat__json_writer *writer);
/* Takes what is in `body`; `content_type` is static. */
void cleat__http_call_answer(cleat__http_call *call, unsigned status, const char *content_type,
                             cleat__buffer *body);
void cleat__http_call_answer_nothing(cleat__http_call *call, unsigned status);
/* {"message":"..."} */
void cleat__http_call_refuse(cleat__http_call *call, unsigned status, const char *format, ...)
    CLEAT_PRINTF(3, 4);
/* {"errors":[{"description":"..."}]} */
void cleat__http_call_fail(cleat__http_call *call, unsigned status, const char *format, ...)
    CLEAT_PRINTF(3, 4);
/* What `status`, of the last call that failed on this thread, means here: CLEAT_NOT_FOUND is the
 * framework's 404, what is wrong inside a plain 500, all else an error with its sentence. */
void cleat__http_call_fail_status(cleat__http_call *call, cleat_status status);

#endif
