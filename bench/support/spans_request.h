/*
 * OTLP requests for benchmarks: 512 spans with eight attributes, eight spans a trace. One is made by the
 * SDK; others are copies with other ids.
 */
#ifndef CLEAT_BENCH_SPANS_REQUEST_H
#define CLEAT_BENCH_SPANS_REQUEST_H

#include "base/buffer.h"
#include "base/random.h"

#include <cleat/status.h>

enum { BENCH_SPANS = 512 };

/* Once, before the others. Exits with a message on failure. */
void bench_spans_make(void);
/* Appends a request with ids of its own. From any thread. */
void bench_spans_append(cleat__random *random, cleat__buffer *body);
size_t bench_spans_size(void);
void bench_spans_free(void);

#endif
