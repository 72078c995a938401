/* Rows of tokens and of the keys that sign them. On any store; changes inside a transaction. */
#ifndef CLEAT_STORE_TOKEN_H
#define CLEAT_STORE_TOKEN_H

#include "store/tenant.h"

#define CLEAT__TOKEN_NAME_MAX 100

typedef struct cleat__token_row {
    cleat__uuid id;
    int64_t tenant; /* its number */
    cleat__uuid tenant_uuid;
    char tenant_name[CLEAT__TENANT_NAME_MAX + 1];
    char name[CLEAT__TOKEN_NAME_MAX + 1]; /* "" for none */
    int64_t created_at_ms;
    int64_t expires_at_ms;
    int64_t revoked_at_ms; /* 0: it is not */
} cleat__token_row;

/* Of the tenant only the number is looked at. */
cleat_status cleat__token_insert(cleat__store *store, const cleat__token_row *row);
/* CLEAT_NOT_FOUND when there is none. */
cleat_status cleat__token_get(cleat__store *store, const cleat__uuid *id, cleat__token_row *out);
/* The only token whose id begins with `prefix` (text form in either case, 8 digits at least).
 * NOT_FOUND; INVALID_ARGUMENT when several begin so. */
cleat_status cleat__token_find(cleat__store *store, cleat_slice prefix, cleat__uuid *out);
/* Calls `visit` for each token of a tenant (0: of all), newest first, until it answers false. */
cleat_status cleat__token_list(cleat__store *store, int64_t tenant,
                               bool (*visit)(void *argument, const cleat__token_row *row), void *argument);
/* From now on; a time already there stays. CLEAT_NOT_FOUND when there is no such token. */
cleat_status cleat__token_revoke(cleat__store *store, const cleat__uuid *id, int64_t now_ms);

typedef struct cleat__token_key {
    char kid[37];
    char private_key[512]; /* PEM, NUL-terminated, as the next */
    char public_key[256];
} cleat__token_key;

/* The one that signs; CLEAT_EMPTY: there is none yet. */
cleat_status cleat__token_key_newest(cleat__store *store, cleat__token_key *out);
/* Without the private key. CLEAT_EMPTY: unknown. */
cleat_status cleat__token_key_find(cleat__store *store, cleat_slice kid, cleat__token_key *out);
cleat_status cleat__token_key_insert(cleat__store *store, const cleat__token_key *key, int64_t now_ms);

#endif
