/* Starting runs: what client and task calls come down to. */
#ifndef CLEAT_SDK_TRIGGER_H
#define CLEAT_SDK_TRIGGER_H

#include "sdk/child_numbers.h"
#include "sdk/client.h"
#include "sdk/metadata.h"

/* The task that starts children. */
typedef struct cleat__trigger_parent {
    cleat__uuid id;
    cleat__uuid workflow_run_id; /* of the run that it is a task of; nil: the same */
    const char *run_id;          /* `id` as text */
    cleat__uuid worker_id;       /* where it runs */
    const char *metadata;        /* cleat__metadata_for_children() */
    cleat__child_numbers *children;
} cleat__trigger_parent;

typedef struct cleat__trigger_request {
    cleat_client *client;
    bool many;
    bool is_workflow; /* for whoever looks on: the caller says that these are workflows */
    const cleat_run_item *items;
    size_t count;
    const cleat__trigger_parent *parent; /* NULL: not children */
    cleat_run_id *ids;                   /* may be NULL */
    /* Takes them instead of the transport, to be started later: their ids are not known then. NULL: none does. */
    cleat_status (*keep)(void *self, const cleat__trigger *triggers, size_t count);
    void *keep_self;
    bool is_replay; /* interceptors are passed over */
    bool *is_asked; /* set once the items are known to be right; may be NULL */
    bool goes_on;   /* the parent ends, and this one run goes on in its place */
} cleat__trigger_request;

/* Checks everything before anything else happens, then runs the interceptors, then the transport. */
cleat_status cleat__client_trigger(const cleat__trigger_request *request);

/* Of triggers that were refused so, with a sentence that is this thread's message: where a task is not there, it is said by
 * the name that the program has given. */
cleat_status cleat__trigger_failed(cleat_status status, const cleat__trigger *triggers, size_t count);

bool cleat__trigger_call_goes_on(const cleat_trigger_call *call);

#endif
