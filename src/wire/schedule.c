#include "wire/schedule.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/message.h"
#include "wire/timestamp.h"
#include "wire/trigger.h"

/* ---- Reading ---- */

static cleat_status check_parent(const Cleat__ScheduleWorkflowRequest *message)
{
    if (message->has_parent_id_case == 0) {
        return CLEAT_OK;
    }
    if (message->has_parent_task_run_external_id_case == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "parent_task_run_external_id is required when parent_id is given");
    }
    return message->has_child_index_case != 0
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "child_index is required when parent_id is given");
}

/* What both kinds of requests have is read in the same way. */
static Cleat__V1__TriggerWorkflowRequest trigger_of(const Cleat__ScheduleWorkflowRequest *message)
{
    Cleat__V1__TriggerWorkflowRequest trigger = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    trigger.name = message->name;
    /* Clients leave it out when there is none, which for a run they cannot. */
    trigger.input = message->input[0] != '\0' ? message->input : (char *)(uintptr_t) "{}";
    if (message->has_additional_metadata_case != 0) {
        trigger.has_additional_metadata_case =
            CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
        trigger.additional_metadata = message->additional_metadata;
    }
    if (message->has_priority_case != 0) {
        trigger.has_priority_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PRIORITY_PRIORITY;
        trigger.priority = message->priority;
    }
    return trigger;
}

cleat_status cleat__schedule_read(const Cleat__ScheduleWorkflowRequest *message, cleat__schedule *out,
                                  int64_t *at_ms)
{
    const Cleat__V1__TriggerWorkflowRequest as_trigger = trigger_of(message);
    cleat__trigger trigger;
    cleat_status status = cleat__trigger_read(&as_trigger, &trigger);
    cleat__trigger_read_end(&trigger);
    if (status == CLEAT_OK) {
        status = check_parent(message);
    }
    for (size_t i = 0; i < message->n_schedules && status == CLEAT_OK; i++) {
        status = cleat__timestamp_read("schedules", message->schedules[i], &at_ms[i]);
    }
    if (status == CLEAT_OK) {
        *out = (cleat__schedule){
            .workflow = trigger.workflow,
            .input = trigger.input,
            .metadata = trigger.metadata,
            .priority = trigger.priority,
            .method = CLEAT__SCHEDULE_DEFAULT,
        };
    }
    return status;
}

/* ---- Writing ---- */

static Cleat__ScheduledWorkflow *scheduled_new(const cleat__uuid *id, int64_t at_ms, bool *failed)
{
    char text[37];
    Cleat__ScheduledWorkflow *scheduled = cleat__message_new(&cleat__scheduled_workflow__descriptor);
    if (scheduled == NULL) {
        *failed = true;
        return NULL;
    }
    cleat__uuid_format(id, text);
    scheduled->id = cleat__message_string(failed, text);
    scheduled->trigger_at = cleat__timestamp_new(failed, at_ms);
    return scheduled;
}

static void add_all(Cleat__WorkflowVersion *version, const cleat__schedule_answer *answer, bool *failed)
{
    version->scheduled_workflows = cleat__calloc(answer->count + 1, sizeof(version->scheduled_workflows[0]));
    if (version->scheduled_workflows == NULL) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < answer->count && !*failed; i++) {
        Cleat__ScheduledWorkflow *one = scheduled_new(&answer->ids[i], answer->at_ms[i], failed);
        if (one != NULL) {
            version->scheduled_workflows[version->n_scheduled_workflows++] = one;
        }
    }
}

/* When an id of version 7 was made; older files have others, of which it is not known. */
static void tell_creation(Cleat__WorkflowVersion *version, const cleat__uuid *id, bool *failed)
{
    int64_t ms = cleat__uuid_time(id);
    if (ms == 0) {
        return;
    }
    version->created_at = cleat__timestamp_new(failed, ms);
    version->updated_at = cleat__timestamp_new(failed, ms);
}

Cleat__WorkflowVersion *cleat__schedule_answer_write(const cleat__schedule_answer *answer)
{
    Cleat__WorkflowVersion *version = cleat__message_new(&cleat__workflow_version__descriptor);
    char id[37], workflow[37];
    bool failed = false;
    if (version == NULL) {
        return NULL;
    }
    cleat__uuid_format(&answer->version_id, id);
    cleat__uuid_format(&answer->workflow_id, workflow);
    version->id = cleat__message_string(&failed, id);
    version->workflow_id = cleat__message_string(&failed, workflow);
    version->order = answer->order;
    tell_creation(version, &answer->version_id, &failed);
    add_all(version, answer, &failed);
    if (failed) {
        cleat__message_free(version);
        return NULL;
    }
    return version;
}
