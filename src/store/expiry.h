/*
 * Removing what is old: runs that have ended, with all that is stored of them, and events. Looking for it is for a
 * reader; removing is for the engine's thread, in a transaction, and so in pieces.
 *
 * A run stays as long as its parent does, however long ago it has ended: the parent may ask for it again, by its key
 * or by its log.
 *
 * A chain of runs of which each has gone on as the next is known by the id of its first: that stays as long as the last one
 * lives. Those between go, and the one before then goes on as the one behind.
 */
#ifndef CLEAT_STORE_EXPIRY_H
#define CLEAT_STORE_EXPIRY_H

#include "store/store.h"

/* A page of a list by id. */
typedef struct cleat__expired {
    cleat__uuid after; /* the last one that was looked at: where the next page begins */
    bool is_last;      /* there is no next page */
    size_t count;
    cleat__uuid ids[256];
} cleat__expired;

/* ---- A reader's ---- */

/* The next page of runs that have ended before that time and whose parents are gone, or go before them in the list; or that
 * are links of a chain between its first and its last. */
cleat_status cleat__expired_runs(cleat__store *store, int64_t before_ms, cleat__expired *page);
/* The next page of events that were pushed before that time and have started no run that is there. One with a scope
 * stays also while a run lives that was started before it and may ask what has been. */
cleat_status cleat__expired_events(cleat__store *store, int64_t before_ms, cleat__expired *page);
/* Runs that were removed but for rows that are left. */
cleat_status cleat__expired_rest(cleat__store *store, cleat__expired *page);
/* When the newest run or event was made that was made by then, in Unix ms; 0: there is none. */
cleat_status cleat__expiry_newest(cleat__store *store, int64_t until_ms, int64_t *out);
/* What is in the file but for spans, which have a limit of their own. */
cleat_status cleat__expiry_bytes(cleat__store *store, int64_t *out);
/* Pages of the file that are not in use; also within a transaction. */
cleat_status cleat__expiry_free_pages(cleat__store *store, int64_t *out);
/* Unix ms of a UUIDv7. */
int64_t cleat__expiry_time_of(const cleat__uuid *id);

/* ---- The engine's ---- */

/* Removes a run that was listed, if that still holds: it may have been replayed. Of rows that may be many up to
 * `*rows` go, which is lowered by that; the others are left for cleat__expire_rest(). */
cleat_status cleat__expire_run(cleat__store *store, const cleat__uuid *id, int64_t before_ms, int64_t *rows,
                               bool *was_removed);
cleat_status cleat__expire_rest(cleat__store *store, const cleat__uuid *id, int64_t *rows);
cleat_status cleat__expire_event(cleat__store *store, const cleat__uuid *id);

#endif
