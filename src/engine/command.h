/*
 * What is asked of the engine: one row in CLEAT__COMMANDS, one member in the union, one handler in
 * commands.c. A command borrows its arguments until it is answered. Whom the answer goes to:
 *
 *   a thread that waits   the blocking functions of engine.h; the command is on the caller's stack
 *   done()                cleat__engine_submit(); the command is part of something of its owner's
 *   nobody (detached)     a copy on the heap, which the engine frees
 *
 * What is named by an id must be of the command's tenant, else it is NOT_FOUND.
 */
#ifndef CLEAT_ENGINE_COMMAND_H
#define CLEAT_ENGINE_COMMAND_H

#include "engine/engine.h"
#include "engine/watch.h"
#include "model/durable.h"
#include "model/event.h"
#include "model/filter.h"
#include "model/pause.h"
#include "model/schedule.h"
#include "model/webhook.h"
#include "model/worker.h"

/* X(name, handler) */
#define CLEAT__COMMANDS(X)                            \
    X(PUT_WORKFLOW, put_workflow)                     \
    X(DELETE_WORKFLOW, delete_workflow)               \
    X(PAUSE_WORKFLOW, cleat__pauses_set)              \
    X(TRIGGER, trigger)                               \
    X(WAIT, wait)                                     \
    X(STOP_WAITING, stop_waiting)                     \
    X(CANCEL, cancel)                                 \
    X(CANCEL_HELD, cancel_held)                       \
    X(REPLAY, cleat__replay)                          \
    X(FIND, find)                                     \
    X(WORKER_JOIN, cleat__workers_join)               \
    X(WORKER_PAUSE, cleat__workers_pause)             \
    X(WORKER_RESUME, cleat__workers_resume)           \
    X(WORKER_REMOVE, cleat__workers_remove)           \
    X(WORKER_HEARTBEAT, cleat__workers_heartbeat)     \
    X(WORKER_REGISTER, cleat__workers_register)       \
    X(WORKER_LISTEN, cleat__workers_listen)           \
    X(WORKER_UNLISTEN, cleat__workers_unlisten)       \
    X(WORKER_UNSUBSCRIBE, cleat__workers_unsubscribe) \
    X(WORKER_HAS_ROOM, cleat__workers_note_room)      \
    X(WORKER_LABEL, cleat__workers_label)             \
    X(WORKERS, cleat__workers_list)                   \
    X(STARTED, started)                               \
    X(REPORT, report)                                 \
    X(UNDELIVERED, undelivered)                       \
    X(RELEASE_SLOT, release_slot)                     \
    X(REFRESH_TIMEOUT, refresh_timeout)               \
    X(LOG, log_line)                                  \
    X(PUSH, cleat__events_push)                       \
    X(ADD_FILTER, cleat__filters_add)                 \
    X(CHANGE_FILTER, cleat__filters_change)           \
    X(DELETE_FILTER, cleat__filters_delete)           \
    X(ADD_WEBHOOK, cleat__webhooks_add)               \
    X(CHANGE_WEBHOOK, cleat__webhooks_change)         \
    X(DELETE_WEBHOOK, cleat__webhooks_delete)         \
    X(SCHEDULE, cleat__timetable_add)                 \
    X(UNSCHEDULE, cleat__timetable_remove)            \
    X(CHANGE_SCHEDULES, cleat__timetable_change)      \
    X(TRIGGER_SCHEDULE, cleat__timetable_trigger)     \
    X(ADD_CRON, cleat__crons_add)                     \
    X(CHANGE_CRON, cleat__crons_change)               \
    X(DELETE_CRON, cleat__crons_delete)               \
    X(TRIGGER_CRON, cleat__crons_trigger)             \
    X(PUT_RATE_LIMIT, cleat__rates_put)               \
    X(DELETE_RATE_LIMIT, cleat__rates_delete)         \
    X(WATCH, cleat__watches_add)                      \
    X(UNWATCH, cleat__watches_remove)                 \
    X(WATCH_ON, cleat__watches_go_on)                 \
    X(PUT_STREAM, cleat__watches_put_stream)          \
    X(PUT_CHUNKS, cleat__watches_put_chunks)          \
    X(DURABLE, cleat__durable_ask)                    \
    X(DURABLE_STATUS, cleat__durable_tell_status)     \
    X(DURABLE_GO_ON, cleat__durable_go_on)            \
    X(DURABLE_DETACH, cleat__durable_detach)          \
    X(DURABLE_SIGNAL, cleat__durable_signal)          \
    X(DURABLE_RESTORE, cleat__durable_restore)        \
    X(DURABLE_BRANCH, cleat__durable_branch)          \
    X(RESUME_HOOK, cleat__hooks_resume)               \
    X(CALL, call)

struct cleat__pool;
struct cleat__queue;

/* A worker as WORKERS shows it; cleat__pool and cleat__queue (their actions) are those of the engine. */
typedef struct cleat__worker_info {
    cleat__uuid id;
    cleat_slice name, runtime;   /* absent in the engine's own process */
    const cleat__labels *labels; /* NULL: none */
    const struct cleat__pool *pools;
    size_t pool_count;
    struct cleat__queue *const *queues;
    size_t action_count;
    bool is_remote, is_paused;
    bool is_listening;
    bool is_active; /* it listens and is fresh */
    int64_t registered_at_ms, seen_at_ms;
} cleat__worker_info;

/*
 * Who hears how the nodes of durable runs end, in the order in which they were met, each once per invocation
 * and only of nodes that the invocation asked for. Called after the commit on the engine's thread; must not
 * block. Stays where it is until DURABLE_DETACH is answered.
 */
typedef struct cleat__durable_listener {
    void *self;
    void (*completed)(void *self, const cleat__uuid *run_id, int32_t invocation_count,
                      const cleat__node_end *end); /* borrowed */
    /* The invocation is over, without its doing: it must not say anything of the run any more. */
    void (*evicted)(void *self, const cleat__uuid *run_id, int32_t invocation_count, const char *reason);
    /* Whether it can take more of what is told in pieces; if not, DURABLE_GO_ON says when. NULL: it always can. */
    bool (*has_room)(void *self);
    /* The invocation is over by its own doing. NULL: who cares. */
    void (*ended)(void *self, const cleat__uuid *run_id);
} cleat__durable_listener;

#define CLEAT__WAITING_MAX 20000 /* nodes that one DURABLE_STATUS names */

/* Whether what may be told of a run has been told. */
typedef enum cleat__lateness {
    CLEAT__LATE_NOT,    /* it has, by the end of this step */
    CLEAT__LATE_BEHIND, /* the next step goes on */
    CLEAT__LATE_PARKED, /* the listener has no room, and will say DURABLE_GO_ON */
} cleat__lateness;

typedef struct cleat__durable_waiting {
    cleat__uuid run_id;
    int32_t invocation_count;
    cleat__node node;
} cleat__durable_waiting;

/* A cancelled attempt with what else is known of it; slices are valid as long as the engine. */
typedef struct cleat__cancellation {
    cleat__uuid task_id;
    cleat__uuid run_id; /* nil: the same */
    int32_t retry_count;
    int32_t priority;
    int32_t invocation_count; /* of a durable run, as its assignment had it; else 0 */
    cleat__uuid workflow_id, version_id, step_id;
    cleat_slice task;      /* the action */
    cleat_slice task_name; /* the readable id */
} cleat__cancellation;

typedef enum cleat__command_kind {
#define CLEAT__COMMAND_ENUM(name, handler) CLEAT__COMMAND_##name,
    CLEAT__COMMANDS(CLEAT__COMMAND_ENUM)
#undef CLEAT__COMMAND_ENUM
} cleat__command_kind;

struct cleat__run;

typedef struct cleat__command cleat__command;
struct cleat__command {
    cleat__command *next; /* in the queue, then among a run's waiters, then among the answers */
    cleat__command_kind kind;
    bool detached; /* nobody waits: freed by whoever takes the answers */
    int64_t tenant;
    /* RELEASE_SLOT, REFRESH_TIMEOUT: which of the run's speaks, its retry count and one; 0: it does not say.
     * CLEAT_NOT_FOUND when another one runs. */
    int32_t attempt;
    cleat__uuid worker_id; /* the same of the worker that speaks; nil: nobody knows */
    cleat__uuid *refused;  /* TRIGGER: as of cleat__trigger_each(); NULL: who cares */
    bool follows;          /* CANCEL: of a run that has ended, the one that it goes on as by now */
    int64_t expires_ms; /* monotonic: from then on it is not done but answered with CLEAT_TIMEOUT; 0: never */
    /* Called on the engine's thread, after the commit or on failure, once; must not block. From then
     * on the engine does not touch the command, which may be submitted again. NULL: a thread waits. */
    void (*done)(cleat__command *command);
    cleat_status status; /* the answer */
    char *error;         /* its sentence when it is a failure; the taker frees it; NULL: the status's text */
    union {
        struct {
            const cleat__workflow *workflow;
            cleat__version *version; /* what it is known as from now on; NULL: who cares */
            bool owns_actions;       /* refuse it where a worker of another workflow has one of its actions */
        } put_workflow;
        struct {
            cleat__uuid id;
            cleat__pause pause; /* not is_paused: it goes on */
        } pause_workflow;
        struct
        { /* all or none, but for those whose idempotency keys others have: see cleat__trigger_each() */
            const cleat__trigger *items;
            size_t count;
            cleat__uuid *ids;
        } trigger;
        struct {
            cleat__uuid id;
            cleat_run_result *result;
            char **task_name; /* gets the readable id of the task, to be freed; NULL: not wanted */
            struct cleat__task_results *tasks; /* gets those of a run of several; NULL: not wanted */
            struct cleat__run *run;            /* it waits for this one; NULL: it does not (any more) */
            cleat__follow follow;              /* from `id`, which is that of the result then */
        } wait;
        cleat__command *stop_waiting; /* the WAIT; if it was not answered before this, it never is */
        /* A worker of the engine's own process. Its actions must have been put; it has slots. From the next
         * heartbeat missed for 30 s on, its runs are requeued. */
        struct {
            const cleat__worker_spec *spec;
            cleat__worker_sink sink;
            cleat__uuid *id;
            /* Once: the engine has failed and does nothing any more; as the sink's. NULL: it is not told. */
            void (*failed)(void *self, cleat_status status, const char *text);
        } worker_join;
        cleat__uuid id; /* CANCEL, REPLAY, FIND, RELEASE_SLOT: of a run; UNSCHEDULE: of a schedule;
                         DELETE_FILTER: of a filter; DELETE_CRON: of a cron;
                         DELETE_WORKFLOW: of a workflow, whose schedules go with it; else of a worker.
                         REPLAY: CLEAT_FAILED_PRECONDITION: it has not ended */
        /* A worker of another process, which the file remembers. Its actions need not be declared.
         * It gets no runs before it listens. */
        struct {
            const cleat__worker_spec *spec;
            cleat__uuid *id;
        } worker_register;
        /*
         * WORKER_LISTEN: from now on `sink` is told, instead of whoever listened before. It may be
         * before the answer. Runs come as long as there are heartbeats (5 s), the first of which
         * this is; when `is_kept` the session itself counts as such. With `may_repeat` what the worker
         * holds is told again, as far as it has not said anything of it, and as `is_full` allows, since
         * nobody else knows what it has got: it passes over what it has.
         * WORKER_UNLISTEN: of that session; that of a former one changes nothing. The sink is not
         * called after the answer. What the worker holds stays with it for another 30 s, but what it
         * has not begun only for 10 s, unless it `may_repeat`: that may never have arrived. The same
         * when another session takes its place.
         */
        struct {
            cleat__uuid id;
            uint64_t session;
            bool is_kept;
            cleat__worker_sink sink;
            /* NULL: the sink's. Instead of that one, for who must say more of what was cancelled. */
            void (*cancel)(void *self, const cleat__cancellation *cancellation);
            bool may_repeat;
            /* Asked after runs were handed over: true when they wait for a slow connection. Then
             * no more come until WORKER_HAS_ROOM of that session. NULL: never. */
            bool (*is_full)(void *self);
            void *former; /* the answer: the sink's self whose session this one has ended; NULL: none */
        } listen;         /* WORKER_HAS_ROOM, WORKER_UNLISTEN: id and session */
        struct {          /* merged with those it has, by key */
            cleat__uuid id;
            const cleat__label *items;
            size_t count;
        } worker_label;
        struct { /* all of the tenant, in no order; what is visited is valid in the visit */
            void (*visit)(void *argument, const cleat__worker_info *info);
            void *argument;
        } workers;
        /* The worker has begun it. Ignored when another attempt runs meanwhile. */
        struct {
            cleat__uuid id;
            int32_t retry_count; /* or CLEAT__RETRY_CURRENT */
        } started;
        /* The worker never got it: it is queued again as after a lost worker. End its session
         * first, or it may get it again. Ignored when another attempt runs meanwhile. */
        struct {
            cleat__uuid id;
            int32_t retry_count;
        } undelivered;
        struct { /* adds to the execution timeout of what is running; `timeout_at_ms` is Unix time */
            cleat__uuid id;
            int64_t increment_ms;
            int64_t *timeout_at_ms; /* INT64_MAX: it has none */
        } refresh_timeout;
        /* Also CANCEL_HELD, of which no status, output or error counts: the worker that speaks cancels what it runs. From one
         * that has lost the run it changes nothing. */
        cleat__report report;
        cleat__log_line log; /* CLEAT_NOT_FOUND: the tenant has no such run */
        /* All or none of them, with the runs that they start. Payloads and metadata are checked, by
         * cleat__user_event_check(). */
        struct {
            const cleat__user_event *items;
            size_t count;
            cleat__uuid *ids; /* of the events */
            int64_t *at_ms;   /* Unix, when they were stored; NULL: who cares */
        } push;
        struct { /* the filter is checked, by cleat__filter_check(); so below */
            cleat__uuid workflow_id;
            cleat_slice workflow; /* its name; absent: the id counts */
            const cleat__filter *filter;
            cleat__uuid *id;
        } add_filter;
        struct {
            cleat__uuid id;
            const cleat__filter *filter; /* what it is from now on; what is absent stays as it is */
        } change_filter;
        /* ADD_WEBHOOK: checked by cleat__webhook_check(); so below. CLEAT_ALREADY_EXISTS: there is one of that name. */
        struct {
            const cleat__webhook *webhook;
            cleat__uuid *id;
        } add_webhook;
        struct {
            cleat_slice name;
            const cleat__webhook_change *change;
        } change_webhook;
        cleat_slice webhook; /* DELETE_WEBHOOK: its name */
        struct {             /* one for each time, all or none; what is past starts at once */
            const cleat__schedule *schedule;
            const int64_t *at_ms; /* Unix */
            size_t count;
            cleat__uuid *ids;
        } schedule;
        struct { /* CLEAT_ALREADY_EXISTS: the workflow has one of that name and expression */
            const cleat__recurrence *what;
            cleat__uuid *id;
        } add_cron;
        struct {
            cleat__uuid id;
            bool is_enabled; /* from now on */
        } change_cron;
        struct { /* TRIGGER_CRON and TRIGGER_SCHEDULE: its run, now; a schedule is gone then */
            cleat__uuid id;
            cleat__uuid *run_id;
        } trigger_now;
        struct { /* each by itself, see there */
            cleat__schedule_change *items;
            size_t count;
        } change_schedules;
        struct { /* DELETE_RATE_LIMIT: by its key; CLEAT_NOT_FOUND */
            cleat_slice key;
            int32_t limit;
            int64_t window_ms;
        } put_rate_limit;
        /* WATCH: CLEAT_EMPTY: the run has ended, nothing will come. UNWATCH: also one that does not
         * watch (any more); it is not told anything after the answer. WATCH_ON: it has room again. */
        cleat__watch *watch;
        struct { /* sent on to who looks at the run, in the order of the indices; stored if it is durable */
            cleat__uuid task_id;
            int64_t index; /* 0, 1, ..; -1: it has none, goes on at once, and is not stored */
            cleat_slice payload;
        } put_stream;
        struct { /* the same of several, with one index after the other */
            cleat__uuid task_id;
            int32_t invocation_count; /* CLEAT_CANCELLED: of a durable run, another one runs; 0: not told */
            int64_t first_index;
            const cleat_slice *items;
            size_t count;
        } put_chunks;
        /*
         * What an invocation asks for, in this order; the first that fails ends it, and `*done_count` were done.
         * CLEAT_CANCELLED: the run is not running, or in another invocation. CLEAT_NON_DETERMINISTIC: the
         * sentence has both orders. CLEAT_SUSPENDED: an AWAIT. With a listener, that is who hears of this
         * run from now on.
         */
        struct {
            cleat__uuid run_id;
            int32_t invocation_count;
            cleat__durable_request *requests;
            size_t count;
            size_t *done_count;                      /* answer; NULL: who cares */
            const cleat__durable_listener *listener; /* NULL: it asks by AWAIT */
        } durable;
        /* A worker says what its invocations wait for: whatever of it has ended is told (again), and so are
         * invocations that are not the present one of their run. */
        struct {
            const cleat__durable_waiting *items;
            size_t count;
            const cleat__durable_listener *listener;
            const cleat__uuid *run_id; /* that is asked about; NULL: none */
            cleat__lateness late;      /* answer, of that run and listener */
        } durable_status;
        const cleat__durable_listener
            *durable_listener; /* DETACH: it is not called after the answer; GO_ON */
        /*
         * A wait that stands in no log: it is known by a key of the worker's (engine.md 21.6), as node `*node` of
         * CLEAT__BRANCH_OF_SIGNALS. With conditions it is made, unless it is there. With a listener that hears how it
         * ends, in the present invocation, behind the answer. CLEAT_NOT_FOUND: there is no such run that has not ended,
         * or no such wait.
         */
        struct {
            cleat__uuid run_id;
            cleat_slice key;
            const cleat__condition *conditions;
            size_t count;                            /* 0: it is there */
            const cleat__durable_listener *listener; /* NULL: nobody listens */
            cleat__node *node;                       /* answer; NULL: who cares */
        } durable_signal;
        cleat__uuid durable_restore; /* an evicted run; CLEAT_FAILED_PRECONDITION: it is not */
        struct { /* CLEAT_NOT_FOUND: no such run or node. The run is replayed on the new branch. */
            cleat__uuid run_id;
            cleat__node node;
            int64_t *branch; /* answer */
        } durable_branch;
        /* CLEAT_NOT_FOUND: no run has or had such a hook. CLEAT_FAILED_PRECONDITION: the run that had it
         * has ended; the sentence says how. */
        struct {
            cleat_slice token, payload; /* JSON, checked */
            cleat_slice carrier; /* JSON object, laid over the metadata of the invocation; absent: none */
            cleat__uuid *run_id; /* answer */
            char **metadata;     /* answer: of the run, to be freed; NULL: not wanted */
        } resume_hook;
        struct {
            cleat_status (*function)(cleat__store *store, void *argument);
            void *argument;
        } call;
    } as;
};

typedef struct cleat__command_list {
    cleat__command *head, *tail;
} cleat__command_list;

static inline void cleat__command_append(cleat__command_list *list, cleat__command *command)
{
    command->next = NULL;
    if (list->tail != NULL) {
        list->tail->next = command;
    } else {
        list->head = command;
    }
    list->tail = command;
}

static inline cleat__command *cleat__command_take(cleat__command_list *list)
{
    cleat__command *command = list->head;
    if (command != NULL) {
        list->head = command->next;
        list->tail = list->head != NULL ? list->tail : NULL;
        command->next = NULL;
    }
    return command;
}

#endif
