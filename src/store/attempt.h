/* What an attempt of a run waited for, and how long, as far as the file tells. */
#ifndef CLEAT_STORE_ATTEMPT_H
#define CLEAT_STORE_ATTEMPT_H

#include "store/invocation.h"

/* Times are Unix milliseconds. Slices are valid during the visit. An invocation of a durable run that is not the first
 * one of its attempt has waited from the end of the one before; its queue begins where that was over. */
typedef struct cleat__attempt_wait {
    cleat__uuid workflow_id, version_id;
    cleat_slice workflow; /* its name */
    cleat_slice action, task_name;
    int64_t triggered_at_ms; /* the run */
    int64_t
        since_ms; /* the trigger, the making of the schedule, the end of the attempt before, or its replay; of a task of a run of several when it was let go */
    int64_t due_at_ms;                 /* when it might begin: at once, or behind the delay or the back-off */
    int64_t started_at_ms;             /* a worker got it */
    cleat__invocation_wait invocation; /* what its number is that of; 0: the first one, or no durable run */
} cleat__attempt_wait;

/* Answers what `visit` does; CLEAT_NOT_FOUND: the tenant has no such run, or none had that attempt. */
cleat_status cleat__attempt_wait_load(cleat__store *store, int64_t tenant, const cleat__invocation_key *key,
                                      cleat_status (*visit)(void *argument, const cleat__attempt_wait *wait),
                                      void *argument);

#endif
