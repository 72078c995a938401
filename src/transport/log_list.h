/* Making the public list of log lines. */
#ifndef CLEAT_TRANSPORT_LOG_LIST_H
#define CLEAT_TRANSPORT_LOG_LIST_H

#include <cleat/log.h>
#include "model/task.h"

/* Adds a copy. */
cleat_status cleat__log_list_add(cleat_log_list *list, const cleat__log_line *line);

#endif
