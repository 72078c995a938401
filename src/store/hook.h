/* Hooks in the file: who has a token, and payloads that nobody has taken yet. Inside a transaction. */
#ifndef CLEAT_STORE_HOOK_H
#define CLEAT_STORE_HOOK_H

#include "base/buffer.h"
#include "store/store.h"

/* The run has the token from now on, whoever had it before. */
cleat_status cleat__hook_put(cleat__store *store, int64_t tenant, cleat_slice token,
                             const cleat__uuid *run_id, int64_t now_ms);
/* Who has it, or had it last. CLEAT_EMPTY: nobody ever had. */
cleat_status cleat__hook_get(cleat__store *store, int64_t tenant, cleat_slice token, cleat__uuid *run_id);
/* What the one has is the other's, with the payloads. */
cleat_status cleat__hooks_hand_over(cleat__store *store, const cleat__uuid *from, const cleat__uuid *to);
#define CLEAT__HOOK_PAYLOADS_MAX 1000 /* of one hook, that nobody has taken */
/* CLEAT_EMPTY: there are as many as there may be, and it is not stored. */
cleat_status cleat__hook_push(cleat__store *store, const cleat__uuid *run_id, cleat_slice token,
                              cleat_slice payload);
/* Takes the oldest and appends it. CLEAT_EMPTY: there is none. */
cleat_status cleat__hook_take(cleat__store *store, const cleat__uuid *run_id, cleat_slice token,
                              cleat__buffer *payload);

#endif
