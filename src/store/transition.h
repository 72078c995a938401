/*
 * What the engine writes about runs: one function per transition of docs/state-machine.md. Each is
 * one group of statements that compares state and attempt before it writes, so that of two claims
 * or two ends only the first counts: the second gets CLEAT_FAILED_PRECONDITION and changes nothing.
 * To be called inside a transaction; any other failure leaves it to be rolled back.
 */
#ifndef CLEAT_STORE_TRANSITION_H
#define CLEAT_STORE_TRANSITION_H

#include "model/state.h"
#include "store/store.h"

/* A run as it is stored when triggered. */
typedef struct cleat__new_task {
    cleat__uuid id;
    int64_t type_id;
    int32_t priority;
    int64_t created_at_ms;
    const cleat__trigger *trigger; /* payloads, parent and child key */
    cleat_slice desired;           /* by cleat__wish_encode(); absent: nothing */
    cleat_slice idempotency_key;   /* absent: none */
    cleat_slice limits;            /* keys of its limits, JSON; absent: it has none */
    cleat__uuid dag_id;            /* of the run it is a task of; nil: none */
    bool is_held;                  /* it is in no queue */
} cleat__new_task;

/* TRIGGER. CLEAT_ALREADY_EXISTS: the parent has a child with that key; `*existing` is its id. */
cleat_status cleat__transition_trigger(cleat__store *store, const cleat__new_task *task,
                                       cleat__uuid *existing);
/* Whether it has nothing but what every run has; and TRIGGER of several such, which is cheaper together. */
bool cleat__transition_is_plain(const cleat__new_task *task);
cleat_status cleat__transition_trigger_plain(cleat__store *store, const cleat__new_task *const *tasks,
                                             size_t count);

/* One attempt: id and retry count are compared in every transition below. */
typedef struct cleat__attempt_key {
    cleat__uuid id;
    int32_t retry_count;
    /* Not compared: what goes into the record of a running attempt. */
    int64_t started_at_ms; /* 0: unknown */
    cleat__uuid worker_id; /* nil: a worker of the engine's own process */
    cleat__uuid batch_id;  /* of those that a worker is given together; nil: it is none of these */
} cleat__attempt_key;

/* Where the next attempt of a run begins. */
typedef struct cleat__requeue {
    int32_t retry_count;
    int32_t internal_retries;
    int64_t queued_at_ms; /* in the future: it backs off */
} cleat__requeue;

/* No transition: it is held no longer. What is absent of `desired` and `limits` stays as it is. */
cleat_status cleat__transition_unhold(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                      cleat_slice desired, cleat_slice limits);
/* SKIP */
cleat_status cleat__transition_skip(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                    cleat_slice output);
/* ASSIGN to key->worker_id. */
cleat_status cleat__transition_assign(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms);
/* RELEASE: the same attempt is queued again. */
cleat_status cleat__transition_release(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms);
/* EVICT: its invocation is over, no worker has it. Lost workers are counted anew from there. */
cleat_status cleat__transition_evict(cleat__store *store, const cleat__attempt_key *key);
/* RESTORE: the same attempt is queued for its next invocation. */
cleat_status cleat__transition_restore(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms);
/* No transitions: what a running attempt is granted, until it ends. */
cleat_status cleat__transition_set_timeout(cleat__store *store, const cleat__attempt_key *key,
                                           int64_t timeout_at_ms);
cleat_status cleat__transition_release_slots(cleat__store *store, const cleat__attempt_key *key);
cleat_status cleat__transition_complete(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                        cleat_slice output);
/* RETRY, TIME_OUT_RETRY and LOSE_RETRY: the attempt is recorded with its error, the run is queued. */
cleat_status cleat__transition_retry(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                     cleat_slice error, const cleat__requeue *next);
cleat_status cleat__transition_time_out_retry(cleat__store *store, const cleat__attempt_key *key,
                                              int64_t now_ms, cleat_slice error, const cleat__requeue *next);
cleat_status cleat__transition_lose_retry(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                          cleat_slice error, const cleat__requeue *next);
/* The same for an attempt that never came to its worker. */
cleat_status cleat__transition_undelivered_retry(cleat__store *store, const cleat__attempt_key *key,
                                                 int64_t now_ms, cleat_slice error,
                                                 const cleat__requeue *next);
/* FAIL, TIME_OUT_FAIL or LOSE_FAIL: the run ends. */
cleat_status cleat__transition_fail(cleat__store *store, const cleat__attempt_key *key, cleat__event event,
                                    int64_t now_ms, cleat_slice error);
/* SCHEDULE_TIME_OUT: `error` says why it was cancelled. */
cleat_status cleat__transition_schedule_time_out(cleat__store *store, const cleat__attempt_key *key,
                                                 int64_t now_ms, cleat_slice error);
/* CANCEL of a run in state `from`. */
cleat_status cleat__transition_cancel(cleat__store *store, const cleat__attempt_key *key,
                                      cleat_run_status from, int64_t now_ms);
/* SUPERSEDE of one. */
cleat_status cleat__transition_supersede(cleat__store *store, const cleat__attempt_key *key,
                                         cleat_run_status from, int64_t now_ms);
/* REJECT: it fails before it was ever handed out. */
cleat_status cleat__transition_reject(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                      cleat_slice error);

/* REPLAY of a run that ended in state `from`, with the attempt of the key: that becomes one of its former
 * attempts, and the next one is queued as if it were the first, or held. */
cleat_status cleat__transition_replay(cleat__store *store, const cleat__attempt_key *key,
                                      cleat_run_status from, int64_t now_ms, bool is_held);
/* Before it: the limits of a run that ended are others from now on. */
cleat_status cleat__transition_set_limits(cleat__store *store, const cleat__uuid *id, cleat_slice limits);

/* Adds a line to a run's log. CLEAT_NOT_FOUND: the tenant has no such run. */
cleat_status cleat__log_line_insert(cleat__store *store, int64_t tenant, const cleat__log_line *line);

#endif
