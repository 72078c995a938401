/* What propagators share: reading text maps whose members may be NULL, and lists of propagators. */
#ifndef CLEAT_TRACE_PROPAGATOR_H
#define CLEAT_TRACE_PROPAGATOR_H

#include <cleat/trace.h>

/* The first value; the absent slice where there is none. */
static inline cleat_slice cleat__text_map_get(const cleat_text_map *map, const char *key)
{
    return map != NULL && map->get != NULL ? map->get(map->self, key) : (cleat_slice){NULL, 0};
}

/* False where the map refuses it. */
static inline bool cleat__text_map_set(const cleat_text_map *map, const char *key, cleat_slice value)
{
    return map != NULL && map->set != NULL && map->set(map->self, key, value) == CLEAT_OK;
}

static inline void cleat__text_map_remove(const cleat_text_map *map, const char *key)
{
    if (map != NULL && map->remove != NULL) {
        map->remove(map->self, key);
    }
}

/* The value of a key that may be there once only; the absent slice where there is none, or more. */
cleat_slice cleat__text_map_only(const cleat_text_map *map, const char *key);
/* Visits all values of a key in their order. */
void cleat__text_map_each(const cleat_text_map *map, const char *key, cleat_text_map_visitor visit,
                          void *user_data);

/* `made`, or `context` where there was no memory to make it. */
static inline cleat_context *cleat__context_or_same(cleat_context *made, const cleat_context *context)
{
    return made != NULL ? made : cleat_context_retain(context);
}

/* ---- Several propagators as one ---- */

typedef struct cleat__composite {
    cleat_propagator base;
    const cleat_propagator *const *list;
    size_t count;
    const char *const *fields; /* ends with NULL */
} cleat__composite;

/* Static ones are made by this; `free` stays NULL. */
void cleat__composite_init(cleat__composite *composite, const cleat_propagator *const *list, size_t count,
                           const char *const *fields);
/* The fields of all, each once, with a NULL behind them; `fields` has room for all of them. */
void cleat__composite_fields(const cleat_propagator *const *list, size_t count, const char **fields);

#endif
