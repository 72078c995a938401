/*
 * The demo's two tasks. `archive:scan` lists the files of a directory and spawns one `archive:pack`
 * per file, one call after the other; `archive:pack` reads its file, computes the CRC-32 and the
 * deflated size, and returns them.
 */
#ifndef CLEAT_CLI_DEMO_TASKS_H
#define CLEAT_CLI_DEMO_TASKS_H

#include <cleat/cleat.h>

#include <stdatomic.h>

#define CLEAT__DEMO_SCAN "archive:scan"
#define CLEAT__DEMO_PACK "archive:pack"

/* Paths that cannot be read, among so many children: a few must be there to be retried and fail. */
size_t cleat__demo_unreadable(size_t children);

/* What the tasks share with the thread that waits for them. */
typedef struct cleat__demo_tasks {
    cleat_tracer *tracer;
    const atomic_bool *stop; /* set: scan ends early, to be run again */
    _Atomic int64_t spawned;
    _Atomic int64_t ended; /* packs that completed or failed for good */
    _Atomic int64_t failed;
    _Atomic int64_t retried;
} cleat__demo_tasks;

/* `tasks` is borrowed as long as the worker works. */
cleat_status cleat__demo_tasks_declare(cleat_worker *worker, cleat__demo_tasks *tasks);

/* The input of a scan, to be freed with free(); NULL when memory ran out. */
char *cleat__demo_scan_input(const char *directory, int64_t children, cleat_trace_relation relation);

#endif
