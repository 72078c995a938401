#include "http_watch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"

#include <sys/socket.h>

/* Everybody has the same time, so the list is in the order of the deadlines: who begins goes to its end. */
struct cleat__http_watched {
    cleat__http_watched *next, *previous;
    int64_t deadline_ns;
    int descriptor;
    bool is_timed; /* in the list */
    bool mark;     /* the owner's, not under the mutex */
};

struct cleat__http_watch {
    int64_t timeout_ms;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    cleat__http_watched *head, *tail;
    bool is_stopping;
};

static void unlink_one(cleat__http_watch *watch, cleat__http_watched *one)
{
    if (!one->is_timed) {
        return;
    }
    *(one->previous != NULL ? &one->previous->next : &watch->head) = one->next;
    *(one->next != NULL ? &one->next->previous : &watch->tail) = one->previous;
    one->is_timed = false;
}

static void append(cleat__http_watch *watch, cleat__http_watched *one)
{
    one->deadline_ns = cleat__deadline_ns(watch->timeout_ms);
    one->previous = watch->tail;
    one->next = NULL;
    *(watch->tail != NULL ? &watch->tail->next : &watch->head) = one;
    watch->tail = one;
    one->is_timed = true;
    if (watch->head == one) {
        pthread_cond_signal(&watch->changed);
    }
}

static void *run(void *argument)
{
    cleat__http_watch *watch = argument;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->is_stopping) {
        cleat__http_watched *first = watch->head;
        int64_t deadline = first != NULL ? first->deadline_ns : INT64_MAX;
        if (first == NULL || cleat__remaining_ms(deadline) > 0) {
            cleat__cond_wait_until(&watch->changed, &watch->mutex, deadline);
            continue;
        }
        unlink_one(watch, first);
        shutdown(first->descriptor, SHUT_RDWR); /* the server sees its end, and removes it */
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

cleat_status cleat__http_watch_start(int64_t timeout_ms, cleat__http_watch **out)
{
    *out = NULL;
    cleat__http_watch *watch = cleat__calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return cleat__fail_memory();
    }
    watch->timeout_ms = timeout_ms;
    pthread_mutex_init(&watch->mutex, NULL);
    cleat__cond_init(&watch->changed);
    cleat_status status = cleat__thread_start(&watch->thread, "cleat-watch", run, watch);
    if (status != CLEAT_OK) {
        pthread_cond_destroy(&watch->changed);
        pthread_mutex_destroy(&watch->mutex);
        cleat__free(watch);
        return status;
    }
    *out = watch;
    return CLEAT_OK;
}

void cleat__http_watch_stop(cleat__http_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    pthread_mutex_lock(&watch->mutex);
    watch->is_stopping = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    cleat__free(watch);
}

cleat__http_watched *cleat__http_watch_add(cleat__http_watch *watch, int descriptor)
{
    cleat__http_watched *made = cleat__calloc(1, sizeof(*made));
    if (made != NULL) {
        made->descriptor = descriptor;
        cleat__http_watch_restart(watch, made);
    }
    return made;
}

void cleat__http_watch_remove(cleat__http_watch *watch, cleat__http_watched *connection)
{
    cleat__http_watch_pause(watch, connection);
    cleat__free(connection);
}

void cleat__http_watch_restart(cleat__http_watch *watch, cleat__http_watched *connection)
{
    if (connection != NULL) {
        pthread_mutex_lock(&watch->mutex);
        unlink_one(watch, connection);
        append(watch, connection);
        pthread_mutex_unlock(&watch->mutex);
    }
}

void cleat__http_watch_pause(cleat__http_watch *watch, cleat__http_watched *connection)
{
    if (connection != NULL) {
        pthread_mutex_lock(&watch->mutex);
        unlink_one(watch, connection);
        pthread_mutex_unlock(&watch->mutex);
    }
}

bool *cleat__http_watched_mark(cleat__http_watched *connection)
{
    return &connection->mark;
}
