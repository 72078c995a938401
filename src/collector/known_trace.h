/*
 * Rows of traces that get spans: read once, when the first of these comes, and written once, with the
 * sums of an insert's end. A row for each span would cost two statements more.
 */
#ifndef CLEAT_COLLECTOR_KNOWN_TRACE_H
#define CLEAT_COLLECTOR_KNOWN_TRACE_H

#include "base/buffer.h"
#include "base/map.h"
#include "collector/collector.h"

typedef struct cleat__trace_key {
    int64_t tenant;
    cleat_trace_id id;
} cleat__trace_key;

typedef struct cleat__known_trace {
    struct cleat__known_trace *next; /* of the set */
    cleat__trace_key key;
    int64_t number;    /* trace.id */
    bool is_new;       /* has no row yet */
    bool root_changed; /* columns beyond the end and the sums */
    cleat__buffer names;
    size_t name_size, task_size, service_size; /* in `names`, one behind the other */
    bool has_task, has_service;
    int64_t root_start_ns;
    bool has_root;
    int64_t start_ns, end_ns;
    int64_t span_count, error_count, bytes;
} cleat__known_trace;

/* Zero at first. */
typedef struct cleat__trace_set {
    cleat__map by_key;
    cleat__known_trace *first, *last_found;
    int64_t last_number; /* the largest trace.id; 0: to be asked for */
} cleat__trace_set;

cleat_status cleat__trace_set_get(cleat__trace_set *set, cleat__store *store, int64_t tenant,
                                  const cleat_trace_id *id, cleat__known_trace **out);
/* One span more; `size` is what it takes in the file. */
cleat_status cleat__known_trace_add(cleat__known_trace *trace, const cleat_span_view *span, cleat_slice task,
                                    cleat_slice service, int64_t size);
/* Writes the rows, and forgets them: what removes spans changes them, too. */
cleat_status cleat__trace_set_write(cleat__trace_set *set, cleat__store *store);
/* After a rollback and at the end. */
void cleat__trace_set_reset(cleat__trace_set *set);

#endif
