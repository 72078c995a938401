/* Which workflows an event starts: those whose newest version lists its key, or a pattern of it. */
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

/* What a tenant's workflows list that is no key: each is compared with every event of the tenant. */
typedef struct cleat__topic_pattern {
    struct cleat__workflow_entry *workflow;
    cleat_slice pattern; /* owned */
} cleat__topic_pattern;

typedef struct cleat__topic_patterns {
    int64_t tenant;              /* the map's key */
    cleat__topic_pattern *items; /* in the order in which their workflows were declared first */
    size_t count, capacity;
} cleat__topic_patterns;

typedef struct cleat__topics {
    cleat__map by_key;
    cleat__map patterns; /* by tenant */
} cleat__topics;
void cleat__topics_deinit(cleat__topics *topics);

#define CLEAT__TOPIC_STEPS_MAX ((size_t)50000000) /* of comparing: some 100 ms */

/* What an event starts, found with as many steps as all events that are pushed with it may take. {0} at first. */
typedef struct cleat__topic_match {
    struct cleat__workflow_entry *
        *workflows; /* owned; each once, in the order in which they were declared first */
    size_t count, capacity;
    size_t steps; /* of all so far */
} cleat__topic_match;
void cleat__topic_match_deinit(cleat__topic_match *match);

/* All that such an event of the tenant starts, in place of what was found before. CLEAT_TOO_LARGE: they take more
 * steps than CLEAT__TOPIC_STEPS_MAX. */
cleat_status cleat__topics_find(const cleat__topics *topics, int64_t tenant, cleat_slice key,
                                cleat__topic_match *match);
/* The workflow lists `keys`, and patterns among them, from now on, and `former` no more; both may be NULL. When it fails
 * some of it has happened. */
cleat_status cleat__topics_change(cleat__topics *topics, struct cleat__workflow_entry *workflow,
                                  const cleat__names *former, const cleat__names *keys);

#endif
