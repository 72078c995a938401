/*
 * The worker: takes queued runs of the tasks it knows and runs them on its threads.
 *
 *     cleat_worker *worker = NULL;
 *     cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 8), &worker);
 *     cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "greet", .run = greet, .retries = 3));
 *     cleat_worker_run(worker);                 // until SIGINT or SIGTERM
 *     cleat_worker_free(worker);
 */
#ifndef CLEAT_WORKER_H
#define CLEAT_WORKER_H

#include "cleat/client.h"
#include "cleat/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_worker cleat_worker;

typedef struct cleat_worker_options {
    size_t struct_size;
    const char *name; /* what log messages call it; NULL: "<process name>-<pid>" */
    int slots;        /* runs held at once, 1 .. 100,000; required when options are given: 0 is
                       * CLEAT_INVALID_ARGUMENT (NULL options: CLEAT_SLOTS_DEFAULT), also when all tasks
                       * take slots of other types */
    int threads;      /* runs worked on at once, at most as many as slots of all types; 0: so many. Runs
                       * above it wait in the worker, which hides the engine's latency from very short
                       * tasks; their execution timeout counts that wait */
    const cleat_label *labels; /* what tasks may desire of it; see cleat/label.h */
    size_t label_count;
    const cleat_slots *slot_types; /* slots of other types than "default", of which there are `slots` */
    size_t slot_type_count;
} cleat_worker_options;
#define CLEAT_WORKER_OPTIONS(...) CLEAT_OPTIONS(cleat_worker_options, __VA_ARGS__)

#define CLEAT_SLOTS_DEFAULT 8

/* `options` may be NULL. The client must outlive the worker. */
CLEAT_API cleat_status cleat_worker_new(cleat_client *client, const cleat_worker_options *options,
                                        cleat_worker **out);
/*
 * Stops it and frees it; NULL-safe. Not from a task. Running tasks have 10 s (none after a second
 * signal in cleat_worker_run()). One that still runs then is told that it is cancelled, and its
 * run goes to another worker. Such a task must not outlive the instrumentor and the client, and
 * nothing says when it is through: end the process without freeing those, or wait with
 * cleat_worker_stop() first.
 */
CLEAT_API void cleat_worker_free(cleat_worker *worker);

/*
 * Declares a task, before the worker starts; everything is copied. CLEAT_ALREADY_EXISTS: this
 * worker has a task of that name, or one that would be the same workflow, as "w:t" and "w.t" are.
 * CLEAT_INVALID_ARGUMENT: the message names the field.
 */
CLEAT_API cleat_status cleat_worker_add_task(cleat_worker *worker, const cleat_task_options *task);

/* Sets labels, besides those that it has or instead of those of the same key; before the start or while it
 * works. Everything is copied. CLEAT_FAILED_PRECONDITION: it was stopped. */
CLEAT_API cleat_status cleat_worker_set_labels(cleat_worker *worker, const cleat_label *labels, size_t count);
/* The engine's name for it, once it has started; else NULL. Valid as long as the worker. */
CLEAT_API const char *cleat_worker_id(const cleat_worker *worker);

/*
 * Whether the engine still gives it runs. If not, nothing will come any more: stop it; cleat_worker_run() finds
 * out itself. CLEAT_UNAUTHENTICATED: a server has stopped accepting the token, and did so for half a minute.
 * CLEAT_DISK_FULL, CLEAT_IO, CLEAT_CORRUPT, CLEAT_NO_MEMORY: the engine of this process could not write, and has
 * stopped; nothing that was stored is lost, and a client that opens the database again goes on from there.
 */
CLEAT_API cleat_status cleat_worker_check(cleat_worker *worker);

/* Registers with the engine and begins to take runs; returns at once. Twice is CLEAT_OK. A task that asks for slots which
 * this worker has not is declared all the same, since another worker may have them; the log says so
 * (cleat_log_set_handler()).
 * CLEAT_FAILED_PRECONDITION: it has no tasks, or was stopped, after which it cannot start again; or, with the engine in
 * the process, "mail:send" is both a task by itself and the task "send" of a workflow "mail" of another worker
 * (at a server the worker of the first fails what it gets of the second: this worker has no task "mail:send"). */
CLEAT_API cleat_status cleat_worker_start(cleat_worker *worker);
/*
 * For good: takes nothing new and waits for running tasks; CLEAT_TIMEOUT when some still run after
 * `timeout_ms` (negative: no limit). What it held but had not begun is queued again at once; only a Hatchet
 * engine takes nothing back: there that is run first, and counts as running. A server that does not
 * answer is given 20 s besides to hear of it. Idempotent;
 * CLEAT_OK and without effect before the start. May be called from any thread but a task's.
 */
CLEAT_API cleat_status cleat_worker_stop(cleat_worker *worker, int64_t timeout_ms);
/* Starts, waits for SIGINT or SIGTERM (or cleat_worker_stop() from another thread), and stops;
 * a second signal stops waiting for running tasks (CLEAT_TIMEOUT). The former signal handlers are
 * restored; until the engine has taken the worker, they are those that act. CLEAT_UNAUTHENTICATED: a
 * server has stopped accepting the token, and did so for half a minute.
 * At most 16 workers of a process at a time (CLEAT_RESOURCE_EXHAUSTED). */
CLEAT_API cleat_status cleat_worker_run(cleat_worker *worker);

#ifdef __cplusplus
}
#endif
#endif
