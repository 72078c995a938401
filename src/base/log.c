/*
 * The handler and its user data change together under `mutex`; nobody holds it while the handler
 * runs. `active` counts running handlers, so that replacing one can wait until it is out of use.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/env.h"
#include "base/process.h"

#include <stdio.h>

enum { MESSAGE_SIZE = 1024 };

/* The most verbose level with a reader; 0: none. Alone decides when there is nothing to do. */
static atomic_int threshold;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
static cleat_log_handler current_handler; /* mutex */
static void *current_user_data;           /* mutex */
static unsigned active;                   /* mutex */
static bool is_chosen;                    /* mutex; the program has set a handler, or none on purpose */

static _Thread_local bool inside_handler;

/* Of the handlers that were running, one at most runs in the child. */
static void in_child(void *object, bool is_whole)
{
    (void)object;
    (void)is_whole;
    active = inside_handler;
    pthread_cond_init(&idle, NULL);
}

CLEAT__FORK_HOOK(CLEAT__FORK_LOG, mutex, in_child);

static const char level_names[] = "none, error, warn, info, debug";

/* What OTEL_LOG_LEVEL allows; -1 for a value it does not have. */
static int level_of_environment(cleat_slice value)
{
    static const char *const names[] = {"none", "error", "warn", "info", "debug"};
    if (value.data == NULL) {
        return CLEAT_LOG_DEBUG;
    }
    for (int level = 0; level <= CLEAT_LOG_DEBUG; level++) {
        if (cleat__env_is(value, names[level])) {
            return level;
        }
    }
    return -1;
}

void cleat_log_set_handler(cleat_log_handler handler, void *user_data, cleat_log_level most_verbose)
{
    cleat_slice value = cleat__env_get("OTEL_LOG_LEVEL");
    int allowed = level_of_environment(value);
    int level = handler != NULL ? (int)most_verbose : 0;
    if (allowed >= 0 && level > allowed) {
        level = allowed;
    }
    pthread_mutex_lock(&mutex);
    is_chosen = true;
    current_handler = handler;
    current_user_data = user_data;
    atomic_store_explicit(&threshold, level, memory_order_relaxed);
    while (active != 0 && !inside_handler) {
        pthread_cond_wait(&idle, &mutex);
    }
    pthread_mutex_unlock(&mutex);
    if (allowed < 0) {
        cleat__env_warn("OTEL_LOG_LEVEL", value, level_names);
    }
}

static void print(void *user_data, cleat_log_level level, const char *message)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    (void)user_data;
    fprintf(stderr, "cleat: %s: %s\n", names[level], message);
}

void cleat__log_to_stderr(void)
{
    cleat_slice value = cleat__env_get("OTEL_LOG_LEVEL");
    int asked = level_of_environment(value);
    pthread_mutex_lock(&mutex);
    bool is_mine = !is_chosen;
    if (is_mine) {
        current_handler = print;
        current_user_data = NULL;
        atomic_store_explicit(&threshold, value.data != NULL && asked >= 0 ? asked : CLEAT_LOG_WARN,
                              memory_order_relaxed);
    }
    pthread_mutex_unlock(&mutex);
    if (is_mine && asked < 0) {
        cleat__env_warn("OTEL_LOG_LEVEL", value, level_names);
    }
}

bool cleat__log_enabled(cleat_log_level level)
{
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static void call_handler(cleat_log_level level, const char *message)
{
    pthread_mutex_lock(&mutex);
    cleat_log_handler handler = current_handler;
    void *user_data = current_user_data;
    active++;
    pthread_mutex_unlock(&mutex);

    if (handler != NULL) {
        inside_handler = true;
        handler(user_data, level, message);
        inside_handler = false;
    }

    pthread_mutex_lock(&mutex);
    if (--active == 0) {
        pthread_cond_broadcast(&idle);
    }
    pthread_mutex_unlock(&mutex);
}

static void log_formatted(cleat_log_level level, uint64_t held, const char *format, va_list arguments)
    CLEAT_PRINTF(3, 0);

static void log_formatted(cleat_log_level level, uint64_t held, const char *format, va_list arguments)
{
    if (inside_handler) {
        return;
    }
    char message[MESSAGE_SIZE];
    int size = vsnprintf(message, sizeof(message), format, arguments);
    if (size < 0) {
        return;
    }
    if (held != 0 && size < MESSAGE_SIZE) {
        snprintf(message + size, sizeof(message) - (size_t)size, " (and %llu more like it)",
                 (unsigned long long)held);
    }
    for (char *at = message; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r') {
            *at = ' ';
        }
    }
    call_handler(level, message);
}

void cleat__log(cleat_log_level level, const char *format, ...)
{
    if (!cleat__log_enabled(level)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    log_formatted(level, 0, format, arguments);
    va_end(arguments);
}

bool cleat__log_limited(cleat__log_site *site, cleat_log_level level, const char *format, ...)
{
    if (!cleat__log_enabled(level)) {
        return false;
    }
    int64_t now = cleat__clock_monotonic_ns(NULL);
    int64_t next = atomic_load_explicit(&site->next_ns, memory_order_relaxed);
    /* Of the threads that come when the second is over, the one whose exchange works speaks. */
    if (now < next || !atomic_compare_exchange_strong_explicit(&site->next_ns, &next, now + CLEAT__NS_PER_S,
                                                               memory_order_relaxed, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&site->held, 1, memory_order_relaxed);
        return false;
    }
    uint64_t held = atomic_exchange_explicit(&site->held, 0, memory_order_relaxed);
    va_list arguments;
    va_start(arguments, format);
    log_formatted(level, held, format, arguments);
    va_end(arguments);
    return true;
}
