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

/* X(name, handler) */
#define CLEAT__COMMANDS(X)                \
    X(PUT_WORKFLOW, put_workflow)         \
    X(TRIGGER, trigger)                   \
    X(WAIT, wait)                         \
    X(STOP_WAITING, stop_waiting)         \
    X(CANCEL, cancel)                     \
    X(FIND, find)                         \
    X(WORKER_ADD, worker_add)             \
    X(WORKER_PAUSE, worker_pause)         \
    X(WORKER_REMOVE, worker_remove)       \
    X(WORKER_HEARTBEAT, worker_heartbeat) \
    X(REPORT, report)                     \
    X(LOG, log_line)                      \
    X(CALL, call)

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
    /* Called on the engine's thread, after the commit or on failure, once; must not block. From then
     * on the engine does not touch the command, which may be submitted again. NULL: a thread waits. */
    void (*done)(cleat__command *command);
    cleat_status status; /* the answer */
    char *error;         /* its sentence when it is a failure; the taker frees it; NULL: the status's text */
    union {
        struct {
            const cleat__workflow *workflow;
            cleat__version *version; /* what it is known as from now on; NULL: who cares */
        } put_workflow;
        struct {
            const cleat__trigger *items;
            size_t count;
            cleat__uuid *ids;
        } trigger;
        struct {
            cleat__uuid id;
            cleat_run_result *result;
            char **task_name;       /* gets the readable id of the task, to be freed; NULL: not wanted */
            struct cleat__run *run; /* it waits for this one; NULL: it does not (any more) */
        } wait;
        cleat__command *stop_waiting; /* the WAIT; if it was not answered before this, it never is */
        struct {
            const cleat_slice *actions;
            size_t action_count;
            int32_t slots;
            cleat__worker_sink sink;
            cleat__uuid *id;
        } worker_add;
        cleat__uuid id; /* CANCEL, FIND: of a run; WORKER_*: of a worker */
        cleat__report report;
        cleat__log_line log;
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
