/*
 * cleat_worker_run(): SIGINT and SIGTERM while it runs, and no trace of it afterwards.
 *
 * Signals belong to the process, and a handler may post a semaphore but do little else. So there
 * is a fixed table of places, each with a semaphore that is made once and never destroyed: a late
 * handler on another thread can always post it. The first cleat_worker_run() installs the
 * handlers, the last one out restores those that were there; a signal that was ignored stays so.
 *
 * They are installed when the engine has taken the worker and before it begins a task: until then there is
 * nothing to end in order, and a server that is waited for must not keep Ctrl-C from working.
 */
#include "sdk/worker.h"

#include "base/error.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>

#define PLACES 16

typedef struct place {
    sem_t wake;
    _Atomic bool used;
    bool catches;        /* under `mutex`: is one of those that the handlers are installed for */
    _Atomic int signals; /* received since the place was taken */
} place;

static place places[PLACES];

static const int handled[] = {SIGINT, SIGTERM};
#define HANDLED_COUNT (sizeof handled / sizeof handled[0])

/* Under `mutex`. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool initialised;
static size_t catching_count;
static struct sigaction former[HANDLED_COUNT];

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    for (size_t i = 0; i < PLACES; i++) {
        if (atomic_load(&places[i].used)) {
            atomic_fetch_add(&places[i].signals, 1);
            (void)sem_post(&places[i].wake);
        }
    }
    errno = saved;
}

static void install(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < HANDLED_COUNT; i++) {
        (void)sigaction(handled[i], NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN) {
            (void)sigaction(handled[i], &action, NULL);
        }
    }
}

static void restore(void)
{
    for (size_t i = 0; i < HANDLED_COUNT; i++) {
        (void)sigaction(handled[i], &former[i], NULL);
    }
}

/* -1: all places are taken. */
static int take_place(void)
{
    int taken = -1;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < PLACES && !initialised; i++) {
        (void)sem_init(&places[i].wake, 0, 0);
    }
    initialised = true;
    for (int i = 0; i < PLACES && taken < 0; i++) {
        if (!atomic_load(&places[i].used)) {
            taken = i;
        }
    }
    if (taken >= 0) {
        while (sem_trywait(&places[taken].wake) == 0) {
        }
        atomic_store(&places[taken].signals, 0);
        places[taken].catches = false;
        atomic_store(&places[taken].used, true);
    }
    pthread_mutex_unlock(&mutex);
    return taken;
}

static void leave_place(int taken)
{
    pthread_mutex_lock(&mutex);
    if (places[taken].catches && --catching_count == 0) {
        restore();
    }
    atomic_store(&places[taken].used, false);
    pthread_mutex_unlock(&mutex);
}

void cleat__worker_wake_run(cleat_worker *worker)
{
    if (worker->signal_slot >= 0) {
        (void)sem_post(&places[worker->signal_slot].wake);
    }
}

void cleat__worker_catch_signals(cleat_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    int taken = worker->signal_slot;
    pthread_mutex_unlock(&worker->mutex);
    pthread_mutex_lock(&mutex);
    if (taken >= 0 && !places[taken].catches) {
        places[taken].catches = true;
        if (catching_count++ == 0) {
            install();
        }
    }
    pthread_mutex_unlock(&mutex);
}

void cleat__worker_lost(void *self, cleat_status status, const char *text)
{
    cleat_worker *worker = self;
    pthread_mutex_lock(&worker->mutex);
    worker->lost = status;
    (void)snprintf(worker->lost_text, sizeof worker->lost_text, "%s", text);
    cleat__worker_wake_run(worker);
    pthread_mutex_unlock(&worker->mutex);
}

static void set_signal_slot(cleat_worker *worker, int taken)
{
    pthread_mutex_lock(&worker->mutex);
    worker->signal_slot = taken;
    pthread_mutex_unlock(&worker->mutex);
}

/* Or there is no use in going on. */
static bool was_stopped(cleat_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool stopped = worker->stopping || worker->state == CLEAT__WORKER_STOPPED || worker->lost != CLEAT_OK;
    pthread_mutex_unlock(&worker->mutex);
    return stopped;
}

/* A second signal: tasks are told, and cleat_worker_free() will not wait for them either. */
static cleat_status give_up(cleat_worker *worker, cleat_status status)
{
    pthread_mutex_lock(&worker->mutex);
    worker->impatient = true;
    pthread_mutex_unlock(&worker->mutex);
    cleat__worker_cancel_all(worker);
    return status;
}

/* Why it was stopped, unless somebody wanted it. */
static cleat_status fail_lost(cleat_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    cleat_status status = worker->lost;
    if (status != CLEAT_OK) {
        (void)cleat__fail(status, "%s", worker->lost_text);
    }
    pthread_mutex_unlock(&worker->mutex);
    return status;
}

cleat_status cleat_worker_check(cleat_worker *worker)
{
    return worker != NULL ? fail_lost(worker) : cleat__fail(CLEAT_INVALID_ARGUMENT, "worker is NULL");
}

static cleat_status wait_and_stop(cleat_worker *worker, place *own)
{
    while (atomic_load(&own->signals) == 0 && !was_stopped(worker)) {
        (void)sem_wait(&own->wake); /* EINTR: look again */
    }
    for (;;) {
        cleat_status status = cleat_worker_stop(worker, 0);
        if (status != CLEAT_TIMEOUT) {
            return status == CLEAT_OK ? fail_lost(worker) : status;
        }
        if (atomic_load(&own->signals) > 1) {
            return give_up(worker, status);
        }
        (void)sem_wait(&own->wake);
    }
}

cleat_status cleat_worker_run(cleat_worker *worker)
{
    if (worker == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "worker is NULL");
    }
    int taken = take_place();
    if (taken < 0) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "at most %d workers can be in cleat_worker_run()",
                           PLACES);
    }
    set_signal_slot(worker, taken);
    cleat_status status = cleat_worker_start(worker);
    if (status == CLEAT_OK) {
        cleat__worker_catch_signals(worker); /* it had been started before */
        status = wait_and_stop(worker, &places[taken]);
    }
    set_signal_slot(worker, -1);
    leave_place(taken);
    return status;
}
