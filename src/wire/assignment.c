#include "wire/assignment.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "model/json_members.h"
#include "wire/assignment_parts.h"
#include "wire/message.h"
#include "wire/payload.h"
#include "wire/timestamp.h"

#include <inttypes.h>

typedef Cleat__AssignedAction action;

/* ---- Writing ---- */

/* {"key":data, ..} behind what is always there. */
static void write_triggers(const cleat__assignment *from, cleat__buffer *json)
{
    const cleat_slice payload = from->filter_payload, triggers = from->triggers;
    cleat__buffer_append_string(json, ",\"triggers\":{\"filter_payload\":");
    cleat__buffer_append_slice(json, payload.size != 0 ? payload : cleat_slice_of("null"));
    if (triggers.size > 2) {
        const cleat_slice inner = {triggers.data + 1, triggers.size - 1}; /* with the bracket */
        cleat__buffer_append_byte(json, ',');
        cleat__buffer_append_slice(json, inner);
    } else {
        cleat__buffer_append_byte(json, '}');
    }
}

void cleat__envelope_write(const cleat__assignment *from, cleat__buffer *json)
{
    const cleat_slice nothing = cleat_slice_of("{}");
    cleat__buffer_append_string(json, "{\"input\":");
    cleat__buffer_append_slice(json, cleat__payload_input(from->input.data != NULL ? from->input : nothing));
    cleat__buffer_append_string(json, ",\"triggered_by\":\"manual\",\"parents\":");
    cleat__buffer_append_slice(json, from->parents.data != NULL ? from->parents : nothing);
    write_triggers(from, json);
    cleat__buffer_append_string(json, ",\"user_data\":null,\"overrides\":null");
    if (from->step_errors.data != NULL) {
        cleat__buffer_append_string(json, ",\"step_run_errors\":");
        cleat__buffer_append_slice(json, from->step_errors);
    }
    cleat__buffer_append_byte(json, '}');
}

static char *write_payload(bool *failed, const cleat__assignment *from)
{
    cleat__buffer json = {0};
    cleat__envelope_write(from, &json);
    char *text = cleat__buffer_take_string(&json);
    *failed = *failed || text == NULL;
    return text != NULL ? text : cleat__message_string(failed, NULL);
}

static void write_ids(const cleat__uuid *task_id, cleat_slice action_id, const cleat__action_details *details,
                      bool *failed, action *message)
{
    char id[37], run_id[37];
    cleat__uuid_format(task_id, id);
    cleat__uuid_format(cleat__uuid_is_nil(&details->run_id) ? task_id : &details->run_id, run_id);
    cleat_slice name = details->task_name.size != 0 ? details->task_name : cleat__action_task(action_id);
    message->tenant_id = cleat__message_text(failed, details->tenant_id);
    message->workflow_run_id = cleat__message_string(failed, run_id);
    message->job_id = cleat__message_text(failed, details->step_id);
    message->job_name = cleat__message_text(failed, name);
    message->job_run_id = cleat__message_string(failed, id);
    message->task_id = cleat__message_text(failed, details->step_id);
    message->task_run_external_id = cleat__message_string(failed, id);
    message->action_id = cleat__message_text(failed, action_id);
    message->task_name = cleat__message_text(failed, name);
    message->priority = details->priority;
    if (details->workflow_id.data != NULL) {
        message->has_workflow_id_case = CLEAT__ASSIGNED_ACTION__HAS_WORKFLOW_ID_WORKFLOW_ID;
        message->workflow_id = cleat__message_text(failed, details->workflow_id);
    }
    if (details->workflow_version_id.data != NULL) {
        message->has_workflow_version_id_case =
            CLEAT__ASSIGNED_ACTION__HAS_WORKFLOW_VERSION_ID_WORKFLOW_VERSION_ID;
        message->workflow_version_id = cleat__message_text(failed, details->workflow_version_id);
    }
}

static void write_child(const cleat__assignment *assignment, bool *failed, action *message)
{
    char parent[37];
    cleat__uuid_format(&assignment->parent_id, parent);
    message->has_parent_workflow_run_id_case =
        CLEAT__ASSIGNED_ACTION__HAS_PARENT_WORKFLOW_RUN_ID_PARENT_WORKFLOW_RUN_ID;
    message->parent_workflow_run_id = cleat__message_string(failed, parent);
    message->has_child_workflow_index_case =
        CLEAT__ASSIGNED_ACTION__HAS_CHILD_WORKFLOW_INDEX_CHILD_WORKFLOW_INDEX;
    message->child_workflow_index =
        assignment->child_index < INT32_MAX ? (int32_t)assignment->child_index : INT32_MAX;
    if (assignment->child_key.data != NULL) {
        message->has_child_workflow_key_case =
            CLEAT__ASSIGNED_ACTION__HAS_CHILD_WORKFLOW_KEY_CHILD_WORKFLOW_KEY;
        message->child_workflow_key = cleat__message_text(failed, assignment->child_key);
    }
}

static void write_event(const cleat__assignment *assignment, bool *failed, action *message)
{
    char id[37];
    cleat__uuid_format(&assignment->event_id, id);
    message->has_triggering_event_external_id_case =
        CLEAT__ASSIGNED_ACTION__HAS_TRIGGERING_EVENT_EXTERNAL_ID_TRIGGERING_EVENT_EXTERNAL_ID;
    message->triggering_event_external_id = cleat__message_string(failed, id);
    message->has_triggering_event_key_case =
        CLEAT__ASSIGNED_ACTION__HAS_TRIGGERING_EVENT_KEY_TRIGGERING_EVENT_KEY;
    message->triggering_event_key = cleat__message_text(failed, assignment->event_key);
}

static void write_invocation(int32_t invocation_count, action *message)
{
    message->has_durable_task_invocation_count_case =
        CLEAT__ASSIGNED_ACTION__HAS_DURABLE_TASK_INVOCATION_COUNT_DURABLE_TASK_INVOCATION_COUNT;
    message->durable_task_invocation_count = invocation_count;
}

static void write_durable(const cleat__assignment *assignment, action *message)
{
    write_invocation(assignment->invocation_count, message);
    if (assignment->log_size >= 0) {
        message->has_cleat_log_size_case = CLEAT__ASSIGNED_ACTION__HAS_CLEAT_LOG_SIZE_CLEAT_LOG_SIZE;
        message->cleat_log_size = assignment->log_size;
    }
}

void cleat__batch_fields_write(const cleat__assignment *assignment, bool *failed, action *message)
{
    char id[37];
    cleat__uuid_format(&assignment->batch_id, id);
    message->has_batch_id_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_ID_BATCH_ID;
    message->batchid = cleat__message_string(failed, id);
    if (assignment->batch_key.size != 0) {
        message->has_batch_key_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_KEY_BATCH_KEY;
        message->batchkey = cleat__message_text(failed, assignment->batch_key);
    }
    Cleat__BatchStartPayload *start = cleat__message_new(&cleat__batch_start_payload__descriptor);
    message->batchstartpayload = start;
    if (start == NULL) {
        *failed = true;
        return;
    }
    start->triggerreason = cleat__message_text(failed, assignment->batch_reason);
    start->triggertime = cleat__timestamp_new(failed, assignment->batch_at_ms);
    start->expectedsize = assignment->batch_count;
}

/* Consumes the message when something failed. */
static action *finished(action *message, bool failed)
{
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

action *cleat__assignment_write(const cleat__assignment *assignment, const cleat__action_details *details)
{
    bool failed = false;
    action *message = cleat__message_new(&cleat__assigned_action__descriptor);
    if (message == NULL) {
        return NULL;
    }
    message->action_type = CLEAT__ACTION_TYPE__START_STEP_RUN;
    message->retry_count = assignment->retry_count;
    write_ids(&assignment->task_id, assignment->task, details, &failed, message);
    message->action_payload = write_payload(&failed, assignment);
    if (assignment->metadata.data != NULL) {
        message->has_additional_metadata_case =
            CLEAT__ASSIGNED_ACTION__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
        message->additional_metadata = cleat__message_text(&failed, assignment->metadata);
    }
    if (assignment->is_child) {
        write_child(assignment, &failed, message);
    }
    if (!cleat__uuid_is_nil(&assignment->event_id)) {
        write_event(assignment, &failed, message);
    }
    if (assignment->is_durable) {
        write_durable(assignment, message);
    }
    if (!cleat__uuid_is_nil(&assignment->batch_id)) {
        cleat__batch_fields_write(assignment, &failed, message);
    }
    message->task_inserted_at = cleat__timestamp_new(&failed, assignment->created_at_ms);
    return finished(message, failed);
}

action *cleat__cancellation_write(const cleat__uuid *task_id, int32_t retry_count, cleat_slice action_id,
                                  const cleat__action_details *details)
{
    bool failed = false;
    action *message = cleat__message_new(&cleat__assigned_action__descriptor);
    if (message == NULL) {
        return NULL;
    }
    message->action_type = CLEAT__ACTION_TYPE__CANCEL_STEP_RUN;
    message->retry_count = retry_count;
    write_ids(task_id, action_id, details, &failed, message);
    if (details->invocation_count != 0) {
        write_invocation(details->invocation_count, message);
    }
    return finished(message, failed);
}

/* ---- Reading ---- */

cleat_status cleat__action_attempt_read(const action *message, cleat__uuid *task_id, int32_t *retry_count)
{
    if (cleat__uuid_parse(cleat_slice_of(message->task_run_external_id), task_id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's task_run_external_id \"%.64s\" is no UUID",
                           message->task_run_external_id);
    }
    if (message->retry_count < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's retry_count is %" PRId32,
                           message->retry_count);
    }
    *retry_count = message->retry_count;
    return CLEAT_OK;
}

/* The texts of the envelope. The input is {} when there is none, the others are absent, and so is a filter's payload that
 * is no object. */
static cleat_status read_payload(cleat_slice envelope, cleat__assignment *out)
{
    const struct {
        const char *key;
        cleat_slice *to;
    } members[] = {{"\"input\"", &out->input},
                   {"\"parents\"", &out->parents},
                   {"\"triggers\"", &out->triggers},
                   {"\"step_run_errors\"", &out->step_errors}};
    cleat_slice key, value;
    cleat_status status = cleat__json_check("action_payload", envelope, true);
    if (status != CLEAT_OK) {
        return status;
    }
    out->input = cleat_slice_of("{}");
    cleat__json_cursor cursor;
    cleat__json_members(envelope, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
            if (cleat_slice_equals(key, cleat_slice_of(members[i].key))) {
                *members[i].to = value;
            }
        }
    }
    if (cleat__json_find_member(out->triggers, "filter_payload", &value) && value.size != 0 &&
        value.data[0] == '{') {
        out->filter_payload = value;
    }
    return CLEAT_OK;
}

/* Engines have higher ones for what is run again. */
static int32_t read_priority(int32_t priority)
{
    return priority < CLEAT_PRIORITY_LOW    ? CLEAT_PRIORITY_LOW
           : priority > CLEAT_PRIORITY_HIGH ? CLEAT_PRIORITY_HIGH
                                            : priority;
}

/* All but the slices, which are borrowed from the message. */
static cleat_status read_values(const action *message, int64_t now_ms, cleat__assignment *out)
{
    *out = (cleat__assignment){
        .created_at_ms = now_ms, .queued_at_ms = now_ms, .priority = read_priority(message->priority)};
    cleat_status status = cleat__action_attempt_read(message, &out->task_id, &out->retry_count);
    if (status == CLEAT_OK) {
        status = cleat__timestamp_read("task_inserted_at", message->task_inserted_at, &out->created_at_ms);
        status = status == CLEAT_EMPTY ? CLEAT_OK : status;
    }
    if (status != CLEAT_OK || message->has_parent_workflow_run_id_case == 0) {
        return status;
    }
    if (cleat__uuid_parse(cleat_slice_of(message->parent_workflow_run_id), &out->parent_id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's parent_workflow_run_id \"%.64s\" is no UUID",
                           message->parent_workflow_run_id);
    }
    out->is_child = true;
    out->child_index = message->has_child_workflow_index_case != 0 ? message->child_workflow_index : 0;
    if (message->has_child_workflow_key_case != 0) {
        out->child_key = cleat_slice_of(message->child_workflow_key);
    }
    return CLEAT_OK;
}

/* They are for people who look at spans: what is no UUID is left out. */
static cleat__uuid read_id(const char *text)
{
    cleat__uuid id = {{0}};
    return cleat__uuid_parse(cleat_slice_of(text), &id) == CLEAT_OK ? id : (cleat__uuid){{0}};
}

void cleat__action_ids_read(const action *message, cleat__assignment *out)
{
    cleat__uuid run_id = read_id(message->workflow_run_id);
    if (!cleat__uuid_equals(&run_id, &out->task_id)) {
        out->run_id = run_id;
    }
    out->tenant_id = read_id(message->tenant_id);
    out->step_id = read_id(message->task_id);
    if (message->has_workflow_id_case != 0) {
        out->workflow_id = read_id(message->workflow_id);
    }
    if (message->has_workflow_version_id_case != 0) {
        out->version_id = read_id(message->workflow_version_id);
    }
}

static void read_durable(const action *message, cleat__assignment *out)
{
    out->is_durable = message->has_durable_task_invocation_count_case != 0;
    out->invocation_count = out->is_durable ? message->durable_task_invocation_count : 0;
    out->log_size =
        message->has_cleat_log_size_case != 0 && message->cleat_log_size >= 0 ? message->cleat_log_size : -1;
}

static cleat_status read_event(const action *message, cleat__assignment *out)
{
    if (message->has_triggering_event_external_id_case == 0) {
        return CLEAT_OK;
    }
    const char *id = message->triggering_event_external_id;
    if (cleat__uuid_parse(cleat_slice_of(id), &out->event_id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "an action's triggering_event_external_id \"%.64s\" is no UUID", id);
    }
    if (message->has_triggering_event_key_case != 0) {
        out->event_key = cleat_slice_of(message->triggering_event_key);
    }
    return CLEAT_OK;
}

static cleat_status read_texts(const action *message, cleat__assignment *out)
{
    out->task = cleat_slice_of(message->action_id);
    if (out->task.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's action_id is missing");
    }
    cleat_status status = read_payload(cleat_slice_of(message->action_payload), out);
    if (status == CLEAT_OK && message->has_additional_metadata_case != 0) {
        status = cleat__payload_metadata(message->additional_metadata, &out->metadata);
    }
    return status == CLEAT_OK ? read_event(message, out) : status;
}

static void add_error(cleat_slice name, cleat_slice error, cleat__buffer *out)
{
    cleat_slice text;
    char *memory = NULL, *read = NULL;
    if (cleat__json_decode_string(error, &text, &memory)) {
        read = cleat__payload_error_read(text);
    }
    out->failed = out->failed || read == NULL;
    cleat__buffer_append_byte(out, out->size == 0 ? '{' : ',');
    cleat__buffer_append_slice(out, name);
    cleat__buffer_append_byte(out, ':');
    cleat__buffer_append_json(out, cleat_slice_of(read));
    cleat__free(memory);
    cleat__free(read);
}

/* Each as a person reads it. */
static cleat_status read_errors(cleat__assignment *out, cleat__buffer *memory)
{
    cleat__json_cursor cursor;
    cleat_slice name, error;
    if (out->step_errors.size == 0 || out->step_errors.data[0] != '{') {
        out->step_errors = (cleat_slice){NULL, 0};
        return CLEAT_OK;
    }
    cleat__json_members(out->step_errors, &cursor);
    while (cleat__json_next_member(&cursor, &name, &error)) {
        if (error.size != 0 && error.data[0] == '"') {
            add_error(name, error, memory);
        }
    }
    cleat__buffer_append_string(memory, memory->size == 0 ? "{}" : "}");
    out->step_errors = cleat__buffer_slice(memory);
    return memory->failed ? cleat__fail_memory() : CLEAT_OK;
}

cleat_status cleat__batch_fields_read(const action *message, cleat__assignment *out)
{
    if (message->has_batch_id_case == 0) {
        return CLEAT_OK;
    }
    if (cleat__uuid_parse(cleat_slice_of(message->batchid), &out->batch_id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's batchId \"%.64s\" is no UUID",
                           message->batchid);
    }
    out->batch_key = cleat_slice_of(message->has_batch_key_case != 0 ? message->batchkey : "");
    out->batch_reason = cleat_slice_of("");
    out->batch_count = 1;
    out->batch_at_ms = out->queued_at_ms;
    const Cleat__BatchStartPayload *start = message->batchstartpayload;
    if (start == NULL) {
        return CLEAT_OK;
    }
    out->batch_reason = cleat_slice_of(start->triggerreason);
    out->batch_count = start->expectedsize > 1 ? start->expectedsize : 1;
    cleat_status status = cleat__timestamp_read("triggerTime", start->triggertime, &out->batch_at_ms);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

/* The copy with what remains to be read: the errors of other tasks. */
static cleat_status copy(cleat__assignment *borrowed, cleat__assignment **out)
{
    cleat__buffer errors = {0};
    cleat_status status = read_errors(borrowed, &errors);
    if (status == CLEAT_OK) {
        *out = cleat__assignment_copy(borrowed);
        status = *out != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    cleat__buffer_deinit(&errors);
    return status;
}

cleat_status cleat__envelope_read(cleat_slice envelope, cleat__assignment *borrowed, cleat__assignment **out)
{
    cleat_status status = read_payload(envelope, borrowed);
    return status == CLEAT_OK ? copy(borrowed, out) : status;
}

cleat_status cleat__assignment_read(const action *message, int64_t now_ms, cleat__assignment **out)
{
    cleat__assignment borrowed;
    cleat_status status = read_values(message, now_ms, &borrowed);
    if (status == CLEAT_OK) {
        status = read_texts(message, &borrowed);
    }
    if (status == CLEAT_OK) {
        status = cleat__batch_fields_read(message, &borrowed);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__action_ids_read(message, &borrowed);
    read_durable(message, &borrowed);
    return copy(&borrowed, out);
}
