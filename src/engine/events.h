/* Handler of PUSH. */
#ifndef CLEAT_ENGINE_EVENTS_H
#define CLEAT_ENGINE_EVENTS_H

#include "engine/core_parts.h"

cleat_status cleat__events_push(cleat__core *core, cleat__command *command);

#endif
