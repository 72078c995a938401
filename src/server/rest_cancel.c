/* POST .../tasks/cancel */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/engine.h"
#include "http_time.h"

enum { CANCELS_MAX = 20000 };

typedef struct cancels {
    cleat__uuid *ids;
    size_t count, capacity;
    bool failed;
} cancels;

static bool add(cancels *self, const cleat__uuid *id)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity != 0 ? 2 * self->capacity : 64;
        cleat__uuid *ids = cleat__realloc(self->ids, capacity * sizeof(*ids));
        if (ids == NULL) {
            self->failed = true;
            return false;
        }
        self->ids = ids;
        self->capacity = capacity;
    }
    self->ids[self->count++] = *id;
    return true;
}

static bool refuse(cleat__http_call *call, const char *description)
{
    cleat__http_call_fail(call, 400, "%s", description);
    return false;
}

static cleat_slice text_of(const json_t *value)
{
    return (cleat_slice){json_string_value(value), json_string_length(value)};
}

/* ---- By ids ---- */

static bool read_ids(cleat__http_call *call, const json_t *list, cancels *out)
{
    if (!json_is_array(list) || json_array_size(list) > CANCELS_MAX) {
        return refuse(call, "externalIds must be an array of at most 20000 ids");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        cleat__uuid id;
        const json_t *value = json_array_get(list, i);
        if (!json_is_string(value) || cleat__uuid_parse(text_of(value), &id) != CLEAT_OK) {
            return refuse(call, "externalIds must hold UUIDs");
        }
        add(out, &id);
    }
    return true;
}

/* ---- By a filter ---- */

static bool read_time(const json_t *filter, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(filter, key);
    return value == NULL || json_is_null(value) ||
           (json_is_string(value) && cleat__http_time_parse(text_of(value), out));
}

static bool read_statuses(const json_t *list, cleat__rest_filter *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        int status = CLEAT_RUN_QUEUED;
        while (name != NULL && status <= CLEAT_RUN_CANCELLED &&
               strcmp(name, cleat_run_status_name((cleat_run_status)status)) != 0) {
            status++;
        }
        if (name == NULL || status > CLEAT_RUN_CANCELLED) {
            return false;
        }
        out->statuses |= 1U << status;
    }
    return list == NULL || json_is_null(list) || json_is_array(list);
}

static bool read_workflows(const json_t *list, cleat__rest_filter *out)
{
    size_t count = json_array_size(list);
    out->workflow_ids = cleat__calloc(count + 1, sizeof(*out->workflow_ids));
    for (size_t i = 0; out->workflow_ids != NULL && i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_string(value) ||
            cleat__uuid_parse(text_of(value), &out->workflow_ids[out->workflow_count++]) != CLEAT_OK) {
            return false;
        }
    }
    return out->workflow_ids != NULL && (list == NULL || json_is_null(list) || json_is_array(list));
}

static bool read_metadata(json_t *list, cleat__rest_filter *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *pair = json_string_value(json_array_get(list, i));
        if (pair == NULL || strchr(pair, ':') == NULL) {
            return false;
        }
    }
    out->metadata = json_is_array(list) ? json_incref(list) : NULL;
    return list == NULL || json_is_null(list) || json_is_array(list);
}

static bool read_filter(cleat__http_call *call, json_t *object, cleat__rest_filter *out)
{
    *out = (cleat__rest_filter){.until_ms = INT64_MAX, .limit = CANCELS_MAX};
    if (!json_is_string(json_object_get(object, "since")) || !read_time(object, "since", &out->since_ms) ||
        !read_time(object, "until", &out->until_ms)) {
        return refuse(call, "filter.since is required; since and until are times as in RFC 3339");
    }
    if (!read_statuses(json_object_get(object, "statuses"), out)) {
        return refuse(call, "filter.statuses must hold names of statuses");
    }
    if (!read_workflows(json_object_get(object, "workflowIds"), out)) {
        return refuse(call, "filter.workflowIds must hold UUIDs");
    }
    if (!read_metadata(json_object_get(object, "additionalMetadata"), out)) {
        return refuse(call, "filter.additionalMetadata must hold pairs key:value");
    }
    return true;
}

static bool add_run(void *argument, const cleat__rest_run *run)
{
    return add(argument, &run->row.id);
}

static bool find_ids(cleat__http_call *call, json_t *object, cleat__store *store, cancels *out)
{
    cleat__rest_filter filter = {0};
    int64_t total;
    bool is_good = read_filter(call, object, &filter);
    if (is_good) {
        cleat_status status =
            cleat__rest_query_runs(store, call->identity.tenant, &filter, add_run, out, NULL, &total);
        if (status != CLEAT_OK) {
            cleat__http_call_fail_status(call, status);
            is_good = false;
        }
    }
    cleat__rest_filter_deinit(&filter);
    return is_good;
}

/* ---- Both ---- */

/* Runs of other tenants, and unknown ones, are passed over; those that have ended are accepted. */
static cleat_status cancel(cleat__http_call *call, cleat__store *store, const cancels *list,
                           cleat__json_writer *writer)
{
    const cleat__rest *rest = call->service;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < list->count && status == CLEAT_OK; i++) {
        cleat__rest_run run;
        status = cleat__rest_query_run(store, call->identity.tenant, &list->ids[i], &run);
        if (status == CLEAT_OK && !cleat_run_status_is_final(run.row.status)) {
            status = cleat__engine_cancel(rest->engine, call->identity.tenant, &list->ids[i]);
        }
        if (status == CLEAT_OK || status == CLEAT_FAILED_PRECONDITION) {
            cleat__rest_write_uuid(writer, NULL, &list->ids[i]);
        }
        if (status == CLEAT_NOT_FOUND || status == CLEAT_FAILED_PRECONDITION) {
            status = CLEAT_OK;
        }
    }
    return status;
}

static void answer(cleat__http_call *call, cleat__store *store, const cancels *list)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "ids");
    cleat_status status = list->failed ? cleat__fail_memory() : cancel(call, store, list, &writer);
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else {
        cleat__http_call_fail_status(call, status);
        cleat__buffer_deinit(&writer.out);
    }
}

void cleat__rest_cancel(cleat__http_call *call)
{
    cleat__rest *rest = call->service;
    cancels list = {0};
    cleat__store *store = NULL;
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    json_t *ids = json_object_get(body, "externalIds"), *filter = json_object_get(body, "filter");
    bool has_ids = ids != NULL && !json_is_null(ids), has_filter = filter != NULL && !json_is_null(filter);
    cleat_status status = cleat__rest_take(rest, &store);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
    } else if (has_ids == has_filter) {
        refuse(call, "give either externalIds or filter");
    } else if (has_ids ? read_ids(call, ids, &list) : find_ids(call, filter, store, &list)) {
        answer(call, store, &list);
    }
    cleat__rest_give(rest, store);
    cleat__free(list.ids);
    json_decref(body);
}
