/* Declarations in their older form, jobs of steps: PutWorkflowRequest and cleat__workflow. */
#ifndef CLEAT_WIRE_WORKFLOW_V0_H
#define CLEAT_WIRE_WORKFLOW_V0_H

#include "model/workflow.h"
#include "wire/workflows.pb-c.h"

/* As cleat__workflow_read(), whose cleat__workflow_read_end() frees its lists. */
cleat_status cleat__workflow_read_v0(const Cleat__PutWorkflowRequest *message, cleat__workflow *out);

#endif
