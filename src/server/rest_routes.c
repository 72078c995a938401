/* The table of the API. docs/http-api.md shows it, and a test compares the two. */
#include "rest_parts.h"
#include "store/tenant.h"
#include "version.h"

#define TENANT "/api/v1/tenants/{tenant}"
#define STABLE "/api/v1/stable/tenants/{tenant}"

void cleat__rest_deprecated(cleat__http_call *call)
{
    cleat__http_call_refuse(call, 400, "This endpoint is deprecated.");
}

static cleat_status write_tenant(void *call, cleat__store *store, cleat__json_writer *writer)
{
    const cleat__identity *identity = &((const cleat__http_call *)call)->identity;
    cleat__tenant tenant;
    cleat_status status = cleat__tenant_get(store, identity->tenant, &tenant);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &identity->tenant_id, tenant.created_at_ms, tenant.created_at_ms);
    cleat__writer_string(writer, "name", tenant.name);
    cleat__writer_string(writer, "slug", tenant.name);
    cleat__writer_string(writer, "version", "V1");
    cleat__writer_end_object(writer);
    return CLEAT_OK;
}

void cleat__rest_tenant_get(cleat__http_call *call)
{
    cleat__rest_answer(call, write_tenant, call);
}

/* ---- What asks for no token ---- */

void cleat__rest_version_get(cleat__http_call *call)
{
    char version[CLEAT__VERSION_SIZE];
    cleat__json_writer writer = {0};
    cleat__version_format(version);
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "version", version);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

/* What a dashboard asks before it knows who is there: people can do nothing here but read. */
void cleat__rest_meta_get(cleat__http_call *call)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_object(&writer, "auth");
    cleat__writer_begin_array(&writer, "schemes");
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    cleat__writer_bool(&writer, "allowSignup", false);
    cleat__writer_bool(&writer, "allowInvites", false);
    cleat__writer_bool(&writer, "allowCreateTenant", false);
    cleat__writer_bool(&writer, "allowChangePassword", false);
    cleat__writer_bool(&writer, "observabilityEnabled", true);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

/* ---- The table ---- */

#define GONE(method, pattern, flags)                   \
    {                                                  \
        method, pattern, flags, cleat__rest_deprecated \
    }

#define WORKS(method, pattern, flags, handle)        \
    {                                                \
        method, pattern, flags, cleat__rest_##handle \
    }
#define SCHEDULED TENANT "/workflows/scheduled/{scheduledWorkflowRun}"
#define WEBHOOK   STABLE "/webhooks/{v1Webhook}"

static const cleat__http_route routes[] = {
    WORKS("GET", "/api/v1/version", CLEAT__HTTP_OPEN, version_get),
    WORKS("GET", "/api/v1/meta", CLEAT__HTTP_OPEN, meta_get),
    WORKS("GET", TENANT, 0, tenant_get),

    WORKS("GET", "/api/v1/workers/{worker}", 0, worker_get),
    WORKS("GET", TENANT "/worker", 0, worker_list),
    WORKS("PATCH", "/api/v1/workers/{worker}", 0, worker_update),

    WORKS("GET", STABLE "/workflow-runs/external-ids", 0, run_ids),
    WORKS("GET", STABLE "/workflow-runs/display-names", 0, run_names),
    WORKS("POST", STABLE "/workflow-runs/trigger", 0, run_trigger),
    WORKS("GET", STABLE "/workflow-runs", 0, run_list),
    WORKS("GET", "/api/v1/stable/workflow-runs/{v1WorkflowRun}", 0, run_get),
    WORKS("GET", "/api/v1/stable/workflow-runs/{v1WorkflowRun}/status", 0, run_status),
    WORKS("GET", "/api/v1/stable/workflow-runs/{v1WorkflowRun}/task-events", 0, run_events),
    WORKS("GET", "/api/v1/stable/workflow-runs/{v1WorkflowRun}/task-timings", 0, run_timings),
    WORKS("GET", "/api/v1/stable/tasks/{task}", 0, task_get),
    WORKS("GET", "/api/v1/stable/tasks/{task}/task-events", 0, task_events),
    WORKS("GET", "/api/v1/stable/tasks/{task}/logs", 0, log_list),
    WORKS("POST", STABLE "/tasks/cancel", 0, cancel),
    WORKS("POST", STABLE "/tasks/replay", 0, replay),
    WORKS("POST", "/api/v1/stable/tasks/{task}/restore", 0, task_restore),
    WORKS("POST", STABLE "/durable-tasks/branch", 0, task_branch),
    GONE("GET", TENANT "/workflow-runs/{workflowRun}", 0),
    GONE("GET", TENANT "/workflow-runs/{workflowRun}/shape", 0),
    GONE("GET", TENANT "/step-runs/{stepRun}", 0),
    GONE("GET", TENANT "/webhook-workers", 0),

    WORKS("POST", TENANT "/workflows/{workflow}/scheduled", CLEAT__HTTP_NAMED, schedule_create),
    WORKS("GET", TENANT "/workflows/scheduled", 0, schedule_list),
    WORKS("POST", TENANT "/workflows/scheduled/bulk-delete", 0, schedule_bulk_delete),
    WORKS("POST", TENANT "/workflows/scheduled/bulk-update", 0, schedule_bulk_update),
    WORKS("GET", SCHEDULED, 0, schedule_get),
    WORKS("PATCH", SCHEDULED, 0, schedule_update),
    WORKS("DELETE", SCHEDULED, 0, schedule_delete),
    WORKS("POST", SCHEDULED, 0, schedule_trigger),

    WORKS("POST", TENANT "/workflows/{workflow}/crons", CLEAT__HTTP_NAMED, cron_create),
    WORKS("GET", TENANT "/workflows/crons", 0, cron_list),
    WORKS("GET", TENANT "/workflows/crons/{cronWorkflow}", 0, cron_get),
    WORKS("PATCH", TENANT "/workflows/crons/{cronWorkflow}", 0, cron_update),
    WORKS("DELETE", TENANT "/workflows/crons/{cronWorkflow}", 0, cron_delete),
    WORKS("POST", TENANT "/workflows/crons/{cronWorkflow}", 0, cron_trigger),

    WORKS("GET", TENANT "/workflows", 0, workflow_list),
    WORKS("GET", "/api/v1/workflows/{workflow}", 0, workflow_get),
    WORKS("GET", "/api/v1/workflows/{workflow}/versions", 0, workflow_version),
    WORKS("GET", "/api/v1/workflows/{workflow}/metrics", 0, workflow_metrics),
    WORKS("PATCH", "/api/v1/workflows/{workflow}", 0, workflow_update),
    WORKS("DELETE", "/api/v1/workflows/{workflow}", 0, workflow_delete),

    WORKS("GET", STABLE "/events", 0, event_list),
    WORKS("GET", STABLE "/events/keys", 0, event_keys),
    WORKS("GET", STABLE "/events/{v1Event}", 0, event_get),
    WORKS("POST", TENANT "/events", 0, event_push),
    WORKS("POST", TENANT "/events/bulk", 0, event_push_many),
    WORKS("POST", TENANT "/events/replay", 0, event_replay),

    WORKS("GET", STABLE "/filters", 0, filter_list),
    WORKS("GET", STABLE "/filters/{v1Filter}", 0, filter_get),
    WORKS("POST", STABLE "/filters", 0, filter_create),
    WORKS("PATCH", STABLE "/filters/{v1Filter}", 0, filter_update),
    WORKS("DELETE", STABLE "/filters/{v1Filter}", 0, filter_delete),

    WORKS("GET", STABLE "/task-metrics", 0, task_metrics),
    WORKS("GET", STABLE "/task-point-metrics", 0, point_metrics),
    WORKS("GET", TENANT "/queue-metrics", 0, queue_metrics),
    WORKS("GET", TENANT "/step-run-queue-metrics", 0, step_queue_metrics),
    WORKS("GET", TENANT "/task-stats", 0, task_stats),
    WORKS("GET", TENANT "/prometheus-metrics", 0, prometheus),
    WORKS("GET", TENANT "/rate-limits", 0, rate_list),
    WORKS("DELETE", TENANT "/rate-limits", 0, rate_delete),

    WORKS("GET", STABLE "/webhooks", 0, webhook_list),
    WORKS("GET", WEBHOOK, CLEAT__HTTP_NAMED, webhook_get),
    WORKS("POST", STABLE "/webhooks", 0, webhook_create),
    WORKS("PATCH", WEBHOOK, CLEAT__HTTP_NAMED, webhook_update),
    WORKS("DELETE", WEBHOOK, CLEAT__HTTP_NAMED, webhook_delete),
    /* Who calls it is known by the webhook's own secret. */
    WORKS("POST", WEBHOOK, CLEAT__HTTP_NAMED | CLEAT__HTTP_OPEN, webhook_receive),

    WORKS("POST", STABLE "/cel/debug", 0, cel_debug),
    WORKS("GET", STABLE "/traces", 0, span_list),
};

cleat__http_table cleat__rest_table(cleat__rest *rest)
{
    return (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), rest};
}
