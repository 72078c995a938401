/*
 * Cancels or replays many runs: a command for each, in groups, so that the engine does between them what else
 * there is, and so that what nobody waits for any more ends soon.
 *
 * Runs that a command is too late or too early for are accepted all the same, as that changes nothing;
 * unknown ones and those of other tenants are passed over.
 */
#ifndef CLEAT_ENGINE_RUN_BATCH_H
#define CLEAT_ENGINE_RUN_BATCH_H

#include "engine/command.h"

#include <stdatomic.h>

struct cleat__run_batch_item;

typedef struct cleat__run_batch {
    /* To be set. */
    cleat__engine *engine;
    int64_t tenant;
    cleat__command_kind kind; /* CANCEL or REPLAY */
    bool follows;             /* as a command's: who is named and not chosen by what it is like */
    cleat__uuid *ids;         /* borrowed; becomes those that were accepted, in their order */
    size_t count;
    bool (*goes_on)(void *argument); /* asked before each group */
    /* Once, on any thread, perhaps before cleat__run_batch_start() returns: must not block. The batch is its owner's
     * again. */
    void (*done)(void *argument);
    void *argument;
    /* The answer. */
    cleat_status status; /* CLEAT_CANCELLED: it did not go on */
    char *error;         /* its sentence; NULL: the status's text */
    size_t accepted;
    /* Of its own. */
    struct cleat__run_batch_item *items; /* the group's */
    size_t from, to;                     /* that is under way */
    atomic_size_t left;                  /* of it, not yet answered; and one for who submits */
} cleat__run_batch;

/* How many at once: 20,000 are cancelled, 1,000 replayed. */
size_t cleat__run_batch_max(cleat__command_kind kind);
void cleat__run_batch_start(cleat__run_batch *batch);
void cleat__run_batch_deinit(cleat__run_batch *batch);

#endif
