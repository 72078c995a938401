/* Runs that end as they are told to, without a worker. */
#ifndef CLEAT_TESTS_REST_ENDS_H
#define CLEAT_TESTS_REST_ENDS_H

#include "rest_test.h"

#include "store/transition.h"

typedef struct ending {
    cleat__uuid id;
    cleat__event event;
} ending;

static inline cleat_status end_so(cleat__store *store, void *argument)
{
    const ending *how = argument;
    cleat__attempt_key key = {.id = how->id, .started_at_ms = 2000};
    cleat_slice text = cleat_slice_of("why");
    if (cleat__state_next(CLEAT_RUN_RUNNING, how->event) >= 0) {
        assert_int_equal(cleat__transition_assign(store, &key, 2000), CLEAT_OK);
    }
    switch (how->event) {
    case CLEAT__EVENT_COMPLETE: return cleat__transition_complete(store, &key, 3000, cleat_slice_of("{}"));
    case CLEAT__EVENT_SKIP: return cleat__transition_skip(store, &key, 3000, cleat_slice_of("{}"));
    case CLEAT__EVENT_SCHEDULE_TIME_OUT: return cleat__transition_schedule_time_out(store, &key, 3000, text);
    case CLEAT__EVENT_CANCEL: return cleat__transition_cancel(store, &key, CLEAT_RUN_RUNNING, 3000);
    case CLEAT__EVENT_SUPERSEDE: return cleat__transition_supersede(store, &key, CLEAT_RUN_RUNNING, 3000);
    case CLEAT__EVENT_REJECT: return cleat__transition_reject(store, &key, 3000, text);
    default: return cleat__transition_fail(store, &key, how->event, 3000, text);
    }
}

#endif
