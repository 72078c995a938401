/* What happens to runs, for those who look on: told after the commit, on the engine's thread. */
#ifndef CLEAT_ENGINE_WATCH_H
#define CLEAT_ENGINE_WATCH_H

#include "base/map.h"
#include "base/uuid.h"

typedef enum cleat__happening_kind {
    CLEAT__HAPPENING_STARTED, /* the run was made */
    CLEAT__HAPPENING_COMPLETED,
    CLEAT__HAPPENING_FAILED,
    CLEAT__HAPPENING_CANCELLED,
    CLEAT__HAPPENING_TIMED_OUT, /* for good, while it ran */
    CLEAT__HAPPENING_STREAM,    /* a chunk that a task sends */
    CLEAT__HAPPENING_LOST,      /* with `hangup`: the engine failed, closes, or is out of memory */
} cleat__happening_kind;

/* Valid while it is told. A run's end is told twice: as that of its task, then as its own. LOST has the
 * run that is looked at, nil by metadata. */
typedef struct cleat__happening {
    cleat__uuid run_id, task_id;
    cleat__happening_kind kind;
    bool is_of_run; /* COMPLETED, FAILED or CANCELLED, without a payload; else of its task */
    bool is_stored; /* STREAM: whoever looks is told it */
    bool hangup;    /* nothing more is to be expected; by metadata, but for runs to come */
    int32_t retry_count;
    int32_t retries;     /* that its task may have */
    int64_t event_index; /* STREAM: as the task gave it; -1: none */
    int64_t at_ms;       /* Unix */
    cleat_slice payload; /* output, error, or chunk; absent: none */
} cleat__happening;

/*
 * Somebody who looks at one run, or at those of a tenant whose metadata has `key` with the string
 * `value`. It stays where it is, and what it refers to, from WATCH until UNWATCH is answered or the
 * engine is closed.
 *
 * By metadata: `hangup` comes when each run of which anything was told has completed.
 *
 * Who looks at a durable run is told the chunks that it stores from the first one on, each in its turn, however
 * late the look: from the file, in pieces, as `has_room` lets them come, and then live. The end comes behind them.
 */
typedef struct cleat__watch {
    cleat__uuid run_id; /* nil: by metadata */
    cleat_slice key, value;
    void *self;
    void (*tell)(void *self, const cleat__happening *happening); /* must not block nor call the engine */
    /* Before each piece of stored chunks; must not block either. False: none now, and WATCH_ON once it has room
     * again. NULL: it always has. */
    bool (*has_room)(void *self);
    /* The engine's: */
    struct cleat__watch *next, *previous;
    int64_t tenant;
    cleat__map told_of; /* by metadata: runs that live */
    bool never_ends;    /* some of those ended without completing */
    bool is_watching;
    bool is_cut; /* it is told nothing more */
    struct cleat__watch *next_cut;
    /* Of stored chunks: */
    enum {
        CLEAT__WATCH_LIVE,   /* has all there are in a row, and is told the next one when it is stored */
        CLEAT__WATCH_BEHIND, /* among those that are served from the file */
        CLEAT__WATCH_PARKED, /* behind too, without room */
    } progress;
    bool is_of_stored;
    bool has_later; /* LIVE: there are chunks behind a gap */
    bool has_ended; /* the run has; told once it is not behind any more */
    int64_t next_index;
    struct cleat__watch *next_behind, *previous_behind;
} cleat__watch;

#endif
