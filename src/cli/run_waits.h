/* What a run that is evicted waits for. */
#ifndef CLEAT_CLI_RUN_WAITS_H
#define CLEAT_CLI_RUN_WAITS_H

#include "base/buffer.h"
#include "store/store.h"

/* Appends a JSON array of its nodes' labels, `["sleep 24h","hook ord..."]`; [] where any node wakes it. */
cleat_status cleat__run_waits_load(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out);
/* Appends "sleep 24h, hook ord..."; the first `max` of them. */
void cleat__run_waits_append_text(cleat_slice waits, size_t max, cleat__buffer *out);

#endif
