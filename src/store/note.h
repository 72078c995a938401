/* What happens to attempts besides their beginning and their end. */
#ifndef CLEAT_STORE_NOTE_H
#define CLEAT_STORE_NOTE_H

#include "store/store.h"
#include "store/transition.h"

#define CLEAT__NOTES_MAX 1000 /* of a run: what comes then is not kept */

/* Of a task of a run of several, where it was held: when it came into its queue. */
#define CLEAT__NOTE_QUEUED "QUEUED"

typedef struct cleat__note {
    const char *kind; /* as the API calls such an event: "SLOT_RELEASED", .. */
    const char *message;
    int64_t at_ms; /* Unix */
} cleat__note;

/* Of the run's attempt that `key` has. */
cleat_status cleat__note_insert(cleat__store *store, const cleat__attempt_key *key, const cleat__note *note);

/* When the attempt came into its queue, if that is noted; else 0. */
cleat_status cleat__note_queued_at(cleat__store *store, const cleat__uuid *id, int32_t retry_count,
                                   int64_t *out);

/* Those of a run, one after the other. */
typedef struct cleat__note_cursor {
    sqlite3_stmt *select;
    bool is_there; /* what follows is one */
    int32_t retry_count;
    int64_t at_ms;
    const char *kind, *message; /* valid until the next one */
} cleat__note_cursor;
/* Stands at the first one. End it in any case. */
cleat_status cleat__notes_begin(cleat__store *store, const cleat__uuid *id, cleat__note_cursor *cursor);
cleat_status cleat__notes_next(cleat__store *store, cleat__note_cursor *cursor);
void cleat__notes_end(cleat__note_cursor *cursor);

#endif
