/* What workers say: reports, which must arrive, and log lines, which may be lost. */
#include "transport/grpc_batch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "grpc/library.h"
#include "wire/log_line.h"
#include "wire/message.h"
#include "wire/report.h"

#include <stdio.h>

enum {
    REPORTS_MAX = 1000000,
    REPORTS_MAX_BYTES = 256 << 20,
    BEGINS_AT_ONCE = 16,
    BEGINS_MAX = 10000,
    BEGINS_MAX_BYTES = 16 << 20,
    LOGS_AT_ONCE = 8,
    LOGS_MAX = 1000,
    LOGS_MAX_BYTES = 16 << 20,
};

static int64_t now_ms(void)
{
    return cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
}

/* ---- What was assigned ---- */

static void make_key(const cleat__uuid *task_id, int32_t retry_count, int32_t invocation_count,
                     char key[CLEAT__HELD_KEY_SIZE])
{
    memcpy(key, task_id->bytes, sizeof(task_id->bytes));
    memcpy(key + sizeof(task_id->bytes), &retry_count, sizeof(retry_count));
    memcpy(key + sizeof(task_id->bytes) + sizeof(retry_count), &invocation_count, sizeof(invocation_count));
}

cleat__event_origin cleat__remote_origin_of(const cleat__held *held)
{
    if (held == NULL) {
        return (cleat__event_origin){0};
    }
    return (cleat__event_origin){cleat_slice_of(held->worker_id), held->action_id, held->step_id};
}

static cleat_status put_message(cleat__lane *lane, const void *message)
{
    cleat__buffer bytes = {0};
    cleat_status status = cleat__message_pack(message, &bytes);
    if (status == CLEAT_OK) {
        status = cleat__lane_put(lane, cleat__buffer_slice(&bytes), NULL);
    }
    cleat__buffer_deinit(&bytes);
    return status;
}

static void link_held(cleat__held *held)
{
    held->is_reported = false;
    held->previous = NULL;
    held->next = held->worker->held;
    if (held->next != NULL) {
        held->next->previous = held;
    }
    held->worker->held = held;
}

void cleat__remote_held_unlink(cleat__held *held)
{
    if (!held->is_reported) {
        held->is_reported = true;
        if (held->invocation_count != 0) {
            cleat__remote_invocation_end(&held->worker->workers->durables, &held->task_id,
                                         held->invocation_count);
        }
        *(held->previous != NULL ? &held->previous->next : &held->worker->held) = held->next;
        if (held->next != NULL) {
            held->next->previous = held->previous;
        }
        held->next = held->previous = NULL;
        cleat__remote_batch *batch = held->batch;
        held->batch = NULL;
        if (batch != NULL) {
            cleat__remote_batch_count_down(batch);
        }
    }
}

void cleat__remote_held_forget(cleat__remote_workers *workers, cleat__held *held)
{
    if (held != NULL) {
        cleat__remote_held_unlink(held);
        (void)cleat__map_remove(&workers->held, (cleat_slice){held->key, CLEAT__HELD_KEY_SIZE});
        cleat__free(held);
    }
}

static cleat__held *held_new(cleat__remote_worker *worker, const cleat__assignment *assignment,
                             cleat_slice step_id)
{
    cleat_slice action_id = assignment->task;
    cleat__held *held = cleat__malloc(sizeof(*held) + action_id.size + step_id.size);
    if (held != NULL) {
        char *texts = (char *)(held + 1);
        memcpy(texts, action_id.data, action_id.size);
        memcpy(texts + action_id.size, step_id.data, step_id.size);
        held->action_id = (cleat_slice){texts, action_id.size};
        held->step_id = (cleat_slice){texts + action_id.size, step_id.size};
        held->worker = worker;
        held->task_id = assignment->task_id;
        held->retry_count = assignment->retry_count;
        held->invocation_count = assignment->invocation_count;
        make_key(&held->task_id, held->retry_count, held->invocation_count, held->key);
        held->is_reported = true; /* in nobody's list yet */
        held->batch = NULL;
        memcpy(held->worker_id, worker->current_id, sizeof(held->worker_id));
    }
    return held;
}

cleat__held *cleat__remote_held_find(const cleat__remote_workers *workers, const cleat__uuid *task_id,
                                     int32_t retry_count, int32_t invocation_count)
{
    char key[CLEAT__HELD_KEY_SIZE];
    make_key(task_id, retry_count, invocation_count, key);
    cleat__held *held = cleat__map_get(&workers->held, (cleat_slice){key, CLEAT__HELD_KEY_SIZE});
    return held != NULL && !held->is_reported ? held : NULL;
}

bool cleat__remote_holds(const cleat__remote_workers *workers, const cleat__assignment *assignment)
{
    char key[CLEAT__HELD_KEY_SIZE];
    make_key(&assignment->task_id, assignment->retry_count, assignment->invocation_count, key);
    return cleat__map_get(&workers->held, (cleat_slice){key, CLEAT__HELD_KEY_SIZE}) != NULL;
}

cleat__held *cleat__remote_hold(cleat__remote_worker *worker, const cleat__assignment *assignment,
                                cleat_slice step_id)
{
    cleat__remote_workers *workers = worker->workers;
    cleat__held *held = held_new(worker, assignment, step_id);
    if (held == NULL ||
        cleat__map_put(&workers->held, (cleat_slice){held->key, CLEAT__HELD_KEY_SIZE}, held) != CLEAT_OK) {
        cleat__free(held);
        return NULL;
    }
    link_held(held);
    return held;
}

static void begin_alone(cleat__remote_workers *workers, const cleat__held *held, const cleat__uuid *task_id,
                        int32_t retry_count)
{
    cleat__event_origin origin = cleat__remote_origin_of(held);
    Cleat__StepActionEvent *message = cleat__started_write(task_id, retry_count, &origin, now_ms());
    if (message != NULL) {
        (void)put_message(&workers->begins, message);
        cleat__message_free(message);
    }
}

void cleat__remote_begin(cleat__remote_workers *workers, const cleat__uuid *task_id, int32_t retry_count)
{
    if (workers->link->is_cleat || cleat__grpc_check_fork() != CLEAT_OK) {
        return; /* it knows from the stream, and a call for each attempt would be as dear as the report */
    }
    pthread_mutex_lock(&workers->link->mutex);
    int32_t invocation = cleat__remote_invocation_newest(&workers->durables, task_id);
    const cleat__held *held = cleat__remote_held_find(workers, task_id, retry_count, invocation);
    if (held != NULL && held->batch != NULL) {
        cleat__remote_batch_begin(held);
    } else {
        begin_alone(workers, held, task_id, retry_count);
    }
    pthread_mutex_unlock(&workers->link->mutex);
}

/* ---- Reports ---- */

static cleat_status write_report(const cleat__report *report, const cleat__event_origin *origin,
                                 cleat__buffer *out)
{
    cleat_status status = CLEAT_OK;
    Cleat__StepActionEvent *message = cleat__report_write(report, origin, now_ms(), &status);
    if (message != NULL) {
        status = cleat__message_pack(message, out);
    }
    cleat__message_free(message);
    return status;
}

/* A message that is too large never arrives: the attempt has failed, and would again. */
static cleat_status write_too_large(const cleat__report *report, const cleat__event_origin *origin,
                                    size_t size, const char *why, cleat__buffer *out)
{
    char text[160];
    snprintf(text, sizeof(text), "the task's %s is too large: its report has %zu bytes, and %s",
             report->status == CLEAT_OK ? "output" : "error", size, why);
    const cleat__report instead = {.task_id = report->task_id,
                                   .retry_count = report->retry_count,
                                   .invocation_count = report->invocation_count,
                                   .carrier = report->carrier,
                                   .status = CLEAT_NON_RETRYABLE,
                                   .error = cleat_slice_of(text)};
    cleat__buffer_clear(out);
    return write_report(&instead, origin, out);
}

/* What the server has no room for, although this client may send it: the same for what it did say. */
static cleat_status shorten_report(cleat_slice message, cleat__buffer *out)
{
    cleat_status status = CLEAT_OK;
    cleat__report report;
    Cleat__StepActionEvent *said =
        cleat__message_unpack(&cleat__step_action_event__descriptor, message, &status);
    if (said == NULL) {
        return status;
    }
    const cleat__event_origin origin = {cleat_slice_of(said->worker_id), cleat_slice_of(said->action_id),
                                        cleat_slice_of(said->task_id)};
    status = cleat__report_read(said, &report);
    if (status == CLEAT_OK) {
        status = write_too_large(&report, &origin, message.size, "the server takes less", out);
    }
    cleat__message_free(said);
    return status;
}

void cleat__remote_forget(cleat__remote_workers *workers, const cleat__uuid *task_id, int32_t retry_count,
                          int32_t invocation_count)
{
    cleat__remote_held_forget(workers,
                              cleat__remote_held_find(workers, task_id, retry_count, invocation_count));
}

/* Its report has arrived, or never will. */
static void settled(cleat__lane *lane, void *tag)
{
    cleat__remote_held_forget(CLEAT__CONTAINER(lane, cleat__remote_workers, reports), tag);
}

cleat_status cleat__remote_report_locked(cleat__remote_workers *workers, const cleat__report *report)
{
    cleat__buffer bytes = {0};
    cleat__held *held =
        cleat__remote_held_find(workers, &report->task_id, report->retry_count, report->invocation_count);
    cleat__event_origin origin = cleat__remote_origin_of(held);
    bool is_of_batch = held != NULL && held->batch != NULL;
    if (report->status == CLEAT_UNAVAILABLE && (!workers->link->is_cleat || is_of_batch)) {
        cleat__remote_held_forget(
            workers, held); /* others have no word for it: when the worker is gone they find out */
        return CLEAT_OK;
    }
    if (is_of_batch) {
        return cleat__remote_batch_report(held, report);
    }
    cleat_status status = write_report(report, &origin, &bytes);
    int64_t most = workers->link->settings.max_send_size;
    if (status == CLEAT_OK && bytes.size > (size_t)most) {
        char why[64];
        snprintf(why, sizeof(why), "%lld can be sent", (long long)most);
        status = write_too_large(report, &origin, bytes.size, why, &bytes);
    }
    /* A released attempt may come back at once, as itself. */
    bool is_kept = held != NULL && report->status != CLEAT_UNAVAILABLE;
    if (status == CLEAT_OK) {
        status = cleat__lane_put(&workers->reports, cleat__buffer_slice(&bytes), is_kept ? held : NULL);
    }
    if (is_kept && status == CLEAT_OK) {
        cleat__remote_held_unlink(held);
    } else {
        cleat__remote_held_forget(workers, held);
    }
    cleat__buffer_deinit(&bytes);
    return status;
}

cleat_status cleat__remote_report(cleat__remote_workers *workers, const cleat__report *report)
{
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        return status;
    }
    pthread_mutex_lock(&workers->link->mutex);
    /* An invocation that is over, since it was evicted or given back, has no end. */
    bool is_over = report->invocation_count != 0 &&
                   cleat__remote_held_find(workers, &report->task_id, report->retry_count,
                                           report->invocation_count) == NULL;
    status = is_over ? CLEAT_OK : cleat__remote_report_locked(workers, report);
    pthread_mutex_unlock(&workers->link->mutex);
    return status;
}

void cleat__remote_give_back(cleat__remote_worker *worker)
{
    while (worker->held != NULL) {
        const cleat__held *held = worker->held;
        const cleat__report report = {.task_id = held->task_id,
                                      .retry_count = held->retry_count,
                                      .invocation_count = held->invocation_count,
                                      .status = CLEAT_UNAVAILABLE};
        (void)cleat__remote_report_locked(worker->workers, &report);
    }
}

void cleat__remote_held_deinit(cleat__remote_workers *workers)
{
    size_t cursor = 0;
    for (cleat__held *held; (held = cleat__map_next(&workers->held, &cursor)) != NULL;) {
        cleat__free(held);
    }
    cleat__map_deinit(&workers->held);
    cleat__remote_batches_deinit(workers);
}

/* ---- Log lines ---- */

cleat_status cleat__remote_log(cleat__remote_workers *workers, const cleat__log_line *line)
{
    cleat_status status = cleat__grpc_check_fork();
    Cleat__PutLogRequest *message = status == CLEAT_OK ? cleat__log_line_write(line) : NULL;
    if (message == NULL) {
        return status != CLEAT_OK ? status : cleat__fail_memory();
    }
    pthread_mutex_lock(&workers->link->mutex);
    status = put_message(&workers->logs, message);
    pthread_mutex_unlock(&workers->link->mutex);
    cleat__message_free(message);
    return status;
}

/* ---- Life ---- */

void cleat__remote_workers_init(cleat__remote_workers *workers, cleat__link *link)
{
    workers->link = link;
    cleat__remote_durables_init(&workers->durables, link);
    workers->reports = (cleat__lane){
        .link = link,
        .path = "/Dispatcher/SendStepActionEvent",
        .what = "a report",
        .must_arrive = true,
        .settled = settled,
        .shorten = shorten_report,
        .window = 1, /* until it is known what the server is */
        .most_items = REPORTS_MAX,
        .most_bytes = REPORTS_MAX_BYTES,
    };
    workers->begins = (cleat__lane){
        .link = link,
        .path = "/Dispatcher/SendStepActionEvent",
        .what = "the beginning of a task",
        .window = BEGINS_AT_ONCE,
        .most_items = BEGINS_MAX,
        .most_bytes = BEGINS_MAX_BYTES,
    };
    workers->logs = (cleat__lane){
        .link = link,
        .path = "/EventsService/PutLog",
        .what = "a line of a task's log",
        .window = LOGS_AT_ONCE,
        .most_items = LOGS_MAX,
        .most_bytes = LOGS_MAX_BYTES,
    };
    cleat__remote_batches_init(workers);
    cleat__lane_init(&workers->reports);
    cleat__lane_init(&workers->begins);
    cleat__lane_init(&workers->logs);
}
