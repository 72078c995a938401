/* What was before an invocation of a durable run that is not the first one of its attempt, and when it ended. */
#ifndef CLEAT_STORE_INVOCATION_H
#define CLEAT_STORE_INVOCATION_H

#include "store/store.h"

/* Which one of the attempt. Other SDKs do not say the number: then it is the one that was going on `at_ms`. */
typedef struct cleat__invocation_key {
    cleat__uuid run_id;
    int32_t retry_count;
    int32_t number; /* 0: not known */
    int64_t at_ms;
} cleat__invocation_key;

/* Times are Unix milliseconds. */
typedef struct cleat__invocation_wait {
    int32_t number;          /* 0: it is the first one of its attempt, and the next two are nothing */
    int64_t suspended_at_ms; /* the one before, to wait; 0: it was broken off */
    int64_t queued_at_ms;
    uint32_t waited_for; /* 1 << cleat__pending_kind, as far as known */
    int64_t began_at_ms; /* 0: of the newest attempt, so task_live or task_end has it */
} cleat__invocation_wait;
cleat_status cleat__invocation_load(cleat__store *store, const cleat__invocation_key *key,
                                    cleat__invocation_wait *out);

/* An invocation that another one of the same attempt has followed, or will. */
typedef struct cleat__invocation_row {
    int32_t number; /* of the one that follows */
    int32_t retry_count;
    int64_t began_at_ms;
    int64_t suspended_at_ms; /* to wait; 0: it was broken off */
    uint32_t waited_for;     /* 1 << cleat__pending_kind, as far as known */
    int64_t queued_at_ms; /* the one that follows; 0: it has not begun, and when it is queued is not here */
    cleat_slice reason;   /* of the suspension, while the next one has not begun; valid during the visit */
} cleat__invocation_row;
/* Those followed by others than the first `after` ones, in that order, until `visit` answers false. */
cleat_status cleat__invocation_list(cleat__store *store, const cleat__uuid *run_id, int32_t after,
                                    bool (*visit)(void *argument, const cleat__invocation_row *row),
                                    void *argument);

#endif
