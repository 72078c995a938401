/* Events that a filter of the API chooses, and what they have started. On a reader, since there may be millions to look
 * at. */
#ifndef CLEAT_STORE_EVENT_CHOICE_H
#define CLEAT_STORE_EVENT_CHOICE_H

#include "store/event.h"

#include <jansson.h>

/* What is pointed to is borrowed. */
typedef struct cleat__event_choice {
    int64_t since_ms, until_ms;  /* pushed then or between; 0 and INT64_MAX: any */
    const json_t *keys, *scopes; /* arrays of strings, one of which it has; NULL: any */
    const cleat__uuid *ids;
    size_t id_count;        /* 0: any */
    const json_t *metadata; /* an array of "key:value", all of which it has; NULL: any */
    /* It has started a run that is of one of these workflows, and in one of these: 1 << cleat_run_status, as it is
     * shown; 0 of both: it need not. */
    const cleat__uuid *workflows;
    size_t workflow_count;
    unsigned statuses;
} cleat__event_choice;

/* Newest first, until `visit` answers false. */
cleat_status cleat__event_choose(cleat__store *store, int64_t tenant, const cleat__event_choice *choice,
                                 bool (*visit)(void *argument, const cleat__event_row *row), void *argument);

typedef struct cleat__event_started {
    cleat__uuid id, workflow_id;
    cleat__uuid filter_id;   /* that let the event start it; nil: none */
    cleat_run_status status; /* as it is shown */
} cleat__event_started;
/* The runs that an event started, in their order; may be called in a visit above. */
cleat_status cleat__event_list_started(cleat__store *store, int64_t tenant, const cleat__uuid *event_id,
                                       bool (*visit)(void *argument, const cleat__event_started *row),
                                       void *argument);

#endif
