#include "wire/batch_event.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "wire/message.h"
#include "wire/payload.h"
#include "wire/timestamp.h"

void cleat__batch_event_begin(cleat__batch_event_writer *writer, Cleat__StepActionEventType type,
                              const cleat__event_origin *origin, cleat_slice batch_id, size_t count,
                              int64_t now_ms)
{
    *writer = (cleat__batch_event_writer){.room = count};
    Cleat__BatchActionEvent *message = writer->message =
        cleat__message_new(&cleat__batch_action_event__descriptor);
    if (message == NULL) {
        writer->failed = true;
        return;
    }
    message->worker_id = cleat__message_text(&writer->failed, origin->worker_id);
    message->job_id = cleat__message_text(&writer->failed, origin->step_id);
    message->action_id = cleat__message_text(&writer->failed, origin->action_id);
    message->has_batch_id_case = CLEAT__BATCH_ACTION_EVENT__HAS_BATCH_ID_BATCH_ID;
    message->batch_id = cleat__message_text(&writer->failed, batch_id);
    message->event_timestamp = cleat__timestamp_new(&writer->failed, now_ms);
    message->event_type = type;
    message->items = cleat__calloc(count, sizeof(*message->items));
    writer->failed = writer->failed || message->items == NULL;
}

static Cleat__BatchActionEventItem *add(cleat__batch_event_writer *writer, const cleat__uuid *task_id)
{
    char id[37];
    if (writer->failed || writer->room == 0) {
        writer->failed = true;
        return NULL;
    }
    Cleat__BatchActionEventItem *item = cleat__message_new(&cleat__batch_action_event_item__descriptor);
    if (item == NULL) {
        writer->failed = true;
        return NULL;
    }
    writer->room--;
    writer->message->items[writer->message->n_items++] = item;
    cleat__uuid_format(task_id, id);
    item->task_run_external_id = cleat__message_string(&writer->failed, id);
    return item;
}

void cleat__batch_event_add_started(cleat__batch_event_writer *writer, const cleat__uuid *task_id)
{
    (void)add(writer, task_id);
}

static void write_end(cleat__batch_event_writer *writer, const cleat__report *report,
                      Cleat__BatchActionEventItem *item)
{
    if (report->status == CLEAT_OK) {
        cleat_slice output = report->output.data != NULL ? report->output : cleat_slice_of("null");
        item->event_payload = cleat__message_text(&writer->failed, output);
        return;
    }
    cleat__buffer error = {0};
    cleat__payload_error_write(&error, report->error);
    writer->failed = writer->failed || error.failed;
    item->event_payload = cleat__message_text(&writer->failed, cleat__buffer_slice(&error));
    item->has_should_not_retry_case = CLEAT__BATCH_ACTION_EVENT_ITEM__HAS_SHOULD_NOT_RETRY_SHOULD_NOT_RETRY;
    item->should_not_retry = report->status == CLEAT_NON_RETRYABLE;
    cleat__buffer_deinit(&error);
}

void cleat__batch_event_add(cleat__batch_event_writer *writer, const cleat__report *report)
{
    Cleat__BatchActionEventItem *item = add(writer, &report->task_id);
    if (item == NULL) {
        return;
    }
    if (report->retry_count >= 0) {
        item->has_retry_count_case = CLEAT__BATCH_ACTION_EVENT_ITEM__HAS_RETRY_COUNT_RETRY_COUNT;
        item->retry_count = report->retry_count;
    }
    write_end(writer, report, item);
}

Cleat__BatchActionEvent *cleat__batch_event_end(cleat__batch_event_writer *writer)
{
    if (writer->failed) {
        cleat__message_free(writer->message);
        writer->message = NULL;
    }
    return writer->message;
}
