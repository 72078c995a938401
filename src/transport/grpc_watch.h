/*
 * Runs that somebody looks at: a stream for each looker-on (worker.md 12), opened again when it breaks.
 */
#ifndef CLEAT_TRANSPORT_GRPC_WATCH_H
#define CLEAT_TRANSPORT_GRPC_WATCH_H

#include "base/uuid.h"
#include "transport/grpc_stream.h"
#include "transport/transport.h"

/* The functions of the transport. What was not ended by cleat__remote_unwatch() must be before the link stops. */
cleat_status cleat__remote_watch(cleat__link *link, const cleat__uuid *run_id, const cleat__stream_sink *sink,
                                 void **out);
void cleat__remote_unwatch(cleat__link *link, void *watch);
void cleat__remote_look_on(cleat__link *link, void *watch);

#endif
