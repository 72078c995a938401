/*
 * Whether a peer's Span message can be taken: its bytes walked once, to the ground, with every nested
 * message. What passes is what cleat_span_view_read() and the iterators can read.
 */
#ifndef CLEAT_OTLP_SPAN_CHECK_H
#define CLEAT_OTLP_SPAN_CHECK_H

#include <cleat/status.h>

typedef struct cleat__span_check {
    size_t max_attributes; /* of each message that has some */
    unsigned max_depth;    /* of lists in lists */
} cleat__span_check;

/* False: malformed. Else `*fault` (NULL at first) is set where a rule is broken, to a static text. */
bool cleat__span_check_run(const cleat__span_check *check, cleat_slice span, const char **fault);
/* The same for another message: its attributes are fields `attributes`, and the fields of `texts`, as bits
 * 1 << number, are texts. */
bool cleat__span_check_message(const cleat__span_check *check, cleat_slice message, uint32_t attributes,
                               uint32_t texts, const char **fault);

#endif
