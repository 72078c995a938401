/* Events, log lines and rate limits of the engine in this process. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_LISTS_H
#define CLEAT_TRANSPORT_EMBEDDED_LISTS_H

#include "engine/engine.h"
#include "transport/transport.h"

/* Functions of the transport. */
cleat_status cleat__embedded_events(cleat__engine *engine, int64_t tenant, const cleat__event_page *page,
                                    cleat_event_list *out);
cleat_status cleat__embedded_logs(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                  const cleat__log_page *page, cleat_log_list *out);
cleat_status cleat__embedded_rate_limits(cleat__engine *engine, int64_t tenant, cleat_slice search,
                                         int64_t offset, int64_t limit, cleat_rate_limit_list *out);

#endif
