#include "rest_parts.h"

#include "base/alloc.h"
#include "base/clock.h"

static bool read_statuses(cleat__http_call *call, cleat__rest_filter *out)
{
    cleat_slice value;
    size_t cursor = 0;
    while (cleat__http_call_next(call, "statuses", &cursor, &value)) {
        int status = CLEAT_RUN_QUEUED;
        while (status <= CLEAT_RUN_CANCELLED &&
               !cleat_slice_equals(value, cleat_slice_of(cleat_run_status_name((cleat_run_status)status)))) {
            status++;
        }
        if (status > CLEAT_RUN_CANCELLED) {
            cleat__http_call_refuse(call, 400, "Invalid format for parameter statuses");
            return false;
        }
        out->statuses |= 1U << status;
    }
    return true;
}

static bool read_workflows(cleat__http_call *call, cleat__rest_filter *out)
{
    cleat_slice value;
    size_t cursor = 0, count = 0;
    while (cleat__http_call_next(call, "workflow_ids", &cursor, &value)) {
        count++;
    }
    if (count == 0) {
        return true;
    }
    out->workflow_ids = cleat__calloc(count, sizeof(*out->workflow_ids));
    if (out->workflow_ids == NULL) {
        cleat__http_call_refuse(call, 503, "out of memory");
        return false;
    }
    cursor = 0;
    while (cleat__http_call_next(call, "workflow_ids", &cursor, &value)) {
        if (cleat__uuid_parse(value, &out->workflow_ids[out->workflow_count++]) != CLEAT_OK) {
            cleat__http_call_refuse(call, 400, "Invalid format for parameter workflow_ids");
            return false;
        }
    }
    return true;
}

static bool read_metadata(cleat__http_call *call, cleat__rest_filter *out)
{
    cleat_slice value, wanted = cleat__http_call_argument(call, "additional_metadata_operator");
    size_t cursor = 0;
    out->needs_all_metadata = cleat_slice_equals(wanted, cleat_slice_of("AND"));
    if (wanted.data != NULL && !out->needs_all_metadata &&
        !cleat_slice_equals(wanted, cleat_slice_of("OR"))) {
        cleat__http_call_refuse(call, 400, "Invalid format for parameter additional_metadata_operator");
        return false;
    }
    out->metadata = json_array();
    while (cleat__http_call_next(call, "additional_metadata", &cursor, &value)) {
        json_t *pair = json_stringn(value.data, value.size);
        if (pair == NULL || memchr(value.data, ':', value.size) == NULL) {
            json_decref(pair);
            cleat__http_call_fail(call, 400, "additional_metadata must be key:value");
            return false;
        }
        json_array_append_new(out->metadata, pair);
    }
    return true;
}

/* Filters by what no run has: an event, a key of idempotency. */
static bool read_strangers(cleat__http_call *call, cleat__rest_filter *out)
{
    bool has_event = false;
    cleat__uuid id;
    if (!cleat__http_call_uuid(call, "triggering_event_external_id", &id, &has_event)) {
        return false;
    }
    out->matches_nothing = has_event || cleat__http_call_argument(call, "idempotency_keys").data != NULL;
    return true;
}

bool cleat__rest_read_filter(cleat__http_call *call, cleat__rest_filter *out)
{
    *out = (cleat__rest_filter){.until_ms = INT64_MAX};
    if (cleat__http_call_argument(call, "since").data == NULL) {
        cleat__http_call_refuse(call, 400, "parameter \"since\" in query has an error: value is required");
        return false;
    }
    return cleat__http_call_time(call, "since", &out->since_ms) &&
           cleat__http_call_time(call, "until", &out->until_ms) &&
           cleat__http_call_uuid(call, "parent_task_external_id", &out->parent_id, &out->has_parent) &&
           read_statuses(call, out) && read_workflows(call, out) && read_metadata(call, out) &&
           read_strangers(call, out);
}
