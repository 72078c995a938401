/*
 * Rate limits of all tenants, in memory as they are in the file: what is taken is written once per limit and step,
 * with everything else. Lanes whose runs want more than is left wait here for the refill.
 *
 * In memory their times are monotonic, so that a clock that is set holds up nobody.
 *
 * One that was put stays until it is deleted. One that runs have said, for a customer or a user, is idle as soon as none of
 * them lives: so many of these are kept as there may be, and the longest idle go, once their windows are over.
 */
#ifndef CLEAT_ENGINE_RATES_H
#define CLEAT_ENGINE_RATES_H

#include "engine/queue.h"
#include "model/rate_use.h"

struct cleat__command;
struct cleat__core;

typedef struct cleat__rate {
    int64_t tenant;
    cleat_slice key;
    char *scope;       /* owned; the map's key */
    bool is_known;     /* else somebody waits for it to be put */
    bool is_changed;   /* it is to be written */
    bool is_put;       /* else a run has said what it is */
    bool is_idle;      /* it is in the list of these */
    size_t lane_count; /* lanes whose runs take of it */
    struct cleat__rate *next_idle, *previous_idle;
    cleat__rate_window window; /* monotonic */
    uint64_t declared_in;      /* the batch of commits in which runs have made it what it is */
    cleat__lane_list waiting;
    cleat__heap_node timer; /* while lanes wait */
    struct cleat__rate *next_changed;
} cleat__rate;

typedef struct cleat__rates {
    cleat__map by_key;
    cleat__heap timers;
    cleat__rate *changed;
    cleat__rate *idle_head,
        *idle_tail; /* not put, and of no lane: those that are not known, then the longest idle */
    size_t idle_count, idle_max;
    int64_t ahead_ms; /* the Unix clock, of the monotonic one */
    /* It was set back by so much in all; what seems to have begun later, by the monotonic clock, has begun since. */
    int64_t back_ms, surely_after_ms;
} cleat__rates;
void cleat__rates_init(cleat__rates *rates);
void cleat__rates_deinit(cleat__rates *rates);

/* What each run of a lane takes. */
typedef struct cleat__rate_units {
    cleat__rates *rates;
    size_t count;
    struct {
        cleat__rate *rate;
        int32_t units;
    } items[];
} cleat__rate_units;

/* Room for so many, each of which is added to one lane by cleat__rate_units_add(). NULL on no memory. */
cleat__rate_units *cleat__rate_units_new(cleat__rates *rates, size_t most);
/* Several uses of one limit are one. */
void cleat__rate_units_add(cleat__rate_units *units, cleat__rate *rate, int32_t wanted);
void cleat__rate_units_free(cleat__rate_units *units); /* NULL-safe */

/* The limit, made as one that is not known when it is not there; NULL on no memory. */
cleat__rate *cleat__rates_add(cleat__rates *rates, int64_t tenant, cleat_slice key);
bool cleat__rates_have(cleat__rates *rates, int64_t tenant, cleat_slice key);
/* The most units that there ever are of it; INT32_MAX: it is not there. */
int32_t cleat__rates_limit(const cleat__rates *rates, int64_t tenant, cleat_slice key);
/* A declaration names it: it stays from now on. False: it is not there. */
bool cleat__rates_keep(cleat__rates *rates, int64_t tenant, cleat_slice key);
/* At the start. */
cleat_status cleat__rates_recover(struct cleat__core *core);

/* PUT_RATE_LIMIT and DELETE_RATE_LIMIT. */
cleat_status cleat__rates_put(struct cleat__core *core, struct cleat__command *command);
cleat_status cleat__rates_delete(struct cleat__core *core, struct cleat__command *command);
/* A run says what the limit is: of several that come together the lowest, in the longest window. */
cleat_status cleat__rates_declare(struct cleat__core *core, int64_t tenant, cleat_slice key, int32_t limit,
                                  int64_t window_ms);

/* Whether there is enough for a run of the lane; if not, the lane is parked until there may be. A failure has failed
 * the core. */
cleat_status cleat__rates_look(struct cleat__core *core, cleat__lane *lane, bool *is_parked);
/* A worker gets a run of the lane, for which there is enough. */
void cleat__rates_take(struct cleat__core *core, const cleat__lane *lane);
/* The attempt that runs was never begun: what it took is there again, in the same window. */
void cleat__rates_return(struct cleat__core *core, const cleat__run *run);

/* What is refilled lets its lanes go. */
void cleat__rates_fire(struct cleat__core *core);
/* The monotonic time of the next; INT64_MAX: none. */
int64_t cleat__rates_next_ms(const cleat__rates *rates);
/* Before the commit. */
cleat_status cleat__rates_write(struct cleat__core *core);

#endif
