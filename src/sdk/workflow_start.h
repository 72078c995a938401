/* Between producer.c and workflow_start.c. */
#ifndef CLEAT_SDK_WORKFLOW_START_H
#define CLEAT_SDK_WORKFLOW_START_H

#include "sdk/instrumentor.h"

/* Around a call by which application code starts runs of a workflow. */
cleat_status cleat__workflow_start(cleat_instrumentor *instrumentor, cleat_trigger_call *call);

#endif
