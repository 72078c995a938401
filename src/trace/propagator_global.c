/* The global propagator: one that was set, else what OTEL_PROPAGATORS names. */
#include "base/env.h"
#include "trace/header.h"
#include "trace/propagator.h"

#include <pthread.h>
#include <stdatomic.h>

/* By the names of the specification ("Environment variables", OTEL_PROPAGATORS). */
static const struct known {
    const char *name;
    const cleat_propagator *(*get)(void);
} known[] = {
    {"tracecontext", cleat_propagator_trace_context},
    {"baggage", cleat_propagator_baggage},
    {"b3", cleat_propagator_b3},
    {"b3multi", cleat_propagator_b3_multi},
};
#define ACCEPTED "tracecontext, baggage, b3, b3multi, none"

enum { KNOWN = sizeof(known) / sizeof(known[0]), FIELDS_MAX = 16 };

typedef struct propagator_list {
    const cleat_propagator *items[KNOWN];
    size_t count;
    bool none; /* was named */
} propagator_list;

/* ---- What the environment names; written once, under pthread_once ---- */

static const cleat_propagator *environment_propagator;
static propagator_list environment_list;
static const char *environment_fields[FIELDS_MAX];
static cleat__composite environment_composite;

static void append_once(propagator_list *list, const cleat_propagator *propagator)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == propagator) {
            return;
        }
    }
    list->items[list->count++] = propagator;
}

static bool append_named(propagator_list *list, cleat_slice name)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (cleat__env_is(name, known[i].name)) {
            append_once(list, known[i].get());
            return true;
        }
    }
    if (cleat__env_is(name, "none")) {
        list->none = true;
        return true;
    }
    return false;
}

/* Whether it is the trace context and baggage, which do not touch each other, in either order. */
static bool is_default(const propagator_list *list)
{
    const cleat_propagator *baggage = cleat_propagator_baggage();
    const cleat_propagator *trace_context = cleat_propagator_trace_context();
    return list->count == 2 && (list->items[0] == baggage || list->items[1] == baggage) &&
           (list->items[0] == trace_context || list->items[1] == trace_context);
}

static const cleat_propagator *propagator_of(const propagator_list *list)
{
    if (list->count == 0) {
        return list->none ? cleat_propagator_none() : cleat_propagator_default();
    }
    if (list->count == 1) {
        return list->items[0];
    }
    if (is_default(list)) {
        return cleat_propagator_default();
    }
    cleat__composite_fields(list->items, list->count, environment_fields);
    cleat__composite_init(&environment_composite, list->items, list->count, environment_fields);
    return &environment_composite.base;
}

static void read_environment(void)
{
    cleat_slice names = cleat__env_get("OTEL_PROPAGATORS");
    while (names.data != NULL) {
        cleat_slice name = cleat__trim(cleat__split(names, ',', &names));
        if (name.size != 0 && !append_named(&environment_list, name)) {
            cleat__env_warn("OTEL_PROPAGATORS", name, ACCEPTED);
        }
    }
    environment_propagator = propagator_of(&environment_list);
}

/* ---- The global one ---- */

static _Atomic(const cleat_propagator *) global_propagator; /* NULL: what the environment names */

const cleat_propagator *cleat_propagator_global(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const cleat_propagator *propagator = atomic_load_explicit(&global_propagator, memory_order_acquire);
    if (propagator == NULL) {
        pthread_once(&once, read_environment);
        propagator = environment_propagator;
    }
    return propagator;
}

void cleat_propagator_set_global(const cleat_propagator *propagator)
{
    atomic_store_explicit(&global_propagator, propagator, memory_order_release);
}
