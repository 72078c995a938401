/* Making the public list of schedules. */
#ifndef CLEAT_TRANSPORT_SCHEDULE_LIST_H
#define CLEAT_TRANSPORT_SCHEDULE_LIST_H

#include "base/uuid.h"
#include <cleat/schedule.h>
#include "model/schedule.h"

/* Adds a copy. */
cleat_status cleat__schedule_list_add(cleat_schedule_list *list, const cleat__uuid *id, int64_t at_ms,
                                      const cleat__schedule *schedule);

#endif
