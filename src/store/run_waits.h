/* What a run that is evicted waits for. */
#ifndef CLEAT_STORE_RUN_WAITS_H
#define CLEAT_STORE_RUN_WAITS_H

#include "base/buffer.h"
#include "store/store.h"

/* Appends a JSON array of its nodes' labels, `["sleep 24h","hook order-7"]`; [] where any node wakes it. */
cleat_status cleat__run_waits_load(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out);

#endif
