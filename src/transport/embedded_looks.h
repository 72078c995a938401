/* What the embedded transport does to look at the engine in this process: streams of runs, and schedules. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_LOOKS_H
#define CLEAT_TRANSPORT_EMBEDDED_LOOKS_H

#include "engine/engine.h"
#include "transport/transport.h"

/* The functions of the transport. */
cleat_status cleat__embedded_watch(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                   const cleat__stream_sink *sink, void **out);
void cleat__embedded_unwatch(cleat__engine *engine, int64_t tenant, void *watch);
void cleat__embedded_look_on(cleat__engine *engine, int64_t tenant, void *watch);
void cleat__embedded_put_chunks(cleat__engine *engine, int64_t tenant, cleat__put_chunks *chunks);
cleat_status cleat__embedded_schedules(cleat__engine *engine, int64_t tenant, int64_t offset, int64_t limit,
                                       cleat_schedule_list *out);

#endif
