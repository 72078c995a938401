/*
 * A span that has not ended. A handle is a pointer to pooled memory (span_pool.h) and the
 * generation that memory had when the span started; whoever finds another generation holds a stale
 * handle and touches nothing else.
 *
 * What a field is guarded by: a span is filled by the thread that starts it before its generation
 * is published; from then on by `lock`, which also guards the change of generation at the end.
 * `context`, `tracer`, `limits` and the start time do not change while the span lives.
 */
#ifndef CLEAT_TRACE_SPAN_H
#define CLEAT_TRACE_SPAN_H

#include "attribute_set.h"
#include "base/buffer.h"
#include "base/thread.h"

#include <cleat/trace.h>
#include <stdalign.h>

enum {
    /* Low bits of a generation. A free span's generation has neither, so no handle equals it. */
    CLEAT__SPAN_IS_RECORDING = 1,
    CLEAT__SPAN_IS_LIVE = 2,
    CLEAT__SPAN_GENERATION_STEP = 4,

    CLEAT__SPAN_INLINE_NAME = 96,
    CLEAT__SPAN_INLINE_ATTRIBUTES = 16,
    CLEAT__SPAN_INLINE_DATA = 1024,
};

typedef enum cleat__orphan {
    CLEAT__NO_ORPHAN,
    CLEAT__ORPHAN,
    CLEAT__ORPHAN_TORN, /* a thread was changing it when the process forked: it is not used again */
} cleat__orphan;

/* What most spans do not have; made when first needed, kept for the next spans in this memory. */
typedef struct cleat__span_details {
    cleat__buffer events; /* in wire form */
    cleat__buffer links;  /* in wire form */
    cleat__buffer status_message;
    cleat__buffer long_name;
    cleat__attribute_set attributes; /* of the event or link that is being added */
} cleat__span_details;

typedef struct cleat__span {
    alignas(64) _Atomic uint64_t generation;
    cleat__spin lock;
    bool ending;      /* cleat_span_end() has begun: only `ender` may still change it */
    bool is_anchored; /* start_monotonic_ns is set: times are start + monotonic difference */
    uint8_t kind;
    uint8_t status;
    /* A cleat__orphan. The span's process or provider is gone: its handles still lead to its context,
     * and nothing of it is recorded or exported. Then `ending` is set too, and nobody is the ender. */
    _Atomic uint8_t orphan;
    uint32_t flags; /* of the OTLP Span */
    uint32_t name_size;
    uint32_t event_count, dropped_events;
    uint32_t link_count, dropped_links;
    int64_t start_unix_ns;
    int64_t start_monotonic_ns;
    union {
        struct cleat__span *next_free; /* while free: of the list it is in */
        const void *ender;             /* while `ending`: the cleat__local of the thread that ends it */
    };
    const cleat_tracer *tracer;   /* of an SDK; NULL when not recording */
    cleat__span_details *details; /* may be NULL */
    cleat_span_id parent_span_id;
    cleat__attribute_set attributes;
    cleat__attribute_slot slots[CLEAT__SPAN_INLINE_ATTRIBUTES];
    uint8_t data[CLEAT__SPAN_INLINE_DATA];
    char name[CLEAT__SPAN_INLINE_NAME]; /* unless it is longer: details->long_name */
    cleat_span_context context;
} cleat__span;

/* Fresh memory. */
void cleat__span_init(cleat__span *span);

/* NULL on no memory. */
cleat__span_details *cleat__span_details_get(cleat__span *span);

/* Operations on a span whose lock is held, or that is not yet published (span_data.c). */
cleat_status cleat__span_put_name(cleat__span *span, cleat_slice name);
cleat_status cleat__span_put_link(cleat__span *span, const cleat_link *link);

static inline cleat_slice cleat__span_name(const cleat__span *span)
{
    return (cleat_slice){
        span->name_size <= CLEAT__SPAN_INLINE_NAME ? span->name : (const char *)span->details->long_name.data,
        span->name_size};
}

/* Only the part of a tracestate that is in use is copied. */
static inline void cleat__set_trace_state(cleat_span_context *context, cleat_slice text)
{
    context->trace_state_size = 0;
    if (text.size != 0 && text.size <= CLEAT_TRACE_STATE_MAX) {
        context->trace_state_size = (uint16_t)text.size;
        memcpy(context->trace_state, text.data, text.size);
    }
}

static inline void cleat__copy_context(cleat_span_context *to, const cleat_span_context *from)
{
    memcpy(to, from, offsetof(cleat_span_context, trace_state));
    if (from->trace_state_size != 0) {
        cleat__set_trace_state(to, (cleat_slice){from->trace_state, from->trace_state_size});
    }
}

/* Wall-clock time of something that happens in the span now. */
int64_t cleat__span_now(const cleat__span *span);

/* ---- Entering a span through its handle ---- */

typedef enum cleat__span_entry {
    CLEAT__SPAN_ENTERED, /* recording, and `lock` is held */
    CLEAT__SPAN_IGNORES, /* the no-op span or one that does not record: nothing to do */
    CLEAT__SPAN_STALE,
} cleat__span_entry;

/* The lock is held; the handle is stale or the span is ending. The lock is given back unless this
 * thread may enter nevertheless. */
cleat__span_entry cleat__span_enter_ending(cleat_span handle);

static inline bool cleat__span_is_orphan(const cleat__span *span)
{
    return atomic_load_explicit(&span->orphan, memory_order_relaxed) != CLEAT__NO_ORPHAN;
}

static inline bool cleat__span_is_live(cleat_span handle)
{
    return atomic_load_explicit(&handle.impl->generation, memory_order_acquire) == handle.generation;
}

static inline cleat__span_entry cleat__span_enter(cleat_span handle)
{
    /* The handle alone tells, also that of the no-op span: nothing is loaded. */
    if ((handle.generation & CLEAT__SPAN_IS_RECORDING) == 0) {
        return CLEAT__SPAN_IGNORES;
    }
    if (!cleat__span_is_live(handle)) {
        return CLEAT__SPAN_STALE;
    }
    cleat__spin_lock(&handle.impl->lock);
    if (__builtin_expect(!cleat__span_is_live(handle) || handle.impl->ending, false)) {
        return cleat__span_enter_ending(handle);
    }
    return CLEAT__SPAN_ENTERED;
}

static inline void cleat__span_leave(cleat_span handle)
{
    cleat__spin_unlock(&handle.impl->lock);
}

/* The status of CLEAT__SPAN_IGNORES and CLEAT__SPAN_STALE. */
cleat_status cleat__span_refuse_stale(void);
static inline cleat_status cleat__span_refuse(cleat__span_entry entry)
{
    return entry == CLEAT__SPAN_IGNORES ? CLEAT_OK : cleat__span_refuse_stale();
}

#endif
