/*
 * Telling running tasks that they were cancelled.
 *
 * The engine's thread only sets the task's flag and puts the task on a list. A thread of its own,
 * started at the first cancellation, delivers: it runs the interceptors' `cancel` hooks in the
 * task's context and at their end the task's callback. (Not the house: a callback that takes its
 * time must not hold up heartbeats.)
 *
 * A task lives on its slot thread's stack, so that thread sees a cancellation through before it
 * leaves the task: one that still waits it delivers itself, without the callback because the task
 * function has returned; one under way it waits for. Each cancellation of a running task thus
 * runs the hooks exactly once.
 */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

struct cleat_cancel_call {
    cleat__chain chain;
    cleat_task *task;
};

/* ---- The list ---- */

/* All with the mutex. */
static void append_cancel(cleat_worker *worker, cleat_task *task)
{
    task->cancel_stage = CLEAT__CANCEL_WAITING;
    task->next_cancel = NULL;
    if (worker->cancel_last != NULL) {
        worker->cancel_last->next_cancel = task;
    } else {
        worker->cancel_first = task;
    }
    worker->cancel_last = task;
    pthread_cond_signal(worker->canceller_started ? &worker->cancel_work : &worker->house_work);
}

static void remove_cancel(cleat_worker *worker, const cleat_task *task)
{
    cleat_task *before = NULL;
    cleat_task **at = &worker->cancel_first;
    while (*at != task) {
        before = *at;
        at = &before->next_cancel;
    }
    *at = task->next_cancel;
    if (worker->cancel_last == task) {
        worker->cancel_last = before;
    }
}

void cleat__task_cancel(cleat_worker *worker, cleat_task *task)
{
    if (task->step != NULL) {
        cleat__task_cancel(worker, task->step);
    }
    atomic_store(&task->cancelled, true);
    if (task->cancel_stage == CLEAT__CANCEL_NONE) {
        append_cancel(worker, task);
    }
}

/* Takes the attempt out of the queue; NULL: it is not there. */
static cleat__assignment *remove_queued(cleat_worker *worker, const cleat__uuid *task_id, int32_t retry_count)
{
    const cleat__assignment *before = NULL;
    for (cleat__assignment **at = &worker->queue; *at != NULL; before = *at, at = &(*at)->next) {
        cleat__assignment *found = *at;
        if (found->retry_count == retry_count && cleat__uuid_equals(&found->task_id, task_id)) {
            worker->queue_size -= cleat__worker_begins_unit(before, found);
            worker->queue_size -= cleat__worker_begins_unit(found, found->next);
            worker->queue_size += cleat__worker_begins_unit(before, found->next);
            *at = found->next;
            if (worker->queue_end == &found->next) {
                worker->queue_end = at;
            }
            return found;
        }
    }
    return NULL;
}

bool cleat__worker_withdraw(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    cleat_worker *worker = self;
    pthread_mutex_lock(&worker->mutex);
    cleat__assignment *queued = remove_queued(worker, task_id, retry_count);
    pthread_mutex_unlock(&worker->mutex);
    bool is_withdrawn = queued != NULL;
    cleat__free(queued);
    return is_withdrawn;
}

void cleat__worker_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    cleat_worker *worker = self;
    if (cleat__worker_withdraw(worker, task_id, retry_count)) {
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    for (cleat_task *task = worker->running; task != NULL; task = task->next_running) {
        if (task->assignment->retry_count == retry_count &&
            cleat__uuid_equals(&task->assignment->task_id, task_id)) {
            cleat__task_cancel(worker, task);
            break;
        }
    }
    pthread_mutex_unlock(&worker->mutex);
}

void cleat__worker_cancel_all(cleat_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    for (cleat_task *task = worker->running; task != NULL; task = task->next_running) {
        cleat__task_cancel(worker, task);
    }
    pthread_mutex_unlock(&worker->mutex);
}

/* ---- Delivery ---- */

/* With the mutex, given away while the callback runs. May be nested in a callback of its own. */
static void run_callback(cleat_task *task)
{
    cleat_worker *worker = task->worker;
    void (*callback)(void *) = task->callback;
    void *user_data = task->callback_data;
    bool nested = task->callback_running;
    task->callback = NULL;
    if (callback == NULL) {
        return;
    }
    task->callback_running = true;
    task->callback_thread = pthread_self();
    pthread_mutex_unlock(&worker->mutex);
    callback(user_data);
    pthread_mutex_lock(&worker->mutex);
    task->callback_running = nested;
    pthread_cond_broadcast(&worker->settled);
}

/* With the mutex. Returns when no callback runs, but for one that the caller is inside of. */
static void wait_callback(cleat_task *task)
{
    while (task->callback_running && !pthread_equal(task->callback_thread, pthread_self())) {
        (void)cleat__cond_wait_until(&task->worker->settled, &task->worker->mutex, INT64_MAX);
    }
}

static void call_back(cleat_task *task)
{
    pthread_mutex_lock(&task->worker->mutex);
    wait_callback(task);
    if (!task->returned) {
        run_callback(task);
    }
    pthread_mutex_unlock(&task->worker->mutex);
}

const char *cleat_cancel_call_run_id(const cleat_cancel_call *call)
{
    return call != NULL ? call->task->id.text : NULL;
}

cleat_status cleat_cancel_call_proceed(cleat_cancel_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, cancel));
    if (next != NULL) {
        status = next->cancel(next->user_data, call);
    } else {
        call_back(call->task);
    }
    call->chain.spent = true;
    return status;
}

/* Without the mutex; the task stays because its stage is DELIVERING. */
static void deliver(cleat_task *task)
{
    cleat_cancel_call call = {.chain = {.client = task->worker->client}, .task = task};
    cleat_scope scope = cleat_context_attach(atomic_load(&task->context));
    if (task->step_name != NULL) {
        call_back(task); /* the run's cancellation is its workflow's; a deadline is none */
    } else {
        (void)cleat_cancel_call_proceed(&call);
    }
    (void)cleat_scope_detach(scope);
}

/* With the mutex. When the next one will be late. */
static int64_t cancel_late_steps(cleat_worker *worker)
{
    int64_t now_ns = worker->timed != NULL ? cleat__clock_monotonic_ns(NULL) : 0;
    int64_t next_ns = INT64_MAX;
    for (cleat_task *step = worker->timed; step != NULL; step = step->next_timed) {
        if (step->deadline_ns <= now_ns) {
            cleat__task_cancel(worker, step);
        } else if (step->deadline_ns < next_ns) {
            next_ns = step->deadline_ns;
        }
    }
    return next_ns;
}

void *cleat__worker_canceller(void *argument)
{
    cleat_worker *worker = argument;
    cleat__worker_enter(worker);
    pthread_mutex_lock(&worker->mutex);
    while (!worker->closing || worker->cancel_first != NULL) {
        int64_t next_ns = cancel_late_steps(worker);
        cleat_task *task = worker->cancel_first;
        if (task == NULL) {
            (void)cleat__cond_wait_until(&worker->cancel_work, &worker->mutex, next_ns);
            continue;
        }
        remove_cancel(worker, task);
        task->cancel_stage = CLEAT__CANCEL_DELIVERING;
        pthread_mutex_unlock(&worker->mutex);
        deliver(task);
        pthread_mutex_lock(&worker->mutex);
        task->cancel_stage = CLEAT__CANCEL_DELIVERED;
        pthread_cond_broadcast(&worker->settled);
    }
    cleat__worker_leave(worker);
    return NULL;
}

/* ---- The task's side ---- */

void cleat_task_on_cancel(cleat_task *task, void (*function)(void *user_data), void *user_data)
{
    if (task == NULL) {
        return;
    }
    pthread_mutex_lock(&task->worker->mutex);
    atomic_store(&task->callback_used, true);
    wait_callback(task);
    task->callback = function;
    task->callback_data = user_data;
    if (atomic_load(&task->cancelled)) {
        run_callback(task);
    }
    pthread_mutex_unlock(&task->worker->mutex);
}

void cleat__task_returned(cleat_task *task)
{
    if (!atomic_load(&task->callback_used)) {
        return;
    }
    pthread_mutex_lock(&task->worker->mutex);
    task->returned = true;
    task->callback = NULL;
    wait_callback(task);
    pthread_mutex_unlock(&task->worker->mutex);
}

void cleat__task_settle_cancel(cleat_task *task)
{
    cleat_worker *worker = task->worker;
    if (task->cancel_stage == CLEAT__CANCEL_WAITING) {
        remove_cancel(worker, task);
        task->cancel_stage = CLEAT__CANCEL_DELIVERING;
        pthread_mutex_unlock(&worker->mutex);
        deliver(task);
        pthread_mutex_lock(&worker->mutex);
        task->cancel_stage = CLEAT__CANCEL_DELIVERED;
    }
    while (task->cancel_stage == CLEAT__CANCEL_DELIVERING) {
        (void)cleat__cond_wait_until(&worker->settled, &worker->mutex, INT64_MAX);
    }
}
