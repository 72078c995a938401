/*
 * What is asked of the engine: one row in CLEAT__COMMANDS, one member in the union, one handler in
 * commands.c. A command that somebody waits for lies on the caller's stack and borrows the
 * caller's arguments, so the queue can hold no more of these than there are threads; the others
 * (`detached`) are copies on the heap.
 */
#ifndef CLEAT_ENGINE_COMMAND_H
#define CLEAT_ENGINE_COMMAND_H

#include "engine/engine.h"

/* X(name, handler) */
#define CLEAT__COMMANDS(X)                \
    X(PUT_TASK, put_task)                 \
    X(TRIGGER, trigger)                   \
    X(WAIT, wait)                         \
    X(STOP_WAITING, stop_waiting)         \
    X(CANCEL, cancel)                     \
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
    bool detached;       /* nobody waits: freed by whoever takes the answers */
    cleat_status status; /* the answer */
    char *error;         /* its sentence when it is a failure; owned; NULL: the status's text */
    union {
        struct {
            cleat_slice action;
            const cleat__policy *policy;
        } put_task;
        struct {
            const cleat__trigger *items;
            size_t count;
            cleat__uuid *ids;
        } trigger;
        struct {
            cleat__uuid id;
            cleat_run_result *result;
            struct cleat__run *run; /* it waits for this one; NULL: it does not (any more) */
        } wait;
        cleat__command *stop_waiting; /* the WAIT, which is not answered afterwards */
        struct {
            const cleat_slice *actions;
            size_t action_count;
            int32_t slots;
            cleat__worker_sink sink;
            cleat__uuid *id;
        } worker_add;
        cleat__uuid id; /* CANCEL: of a run; WORKER_*: of a worker */
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
