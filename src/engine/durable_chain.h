/* Runs that go on as new ones, for whoever waits for their end. */
#ifndef CLEAT_ENGINE_DURABLE_CHAIN_H
#define CLEAT_ENGINE_DURABLE_CHAIN_H

#include "engine/core_parts.h"

/* The last run of the chain that begins with `*id`: how it has ended, or CLEAT_EMPTY: it lives, and is `*id` now. The caller
 * deinits `*result` in any case. */
cleat_status cleat__durable_chain_load(cleat__core *core, int64_t tenant, cleat__uuid *id,
                                       cleat_run_result *result);

#endif
