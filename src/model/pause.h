/* A workflow that is paused: its runs are stored as always, and given to nobody until it goes on. */
#ifndef CLEAT_MODEL_PAUSE_H
#define CLEAT_MODEL_PAUSE_H

#include "model/task.h"

typedef struct cleat__pause {
    bool is_paused;        /* false: the rest says nothing */
    bool queues_crons;     /* its crons make runs meanwhile, which wait; else these times pass */
    bool queues_schedules; /* the same of its scheduled runs; else they are gone */
    int64_t
        ttl_ms; /* how long a run waits under the pause before it is given up; CLEAT__NO_TIMEOUT: until it is over */
} cleat__pause;

#endif
