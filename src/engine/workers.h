/* Handlers of the commands about workers. */
#ifndef CLEAT_ENGINE_WORKERS_H
#define CLEAT_ENGINE_WORKERS_H

#include "engine/core_parts.h"

cleat_status cleat__workers_join(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_pause(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_resume(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_remove(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_heartbeat(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_register(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_listen(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_unlisten(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_unsubscribe(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_note_room(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_label(cleat__core *core, cleat__command *command);
cleat_status cleat__workers_list(cleat__core *core, cleat__command *command);

/* Forgets those of other processes that were not heard of for a day, or for a minute since they left, and
 * hold nothing, and sets the time of the next sweep. */
cleat_status cleat__workers_sweep(cleat__core *core);
/* There may be something to sweep some day. */
void cleat__workers_plan_sweep(cleat__core *core);

#endif
