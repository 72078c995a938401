/* GET /api/v1/workflows/{workflow}/metrics: keys of concurrency. */
#include "rest_parts.h"

typedef struct counting {
    cleat__http_call *call;
    cleat__uuid workflow_id;
    unsigned states;
    cleat_slice key;
} counting;

static cleat_status write_keys(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const counting *self = argument;
    cleat__rest_workflow row;
    cleat__rest_keys keys;
    int64_t tenant = self->call->identity.tenant;
    cleat_status status = cleat__rest_query_workflow(store, tenant, &self->workflow_id, NULL, &row);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_keys(store, tenant, &self->workflow_id, self->states, self->key, &keys);
    }
    if (status == CLEAT_OK) {
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_int(writer, "groupKeyRunsCount", keys.runs);
        cleat__writer_int(writer, "groupKeyCount", keys.count);
        cleat__writer_end_object(writer);
    }
    return status;
}

#define ENDED (1U << CLEAT_RUN_COMPLETED)

void cleat__rest_workflow_metrics(cleat__http_call *call)
{
    /* WorkflowRunStatus, or any; what has ended has no key any more. */
    static const char *const choices[] = {"",          "PENDING",   "QUEUED", "BACKOFF", "RUNNING",
                                          "SUCCEEDED", "CANCELLED", "FAILED", NULL};
    static const unsigned queued = 1U << CLEAT_RUN_QUEUED,
                          running = 1U << CLEAT_RUN_RUNNING | 1U << CLEAT_RUN_EVICTED;
    const unsigned states[] = {0, queued, queued, queued, running, ENDED, ENDED, ENDED};
    counting self = {.call = call, .workflow_id = cleat__http_call_id(call, "workflow")};
    int choice = 0;
    if (!cleat__rest_read_choice(call, "status", choices, &choice)) {
        return;
    }
    self.states = states[choice];
    self.key = cleat__http_call_argument(call, "groupKey");
    cleat__rest_answer(call, write_keys, &self);
}
