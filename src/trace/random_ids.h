/* The default id generator. */
#ifndef CLEAT_TRACE_RANDOM_IDS_H
#define CLEAT_TRACE_RANDOM_IDS_H

#include <cleat/trace.h>

extern const cleat_id_generator cleat__random_ids;

/* Both ids of a span in one call; `trace_id` may be NULL. */
void cleat__random_ids_make(cleat_trace_id *trace_id, cleat_span_id *span_id);

#endif
