/* Pausing workflows. */
#include <cleat/pause.h>

#include "base/error.h"
#include "model/missing.h"
#include "model/pause.h"
#include "sdk/client.h"
#include "sdk/options.h"
#include "sdk/task_name.h"

#include <inttypes.h>

/* So that Go, which counts nanoseconds, can say it: about 292 years. */
#define TTL_MAX (INT64_MAX / 1000000)

static cleat_status set(cleat_client *client, const char *task, const cleat__pause *pause)
{
    char workflow[CLEAT__ACTION_SIZE];
    cleat_status status = cleat__task_workflow(task, workflow);
    if (status == CLEAT_OK) {
        status = client->transport->pause_workflow(client->transport, cleat_slice_of(workflow), pause);
    }
    return status == CLEAT_NOT_FOUND ? cleat__missing_task(cleat_slice_of(task)) : status;
}

static cleat_status check(const cleat_client *client, const char *task)
{
    return client != NULL && task != NULL
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "task");
}

cleat_status cleat_client_pause_workflow(cleat_client *client, const char *task,
                                         const cleat_pause_options *options)
{
    cleat_pause_options known;
    cleat_status status = check(client, task);
    if (status == CLEAT_OK) {
        status = cleat__options_read("CLEAT_PAUSE_OPTIONS", options, &known, sizeof(known));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (known.ttl_ms < 0 || known.ttl_ms > TTL_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "ttl_ms is %" PRId64 "; it must be 0 .. %" PRId64,
                           known.ttl_ms, TTL_MAX);
    }
    const cleat__pause pause = {.is_paused = true,
                                .queues_crons = known.queue_crons,
                                .queues_schedules = known.queue_schedules,
                                .ttl_ms = known.ttl_ms != 0 ? known.ttl_ms : CLEAT__NO_TIMEOUT};
    return set(client, task, &pause);
}

cleat_status cleat_client_resume_workflow(cleat_client *client, const char *task)
{
    const cleat__pause none = {.is_paused = false, .ttl_ms = CLEAT__NO_TIMEOUT};
    cleat_status status = check(client, task);
    return status == CLEAT_OK ? set(client, task, &none) : status;
}
