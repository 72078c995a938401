/* Keys of maps over all tenants: the tenant, then the name. */
#ifndef CLEAT_ENGINE_SCOPE_H
#define CLEAT_ENGINE_SCOPE_H

#include "base/alloc.h"
#include "model/workflow.h"

typedef struct cleat__scope {
    char bytes[sizeof(int64_t) + CLEAT__ACTION_MAX];
} cleat__scope;

/* A key in `scope`; absent when the name is longer than any that is kept. */
static inline cleat_slice cleat__scope_key(cleat__scope *scope, int64_t tenant, cleat_slice name)
{
    if (name.size > CLEAT__ACTION_MAX) {
        return (cleat_slice){NULL, 0};
    }
    memcpy(scope->bytes, &tenant, sizeof(tenant));
    if (name.size != 0) {
        memcpy(scope->bytes + sizeof(tenant), name.data, name.size);
    }
    return (cleat_slice){scope->bytes, sizeof(tenant) + name.size};
}

/* A key to keep, and the name within it. NULL on no memory. */
static inline char *cleat__scope_new(int64_t tenant, cleat_slice name, cleat_slice *kept)
{
    cleat__scope scope;
    char *key = cleat__slice_dup(cleat__scope_key(&scope, tenant, name));
    *kept = (cleat_slice){key != NULL ? key + sizeof(tenant) : NULL, name.size};
    return key;
}

static inline cleat_slice cleat__scope_kept(cleat_slice name)
{
    return (cleat_slice){name.data - sizeof(int64_t), name.size + sizeof(int64_t)};
}

#endif
