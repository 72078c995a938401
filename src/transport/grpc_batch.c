#include "transport/grpc_batch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "transport/grpc_assign.h"
#include "transport/grpc_register.h"
#include "wire/batch.h"
#include "wire/batch_event.h"
#include "wire/message.h"

#include <stdio.h>

enum {
    AT_ONCE = 4,
    MOST_ITEMS = 100000,
    REPORTS_MAX_BYTES = 256 << 20,
    BEGINS_MAX_BYTES = 16 << 20,
    /* Of several ends; more of them are several messages. */
    MESSAGE_BYTES = 1 << 20,
    ITEM_BYTES = 128, /* of one, besides its text; a message with one has 1024 at most */
};

/* How a member has ended. */
typedef struct ending {
    struct ending *next;
    cleat__held *member;
    cleat__report report; /* its text is behind the struct */
    char text[];
} ending;

/* As long as one of its members is not reported. */
struct cleat__remote_batch {
    cleat__remote_batch *next;
    cleat__remote_workers *workers;
    int32_t
        number; /* below 0: the retry count of its members here, so that two attempts of one task can be held */
    bool is_begun;
    size_t left;
    ending *first, **last;
    char id[37];
};

static int64_t now_ms(void)
{
    return cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
}

/* ---- Their life ---- */

static cleat__remote_batch *batch_new(cleat__remote_workers *workers, const cleat__uuid *id)
{
    cleat__remote_batch *batch = cleat__calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    workers->batch_number = workers->batch_number < -1 ? workers->batch_number + 1 : CLEAT__RETRY_CURRENT + 1;
    batch->number = workers->batch_number;
    batch->workers = workers;
    batch->last = &batch->first;
    cleat__uuid_format(id, batch->id);
    batch->next = workers->batches;
    workers->batches = batch;
    return batch;
}

static void batch_free(cleat__remote_batch *batch)
{
    cleat__remote_batch **at = &batch->workers->batches;
    while (*at != batch) {
        at = &(*at)->next;
    }
    *at = batch->next;
    while (batch->first != NULL) {
        ending *first = batch->first;
        batch->first = first->next;
        cleat__free(first);
    }
    cleat__free(batch);
}

/* ---- What is begun ---- */

int32_t cleat__remote_batch_retry(const cleat__remote_workers *workers, const cleat__uuid *task_id,
                                  int32_t retry_count)
{
    if (cleat__remote_held_find(workers, task_id, retry_count, 0) != NULL) {
        return retry_count;
    }
    for (const cleat__remote_batch *batch = workers->batches; batch != NULL; batch = batch->next) {
        if (cleat__remote_held_find(workers, task_id, batch->number, 0) != NULL) {
            return batch->number;
        }
    }
    return retry_count;
}

void cleat__remote_batch_begin(const cleat__held *member)
{
    cleat__remote_batch *batch = member->batch;
    cleat__batch_event_writer writer;
    cleat__event_origin origin = cleat__remote_origin_of(member);
    cleat__buffer bytes = {0};
    if (batch->is_begun) {
        return;
    }
    batch->is_begun = true;
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED, &origin,
                             cleat_slice_of(batch->id), batch->left, now_ms());
    for (const cleat__held *it = member->worker->held; it != NULL; it = it->next) {
        if (it->batch == batch) {
            cleat__batch_event_add_started(&writer, &it->task_id);
        }
    }
    Cleat__BatchActionEvent *message = cleat__batch_event_end(&writer);
    if (message != NULL && cleat__message_pack(message, &bytes) == CLEAT_OK) {
        (void)cleat__lane_put(&batch->workers->batch_begins, cleat__buffer_slice(&bytes), NULL);
    }
    cleat__buffer_deinit(&bytes);
    cleat__message_free(message);
}

/* ---- How they end ---- */

static void forget_chain(cleat__remote_workers *workers, cleat__held *first)
{
    while (first != NULL) {
        cleat__held *next = first->next;
        cleat__remote_held_forget(workers, first);
        first = next;
    }
}

/* What was told has arrived, or never will. */
static void settled(cleat__lane *lane, void *tag)
{
    forget_chain(CLEAT__CONTAINER(lane, cleat__remote_workers, batch_reports), tag);
}

/* All that a message says of those that are linked by `next`. */
static void put(cleat__remote_workers *workers, Cleat__BatchActionEvent *message, cleat__held *members)
{
    static cleat__log_site site;
    cleat__buffer bytes = {0};
    cleat_status status = message != NULL ? cleat__message_pack(message, &bytes) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__lane_put(&workers->batch_reports, cleat__buffer_slice(&bytes), members);
    }
    if (status != CLEAT_OK) {
        cleat__log_limited(&site, CLEAT_LOG_ERROR, "the end of runs of a batch could not be recorded: %s",
                           cleat_error_message());
        forget_chain(workers, members);
    }
    cleat__buffer_deinit(&bytes);
}

static size_t size_of(const ending *it)
{
    return it->report.output.size + it->report.error.size + ITEM_BYTES;
}

/* What is put into one message; it may be as little as can be set. */
static size_t most_of(const cleat__remote_workers *workers)
{
    int64_t most = workers->link->settings.max_send_size - 1024;
    return most < MESSAGE_BYTES ? (size_t)(most > 0 ? most : 0) : MESSAGE_BYTES;
}

/* One message, of those from `from` on that have completed, or have not. Answers where the rest begins. The members of
 * the others may be gone. */
static const ending *tell_some(cleat__remote_batch *batch, bool is_completed, const ending *from)
{
    size_t count = 0, bytes = 0;
    const size_t most = most_of(batch->workers);
    const ending *stop = from, *first = NULL;
    for (; stop != NULL; stop = stop->next) {
        if ((stop->report.status == CLEAT_OK) == is_completed) {
            bytes += size_of(stop);
            if (count != 0 && bytes > most) {
                break;
            }
            first = first != NULL ? first : stop;
            count++;
        }
    }
    if (first == NULL) {
        return NULL;
    }
    cleat__batch_event_writer writer;
    cleat__held *members = NULL;
    cleat__event_origin origin = cleat__remote_origin_of(first->member);
    cleat__batch_event_begin(&writer,
                             is_completed ? CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED
                                          : CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED,
                             &origin, cleat_slice_of(batch->id), count, now_ms());
    for (const ending *it = from; it != stop; it = it->next) {
        if ((it->report.status == CLEAT_OK) == is_completed) {
            cleat__batch_event_add(&writer, &it->report);
            it->member->next = members;
            members = it->member;
        }
    }
    Cleat__BatchActionEvent *message = cleat__batch_event_end(&writer);
    put(batch->workers, message, members);
    cleat__message_free(message);
    return stop;
}

void cleat__remote_batch_count_down(cleat__remote_batch *batch)
{
    if (--batch->left != 0) {
        return;
    }
    for (int is_completed = 1; is_completed >= 0; is_completed--) {
        const ending *at = batch->first;
        while (at != NULL) {
            at = tell_some(batch, is_completed != 0, at);
        }
    }
    batch_free(batch);
}

/* NULL on no memory. */
static ending *ending_new(cleat__held *member, const cleat__report *report)
{
    cleat_slice text = report->status == CLEAT_OK ? report->output : report->error;
    ending *it = cleat__malloc(sizeof(*it) + text.size);
    if (it != NULL) {
        *it = (ending){.member = member,
                       .report = {.task_id = report->task_id,
                                  .retry_count = CLEAT__RETRY_CURRENT,
                                  .status = report->status}};
        if (text.data != NULL) {
            memcpy(it->text, text.data, text.size);
            *(report->status == CLEAT_OK ? &it->report.output : &it->report.error) =
                (cleat_slice){it->text, text.size};
        }
    }
    return it;
}

static void fail_too_large(cleat__report *report, size_t size, char *text, size_t room)
{
    (void)snprintf(text, room, "the task's %s is too large: it has %zu bytes",
                   report->status == CLEAT_OK ? "output" : "error", size);
    report->status = CLEAT_NON_RETRYABLE;
    report->error = cleat_slice_of(text);
}

cleat_status cleat__remote_batch_report(cleat__held *member, const cleat__report *report)
{
    char text[96];
    cleat__remote_batch *batch = member->batch;
    cleat__report said = *report;
    size_t size = said.status == CLEAT_OK ? said.output.size : said.error.size;
    if ((int64_t)size + 1024 > batch->workers->link->settings.max_send_size) {
        fail_too_large(&said, size, text, sizeof(text));
    }
    ending *it = ending_new(member, &said);
    if (it == NULL) {
        cleat__remote_held_forget(batch->workers, member);
        return cleat__fail_memory();
    }
    *batch->last = it;
    batch->last = &it->next;
    cleat__remote_held_unlink(member);
    return CLEAT_OK;
}

/* What the server has no room for is instead the failure of all that it is about. */
static cleat_status shorten(cleat_slice bytes, cleat__buffer *out)
{
    cleat_status status = CLEAT_OK;
    cleat__batch_event_writer writer;
    Cleat__BatchActionEvent *said =
        cleat__message_unpack(&cleat__batch_action_event__descriptor, bytes, &status);
    if (said == NULL) {
        return status;
    }
    const cleat__event_origin origin = {cleat_slice_of(said->worker_id), cleat_slice_of(said->action_id),
                                        cleat_slice_of(said->job_id)};
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED, &origin,
                             cleat_slice_of(said->batch_id), said->n_items, now_ms());
    for (size_t i = 0; i < said->n_items && status == CLEAT_OK; i++) {
        char text[96];
        bool is_output = said->event_type == CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED;
        cleat__report report = {.retry_count = CLEAT__RETRY_CURRENT,
                                .status = is_output ? CLEAT_OK : CLEAT_FAILED};
        status = cleat__uuid_parse(cleat_slice_of(said->items[i]->task_run_external_id), &report.task_id);
        fail_too_large(&report, strlen(said->items[i]->event_payload), text, sizeof(text));
        cleat__batch_event_add(&writer, &report);
    }
    Cleat__BatchActionEvent *shorter = cleat__batch_event_end(&writer);
    if (status == CLEAT_OK) {
        status = shorter != NULL ? cleat__message_pack(shorter, out) : cleat__fail_memory();
    }
    cleat__message_free(shorter);
    cleat__message_free(said);
    return status;
}

/* ---- One that cannot be read ---- */

/* Some of its runs have failed, which no worker holds. False: all have been told. */
static bool refuse_some(const cleat__remote_worker *worker, const Cleat__AssignedAction *action,
                        cleat__report *report, cleat__json_cursor *members)
{
    enum { MOST = 256 };
    cleat__uuid ids[MOST];
    cleat__batch_event_writer writer;
    const cleat__event_origin origin = {cleat_slice_of(worker->current_id), cleat_slice_of(action->action_id),
                                        cleat_slice_of(action->task_id)};
    size_t room = most_of(worker->workers) / (ITEM_BYTES + report->error.size), count = 0;
    room = room < 1 ? 1 : room < MOST ? room : MOST;
    while (count < room && cleat__batch_next_id(members, &ids[count])) {
        count++;
    }
    if (count == 0) {
        return false;
    }
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED, &origin,
                             cleat_slice_of(action->batchid), count, now_ms());
    for (size_t i = 0; i < count; i++) {
        report->task_id = ids[i];
        cleat__batch_event_add(&writer, report);
    }
    Cleat__BatchActionEvent *message = cleat__batch_event_end(&writer);
    put(worker->workers, message, NULL);
    cleat__message_free(message);
    return count == room;
}

/* As far as its runs can be read they have failed; the server finds out of the others by their timeouts. */
static void refuse(const cleat__remote_worker *worker, const Cleat__AssignedAction *action,
                   cleat_status reason)
{
    static cleat__log_site site;
    cleat__link *link = worker->workers->link;
    cleat__json_cursor members;
    char text[CLEAT__CALL_TEXT];
    (void)snprintf(text, sizeof(text), "%s", cleat_error_message());
    cleat__link_log(link, &site, CLEAT_LOG_WARN, "a batch of the server at %s is of no use: %s",
                    link->settings.address, text);
    cleat__report report = {.retry_count = CLEAT__RETRY_CURRENT,
                            .status = cleat_status_is_retryable(reason) ? CLEAT_FAILED : CLEAT_NON_RETRYABLE,
                            .error = cleat_slice_of(text)};
    cleat__json_members(cleat_slice_of(action->action_payload), &members);
    while (refuse_some(worker, action, &report, &members)) {
    }
}

/* ---- One that comes ---- */

static void free_all(cleat__assignment *list)
{
    while (list != NULL) {
        cleat__assignment *next = list->next;
        cleat__free(list);
        list = next;
    }
}

static bool is_known(const cleat__remote_workers *workers, const cleat__uuid *id)
{
    char text[37];
    const cleat__remote_batch *batch = workers->batches;
    cleat__uuid_format(id, text);
    while (batch != NULL && strcmp(batch->id, text) != 0) {
        batch = batch->next;
    }
    return batch != NULL;
}

/* Without memory a member's end is told by itself. */
static void hold(cleat__remote_worker *worker, cleat__remote_batch *batch, cleat__assignment *assignment)
{
    assignment->retry_count = batch != NULL ? batch->number : CLEAT__RETRY_CURRENT;
    /* A server that names one twice hears of the second end by itself. */
    bool is_twice = cleat__remote_holds(worker->workers, assignment);
    cleat__held *member = is_twice ? NULL : cleat__remote_hold(worker, assignment, cleat_slice_of(""));
    if (member != NULL && batch != NULL) {
        member->batch = batch;
        batch->left++;
    }
    cleat__remote_restore_names(worker, assignment);
}

void cleat__remote_start_batch(cleat__remote_worker *worker, const Cleat__AssignedAction *action)
{
    cleat__assignment *list = NULL;
    cleat__remote_workers *workers = worker->workers;
    cleat_status status = cleat__batch_read(action, now_ms(), &list);
    if (status != CLEAT_OK) {
        refuse(worker, action, status);
        return;
    }
    if (worker->is_paused || is_known(workers, &list->batch_id)) {
        free_all(
            list); /* the server finds out when the worker is gone; or it was not sure that it had come */
        return;
    }
    cleat__remote_batch *batch = batch_new(workers, &list->batch_id);
    for (cleat__assignment *it = list; it != NULL; it = it->next) {
        hold(worker, batch, it);
    }
    if (batch != NULL && batch->left == 0) {
        batch_free(batch);
    }
    cleat__remote_gathering_end(worker);
    worker->sink.assign(worker->sink.self, list);
}

/* ---- Lanes ---- */

void cleat__remote_batches_init(cleat__remote_workers *workers)
{
    workers->batch_number = CLEAT__RETRY_CURRENT;
    workers->batch_reports = (cleat__lane){
        .link = workers->link,
        .path = "/Dispatcher/SendBatchActionEvent",
        .what = "the end of a batch",
        .must_arrive = true,
        .settled = settled,
        .shorten = shorten,
        .window = AT_ONCE,
        .most_items = MOST_ITEMS,
        .most_bytes = REPORTS_MAX_BYTES,
    };
    workers->batch_begins = (cleat__lane){
        .link = workers->link,
        .path = "/Dispatcher/SendBatchActionEvent",
        .what = "the beginning of a batch",
        .window = AT_ONCE,
        .most_items = MOST_ITEMS,
        .most_bytes = BEGINS_MAX_BYTES,
    };
    cleat__lane_init(&workers->batch_reports);
    cleat__lane_init(&workers->batch_begins);
}

void cleat__remote_batches_deinit(cleat__remote_workers *workers)
{
    while (workers->batches != NULL) {
        batch_free(workers->batches);
    }
}
