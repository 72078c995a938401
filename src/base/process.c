#include "base/process.h"

#include "base/thread.h"

#include <stdlib.h>

atomic_uint_fast64_t cleat__process_generation = 1;

/* ---- Forks ---- */

/* Held from before a fork until after it: one at a time. Outermost of all. */
static pthread_mutex_t forking = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static cleat__fork_hook *hooks; /* under `registry`; by rank */

/* Those outside the registry's lock: written when a library is loaded, never removed. */
static _Atomic(cleat__fork_hook *) outer[CLEAT__FORK_REGISTRY];
static cleat__fork_hook *outer_locked[CLEAT__FORK_REGISTRY]; /* under `forking` */

void cleat__fork_register(cleat__fork_hook *hook)
{
    if (hook->rank < CLEAT__FORK_REGISTRY) {
        atomic_store_explicit(&outer[hook->rank], hook, memory_order_release);
        return;
    }
    pthread_mutex_lock(&registry);
    cleat__fork_hook **at = &hooks;
    while (*at != NULL && (*at)->rank <= hook->rank) {
        at = &(*at)->next;
    }
    hook->next = *at;
    *at = hook;
    pthread_mutex_unlock(&registry);
}

void cleat__fork_unregister(cleat__fork_hook *hook)
{
    pthread_mutex_lock(&registry);
    cleat__fork_hook **at = &hooks;
    while (*at != NULL && *at != hook) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = hook->next;
    }
    pthread_mutex_unlock(&registry);
}

static void lock(cleat__fork_hook *hook)
{
    hook->is_locked = hook->mutex != NULL;
    if (hook->is_held_long && hook->is_locked) {
        hook->is_locked = pthread_mutex_trylock(hook->mutex) == 0;
    } else if (hook->is_locked) {
        pthread_mutex_lock(hook->mutex);
    }
}

static void unlock(cleat__fork_hook *hook)
{
    if (hook->is_locked) {
        pthread_mutex_unlock(hook->mutex);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&forking);
    for (int rank = 0; rank < CLEAT__FORK_REGISTRY; rank++) {
        outer_locked[rank] = atomic_load_explicit(&outer[rank], memory_order_acquire);
        if (outer_locked[rank] != NULL) {
            lock(outer_locked[rank]);
        }
    }
    pthread_mutex_lock(&registry);
    for (cleat__fork_hook *hook = hooks; hook != NULL; hook = hook->next) {
        lock(hook);
    }
}

static void after_fork(void)
{
    for (cleat__fork_hook *hook = hooks; hook != NULL; hook = hook->next) {
        unlock(hook);
    }
    pthread_mutex_unlock(&registry);
    for (int rank = CLEAT__FORK_REGISTRY - 1; rank >= 0; rank--) {
        if (outer_locked[rank] != NULL) {
            unlock(outer_locked[rank]);
        }
    }
    pthread_mutex_unlock(&forking);
}

static void tell(cleat__fork_hook *hook)
{
    if (hook != NULL && hook->child != NULL) {
        hook->child(hook->object, hook->is_locked || hook->mutex == NULL);
    }
}

static void in_child(void)
{
    atomic_fetch_add_explicit(&cleat__process_generation, 1, memory_order_relaxed);
    after_fork();
    for (int rank = 0; rank < CLEAT__FORK_REGISTRY; rank++) {
        tell(outer_locked[rank]);
    }
    for (cleat__fork_hook *hook = hooks; hook != NULL; hook = hook->next) {
        tell(hook);
    }
}

/* ---- The exit ---- */

static pthread_mutex_t exit_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_run = PTHREAD_COND_INITIALIZER;
static cleat__exit_hook *exit_hooks; /* under the mutex, as all that follows; last one first */
static cleat__exit_hook *running;
static pthread_t runner; /* while `running` */
static bool is_watched;
static int64_t exit_deadline_ns; /* 0: nobody has called exit() */

/* The mutex is held, but not while the hook runs: then nobody unregisters it. */
static void enter_hook(cleat__exit_hook *hook)
{
    running = hook;
    runner = pthread_self();
    pthread_mutex_unlock(&exit_mutex);
}

static void leave_hook(void)
{
    pthread_mutex_lock(&exit_mutex);
    running = NULL;
    pthread_cond_broadcast(&has_run);
}

/* NULL: all have begun. */
static cleat__exit_hook *find_waiting(void)
{
    cleat__exit_hook *hook = exit_hooks;
    while (hook != NULL && hook->has_begun) {
        hook = hook->next;
    }
    return hook;
}

static void run_exit_hooks(void)
{
    cleat__exit_hook *hook;
    pthread_mutex_lock(&exit_mutex);
    if (exit_deadline_ns == 0) {
        exit_deadline_ns = cleat__deadline_ns(CLEAT__EXIT_TIMEOUT_MS);
    }
    while ((hook = find_waiting()) != NULL) {
        hook->has_begun = true;
        if (hook->begin != NULL) {
            enter_hook(hook);
            hook->begin(hook->object);
            leave_hook();
        }
    }
    while ((hook = exit_hooks) != NULL) {
        exit_hooks = hook->next;
        enter_hook(hook);
        hook->run(hook->object, exit_deadline_ns);
        leave_hook();
    }
    pthread_mutex_unlock(&exit_mutex);
}

void cleat__exit_register(cleat__exit_hook *hook)
{
    pthread_mutex_lock(&exit_mutex);
    hook->next = exit_hooks;
    exit_hooks = hook;
    bool is_first = !is_watched;
    is_watched = true;
    pthread_mutex_unlock(&exit_mutex);
    if (is_first) {
        cleat__exit_renew();
    }
}

void cleat__exit_renew(void)
{
    /* It fails for lack of memory only; then a program that exits without freeing loses spans. */
    (void)atexit(run_exit_hooks);
}

void cleat__exit_unregister(cleat__exit_hook *hook)
{
    pthread_mutex_lock(&exit_mutex);
    cleat__exit_hook **at = &exit_hooks;
    while (*at != NULL && *at != hook) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = hook->next;
    }
    while (running == hook && !pthread_equal(runner, pthread_self())) {
        pthread_cond_wait(&has_run, &exit_mutex);
    }
    pthread_mutex_unlock(&exit_mutex);
}

/* A hook that another thread was running is over: that thread is gone, and exit() with it. */
static void exit_in_child(void *object, bool is_whole)
{
    (void)object;
    (void)is_whole;
    pthread_cond_init(&has_run, NULL);
    if (running != NULL && !pthread_equal(runner, pthread_self())) {
        running = NULL;
        exit_deadline_ns = 0;
    }
}

CLEAT__FORK_HOOK(CLEAT__FORK_EXIT, exit_mutex, exit_in_child);

__attribute__((constructor)) static void watch_process(void)
{
    /* It fails for lack of memory only, before main() has begun. */
    (void)pthread_atfork(before_fork, after_fork, in_child);
}
