#include "rest_parts.h"

static bool read_metadata(cleat__http_call *call, cleat__rest_filter *out)
{
    static const char *const operators[] = {"OR", "AND", NULL};
    int kind = 0;
    if (!cleat__rest_read_choice(call, "additional_metadata_operator", operators, &kind)) {
        return false;
    }
    out->needs_all_metadata = kind == 1;
    return cleat__rest_read_pairs(call, "additional_metadata", &out->metadata);
}

static bool read_idempotency(cleat__http_call *call, cleat__rest_filter *out)
{
    return cleat__rest_read_texts(call, "idempotency_keys", &out->idempotency_keys);
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
           cleat__http_call_uuid(call, "triggering_event_external_id", &out->event_id, &out->has_event) &&
           cleat__rest_read_ids(call, "workflow_ids", &out->workflows) &&
           cleat__rest_read_statuses(call, "statuses", &out->statuses) && read_metadata(call, out) &&
           read_idempotency(call, out);
}
