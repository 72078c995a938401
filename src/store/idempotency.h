/* Which run has which key of idempotency. In a transaction, but for cleat__idempotency_get(). */
#ifndef CLEAT_STORE_IDEMPOTENCY_H
#define CLEAT_STORE_IDEMPOTENCY_H

#include "store/store.h"

/* Who has the key at that time; CLEAT_EMPTY: nobody. */
cleat_status cleat__idempotency_get(cleat__store *store, int64_t tenant, cleat_slice key, int64_t now_ms,
                                    cleat__uuid *run_id);
/* From now on this run has it, whoever had it before. Forgets some keys whose time is over, so that they do not
 * become more and more. */
cleat_status cleat__idempotency_put(cleat__store *store, int64_t tenant, cleat_slice key,
                                    const cleat__uuid *run_id, int64_t expires_at_ms, int64_t now_ms);
/* The run gives back its key, if it has it. */
cleat_status cleat__idempotency_remove(cleat__store *store, int64_t tenant, const cleat__uuid *run_id);

#endif
