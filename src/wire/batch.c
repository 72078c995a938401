#include "wire/batch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "wire/message.h"
#include "wire/timestamp.h"

typedef Cleat__AssignedAction action;

/* ---- Writing ---- */

static void write_start(cleat__batch_writer *writer, const cleat__assignment *first, size_t count)
{
    Cleat__BatchStartPayload *start = cleat__message_new(&cleat__batch_start_payload__descriptor);
    writer->failed = writer->failed || start == NULL;
    if (start != NULL) {
        start->triggerreason = cleat__message_text(&writer->failed, first->batch_reason);
        start->triggertime = cleat__timestamp_new(&writer->failed, first->batch_at_ms);
        start->expectedsize = (int32_t)count;
        writer->message->batchstartpayload = start;
    }
}

static void write_ids(cleat__batch_writer *writer, const cleat__assignment *first,
                      const cleat__action_details *details)
{
    char id[37];
    action *message = writer->message;
    cleat__uuid_format(&first->batch_id, id);
    message->tenant_id = cleat__message_text(&writer->failed, details->tenant_id);
    message->action_id = cleat__message_text(&writer->failed, first->task);
    message->has_batch_id_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_ID_BATCH_ID;
    message->batchid = cleat__message_string(&writer->failed, id);
    if (first->batch_key.size != 0) {
        message->has_batch_key_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_KEY_BATCH_KEY;
        message->batchkey = cleat__message_text(&writer->failed, first->batch_key);
    }
}

void cleat__batch_write_begin(cleat__batch_writer *writer, const cleat__assignment *first,
                              const cleat__action_details *details, size_t count, bool is_own)
{
    *writer = (cleat__batch_writer){.is_own = is_own, .room = count};
    writer->message = cleat__message_new(&cleat__assigned_action__descriptor);
    if (writer->message == NULL) {
        writer->failed = true;
        return;
    }
    writer->message->action_type = CLEAT__ACTION_TYPE__START_BATCH;
    write_ids(writer, first, details);
    write_start(writer, first, count);
    if (is_own) {
        writer->message->cleat_members = cleat__calloc(count, sizeof(*writer->message->cleat_members));
        writer->failed = writer->failed || writer->message->cleat_members == NULL;
    }
}

static void add_own(cleat__batch_writer *writer, const cleat__assignment *assignment,
                    const cleat__action_details *details)
{
    action *member = cleat__assignment_write(assignment, details);
    if (member == NULL) {
        writer->failed = true;
        return;
    }
    writer->message->cleat_members[writer->message->n_cleat_members++] = member;
}

static void add_envelope(cleat__batch_writer *writer, const cleat__assignment *assignment,
                         const cleat__action_details *details)
{
    char id[37], run_id[37];
    bool is_alone = cleat__uuid_is_nil(&details->run_id);
    cleat__uuid_format(&assignment->task_id, id);
    cleat__uuid_format(is_alone ? &assignment->task_id : &details->run_id, run_id);
    cleat__buffer_append_format(&writer->payload, "%c\"%s\":{\"workflow_run_id\":\"%s\",\"payload\":",
                                writer->payload.size == 0 ? '{' : ',', id, run_id);
    cleat__assignment_write_envelope(assignment, &writer->payload);
    cleat__buffer_append_byte(&writer->payload, '}');
}

void cleat__batch_write_add(cleat__batch_writer *writer, const cleat__assignment *assignment,
                            const cleat__action_details *details)
{
    if (writer->failed || writer->room == 0) {
        writer->failed = true;
        return;
    }
    writer->room--;
    if (writer->is_own) {
        add_own(writer, assignment, details);
    } else {
        add_envelope(writer, assignment, details);
    }
}

action *cleat__batch_write_end(cleat__batch_writer *writer)
{
    if (!writer->failed && !writer->is_own) {
        cleat__buffer_append_string(&writer->payload, writer->payload.size == 0 ? "{}" : "}");
        char *text = cleat__buffer_take_string(&writer->payload);
        writer->failed = text == NULL;
        if (text != NULL) {
            writer->message->action_payload = text;
        }
    }
    cleat__buffer_deinit(&writer->payload);
    if (writer->failed) {
        cleat__message_free(writer->message);
        writer->message = NULL;
    }
    return writer->message;
}

/* ---- Reading ---- */

bool cleat__batch_read_is_own(const action *message)
{
    return message->n_cleat_members != 0;
}

cleat_status cleat__batch_read_begin(cleat__batch_reader *reader, const action *message, int64_t now_ms)
{
    *reader = (cleat__batch_reader){.message = message, .now_ms = now_ms};
    if (message->has_batch_id_case == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a batch's batchId is missing");
    }
    (void)cleat__uuid_parse(cleat_slice_of(message->batchid), &reader->batch_id);
    if (cleat__batch_read_is_own(message)) {
        return CLEAT_OK;
    }
    cleat_slice payload = cleat_slice_of(message->action_payload);
    cleat_status status = cleat__json_check_large("a batch's action_payload", payload, true);
    if (status == CLEAT_OK) {
        cleat__json_members(payload, &reader->cursor);
    }
    return status;
}

/* `own` has what differs from the message: what is the batch's is the same in all. */
static void read_member(const cleat__batch_reader *reader, const action *own, cleat__batch_item *out)
{
    action member = *own;
    const action *message = reader->message;
    member.has_batch_id_case = message->has_batch_id_case;
    member.batchid = message->batchid;
    member.has_batch_key_case = message->has_batch_key_case;
    member.batchkey = message->batchkey;
    member.batchstartpayload = message->batchstartpayload;
    out->status = cleat__assignment_read(&member, reader->now_ms, &out->assignment);
}

static void read_own(const cleat__batch_reader *reader, const action *member, cleat__batch_item *out)
{
    out->status = cleat__action_attempt_read(member, &out->task_id, &out->retry_count);
    out->is_known = out->status == CLEAT_OK;
    if (out->is_known) {
        read_member(reader, member, out);
    }
}

static cleat_status copy_text(cleat_slice json, const char *otherwise, char **out)
{
    cleat_slice text = cleat_slice_of(otherwise);
    char *memory = NULL;
    (void)cleat__json_decode_string(json, &text, &memory);
    *out = cleat__slice_dup(text);
    cleat__free(memory);
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

/* "<id>":{"workflow_run_id":"<id>","payload":{..}} */
static void read_envelope(const cleat__batch_reader *reader, cleat_slice key, cleat_slice value,
                          cleat__batch_item *out)
{
    action member = *reader->message;
    char *id = NULL, *run_id = NULL, *envelope = NULL;
    cleat_slice run = {NULL, 0}, payload = {NULL, 0};
    (void)cleat__json_find_member(value, "workflow_run_id", &run);
    (void)cleat__json_find_member(value, "payload", &payload);
    out->status = copy_text(key, "", &id);
    if (out->status == CLEAT_OK) {
        out->status = copy_text(run, id, &run_id);
    }
    if (out->status == CLEAT_OK) {
        envelope = cleat__slice_dup(payload.data != NULL ? payload : cleat_slice_of(""));
        out->status = envelope != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    if (out->status == CLEAT_OK) {
        member.task_run_external_id = id;
        member.workflow_run_id = run_id;
        member.action_payload = envelope;
        member.retry_count = 0;
        read_own(reader, &member, out);
    }
    out->retry_count = CLEAT__RETRY_CURRENT;
    if (out->assignment != NULL) {
        out->assignment->retry_count = CLEAT__RETRY_CURRENT;
    }
    cleat__free(id);
    cleat__free(run_id);
    cleat__free(envelope);
}

bool cleat__batch_read_next(cleat__batch_reader *reader, cleat__batch_item *out)
{
    cleat_slice key, value;
    *out = (cleat__batch_item){.status = CLEAT_OK};
    if (cleat__batch_read_is_own(reader->message)) {
        if (reader->next == reader->message->n_cleat_members) {
            return false;
        }
        read_own(reader, reader->message->cleat_members[reader->next++], out);
    } else if (cleat__json_next_member(&reader->cursor, &key, &value)) {
        read_envelope(reader, key, value, out);
    } else {
        return false;
    }
    if (out->assignment != NULL) {
        if (cleat__uuid_is_nil(&reader->batch_id)) {
            reader->batch_id = out->task_id;
        }
        out->assignment->batch_id = reader->batch_id;
    }
    return true;
}
