/*
 * Who hears how nodes end, and in which order (engine.md 21.2): in each invocation all met nodes, in the order in
 * which they were met, each when it and those before it were asked for. What is to be told waits for the commit.
 *
 * A listener that comes to an invocation that is under way is told only what the worker says that it waits for, and
 * what is met from then on: the worker has the rest, and one end that nobody takes keeps it from all that follow.
 */
#ifndef CLEAT_ENGINE_DURABLE_TOLD_H
#define CLEAT_ENGINE_DURABLE_TOLD_H

#include "engine/command.h"

struct cleat__core;
struct cleat__durable;

/* A node that was met. */
typedef struct cleat__met_node {
    cleat__node node;
    int64_t order;
    bool is_told; /* also by a former listener, as far as is known */
} cleat__met_node;

/* With the listener of one invocation. */
typedef struct cleat__conversation {
    struct cleat__conversation *next, *previous; /* of all */
    struct cleat__durable *durable;
    const cleat__durable_listener *listener;
    cleat__met_node *met; /* owned; in their order */
    size_t count, capacity;
    size_t told;    /* of these: what is before is told */
    size_t unheard; /* that were told since the worker last said what it waits for */
    int64_t asked;  /* the last node that the invocation asked for, as far as is known */
    int64_t held; /* order of the one that was met, but not asked for, so that the next ones wait; 0: none */
    int64_t held_since_ms; /* monotonic */
    /* Where it waits for its turn (durable_pace.h); NULL: nowhere. */
    struct cleat__conversation_list *late;
    struct cleat__conversation *next_late, *previous_late;
} cleat__conversation;

typedef struct cleat__conversation_list {
    cleat__conversation *head, *tail;
} cleat__conversation_list;

typedef struct cleat__durable_telling cleat__durable_telling;

typedef struct cleat__durable_told {
    cleat__conversation *conversations;
    cleat__durable_telling *head, **end;
    size_t count, bytes; /* of these, but for evictions */
    cleat__conversation_list behind, parked;
} cleat__durable_told;
void cleat__durable_told_init(cleat__durable_told *told);
void cleat__durable_told_deinit(cleat__durable_told *told);
/* Tells all; after the commit, behind the answers. */
void cleat__durable_told_release(cleat__durable_told *told);

/* Whoever listens to the run from now on. A failure has failed the core. */
cleat_status cleat__durable_listen(struct cleat__core *core, struct cleat__durable *durable,
                                   const cleat__durable_listener *listener);
/* The invocation says which node it asks for next, which was forgotten when the engine was started again: it has not
 * been told of that one, nor of those behind it. */
void cleat__durable_come_to(struct cleat__durable *durable, int64_t number);
/* Nobody does. */
void cleat__durable_unlisten(struct cleat__durable_told *told, struct cleat__durable *durable);
/* Nodes of its run may be told now: one was met or asked for. */
cleat_status cleat__durable_look(struct cleat__core *core, struct cleat__durable *durable);
/* A node was met just now. */
cleat_status cleat__durable_note_met(struct cleat__core *core, struct cleat__durable *durable,
                                     cleat__node node, int64_t order);
/* Tells whoever listens how a node has ended; in the file it has. CLEAT_NO_MEMORY, or a failure of the core. */
cleat_status cleat__durable_tell(struct cleat__core *core, struct cleat__durable *durable, cleat__node node);
/* Tells that the invocation is not the present one; `reason` NULL: it has ended itself, for whoever cares. */
void cleat__durable_tell_evicted(cleat__durable_told *told, const cleat__durable_listener *listener,
                                 const cleat__uuid *run_id, int32_t invocation_count, const char *reason);
/* Whether something was told that the worker may not have got, or is still to be told. */
bool cleat__durable_is_unheard(const struct cleat__durable *durable);

#endif
