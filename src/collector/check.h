/* What holds between the tables of spans; see store/check.h. */
#ifndef CLEAT_COLLECTOR_CHECK_H
#define CLEAT_COLLECTOR_CHECK_H

#include "store/check.h"

cleat_status cleat__check_spans(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules);

#endif
