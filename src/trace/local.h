/*
 * What each thread has for itself on the span path: free spans, the memory a record is assembled
 * in, a number that spreads threads over shards, counts. Given back when the thread ends.
 */
#ifndef CLEAT_TRACE_LOCAL_H
#define CLEAT_TRACE_LOCAL_H

#include <cleat/status.h>

#include <stdatomic.h>

struct cleat__span;

/* What is counted of a provider's spans: see cleat_tracer_provider_stats. */
typedef enum cleat__count {
    CLEAT__COUNT_STARTED,
    CLEAT__COUNT_NOT_SAMPLED,
    CLEAT__COUNT_ENDED,
    CLEAT__COUNT_NO_MEMORY,
    CLEAT__COUNT_ATTRIBUTES_DROPPED,
    CLEAT__COUNT_EVENTS_DROPPED,
    CLEAT__COUNT_LINKS_DROPPED,
    CLEAT__COUNT_STRINGS_REPAIRED,
    CLEAT__COUNTS,
} cleat__count;

enum { CLEAT__COUNT_SLOTS = 8 };

typedef struct cleat__local {
    struct cleat__span *free_spans;
    uint32_t free_count;
    uint32_t index; /* 0, 1, 2 ... in order of first use */
    uint8_t *scratch;
    size_t scratch_size;
    /* Of counts.c: written by this thread, read by all. */
    atomic_uint_fast64_t counts[CLEAT__COUNT_SLOTS][CLEAT__COUNTS];
    struct cleat__local *previous, *next;
    /* Of visit.h: */
    uint32_t visit_depth;
    atomic_uint_least32_t visit_count; /* odd while this thread is inside */
    uint32_t awaited_visit;            /* under the mutex of counts.c */
} cleat__local;

/* Initial-exec: the pointer lies at a fixed distance from the thread pointer, also in the shared
 * library, so that reading it is one instruction. */
extern _Thread_local cleat__local *cleat__local_of_thread __attribute__((tls_model("initial-exec")));
cleat__local *cleat__local_new(void); /* NULL on no memory */

static inline cleat__local *cleat__local_get(void)
{
    cleat__local *local = cleat__local_of_thread;
    return __builtin_expect(local != NULL, true) ? local : cleat__local_new();
}

/*
 * Lends at least `size` bytes until they are given back. Loans may nest (a processor that ends
 * another span inside on_end): the inner one gets memory of its own. NULL on no memory.
 */
uint8_t *cleat__local_scratch_take(cleat__local *local, size_t size, size_t *capacity);
void cleat__local_scratch_return(cleat__local *local, uint8_t *scratch, size_t capacity);

#endif
