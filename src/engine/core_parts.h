/* What the core is made of; for the files of the core only. */
#ifndef CLEAT_ENGINE_CORE_PARTS_H
#define CLEAT_ENGINE_CORE_PARTS_H

#include "engine/batches.h"
#include "engine/catalog.h"
#include "engine/core.h"
#include "engine/durable.h"
#include "engine/limits.h"
#include "engine/rates.h"
#include "engine/roster.h"
#include "engine/watches.h"
#include "engine/wishes.h"

struct cleat__core {
    cleat__store *store;
    cleat__now now; /* of the step under way */
    cleat__random random;
    cleat__uuid_generator ids;
    bool adds_trace; /* to the metadata of runs without one */

    cleat__runs runs;
    cleat__catalog catalog;
    cleat__queues queues;
    cleat__wishes wishes;
    cleat__limits limits;
    cleat__rates rates;
    cleat__batches batches;
    cleat__roster roster;
    cleat__watches watches;
    cleat__durables durables;
    int64_t notes_ms;    /* monotonic; when to look for runs that no worker takes; INT64_MAX: nothing waits */
    int64_t memory_ms;   /* monotonic; when workers are looked for again for want of memory; INT64_MAX: not */
    int64_t sweep_ms;    /* monotonic; when to forget workers of long ago */
    int64_t schedule_ms; /* Unix; when the first schedule is due, or sooner; INT64_MAX: there is none */
    int64_t cron_ms;     /* the same of crons */
    int64_t cron_since_ms; /* Unix; crons that were due before were missed */
    cleat__now cron_looked;
    cleat__uuid cron_planned; /* while all crons are looked at: the last that was */
    bool is_planning_crons;
    uint64_t running; /* runs in state RUNNING */
    uint64_t evicted; /* and EVICTED */

    bool is_writing;             /* a transaction is open */
    bool has_more;               /* work was left for the next step, lest this one take too long */
    cleat__command_list answers; /* true once committed */
    cleat_status failure;
    char *failure_text; /* owned; NULL: the status's text */
    cleat__engine_stats totals;
    size_t expression_steps; /* left for the command, or for what happens by itself in the step */
};

/* Opens the batch's transaction unless it is open. Whoever writes calls this first; a failure has
 * failed the core. */
cleat_status cleat__core_begin(cleat__core *core);
/* Answers `status`; anything but CLEAT_OK fails the core, with the error message of this thread. */
cleat_status cleat__core_check(cleat__core *core, cleat_status status);
/* The same where CLEAT_NOT_FOUND is an answer. */
cleat_status cleat__core_check_found(cleat__core *core, cleat_status status);
/* The same, and CLEAT_NO_MEMORY is the command's own affair, unless SQLite gave up the transaction with it. */
cleat_status cleat__core_check_alone(cleat__core *core, cleat_status status);
/* The command has its answer, with the error message of this thread. */
void cleat__core_answer(cleat__core *core, cleat__command *command, cleat_status status);

/* NULL: the tenant has no live run of that id. */
cleat__run *cleat__core_find_run(const cleat__core *core, int64_t tenant, const cleat__uuid *id);
/* CLEAT_NOT_FOUND: the tenant has no such worker. */
cleat_status cleat__core_find_worker(const cleat__core *core, int64_t tenant, const cleat__uuid *id,
                                     cleat__worker **out);

/* commands.c. A WAIT that now waits for a run is answered later. */
cleat_status cleat__core_handle(cleat__core *core, cleat__command *command);
/* schedule.c */
void cleat__core_fire_timers(cleat__core *core);
void cleat__core_schedule(cleat__core *core);
/* recover.c */
cleat_status cleat__core_recover(cleat__core *core);

#endif
