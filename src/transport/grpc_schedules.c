/*
 * Runs that are to start at a time. Over HTTP, as only what was made over HTTP can be taken back over HTTP, and
 * there is no other way for that; over gRPC when nobody says where the HTTP side is, or nobody is there.
 */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "model/json_members.h"
#include "model/missing.h"
#include "model/rfc3339.h"
#include "transport/remote_http.h"
#include "transport/remote_rows.h"
#include "transport/schedule_list.h"
#include "wire/message.h"
#include "wire/timestamp.h"
#include "wire/workflows.pb-c.h"

#include <inttypes.h>
#include <stdio.h>

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
                                         &cleat__workflow_version__descriptor, false, NULL};
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
    return cleat__remote_is_object(reply) && cleat__remote_row_id(reply, id)
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s gives a schedule no id that is a UUID",
                             link->settings.api_url);
}

static cleat_status make_one(cleat__remote_session *session, const cleat__link *link, const char *path,
                             const cleat__schedule *schedule, int64_t at_ms, cleat__uuid *id)
{
    cleat__buffer body = {0}, reply = {0};
    write_body(schedule, at_ms, &body);
    cleat_status status =
        body.failed ? cleat__fail_memory()
                    : cleat__remote_session_send(session, "POST", path, cleat__buffer_slice(&body), &reply);
    if (status == CLEAT_OK) {
        status = read_made(link, cleat__buffer_slice(&reply), id);
    } else if (status == CLEAT_INVALID_ARGUMENT &&
               strstr(cleat_error_message(), "workflow not found") != NULL) {
        status = cleat__missing_task(schedule->workflow);
    }
    cleat__buffer_deinit(&body);
    cleat__buffer_deinit(&reply);
    return status;
}

/* For so many requests one after the other: a try's limit, and what each takes on a long way. */
static int64_t time_for(const cleat__link *link, size_t count)
{
    enum { EACH_MS = 100 };
    return link->settings.call_timeout_ms + (int64_t)count * EACH_MS;
}

static cleat_status delete_one(cleat__remote_session *session, const cleat__uuid *id)
{
    cleat__buffer reply = {0};
    char path[80], text[37];
    cleat__uuid_format(id, text);
    snprintf(path, sizeof(path), "/workflows/scheduled/%s", text);
    cleat_status status = cleat__remote_session_send(session, "DELETE", path, none, &reply);
    cleat__buffer_deinit(&reply);
    return status == CLEAT_NOT_FOUND ? cleat__fail(status, "there is no schedule %s, or it has fired", text)
                                     : status;
}

/* As far as the server answers. The message of what went wrong stays, and says what was not taken back. */
static cleat_status take_back(cleat__remote_session *session, const cleat__link *link, const cleat__uuid *ids,
                              size_t count, cleat_status status)
{
    char message[CLEAT__CALL_TEXT];
    size_t left = count;
    snprintf(message, sizeof(message), "%s", cleat_error_message());
    session->deadline_ns = cleat__deadline_ns(time_for(link, count));
    for (size_t i = 0; i < count && (i == 0 || session->was_answered); i++) {
        cleat_status outcome = delete_one(session, &ids[i]);
        left -= outcome == CLEAT_OK || outcome == CLEAT_NOT_FOUND;
    }
    return left == 0 ? cleat__fail(status, "%s", message)
                     : cleat__fail(status, "%s (%zu of %zu schedules were made, and could not be taken back)",
                                   message, left, count);
}

/* There is no way to make many at once. */
static cleat_status make_all(cleat__remote_session *session, const cleat__link *link,
                             const cleat__schedule *schedule, const int64_t *at_ms, size_t count,
                             cleat__uuid *ids)
{
    cleat__buffer path = {0};
    cleat__buffer_append_string(&path, "/workflows/");
    cleat__remote_name(&link->settings, schedule->workflow, &path);
    cleat__buffer_append_string(&path, "/scheduled");
    char *text = cleat__buffer_take_string(&path);
    cleat_status status = text != NULL ? CLEAT_OK : cleat__fail_memory();
    size_t made = 0;
    while (status == CLEAT_OK && made < count) {
        status = make_one(session, link, text, schedule, at_ms[made], &ids[made]);
        made += status == CLEAT_OK;
    }
    if (status != CLEAT_OK && made != 0) {
        status = take_back(session, link, ids, made, status);
    }
    cleat__free(text);
    return status;
}

cleat_status cleat__remote_schedule(cleat__link *link, const cleat__schedule *schedule, const int64_t *at_ms,
                                    size_t count, cleat__uuid *ids)
{
    static cleat__log_site site;
    cleat__remote_session session;
    if (!cleat__remote_http_is_known(&link->settings)) {
        return make_by_grpc(link, schedule, at_ms, count, ids);
    }
    cleat_status status = cleat__remote_session_start(&session, &link->settings, time_for(link, count));
    bool was_tried = status == CLEAT_OK;
    if (was_tried) {
        status = make_all(&session, link, schedule, at_ms, count, ids);
    }
    bool is_elsewhere =
        was_tried && !session.was_connected && (status == CLEAT_UNAVAILABLE || status == CLEAT_TIMEOUT);
    cleat__remote_session_end(&session);
    if (is_elsewhere) { /* nobody has heard of them yet */
        cleat__log_limited(&site, CLEAT_LOG_WARN,
                           "%s; schedules are made over gRPC, and cannot be taken back",
                           cleat_error_message());
        status = make_by_grpc(link, schedule, at_ms, count, ids);
    }
    return status;
}

/* ---- Looking, and taking back ---- */

cleat_status cleat__remote_unschedule(cleat__link *link, const cleat__uuid *id)
{
    cleat__remote_session session;
    cleat_status status =
        cleat__remote_session_start(&session, &link->settings, link->settings.call_timeout_ms);
    if (status == CLEAT_OK) {
        status = delete_one(&session, id);
    }
    cleat__remote_session_end(&session);
    return status;
}

static cleat_status read_row(const cleat__link *link, cleat_slice row, cleat_schedule_list *out)
{
    char *name = cleat__remote_text(cleat__remote_member(row, "workflowName"));
    char *at = cleat__remote_text(cleat__remote_member(row, "triggerAt"));
    cleat__schedule schedule = {.priority = cleat__remote_row_priority(row)};
    cleat__uuid id;
    int64_t at_ms = 0;
    cleat_status status = CLEAT_OK;
    if (name != NULL && at != NULL && cleat__remote_row_id(row, &id) &&
        cleat__rfc3339_parse(cleat_slice_of(at), &at_ms) &&
        cleat__remote_payload(cleat__remote_member(row, "input"), &schedule.input) &&
        cleat__remote_payload(cleat__remote_member(row, "additionalMetadata"), &schedule.metadata)) {
        schedule.workflow = cleat__remote_own_name(&link->settings, name);
        status = cleat__schedule_list_add(out, &id, at_ms, &schedule);
    } else {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists a schedule that is none",
                             link->settings.api_url);
    }
    cleat__free(name);
    cleat__free(at);
    return status;
}

static cleat_status read_rows(const cleat__link *link, cleat_slice body, cleat_schedule_list *out)
{
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat_status status = cleat__remote_rows(&link->settings, body, "schedules", &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_row(link, row, out);
    }
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
