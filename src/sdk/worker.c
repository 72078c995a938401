/*
 * A worker's life.
 *
 * Stopping goes: nothing new is begun; the engine assigns no more (pause); what was not begun is
 * given back, or, where the engine takes nothing back, run; running tasks finish and report; the engine
 * forgets the worker (remove, after which the sink is silent); threads end. The first four steps may take several calls of
 * cleat_worker_stop(), by several threads; the last two are done once, by whoever sees that
 * nothing runs any more.
 *
 * A worker that is freed although a task does not end is abandoned: the engine forgets it at once
 * and hands the run to somebody else, the threads are detached, and the last of them to leave
 * frees the memory. What such a task still asks of its worker is refused.
 */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "sdk/options.h"
#include "sdk/wishes.h"

#include <stdio.h>
#include <unistd.h>

#define SLOTS_MAX       100000
#define FREE_TIMEOUT_MS 10000

/* "<process name>-<pid>"; the caller frees it. */
static char *default_name(void)
{
    char process[64] = "";
    char name[96];
    FILE *file = fopen("/proc/self/comm", "re");
    if (file != NULL) {
        if (fgets(process, sizeof process, file) == NULL) {
            process[0] = '\0';
        }
        (void)fclose(file);
    }
    process[strcspn(process, "\n")] = '\0';
    (void)snprintf(name, sizeof name, "%s-%ld", process[0] != '\0' ? process : "worker", (long)getpid());
    return cleat__strdup(name);
}

static cleat_status check_worker_options(const cleat_worker_options *options, cleat_worker_options *known)
{
    cleat_status status = cleat__options_read("CLEAT_WORKER_OPTIONS", options, known, sizeof *known);
    if (status != CLEAT_OK) {
        return status;
    }
    if (options == NULL) {
        known->slots = CLEAT_SLOTS_DEFAULT;
    }
    if (known->slots < 1 || known->slots > SLOTS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "slots is %d: a worker needs 1 to %d", known->slots,
                           SLOTS_MAX);
    }
    return CLEAT_OK;
}

/* A copy of the texts of the slots, which the worker says later. */
static cleat_status keep_slots(cleat_worker *worker)
{
    size_t size = 0;
    for (size_t i = 0; i < worker->slot_count; i++) {
        size += worker->slots[i].type.size;
    }
    char *text = worker->offer_text = cleat__malloc(size + 1);
    if (text == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < worker->slot_count; i++) {
        cleat_slice *type = &worker->slots[i].type;
        memcpy(text, type->data, type->size);
        type->data = text;
        text += type->size;
    }
    return CLEAT_OK;
}

static cleat_status set_labels(cleat_worker *worker, const cleat__label *labels, size_t count)
{
    cleat__labels *merged = cleat__labels_merge(worker->labels, labels, count);
    if (merged == NULL) {
        return cleat__fail_memory();
    }
    cleat__free(worker->labels);
    worker->labels = merged;
    return CLEAT_OK;
}

static cleat_status set_offer(cleat_worker *worker, const cleat_worker_options *options)
{
    cleat__label *labels = NULL;
    cleat_status status = cleat__slots_take(options->slots, options->slot_types, options->slot_type_count,
                                            &worker->slots, &worker->slot_count);
    if (status == CLEAT_OK) {
        status = keep_slots(worker);
    }
    if (status == CLEAT_OK) {
        status = cleat__labels_take(options->labels, options->label_count, &labels);
    }
    if (labels != NULL) {
        status = set_labels(worker, labels, options->label_count);
    }
    cleat__free(labels);
    return status;
}

static cleat_status set_up(cleat_worker *worker, const cleat_worker_options *options)
{
    worker->name = options->name != NULL ? cleat__strdup(options->name) : default_name();
    cleat_status status = worker->name != NULL ? set_offer(worker, options) : cleat__fail_memory();
    size_t slots = 0;
    for (size_t i = 0; i < worker->slot_count; i++) {
        slots += (size_t)worker->slots[i].units;
    }
    if (status == CLEAT_OK && (options->threads < 0 || (size_t)options->threads > slots)) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "threads is %d: 1 to all slots (%zu), or 0 for as many as slots",
                             options->threads, slots);
    }
    worker->has_own_threads = options->threads > 0;
    worker->threads_max = options->threads > 0 ? (size_t)options->threads : slots;
    return status;
}

cleat_status cleat_worker_new(cleat_client *client, const cleat_worker_options *options, cleat_worker **out)
{
    cleat_worker_options known;
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = NULL;
    cleat_status status = check_worker_options(options, &known);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat_worker *worker = cleat__calloc(1, sizeof *worker);
    if (worker == NULL) {
        return cleat__fail_memory();
    }
    worker->client = client;
    worker->queue_end = &worker->queue;
    worker->signal_slot = -1;
    pthread_mutex_init(&worker->mutex, NULL);
    cleat__cond_init(&worker->work);
    cleat__cond_init(&worker->settled);
    cleat__cond_init(&worker->cancel_work);
    cleat__cond_init(&worker->house_work);
    status = set_up(worker, &known);
    if (status != CLEAT_OK) {
        cleat__worker_destroy(worker);
        return status;
    }
    *out = worker;
    return CLEAT_OK;
}

void cleat__worker_destroy(cleat_worker *worker)
{
    for (cleat__declaration *next, *it = worker->declarations; it != NULL; it = next) {
        next = it->next;
        cleat__declaration_free(it);
    }
    cleat__map_deinit(&worker->by_action);
    pthread_cond_destroy(&worker->work);
    pthread_cond_destroy(&worker->settled);
    pthread_cond_destroy(&worker->cancel_work);
    pthread_cond_destroy(&worker->house_work);
    pthread_mutex_destroy(&worker->mutex);
    cleat__free(worker->threads);
    cleat__free(worker->name);
    cleat__free(worker->slots);
    cleat__free(worker->offer_text);
    cleat__free(worker->labels);
    cleat__free(worker);
}

/* ---- Declarations ---- */

/* Workflows of a server are told apart by their name, which for "w:t" and for "w.t" is "w.t". */
cleat_status cleat__worker_check_workflow(const cleat_worker *worker, const char *action)
{
    char name[sizeof(worker->declarations->action)], other[sizeof(name)];
    cleat__workflow_name(cleat_slice_of(action), name);
    for (const cleat__declaration *it = worker->declarations; it != NULL; it = it->next) {
        cleat__workflow_name(cleat_slice_of(it->action), other);
        if (strcmp(action, it->action) == 0) {
            return cleat__fail(CLEAT_ALREADY_EXISTS, "this worker has a workflow \"%s\" already", name);
        }
        if (strcmp(name, other) == 0) {
            return cleat__fail(CLEAT_ALREADY_EXISTS,
                               "the tasks \"%s\" and \"%s\" would both be the workflow \"%s\": rename one",
                               it->action, action, name);
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__worker_add_declaration(cleat_worker *worker, cleat__declaration *declaration)
{
    cleat_slice action = cleat_slice_of(declaration->action);
    if (cleat__map_get(&worker->by_action, action) != NULL) {
        return cleat__fail(CLEAT_ALREADY_EXISTS, "this worker has a task \"%s\" already",
                           declaration->action);
    }
    cleat_status status = cleat__worker_check_workflow(worker, declaration->action);
    if (status == CLEAT_OK) {
        status = cleat__map_put(&worker->by_action, action, declaration);
    }
    if (status == CLEAT_OK) {
        declaration->next = worker->declarations;
        worker->declarations = declaration;
        worker->action_count++;
    }
    return status;
}

cleat_status cleat__worker_check_new(cleat_worker *worker, const char *name, bool has_function)
{
    if (name == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "name is NULL: a task needs a name");
    }
    if (!has_function) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "run is NULL: task \"%s\" needs a function", name);
    }
    pthread_mutex_lock(&worker->mutex);
    bool started = worker->state != CLEAT__WORKER_NEW;
    pthread_mutex_unlock(&worker->mutex);
    return started
               ? cleat__fail(CLEAT_FAILED_PRECONDITION, "the worker has started: declare \"%s\" before", name)
               : CLEAT_OK;
}

cleat_status cleat_worker_add_task(cleat_worker *worker, const cleat_task_options *task)
{
    cleat_task_options known;
    cleat__declaration *declaration = NULL;
    if (worker == NULL || task == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", worker == NULL ? "worker" : "task");
    }
    cleat_status status = cleat__options_read("CLEAT_TASK_OPTIONS", task, &known, sizeof known);
    if (status == CLEAT_OK) {
        status = cleat__worker_check_new(worker, known.name, known.run != NULL || known.run_batch != NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat__declaration_new(&known, &declaration);
    }
    if (status == CLEAT_OK) {
        status = cleat__worker_add_declaration(worker, declaration);
    }
    if (status != CLEAT_OK) {
        cleat__declaration_free(declaration);
    }
    return status;
}

/* ---- Start ---- */

static cleat_status add_to_engine(cleat_worker *worker, const cleat_slice *actions, size_t count)
{
    cleat__transport *transport = worker->client->transport;
    const cleat__transport_sink sink = {worker, cleat__worker_assign, cleat__worker_cancel,
                                        cleat__worker_withdraw, cleat__worker_lost};
    const cleat__worker_spec spec = {
        .name = cleat_slice_of(worker->name),
        .actions = actions,
        .action_count = count,
        .slots = worker->slots,
        .slot_count = worker->slot_count,
        .labels = worker->labels != NULL ? worker->labels->items : NULL,
        .label_count = worker->labels != NULL ? worker->labels->count : 0,
    };
    return transport->worker_add(transport, &spec, &sink, &worker->id);
}

/* Of a workflow of several tasks those of its tasks. */
static size_t list_actions(const cleat__declaration *declaration, cleat_slice *actions)
{
    size_t count = 0;
    if (declaration->dag == NULL) {
        actions[count++] = cleat_slice_of(declaration->action);
        return count;
    }
    for (const cleat__declaration *it = declaration->dag->tasks; it != NULL; it = it->next) {
        actions[count++] = cleat_slice_of(it->action);
    }
    return count;
}

static cleat_status register_worker(cleat_worker *worker)
{
    cleat_status status = CLEAT_OK;
    size_t count = 0;
    cleat_slice *actions = cleat__calloc(worker->action_count, sizeof *actions);
    if (actions == NULL) {
        return cleat__fail_memory();
    }
    for (cleat__declaration *it = worker->declarations; it != NULL && status == CLEAT_OK; it = it->next) {
        count += list_actions(it, actions + count);
        status = cleat__declaration_put(it, worker->client->transport);
    }
    if (status == CLEAT_OK) {
        status = add_to_engine(worker, actions, count);
    }
    cleat__free(actions);
    return status;
}

static void set_id(cleat_worker *worker, bool is_known)
{
    pthread_mutex_lock(&worker->mutex);
    if (is_known) {
        cleat__uuid_format(&worker->id, worker->id_text);
    } else {
        worker->id_text[0] = '\0';
    }
    pthread_mutex_unlock(&worker->mutex);
}

/* Assignments may come before worker_add has returned. They wait for the house, which starts the
 * threads, so nobody reads the id before it is written. */
static cleat_status start_worker(cleat_worker *worker)
{
    cleat_status status = register_worker(worker);
    if (status != CLEAT_OK) {
        return status;
    }
    set_id(worker, true);
    cleat__worker_warn_of_slots(worker);
    cleat__worker_catch_signals(worker);
    status = cleat__thread_start(&worker->house, "cleat-house", cleat__worker_house, worker);
    if (status != CLEAT_OK) {
        set_id(worker, false);
        (void)worker->client->transport->worker_remove(worker->client->transport, &worker->id);
        cleat__worker_give_back(worker); /* what came meanwhile */
    }
    return status;
}

/* With the mutex: waits while another thread starts the worker. */
static void wait_started(cleat_worker *worker)
{
    while (worker->state == CLEAT__WORKER_STARTING) {
        (void)cleat__cond_wait_until(&worker->settled, &worker->mutex, INT64_MAX);
    }
}

cleat_status cleat_worker_start(cleat_worker *worker)
{
    cleat_status status = CLEAT_OK;
    if (worker == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "worker is NULL");
    }
    pthread_mutex_lock(&worker->mutex);
    wait_started(worker);
    cleat__worker_state state = worker->state;
    if (state == CLEAT__WORKER_NEW && worker->action_count > 0) {
        worker->state = CLEAT__WORKER_STARTING;
    }
    pthread_mutex_unlock(&worker->mutex);
    if (state == CLEAT__WORKER_RUNNING) {
        return CLEAT_OK;
    }
    if (state == CLEAT__WORKER_STOPPED) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "the worker was stopped: make a new one");
    }
    if (worker->action_count == 0) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "the worker has no tasks: cleat_worker_add_task() first");
    }
    status = start_worker(worker);
    pthread_mutex_lock(&worker->mutex);
    worker->state = status == CLEAT_OK ? CLEAT__WORKER_RUNNING : CLEAT__WORKER_NEW;
    pthread_cond_broadcast(&worker->settled);
    pthread_mutex_unlock(&worker->mutex);
    return status;
}

/* ---- Labels ---- */

/* With the mutex. Labels that are set meanwhile wait for the start. */
static cleat_status check_label_state(cleat_worker *worker)
{
    wait_started(worker);
    return worker->state != CLEAT__WORKER_STOPPED && !worker->stopping
               ? CLEAT_OK
               : cleat__fail(CLEAT_FAILED_PRECONDITION, "the worker was stopped");
}

cleat_status cleat_worker_set_labels(cleat_worker *worker, const cleat_label *labels, size_t count)
{
    cleat__label *taken = NULL;
    if (worker == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "worker is NULL");
    }
    cleat_status status = cleat__labels_take(labels, count, &taken);
    if (status != CLEAT_OK || count == 0) {
        return status;
    }
    pthread_mutex_lock(&worker->mutex);
    status = check_label_state(worker);
    if (status == CLEAT_OK) {
        status = set_labels(worker, taken, count);
    }
    bool is_running = worker->state == CLEAT__WORKER_RUNNING;
    pthread_mutex_unlock(&worker->mutex);
    if (status == CLEAT_OK && is_running) {
        cleat__transport *transport = worker->client->transport;
        status = transport->worker_label(transport, &worker->id, taken, count);
    }
    cleat__free(taken);
    return status;
}

const char *cleat_worker_id(const cleat_worker *worker)
{
    if (worker == NULL) {
        return NULL;
    }
    pthread_mutex_t *mutex =
        (pthread_mutex_t *)(uintptr_t)&worker->mutex; /* which is no part of what is const */
    pthread_mutex_lock(mutex);
    const char *id = worker->id_text[0] != '\0' ? worker->id_text : NULL;
    pthread_mutex_unlock(mutex);
    return id;
}

/* ---- Stop ---- */

/* Once: tells the engine, and gives back what was not begun. */
static void drain(cleat_worker *worker)
{
    cleat__transport *transport = worker->client->transport;
    (void)transport->worker_pause(transport, &worker->id); /* a failed engine assigns nothing either */
    if (!worker->runs_queue) {
        cleat__worker_give_back(worker);
    }
    pthread_mutex_lock(&worker->mutex);
    worker->drained = true;
    pthread_cond_broadcast(&worker->work);
    pthread_cond_broadcast(&worker->settled);
    pthread_mutex_unlock(&worker->mutex);
}

static void end_house(cleat_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->closing = true;
    pthread_cond_broadcast(&worker->house_work);
    pthread_cond_broadcast(&worker->cancel_work);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->house, NULL);
}

/* Once, when nothing runs any more. */
static void end_threads(cleat_worker *worker)
{
    cleat__transport *transport = worker->client->transport;
    (void)transport->worker_remove(transport, &worker->id);
    cleat__worker_give_back(worker); /* what a failed pause let in */
    end_house(worker);
    for (size_t i = 0; i < worker->thread_count; i++) {
        pthread_join(worker->threads[i], NULL);
    }
    if (worker->canceller_started) {
        pthread_join(worker->canceller, NULL);
    }
}

/* Waits, with the mutex, until nothing runs. True: the caller shall end the threads. */
static bool wait_settled(cleat_worker *worker, int64_t deadline_ns, bool *timed_out)
{
    *timed_out = false;
    for (;;) {
        if (worker->state == CLEAT__WORKER_STOPPED) {
            return false;
        }
        bool is_idle = worker->running_count == 0 && (!worker->runs_queue || worker->queue == NULL);
        if (worker->drained && is_idle && !worker->ending) {
            worker->ending = true;
            return true;
        }
        if (*timed_out) {
            return false;
        }
        *timed_out = !cleat__cond_wait_until(&worker->settled, &worker->mutex, deadline_ns);
    }
}

cleat_status cleat_worker_stop(cleat_worker *worker, int64_t timeout_ms)
{
    bool timed_out = false;
    if (worker == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "worker is NULL");
    }
    if (cleat__worker_is_own_thread(worker)) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "a task cannot stop its own worker");
    }
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    pthread_mutex_lock(&worker->mutex);
    wait_started(worker);
    bool first = worker->state == CLEAT__WORKER_RUNNING && !worker->stopping;
    bool running = worker->state == CLEAT__WORKER_RUNNING;
    if (first) {
        cleat__transport *transport = worker->client->transport;
        worker->stopping = true;
        worker->runs_queue = transport->takes_back != NULL && !transport->takes_back(transport);
        pthread_cond_broadcast(&worker->work);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (!running) {
        return CLEAT_OK;
    }
    if (first) {
        drain(worker);
    }
    pthread_mutex_lock(&worker->mutex);
    bool end = wait_settled(worker, deadline_ns, &timed_out);
    size_t left = worker->running_count + (worker->runs_queue ? worker->queue_size : 0);
    bool stopped = worker->state == CLEAT__WORKER_STOPPED;
    pthread_mutex_unlock(&worker->mutex);
    if (end) {
        end_threads(worker);
        pthread_mutex_lock(&worker->mutex);
        worker->state = CLEAT__WORKER_STOPPED;
        cleat__worker_wake_run(worker);
        pthread_cond_broadcast(&worker->settled);
        pthread_mutex_unlock(&worker->mutex);
        return CLEAT_OK;
    }
    return stopped ? CLEAT_OK : cleat__fail(CLEAT_TIMEOUT, "%zu tasks still run", left);
}

/* Leaves the worker to its last thread. */
static void abandon(cleat_worker *worker)
{
    cleat__transport *transport = worker->client->transport;
    (void)transport->worker_remove(transport, &worker->id);
    pthread_mutex_lock(&worker->mutex);
    worker->live++; /* from here on this thread may be the last to leave, too */
    atomic_store(&worker->abandoned, true);
    worker->stopping = true;
    worker->runs_queue = false;
    pthread_cond_broadcast(&worker->work);
    pthread_mutex_unlock(&worker->mutex);
    cleat__worker_give_back(worker);
    cleat__worker_cancel_all(worker);
    end_house(worker);
    pthread_mutex_lock(&worker->mutex);
    for (size_t i = 0; i < worker->thread_count; i++) {
        pthread_detach(worker->threads[i]);
    }
    if (worker->canceller_started) {
        pthread_detach(worker->canceller);
    }
    cleat__worker_leave(worker);
}

void cleat_worker_free(cleat_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    int64_t timeout_ms = worker->impatient ? 0 : FREE_TIMEOUT_MS;
    pthread_mutex_unlock(&worker->mutex);
    if (cleat_worker_stop(worker, timeout_ms) == CLEAT_OK) {
        cleat__worker_destroy(worker);
    } else {
        abandon(worker);
    }
}
