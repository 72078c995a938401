/*
 * What the nodes of live durable runs wait for, in memory: small, since runs wait by the ten thousand, and
 * rebuilt from the file at the start. Payloads, expressions and keys stay in the file.
 *
 * A pending is a node that is not met yet. It has one condition, the end of a child, or those of a wait; of each
 * group one must be met. A condition that is not met stands where what meets it will look: sleeps in a
 * heap, children and events in maps, hooks nowhere but in their run.
 */
#ifndef CLEAT_ENGINE_PENDING_H
#define CLEAT_ENGINE_PENDING_H

#include "base/heap.h"
#include "base/map.h"
#include "store/durable.h"

struct cleat__durable;
struct cleat__pending_topic;

typedef struct cleat__pending_condition {
    union {
        struct {
            cleat__heap_node timer;
            int64_t at_ms; /* Unix */
        } sleep;
        struct {
            cleat__uuid id;                        /* the map's key, of the first one in the chain */
            struct cleat__pending_condition *next; /* that waits for the same run */
        } child;
        struct {
            struct cleat__pending_topic *topic;
            struct cleat__pending_condition *next, *previous; /* of the topic */
        } event;
    } as;
    uint8_t number; /* in its pending */
    uint8_t kind;   /* cleat__pending_kind */
    uint8_t group;
    bool is_linked; /* it stands where it may be met */
} cleat__pending_condition;

typedef struct cleat__pending {
    struct cleat__pending *next, *previous; /* of the run, in the order of their making */
    struct cleat__durable *durable;
    int32_t branch, number; /* the node */
    bool is_awaited;        /* the run was evicted to wait for it */
    uint8_t count;
    cleat__pending_condition conditions[];
} cleat__pending;

_Static_assert(CLEAT__CONDITIONS_MAX <= UINT8_MAX, "conditions are counted in a byte");

/* Conditions for events of one key. */
typedef struct cleat__pending_topic {
    cleat__pending_condition *head, *tail;
    cleat__pending_condition *cursor; /* while a push looks at them: the next */
    bool is_visited;                  /* a push does: it is not freed, although empty */
    cleat_slice name;                 /* in `key` */
    char *key;                        /* owned; the map's */
} cleat__pending_topic;

typedef struct cleat__pendings {
    cleat__heap sleeps;
    cleat__map children; /* the first condition of each run that is waited for */
    cleat__map topics;
} cleat__pendings;
void cleat__pendings_init(cleat__pendings *all);
/* The pendings belong to the runs. */
void cleat__pendings_deinit(cleat__pendings *all);

/* A pending at the end of the run's, with room for `count` conditions, none linked. NULL on no memory. */
cleat__pending *cleat__pending_new(struct cleat__durable *durable, cleat__node node, size_t count);
/* Unlinks and frees it. */
void cleat__pending_free(cleat__pendings *all, cleat__pending *pending);
/* NULL: the run has none of that node. Looks first behind the one that was found last. */
cleat__pending *cleat__pending_find(struct cleat__durable *durable, cleat__node node);
/* Sorts them and drops those that are repeated; how many are left. */
size_t cleat__nodes_sort(cleat__node *nodes, size_t count);
/* Which of these the run waits for: sorted, so that it takes a walk over all that is pending, whatever their number. */
void cleat__pendings_await(struct cleat__durable *durable, const cleat__node *nodes, size_t count);
/* Of what kinds the conditions are that nodes which the run waits for, or any, have left: 1 << cleat__pending_kind. */
uint32_t cleat__pendings_kinds(const struct cleat__durable *durable, bool is_any);
cleat__node cleat__pending_node(const cleat__pending *pending);
cleat__pending *cleat__pending_of(cleat__pending_condition *condition);

/* Puts a condition where what its row says meets it; `tenant` for events. No memory changes nothing. */
cleat_status cleat__pending_link(cleat__pendings *all, int64_t tenant, cleat__pending_condition *condition,
                                 const cleat__condition_row *row);
void cleat__pending_unlink(cleat__pendings *all, cleat__pending_condition *condition);
/* Unlinks all of a group. True: no condition of the pending is linked any more, each group is met. */
bool cleat__pending_meet_group(cleat__pendings *all, cleat__pending *pending, uint8_t group);

cleat__pending_condition *cleat__pendings_first_sleep(const cleat__pendings *all); /* NULL: none */
/* The first of those that wait for the run; NULL: nobody does. */
cleat__pending_condition *cleat__pendings_of_child(const cleat__pendings *all, const cleat__uuid *run_id);
/* NULL: nobody waits for such events. */
cleat__pending_topic *cleat__pendings_topic(const cleat__pendings *all, int64_t tenant, cleat_slice key);
/* Visits its conditions, any of which may be unlinked meanwhile. NULL: there are no more, and the topic may be gone. */
void cleat__pending_topic_begin(cleat__pending_topic *topic);
cleat__pending_condition *cleat__pending_topic_next(cleat__pendings *all, cleat__pending_topic *topic);

#endif
