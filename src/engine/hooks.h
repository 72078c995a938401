/* Hooks: tokens by which code outside brings payloads to a durable run, in order, also while it does not look. */
#ifndef CLEAT_ENGINE_HOOKS_H
#define CLEAT_ENGINE_HOOKS_H

#include "engine/core_parts.h"
#include "store/hook.h"

/* CLEAT_ALREADY_EXISTS: another live run has the token. */
cleat_status cleat__hooks_create(cleat__core *core, cleat__durable *durable, cleat_slice token);
/* CLEAT_NOT_FOUND: the run has no such hook. */
cleat_status cleat__hooks_check(cleat__core *core, const cleat__durable *durable, cleat_slice token);
/* Handler of RESUME_HOOK. */
cleat_status cleat__hooks_resume(cleat__core *core, cleat__command *command);

#endif
