/*
 * Removes runs that ended long ago, with all that is stored of them, and events: by age, and the oldest first where
 * the file is too large. It looks for them with a reader of its own; what it finds it removes piece by piece, each a
 * short call of the engine, with pauses between them in which the engine is for the others.
 *
 * A clock that is wrong for a while must not cost all that is there. Where it has gone ahead of monotonic time by more
 * than an hour, or at the start of the newest run or event, that is not believed for an hour: ages count from the time
 * that it was before.
 */
#ifndef CLEAT_ENGINE_RETENTION_H
#define CLEAT_ENGINE_RETENTION_H

#include "engine/engine.h"

typedef struct cleat__retention cleat__retention;
typedef struct cleat__retention_options {
    const char *path;         /* the engine's file */
    int64_t age_ms;           /* since their end; 0: 30 days; negative: kept */
    int64_t max_bytes;        /* of the file's content but for spans; 0 or negative: no limit */
    int64_t every_ms;         /* between two looks; 0: 10 s */
    int64_t opened_ms;        /* Unix, before the engine was opened: it has made what is newer; 0: now */
    const cleat_clock *clock; /* of ends; NULL: system */
} cleat__retention_options;

cleat_status cleat__retention_new(cleat__engine *engine, const cleat__retention_options *options,
                                  cleat__retention **out);
/* From now on, on a thread of its own; the first look is a second later. No-op where all is kept. */
cleat_status cleat__retention_start(cleat__retention *retention);
/* Before the engine is closed: ends the piece it is at. NULL-safe. */
void cleat__retention_free(cleat__retention *retention);

/* Removes all that is to be removed now, without pauses; for tests, where there is no thread. */
cleat_status cleat__retention_look(cleat__retention *retention);

typedef struct cleat__retention_stats {
    uint64_t runs, events; /* removed */
    uint64_t looks;        /* that came to their end */
    uint64_t pieces;       /* calls of the engine */
} cleat__retention_stats;
void cleat__retention_get_stats(cleat__retention *retention, cleat__retention_stats *out);

#endif
