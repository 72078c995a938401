/*
 * What the files of the durable simulation share (engine/durable_simulation_test.c): random plans, the invocations that
 * walk through them, and what is known of each of their nodes.
 */
#ifndef CLEAT_TESTS_DURABLE_WORLD_H
#define CLEAT_TESTS_DURABLE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    RUNS = 5,
    OPS = 7,
    FAN = 4,
    ACTIVE = 64,  /* invocations, those that their worker has left behind included */
    HELD = 64,    /* children that a worker works on */
    STEPS = 400,  /* of chaos */
    DRAIN = 4000, /* without, until all has ended */
    ATTEMPT_RETRIES = 100,
    MEMO_TEXT = 64,
    PAYLOADS = 700, /* to a run's hook */
};

typedef enum dw_op_kind {
    OP_STEP,
    OP_SLEEP,
    OP_HOOK, /* the next payload of the run's */
    OP_EVENT,
    OP_ALL, /* of several children */
    OP_ANY,
    OP_MIXED_ALL, /* of nodes of several kinds, asked for one after the other */
    OP_MIXED_ANY,
    OP_REST, /* all nodes of an earlier op that awaited the first of them */
    OP_KINDS
} dw_op_kind;

/* The last one is by itself. */
typedef enum dw_part { PART_CHILD, PART_SLEEP, PART_EVENT, PART_EITHER, PARTS, PART_HOOK = PARTS } dw_part;

typedef struct dw_op {
    dw_op_kind kind;
    int64_t ms; /* of sleeps */
    size_t count;
    dw_part parts[FAN]; /* one a node */
    size_t of;          /* the op that has asked for the nodes: itself, but for REST */
} dw_op;

/* What is known of an op of a run, from whichever invocation was told. */
typedef struct dw_fact {
    bool is_over;
    char text[MEMO_TEXT];  /* payload of a step; of others in the order of nodes */
    int64_t begun_ms[FAN]; /* Unix, before it was asked for; 0: it was not */
    int64_t order[FAN];    /* in which the nodes ended */
    cleat__uuid child[FAN];
    size_t payload; /* of the run's hook: its number */
} dw_fact;

typedef struct dw_plan {
    cleat__uuid id;
    bool is_known; /* its trigger was acknowledged */
    bool listens;  /* its invocations hear how nodes end */
    bool has_ended;
    dw_op ops[OPS];
    size_t op_count;
    dw_fact facts[OPS];
    int32_t last_invocation;
    uint64_t digest;         /* what its output must be */
    int64_t branch;          /* the newest of its log */
    size_t sent;             /* payloads, numbered from 1 */
    bool is_taken[PAYLOADS]; /* the engine has acknowledged it */
} dw_plan;

/* A function's stack. */
typedef struct dw_invocation {
    bool is_used;
    bool is_lost; /* its worker was: nothing it does may count */
    bool is_old;  /* it has outlived the engine, which may have taken its run from it */
    dw_plan *of;
    int32_t count, retry_count;
    size_t op;   /* where it is in the dw_plan */
    bool asks;   /* a command is on its way */
    bool ends;   /* and that is its last: a report, or to be evicted */
    bool awaits; /* the op was asked for, its nodes are known */
    bool says;   /* which nodes its requests take */
    bool has_hook;
    int64_t node;
    size_t asked; /* nodes of the op */
    cleat__node nodes[OPS][FAN];
    int64_t told_order[OPS][FAN]; /* a listener heard of it; 0: not yet */
    int64_t last_order;           /* ends are told in order */
} dw_invocation;

typedef struct dw_slip {
    cleat__command command; /* first */
    struct dw_slip *next;
    cleat__durable_request requests[2];
    cleat__trigger items[FAN];
    cleat__uuid ids[FAN];
    cleat__node nodes[FAN];
    cleat__node_end ends[FAN];
    cleat__condition conditions[2];
    cleat__user_event event;
    cleat__uuid id;
    cleat__worker_spec spec;
    cleat__slots slots[2];
    cleat_slice actions[3];
    cleat__workflow workflow;
    cleat__workflow_task task; /* of it */
    dw_invocation *by;         /* NULL: no invocation asked */
    dw_plan *of;
    dw_plan former; /* DURABLE_BRANCH: what was known before */
    char text[MEMO_TEXT], key[MEMO_TEXT], name[MEMO_TEXT];
    bool was_lost;   /* whoever asked had lost the run when it did */
    bool is_unheard; /* the answer does not arrive: it is asked again */
} dw_slip;

typedef struct dw_held_child {
    bool is_used;
    cleat__uuid id;
    int32_t retry_count;
    /* Of a chain: it goes on as another one, which does; the last one ends as the first one says. */
    int32_t invocation; /* else 0 */
    int left;           /* runs behind it */
    bool fails, asks;
    cleat__uuid next; /* nil: it has not asked for it */
} dw_held_child;

typedef struct dw_world {
    uint64_t seed;
    bool is_verbose;
    cleat__random random;
    cleat__core *core;
    cleat__now now;
    char directory[256], path[320];
    unsigned crashes;
    uint64_t executions;
    dw_plan plans[RUNS];
    size_t plan_count;
    dw_invocation active[ACTIVE];
    dw_held_child held[HELD];
    cleat__durable_listener listener;
    bool has_worker;
    bool is_remote; /* workers are of another process: they outlive the engine */
    bool is_known;  /* the worker's registration was answered */
    uint64_t session;
    cleat__uuid worker;
    dw_slip *slips; /* on their way */
    unsigned losses;
    uint64_t unsure; /* evictions that were asked for, and not answered */
    /* So that a run of seeds shows that all of it happens. */
    uint64_t replays, evictions, sleeps, told, stale, broken, repeated, rests, resumed, chained, hooked,
        branched, restored;
} dw_world;

/* Ends the test with the seed. */
void dw_fail(const dw_world *it, const char *format, ...) CLEAT_PRINTF(2, 3);
#define DW_CHECK(it, condition, ...)    \
    do {                                \
        if (!(condition)) {             \
            dw_fail((it), __VA_ARGS__); \
        }                               \
    } while (0)
#define DW_NOTE(it, ...)                \
    do {                                \
        if ((it)->is_verbose) {         \
            print_message(__VA_ARGS__); \
        }                               \
    } while (0)

static inline uint64_t dw_pick(dw_world *it, uint64_t bound)
{
    return cleat__random_below(&it->random, bound);
}

/* ---- durable_world_asks.c: plans, and the commands of invocations ---- */

void dw_make_plan(dw_world *it, size_t run);
size_t dw_index_of(const dw_world *it, const dw_plan *of);
static inline bool dw_is_any(const dw_op *op)
{
    return op->kind == OP_ANY || op->kind == OP_MIXED_ANY;
}
static inline const dw_op *dw_present_op(const dw_invocation *by)
{
    return &by->of->ops[by->op];
}
#define CHILD_OUTPUT "{\"c\":1}"
/* How a child ends: in each replay so. */
static inline bool dw_child_fails(const cleat__uuid *id)
{
    return id->bytes[15] % 3 == 0;
}

dw_slip *dw_new_slip(dw_world *it, cleat__command_kind kind);
/* What the invocation asks for: the first request. */
dw_slip *dw_new_request(dw_world *it, dw_invocation *by, cleat__durable_kind kind);
void dw_drop_slip(dw_world *it, dw_slip *gone);
void dw_apply(dw_world *it, dw_slip *said);

/* For the op that the invocation is at: its nodes; the value of a step that has none; how they have ended; to be
 * evicted until they have; that the attempt is over. */
void dw_ask_op(dw_world *it, dw_invocation *by);
void dw_ask_completion(dw_world *it, dw_invocation *by);
void dw_ask_ends(dw_world *it, dw_invocation *by);
void dw_ask_eviction(dw_world *it, dw_invocation *by);
void dw_report(dw_world *it, dw_invocation *by, cleat_status status);
void dw_report_child(dw_world *it, const dw_held_child *child, cleat_status status, const char *output);
/* What was not answered before the engine ended, if anybody is there who asks again. */
void dw_ask_again(dw_world *it, dw_slip *lost);

/* ---- durable_world_branches.c: runs that have ended go another way, and evicted ones are woken for nothing ---- */

void dw_branch(dw_world *it, size_t run);
void dw_answered_branch(dw_world *it, const dw_slip *said);
/* After the crash. */
void dw_unanswered_branch(dw_world *it, const dw_slip *lost);
void dw_restore(dw_world *it, size_t run);

/* ---- durable_world_hooks.c: each run has one, and takes payloads of it one after the other ---- */

void dw_ask_hook(dw_world *it, dw_invocation *by);
cleat__condition dw_hook_of(const dw_world *it, const dw_invocation *by, dw_slip *made);
/* Sends the next payload. */
void dw_resume(dw_world *it, size_t run);
void dw_answered_resume(dw_world *it, const dw_slip *said);
/* The op's node was met with it: the same in each replay. */
void dw_learn_payload(dw_world *it, dw_fact *known, const char *payload);
/* Each was taken once, in their order, and none that was acknowledged passed over. */
void dw_check_hooks(const dw_world *it);

/* ---- durable_world_chains.c: children that go on as other ones ---- */

/* Whether the op's children are such. */
static inline bool dw_is_chain(const dw_op *op)
{
    return op->ms % 3 == 0;
}
void dw_hold_link(dw_held_child *held, const cleat__assignment *assignment);
/* The child ends, or asks for the one behind it first. */
void dw_walk_child(dw_world *it, dw_held_child *held);
void dw_answered_link(dw_world *it, const dw_slip *said);

/* ---- durable_world_learns.c: what the engine says ---- */

/* All nodes of the op are asked for: some may have ended before. */
void dw_begin_to_await(dw_world *it, dw_invocation *by);
void dw_answered(dw_world *it, dw_slip *said);
void dw_assigned(void *self, cleat__assignment *list);
void dw_cancelled(void *self, const cleat__uuid *task_id, int32_t retry_count);
void dw_heard_end(void *self, const cleat__uuid *run_id, int32_t count, const cleat__node_end *end);
void dw_heard_eviction(void *self, const cleat__uuid *run_id, int32_t count, const char *reason);

#endif
