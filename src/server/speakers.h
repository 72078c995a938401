/*
 * Which worker speaks. Requests about a run's slot and its timeout do not say so, but a worker's calls come over the
 * connection over which it listens: where one worker alone listens, it is that one.
 */
#ifndef CLEAT_SERVER_SPEAKERS_H
#define CLEAT_SERVER_SPEAKERS_H

#include "server/service.h"

/* A stream on which a worker listens. */
typedef struct cleat__speaker {
    struct cleat__speaker *next, *previous;
    cleat__uuid worker_id;
    char *peer;     /* owned; NULL: it is not known */
    bool is_shared; /* another worker has listened over its connection, and may speak yet */
} cleat__speaker;

/* It begins and ends; NULL: nothing is known of it. */
cleat__speaker *cleat__speaker_new(cleat__services *services, cleat__rpc_call *call,
                                   const cleat__uuid *worker_id);
void cleat__speaker_free(cleat__services *services, cleat__speaker *speaker); /* NULL-safe */

/* The worker that sends the call; nil: it cannot be known, as of one that listens over another connection, or of several
 * that share one or have, or where somebody in between passes calls on. */
cleat__uuid cleat__speaker_of(cleat__services *services, cleat__rpc_call *call);

#endif
