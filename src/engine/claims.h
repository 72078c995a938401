/*
 * The idempotency keys of the runs that one call would start. All is found out before anything is written, so that a
 * call of which all must start can be refused. Within a call the first of those with one key gets it.
 */
#ifndef CLEAT_ENGINE_CLAIMS_H
#define CLEAT_ENGINE_CLAIMS_H

#include "engine/core_parts.h"

typedef struct cleat__claim {
    char *key; /* owned; NULL: its workflow wants none, or it is a child that there is already */
    size_t size;
    const cleat__trigger *item;
    int64_t expires_at_ms;
    bool is_refused;
    cleat__uuid
        existing; /* who has the key; nil: the item `same` of this call; or there is no key (of an event) */
    size_t same;
} cleat__claim;

typedef struct cleat__claims {
    cleat__claim *items; /* of each item of the call; NULL: no workflow of them wants keys */
    size_t count, refused_count;
} cleat__claims;

/* What fails is the whole call; but an event is not kept from its other workflows by a run without a key. */
cleat_status cleat__claims_make(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                cleat__claims *out);
/* Whether a run could have a key. */
cleat_status cleat__claims_check(cleat__core *core, int64_t tenant, const cleat__trigger *item);
void cleat__claims_deinit(cleat__claims *claims);
static inline bool cleat__claims_refuse(const cleat__claims *claims, size_t index)
{
    return claims->items != NULL && claims->items[index].is_refused;
}
/* Of the first that was refused but for events, once the earlier items of the call have their `ids`. CLEAT_OK: none
 * was. */
cleat_status cleat__claims_tell(const cleat__claims *claims, const cleat__uuid *ids);
/* The run has the key from now on. Any failure has failed the core. */
cleat_status cleat__claims_take(cleat__core *core, int64_t tenant, const cleat__claim *claim,
                                const cleat__uuid *run_id);
/* A run has ended. The same. */
cleat_status cleat__claims_end(cleat__core *core, const cleat__run *run);

#endif
