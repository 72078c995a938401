/*
 * What the library does when the process forks and when it exits.
 *
 * A forked child has one thread, the one that forked, and a copy of all memory. Mutexes that other
 * threads held would stay locked in it for ever and what they guard half changed, so each mutex has
 * a hook here and is taken before a fork, in the order of the ranks, and unlocked after it in both
 * processes. Spin locks have no hook: taking them would make threads spin for as long as the fork
 * takes. Whoever has spin locks looks at them in the child: one that is free there guards whole
 * data; one that is taken was a thread's that is gone.
 *
 * The handlers are registered when the library is loaded. So the program's own pthread_atfork()
 * handlers, which come later, run outside ours and may make spans. vfork(), posix_spawn() and
 * _Fork() run no handlers, and none are needed: nothing of the library runs before exec().
 */
#ifndef CLEAT_BASE_PROCESS_H
#define CLEAT_BASE_PROCESS_H

#include <cleat/status.h>

#include <pthread.h>
#include <stdatomic.h>

/* The order in which mutexes may be taken while others are held. */
typedef enum cleat__fork_rank {
    CLEAT__FORK_STARTED,  /* what cleat_tracing_start() made */
    CLEAT__FORK_GLOBAL,   /* the global provider and its tracers */
    CLEAT__FORK_REGISTRY, /* the list of hooks: objects are made under the locks above */
    CLEAT__FORK_EXIT,     /* the list of exit hooks */
    CLEAT__FORK_PROVIDER,
    CLEAT__FORK_PROCESSOR,
    CLEAT__FORK_EXPORTER,
    CLEAT__FORK_QUEUE, /* what a processor or an exporter has besides */
    CLEAT__FORK_SCOPES,
    CLEAT__FORK_LOCALS,
    CLEAT__FORK_SPAN_POOL,
    CLEAT__FORK_WARNINGS,
    CLEAT__FORK_LOG,
} cleat__fork_rank;

/* A static object, or part of one that is unregistered before it goes. */
typedef struct cleat__fork_hook {
    cleat__fork_rank rank;  /* those below CLEAT__FORK_REGISTRY are static, one each */
    pthread_mutex_t *mutex; /* may be NULL */
    /* The mutex is held during input and output, or while the program's functions are called. A fork
     * does not wait for such a one. */
    bool is_held_long;
    /*
     * In the child, when all mutexes have been unlocked; may be NULL. No other thread is there, so
     * nothing needs a lock; threads of the object and waiters of its condition variables are gone.
     * Registers and unregisters nothing. `is_whole` false: the mutex was held long, by another
     * thread or this one; it is to be made anew, and what it guards is in any state.
     */
    void (*child)(void *object, bool is_whole);
    void *object;

    /* Of process.c. */
    bool is_locked;
    struct cleat__fork_hook *next;
} cleat__fork_hook;

void cleat__fork_register(cleat__fork_hook *hook);
void cleat__fork_unregister(cleat__fork_hook *hook); /* also of one that is not registered */

/* A hook for a file's static mutex; `in_child` may be NULL. */
#define CLEAT__FORK_HOOK(fork_rank, static_mutex, in_child)    \
    static cleat__fork_hook fork_hook = {                      \
        .rank = (fork_rank),                                   \
        .mutex = &(static_mutex),                              \
        .child = (in_child),                                   \
    };                                                         \
    __attribute__((constructor)) static void watch_forks(void) \
    {                                                          \
        cleat__fork_register(&fork_hook);                      \
    }                                                          \
    _Static_assert((fork_rank) <= CLEAT__FORK_LOG, "a rank")

/* 1, and one more in each forked child than in its parent. */
extern atomic_uint_fast64_t cleat__process_generation;
static inline uint64_t cleat__process(void)
{
    return atomic_load_explicit(&cleat__process_generation, memory_order_relaxed);
}

/*
 * exit() runs the hooks, the last one registered first, each once, and with one deadline for all of
 * them, after all have begun what takes time. They stop what has threads, so that none is left to run into libraries that clean up and
 * into static objects that are destroyed. atexit() handlers are run in reverse order too: what was
 * there before the hook was registered is still there when it runs.
 */
enum { CLEAT__EXIT_TIMEOUT_MS = 5000 };

typedef struct cleat__exit_hook {
    void (*begin)(void *object); /* does not wait; may be NULL */
    void (*run)(void *object, int64_t deadline_ns);
    void *object;

    /* Of process.c. */
    bool has_begun;
    struct cleat__exit_hook *next;
} cleat__exit_hook;

void cleat__exit_register(cleat__exit_hook *hook);
/* Waits while another thread runs it. Also of one that is not registered any more. */
void cleat__exit_unregister(cleat__exit_hook *hook);
/* To be called once when a library that cleans up at exit has been initialised: makes the hooks run
 * before that, also those registered already. */
void cleat__exit_renew(void);

#endif
