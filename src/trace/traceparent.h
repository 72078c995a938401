/* The header `traceparent` without the sentence about what is wrong with it: most requests of the
 * world have none, or one of somebody else's making, and a propagator tells nobody. */
#ifndef CLEAT_TRACE_TRACEPARENT_H
#define CLEAT_TRACE_TRACEPARENT_H

#include <cleat/trace.h>

enum { CLEAT__TRACEPARENT_SIZE = 55 }; /* "00-" 32 "-" 16 "-" 2 */

/* As cleat_traceparent_parse(); false where `header` is none, and `*out` is undefined then. */
bool cleat__traceparent_read(cleat_slice header, cleat_span_context *out);
/* Of a valid context; not NUL-terminated. */
void cleat__traceparent_write(const cleat_span_context *context, char header[CLEAT__TRACEPARENT_SIZE]);

#endif
