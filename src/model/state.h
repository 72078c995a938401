/*
 * The life of a run as one table: docs/state-machine.md draws it, and a test compares the two.
 * Store and engine ask this table for the next state; no other code knows which follows which.
 */
#ifndef CLEAT_MODEL_STATE_H
#define CLEAT_MODEL_STATE_H

#include <cleat/run.h>

/*
 * One row per event: X(event, from nothing, from QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED, EVICTED).
 * IGNORED: nothing happens and nobody is told; such an event comes from a worker that does not
 * know yet how things stand. REFUSED: the call fails.
 */
#define CLEAT__STATE_TABLE(X)                                                             \
    X(TRIGGER, QUEUED, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED)              \
    X(ASSIGN, REFUSED, RUNNING, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED)              \
    X(RELEASE, IGNORED, IGNORED, QUEUED, IGNORED, IGNORED, IGNORED, IGNORED)              \
    X(COMPLETE, IGNORED, IGNORED, COMPLETED, IGNORED, IGNORED, IGNORED, IGNORED)          \
    X(RETRY, IGNORED, IGNORED, QUEUED, IGNORED, IGNORED, IGNORED, IGNORED)                \
    X(FAIL, IGNORED, IGNORED, FAILED, IGNORED, IGNORED, IGNORED, IGNORED)                 \
    X(TIME_OUT_RETRY, REFUSED, REFUSED, QUEUED, REFUSED, REFUSED, REFUSED, REFUSED)       \
    X(TIME_OUT_FAIL, REFUSED, REFUSED, FAILED, REFUSED, REFUSED, REFUSED, REFUSED)        \
    X(LOSE_RETRY, REFUSED, REFUSED, QUEUED, REFUSED, REFUSED, REFUSED, REFUSED)           \
    X(LOSE_FAIL, REFUSED, REFUSED, FAILED, REFUSED, REFUSED, REFUSED, REFUSED)            \
    X(SCHEDULE_TIME_OUT, REFUSED, CANCELLED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED) \
    X(CANCEL, REFUSED, CANCELLED, CANCELLED, REFUSED, REFUSED, REFUSED, CANCELLED)        \
    X(SUPERSEDE, REFUSED, CANCELLED, CANCELLED, REFUSED, REFUSED, REFUSED, CANCELLED)     \
    X(REJECT, REFUSED, FAILED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED)               \
    X(REPLAY, REFUSED, REFUSED, REFUSED, QUEUED, QUEUED, QUEUED, REFUSED)                 \
    X(EVICT, IGNORED, IGNORED, EVICTED, IGNORED, IGNORED, IGNORED, IGNORED)               \
    X(RESTORE, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, QUEUED)              \
    X(SKIP, REFUSED, COMPLETED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED)

typedef enum cleat__event {
#define CLEAT__STATE_EVENT(event, none, queued, running, completed, failed, cancelled, evicted) \
    CLEAT__EVENT_##event,
    CLEAT__STATE_TABLE(CLEAT__STATE_EVENT)
#undef CLEAT__STATE_EVENT
        CLEAT__EVENT_COUNT,
} cleat__event;

/* What stands in the table beside the states of cleat_run_status. */
enum {
    CLEAT__STATE_NONE = -1, /* no such run: only as a state to come from */
    CLEAT__STATE_IGNORED = -2,
    CLEAT__STATE_REFUSED = -3,
};

/* The state after `event`, or CLEAT__STATE_IGNORED or CLEAT__STATE_REFUSED. `state` is a
 * cleat_run_status or CLEAT__STATE_NONE. */
int cleat__state_next(int state, cleat__event event);

const char *cleat__event_name(cleat__event event);
/* cleat_run_status_name(), or "NONE", "IGNORED", "REFUSED". */
const char *cleat__state_name(int state);

#endif
