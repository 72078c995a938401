/*
 * The engine itself, as one object on one thread, without threads, locks or a clock: commands and
 * the time go in, effects come out. What a step does:
 *
 *   apply    every command and every timer that is due, then hand queued runs to workers with free
 *            slots: all in one transaction, opened by the first write
 *   commit   once
 *   release  answers, worker notices and happenings, which were held back until here
 *
 * A run that is triggered while a slot is free is thus stored, assigned and told with one commit.
 *
 * Commands are checked before they write, so an invalid one fails alone. A write that fails, or
 * memory that runs out between two writes, fails the core: the batch is rolled back, everybody who
 * waits gets that status, nothing was told, and so it stays until the file is opened again.
 * Memory may be ahead of the file only between apply and commit, and only what a failed core throws
 * away with everything else.
 */
#ifndef CLEAT_ENGINE_CORE_H
#define CLEAT_ENGINE_CORE_H

#include "engine/command.h"
#include "store/store.h"

typedef struct cleat__core cleat__core;

/* Stored times are Unix time; waiting is measured on the monotonic clock. */
typedef struct cleat__now {
    int64_t unix_ms;
    int64_t monotonic_ms;
} cleat__now;

typedef struct cleat__core_options {
    const char *path;
    cleat__store_mode mode; /* CLEAT__STORE_WRITE, or _UNSYNCED */
    uint64_t seed;          /* of ids; 0: from the operating system */
    bool adds_trace;        /* as in cleat__engine_options */
} cleat__core_options;

/*
 * Opens the file and rebuilds memory from it. Runs that were with workers of a former process are
 * lost to them and queued again. Schedule timeouts start anew: they measure how long no worker
 * was free, not how long nobody ran the engine.
 */
cleat_status cleat__core_open(const cleat__core_options *options, cleat__now now, cleat__core **out);
/* What is not committed is rolled back, what was not told never is, nobody who waits is answered. NULL-safe. */
void cleat__core_close(cleat__core *core);

/* Takes one command into the batch. It belongs to the core until it is among the answers. */
void cleat__core_apply(cleat__core *core, cleat__now now, cleat__command *command);
/* Timers and assignments, after the commands. */
void cleat__core_run(cleat__core *core, cleat__now now);
/* Assignments only: for a step that leaves commands to the next one. A heartbeat or a report among
 * them came in time, however long the engine was held up. */
void cleat__core_run_behind(cleat__core *core, cleat__now now);
void cleat__core_commit(cleat__core *core);
/* Tells the workers and who looks on, and hands over the answered commands. */
cleat__command_list cleat__core_release(cleat__core *core);
/* What is to come behind the answers: tells who hears of durable runs. */
void cleat__core_tell(cleat__core *core);
/* When nothing waits: what makes the commits that come shorter, but takes a few ms itself. */
bool cleat__core_wants_preparing(const cleat__core *core);
void cleat__core_prepare(cleat__core *core);

/* The monotonic time of the next step if no command comes; INT64_MAX: none. */
int64_t cleat__core_next_ms(const cleat__core *core);
/* CLEAT_OK, or why it failed, with its sentence. */
cleat_status cleat__core_failure(const cleat__core *core);
/* Tells workers of this process that nothing comes any more, why, and logs it. */
void cleat__core_tell_failure(const cleat__core *core);
/* Answers everybody who still waits for a run's end; for closing. */
void cleat__core_abandon_waiters(cleat__core *core, cleat_status status, const char *error);

/* Tells those who look on that nothing more comes; for closing. */
void cleat__core_abandon_watches(cleat__core *core);

void cleat__core_get_stats(const cleat__core *core, cleat__engine_stats *out);

#endif
