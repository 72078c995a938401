/* Waiting for something to happen in another thread, without sleeping. */
#ifndef CLEAT_TESTS_GATE_H
#define CLEAT_TESTS_GATE_H

#include "base/thread.h"

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int count;
} gate;

void gate_init(gate *gate);
void gate_deinit(gate *gate);
int gate_add(gate *gate); /* something happened; how often by now */
int gate_count(gate *gate);
/* Waits until it has happened `count` times in all; fails the test after five minutes. */
void gate_wait(gate *gate, int count);
/* The same; false after `timeout_ms`. */
bool gate_try(gate *gate, int count, int64_t timeout_ms);

#endif
