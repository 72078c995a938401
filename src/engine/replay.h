/* Runs that have ended, once more. */
#ifndef CLEAT_ENGINE_REPLAY_H
#define CLEAT_ENGINE_REPLAY_H

#include "engine/core_parts.h"

/* Handler of REPLAY. */
cleat_status cleat__replay(cleat__core *core, cleat__command *command);
/* `goes_another_way`: its log is taken back, so that it need not come to the end it had. CLEAT_FAILED_PRECONDITION: it
 * lives; CLEAT_NOT_FOUND: the tenant has no such run. */
cleat_status cleat__replay_run(cleat__core *core, int64_t tenant, const cleat__uuid *id,
                               bool goes_another_way);

#endif
