/*
 * Runs that are to start at a time. Over HTTP, as only what was made over HTTP can be taken back over HTTP, and
 * there is no other way for that; over gRPC when nobody says where the HTTP side is.
 */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/rfc3339.h"
#include "transport/remote_http.h"
#include "transport/schedule_list.h"
#include "wire/message.h"
#include "wire/timestamp.h"
#include "wire/workflows.pb-c.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const cleat_slice none = {NULL, 0};

/* ---- Making them over gRPC ---- */

static char *remote_text(const cleat__link *link, cleat_slice name, bool *failed)
{
    cleat__buffer text = {0};
    cleat__remote_name(&link->settings, name, &text);
    *failed = *failed || text.failed;
    char *copy = cleat__message_text(failed, cleat__buffer_slice(&text));
    cleat__buffer_deinit(&text);
    return copy;
}

/* NULL on no memory. */
static Cleat__ScheduleWorkflowRequest *write_schedule(const cleat__link *link,
                                                      const cleat__schedule *schedule, const int64_t *at_ms,
                                                      size_t count)
{
    bool failed = false;
    Cleat__ScheduleWorkflowRequest *message =
        cleat__message_new(&cleat__schedule_workflow_request__descriptor);
    if (message == NULL) {
        return NULL;
    }
    message->name = remote_text(link, schedule->workflow, &failed);
    message->input =
        cleat__message_text(&failed, schedule->input.data != NULL ? schedule->input : cleat_slice_of("{}"));
    message->schedules = cleat__calloc(count, sizeof(*message->schedules));
    failed = failed || message->schedules == NULL;
    while (!failed && message->n_schedules < count) {
        message->schedules[message->n_schedules] = cleat__timestamp_new(&failed, at_ms[message->n_schedules]);
        message->n_schedules += !failed;
    }
    if (schedule->metadata.data != NULL) {
        message->has_additional_metadata_case =
            CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
        message->additional_metadata = cleat__message_text(&failed, schedule->metadata);
    }
    if (schedule->priority != 0) {
        message->has_priority_case = CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_PRIORITY_PRIORITY;
        message->priority = schedule->priority;
    }
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

static cleat_status read_ids(const cleat__link *link, const Cleat__WorkflowVersion *reply, size_t count,
                             cleat__uuid *ids)
{
    if (reply->n_scheduled_workflows != count) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s answers %zu times with %zu schedules",
                           link->settings.address, count, reply->n_scheduled_workflows);
    }
    for (size_t i = 0; i < count; i++) {
        const char *id = reply->scheduled_workflows[i]->id;
        if (cleat__uuid_parse(cleat_slice_of(id), &ids[i]) != CLEAT_OK) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "the server at %s gives a schedule an id that is no UUID: \"%.64s\"",
                               link->settings.address, id);
        }
    }
    return CLEAT_OK;
}

static cleat_status make_by_grpc(cleat__link *link, const cleat__schedule *schedule, const int64_t *at_ms,
                                 size_t count, cleat__uuid *ids)
{
    static const cleat__method method = {"/WorkflowService/ScheduleWorkflow",
                                         &cleat__workflow_version__descriptor, false};
    void *reply = NULL;
    Cleat__ScheduleWorkflowRequest *message = write_schedule(link, schedule, at_ms, count);
    if (message == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__link_call(link, &method, message, INT64_MAX, &reply);
    if (status == CLEAT_OK) {
        status = read_ids(link, reply, count, ids);
    }
    cleat__message_free(reply);
    cleat__message_free(message);
    return status;
}

/* ---- Making them over HTTP ---- */

static void write_body(const cleat__schedule *schedule, int64_t at_ms, cleat__buffer *out)
{
    char time[CLEAT__RFC3339_SIZE];
    cleat__rfc3339_format(at_ms, time);
    cleat__buffer_append_format(out, "{\"triggerAt\":\"%s\",\"input\":", time);
    cleat__buffer_append_slice(out, schedule->input.data != NULL ? schedule->input : cleat_slice_of("{}"));
    cleat__buffer_append_string(out, ",\"additionalMetadata\":");
    cleat__buffer_append_slice(out,
                               schedule->metadata.data != NULL ? schedule->metadata : cleat_slice_of("{}"));
    if (schedule->priority != 0) {
        cleat__buffer_append_format(out, ",\"priority\":%" PRId32, schedule->priority);
    }
    cleat__buffer_append_byte(out, '}');
}

static cleat_status read_made(const cleat__link *link, cleat_slice reply, cleat__uuid *id)
{
    json_t *root = json_loadb(reply.data != NULL ? reply.data : "", reply.size, 0, NULL);
    const char *text = json_string_value(json_object_get(json_object_get(root, "metadata"), "id"));
    cleat_status status = CLEAT_OK;
    if (text == NULL || cleat__uuid_parse(cleat_slice_of(text), id) != CLEAT_OK) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s gives a schedule no id that is a UUID",
                             link->settings.api_url);
    }
    json_decref(root);
    return status;
}

static cleat_status make_one(cleat__link *link, const char *path, const cleat__schedule *schedule,
                             int64_t at_ms, cleat__uuid *id)
{
    cleat__buffer body = {0}, reply = {0};
    write_body(schedule, at_ms, &body);
    cleat_status status =
        body.failed ? cleat__fail_memory()
                    : cleat__remote_http(&link->settings, "POST", path, cleat__buffer_slice(&body), &reply);
    if (status == CLEAT_OK) {
        status = read_made(link, cleat__buffer_slice(&reply), id);
    } else if (status == CLEAT_INVALID_ARGUMENT &&
               strstr(cleat_error_message(), "workflow not found") != NULL) {
        status =
            cleat__fail(CLEAT_NOT_FOUND,
                        "there is no task \"%.*s\": no worker has declared it; check the name, and start the "
                        "worker first",
                        CLEAT_SLICE_ARGS(schedule->workflow));
    }
    cleat__buffer_deinit(&body);
    cleat__buffer_deinit(&reply);
    return status;
}

/* The message of what went wrong stays. */
static void take_back(cleat__link *link, const cleat__uuid *ids, size_t count, cleat_status status)
{
    char message[CLEAT__CALL_TEXT];
    snprintf(message, sizeof(message), "%s", cleat_error_message());
    for (size_t i = 0; i < count; i++) {
        (void)cleat__remote_unschedule(link, &ids[i]);
    }
    (void)cleat__fail(status, "%s", message);
}

/* There is no way to make many at once. */
static cleat_status make_by_http(cleat__link *link, const cleat__schedule *schedule, const int64_t *at_ms,
                                 size_t count, cleat__uuid *ids)
{
    cleat__buffer path = {0};
    cleat__buffer_append_string(&path, "/workflows/");
    cleat__remote_name(&link->settings, schedule->workflow, &path);
    cleat__buffer_append_string(&path, "/scheduled");
    char *text = cleat__buffer_take_string(&path);
    cleat_status status = text != NULL ? CLEAT_OK : cleat__fail_memory();
    size_t made = 0;
    while (status == CLEAT_OK && made < count) {
        status = make_one(link, text, schedule, at_ms[made], &ids[made]);
        made += status == CLEAT_OK;
    }
    if (status != CLEAT_OK) {
        take_back(link, ids, made, status);
    }
    cleat__free(text);
    return status;
}

cleat_status cleat__remote_schedule(cleat__link *link, const cleat__schedule *schedule, const int64_t *at_ms,
                                    size_t count, cleat__uuid *ids)
{
    return cleat__remote_http_is_known(&link->settings) ? make_by_http(link, schedule, at_ms, count, ids)
                                                        : make_by_grpc(link, schedule, at_ms, count, ids);
}

/* ---- Looking, and taking back ---- */

cleat_status cleat__remote_unschedule(cleat__link *link, const cleat__uuid *id)
{
    cleat__buffer reply = {0};
    char path[80], text[37];
    cleat__uuid_format(id, text);
    snprintf(path, sizeof(path), "/workflows/scheduled/%s", text);
    cleat_status status = cleat__remote_http(&link->settings, "DELETE", path, none, &reply);
    cleat__buffer_deinit(&reply);
    return status == CLEAT_NOT_FOUND ? cleat__fail(status, "there is no schedule %s, or it has fired", text)
                                     : status;
}

/* As the program knows it: without what the namespace put before it. */
static cleat_slice own_name(const cleat__link *link, const char *name)
{
    size_t size = strlen(link->settings.prefix);
    return cleat_slice_of(strncmp(name, link->settings.prefix, size) == 0 ? name + size : name);
}

static bool is_payload(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_object(value);
}

/* What the engine stores of an absent priority is 1. */
static int priority_of(const json_t *row)
{
    json_int_t priority = json_integer_value(json_object_get(row, "priority"));
    return priority >= CLEAT_PRIORITY_LOW && priority <= CLEAT_PRIORITY_HIGH ? (int)priority : 0;
}

static cleat_status read_row(const cleat__link *link, const json_t *row, cleat_schedule_list *out)
{
    const char *id = json_string_value(json_object_get(json_object_get(row, "metadata"), "id"));
    const char *name = json_string_value(json_object_get(row, "workflowName"));
    const char *at = json_string_value(json_object_get(row, "triggerAt"));
    const json_t *input = json_object_get(row, "input");
    const json_t *metadata = json_object_get(row, "additionalMetadata");
    cleat__uuid uuid;
    int64_t at_ms = 0;
    if (id == NULL || name == NULL || at == NULL || !is_payload(input) || !is_payload(metadata) ||
        cleat__uuid_parse(cleat_slice_of(id), &uuid) != CLEAT_OK ||
        !cleat__rfc3339_parse(cleat_slice_of(at), &at_ms)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists a schedule that is none",
                           link->settings.api_url);
    }
    char *input_text = json_is_object(input) ? json_dumps(input, JSON_COMPACT) : NULL;
    char *metadata_text = json_is_object(metadata) ? json_dumps(metadata, JSON_COMPACT) : NULL;
    const cleat__schedule schedule = {
        .workflow = own_name(link, name),
        .input = cleat_slice_of(input_text),
        .metadata = cleat_slice_of(metadata_text),
        .priority = priority_of(row),
    };
    cleat_status status = cleat__schedule_list_add(out, &uuid, at_ms, &schedule);
    free(input_text);
    free(metadata_text);
    return status;
}

static cleat_status read_rows(const cleat__link *link, cleat_slice body, cleat_schedule_list *out)
{
    json_t *root = json_loadb(body.data != NULL ? body.data : "", body.size, 0, NULL);
    const json_t *rows = json_object_get(root, "rows");
    cleat_status status = CLEAT_OK;
    if (!json_is_object(root) || (rows != NULL && !json_is_array(rows) && !json_is_null(rows))) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s answers no list of schedules",
                             link->settings.api_url);
    }
    for (size_t i = 0; status == CLEAT_OK && i < json_array_size(rows); i++) {
        status = read_row(link, json_array_get(rows, i), out);
    }
    json_decref(root);
    return status;
}

cleat_status cleat__remote_schedules(cleat__link *link, int64_t offset, int64_t limit,
                                     cleat_schedule_list *out)
{
    cleat__buffer reply = {0};
    char path[200];
    snprintf(path, sizeof(path),
             "/workflows/scheduled?offset=%" PRId64 "&limit=%" PRId64
             "&orderByField=createdAt&orderByDirection=DESC",
             offset, limit);
    cleat_status status = cleat__remote_http(&link->settings, "GET", path, none, &reply);
    if (status == CLEAT_OK) {
        status = read_rows(link, cleat__buffer_slice(&reply), out);
    }
    cleat__buffer_deinit(&reply);
    return status;
}
