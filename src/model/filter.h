/*
 * Filters: of a workflow that has some, only those whose scope is the event's count, and each that is true of
 * it starts a run, which is given the filter's payload.
 */
#ifndef CLEAT_MODEL_FILTER_H
#define CLEAT_MODEL_FILTER_H

#include "model/event.h"
#include "model/expression.h"

#define CLEAT__FILTERS_MAX 1000 /* of one declaration */

/* Plain data, borrowed from whoever passes it. */
typedef struct cleat__filter {
    cleat_slice scope;
    cleat_slice expression; /* over input, additional_metadata, payload, event_id, event_key; "" is false */
    cleat_slice payload;    /* a JSON object; absent: {} */
} cleat__filter;

/* CLEAT_INVALID_ARGUMENT or CLEAT_TOO_LARGE says what is wrong; of an expression, where. */
cleat_status cleat__filter_check(const cleat__filter *filter);
/* The same of what a filter is to become, where what is absent stays as it is. */
cleat_status cleat__filter_check_change(const cleat__filter *filter);
/* The same of all, at most CLEAT__FILTERS_MAX. */
cleat_status cleat__filters_check(const cleat__filter *filters, size_t count);

/* Whether it is true of an event; what has no value for it is not. CLEAT_NO_MEMORY: nobody knows. `parsed`: of the
 * event, for the next filter. `*steps`: what all may take together, lowered. */
cleat_status cleat__filter_test(const cleat__filter *filter, const cleat__user_event *event,
                                const cleat__uuid *event_id, cleat__expression_parsed *parsed, size_t *steps,
                                bool *is_true);

#endif
