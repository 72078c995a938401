#include "wire/trigger.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "wire/desired_label.h"
#include "wire/message.h"
#include "wire/payload.h"

#include <inttypes.h>

typedef Cleat__V1__TriggerWorkflowRequest request;

/* ---- Reading ---- */

static cleat_status read_name(const char *name, cleat__trigger *out)
{
    *out = (cleat__trigger){.workflow = cleat_slice_of(name)};
    return out->workflow.size != 0 ? CLEAT_OK
                                   : cleat__fail(CLEAT_INVALID_ARGUMENT, "the workflow's name is missing");
}

static cleat_status read_input(cleat_slice input, cleat__trigger *out)
{
    out->input = cleat__payload_input(input);
    return cleat__json_check("input", input, false);
}

static cleat_status read_priority(bool is_given, int32_t priority, cleat__trigger *out)
{
    if (is_given && (priority < CLEAT_PRIORITY_LOW || priority > CLEAT_PRIORITY_HIGH)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "priority is %" PRId32 "; it must be 1 (low) .. 3 (high)",
                           priority);
    }
    out->priority = is_given ? priority : 0;
    return CLEAT_OK;
}

/* NULL: there is none. */
static const char *parent_of(const request *message)
{
    if (message->has_parent_task_run_external_id_case != 0 &&
        message->parent_task_run_external_id[0] != '\0') {
        return message->parent_task_run_external_id;
    }
    return message->has_parent_id_case != 0 && message->parent_id[0] != '\0' ? message->parent_id : NULL;
}

static cleat_status read_parent(const request *message, cleat__trigger *out)
{
    const char *parent = parent_of(message);
    bool has_key = message->has_child_key_case != 0 && message->child_key[0] != '\0';
    if (parent == NULL || (!has_key && message->has_child_index_case == 0)) {
        return CLEAT_OK;
    }
    if (cleat__uuid_parse(cleat_slice_of(parent), &out->parent_id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the parent \"%.64s\" is no UUID", parent);
    }
    if (message->has_child_index_case != 0 && message->child_index < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "child_index is %" PRId32 "; it must not be negative",
                           message->child_index);
    }
    out->is_child = true;
    out->child_index = message->has_child_index_case != 0 ? message->child_index : 0;
    out->child_key = has_key ? cleat_slice_of(message->child_key) : (cleat_slice){NULL, 0};
    return CLEAT_OK;
}

CLEAT__DESIRED_ENTRY_READER(read_entry, Cleat__V1__TriggerWorkflowRequest__DesiredWorkerLabelsEntry)
CLEAT__DESIRED_ENTRY_READER(read_entry_of_run, Cleat__V1__TriggerWorkflowRunRequest__DesiredWorkerLabelsEntry)

static cleat_status read_labels(cleat__desired_entry_reader *reader, const void *entries, size_t count,
                                cleat__trigger *out)
{
    cleat__desired_label *labels = NULL;
    cleat_status status = cleat__desired_labels_read(reader, entries, count, &labels);
    out->labels = labels;
    out->label_count = labels != NULL ? count : 0;
    return status;
}

static cleat_status read_worker(const request *message, cleat__trigger *out)
{
    bool has_worker = message->has_desired_worker_id_case != 0 && message->desired_worker_id[0] != '\0';
    if (has_worker &&
        cleat__uuid_parse(cleat_slice_of(message->desired_worker_id), &out->desired_worker) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "desired_worker_id \"%.64s\" is no UUID",
                           message->desired_worker_id);
    }
    return CLEAT_OK;
}

cleat_status cleat__trigger_read(const request *message, cleat__trigger *out)
{
    cleat_status status = read_name(message->name, out);
    if (status == CLEAT_OK) {
        status = read_input(cleat_slice_of(message->input), out);
    }
    if (status == CLEAT_OK && message->has_additional_metadata_case != 0) {
        status = cleat__payload_metadata(message->additional_metadata, &out->metadata);
    }
    if (status == CLEAT_OK) {
        status = read_priority(message->has_priority_case != 0, message->priority, out);
    }
    if (status == CLEAT_OK) {
        status = read_parent(message, out);
    }
    if (status == CLEAT_OK) {
        status = read_worker(message, out);
    }
    return status == CLEAT_OK ? read_labels(read_entry, message->desired_worker_labels,
                                            message->n_desired_worker_labels, out)
                              : status;
}

static cleat_slice slice_of(ProtobufCBinaryData bytes)
{
    return (cleat_slice){bytes.len != 0 ? (const char *)bytes.data : "", bytes.len};
}

cleat_status cleat__trigger_run_read(const Cleat__V1__TriggerWorkflowRunRequest *message, cleat__trigger *out)
{
    cleat_status status = read_name(message->workflow_name, out);
    if (status == CLEAT_OK) {
        status = read_input(slice_of(message->input), out);
    }
    if (status == CLEAT_OK) {
        status = cleat__payload_metadata_of(slice_of(message->additional_metadata), &out->metadata);
    }
    if (status == CLEAT_OK) {
        status = read_priority(message->has_priority_case != 0, message->priority, out);
    }
    return status == CLEAT_OK ? read_labels(read_entry_of_run, message->desired_worker_labels,
                                            message->n_desired_worker_labels, out)
                              : status;
}

void cleat__trigger_read_end(cleat__trigger *trigger)
{
    cleat__free((void *)(uintptr_t)trigger->labels);
    trigger->labels = NULL;
    trigger->label_count = 0;
}

/* ---- Writing ---- */

static void write_parent(const cleat__trigger *trigger, bool *failed, request *message)
{
    char parent[37], run[37];
    bool is_of_several = !cleat__uuid_is_nil(&trigger->parent_run_id);
    cleat__uuid_format(&trigger->parent_id, parent);
    cleat__uuid_format(is_of_several ? &trigger->parent_run_id : &trigger->parent_id, run);
    message->has_parent_id_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PARENT_ID_PARENT_ID;
    message->parent_id = cleat__message_string(failed, run);
    message->has_parent_task_run_external_id_case =
        CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PARENT_TASK_RUN_EXTERNAL_ID_PARENT_TASK_RUN_EXTERNAL_ID;
    message->parent_task_run_external_id = cleat__message_string(failed, parent);
    message->has_child_index_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_CHILD_INDEX_CHILD_INDEX;
    message->child_index = trigger->child_index < INT32_MAX ? (int32_t)trigger->child_index : INT32_MAX;
    if (trigger->child_key.data != NULL) {
        message->has_child_key_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_CHILD_KEY_CHILD_KEY;
        message->child_key = cleat__message_text(failed, trigger->child_key);
    }
}

static void write_desires(const cleat__trigger *trigger, bool *failed, request *message)
{
    if (!cleat__uuid_is_nil(&trigger->desired_worker)) {
        char worker[37];
        cleat__uuid_format(&trigger->desired_worker, worker);
        message->has_desired_worker_id_case =
            CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_DESIRED_WORKER_ID_DESIRED_WORKER_ID;
        message->desired_worker_id = cleat__message_string(failed, worker);
    }
    message->desired_worker_labels = cleat__desired_labels_write(
        failed, &cleat__v1__trigger_workflow_request__desired_worker_labels_entry__descriptor,
        trigger->labels, trigger->label_count, &message->n_desired_worker_labels);
}

request *cleat__trigger_write(const cleat__trigger *trigger)
{
    bool failed = false;
    request *message = cleat__message_new(&cleat__v1__trigger_workflow_request__descriptor);
    if (message == NULL) {
        return NULL;
    }
    cleat_slice input = trigger->input.data != NULL ? trigger->input : cleat_slice_of("{}");
    message->name = cleat__message_text(&failed, trigger->workflow);
    message->input = cleat__message_text(&failed, input);
    if (trigger->metadata.data != NULL) {
        message->has_additional_metadata_case =
            CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
        message->additional_metadata = cleat__message_text(&failed, trigger->metadata);
    }
    if (trigger->priority != 0) {
        message->has_priority_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PRIORITY_PRIORITY;
        message->priority = trigger->priority;
    }
    if (trigger->is_child) {
        write_parent(trigger, &failed, message);
    }
    write_desires(trigger, &failed, message);
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}
