/* Rows of tenants. On any store; changes inside a transaction. */
#ifndef CLEAT_STORE_TENANT_H
#define CLEAT_STORE_TENANT_H

#include "store/store.h"

#define CLEAT__TENANT_NAME_MAX 64

typedef struct cleat__tenant {
    int64_t id;
    cleat__uuid uuid;
    char name[CLEAT__TENANT_NAME_MAX + 1];
    int64_t created_at_ms;
} cleat__tenant;

/* Letters, digits, '.', '_', '-'; up to CLEAT__TENANT_NAME_MAX. CLEAT_INVALID_ARGUMENT otherwise. */
cleat_status cleat__tenant_check_name(cleat_slice name);

/* CLEAT_NOT_FOUND when there is none. */
cleat_status cleat__tenant_get(cleat__store *store, int64_t id, cleat__tenant *out);
cleat_status cleat__tenant_find(cleat__store *store, cleat_slice name, cleat__tenant *out);
cleat_status cleat__tenant_find_id(cleat__store *store, const cleat__uuid *uuid, cleat__tenant *out);
/* The name has been checked and is new. Fills `out->id`; reads the rest of it. */
cleat_status cleat__tenant_insert(cleat__store *store, cleat__tenant *tenant);

#endif
