/* Making the public list of events. */
#ifndef CLEAT_TRANSPORT_EVENT_LIST_H
#define CLEAT_TRANSPORT_EVENT_LIST_H

#include "base/uuid.h"
#include <cleat/event.h>

typedef struct cleat__listed_event {
    cleat__uuid id;
    cleat_slice key, payload, metadata;
    cleat_slice scope; /* absent: none */
    int64_t pushed_at_ms;
} cleat__listed_event;

/* Adds a copy, */
cleat_status cleat__event_list_add(cleat_event_list *list, const cleat__listed_event *event);
/* and to the last one a run that it started. */
cleat_status cleat__event_list_add_run(cleat_event_list *list, const cleat__uuid *run_id);

#endif
