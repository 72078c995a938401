/* Webhooks: handlers of ADD_WEBHOOK, CHANGE_WEBHOOK and DELETE_WEBHOOK. They stay in the file: who gets a request reads it. */
#ifndef CLEAT_ENGINE_WEBHOOKS_H
#define CLEAT_ENGINE_WEBHOOKS_H

#include "engine/core_parts.h"

cleat_status cleat__webhooks_add(cleat__core *core, cleat__command *command);
cleat_status cleat__webhooks_change(cleat__core *core, cleat__command *command);
cleat_status cleat__webhooks_delete(cleat__core *core, cleat__command *command);

#endif
