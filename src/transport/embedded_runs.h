/* Many runs of the engine in this process. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_RUNS_H
#define CLEAT_TRANSPORT_EMBEDDED_RUNS_H

#include "engine/engine.h"
#include "transport/transport.h"

/* A function of the transport. */
cleat_status cleat__embedded_change_many(cleat__engine *engine, int64_t tenant, const cleat__many_runs *what,
                                         size_t *count);

#endif
