#include "trace/context.h"

#include <cleat/trace.h>

const cleat_span_context cleat__no_span_context = {.trace_flags = 0};

cleat_context *cleat_context_retain(const cleat_context *context)
{
    cleat_context *counted = (cleat_context *)context;
    if (counted != NULL) {
        atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
    }
    return counted;
}

/* Whether this was the last reference. Who holds the only one needs no locked instruction: nobody
 * else can get another. */
static bool drop_reference(atomic_uint *references)
{
    return atomic_load_explicit(references, memory_order_acquire) == 1 ||
           atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

static void release_values(cleat__thread_context *thread, cleat__context_value *value)
{
    while (value != NULL && drop_reference(&value->references)) {
        cleat__context_value *next = value->next;
        if (value->destroy != NULL) {
            value->destroy(value->value);
        }
        cleat__block_free(thread, CLEAT__BLOCK_VALUE, value);
        value = next;
    }
}

void cleat_context_release(cleat_context *context)
{
    if (context == NULL || !drop_reference(&context->references)) {
        return;
    }
    cleat__thread_context *thread = cleat__thread_context_get();
    release_values(thread, context->values);
    cleat_baggage_release(context->baggage);
    cleat__block_free(thread, CLEAT__BLOCK_CONTEXT, context);
}

/* A new context with everything of `context`; NULL on no memory. */
static cleat_context *derive(const cleat_context *context, const cleat_span_context *span_context)
{
    cleat_context *made = cleat__block_alloc(cleat__thread_context_get(), CLEAT__BLOCK_CONTEXT);
    if (made == NULL) {
        return NULL;
    }
    atomic_init(&made->references, 1);
    made->span = (cleat_span){NULL, 0};
    made->baggage = NULL;
    made->values = NULL;
    if (context != NULL) {
        made->span = context->span;
        made->baggage = cleat_baggage_retain(context->baggage);
        made->values = context->values;
    }
    if (made->values != NULL) {
        atomic_fetch_add_explicit(&made->values->references, 1, memory_order_relaxed);
    }
    if (span_context != NULL) {
        cleat_span_context_copy(&made->span_context, span_context);
    }
    return made;
}

static bool has_span(const cleat_context *context)
{
    return context != NULL &&
           (context->span.impl != NULL || cleat_span_context_is_valid(&context->span_context));
}

cleat_context *cleat_context_with_span(const cleat_context *context, cleat_span span)
{
    /* Without an SDK all spans are no-op ones: nothing changes, so nothing is made. */
    if (span.impl == NULL && !has_span(context)) {
        return cleat_context_retain(context);
    }
    cleat_context *made = derive(context, NULL);
    if (made != NULL) {
        made->span = span;
        cleat_span_get_context(span, &made->span_context);
    }
    return made;
}

cleat_context *cleat_context_with_span_context(const cleat_context *context,
                                               const cleat_span_context *span_context)
{
    cleat_context *made = derive(context, span_context != NULL ? span_context : &cleat__no_span_context);
    if (made != NULL) {
        made->span = (cleat_span){NULL, 0};
    }
    return made;
}

cleat_context *cleat__context_with_unwritten_span(const cleat_context *context)
{
    cleat_context *made = derive(context, NULL);
    if (made != NULL) {
        made->span = (cleat_span){NULL, 0};
    }
    return made;
}

cleat_context *cleat_context_with_baggage(const cleat_context *context, const cleat_baggage *baggage)
{
    if (baggage == cleat_context_get_baggage(context)) {
        return cleat_context_retain(context);
    }
    cleat_context *made = derive(context, cleat_context_span_context(context));
    if (made != NULL) {
        cleat_baggage_release(made->baggage);
        made->baggage = cleat_baggage_retain(baggage);
    }
    return made;
}

cleat_context *cleat_context_with_value(const cleat_context *context, const cleat_context_key *key,
                                        void *value, void (*destroy)(void *value))
{
    cleat__thread_context *thread = cleat__thread_context_get();
    cleat__context_value *node = cleat__block_alloc(thread, CLEAT__BLOCK_VALUE);
    cleat_context *made = node != NULL ? derive(context, cleat_context_span_context(context)) : NULL;
    if (made == NULL) {
        if (node != NULL) {
            cleat__block_free(thread, CLEAT__BLOCK_VALUE, node);
        }
        if (destroy != NULL) {
            destroy(value);
        }
        return NULL;
    }
    atomic_init(&node->references, 1);
    node->key = key;
    node->value = value;
    node->destroy = destroy;
    node->next = made->values; /* the reference goes with it */
    made->values = node;
    return made;
}

void *cleat_context_value(const cleat_context *context, const cleat_context_key *key)
{
    const cleat__context_value *value = context != NULL ? context->values : NULL;
    while (value != NULL && value->key != key) {
        value = value->next;
    }
    return value != NULL ? value->value : NULL;
}

cleat_span cleat_context_span(const cleat_context *context)
{
    return context != NULL ? context->span : (cleat_span){NULL, 0};
}

const cleat_span_context *cleat_context_span_context(const cleat_context *context)
{
    return cleat__context_span_context(context);
}

const cleat_baggage *cleat_context_get_baggage(const cleat_context *context)
{
    return context != NULL ? context->baggage : NULL;
}
