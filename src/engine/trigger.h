/* Starting runs. */
#ifndef CLEAT_ENGINE_TRIGGER_H
#define CLEAT_ENGINE_TRIGGER_H

#include "engine/core_parts.h"

/* All or none. Nothing has happened when it fails, unless the core has failed. */
cleat_status cleat__trigger_runs(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                 cleat__uuid *ids);

/* Whether such a run could be started now. */
cleat_status cleat__trigger_check(cleat__core *core, int64_t tenant, const cleat__trigger *item);

#endif
