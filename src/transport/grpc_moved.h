/*
 * Spans for the collector of a Hatchet engine, which shows of a run only what is in one trace, that which the
 * run's metadata names, and drops links (otel.md 5, 8 and 10). A task whose span begins a trace of its own would not
 * be seen there. So what such a collector gets of it is a copy in the run's trace, with the span that caused the run
 * as the parent of what was the root; not the original besides, since of two traces of a task it would show
 * one or the other.
 *
 * Spans of a task end before the task's own does, so which traces are meant is told when that begins. The
 * newest so many are known; of others spans go as they are.
 */
#ifndef CLEAT_TRANSPORT_GRPC_MOVED_H
#define CLEAT_TRANSPORT_GRPC_MOVED_H

#include "base/buffer.h"
#include "base/map.h"
#include "trace/batch.h"
#include "transport/transport.h"

enum { CLEAT__MOVED_MAX = 8192 };

/* Zero at first. Not thread-safe. */
typedef struct cleat__moved {
    cleat__own_trace *traces; /* a ring; NULL: none is known yet */
    size_t next;
    cleat__map by_id; /* of those in the ring, by trace id */
} cleat__moved;
void cleat__moved_deinit(cleat__moved *moved);
/* Without memory it is not known. */
void cleat__moved_add(cleat__moved *moved, const cleat__own_trace *trace);

/* A batch some of whose spans are copies; zero at first, and borrows the rest of what it was made of. */
typedef struct cleat__moved_batch {
    cleat_span_batch batch;
    cleat__batch_entry *entries;
    cleat__buffer copies;
} cleat__moved_batch;
void cleat__moved_batch_deinit(cleat__moved_batch *batch);
/* CLEAT_NO_MEMORY. */
cleat_status cleat__moved_batch_make(const cleat__moved *moved, const cleat_span_batch *from,
                                     cleat__moved_batch *out);

#endif
