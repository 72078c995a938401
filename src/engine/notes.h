/*
 * What happens to attempts besides their beginning and their end is noted for who looks at them later. That a run waits
 * since no worker can take it is seen from time to time: of those that wait alike, in one lane, the first one has the
 * note, again after a while. So it costs a few rows however many wait.
 */
#ifndef CLEAT_ENGINE_NOTES_H
#define CLEAT_ENGINE_NOTES_H

#include "engine/core_parts.h"

/* With the transaction open, of the attempt that runs or is next. A failure has failed the core; so below. */
cleat_status cleat__notes_add(cleat__core *core, const cleat__run *run, const char *kind,
                              const char *message);

/* The same of the first run of a lane, unless one of these had a note within the last minute. Opens the transaction. */
cleat_status cleat__notes_add_waiting(cleat__core *core, cleat__lane *lane, const char *kind,
                                      const char *message);

/* Looks at what waits when it is time to. */
cleat_status cleat__notes_fire(cleat__core *core);

#endif
