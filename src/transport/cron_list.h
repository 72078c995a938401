/* Making the public list of crons. */
#ifndef CLEAT_TRANSPORT_CRON_LIST_H
#define CLEAT_TRANSPORT_CRON_LIST_H

#include "base/uuid.h"
#include <cleat/schedule.h>
#include "model/schedule.h"

/* Adds a copy, which comes next after `now_ms`. */
cleat_status cleat__cron_list_add(cleat_cron_list *list, const cleat__uuid *id, const cleat__recurrence *what,
                                  bool is_enabled, int64_t now_ms);

#endif
