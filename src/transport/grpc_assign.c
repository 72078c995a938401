/*
 * What workers are sent: runs to be started, which are held until they are reported, and cancellations.
 *
 * A server of Cleat's sends the members of a batch one after the other, each with all there is to know of it. They are
 * gathered here until they are complete, and go to the worker together. If some do not come, since their stream has ended,
 * or they were too large to be sent, the others do not wait for them long.
 */
#include "transport/grpc_assign.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "transport/grpc_batch.h"
#include "transport/grpc_register.h"
#include "wire/assignment.h"

#include <stdio.h>

static int64_t now_ms(void)
{
    return cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
}

/* ---- Batches on their way ---- */

static void on_late(cleat__link_timer *self)
{
    cleat__remote_gathering *it = CLEAT__CONTAINER(self, cleat__remote_gathering, timer);
    cleat__remote_gathering_end(CLEAT__CONTAINER(it, cleat__remote_worker, gathering));
}

void cleat__remote_gathering_init(cleat__remote_worker *worker)
{
    worker->gathering.end = &worker->gathering.first;
    worker->gathering.timer.run = on_late;
}

static cleat__assignment *take_gathered(cleat__remote_gathering *it)
{
    cleat__assignment *list = it->first;
    it->first = NULL;
    it->end = &it->first;
    it->left = 0;
    return list;
}

void cleat__remote_gathering_deinit(cleat__remote_worker *worker)
{
    cleat__assignment *list = take_gathered(&worker->gathering);
    while (list != NULL) {
        cleat__assignment *next = list->next;
        cleat__free(list);
        list = next;
    }
}

void cleat__remote_gathering_end(cleat__remote_worker *worker)
{
    cleat__link_timer_unset(worker->workers->link, &worker->gathering.timer);
    cleat__assignment *list = take_gathered(&worker->gathering);
    if (list != NULL) {
        worker->sink.assign(worker->sink.self, list);
    }
}

static void gather(cleat__remote_worker *worker, cleat__assignment *assignment)
{
    cleat__remote_gathering *it = &worker->gathering;
    if (it->left > 0 && !cleat__uuid_equals(&it->batch_id, &assignment->batch_id)) {
        cleat__remote_gathering_end(worker);
    }
    if (it->left == 0) {
        it->batch_id = assignment->batch_id;
        it->left = assignment->batch_count;
    }
    *it->end = assignment;
    it->end = &assignment->next;
    it->left--;
    if (it->left == 0) {
        cleat__remote_gathering_end(worker);
    } else {
        cleat__link *link = worker->workers->link;
        cleat__link_timer_set(link, &it->timer, cleat__deadline_ns(link->settings.gather_ms));
    }
}

/* Takes it out; the others go on waiting for those that have not come. */
static bool ungather(cleat__remote_worker *worker, const cleat__uuid *task_id, int32_t retry_count)
{
    cleat__remote_gathering *it = &worker->gathering;
    for (cleat__assignment **at = &it->first; *at != NULL; at = &(*at)->next) {
        cleat__assignment *found = *at;
        if (found->retry_count == retry_count && cleat__uuid_equals(&found->task_id, task_id)) {
            *at = found->next;
            it->end = it->end == &found->next ? at : it->end;
            cleat__free(found);
            return true;
        }
    }
    return false;
}

/* ---- Runs ---- */

/* 0: the task is not durable. */
static int32_t invocation_of(const Cleat__AssignedAction *action)
{
    return action->has_durable_task_invocation_count_case != 0 ? action->durable_task_invocation_count : 0;
}

static void refuse(cleat__remote_worker *worker, const Cleat__AssignedAction *action, cleat_status reason)
{
    static cleat__log_site site;
    cleat__uuid task_id;
    int32_t retry_count;
    char text[CLEAT__CALL_TEXT];
    snprintf(text, sizeof(text), "%s", cleat_error_message());
    cleat__link_log(worker->workers->link, &site, CLEAT_LOG_WARN,
                    "an action of the server at %s is of no use: %s", worker->workers->link->settings.address,
                    text);
    if (cleat__action_attempt_read(action, &task_id, &retry_count) != CLEAT_OK) {
        return;
    }
    const cleat__report report = {.task_id = task_id,
                                  .retry_count = retry_count,
                                  .invocation_count = invocation_of(action),
                                  .status =
                                      cleat_status_is_retryable(reason) ? CLEAT_FAILED : CLEAT_NON_RETRYABLE,
                                  .error = cleat_slice_of(text)};
    (void)cleat__remote_report_locked(worker->workers, &report);
}

void cleat__remote_start_run(cleat__remote_worker *worker, const Cleat__AssignedAction *action)
{
    cleat__assignment *assignment = NULL;
    cleat_status status = cleat__assignment_read(action, now_ms(), &assignment);
    if (status != CLEAT_OK) {
        refuse(worker, action, status);
        return;
    }
    if (cleat__remote_holds(worker->workers, assignment)) {
        cleat__free(assignment); /* the server was not sure that it had come */
        return;
    }
    if (worker->is_paused) { /* it was on the way */
        const cleat__report report = {.task_id = assignment->task_id,
                                      .retry_count = assignment->retry_count,
                                      .invocation_count = assignment->invocation_count,
                                      .status = CLEAT_UNAVAILABLE};
        (void)cleat__remote_report_locked(worker->workers, &report);
        cleat__free(assignment);
        return;
    }
    /* On no memory its events go without what they only repeat; but an invocation could never end. */
    bool is_held = cleat__remote_hold(worker, assignment, cleat_slice_of(action->task_id));
    if (assignment->is_durable) {
        status = is_held ? cleat__remote_invocation_begin(worker, assignment) : cleat__fail_memory();
    }
    if (status != CLEAT_OK) {
        refuse(worker, action, status);
        cleat__free(assignment);
        return;
    }
    cleat__remote_restore_names(worker, assignment);
    assignment->next = NULL;
    if (assignment->batch_count > 1) {
        gather(worker, assignment);
    } else {
        cleat__remote_gathering_end(worker);
        worker->sink.assign(worker->sink.self, assignment);
    }
}

void cleat__remote_cancel_attempt(cleat__remote_worker *worker, const cleat__uuid *task_id,
                                  int32_t retry_count, int32_t invocation_count)
{
    if (ungather(worker, task_id, retry_count) ||
        worker->sink.withdraw(worker->sink.self, task_id, retry_count)) {
        cleat__remote_forget(worker->workers, task_id, retry_count, invocation_count);
    } else {
        worker->sink.cancel(worker->sink.self, task_id, retry_count);
    }
}

void cleat__remote_cancel_run(cleat__remote_worker *worker, const Cleat__AssignedAction *action)
{
    cleat__uuid task_id;
    int32_t retry_count, count = invocation_of(action);
    if (cleat__action_attempt_read(action, &task_id, &retry_count) == CLEAT_OK &&
        (count == 0 || cleat__remote_invocation_cancel(&worker->workers->durables, &task_id, count))) {
        retry_count = cleat__remote_batch_retry(worker->workers, &task_id, retry_count);
        cleat__remote_cancel_attempt(worker, &task_id, retry_count, count);
    }
}
