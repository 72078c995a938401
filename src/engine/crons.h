/* Runs that start again and again: handlers of ADD_CRON, CHANGE_CRON, DELETE_CRON and TRIGGER_CRON, those that are
 * declared, and what happens by itself. */
#ifndef CLEAT_ENGINE_CRONS_H
#define CLEAT_ENGINE_CRONS_H

#include "engine/core_parts.h"

cleat_status cleat__crons_add(cleat__core *core, cleat__command *command);
cleat_status cleat__crons_change(cleat__core *core, cleat__command *command);
cleat_status cleat__crons_delete(cleat__core *core, cleat__command *command);
cleat_status cleat__crons_trigger(cleat__core *core, cleat__command *command);

/* The workflow has these from now on, and none of those declared before that are not among them. A failure has failed
 * the core. */
cleat_status cleat__crons_declare(cleat__core *core, const cleat__workflow_entry *entry,
                                  const cleat__workflow *workflow);

/* Starts what is due, or `max` of it: then there is more. A failure has failed the core. */
cleat_status cleat__crons_fire(cleat__core *core, int max);
/* The monotonic time to look again, INT64_MAX: none. */
int64_t cleat__crons_next_ms(const cleat__core *core);
/* At the start. */
cleat_status cleat__crons_recover(cleat__core *core);

#endif
