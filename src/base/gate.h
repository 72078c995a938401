/* What a thread waits at until another thread has done something for it. */
#ifndef CLEAT_BASE_GATE_H
#define CLEAT_BASE_GATE_H

#include "base/thread.h"

#include <pthread.h>

typedef struct cleat__gate {
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t opened;
    bool is_open;
} cleat__gate;

static inline void cleat__gate_init(cleat__gate *gate)
{
    pthread_mutex_init(&gate->mutex, NULL);
    cleat__cond_init(&gate->opened);
    gate->is_open = false;
}

static inline void cleat__gate_deinit(cleat__gate *gate)
{
    pthread_cond_destroy(&gate->opened);
    pthread_mutex_destroy(&gate->mutex);
}

/* What was written before is seen by who has waited. */
static inline void cleat__gate_open(cleat__gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->is_open = true;
    pthread_cond_signal(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

/* False: it was not opened before `deadline_ns` of the monotonic clock; INT64_MAX: there is none. */
static inline bool cleat__gate_wait(cleat__gate *gate, int64_t deadline_ns)
{
    pthread_mutex_lock(&gate->mutex);
    bool is_in_time = true;
    while (!gate->is_open && is_in_time) {
        is_in_time = cleat__cond_wait_until(&gate->opened, &gate->mutex, deadline_ns);
    }
    bool is_open = gate->is_open;
    pthread_mutex_unlock(&gate->mutex);
    return is_open;
}

#endif
