/* What is declared: workflows by tenant and name, and their versions, of which the newest counts. */
#ifndef CLEAT_ENGINE_CATALOG_H
#define CLEAT_ENGINE_CATALOG_H

#include "engine/plan.h"
#include "engine/queue.h"
#include "engine/rules.h"
#include "engine/topics.h"
#include "model/pause.h"
#include "model/workflow.h"
#include "store/load.h"

typedef struct cleat__workflow_entry {
    int64_t row; /* workflow.id */
    int64_t tenant;
    cleat__uuid id;
    struct cleat__task_type *latest; /* what new runs start with */
    int64_t filter_count;            /* filters of events that start it */
    cleat__pause pause;
    cleat__lane_list paused; /* lanes of its runs, while it is; not all of them: see engine/pause.h */
    cleat_slice name;        /* in `key` */
    char *key;               /* owned; the map's */
} cleat__workflow_entry;

/* One version of a workflow of one task, or of several; or one of these. */
typedef struct cleat__task_type {
    int64_t id; /* task_type.id; the map's key */
    cleat__uuid version_id;
    cleat__workflow_entry *workflow;
    cleat__queue *queue;          /* NULL: of a version of several tasks, which is in none */
    cleat__plan *plan;            /* owned; of such a version, else NULL */
    struct cleat__task_type *dag; /* of one of its tasks: the version, else NULL */
    size_t step;                  /* its index there */
    cleat__uuid step_id;          /* by which it is known to workers */
    cleat__policy policy;
    cleat__needs *needs;   /* owned */
    cleat_slice task_name; /* owned */
    cleat__lane lane;      /* of runs without wishes of their own */
    cleat__rule **rules;   /* owned list, of those that the catalog has: its concurrency */
    size_t rule_count;
    cleat__taking *takings; /* owned; of rate limits, as its needs say; NULL: none */
    bool has_failing_cron;  /* the log says so */
} cleat__task_type;

typedef struct cleat__catalog {
    cleat__map workflows;
    cleat__map deleted; /* workflows by their id, for the sake of their runs */
    cleat__map types;   /* every version, by id */
    cleat__topics topics;
    size_t idempotent_count; /* versions whose runs have idempotency keys */
    cleat__rules rules;
} cleat__catalog;
/* Before the queues. */
void cleat__catalog_deinit(cleat__catalog *catalog);

cleat__workflow_entry *cleat__catalog_find(const cleat__catalog *catalog, int64_t tenant, cleat_slice name);
/* CLEAT_NOT_FOUND: the tenant has no such workflow. Looks at all of them. */
cleat_status cleat__catalog_find_id(const cleat__catalog *catalog, int64_t tenant, const cleat__uuid *id,
                                    cleat__workflow_entry **out);
cleat__task_type *cleat__catalog_find_type(const cleat__catalog *catalog, int64_t id);
/* Workers take actions: those of two workflows of a tenant that share one get each other's runs.
 * CLEAT_FAILED_PRECONDITION: another one's newest version has an action of this, and a worker. Looks at all of them. */
cleat_status cleat__catalog_check_actions(const cleat__catalog *catalog, int64_t tenant,
                                          const cleat__workflow *workflow);
/* Adds a stored version, which is its workflow's newest from now on. */
cleat_status cleat__catalog_add(cleat__catalog *catalog, cleat__queues *queues, const cleat__type_row *row);
/* It starts no runs any more, and its name is free; its runs go on. */
cleat_status cleat__catalog_remove(cleat__catalog *catalog, cleat__workflow_entry *workflow);

#endif
