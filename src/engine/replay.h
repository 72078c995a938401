/* Runs that have ended, once more. */
#ifndef CLEAT_ENGINE_REPLAY_H
#define CLEAT_ENGINE_REPLAY_H

#include "engine/core_parts.h"

/* Handler of REPLAY. */
cleat_status cleat__replay(cleat__core *core, cleat__command *command);

#endif
