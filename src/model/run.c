#include <cleat/run.h>

#include "base/alloc.h"

const char *cleat_run_status_name(cleat_run_status status)
{
    switch (status) {
    case CLEAT_RUN_QUEUED: return "QUEUED";
    case CLEAT_RUN_RUNNING: return "RUNNING";
    case CLEAT_RUN_COMPLETED: return "COMPLETED";
    case CLEAT_RUN_FAILED: return "FAILED";
    case CLEAT_RUN_CANCELLED: return "CANCELLED";
    case CLEAT_RUN_EVICTED: return "EVICTED";
    }
    return "UNKNOWN";
}

void cleat_run_result_deinit(cleat_run_result *result)
{
    if (result == NULL) {
        return;
    }
    cleat__free(result->output);
    cleat__free(result->error);
    *result = (cleat_run_result){0};
}
