/* Events that durable runs wait for. */
#ifndef CLEAT_ENGINE_DURABLE_EVENTS_H
#define CLEAT_ENGINE_DURABLE_EVENTS_H

#include "engine/core_parts.h"
#include "store/event.h"

/* An event was stored just now: conditions that wait for it are met, but for those of `later` (sorted), the
 * runs that it or an event after it has started. A failure has failed the core. */
cleat_status cleat__durable_match_event(cleat__core *core, const cleat__event_row *event,
                                        const cleat__uuid *later, size_t later_count);
/* The newest stored event that meets the condition already, as it says how far to look back. Appends its payload.
 * CLEAT_EMPTY: there is none. */
cleat_status cleat__durable_find_event(cleat__core *core, int64_t tenant, const cleat__condition *condition,
                                       cleat__buffer *payload);
/* Whether it can be evaluated at all. */
cleat_status cleat__durable_check_expression(cleat_slice expression);

#endif
