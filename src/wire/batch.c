#include "wire/batch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "wire/assignment_parts.h"
#include "wire/message.h"
#include "wire/payload.h"

typedef Cleat__AssignedAction action;

/* ---- Writing ---- */

/* {"<task run>":{"workflow_run_id":"<run>","payload":{..}}, ..} */
static char *write_members(bool *failed, const cleat__assignment *first, size_t count)
{
    cleat__buffer json = {0};
    const cleat__assignment *member = first;
    for (size_t i = 0; i < count; i++, member = member->next) {
        char id[37], run_id[37];
        bool is_run = cleat__uuid_is_nil(&member->run_id);
        cleat__uuid_format(&member->task_id, id);
        cleat__uuid_format(is_run ? &member->task_id : &member->run_id, run_id);
        cleat__buffer_append_format(
            &json, "%s\"%s\":{\"workflow_run_id\":\"%s\",\"payload\":", i == 0 ? "{" : ",", id, run_id);
        cleat__envelope_write(member, &json);
        cleat__buffer_append_byte(&json, '}');
    }
    cleat__buffer_append_byte(&json, '}');
    char *text = cleat__buffer_take_string(&json);
    *failed = *failed || text == NULL;
    return text != NULL ? text : cleat__message_string(failed, NULL);
}

action *cleat__batch_write(const cleat__assignment *first, size_t count, const cleat__action_details *details)
{
    bool failed = false;
    action *message = cleat__message_new(&cleat__assigned_action__descriptor);
    if (message == NULL) {
        return NULL;
    }
    message->action_type = CLEAT__ACTION_TYPE__START_BATCH;
    message->tenant_id = cleat__message_text(&failed, details->tenant_id);
    message->action_id = cleat__message_text(&failed, first->task);
    message->action_payload = write_members(&failed, first, count);
    cleat__batch_fields_write(first, &failed, message);
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

/* ---- Reading ---- */

static void free_all(cleat__assignment *list)
{
    while (list != NULL) {
        cleat__assignment *next = list->next;
        cleat__free(list);
        list = next;
    }
}

static cleat_status fail_member(void)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's payload has a member that is none of a batch");
}

/* `key` has its quotes. */
static bool read_id(cleat_slice key, cleat__uuid *out)
{
    return key.size >= 2 && cleat__uuid_parse((cleat_slice){key.data + 1, key.size - 2}, out) == CLEAT_OK;
}

static cleat_status read_member(const cleat__assignment *common, cleat_slice key, cleat_slice value,
                                cleat__assignment **out)
{
    cleat__assignment one = *common;
    cleat_slice run_id, envelope;
    if (!read_id(key, &one.task_id) || !cleat__payload_is_object(value) ||
        !cleat__json_find_member(value, "payload", &envelope)) {
        return fail_member();
    }
    bool has_run = cleat__json_find_member(value, "workflow_run_id", &run_id) && read_id(run_id, &one.run_id);
    if (!has_run || cleat__uuid_equals(&one.run_id, &one.task_id)) {
        one.run_id = (cleat__uuid){{0}};
    }
    return cleat__envelope_read(envelope, &one, out);
}

static cleat_status read_members(const cleat__assignment *common, cleat_slice members,
                                 cleat__assignment **out)
{
    cleat__json_cursor cursor;
    cleat_slice key, value;
    int32_t count = 0;
    cleat__assignment *list = NULL, **end = &list;
    cleat_status status = cleat__json_check_large("action_payload", members, true);
    cleat__json_members(members, &cursor);
    while (status == CLEAT_OK && cleat__json_next_member(&cursor, &key, &value)) {
        status = read_member(common, key, value, end);
        if (status == CLEAT_OK) {
            end = &(*end)->next;
            count++;
        }
    }
    *end = NULL;
    if (status == CLEAT_OK && count == 0) {
        status = fail_member();
    }
    if (status != CLEAT_OK) {
        free_all(list);
        return status;
    }
    for (cleat__assignment *one = list; one != NULL; one = one->next) {
        one->batch_count = count;
    }
    *out = list;
    return CLEAT_OK;
}

cleat_status cleat__batch_read(const action *message, int64_t now_ms, cleat__assignment **out)
{
    cleat__assignment common = {
        .retry_count = CLEAT__RETRY_CURRENT,
        .created_at_ms = now_ms,
        .queued_at_ms = now_ms,
        .priority = CLEAT_PRIORITY_LOW,
        .log_size = -1,
        .task = cleat_slice_of(message->action_id),
    };
    *out = NULL;
    if (common.task.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's action_id is missing");
    }
    if (message->has_batch_id_case == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an action's batchId is missing");
    }
    cleat_status status = cleat__batch_fields_read(message, &common);
    if (status == CLEAT_OK) {
        cleat__action_ids_read(message, &common);
        status = read_members(&common, cleat_slice_of(message->action_payload), out);
    }
    return status;
}

bool cleat__batch_next_id(cleat__json_cursor *members, cleat__uuid *out)
{
    cleat_slice key, value;
    while (cleat__json_next_member(members, &key, &value)) {
        if (read_id(key, out)) {
            return true;
        }
    }
    return false;
}
