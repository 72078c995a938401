/*
 * Runs whose end somebody waits for: one stream for all of a client (worker.md 12). An id is sent once for
 * each connection.
 */
#ifndef CLEAT_TRANSPORT_GRPC_RESULTS_H
#define CLEAT_TRANSPORT_GRPC_RESULTS_H

#include "base/map.h"
#include "model/continued.h"
#include "transport/grpc_stream.h"

typedef struct cleat__awaited cleat__awaited;

/* Guarded by the link's mutex. */
typedef struct cleat__results {
    cleat__link *link;
    cleat__rpc_stream *stream;    /* NULL: not connected */
    cleat__map awaited;           /* by their keys */
    cleat__awaited *first, *last; /* oldest first */
    cleat__awaited *unasked;      /* all before it are asked for; NULL: all are */
    int64_t opened_ns;            /* the stream */
    unsigned failures;            /* in a row */
    cleat__link_timer reconnect;
    int64_t patience_ms; /* how long a run may be unknown to the server */
    size_t callers;      /* inside cleat__results_wait() */
} cleat__results;

void cleat__results_init(cleat__results *results, cleat__link *link);
/* As a transport's wait(); `follow` is CLEAT__FOLLOW_LAST or _STREAM. */
cleat_status cleat__results_wait(cleat__results *results, const cleat__uuid *run_id, cleat__follow follow,
                                 int64_t timeout_ms, cleat_run_result *result);
/* Whoever waits gets CLEAT_UNAVAILABLE, and is gone when this returns. */
void cleat__results_stop(cleat__results *results);
void cleat__results_deinit(cleat__results *results); /* when the link has stopped */

/* What is to be known of a run, or where the server follows it of what it has gone on as, that cannot be told from the
 * stream; `is_cancelled` (may be NULL): that may be how
 * it has ended. CLEAT_NOT_FOUND; CLEAT_UNSUPPORTED: it cannot be said. */
cleat_status cleat__run_is_done(cleat__link *link, const char *id, cleat__follow follow, bool *is_done,
                                bool *is_cancelled);

#endif
