/* What a span is called in a drawing: its name, and for spans of the instrumentor what it is about. */
#ifndef CLEAT_CLI_SPAN_LABEL_H
#define CLEAT_CLI_SPAN_LABEL_H

#include "collector/collector.h"

typedef struct cleat__span_label {
    cleat_slice name;
    char task[CLEAT__SPAN_TASK_SIZE]; /* "": none, or the name says it already */
    cleat_slice key;                  /* of a child run; absent: none */
    int64_t attempt;                  /* from 1; 0: not an execution, or its first attempt */
} cleat__span_label;

/* `name` and `key` point into the span's record. `short_names` leaves out "hatchet.". */
void cleat__span_label_read(const cleat_span_view *span, bool short_names, cleat__span_label *out);
/* Without "hatchet." where it begins so and goes on. */
cleat_slice cleat__span_name_shorten(cleat_slice name);
/* The name says already of which task it is. */
bool cleat__span_name_has_task(cleat_slice name, cleat_slice task);
/* Same name and task: siblings that may be folded. */
bool cleat__span_label_alike(const cleat__span_label *a, const cleat__span_label *b);

/* What a span's time is: of somebody who works, or of waiting. */
typedef enum cleat__span_pace {
    CLEAT__SPAN_WORKS,
    CLEAT__SPAN_QUEUED, /* for a worker */
    CLEAT__SPAN_ASLEEP, /* for a time, an event, a signal */
} cleat__span_pace;
cleat__span_pace cleat__span_pace_of(const cleat_span_view *span);
/* "INTERNAL" ... in lower case. */
const char *cleat__span_kind_name(cleat_span_kind kind);
/* "", "ok", "error". */
const char *cleat__span_status_name(cleat_span_status status);

#endif
