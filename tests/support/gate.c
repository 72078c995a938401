#include "support/gate.h"

#include <setjmp.h>

#include <cmocka.h>

void gate_init(gate *it)
{
    pthread_mutex_init(&it->mutex, NULL);
    cleat__cond_init(&it->cond);
    it->count = 0;
}

void gate_deinit(gate *it)
{
    pthread_cond_destroy(&it->cond);
    pthread_mutex_destroy(&it->mutex);
}

int gate_add(gate *it)
{
    pthread_mutex_lock(&it->mutex);
    int count = ++it->count;
    pthread_cond_broadcast(&it->cond);
    pthread_mutex_unlock(&it->mutex);
    return count;
}

int gate_count(gate *it)
{
    pthread_mutex_lock(&it->mutex);
    int count = it->count;
    pthread_mutex_unlock(&it->mutex);
    return count;
}

bool gate_try(gate *it, int count, int64_t timeout_ms)
{
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    pthread_mutex_lock(&it->mutex);
    bool in_time = true;
    while (it->count < count && in_time) {
        in_time = cleat__cond_wait_until(&it->cond, &it->mutex, deadline_ns);
    }
    in_time = it->count >= count;
    pthread_mutex_unlock(&it->mutex);
    return in_time;
}

void gate_wait(gate *it, int count)
{
    if (!gate_try(it, count, 300000)) {
        fail_msg("waited in vain: %d of %d", gate_count(it), count);
    }
}
