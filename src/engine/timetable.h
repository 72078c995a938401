/* Runs that are to start at a time: handlers of SCHEDULE, UNSCHEDULE, CHANGE_SCHEDULES and TRIGGER_SCHEDULE, and what
 * happens by itself. */
#ifndef CLEAT_ENGINE_TIMETABLE_H
#define CLEAT_ENGINE_TIMETABLE_H

#include "engine/core_parts.h"

cleat_status cleat__timetable_add(cleat__core *core, cleat__command *command);
cleat_status cleat__timetable_remove(cleat__core *core, cleat__command *command);
cleat_status cleat__timetable_change(cleat__core *core, cleat__command *command);
cleat_status cleat__timetable_trigger(cleat__core *core, cleat__command *command);

/* Starts what is due, or `max` of it: then there is more. A failure has failed the core. */
cleat_status cleat__timetable_fire(cleat__core *core, int max);
/* The monotonic time to look again, INT64_MAX: none. */
int64_t cleat__timetable_next_ms(const cleat__core *core);
/* At the start. */
cleat_status cleat__timetable_recover(cleat__core *core);

#endif
