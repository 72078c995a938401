/*
 * The log of a durable run, and what its worker asks of it (engine.md 21). Plain data; slices are
 * borrowed from whoever passes them, unless a comment says more.
 *
 * A run is worked on in invocations, counted from 1. Each begins from the top: every MEMO, TRIGGER
 * item and WAIT_FOR takes the next node of the log (1, 2, ..). A node that is there already must be
 * of the same kind and content; then it is what the former invocation recorded, else the order of
 * calls has changed (CLEAT_NON_DETERMINISTIC). What the run waits for ends nodes: a child's end, a
 * time, an event, a payload of a hook. A run that waits is evicted, holds nothing at any worker,
 * and is handed out again when what it waits for has happened.
 */
#ifndef CLEAT_MODEL_DURABLE_H
#define CLEAT_MODEL_DURABLE_H

#include "model/task.h"

/* What a node of the log is. */
typedef enum cleat__node_kind {
    CLEAT__NODE_RUN,      /* a child run */
    CLEAT__NODE_WAIT_FOR, /* conditions */
    CLEAT__NODE_MEMO,     /* a value that was worked out once */
} cleat__node_kind;

/* Of nodes that are in no log, see DURABLE_SIGNAL of engine/command.h. */
#define CLEAT__BRANCH_OF_SIGNALS 0
#define CLEAT__BRANCH_UNSAID     (-1) /* as the newest branch sees the number */

/* A node of a run's log. Branch 1 unless the log was forked. */
typedef struct cleat__node {
    int64_t branch;
    int64_t number; /* 1, 2, .. */
} cleat__node;

typedef enum cleat__condition_kind {
    CLEAT__CONDITION_SLEEP,
    CLEAT__CONDITION_EVENT,
    CLEAT__CONDITION_HOOK, /* the next payload of a hook of the run that no node before had */
} cleat__condition_kind;

/* Conditions of one group are alternatives; a wait ends when each group has one that is met. */
typedef struct cleat__condition {
    cleat__condition_kind kind;
    cleat_slice data_key;   /* what its data are called in the payload */
    cleat_slice group;      /* absent: one of its own */
    int64_t sleep_ms;       /* SLEEP: from when it was first asked for */
    cleat_slice sleep_text; /* SLEEP: the same as it was given, "24h"; in the payload */
    cleat_slice key;        /* EVENT: its key; HOOK: the token */
    cleat_slice expression; /* EVENT: CEL over `input`, the event's payload; absent or "": true */
    cleat_slice scope;      /* EVENT: only those of that scope; absent: any */
    int64_t since_ms; /* EVENT, with a scope: the newest stored since then (Unix) counts at once; 0: none */
} cleat__condition;

#define CLEAT__CONDITIONS_MAX   100
#define CLEAT__MEMO_KEY_MAX     1024
#define CLEAT__HOOK_TOKEN_MAX   255
#define CLEAT__LOG_WARN_ENTRIES 10000 /* the log of a run is large: said once, with advice */

/* How a node ended. The receiver of an answer owns the texts and frees them with cleat__free(). */
typedef struct cleat__node_end {
    cleat__node node;
    int64_t order;   /* in which the nodes of the run were met: 1, 2, ..; 0: it was not yet */
    bool is_failure; /* a child failed or was cancelled */
    bool is_cancelled;
    char *payload; /* JSON: the output of a child; of a wait {"CREATE":{key:[data]}}; NULL on failure */
    char *error;   /* NULL unless it is a failure */
} cleat__node_end;

/* What an invocation asks for. */
typedef enum cleat__durable_kind {
    CLEAT__DURABLE_MEMO,
    CLEAT__DURABLE_COMPLETE_MEMO,
    CLEAT__DURABLE_TRIGGER,
    CLEAT__DURABLE_WAIT_FOR,
    CLEAT__DURABLE_CREATE_HOOK,
    CLEAT__DURABLE_AWAIT,
    CLEAT__DURABLE_EVICT,
} cleat__durable_kind;

static inline bool cleat__durable_takes_nodes(cleat__durable_kind kind)
{
    return kind == CLEAT__DURABLE_MEMO || kind == CLEAT__DURABLE_TRIGGER || kind == CLEAT__DURABLE_WAIT_FOR;
}

/* One of them, with its answer. */
typedef struct cleat__durable_request {
    cleat__durable_kind kind;
    /* Of what takes nodes: the first of them; 0: whichever is next. Who says it may ask again when the answer was
     * lost, and goes on where the engine, started again, has forgotten how far the invocation had come. */
    int64_t number;
    union {
        /* With a payload the memo has it from now on, if it had none. */
        struct {
            cleat_slice key;
            cleat_slice payload; /* JSON; absent: not known yet */
            cleat__node node;    /* answer, as what follows */
            bool existed;        /* the node did before */
            char *value;         /* its payload from before; NULL: it had none; the asker frees it */
        } memo;
        struct { /* ignored when it has a value already */
            cleat__node node;
            cleat_slice key;
            cleat_slice payload;
        } complete_memo;
        /* Children of the run; parent and the number among its children are the engine's matter unless
         * an item says so (is_child). Nodes are consecutive. */
        struct {
            const cleat__trigger *items;
            size_t count;
            cleat__uuid *ids;   /* answer: room for `count` */
            cleat__node *nodes; /* answer: room for `count` */
        } trigger;
        struct {
            const cleat__condition *conditions;
            size_t count;
            cleat_slice label; /* for people; absent: none */
            cleat__node node;  /* answer */
        } wait_for;
        /* From now on `token` brings payloads to the run, until it ends. The same again by the same run:
         * CLEAT_OK. CLEAT_ALREADY_EXISTS: another live run of the tenant has it. Takes no node. */
        struct {
            cleat_slice token;
        } create_hook;
        /* How the nodes have ended so far; changes nothing. CLEAT_SUSPENDED: with `is_all` not each of
         * them has, else none of them; `ends` are told as far as they are there. Here and in EVICT
         * a node's branch may be CLEAT__BRANCH_UNSAID. */
        struct {
            const cleat__node *nodes;
            size_t count;
            bool is_all;
            cleat__node_end *ends; /* answer: room for `count`, in the order of `nodes` */
        } await;
        /* The last: the invocation ends, and what it held is free. It is handed out again when each of
         * the nodes, or any (not `is_all`), has ended, which may be at once; no nodes: any of the log. */
        struct {
            cleat_slice reason; /* for people */
            const cleat__node *nodes;
            size_t count;
            bool is_all;
            cleat_slice
                carrier; /* JSON object: laid over the metadata of the next invocation; absent: none */
        } evict;
    } as;
} cleat__durable_request;

/* Frees what is in the answer. */
void cleat__durable_request_deinit(cleat__durable_request *request);
void cleat__node_end_deinit(cleat__node_end *end);

#endif
