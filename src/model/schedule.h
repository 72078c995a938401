/* Runs that are to start at a time, or again and again. */
#ifndef CLEAT_MODEL_SCHEDULE_H
#define CLEAT_MODEL_SCHEDULE_H

#include "base/uuid.h"

#define CLEAT__SCHEDULES_MAX 1000 /* times that are given together */
#define CLEAT__CRONS_MAX     1000 /* of one declaration */

/* How it was made. */
typedef enum cleat__schedule_method {
    CLEAT__SCHEDULE_DEFAULT, /* by a program */
    CLEAT__SCHEDULE_API,     /* over HTTP */
} cleat__schedule_method;

/* Plain data, borrowed from whoever passes it. */
typedef struct cleat__schedule {
    cleat_slice workflow; /* its name; the version that is the newest at that time is run */
    cleat_slice input;    /* a JSON object, checked; absent: {} */
    cleat_slice metadata; /* a JSON object, checked; absent: none */
    int32_t priority;     /* 0: that of the workflow */
    cleat__schedule_method method;
} cleat__schedule;

/* What starts runs again and again. Plain data, borrowed from whoever passes it. */
typedef struct cleat__recurrence {
    cleat_slice workflow;   /* its name */
    cleat_slice name;       /* 1 to CLEAT__NAME_MAX bytes; "": it was declared with the workflow */
    cleat_slice expression; /* of cron.h, checked */
    cleat_slice input;      /* a JSON object, checked; absent: {} */
    cleat_slice metadata;   /* a JSON object, checked; absent: none */
    int32_t priority;       /* 0: that of the workflow */
    cleat__schedule_method method;
} cleat__recurrence;

/* One of several that are moved or deleted together; each has an answer of its own. */
typedef struct cleat__schedule_change {
    cleat__uuid id;
    bool is_deleted;
    int64_t at_ms; /* the new time, of one that is not */
    /* The answer: CLEAT_OK, or CLEAT_NOT_FOUND: the tenant has no such schedule, or it has fired. What has
     * failed before is passed over. */
    cleat_status status;
} cleat__schedule_change;

#endif
