/* Which workflows an event starts: those whose newest version lists its key. */
#ifndef CLEAT_ENGINE_TOPICS_H
#define CLEAT_ENGINE_TOPICS_H

#include "base/map.h"
#include "model/worker.h"

struct cleat__workflow_entry;

typedef struct cleat__topic {
    struct cleat__workflow_entry **workflows; /* in the order in which they were declared first */
    size_t count, capacity;
    cleat_slice name; /* in `key` */
    char *key;        /* owned; the map's */
} cleat__topic;

typedef struct cleat__topics {
    cleat__map by_key;
} cleat__topics;
void cleat__topics_deinit(cleat__topics *topics);

/* NULL: no workflow of the tenant waits for such events. */
const cleat__topic *cleat__topics_find(const cleat__topics *topics, int64_t tenant, cleat_slice key);
/* The workflow lists `keys` from now on, and `former` no more; both may be NULL. When it fails some of
 * it has happened. */
cleat_status cleat__topics_change(cleat__topics *topics, struct cleat__workflow_entry *workflow,
                                  const cleat__names *former, const cleat__names *keys);

#endif
