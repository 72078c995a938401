/* What a run that is evicted waits for. */
#ifndef CLEAT_CLI_RUN_WAITS_H
#define CLEAT_CLI_RUN_WAITS_H

#include "base/buffer.h"
#include "store/run_waits.h"

/* Appends "sleep 24h, hook ord..."; the first `max` of them. */
void cleat__run_waits_append_text(cleat_slice waits, size_t max, cleat__buffer *out);

#endif
