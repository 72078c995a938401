/* The inside of cleat__intake, for insert.c. */
#ifndef CLEAT_COLLECTOR_INTAKE_H
#define CLEAT_COLLECTOR_INTAKE_H

#include "collector/collector.h"
#include "collector/engine_spans.h"

/* A source that is stored. */
typedef struct cleat__known_source {
    int64_t id;                               /* span_source.id */
    int64_t new_spans;                        /* not yet in span_source.spans */
    struct cleat__known_source *next_changed; /* of those with new spans */
    char content[];
} cleat__known_source;

/* The span's source, stored if it is new; valid until the end of the piece. */
cleat_status cleat__intake_source(cleat__intake *intake, cleat__store *store, const cleat_span_view *span,
                                  cleat__known_source **out);
/* The traces of spans inserted since the last end. */
struct cleat__trace_set *cleat__intake_traces(cleat__intake *intake);
/* Memory for the spans that the engine adds, and where they are copied to, or NULL. */
cleat__engine_spans *cleat__intake_engine_spans(cleat__intake *intake);
cleat__buffer *cleat__intake_added(cleat__intake *intake);
/* One span more. */
void cleat__intake_count(cleat__intake *intake, cleat__known_source *source, int64_t bytes);

#endif
