/*
 * What is declared: a workflow and its tasks. Each change of its content makes a new version; a run
 * keeps the version it was started with.
 */
#ifndef CLEAT_MODEL_WORKFLOW_H
#define CLEAT_MODEL_WORKFLOW_H

#include "model/batch.h"
#include "model/concurrency.h"
#include "model/durable.h"
#include "model/filter.h"
#include "model/idempotency.h"
#include "model/labels.h"
#include "model/rate_use.h"
#include "model/task.h"

#define CLEAT__NAME_MAX       255 /* bytes of the name of a workflow, a task or a slot type */
#define CLEAT__ACTION_MAX     (3 * CLEAT__NAME_MAX + 2)
#define CLEAT__SLOT_TYPES_MAX 64
#define CLEAT__EVENT_KEYS_MAX 1000
#define CLEAT__TASKS_MAX      1000  /* of a workflow; each of its runs has as many rows */
#define CLEAT__PARENTS_MAX    10000 /* of all its tasks together */
#define CLEAT__STEP_TEXT_MAX \
    1024 /* bytes of the name of a condition's data, of its group, of a sleep as it was given */

/* Whether a run's desired worker counts. */
typedef enum cleat__sticky {
    CLEAT__STICKY_NONE, /* it does not */
    CLEAT__STICKY_SOFT, /* it is preferred */
    CLEAT__STICKY_HARD, /* no other gets the run */
} cleat__sticky;

/* So many units of a type of slots: requested by a task, or offered by a worker. */
typedef struct cleat__slots {
    cleat_slice type; /* "default", "durable", or a name of one's own */
    int32_t units;
} cleat__slots;

/* What becomes of a task whose conditions are met, in the order in which they win (engine.md 7.1). */
typedef enum cleat__step_action {
    CLEAT__STEP_SKIP,   /* it counts as completed, and did nothing */
    CLEAT__STEP_CANCEL, /* it is cancelled */
    CLEAT__STEP_QUEUE,  /* it runs */
    CLEAT__STEP_ACTIONS,
    CLEAT__STEP_WAIT = CLEAT__STEP_ACTIONS, /* nothing yet: no condition is of it */
} cleat__step_action;

/* Those of one group and one action are alternatives; an action is taken when each of its groups has one that is met. */
typedef struct cleat__step_condition {
    cleat__step_action action;
    cleat_slice parent;  /* that it looks at when that has ended; absent: `of` is a sleep, or an event */
    cleat__condition of; /* of a parent: group, and expression over `output`; absent or "": true */
} cleat__step_condition;

/* Plain data, borrowed from whoever passes it; so is a workflow. */
typedef struct cleat__workflow_task {
    cleat_slice name;          /* the readable id */
    cleat_slice action;        /* "workflow:task", lower case; where workers look for it */
    cleat__policy policy;      /* with the default priority of its runs */
    const cleat__slots *slots; /* none: one unit of "default", or of "durable" when it is durable */
    size_t slot_count;
    const cleat__desired_label *labels;
    size_t label_count;
    const cleat__concurrency *concurrency; /* rules behind those of its workflow */
    size_t concurrency_count;
    const cleat__rate_use *rate_limits;
    size_t rate_limit_count;
    const cleat__batch_config *batch; /* NULL: each of its runs goes to a worker by itself */
    const cleat_slice *parents;       /* names of the tasks that it comes after */
    size_t parent_count;
    const cleat__step_condition *conditions; /* beyond those that parents are (model/match.h) */
    size_t condition_count;
    bool is_durable;
    bool is_on_failure; /* it runs when another one has failed, else it is skipped; it has no parents */
} cleat__workflow_task;

typedef struct cleat__workflow {
    cleat_slice name;
    cleat_slice description;       /* absent: "" */
    cleat_slice version;           /* the program's own words; absent: "" */
    const cleat_slice *event_keys; /* events that start it: keys, and patterns (event_pattern.h) */
    size_t event_key_count;
    const cleat__filter *filters; /* of these events; none: those that it has stay */
    size_t filter_count;
    const cleat_slice *crons; /* when it starts by itself, by cron.h */
    size_t cron_count;
    cleat_slice cron_input; /* of these runs: a JSON object; absent: {} */
    cleat__sticky sticky;
    const cleat__concurrency *concurrency; /* rules for its runs */
    size_t concurrency_count;
    const cleat__workflow_task *tasks;
    size_t task_count;                     /* 1 at least */
    cleat_slice input_json_schema;         /* an object; absent: none */
    const cleat__idempotency *idempotency; /* NULL: its runs have no keys */
} cleat__workflow;

/* Whether its runs are of several tasks, or of one that waits for something: a directed acyclic graph. Else a run
 * is its task. */
bool cleat__workflow_is_dag(const cleat__workflow *workflow);

/* CLEAT_INVALID_ARGUMENT says which field is wrong (engine.md 8). */
cleat_status cleat__workflow_check(const cleat__workflow *workflow);
/* Whether the expressions have what they use, and can have the type that is wanted: of who declares, and not of what is
 * stored already. CLEAT_INVALID_ARGUMENT names the task, the field and the place in the expression. */
cleat_status cleat__workflow_task_check_expressions(const cleat__workflow_task *task);
cleat_status cleat__concurrency_check_expressions(const cleat__concurrency *rules, size_t count);
/* "[a-zA-Z0-9._-]+", at most CLEAT__NAME_MAX bytes. `field` is for the message. */
cleat_status cleat__name_check(const char *field, cleat_slice name);
/* Two or three such names with ':' between them. */
cleat_status cleat__action_check(cleat_slice action);
cleat_status cleat__slots_check(const cleat__slots *slots, size_t count);
/* Copies at most CLEAT__ACTION_MAX bytes of `text` to `to`, in lower case. */
cleat_slice cleat__lower_case(cleat_slice text, char *to);

/* How a program declares in one line: the workflow of an action of task.h, "pack:pack" of the
 * workflow "pack", "archive:pack" of the workflow "archive.pack". `name` has room for the action
 * and a NUL behind it. */
void cleat__workflow_name(cleat_slice action, char *name);

/* All that stands in no column of its own, as JSON: equal texts are equal declarations. Of a DAG all of its tasks. */
void cleat__workflow_encode(const cleat__workflow *workflow, cleat__buffer *out);
/* The same of one task of a DAG, as if it were a workflow. */
void cleat__workflow_encode_task(const cleat__workflow *workflow, size_t task, cleat__buffer *out);

/* A list with all it refers to in one block; free with cleat__free(). */
typedef struct cleat__slot_list {
    size_t count;
    cleat__slots items[];
} cleat__slot_list;

/* {"default":100}. */
void cleat__slots_encode(const cleat__slots *slots, size_t count, cleat__buffer *out);
cleat_status cleat__slots_decode(cleat_slice text, cleat__slot_list **out);

/* What the engine must know of it; free with cleat__needs_free(). */
typedef struct cleat__needs {
    cleat__sticky sticky;
    bool is_durable;
    cleat__desired_labels *labels;        /* owned; NULL: none */
    cleat__slot_list *slots;              /* owned; 1 at least, but for a DAG itself: NULL */
    struct cleat__names *events;          /* owned; keys of events that start it; NULL: none */
    cleat__idempotency_rule *idempotency; /* owned; NULL: none */
    cleat__concurrency_list *concurrency; /* owned; the chain of its rules; NULL: none */
    cleat__rate_use_list *rate_limits;    /* owned; what its runs take; NULL: nothing */
    cleat__batch_rule *batch;             /* owned; NULL: each of its runs goes to a worker by itself */
    bool is_dag;                          /* its tasks are those of cleat__dag_decode() */
} cleat__needs;
/* Of an encoded text. CLEAT_CORRUPT: it is none. */
cleat_status cleat__needs_decode(cleat_slice text, cleat__needs **out);
void cleat__needs_free(cleat__needs *needs);

#endif
