/*
 * Slots of one key of a concurrency rule: who holds one, who waits, who is to be cancelled. It decides and
 * keeps count; what follows for a run is its caller's matter.
 *
 * A claimant takes a seat in the group of its key. After changes the caller asks cleat__group_next() what is to be
 * done, and does it, until there is nothing more.
 */
#ifndef CLEAT_MODEL_CONCURRENCY_H
#define CLEAT_MODEL_CONCURRENCY_H

#include "base/buffer.h"
#include "base/heap.h"
#include "base/uuid.h"
#include <cleat/limit.h>

#define CLEAT__CONCURRENCY_RULES_MAX 16
#define CLEAT__CONCURRENCY_KEY_MAX   1024  /* bytes of what an expression gives */
#define CLEAT__CONCURRENCY_NAME_MAX  255   /* of a shared rule */
#define CLEAT__CONCURRENCY_RUNS_MAX  10000 /* slots of a key */

/* One rule, as it is declared. */
typedef struct cleat__concurrency {
    cleat_slice expression;
    int32_t max_runs;
    /* Of a run: how many its key has, as the newest run says; absent: max_runs. */
    cleat_slice max_runs_expression;
    cleat_concurrency_strategy strategy;
    cleat_slice name;    /* of a rule that the workflows of the tenant share; absent: its own */
    bool is_of_workflow; /* else of the task */
} cleat__concurrency;

/* Those of the workflow, then those of the task, in one block; free with cleat__free(). */
typedef struct cleat__concurrency_list {
    size_t count;
    cleat__concurrency items[];
} cleat__concurrency_list;

/* [{"expression":"input.id","max_runs":1,"strategy":3}]. */
void cleat__concurrency_encode(const cleat__concurrency *rules, size_t count, cleat__buffer *out);
/* The other way. */
cleat_status cleat__concurrency_decode_text(cleat_slice text, cleat__concurrency_list **out);
struct json_t;
/* Of two such arrays, either of which may be NULL; `*out` is NULL when there are none. CLEAT_CORRUPT: they are none. */
cleat_status cleat__concurrency_decode(const struct json_t *of_workflow, const struct json_t *of_task,
                                       cleat__concurrency_list **out);

/* CLEAT_INVALID_ARGUMENT says what is wrong, and where in the expression. */
cleat_status cleat__concurrency_check(const cleat__concurrency *rules, size_t count);
const char *cleat__concurrency_strategy_name(cleat_concurrency_strategy strategy);

/* Who wants slots; all its seats share it. */
typedef struct cleat__claim {
    cleat__uuid id;
    uint8_t level; /* higher goes first, where others wait */
} cleat__claim;

typedef enum cleat__seat_state {
    CLEAT__SEAT_EMPTY, /* not there */
    CLEAT__SEAT_WAITING,
    CLEAT__SEAT_HOLDING,
} cleat__seat_state;

struct cleat__group;
typedef struct cleat__seat {
    cleat__heap_node node;
    struct cleat__group *group;
    const cleat__claim *claim;
    int64_t arrived_ms; /* its age: by this, then by the claim's id */
    uint8_t state;      /* a cleat__seat_state */
    /* With GROUP_ROUND_ROBIN: once it holds its slot it waits for a worker, and nobody else of its key does
     * meanwhile, so that keys take turns there. */
    bool takes_turns;
} cleat__seat;

typedef struct cleat__group {
    cleat_concurrency_strategy strategy;
    int32_t max_runs;
    cleat__heap waiting, holding;
    cleat__seat *offered; /* it waits for a worker, and takes turns; NULL: none does */
} cleat__group;
void cleat__group_init(cleat__group *group, cleat_concurrency_strategy strategy, int32_t max_runs);
void cleat__group_deinit(cleat__group *group);
/* The rule has another one from now on. */
void cleat__group_set_strategy(cleat__group *group, cleat_concurrency_strategy strategy);

/* So many seats can be taken, and change, without further memory. */
cleat_status cleat__group_reserve(cleat__group *group, size_t seat_count);
/* Takes the seat, which is empty, to wait; or to hold a slot, whatever the rule says: it did before. */
cleat_status cleat__group_join(cleat__seat *seat, bool is_holding);
/* A no-op for an empty seat. */
void cleat__group_leave(cleat__seat *seat);
/* A worker has it: the next of its key may wait for one. True: there may be one. */
bool cleat__group_taken(cleat__seat *seat);

typedef enum cleat__verdict {
    CLEAT__VERDICT_NONE,
    CLEAT__VERDICT_GRANT, /* it is to get a slot: cleat__group_grant() */
    CLEAT__VERDICT_TAKE_BACK, /* no worker has it yet, and one that goes first has come: cleat__group_take_back() */
    CLEAT__VERDICT_CANCEL, /* and to leave */
} cleat__verdict;
cleat__verdict cleat__group_next(const cleat__group *group, cleat__seat **seat);
cleat_status cleat__group_grant(cleat__seat *seat);
cleat_status cleat__group_take_back(cleat__seat *seat);

#endif
