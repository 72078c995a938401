/* Sources by id, each read once, when it is first asked for. Not thread-safe. */
#ifndef CLEAT_COLLECTOR_SOURCE_LIST_H
#define CLEAT_COLLECTOR_SOURCE_LIST_H

#include "base/map.h"
#include "store/store.h"

#include <cleat/trace.h>

typedef struct cleat__source {
    cleat_resource *resource;                 /* one reference; may be NULL */
    const cleat_instrumentation_scope *scope; /* &own_scope, or NULL */
    cleat_instrumentation_scope own_scope;    /* texts in `content`; attributes owned */
    cleat_slice service_name;                 /* in the resource */
    int64_t id;
    size_t resource_size; /* the first bytes of `content`, which are about the resource */
    size_t size;
    char content[];
} cleat__source;

/* Zero-initialised. Sources of equal resources have the same object. */
typedef struct cleat__source_list {
    cleat__map by_id;
    cleat__map by_resource;
    const cleat__source *last;
} cleat__source_list;

/* `*out` belongs to the list. One that is not there, or not readable, has neither resource nor scope. */
cleat_status cleat__source_list_get(cleat__source_list *list, cleat__store *store, int64_t id,
                                    const cleat__source **out);
void cleat__source_list_deinit(cleat__source_list *list);

#endif
