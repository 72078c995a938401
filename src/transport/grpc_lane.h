/*
 * Messages that nobody waits for, on their way to the server: begun in the order they came, some at once.
 * In a lane that must arrive, one that did not goes first again after a back-off, and nothing overtakes it
 * meanwhile, unless the server's answer is that no try will help. The link's mutex is held in all of this.
 */
#ifndef CLEAT_TRANSPORT_GRPC_LANE_H
#define CLEAT_TRANSPORT_GRPC_LANE_H

#include "transport/grpc_call.h"

typedef struct cleat__lane_item cleat__lane_item;

typedef struct cleat__lane {
    cleat__link *link;
    const char *path;
    const char *what; /* "a report", for the log */
    bool must_arrive; /* else one try each */
    size_t window;    /* on their way at once */
    size_t most_items, most_bytes;
    cleat__lane_item *first, *last;
    cleat__lane_item *waiting; /* all before it are on their way; NULL: all are */
    size_t count, bytes, in_flight;
    uint64_t taken;    /* messages, ever */
    unsigned failures; /* in a row */
    cleat__link_timer retry;
    uint64_t dropped; /* refused by the server, or not taken */
    /* NULL: nobody wants to know that a message has arrived or was refused; `tag` is the message's. */
    void (*settled)(struct cleat__lane *lane, void *tag);
    /* Of a message that is too large for the server, a shorter one that is sent instead; NULL: there is none. */
    cleat_status (*shorten)(cleat_slice message, cleat__buffer *out);
} cleat__lane;

/* The constants are set. */
void cleat__lane_init(cleat__lane *lane);
/* Copies the message. CLEAT_RESOURCE_EXHAUSTED: too much waits already. CLEAT_UNAVAILABLE: the link is closing. */
cleat_status cleat__lane_put(cleat__lane *lane, cleat_slice message, void *tag);
/* Waits until all that is in it now has arrived or was refused; false: not until the deadline. */
bool cleat__lane_flush(cleat__lane *lane, int64_t deadline_ns);
/* When the link has stopped. */
void cleat__lane_deinit(cleat__lane *lane);

#endif
