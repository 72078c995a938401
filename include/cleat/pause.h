/*
 * Pausing a task or a workflow: its runs are started and stored as always, and no worker gets one until it goes on.
 *
 *     cleat_status status = cleat_client_pause_workflow(client, "mail:send", NULL);
 *     if (status == CLEAT_OK)
 *         status = cleat_client_resume_workflow(client, "mail:send");
 *     if (status != CLEAT_OK)
 *         fprintf(stderr, "%s\n", cleat_error_message());
 *
 * The pause is stored: it outlives restarts of the engine and of workers, and new declarations. What a worker has goes
 * on; its next attempt, and the next tasks of its run, wait. Schedule timeouts do not count meanwhile, and begin anew
 * when it goes on. A run that waits holds no slots of concurrency meanwhile, and lines up again, as old as it is; one that
 * has begun, such as a workflow or a run of several tasks, keeps its own. All functions may be called from any thread. Of
 * an engine elsewhere this goes over its HTTP side, as schedules do (cleat/schedule.h).
 */
#ifndef CLEAT_PAUSE_H
#define CLEAT_PAUSE_H

#include "cleat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_pause_options {
    size_t struct_size;
    bool queue_crons;     /* times of its crons make runs that wait; else they pass, and are not made up */
    bool queue_schedules; /* the same of its schedules; else they are gone */
    /* A run that has waited so long is given up (CANCELLED), but no workflow that has begun; 0: none is. */
    int64_t ttl_ms;
} cleat_pause_options;
#define CLEAT_PAUSE_OPTIONS(...) CLEAT_OPTIONS(cleat_pause_options, __VA_ARGS__)

/* `task` is the name of a task, or of a workflow of any kind. `options` may be NULL. Of one that is paused, these
 * options are the ones from now on. Returns when it is on disk. CLEAT_NOT_FOUND: no worker ever declared it. */
CLEAT_API cleat_status cleat_client_pause_workflow(cleat_client *client, const char *task,
                                                   const cleat_pause_options *options);
/* Those that wait are handed out, in their order. Fine when it is not paused. */
CLEAT_API cleat_status cleat_client_resume_workflow(cleat_client *client, const char *task);

#ifdef __cplusplus
}
#endif
#endif
