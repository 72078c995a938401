/*
 * What the files of the worker share: the worker, its declarations, and a task that runs.
 *
 *     worker.c       life: new, add_task, start, stop, free
 *     declaration.c  what it declares; wishes.c labels and slots of options
 *     offer.c        whether its slots are enough for these
 *     dag_declare.c  workflows of several tasks; dag_task.c what their tasks are told
 *     slots.c        the queue of assignments and the threads that work on it
 *     cancel.c       telling running tasks that they were cancelled
 *     signals.c      cleat_worker_run()
 *     task.c         what a task function can do, request.c what it can ask of the engine
 *     step_task.c    the task of a step in place
 *     execute.c      one execution: interceptors, task function, report; invocation.h: of a workflow
 *     batch.c        the same of several runs at a time
 *
 * Threads: the engine's (the two functions of the sink), any of the user's (the public API), one
 * for the house (heartbeats, starting threads), one that delivers cancellations, and the slot
 * threads. One mutex guards all that is not said to be otherwise; nothing is called with it held.
 */
#ifndef CLEAT_SDK_WORKER_H
#define CLEAT_SDK_WORKER_H

#include <cleat/dag.h>
#include <cleat/worker.h>
#include <cleat/workflow.h>

#include <stdarg.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/thread.h"
#include "sdk/child_numbers.h"
#include "sdk/client.h"
#include "sdk/metadata.h"

typedef struct cleat__declaration {
    struct cleat__declaration *next;
    struct cleat__declaration *older; /* owned; the same workflow in the version added before; NULL: none */
    cleat_task_function run;
    cleat_batch_function run_batch; /* instead of `run`, with what follows; NULL: it is given single runs */
    cleat__batch_config batch;
    char *group_key; /* of it; owned */
    void *user_data;
    cleat__policy policy;
    cleat_sticky sticky;
    cleat__names *events; /* owned, as what follows; NULL: none */
    cleat__names *crons;
    char *cron_input;
    cleat__desired_labels *labels;
    cleat__slot_list *slots;
    cleat__filter *filters; /* in one block with their texts */
    size_t filter_count;
    cleat__concurrency_list *concurrency;
    cleat__rate_use_list *rate_limits;
    char *description, *schema;
    char *key_expression; /* of `idempotency`; NULL: it has none */
    cleat__idempotency idempotency;
    struct cleat__dag_declaration *dag;      /* owned; its tasks; NULL: it is one itself */
    const struct cleat__dag_declaration *of; /* one of its tasks; NULL: it is a task by itself */
    bool is_workflow;                        /* the rest is for these */
    cleat_workflow_spans spans;
    char *machine_name;
    char *version;      /* NULL: none */
    char *version_json; /* the same as it stands in the log */
    char action[2 * CLEAT__TASK_NAME_MAX + 2], workflow[2 * CLEAT__TASK_NAME_MAX + 2];
} cleat__declaration;

/* A workflow of several tasks. What its head says of a task has no meaning, but for the priority. */
typedef struct cleat__dag_declaration {
    cleat__arena memory;       /* of what follows */
    cleat__workflow_task *all; /* borrow from `tasks` */
    size_t count;
    cleat__declaration *tasks; /* owned; the last one first */
    bool has_durable;
} cleat__dag_declaration;

/* A checked copy. */
cleat_status cleat__declaration_new(const cleat_task_options *options, cleat__declaration **out);
void cleat__declaration_free(cleat__declaration *declaration); /* NULL-safe */
cleat_status cleat__declaration_new_workflow(const cleat_workflow_options *options, cleat__declaration **out);
/* A task's declaration is of a function that waits without a thread. */
cleat_status cleat__declaration_make_durable(cleat__declaration *declaration, cleat_workflow_spans spans,
                                             const char *machine_name, const char *version);
/* The worker has slots for these: unless it has been said how many, as many as for tasks. */
cleat_status cleat__worker_offer_durable(cleat_worker *worker);
/* offer.c: says in the log, of each task, that the worker has not the slots it asks for. */
void cleat__worker_warn_of_slots(const cleat_worker *worker);
/* dag_declare.c; NULL-safe. */
void cleat__dag_declaration_free(cleat__dag_declaration *dag);
/* The workflow borrows `task`, which is what it has, unless it has several. */
void cleat__declaration_describe(const cleat__declaration *from, cleat__workflow_task *task,
                                 cleat__workflow *out);
/* Tells the engine. */
cleat_status cleat__declaration_put(const cleat__declaration *declaration, cleat__transport *transport);

typedef enum cleat__worker_state {
    CLEAT__WORKER_NEW,
    CLEAT__WORKER_STARTING,
    CLEAT__WORKER_RUNNING,
    CLEAT__WORKER_STOPPED,
} cleat__worker_state;

struct cleat_worker {
    cleat_client *client;
    char *name;
    cleat__slots *slots; /* owned, with their texts in `offer_text` */
    size_t slot_count;
    cleat__labels *labels; /* owned; NULL: none; under the mutex */
    char *offer_text;
    size_t threads_max;               /* tasks worked on at once, but for those that gave their slots away */
    bool has_own_threads;             /* the program has said how many */
    cleat__declaration *declarations; /* not changed after start */
    cleat__map by_action;             /* the same */
    size_t action_count;
    cleat__uuid id;         /* written before the first thread starts */
    char id_text[37];       /* under the mutex until then; "": it has none */
    _Atomic bool abandoned; /* freed while tasks ran: the client may be gone */

    pthread_mutex_t mutex;
    cleat__worker_state state;
    bool stopping;   /* nothing new is begun */
    bool drained;    /* paused in the engine, queue given back */
    bool runs_queue; /* stopping: the queue is not given back but run */
    bool ending;     /* somebody ends the threads */
    bool closing;    /* house and canceller leave */

    pthread_cond_t work;      /* slot threads: queue not empty, or stopping */
    cleat__assignment *queue; /* not begun, oldest first; those of a batch one behind the other */
    cleat__assignment **queue_end;
    size_t queue_size; /* a batch counts once */
    size_t idle;       /* slot threads that wait */

    cleat_task *running;    /* a list through `next_running` */
    size_t running_count;   /* a batch counts once */
    size_t released_count;  /* of those: gave their slots away */
    pthread_cond_t settled; /* running_count became 0, drained, state, a cancellation was delivered */

    cleat_task *cancel_first, *cancel_last; /* to be delivered, through `next_cancel` */
    cleat_task *timed;                      /* steps with a deadline, through `next_timed` */
    pthread_cond_t cancel_work;

    pthread_cond_t house_work;
    pthread_t house, canceller;
    bool canceller_started;
    pthread_t *threads; /* slot threads; changed by the house only */
    size_t thread_count, thread_capacity;
    size_t live; /* slot threads, canceller and cleat_worker_free() that have not left */

    int signal_slot;     /* of cleat_worker_run(); -1: not in it */
    bool impatient;      /* a second signal came: do not wait for tasks */
    cleat_status lost;   /* not CLEAT_OK: the engine gives it nothing any more ... */
    char lost_text[512]; /* ... and why */
};

/* How far the news of a cancellation has come. */
typedef enum cleat__cancel_stage {
    CLEAT__CANCEL_NONE,
    CLEAT__CANCEL_WAITING, /* in the worker's list */
    CLEAT__CANCEL_DELIVERING,
    CLEAT__CANCEL_DELIVERED,
} cleat__cancel_stage;

/* Lives on the stack of its slot thread, or, one of a batch, in a block of its. So does that of a step in place, which is not
 * in the list of running tasks: it shares the assignment, and is cancelled with its workflow or at its deadline. */
struct cleat_task {
    cleat_worker *worker;
    const cleat__declaration *declaration;
    cleat__assignment *assignment; /* owned, but by a step */
    cleat_batch *batch;            /* that it is one of, while that runs; NULL: it is alone */
    cleat_context *batch_context;  /* until its function runs: what interceptors have set; this thread only */
    struct cleat__invocation *invocation; /* of a workflow, on its stack; NULL: it is none */
    cleat_task *step;                     /* of a workflow: that runs in place; under the worker's mutex */
    const char *step_name;                /* of a step, as what follows; NULL: it is none */
    const char *step_machine_name;
    cleat_slice step_input;
    int step_attempt;
    int64_t deadline_ns; /* INT64_MAX: none, also of what is no step */
    cleat_task *next_timed;
    cleat_run_id id;
    cleat_run_id workflow_run_id; /* of the run that it is a task of; "": the same */
    cleat_run_id parent_id;
    cleat_run_id tenant_id, workflow_id, version_id, step_id; /* "": not told */
    cleat__metadata metadata;                                 /* this thread only */

    /* What it gives back: this thread only. */
    cleat__metadata end_metadata; /* of the message to whoever waits for its end */
    char *output;
    char *error;
    cleat_status return_error_status; /* of a cleat_task_return() that was refused ... */
    char *return_error;               /* ... and why */
    bool has_end;                     /* one of a batch: it ends so, whatever the batch's function answers */
    cleat_status end;

    bool slot_released; /* under the worker's mutex */
    _Atomic int64_t stream_count;
    char event_id[37];
    char *
        step_errors; /* name, message, name, ..., each with a NUL behind it; then an empty name; NULL: none */

    cleat__child_numbers children;
    _Atomic(char *) child_metadata;   /* made by the first spawn, then constant */
    _Atomic(cleat_context *) context; /* current around the task function */
    _Atomic bool cancelled;

    /* Cancellation: under the worker's mutex, but for the hint. */
    _Atomic bool callback_used; /* false: no callback was ever set */
    cleat__cancel_stage cancel_stage;
    bool returned; /* the task function has: no callback any more */
    void (*callback)(void *user_data);
    void *callback_data;
    bool callback_running;
    pthread_t callback_thread; /* while callback_running */
    cleat_task *next_cancel;
    cleat_task *next_running, *previous_running;
};

/* slots.c */
void cleat__worker_assign(void *self, cleat__assignment *list); /* the sink's; engine thread */
void *cleat__worker_house(void *worker);
/* Whether `it`, which may be NULL, is not of the same batch as the one before, NULL: there is none. */
bool cleat__worker_begins_unit(const cleat__assignment *before, const cleat__assignment *it);
/* A running task gave its slot away. With the mutex. */
void cleat__worker_slot_released(cleat_worker *worker);
/* Reports what was not begun as never begun. */
void cleat__worker_give_back(cleat_worker *worker);
/* The calling thread begins to work for this worker ... */
void cleat__worker_enter(const cleat_worker *worker);
/* ... and whether it does. */
bool cleat__worker_is_own_thread(const cleat_worker *worker);
/* A slot thread or the canceller leaves; the last one of an abandoned worker frees it. The mutex
 * is held, and is not any more afterwards. */
void cleat__worker_leave(cleat_worker *worker);
void cleat__worker_destroy(cleat_worker *worker); /* worker.c, as what follows */
/* Whether it may be declared now. */
cleat_status cleat__worker_check_new(cleat_worker *worker, const char *name, bool has_function);
/* Whether there is no other workflow of the name that the action's has. */
cleat_status cleat__worker_check_workflow(const cleat_worker *worker, const char *action);
/* Takes it over when it is CLEAT_OK. */
cleat_status cleat__worker_add_declaration(cleat_worker *worker, cleat__declaration *declaration);

/* execute.c: looks at the assignment, and says that it begins; before what follows */
void cleat__task_prepare(cleat_task *task);
void cleat__task_execute(cleat_task *task);
/* What the engine is told of a function's status; and tells it. NULL: no output, no error. */
cleat_status cleat__reported_status(cleat_status status);
void cleat__task_report(cleat_task *task, cleat_status status, const char *output, const char *error);
/* Calls a task's or a step's function: to what happens inside this is the present task. */
cleat_status cleat__task_call(cleat_task *task, cleat_task_function run, void *user_data);
/* The task's own words, else why its output was refused, else the status's text. NULL when it did not fail. */
const char *cleat__task_error(const cleat_task *task, cleat_status status);

/* batch.c: executes tasks that are prepared and have the same declaration, which is one of a batch. */
void cleat__batch_execute(cleat_task *tasks, size_t count);
/* Whose context the thread is in, of those of a batch; NULL: none's. */
const cleat__task_ids *cleat__batch_task_current(void);

/* step_task.c: that of a step in place, which begins with cleat__step_begin() and ends before deinit. */
void cleat__step_init(cleat_task *step, cleat_task *workflow, const cleat_step_options *options, int attempt);
void cleat__step_deinit(cleat_task *step);
void cleat__step_begin(cleat_task *workflow, cleat_task *step, int64_t deadline_ns);
void cleat__step_end(cleat_task *workflow, cleat_task *step);

/* task.c: how a workflow starts runs: `keep` takes them, to be stored later. */
typedef struct cleat__spawning {
    cleat_status (*keep)(void *self, const cleat__trigger *triggers, size_t count);
    void *self;
    bool is_replay; /* interceptors have seen them */
    bool *is_asked; /* set once the items are known to be right */
    bool goes_on;   /* as the one run that it starts */
} cleat__spawning;
/* NULL: at once. */
cleat_status cleat__task_spawn(cleat_task *task, bool many, const cleat_run_item *items, size_t count,
                               cleat_run_id *ids, const cleat__spawning *spawning);
/* An invocation that has ended its run to go on as another one. */
bool cleat__task_goes_on(const cleat_task *task);
/* CLEAT_UNAVAILABLE when its worker was freed. */
cleat_status cleat__task_check_alive(const cleat_task *task);
/* The text of a format, cut at `max` bytes and not inside a character; NULL on no memory. */
char *cleat__task_format(const char *format, va_list arguments, size_t max) CLEAT_PRINTF(1, 0);

/* dag_task.c: the errors that the task is told of, for cleat_task_step_error(). */
void cleat__task_read_errors(cleat_task *task);

/* request.c: whether it may go on a stream. */
cleat_status cleat__check_chunk(cleat_slice chunk);

/* cancel.c; the first two are the sink's */
void cleat__worker_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count);
bool cleat__worker_withdraw(void *self, const cleat__uuid *task_id, int32_t retry_count);
void cleat__worker_cancel_all(cleat_worker *worker);
void *cleat__worker_canceller(void *worker);
/* News of its cancellation, also of one that is passed over by interceptors: a step's. With the mutex. */
void cleat__task_cancel(cleat_worker *worker, cleat_task *task);
/* After this no callback of the task runs. Called without the mutex. */
void cleat__task_returned(cleat_task *task);
/* Sees the task's cancellation through, if there is one. Called with the mutex. */
void cleat__task_settle_cancel(cleat_task *task);

/* signals.c: wakes cleat_worker_run() of this worker. Called with the mutex. */
void cleat__worker_wake_run(cleat_worker *worker);
/* The worker is about to begin tasks: from now on a signal must end it in order, if it is in cleat_worker_run(). */
void cleat__worker_catch_signals(cleat_worker *worker);
void cleat__worker_lost(void *self, cleat_status status, const char *text); /* the sink's */

#endif
