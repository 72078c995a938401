/* Commands that nobody waits for. */
#ifndef CLEAT_ENGINE_DETACHED_H
#define CLEAT_ENGINE_DETACHED_H

#include <stddef.h>

#include "engine/command.h"
#include "engine/engine.h"

/* Takes the command, on failure too. `log_bytes` is 0 for what is no log line. */
cleat_status cleat__engine_submit_detached(cleat__engine *engine, cleat__command *command, size_t log_bytes);

#endif
