/* Declarations: v1.CreateWorkflowVersionRequest and cleat__workflow. */
#ifndef CLEAT_WIRE_WORKFLOW_H
#define CLEAT_WIRE_WORKFLOW_H

#include "model/workflow.h"
#include "wire/v1/workflows.pb-c.h"

/*
 * A server's reading, which borrows from the message; what cleat__workflow_check() looks at is left to
 * it. Its lists are freed with cleat__workflow_read_end(), also after a failure. CLEAT_INVALID_ARGUMENT:
 * a malformed duration, or a feature that the engine does not have, named; CLEAT_NO_MEMORY.
 */
cleat_status cleat__workflow_read(const Cleat__V1__CreateWorkflowVersionRequest *message,
                                  cleat__workflow *out);
void cleat__workflow_read_end(cleat__workflow *workflow);

#endif
