/* Figures of runs and queues. */
#include <cleat/metrics.h>

#include "base/error.h"
#include "sdk/choice.h"
#include "sdk/client.h"

cleat_status cleat_client_get_run_metrics(cleat_client *client, const cleat_run_filter *filter,
                                          cleat_run_metrics *out)
{
    cleat__many_runs what = {.is_replayed = false};
    cleat__task_names of = {.tasks = NULL};
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_run_metrics){0};
    cleat_status status = cleat__run_filter_read(filter, CLEAT__RUNS_LIVE | CLEAT__RUNS_ENDED, &of, &what);
    if (status == CLEAT_OK) {
        status =
            cleat__task_names_missing(&of, client->transport->run_metrics(client->transport, &what, out));
    }
    cleat__task_names_deinit(&of);
    return status;
}

cleat_status cleat_client_get_queue_metrics(cleat_client *client, cleat_queue_metrics *out)
{
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_queue_metrics){0};
    cleat_status status = client->transport->queue_metrics(client->transport, out);
    if (status != CLEAT_OK) {
        cleat_queue_metrics_deinit(out);
    }
    return status;
}
