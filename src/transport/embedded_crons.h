/* Crons of the engine in this process: functions of the transport. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_CRONS_H
#define CLEAT_TRANSPORT_EMBEDDED_CRONS_H

#include "engine/engine.h"
#include "transport/transport.h"

cleat_status cleat__embedded_cron_add(cleat__engine *engine, int64_t tenant, const cleat__recurrence *what,
                                      cleat__uuid *id);
cleat_status cleat__embedded_cron_enable(cleat__engine *engine, int64_t tenant, const cleat__uuid *id,
                                         bool is_enabled);
cleat_status cleat__embedded_cron_delete(cleat__engine *engine, int64_t tenant, const cleat__uuid *id);
cleat_status cleat__embedded_crons(cleat__engine *engine, int64_t tenant, int64_t offset, int64_t limit,
                                   cleat_cron_list *out);

#endif
