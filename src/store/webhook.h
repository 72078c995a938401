/* Webhooks, in the file. */
#ifndef CLEAT_STORE_WEBHOOK_H
#define CLEAT_STORE_WEBHOOK_H

#include "model/webhook.h"
#include "store/store.h"

/* Slices are valid until the next call on the store. */
typedef struct cleat__webhook_row {
    cleat__uuid id;
    int64_t tenant;
    int64_t created_at_ms, updated_at_ms;
    cleat__webhook webhook;
} cleat__webhook_row;

typedef struct cleat__webhook_key {
    int64_t tenant;
    cleat_slice name;
} cleat__webhook_key;

/* These inside a transaction. CLEAT_ALREADY_EXISTS: the tenant has one of that name. */
cleat_status cleat__webhook_insert(cleat__store *store, const cleat__webhook_row *row);
/* CLEAT_NOT_FOUND: it has none; so below. */
cleat_status cleat__webhook_update(cleat__store *store, cleat__webhook_key key,
                                   const cleat__webhook_change *change, int64_t now_ms);
cleat_status cleat__webhook_delete(cleat__store *store, cleat__webhook_key key);

cleat_status cleat__webhook_get(cleat__store *store, cleat__webhook_key key, cleat__webhook_row *out);
/* Of a tenant, newest first, until `visit` answers false. */
cleat_status cleat__webhook_list(cleat__store *store, int64_t tenant,
                                 bool (*visit)(void *argument, const cleat__webhook_row *row),
                                 void *argument);

#endif
