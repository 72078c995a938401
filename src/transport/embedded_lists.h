/* Events of the engine in this process. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_LISTS_H
#define CLEAT_TRANSPORT_EMBEDDED_LISTS_H

#include "engine/engine.h"
#include "transport/transport.h"

/* Functions of the transport. */
cleat_status cleat__embedded_events(cleat__engine *engine, int64_t tenant, const cleat__event_page *page,
                                    cleat_event_list *out);

#endif
