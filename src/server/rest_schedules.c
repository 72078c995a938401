/* .../workflows/{workflow}/scheduled and .../workflows/scheduled: runs that are to start at a time. */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"
#include "http_time.h"
#include "model/json.h"
#include "store/schedule.h"

/* ---- Answers ---- */

typedef struct workflow_search {
    cleat_slice name;
    cleat__uuid id; /* nil: there is none (any more) */
} workflow_search;

static bool compare(void *argument, const cleat__rest_workflow *row)
{
    workflow_search *search = argument;
    if (!cleat_slice_equals(row->name, search->name)) {
        return true;
    }
    search->id = row->id;
    return false;
}

static void write_schedule(cleat__json_writer *writer, const cleat__http_call *call, cleat__store *store,
                           const cleat__schedule_row *row)
{
    workflow_search search = {.name = row->schedule.workflow};
    (void)cleat__rest_query_workflows(store, row->tenant, compare, &search);
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms, row->created_at_ms);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_uuid(writer, "workflowId", &search.id);
    cleat__rest_write_uuid(writer, "workflowVersionId", &search.id); /* the newest one, whatever it will be */
    cleat__writer_slice(writer, "workflowName", row->schedule.workflow);
    cleat__rest_write_time(writer, "triggerAt", row->at_ms);
    cleat__rest_write_payload(writer, "input", row->schedule.input);
    cleat__rest_write_payload(writer, "additionalMetadata", row->schedule.metadata);
    cleat__writer_string(writer, "method", row->schedule.method == CLEAT__SCHEDULE_API ? "API" : "DEFAULT");
    cleat__writer_int(writer, "priority", row->schedule.priority != 0 ? row->schedule.priority : 1);
    cleat__writer_end_object(writer);
}

/* `fired`: what to say of it when it is not in the file any more; NULL: that it is not there. */
static void answer_one(cleat__http_call *call, const cleat__uuid *id, const cleat__schedule_row *fired)
{
    cleat__rest *rest = call->service;
    cleat__store *store = NULL;
    cleat__schedule_row row;
    cleat__json_writer writer = {0};
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = cleat__schedule_get(store, call->identity.tenant, id, &row);
        if (status == CLEAT_NOT_FOUND && fired != NULL) {
            row = *fired;
            status = CLEAT_OK;
        }
    }
    if (status == CLEAT_OK) {
        write_schedule(&writer, call, store, &row);
        cleat__http_call_answer_json(call, 200, &writer);
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__rest_give(rest, store);
}

/* ---- Making one ---- */

/* A member that is a JSON object, as text that the caller frees; NULL: `*is_good` says whether it may be. */
static char *read_object(const json_t *body, const char *key, bool *is_good)
{
    const json_t *value = json_object_get(body, key);
    bool is_there = value != NULL && !json_is_null(value);
    *is_good = !is_there || json_is_object(value);
    return is_there && *is_good ? json_dumps(value, JSON_COMPACT) : NULL;
}

typedef struct asked {
    cleat__schedule schedule;
    int64_t at_ms;
    char *input, *metadata; /* owned, of jansson */
} asked;

static bool read_body(cleat__http_call *call, const json_t *body, asked *out)
{
    const json_t *at = json_object_get(body, "triggerAt"), *priority = json_object_get(body, "priority");
    bool has_input, has_metadata;
    out->input = read_object(body, "input", &has_input);
    out->metadata = read_object(body, "additionalMetadata", &has_metadata);
    bool has_time =
        json_is_string(at) &&
        cleat__http_time_parse((cleat_slice){json_string_value(at), json_string_length(at)}, &out->at_ms);
    bool has_priority = priority == NULL || json_is_null(priority) || json_is_integer(priority);
    if (!has_time || !has_input || !has_metadata || !has_priority) {
        cleat__http_call_fail(call, 400, "%s",
                              !has_time       ? "triggerAt must be a time as in RFC 3339"
                              : !has_input    ? "input must be an object"
                              : !has_metadata ? "additionalMetadata must be an object"
                                              : "priority must be 1, 2 or 3");
        return false;
    }
    json_int_t number = json_is_integer(priority) ? json_integer_value(priority) : 0;
    out->schedule = (cleat__schedule){
        .workflow = cleat__http_call_part(call, "workflow"),
        .input = cleat_slice_of(out->input),
        .metadata = cleat_slice_of(out->metadata),
        .priority = number >= 0 && number <= CLEAT_PRIORITY_HIGH ? (int32_t)number : -1,
        .method = CLEAT__SCHEDULE_API,
    };
    return true;
}

static cleat_status make(cleat__http_call *call, const asked *it, cleat__uuid *id)
{
    const cleat__rest *rest = call->service;
    cleat_status status = cleat__json_check("input", it->schedule.input, true);
    if (it->input == NULL) {
        status = CLEAT_OK;
    }
    if (status == CLEAT_OK && it->metadata != NULL) {
        status = cleat__json_check("additionalMetadata", it->schedule.metadata, true);
    }
    if (status == CLEAT_OK) {
        status =
            cleat__engine_schedule(rest->engine, call->identity.tenant, &it->schedule, &it->at_ms, 1, id);
    }
    return status;
}

/* A time that is not in the future has fired before it can be read. */
static void answer_made(cleat__http_call *call, const asked *it, const cleat__uuid *id, int64_t now_ms)
{
    const cleat__schedule_row made = {
        .id = *id,
        .tenant = call->identity.tenant,
        .at_ms = it->at_ms,
        .created_at_ms = now_ms,
        .schedule = it->schedule,
    };
    answer_one(call, id, &made);
}

void cleat__rest_schedule_create(cleat__http_call *call)
{
    asked it = {.at_ms = 0};
    cleat__uuid id;
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    if (read_body(call, body, &it)) {
        cleat_status status = make(call, &it, &id);
        if (status == CLEAT_OK) {
            answer_made(call, &it, &id, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
        } else if (status == CLEAT_NOT_FOUND) {
            cleat__http_call_fail(call, 400, "workflow not found");
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    free(it.input);
    free(it.metadata);
    json_decref(body);
}

/* ---- Looking, and taking back ---- */

void cleat__rest_schedule_get(cleat__http_call *call)
{
    cleat__uuid id = cleat__http_call_id(call, "scheduledWorkflowRun");
    answer_one(call, &id, NULL);
}

void cleat__rest_schedule_delete(cleat__http_call *call)
{
    const cleat__rest *rest = call->service;
    cleat__uuid id = cleat__http_call_id(call, "scheduledWorkflowRun");
    cleat_status status = cleat__engine_unschedule(rest->engine, call->identity.tenant, &id);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_nothing(call, 204);
    } else {
        cleat__http_call_fail_status(call, status);
    }
}
