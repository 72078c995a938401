/* What happened to a run, as far as its file says: made up from what is stored about its attempts. */
#ifndef CLEAT_SERVER_RUN_EVENTS_H
#define CLEAT_SERVER_RUN_EVENTS_H

#include "rest_query.h"

typedef struct cleat__run_event {
    const char *kind, *message; /* "TIMED_OUT", "Task exceeded its timeout" */
    int64_t time_ms;
    int32_t retry_count;       /* of the attempt */
    cleat_slice error, output; /* of how it ended; absent: none */
    bool is_last;              /* it is the run's end */
} cleat__run_event;

/* In their order, until `visit` answers false. The output is that of `run`. */
cleat_status cleat__run_events_list(cleat__store *store, const cleat__rest_run *run,
                                    bool (*visit)(void *argument, const cleat__run_event *event),
                                    void *argument);

#endif
