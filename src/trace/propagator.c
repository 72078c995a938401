#include "trace/propagator.h"

/* ---- Text maps ---- */

typedef struct first_of {
    cleat_slice value;
    size_t count;
} first_of;

static bool count_value(void *user_data, cleat_slice value)
{
    first_of *first = user_data;
    if (value.data != NULL && first->count++ == 0) {
        first->value = value;
    }
    return first->count < 2;
}

cleat_slice cleat__text_map_only(const cleat_text_map *map, const char *key)
{
    if (map == NULL || map->get_all == NULL) {
        return cleat__text_map_get(map, key);
    }
    first_of first = {{NULL, 0}, 0};
    map->get_all(map->self, key, count_value, &first);
    return first.count == 1 ? first.value : (cleat_slice){NULL, 0};
}

void cleat__text_map_each(const cleat_text_map *map, const char *key, cleat_text_map_visitor visit,
                          void *user_data)
{
    if (map != NULL && map->get_all != NULL) {
        map->get_all(map->self, key, visit, user_data);
        return;
    }
    cleat_slice value = cleat__text_map_get(map, key);
    if (value.data != NULL) {
        visit(user_data, value);
    }
}

/* ---- Any propagator ---- */

void cleat_propagator_inject(const cleat_propagator *propagator, const cleat_context *context,
                             const cleat_text_map *carrier)
{
    propagator = propagator != NULL ? propagator : cleat_propagator_global();
    if (propagator->inject != NULL) {
        propagator->inject(propagator, context != NULL ? context : cleat_context_current(), carrier);
    }
}

cleat_context *cleat_propagator_extract(const cleat_propagator *propagator, const cleat_context *context,
                                        const cleat_text_map *carrier)
{
    propagator = propagator != NULL ? propagator : cleat_propagator_global();
    if (propagator->extract == NULL) {
        return cleat_context_retain(context);
    }
    return propagator->extract(propagator, context, carrier);
}

void cleat_propagator_free(cleat_propagator *propagator)
{
    if (propagator != NULL && propagator->free != NULL) {
        propagator->free(propagator);
    }
}

/* ---- None ---- */

static void none_inject(const cleat_propagator *self, const cleat_context *context,
                        const cleat_text_map *carrier)
{
    (void)self;
    (void)context;
    (void)carrier;
}

static cleat_context *none_extract(const cleat_propagator *self, const cleat_context *context,
                                   const cleat_text_map *carrier)
{
    (void)self;
    (void)carrier;
    return cleat_context_retain(context);
}

static const char *const *none_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_none(void)
{
    static const cleat_propagator propagator = {none_inject, none_extract, none_fields, NULL};
    return &propagator;
}

/* ---- Trace context and baggage: no composite, so that it is there without being made ---- */

static void default_inject(const cleat_propagator *self, const cleat_context *context,
                           const cleat_text_map *carrier)
{
    (void)self;
    const cleat_propagator *trace_context = cleat_propagator_trace_context();
    const cleat_propagator *baggage = cleat_propagator_baggage();
    trace_context->inject(trace_context, context, carrier);
    baggage->inject(baggage, context, carrier);
}

static cleat_context *default_extract(const cleat_propagator *self, const cleat_context *context,
                                      const cleat_text_map *carrier)
{
    (void)self;
    const cleat_propagator *trace_context = cleat_propagator_trace_context();
    const cleat_propagator *baggage = cleat_propagator_baggage();
    cleat_context *traced = trace_context->extract(trace_context, context, carrier);
    cleat_context *made = baggage->extract(baggage, traced, carrier);
    cleat_context_release(traced);
    return made;
}

static const char *const *default_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {"traceparent", "tracestate", "baggage", NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_default(void)
{
    static const cleat_propagator propagator = {default_inject, default_extract, default_fields, NULL};
    return &propagator;
}
