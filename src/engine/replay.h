/* Runs that have ended, once more. */
#ifndef CLEAT_ENGINE_REPLAY_H
#define CLEAT_ENGINE_REPLAY_H

#include "engine/core_parts.h"

/* Handler of REPLAY. */
cleat_status cleat__replay(cleat__core *core, cleat__command *command);
/* CLEAT_FAILED_PRECONDITION: it lives; CLEAT_NOT_FOUND: the tenant has no such run. */
cleat_status cleat__replay_run(cleat__core *core, int64_t tenant, const cleat__uuid *id);

#endif
