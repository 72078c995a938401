/* Workflows of the engine in this process. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_WORKFLOWS_H
#define CLEAT_TRANSPORT_EMBEDDED_WORKFLOWS_H

#include "engine/engine.h"
#include "store/store.h"
#include "transport/transport.h"

/* The sentence of CLEAT_NOT_FOUND is for users. */
cleat_status cleat__embedded_workflow_find(cleat__store *store, int64_t tenant, cleat_slice workflow,
                                           cleat__uuid *id);
/* A function of the transport. */
cleat_status cleat__embedded_pause_workflow(cleat__engine *engine, int64_t tenant, cleat_slice workflow,
                                            const cleat__pause *pause);

#endif
