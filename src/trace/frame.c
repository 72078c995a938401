/*
 * A thread's frames form a stack: detaching one takes off what lies above it. So a scope is stale
 * exactly when its frame and generation are not in the stack, and no frame is read to find out but
 * those that are. Generations are unique in the process, since a frame's memory may come back in
 * another thread.
 */
#include "base/error.h"
#include "trace/context.h"

/* Threads take numbers in portions, so that they do not fight for one counter. */
#define GENERATIONS_AT_ONCE (UINT64_C(1) << 16)

static uint64_t next_generation(cleat__thread_context *thread)
{
    static atomic_uint_fast64_t first_unused = GENERATIONS_AT_ONCE;
    if (thread->generation % GENERATIONS_AT_ONCE == 0) {
        thread->generation =
            atomic_fetch_add_explicit(&first_unused, GENERATIONS_AT_ONCE, memory_order_relaxed);
    }
    return ++thread->generation;
}

const cleat_context *cleat_context_current(void)
{
    return cleat__context_current();
}

cleat_context *cleat_context_capture(void)
{
    return cleat_context_retain(cleat_context_current());
}

/* Consumes the reference to `context`. On no memory nothing is attached; detaching that is fine. */
static cleat_scope attach(cleat__thread_context *thread, cleat_context *context)
{
    cleat__frame *frame = NULL;
    if (thread->depth < CLEAT__INLINE_FRAMES) {
        frame = &thread->frames[thread->depth];
    } else {
        frame = cleat__block_alloc(thread, CLEAT__BLOCK_FRAME);
    }
    if (frame == NULL) {
        cleat_context_release(context);
        return (cleat_scope){NULL, 0};
    }
    if (context != NULL) {
        cleat__thread_context_register(thread);
    }
    frame->context = context;
    frame->below = thread->top;
    frame->generation = next_generation(thread);
    thread->top = frame;
    thread->depth++;
    return (cleat_scope){frame, frame->generation};
}

cleat_scope cleat_context_attach(const cleat_context *context)
{
    return attach(cleat__thread_context_get(), cleat_context_retain(context));
}

cleat_scope cleat_span_attach(cleat_span span)
{
    cleat_context *context = cleat_context_with_span(cleat_context_current(), span);
    if (context == NULL) {
        /* Nothing is current and nothing comes with the span, or no memory: go on as before. */
        return cleat_context_attach(cleat_context_current());
    }
    return attach(cleat__thread_context_get(), context);
}

void cleat__frame_pop(cleat__thread_context *thread)
{
    cleat__frame *frame = thread->top;
    cleat_context *context = (cleat_context *)frame->context;
    thread->top = frame->below;
    thread->depth--;
    if (thread->depth >= CLEAT__INLINE_FRAMES) {
        cleat__block_free(thread, CLEAT__BLOCK_FRAME, frame);
    }
    /* Last: the destroy functions of its values may attach and detach. */
    cleat_context_release(context);
}

static bool is_attached(const cleat__thread_context *thread, cleat_scope scope)
{
    const cleat__frame *frame = thread->top;
    while (frame != NULL && (frame != scope.frame || frame->generation != scope.generation)) {
        frame = frame->below;
    }
    return frame != NULL;
}

cleat_status cleat_scope_detach(cleat_scope scope)
{
    cleat__thread_context *thread = cleat__thread_context_get();
    if (scope.frame == NULL) {
        return CLEAT_OK;
    }
    if (thread->top == scope.frame && scope.frame->generation == scope.generation) {
        cleat__frame_pop(thread);
        return CLEAT_OK;
    }
    if (!is_attached(thread, scope)) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "this scope is detached already, or belongs to another thread");
    }
    while (is_attached(thread, scope)) {
        cleat__frame_pop(thread);
    }
    return cleat__fail(CLEAT_FAILED_PRECONDITION,
                       "scopes attached after this one were still there and are detached with it");
}
