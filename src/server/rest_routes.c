/* The table of the API. docs/http-api.md shows it, and a test compares the two. */
#include "rest_parts.h"

#define TENANT "/api/v1/tenants/{tenant}"
#define STABLE "/api/v1/stable/tenants/{tenant}"

void cleat__rest_unsupported(cleat__http_call *call)
{
    cleat__http_call_fail(call, 501, "%s is not supported yet", call->route->feature);
}

void cleat__rest_deprecated(cleat__http_call *call)
{
    cleat__http_call_refuse(call, 400, "This endpoint is deprecated.");
}

void cleat__rest_tenant_get(cleat__http_call *call)
{
    const cleat__rest *rest = call->service;
    cleat__rest_tenant tenant = {0};
    cleat__uuid_format(&call->identity.tenant_id, tenant.name);
    cleat_status status = CLEAT_OK;
    if (rest->options.describe != NULL) {
        status = rest->options.describe(rest->options.describe_self, &call->identity, &tenant);
    }
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
        return;
    }
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__rest_write_metadata(&writer, &call->identity.tenant_id, tenant.created_at_ms,
                               tenant.created_at_ms);
    cleat__writer_string(&writer, "name", tenant.name);
    cleat__writer_string(&writer, "slug", tenant.name);
    cleat__writer_string(&writer, "version", "V1");
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

#define LATER(method, pattern, flags, feature)                   \
    {                                                            \
        method, pattern, flags, cleat__rest_unsupported, feature \
    }
#define GONE(method, pattern, flags)                         \
    {                                                        \
        method, pattern, flags, cleat__rest_deprecated, NULL \
    }

static const cleat__http_route routes[] = {
    {"GET", TENANT, 0, cleat__rest_tenant_get, NULL},

    LATER("GET", "/api/v1/workers/{worker}", 0, "reading workers"),
    LATER("GET", TENANT "/worker", 0, "listing workers"),
    LATER("PATCH", "/api/v1/workers/{worker}", 0, "pausing workers"),

    {"GET", "/api/v1/stable/workflow-runs/{v1WorkflowRun}", 0, cleat__rest_run_get, NULL},
    {"GET", "/api/v1/stable/workflow-runs/{v1WorkflowRun}/status", 0, cleat__rest_run_status, NULL},
    {"GET", STABLE "/workflow-runs", 0, cleat__rest_run_list, NULL},
    {"POST", STABLE "/tasks/cancel", 0, cleat__rest_cancel, NULL},
    LATER("POST", STABLE "/tasks/replay", 0, "replay"),
    LATER("POST", "/api/v1/stable/tasks/{task}/restore", 0, "restoring evicted tasks"),
    LATER("POST", STABLE "/durable-tasks/branch", 0, "branching durable tasks"),
    GONE("GET", TENANT "/workflow-runs/{workflowRun}", 0),
    GONE("GET", TENANT "/workflow-runs/{workflowRun}/shape", 0),
    GONE("GET", TENANT "/step-runs/{stepRun}", 0),
    GONE("GET", TENANT "/webhook-workers", 0),

    {"POST", TENANT "/workflows/{workflow}/scheduled", CLEAT__HTTP_NAMED, cleat__rest_schedule_create, NULL},
    LATER("PATCH", TENANT "/workflows/scheduled/{scheduledWorkflowRun}", 0, "changing scheduled runs"),
    {"DELETE", TENANT "/workflows/scheduled/{scheduledWorkflowRun}", 0, cleat__rest_schedule_delete, NULL},
    LATER("GET", TENANT "/workflows/scheduled", 0, "listing scheduled runs"),
    {"GET", TENANT "/workflows/scheduled/{scheduledWorkflowRun}", 0, cleat__rest_schedule_get, NULL},
    LATER("POST", TENANT "/workflows/scheduled/bulk-delete", 0, "deleting scheduled runs"),
    LATER("POST", TENANT "/workflows/scheduled/bulk-update", 0, "changing scheduled runs"),

    LATER("POST", TENANT "/workflows/{workflow}/crons", CLEAT__HTTP_NAMED, "making crons"),
    LATER("DELETE", TENANT "/workflows/crons/{cronWorkflow}", 0, "deleting crons"),
    LATER("GET", TENANT "/workflows/crons", 0, "listing crons"),
    LATER("GET", TENANT "/workflows/crons/{cronWorkflow}", 0, "reading crons"),

    {"GET", TENANT "/workflows", 0, cleat__rest_workflow_list, NULL},
    {"GET", "/api/v1/workflows/{workflow}", 0, cleat__rest_workflow_get, NULL},
    LATER("GET", "/api/v1/workflows/{workflow}/versions", 0, "reading versions of workflows"),
    LATER("GET", "/api/v1/workflows/{workflow}/metrics", 0, "metrics of a workflow"),
    LATER("DELETE", "/api/v1/workflows/{workflow}", 0, "deleting workflows"),

    LATER("GET", STABLE "/filters", 0, "listing filters"),
    LATER("GET", STABLE "/filters/{v1Filter}", 0, "reading filters"),
    LATER("POST", STABLE "/filters", 0, "making filters"),
    LATER("PATCH", STABLE "/filters/{v1Filter}", 0, "changing filters"),
    LATER("DELETE", STABLE "/filters/{v1Filter}", 0, "deleting filters"),

    {"GET", "/api/v1/stable/tasks/{task}/logs", 0, cleat__rest_log_list, NULL},

    {"GET", STABLE "/task-metrics", 0, cleat__rest_task_metrics, NULL},
    {"GET", TENANT "/step-run-queue-metrics", 0, cleat__rest_queue_metrics, NULL},
    LATER("GET", TENANT "/prometheus-metrics", 0, "metrics of a tenant"),
    LATER("GET", TENANT "/task-stats", 0, "statistics of tasks"),
    LATER("GET", TENANT "/rate-limits", 0, "listing rate limits"),

    LATER("GET", STABLE "/webhooks", 0, "listing webhooks"),
    LATER("GET", STABLE "/webhooks/{v1Webhook}", CLEAT__HTTP_NAMED, "reading webhooks"),
    LATER("POST", STABLE "/webhooks", 0, "making webhooks"),
    LATER("PATCH", STABLE "/webhooks/{v1Webhook}", CLEAT__HTTP_NAMED, "changing webhooks"),
    LATER("DELETE", STABLE "/webhooks/{v1Webhook}", CLEAT__HTTP_NAMED, "deleting webhooks"),
    /* Who calls it is known by the webhook's own secret. */
    LATER("POST", STABLE "/webhooks/{v1Webhook}", CLEAT__HTTP_NAMED | CLEAT__HTTP_OPEN, "receiving webhooks"),

    LATER("POST", STABLE "/cel/debug", 0, "trying out expressions"),
    LATER("GET", STABLE "/events", 0, "listing events"),
    LATER("GET", STABLE "/traces", 0, "listing spans of a run"),
};

cleat__http_table cleat__rest_table(cleat__rest *rest)
{
    return (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), rest};
}
