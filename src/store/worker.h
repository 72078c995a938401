/* Workers of other processes, in the file. To be called inside a transaction, but the loading. */
#ifndef CLEAT_STORE_WORKER_H
#define CLEAT_STORE_WORKER_H

#include "store/store.h"

/* The texts are those of model/worker.h. */
typedef struct cleat__worker_row {
    cleat__uuid id;
    int64_t tenant;
    cleat_slice name, actions, slots, labels;
    cleat_slice runtime; /* absent: none */
    bool is_paused;
    int64_t registered_at_ms;
    int64_t seen_at_ms;
} cleat__worker_row;

cleat_status cleat__worker_insert(cleat__store *store, const cleat__worker_row *row);
cleat_status cleat__worker_set_paused(cleat__store *store, const cleat__uuid *id, bool is_paused);
cleat_status cleat__worker_set_labels(cleat__store *store, const cleat__uuid *id, cleat_slice labels);
cleat_status cleat__worker_set_seen(cleat__store *store, const cleat__uuid *id, int64_t seen_at_ms);
cleat_status cleat__worker_delete(cleat__store *store, const cleat__uuid *id);

/* All of them. The first status of `visit` that is not CLEAT_OK ends the visit and is returned. */
cleat_status cleat__load_workers(cleat__store *store,
                                 cleat_status (*visit)(void *argument, const cleat__worker_row *row),
                                 void *argument);

#endif
