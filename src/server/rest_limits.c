/* GET /api/v1/workflows/{workflow}/metrics: keys of concurrency; and .../rate-limits */
#include "rest_parts.h"

#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"

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

/* ---- Rate limits ---- */

typedef struct rate_list {
    cleat__http_call *call;
    cleat__json_writer *writer;
    cleat__rest_page page;
    cleat__rate_filter filter;
} rate_list;

/* By cleat_rate_limit_duration. */
static const char *const windows[] = {"",      "1 SECOND", "1 MINUTE", "1 HOUR",
                                      "1 DAY", "1 WEEK",   "1 MONTH",  "1 YEAR"};

static bool write_rate(void *argument, const cleat__rate_found *row)
{
    rate_list *self = argument;
    if (cleat__rest_page_take(&self->page)) {
        int duration = cleat__rate_duration_of(row->window.window_ms);
        cleat__writer_begin_object(self->writer, NULL);
        cleat__writer_slice(self->writer, "key", row->key);
        cleat__rest_write_uuid(self->writer, "tenantId", &self->call->identity.tenant_id);
        cleat__writer_int(self->writer, "limitValue", row->window.limit);
        cleat__writer_int(self->writer, "value", row->window.value);
        cleat__writer_string(self->writer, "window", windows[duration > 0 ? duration : 0]);
        cleat__rest_write_time(self->writer, "lastRefill", row->window.refilled_ms);
        cleat__writer_end_object(self->writer);
    }
    return cleat__rest_page_goes_on(&self->page) && !cleat__answer_is_full(self->writer);
}

static cleat_status write_rates(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    rate_list *self = argument;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status =
        cleat__rate_list(store, self->call->identity.tenant, &self->filter, write_rate, self);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_rate_list(cleat__http_call *call)
{
    static const char *const orders[] = {"key", "value", "limitValue", NULL};
    static const char *const directions[] = {"asc", "desc", NULL};
    rate_list self = {.call = call};
    int order = CLEAT__RATE_BY_KEY, direction = 0;
    if (!cleat__rest_read_page(call, &self.page) ||
        !cleat__rest_read_choice(call, "orderByField", orders, &order) ||
        !cleat__rest_read_choice(call, "orderByDirection", directions, &direction)) {
        return;
    }
    self.filter = (cleat__rate_filter){
        .search = cleat__http_call_argument(call, "search"),
        .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
        .order = (cleat__rate_order)order,
        .is_descending = direction != 0,
    };
    cleat__rest_answer(call, write_rates, &self);
}

void cleat__rest_rate_delete(cleat__http_call *call)
{
    const cleat__rest *rest = call->service;
    cleat_slice key = cleat__http_call_argument(call, "key");
    if (key.size == 0) {
        cleat__http_call_refuse(call, 400, "Invalid format for parameter key");
        return;
    }
    cleat_status status = cleat__engine_delete_rate_limit(rest->engine, call->identity.tenant, key);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_nothing(call, 204);
    } else {
        cleat__http_call_fail_status(call, status);
    }
}
