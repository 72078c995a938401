/* Filters of the engine in this process: functions of the transport. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_FILTERS_H
#define CLEAT_TRANSPORT_EMBEDDED_FILTERS_H

#include "engine/engine.h"
#include "transport/transport.h"

cleat_status cleat__embedded_filter_add(cleat__engine *engine, int64_t tenant, cleat_slice workflow,
                                        const cleat__filter *filter, cleat__uuid *id);
cleat_status cleat__embedded_filter_change(cleat__engine *engine, int64_t tenant, const cleat__uuid *id,
                                           const cleat__filter *filter);
cleat_status cleat__embedded_filter_delete(cleat__engine *engine, int64_t tenant, const cleat__uuid *id);
cleat_status cleat__embedded_filters(cleat__engine *engine, int64_t tenant, cleat_slice workflow,
                                     int64_t offset, int64_t limit, cleat_filter_list *out);

#endif
