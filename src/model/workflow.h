/*
 * What is declared: a workflow and its tasks. Each change of its content makes a new version; a run
 * keeps the version it was started with.
 */
#ifndef CLEAT_MODEL_WORKFLOW_H
#define CLEAT_MODEL_WORKFLOW_H

#include "model/filter.h"
#include "model/idempotency.h"
#include "model/labels.h"
#include "model/task.h"

#define CLEAT__NAME_MAX       255 /* bytes of the name of a workflow, a task or a slot type */
#define CLEAT__ACTION_MAX     (3 * CLEAT__NAME_MAX + 2)
#define CLEAT__SLOT_TYPES_MAX 64
#define CLEAT__EVENT_KEYS_MAX 1000

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

/* Plain data, borrowed from whoever passes it; so is a workflow. */
typedef struct cleat__workflow_task {
    cleat_slice name;          /* the readable id */
    cleat_slice action;        /* "workflow:task", lower case; where workers look for it */
    cleat__policy policy;      /* with the default priority of its runs */
    const cleat__slots *slots; /* none: one unit of "default", or of "durable" when it is durable */
    size_t slot_count;
    const cleat__desired_label *labels;
    size_t label_count;
    const cleat_slice *parents; /* names of tasks that it comes after */
    size_t parent_count;
    bool is_durable;
    bool is_on_failure; /* it runs when one of the others has failed */
    bool is_on_success; /* it runs when all of the others have completed */
} cleat__workflow_task;

typedef struct cleat__workflow {
    cleat_slice name;
    cleat_slice description;       /* absent: "" */
    cleat_slice version;           /* the program's own words; absent: "" */
    const cleat_slice *event_keys; /* events that start it: keys, and patterns (event_pattern.h) */
    size_t event_key_count;
    const cleat__filter *filters; /* of these events; none: those that it has stay */
    size_t filter_count;
    cleat__sticky sticky;
    const cleat__workflow_task *tasks;
    size_t task_count;                     /* 1 */
    cleat_slice input_json_schema;         /* an object; absent: none */
    const cleat__idempotency *idempotency; /* NULL: its runs have no keys */
} cleat__workflow;

/* CLEAT_INVALID_ARGUMENT says which field is wrong (engine.md 8). */
cleat_status cleat__workflow_check(const cleat__workflow *workflow);
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

/* All that stands in no column of its own, as JSON: equal texts are equal declarations. */
void cleat__workflow_encode(const cleat__workflow *workflow, cleat__buffer *out);

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
    cleat__slot_list *slots;              /* owned; 1 at least */
    struct cleat__names *events;          /* owned; keys of events that start it; NULL: none */
    cleat__idempotency_rule *idempotency; /* owned; NULL: none */
} cleat__needs;
/* Of an encoded text. CLEAT_CORRUPT: it is none. */
cleat_status cleat__needs_decode(cleat_slice text, cleat__needs **out);
void cleat__needs_free(cleat__needs *needs);

#endif
