/*
 * The logs of durable runs, in the file: one function per change, to be called inside a transaction. What a
 * log says stays when its run has ended; what its nodes wait for does not.
 */
#ifndef CLEAT_STORE_DURABLE_H
#define CLEAT_STORE_DURABLE_H

#include "base/buffer.h"
#include "model/durable.h"
#include "store/store.h"

/* ---- Runs ---- */

typedef struct cleat__durable_row {
    int32_t invocation_count; /* of the newest; 0: it was never handed out */
    int64_t branch;           /* the newest */
    int64_t log_size;         /* nodes, as that branch sees them */
} cleat__durable_row;
/* A run that was never handed out has no row, and the log of a new one. */
cleat_status cleat__durable_get(cleat__store *store, const cleat__uuid *run_id, cleat__durable_row *out);
/* The highest order that a node of the run was met in; 0: none was. Reads the whole log. */
cleat_status cleat__durable_last_order(cleat__store *store, const cleat__uuid *run_id, int64_t *out);
/* Whether another run goes on as this one. */
cleat_status cleat__durable_is_next(cleat__store *store, const cleat__uuid *run_id, bool *out);
/* An invocation of the attempt begins, which was queued at that time. */
cleat_status cleat__durable_begin_invocation(cleat__store *store, const cleat__uuid *run_id,
                                             int32_t invocation_count, int32_t retry_count,
                                             int64_t queued_at_ms);
/* The newest invocation is broken off; the next one will be of the same attempt. */
cleat_status cleat__durable_break_off(cleat__store *store, const cleat__uuid *run_id, int32_t retry_count,
                                      int64_t began_at_ms);
/* An invocation that never began: what was before it is before the next one, of that attempt. */
cleat_status cleat__durable_put_off(cleat__store *store, const cleat__uuid *run_id, int32_t invocation_count,
                                    int32_t retry_count);
/* What is stored of an invocation that ends, to wait. Slices may be absent. */
typedef struct cleat__eviction {
    int32_t retry_count;
    uint32_t waited_for; /* 1 << cleat__pending_kind, as far as known */
    int64_t began_at_ms, suspended_at_ms;
    cleat_slice carrier;
    cleat_slice waits;  /* JSON, see the schema */
    cleat_slice reason; /* for people */
    bool waits_for_all;
} cleat__eviction;
cleat_status cleat__durable_set_waits(cleat__store *store, const cleat__uuid *run_id,
                                      const cleat__eviction *eviction);
/* The last one's reason; nothing where it had none. Appends. */
cleat_status cleat__durable_get_reason(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out);
/* Another message than the one of cleat__durable_set_waits() brings the next invocation. */
cleat_status cleat__durable_set_carrier(cleat__store *store, const cleat__uuid *run_id, cleat_slice carrier);
/* Appends it; nothing when there is none. */
cleat_status cleat__durable_get_carrier(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out);
/* What an evicted run waits for. Appends. */
cleat_status cleat__durable_get_waits(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *waits,
                                      bool *waits_for_all);
/* The run has ended: nothing is pending any more. */
cleat_status cleat__durable_delete_pending(cleat__store *store, const cleat__uuid *run_id);

/* ---- Branches ---- */

/* The branch that has the node, seen from `branch`. */
cleat_status cleat__durable_resolve(cleat__store *store, const cleat__uuid *run_id, int64_t branch,
                                    int64_t number, int64_t *out);
/* The newest branch is `branch` from now on: what it does not have itself is below `first.number`, as `first.branch`
 * sees it. */
cleat_status cleat__durable_fork(cleat__store *store, const cleat__uuid *run_id, int64_t branch,
                                 cleat__node first);

/* ---- Entries ---- */

typedef enum cleat__node_outcome {
    CLEAT__NODE_SUCCEEDED = 1,
    CLEAT__NODE_FAILED = 2,
    CLEAT__NODE_CANCELLED = 3,
} cleat__node_outcome;

/* Slices that are read are valid until the next call of the function that read them, or the commit. */
typedef struct cleat__entry_row {
    cleat__node node;
    cleat__node_kind kind;
    int64_t hash;
    cleat_slice label;
    int64_t created_at_ms;
    cleat__uuid child_id; /* nil: none */
    int64_t met_order;    /* 0: not yet */
    int64_t met_at_ms;
    cleat__node_outcome outcome;
    cleat_slice payload, error;
    cleat_slice carrier; /* of the message that met it; absent: none */
} cleat__entry_row;
/* What is met, and later, is not stored. */
cleat_status cleat__entry_insert(cleat__store *store, const cleat__uuid *run_id, const cleat__entry_row *row);
/* CLEAT_EMPTY: there is no such node. */
cleat_status cleat__entry_get(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                              cleat__entry_row *out);
/* The same without payload and error, which may be megabytes. */
cleat_status cleat__entry_look(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                               cleat__entry_row *out);
cleat_status cleat__entry_set_payload(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                      cleat_slice payload);
/* Stores met_order and what stands behind it. */
cleat_status cleat__entry_meet(cleat__store *store, const cleat__uuid *run_id, const cleat__entry_row *row);
/* Nodes that were met, in that order. The first status of `visit` that is not CLEAT_OK ends it. */
cleat_status cleat__entry_list_met(cleat__store *store, const cleat__uuid *run_id,
                                   cleat_status (*visit)(void *argument, cleat__node node, int64_t order),
                                   void *argument);

/* ---- Conditions ---- */

typedef enum cleat__pending_kind {
    CLEAT__PENDING_SLEEP = CLEAT__CONDITION_SLEEP,
    CLEAT__PENDING_EVENT = CLEAT__CONDITION_EVENT,
    CLEAT__PENDING_HOOK = CLEAT__CONDITION_HOOK,
    CLEAT__PENDING_CHILD, /* a run's end */
} cleat__pending_kind;

typedef struct cleat__condition_row {
    cleat__uuid run_id;
    cleat__node node;
    int32_t number; /* 0, 1, .. in the node */
    int32_t count;  /* of those in the node */
    cleat__pending_kind kind;
    int32_t group;
    cleat_slice data_key;
    cleat_slice key, expression, scope;
    int64_t at_ms;        /* of a sleep, Unix */
    cleat__uuid child_id; /* nil: none */
    bool is_met;
    cleat_slice data; /* JSON */
} cleat__condition_row;
cleat_status cleat__condition_insert(cleat__store *store, const cleat__condition_row *row);
/* CLEAT_EMPTY: there is none. Slices as of entries. */
cleat_status cleat__condition_get(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                  int32_t number, cleat__condition_row *out);
/* `data` absent: it has them. */
cleat_status cleat__condition_meet(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                   int32_t number, cleat_slice data);
/* It waits for the end of another run from now on, `row->child_id`. */
cleat_status cleat__condition_set_child(cleat__store *store, const cleat__condition_row *row);
/* The payload of a wait, made of the conditions that are met. */
cleat_status cleat__condition_payload(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                      cleat__buffer *out);
/* The data of those that are met, by their names: {"key":data, ..}; of one name those of the last. What would make it
 * larger than `most` bytes is left out, with a warning in the log. */
cleat_status cleat__condition_data(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                   size_t most, cleat__buffer *out);
/* How many bytes the data of those have together that are met. */
cleat_status cleat__condition_size(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                                   int64_t *out);
cleat_status cleat__condition_delete(cleat__store *store, const cleat__uuid *run_id, cleat__node node);
/* All there are, those of a node one after the other, without their data. */
cleat_status cleat__condition_list(cleat__store *store,
                                   cleat_status (*visit)(void *argument, const cleat__condition_row *row),
                                   void *argument);

#endif
