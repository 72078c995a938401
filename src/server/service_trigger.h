/* Starting runs, in the forms that three methods have for it. */
#ifndef CLEAT_SERVER_SERVICE_TRIGGER_H
#define CLEAT_SERVER_SERVICE_TRIGGER_H

#include "service.h"
#include "wire/trigger.h"

enum { CLEAT__MISSING_TOLD = 10 };

/* Zero behind the job: cleat__triggering_new() fills it. */
typedef struct cleat__triggering {
    cleat__job job; /* first */
    cleat__trigger *items;
    cleat__uuid *ids;     /* in the order of the items */
    cleat__uuid *refused; /* the same; nil where it was started */
    size_t count;
    cleat_slice missing[CLEAT__MISSING_TOLD]; /* names of workflows that are not there */
    size_t missing_count;
    bool is_bulk;
} cleat__triggering;

/* With room for `count` items, to be read into by cleat__trigger_read(). NULL as cleat__job_new(). */
cleat__triggering *cleat__triggering_new(cleat__rpc_call *call, cleat__services *services, size_t count,
                                         void (*answer)(cleat__job *job));
/* Starts them, but for those whose idempotency keys others have; of these the peer gets one message, or, of a call
 * `is_bulk`, one that tells of all. `status`: how reading went; a failure ends the job. */
void cleat__triggering_submit(cleat__triggering *self, cleat_status status);

#endif
