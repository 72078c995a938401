/*
 * The queue of assignments and the threads that work on it.
 *
 * The engine's thread appends to the queue and must not wait, so it starts no threads: the house
 * does, one at a time, while more waits than threads are idle. Starting one takes longer than a
 * short task, so a worker with many slots and short tasks stays at a few threads.
 *
 * Those of a batch come one behind the other and stay so. They are begun together, by one thread.
 */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"

#define HEARTBEAT_NS (4 * CLEAT__NS_PER_S)

static _Thread_local const cleat_worker *own_worker;

void cleat__worker_enter(const cleat_worker *worker)
{
    own_worker = worker;
}

bool cleat__worker_is_own_thread(const cleat_worker *worker)
{
    return own_worker == worker;
}

/* ---- The queue ---- */

/* A task that gave its slot away does not count: another one has it. */
static bool has_room(const cleat_worker *worker)
{
    return worker->running_count - worker->released_count < worker->threads_max;
}

static bool needs_thread(const cleat_worker *worker)
{
    return (!worker->stopping || worker->runs_queue) && worker->queue_size > worker->idle &&
           worker->thread_count < worker->threads_max + worker->released_count;
}

void cleat__worker_slot_released(cleat_worker *worker)
{
    worker->released_count++;
    pthread_cond_signal(&worker->work);
    if (needs_thread(worker)) {
        pthread_cond_signal(&worker->house_work);
    }
}

bool cleat__worker_begins_unit(const cleat__assignment *before, const cleat__assignment *it)
{
    bool is_of_batch = it != NULL && before != NULL && !cleat__uuid_is_nil(&it->batch_id);
    return it != NULL && (!is_of_batch || !cleat__uuid_equals(&before->batch_id, &it->batch_id));
}

void cleat__worker_assign(void *self, cleat__assignment *list)
{
    cleat_worker *worker = self;
    pthread_mutex_lock(&worker->mutex);
    size_t idle = worker->idle, woken = 0;
    const cleat__assignment *before =
        worker->queue != NULL ? CLEAT__CONTAINER(worker->queue_end, cleat__assignment, next) : NULL;
    *worker->queue_end = list;
    while (*worker->queue_end != NULL) {
        bool is_unit = cleat__worker_begins_unit(before, *worker->queue_end);
        before = *worker->queue_end;
        worker->queue_end = &(*worker->queue_end)->next;
        worker->queue_size += is_unit;
        woken += is_unit && woken < idle;
    }
    if (needs_thread(worker)) {
        pthread_cond_signal(&worker->house_work);
    }
    pthread_mutex_unlock(&worker->mutex);
    /* They need the mutex. The worker is there as long as its transport tells it something. */
    while (woken-- > 0) {
        pthread_cond_signal(&worker->work);
    }
}

static cleat__assignment *take_first(cleat_worker *worker)
{
    cleat__assignment *first = worker->queue;
    worker->queue = first->next;
    worker->queue_size -= first->next == NULL || cleat__worker_begins_unit(first, first->next);
    if (worker->queue == NULL) {
        worker->queue_end = &worker->queue;
    }
    first->next = NULL;
    return first;
}

void cleat__worker_give_back(cleat_worker *worker)
{
    cleat__transport *transport = worker->client->transport;
    pthread_mutex_lock(&worker->mutex);
    cleat__assignment *list = worker->queue;
    worker->queue = NULL;
    worker->queue_end = &worker->queue;
    worker->queue_size = 0;
    pthread_mutex_unlock(&worker->mutex);
    while (list != NULL) {
        cleat__assignment *next = list->next;
        const cleat__report report = {
            .task_id = list->task_id,
            .retry_count = list->retry_count,
            .invocation_count = list->invocation_count,
            .status = CLEAT_UNAVAILABLE,
        };
        (void)transport->report(transport, &report); /* else the removal of the worker requeues it */
        cleat__free(list);
        list = next;
    }
}

/* ---- Slot threads ---- */

static void begin_task(cleat_worker *worker, cleat_task *task, cleat__assignment *assignment)
{
    memset(task, 0, sizeof *task);
    task->worker = worker;
    task->assignment = assignment;
    task->deadline_ns = INT64_MAX;
    cleat__child_numbers_init(&task->children);
    /* Now, because from here on the canceller may look at the task. */
    cleat__uuid_format(&assignment->task_id, task->id.text);
    if (!cleat__uuid_is_nil(&assignment->run_id)) {
        cleat__uuid_format(&assignment->run_id, task->workflow_run_id.text);
    }
    if (!cleat__uuid_is_nil(&assignment->event_id)) {
        cleat__uuid_format(&assignment->event_id, task->event_id);
    }
    if (assignment->is_child) {
        cleat__uuid_format(&assignment->parent_id, task->parent_id.text);
    }
    task->next_running = worker->running;
    if (worker->running != NULL) {
        worker->running->previous_running = task;
    }
    worker->running = task;
}

static void end_task(cleat_worker *worker, cleat_task *task)
{
    cleat__task_settle_cancel(task);
    if (task->previous_running != NULL) {
        task->previous_running->next_running = task->next_running;
    } else {
        worker->running = task->next_running;
    }
    if (task->next_running != NULL) {
        task->next_running->previous_running = task->previous_running;
    }
    worker->released_count -= task->slot_released;
}

/* What the task held. Without the mutex. */
static void deinit_task(cleat_task *task)
{
    cleat__child_numbers_deinit(&task->children);
    cleat__free(atomic_load(&task->child_metadata));
    cleat_context_release(atomic_load(&task->context));
    cleat_context_release(task->batch_context);
    cleat__metadata_deinit(&task->metadata);
    cleat__metadata_deinit(&task->end_metadata);
    cleat__free(task->output);
    cleat__free(task->error);
    cleat__free(task->return_error);
    cleat__free(task->step_errors);
    cleat__free(task->assignment);
}

void cleat__worker_leave(cleat_worker *worker)
{
    bool last = --worker->live == 0 && atomic_load(&worker->abandoned);
    pthread_mutex_unlock(&worker->mutex);
    if (last) {
        cleat__worker_destroy(worker);
    }
}

/* Of a worker that stops, whether a slot thread has done all that it is still to do. */
static bool has_done_all(const cleat_worker *worker)
{
    return worker->stopping && (!worker->runs_queue || (worker->drained && worker->queue == NULL));
}

static void execute(cleat_task *tasks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat__task_prepare(&tasks[i]);
    }
    if (count > 1 && tasks[0].declaration != NULL && tasks[0].declaration->run_batch != NULL) {
        cleat__batch_execute(tasks, count);
        return;
    }
    for (size_t i = 0; i < count; i++) { /* of a batch only where an older version had them so */
        cleat__task_execute(&tasks[i]);
    }
}

/* The first of the queue, with those of its batch. With the mutex, given away meanwhile. */
static void run_unit(cleat_worker *worker)
{
    cleat_task alone, *tasks = &alone;
    size_t count = 1;
    for (const cleat__assignment *it = worker->queue; it->next != NULL; it = it->next, count++) {
        if (cleat__worker_begins_unit(it, it->next)) {
            break;
        }
    }
    if (count > 1) {
        cleat_task *many = cleat__calloc(count, sizeof(*many));
        tasks = many != NULL ? many : &alone;
        count = many != NULL ? count : 1; /* without memory they are batches of one */
    }
    worker->running_count++;
    for (size_t i = 0; i < count; i++) {
        begin_task(worker, &tasks[i], take_first(worker));
    }
    pthread_mutex_unlock(&worker->mutex);
    execute(tasks, count);
    pthread_mutex_lock(&worker->mutex);
    for (size_t i = 0; i < count; i++) {
        end_task(worker, &tasks[i]);
    }
    worker->running_count--;
    if (worker->stopping && worker->running_count == 0) {
        pthread_cond_broadcast(&worker->settled);
        cleat__worker_wake_run(worker);
    }
    pthread_mutex_unlock(&worker->mutex);
    for (size_t i = 0; i < count; i++) {
        deinit_task(&tasks[i]);
    }
    cleat__free(tasks != &alone ? tasks : NULL);
    pthread_mutex_lock(&worker->mutex);
}

static void *slot_main(void *argument)
{
    cleat_worker *worker = argument;
    cleat__worker_enter(worker);
    pthread_mutex_lock(&worker->mutex);
    while (!has_done_all(worker)) {
        if (worker->queue == NULL || !has_room(worker)) {
            worker->idle++;
            (void)cleat__cond_wait_until(&worker->work, &worker->mutex, INT64_MAX);
            worker->idle--;
            continue;
        }
        run_unit(worker);
    }
    if (worker->runs_queue) { /* the last of the queue may have been withdrawn */
        pthread_cond_broadcast(&worker->settled);
        pthread_cond_broadcast(&worker->work);
        cleat__worker_wake_run(worker);
    }
    cleat__worker_leave(worker);
    return NULL;
}

/* ---- The house ---- */

static bool needs_canceller(const cleat_worker *worker)
{
    return (worker->cancel_first != NULL || worker->timed != NULL) && !worker->canceller_started;
}

/* Called with the mutex, gives it away meanwhile. False: there is no thread to be had now. */
static bool add_thread(cleat_worker *worker)
{
    if (worker->thread_count == worker->thread_capacity) {
        size_t capacity = worker->thread_capacity > 0 ? 2 * worker->thread_capacity : 8;
        pthread_t *threads = cleat__realloc(worker->threads, capacity * sizeof *threads);
        if (threads == NULL) {
            return false;
        }
        worker->threads = threads;
        worker->thread_capacity = capacity;
    }
    worker->live++;
    pthread_mutex_unlock(&worker->mutex);
    pthread_t thread;
    cleat_status status = cleat__thread_start(&thread, "cleat-slot", slot_main, worker);
    pthread_mutex_lock(&worker->mutex);
    if (status != CLEAT_OK) {
        worker->live--;
        return false;
    }
    worker->threads[worker->thread_count++] = thread;
    return true;
}

/* Called with the mutex, gives it away meanwhile; what is cancelled then is the canceller's. */
static void add_canceller(cleat_worker *worker)
{
    worker->canceller_started = true;
    worker->live++;
    pthread_mutex_unlock(&worker->mutex);
    cleat_status status =
        cleat__thread_start(&worker->canceller, "cleat-cancel", cleat__worker_canceller, worker);
    pthread_mutex_lock(&worker->mutex);
    worker->canceller_started = status == CLEAT_OK;
    worker->live -= status != CLEAT_OK;
}

static int64_t beat(cleat_worker *worker)
{
    cleat__transport *transport = worker->client->transport;
    pthread_mutex_unlock(&worker->mutex);
    (void)transport->worker_heartbeat(transport, &worker->id);
    pthread_mutex_lock(&worker->mutex);
    return cleat__clock_monotonic_ns(NULL) + HEARTBEAT_NS;
}

void *cleat__worker_house(void *argument)
{
    static cleat__log_site no_thread;
    cleat_worker *worker = argument;
    bool may_start = true; /* false from a failure to the next beat */
    int64_t next_beat_ns = cleat__clock_monotonic_ns(NULL) + HEARTBEAT_NS;
    pthread_mutex_lock(&worker->mutex);
    (void)add_thread(worker);
    while (!worker->closing || (may_start && needs_canceller(worker))) {
        if (cleat__clock_monotonic_ns(NULL) >= next_beat_ns) {
            next_beat_ns = beat(worker);
            may_start = true;
        } else if (may_start && needs_canceller(worker)) {
            add_canceller(worker);
            may_start = worker->canceller_started;
        } else if (may_start && needs_thread(worker)) {
            may_start = add_thread(worker);
            if (!may_start) {
                cleat__log_limited(&no_thread, CLEAT_LOG_WARN, "worker %s cannot start more than %zu threads",
                                   worker->name, worker->thread_count);
            }
        } else {
            (void)cleat__cond_wait_until(&worker->house_work, &worker->mutex, next_beat_ns);
        }
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}
