/*
 * An invocation of a workflow: one call of its function, and what it has asked for.
 *
 *     invocation.c         life, who may call, why it goes on no more, nodes
 *     invocation_store.c   requests that wait to be stored, and their answers
 *     workflow.c           which version runs, what the function's end means, suspension
 *     workflow_step.c      steps in place
 *     workflow_spawn.c     steps and workflows through the queue
 *     workflow_await.c     futures
 *     workflow_wait.c      times, events
 *     workflow_hook.c      hooks, from inside and from outside
 *     workflow_value.c     time and random numbers that do not differ in a replay
 *     workflow_stream.c    what is given out
 *
 * What a call records takes the next node of the log, whose number is known without asking: so most requests
 * only wait here, and go to the engine together, in one transaction, before whatever must not come before
 * them. What is at or before the log's end (`log_size`) was recorded by a former invocation.
 *
 * When the engine has refused something, or could not be reached, the numbers are not certain any more: the
 * invocation is stopped, and every later call answers the same, as it does after CLEAT_SUSPENDED.
 *
 * All of it belongs to the thread of the function.
 */
#ifndef CLEAT_SDK_INVOCATION_H
#define CLEAT_SDK_INVOCATION_H

#include <cleat/workflow.h>

#include "base/arena.h"
#include "base/random.h"
#include "model/continued.h"
#include "model/node.h"
#include "sdk/worker.h"

typedef enum cleat__logged_kind {
    CLEAT__LOGGED_VALUE, /* a step's, or another one that is there at once */
    CLEAT__LOGGED_RUN,
    CLEAT__LOGGED_TIME, /* or an event */
    CLEAT__LOGGED_HOOK,
} cleat__logged_kind;

/* A node of this invocation. */
typedef struct cleat__logged {
    cleat__logged_kind kind;
    bool is_stored; /* the engine has answered: it has this node */
    cleat__uuid run_id;
    cleat__node_end end; /* owned; `order` 0: it is not known to have ended */
} cleat__logged;

typedef struct cleat__invocation_stream cleat__invocation_stream;

typedef struct cleat__invocation {
    cleat_task *task;
    const cleat__declaration *declaration; /* the version that runs */
    pthread_t thread;
    const char *call;     /* the public function that was called last */
    const char *step;     /* the name of the step that runs in place; NULL: none does */
    int64_t log_size;     /* nodes from former invocations; -1: not known */
    cleat__logged *nodes; /* number 1 first */
    size_t node_count, node_capacity;

    /* What waits to be stored; its texts are in `pending_memory`. The items of TRIGGERs stand in `triggers`, in
     * the order of the requests. */
    cleat__durable_request *pending;
    size_t pending_count, pending_capacity;
    cleat__trigger *triggers;
    size_t trigger_count, trigger_capacity;
    cleat__arena pending_memory;
    cleat__arena memory; /* what calls have given out */

    cleat_status stopped; /* not CLEAT_OK: what every later call answers ... */
    char *stopped_text;   /* ... with this sentence; NULL: the status's own */
    const char *stopped_call;
    int64_t *waited; /* nodes, when it is suspended */
    size_t waited_count;
    bool waits_for_all;
    bool is_evicted;
    char continued_as[CLEAT__CONTINUED_SIZE]; /* the output; "": it does not go on as another run */

    cleat_status last_status; /* of the last call that failed ... */
    char *last_text;          /* ... and its sentence */
    const char *whole_text;   /* of the failure that is being answered; NULL: this thread's message */

    bool has_random;
    cleat__random random;
    int64_t stream_count;
    cleat__invocation_stream *stream; /* NULL: nothing was written */
} cleat__invocation;

/* Of a task whose assignment and declaration are there; picks the version that runs. May be deinited also after
 * a failure. */
cleat_status cleat__invocation_init(cleat__invocation *it, cleat_task *task);
void cleat__invocation_deinit(cleat__invocation *it);

/* Whether the caller may call `function` ("cleat_sleep"), see cleat/workflow.h; the invocation when it may. */
cleat_status cleat__invocation_enter(cleat_task *task, const char *function, cleat__invocation **out);
/* A failure with a sentence that may be longer than this thread's message: the run's is the whole one. `text` is valid
 * as long as the invocation; CLEAT_OK: none. */
cleat_status cleat__invocation_fail(cleat__invocation *it, cleat_status status, const char *text);
/* What a call answers: notes its failure, for the run's message. */
cleat_status cleat__invocation_leave(cleat__invocation *it, cleat_status status);
/* Why it is stopped, with the sentence. */
cleat_status cleat__invocation_again(const cleat__invocation *it);
/* From now on every call answers this, with this thread's message. */
cleat_status cleat__invocation_stop(cleat__invocation *it, cleat_status status);
/* The same, when it is a failure. */
static inline cleat_status cleat__invocation_check(cleat__invocation *it, cleat_status status)
{
    return status == CLEAT_OK ? status : cleat__invocation_stop(it, status);
}

/* Of what was given, before anything is recorded: it may be wrong, and is so in every replay. */
static inline cleat_status cleat__invocation_check_given(cleat__invocation *it, cleat_status status)
{
    bool is_wrong = status == CLEAT_INVALID_ARGUMENT || status == CLEAT_TOO_LARGE;
    return is_wrong ? status : cleat__invocation_check(it, status);
}
/* An interceptor has kept a call from being made. It is stopped: a replay would make the call, since in a replay
 * interceptors are not asked. */
cleat_status cleat__invocation_refuse(cleat__invocation *it, cleat_status status);

/* Takes the next node, together with a request of its own; 0: no memory, and it is stopped. */
int64_t cleat__invocation_add_node(cleat__invocation *it, cleat__logged_kind kind);
/* Surely not in the log of former invocations, or surely there. Neither: an engine that does not say how long its log is,
 * before a value has shown where it ends. Interceptors are asked then: they see a call twice sooner than never. */
bool cleat__invocation_is_new(const cleat__invocation *it, int64_t number);
bool cleat__invocation_is_old(const cleat__invocation *it, int64_t number);
static inline int64_t cleat__invocation_next(const cleat__invocation *it)
{
    return (int64_t)it->node_count + 1;
}
static inline cleat__logged *cleat__invocation_node(const cleat__invocation *it, int64_t number)
{
    return &it->nodes[number - 1];
}
/* Before the engine has answered nobody knows the branch: where that of a run has begun it may have any. */
static inline cleat__node cleat__invocation_place(const cleat__invocation *it, int64_t number)
{
    const cleat__logged *node = &it->nodes[number - 1];
    return (cleat__node){node->is_stored ? node->end.node.branch : CLEAT__BRANCH_UNSAID, number};
}

/* ---- invocation_store.c. What fails stops the invocation. ---- */

/* These wait; copied. They take the next node, or nodes. */
cleat_status cleat__invocation_want_memo(cleat__invocation *it, cleat_slice key, cleat_slice payload);
cleat_status cleat__invocation_want_conditions(cleat__invocation *it, cleat__logged_kind kind,
                                               const cleat__condition *conditions, size_t count,
                                               cleat_slice label);
cleat_status cleat__invocation_want_runs(cleat__invocation *it, const cleat__trigger *triggers, size_t count);

/* Whether values wait: others must not see what is made of them before they are stored. */
bool cleat__invocation_wants_values(const cleat__invocation *it);
/* Stores what waits, then `last`, in one transaction; NULL: nothing more. A MEMO takes the next node. What is
 * in `last`'s answer is the caller's. CLEAT_SUSPENDED is an AWAIT's, and does not stop. */
cleat_status cleat__invocation_store(cleat__invocation *it, cleat__durable_request *last);

/* The value (JSON) of the next node: what is recorded, else `own`, which is from now on. Does not ask where the
 * log has ended. The answer is `own`, or valid as long as the invocation. */
cleat_status cleat__invocation_value(cleat__invocation *it, const char *key, cleat_slice own,
                                     cleat_slice *out);

/* workflow_value.c: the present, as it is recorded in the next node. */
cleat_status cleat__invocation_now(cleat__invocation *it, int64_t *unix_ms);

/* workflow_stream.c: all chunks that were written are stored; a failure stops it. */
cleat_status cleat__invocation_flush(cleat__invocation *it);
void cleat__invocation_close_stream(cleat__invocation *it);

/* ---- Waiting: workflow_await.c ---- */

/*
 * Until each of the nodes has ended, or (not `is_all`) one. CLEAT_SUSPENDED: it is stopped. A node that is new
 * and not stored cannot have ended yet, and is not asked for but with `may_be_met`.
 */
cleat_status cleat__invocation_await(cleat__invocation *it, const int64_t *numbers, size_t count, bool is_all,
                                     bool may_be_met);

/* Waits for the conditions, of which `kind` says what they are for; `label` is for people. */
cleat_status cleat__invocation_wait(cleat__invocation *it, const cleat__condition *conditions, size_t count,
                                    cleat__logged_kind kind, const char *label, int64_t *number);
/* Over when `ms` have passed since it was first asked. */
cleat_status cleat__invocation_sleep(cleat__invocation *it, int64_t ms, cleat_slice text, const char *label);
/* A duration of the program's, at most 10 years. */
cleat_status cleat__wait_duration(const char *field, const char *text, int64_t *ms);
cleat__condition cleat__sleep_condition(const char *data_key, int64_t ms, cleat_slice text);
/* Of a wait that has ended: the data of the condition with that key; false: another one has ended it. */
bool cleat__invocation_find_data(const cleat__invocation *it, int64_t number, const char *data_key,
                                 cleat_slice *out);

/* ---- workflow.c ---- */

/* Calls the function and sees its end through; CLEAT_SUSPENDED: it is evicted, and there is nothing to report. */
cleat_status cleat__workflow_run(cleat__invocation *it);
cleat_suspension cleat__invocation_suspension(const cleat__invocation *it);

/* workflow_spawn.c: cleat_task_spawn() and cleat_task_spawn_many() in a workflow's function. */
cleat_status cleat__workflow_spawn_now(cleat_task *task, bool many, const cleat_run_item *items, size_t count,
                                       cleat_run_id *ids);

#endif
