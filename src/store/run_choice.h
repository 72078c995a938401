/* Runs that a filter of the API chooses, by the narrowest index: newest first. On a reader, since there may be millions
 * to look at. */
#ifndef CLEAT_STORE_RUN_CHOICE_H
#define CLEAT_STORE_RUN_CHOICE_H

#include "store/store.h"

#include <jansson.h>

/* Whether a run that was cancelled has not begun in time: who cancels gives no reason, the engine does. Of task_end e. */
#define CLEAT__RUN_WAS_NOT_TAKEN "e.state = 4 AND e.error IS NOT NULL"
static inline bool cleat__run_was_not_taken(bool is_cancelled, cleat_slice error)
{
    return is_cancelled && error.data != NULL;
}
/* The state that is shown: such a run has failed here, although it is CANCELLED to the engine. Of task_live l, too. */
#define CLEAT__RUN_SHOWN_STATE \
    "CASE WHEN " CLEAT__RUN_WAS_NOT_TAKEN " THEN 3 ELSE coalesce(e.state, l.state) END"
/* How many there are, for what is counted by them. */
enum { CLEAT__RUN_SHOWN_STATES = CLEAT_RUN_EVICTED + 1 };
_Static_assert(CLEAT_RUN_CANCELLED == 4 && CLEAT_RUN_FAILED == 3 && CLEAT_RUN_EVICTED == 5,
               "as the statements have them");

/* What is pointed to is borrowed. */
typedef struct cleat__run_choice {
    int64_t since_ms,
        until_ms;      /* created since; ended until (who has not ended is in); 0 and INT64_MAX: any */
    unsigned statuses; /* 1 << cleat_run_status, of several; 0: any */
    bool has_parent, has_event, has_worker;
    cleat__uuid parent_id, event_id, worker_id; /* child of it; started by it; that has or had it */
    const cleat__uuid *workflows;
    size_t workflow_count;  /* 0: any */
    const json_t *metadata; /* an array of "key:value"; NULL or empty: any */
    bool needs_all_metadata;
    const json_t *idempotency_keys; /* an array of strings, one of which it has; NULL: any */
    bool only_tasks;                /* those of runs of several instead of these */
} cleat__run_choice;

/* Until `visit` answers false. */
cleat_status cleat__run_choose(cleat__store *store, int64_t tenant, const cleat__run_choice *choice,
                               bool (*visit)(void *argument, const cleat__uuid *id, cleat_run_status status),
                               void *argument);
cleat_status cleat__run_choice_count(cleat__store *store, int64_t tenant, const cleat__run_choice *choice,
                                     uint64_t by_status[CLEAT__RUN_SHOWN_STATES]);

#endif
