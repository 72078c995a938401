/* Forking the log of a workflow. */
#include <cleat/workflow.h>

#include "base/error.h"
#include "sdk/client.h"

#include <inttypes.h>

cleat_status cleat_workflow_branch(cleat_client *client, const cleat_run_id *id, int64_t branch, int64_t node,
                                   int64_t *made)
{
    cleat__uuid uuid;
    int64_t newest = 0;
    cleat_status status = cleat__run_id_parse(client, id, &uuid);
    if (status == CLEAT_OK && (branch < 0 || node < 1)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "branch is %" PRId64 " and node %" PRId64 "; they must be at least 0 and 1",
                           branch, node);
    }
    if (status == CLEAT_OK) {
        status = client->transport->branch(client->transport, &uuid, (cleat__node){branch, node}, &newest);
    }
    if (status == CLEAT_OK && made != NULL) {
        *made = newest;
    }
    return status;
}
