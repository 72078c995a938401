/* What a client knows: the tickets of a tenant, which one thread asks a server for, however often that is killed. */
#ifndef CLEAT_TESTS_NIGHTLY_TICKETS_H
#define CLEAT_TESTS_NIGHTLY_TICKETS_H

#include <cleat/client.h>

#include <stdatomic.h>

typedef struct nightly_ticket {
    char id[37];   /* of the run, or of the event or the schedule that starts it, as the server told it */
    uint8_t calls; /* that may have started it: one was answered, and of the others nobody knows */
    bool is_cancelled, may_be_cancelled, is_replayed;
    /* What is in the file in the end. */
    uint8_t runs, again, parts, leaves; /* of it; that a flow went on as; tasks of these; children */
    bool is_found;                      /* with that id */
} nightly_ticket;

typedef struct nightly_tenant {
    const char *name;
    const char *token, *grpc, *http;
    int64_t first, count;    /* of the numbers of its tickets */
    nightly_ticket *tickets; /* of all tenants, by number */
    atomic_llong done;       /* that the server has taken */
    atomic_llong unknown;    /* calls that were not answered */
    atomic_bool is_through;  /* the thread has asked for all that it will, replays too */
    atomic_bool is_over;     /* for the thread: nobody waits for an event any more */
} nightly_tenant;

/* The thread: asks for all, and then pushes what flows wait for until it is over. Ends the program when something is
 * refused, or comes to another end than it should. */
void *tickets_trigger(void *argument);

#endif
