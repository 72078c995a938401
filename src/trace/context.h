/*
 * Contexts and the stack of attached ones, which is each thread's own.
 *
 * Attaching happens around every span, so none of it should reach the allocator: a thread keeps a
 * few freed blocks of each kind for the next use, and its first frames lie in thread-local storage.
 */
#ifndef CLEAT_TRACE_CONTEXT_H
#define CLEAT_TRACE_CONTEXT_H

#include <cleat/trace.h>

#include <stdatomic.h>

/* One value of the user's. A node holds a reference to the next; both never change. */
typedef struct cleat__context_value {
    atomic_uint references;
    const cleat_context_key *key;
    void *value;
    void (*destroy)(void *value);
    struct cleat__context_value *next;
} cleat__context_value;

struct cleat_context {
    atomic_uint references;
    cleat_span span;
    cleat_baggage *baggage;          /* retained */
    cleat__context_value *values;    /* retained */
    cleat_span_context span_context; /* last: only the part in use is copied */
};

typedef struct cleat__frame {
    const cleat_context *context; /* retained */
    struct cleat__frame *below;
    uint64_t generation;
} cleat__frame;

enum cleat__block_kind { CLEAT__BLOCK_CONTEXT, CLEAT__BLOCK_VALUE, CLEAT__BLOCK_FRAME, CLEAT__BLOCK_KINDS };

enum { CLEAT__INLINE_FRAMES = 8 };

/* All of it belongs to one thread; nobody else looks at it. */
typedef struct cleat__thread_context {
    cleat__frame *top; /* NULL: the root context is current */
    size_t depth;
    uint64_t generation; /* the last one given to a frame */
    bool registered;     /* with the key whose destructor empties this */
    struct {
        struct cleat__free_block *first;
        unsigned count;
    } free_blocks[CLEAT__BLOCK_KINDS];
    cleat__frame frames[CLEAT__INLINE_FRAMES];
} cleat__thread_context;

/* This thread's. Initial-exec as in local.h. */
extern _Thread_local cleat__thread_context cleat__context_of_thread
    __attribute__((tls_model("initial-exec")));

static inline cleat__thread_context *cleat__thread_context_get(void)
{
    return &cleat__context_of_thread;
}

/* cleat_context_current() and cleat_context_span_context(), for the start of a span. */
static inline const cleat_context *cleat__context_current(void)
{
    const cleat__frame *top = cleat__context_of_thread.top;
    return top != NULL ? top->context : NULL;
}

extern const cleat_span_context cleat__no_span_context;
static inline const cleat_span_context *cleat__context_span_context(const cleat_context *context)
{
    return context != NULL ? &context->span_context : &cleat__no_span_context;
}

/* Makes sure that the thread's end will detach and free what it holds. False: no memory. */
bool cleat__thread_context_register(cleat__thread_context *thread);

/* Memory for one object of a kind, not zeroed; NULL on no memory. May be freed by another thread. */
void *cleat__block_alloc(cleat__thread_context *thread, enum cleat__block_kind kind);
void cleat__block_free(cleat__thread_context *thread, enum cleat__block_kind kind, void *block);

/* As cleat_context_with_span_context(), but that the caller writes the span context of it before
 * anybody else sees it: what was just read from a header is not copied once more. */
cleat_context *cleat__context_with_unwritten_span(const cleat_context *context);

/* Takes the topmost frame off and releases its context. */
void cleat__frame_pop(cleat__thread_context *thread);

#endif
