/* Starting runs. */
#ifndef CLEAT_ENGINE_TRIGGER_H
#define CLEAT_ENGINE_TRIGGER_H

#include "engine/core_parts.h"

#define CLEAT__COPIED_MAX \
    ((size_t)64 * 1024 * 1024) /* bytes that a call need not carry: each run has a copy of them */

/* All or none. Nothing has happened when it fails, unless the core has failed. */
cleat_status cleat__trigger_runs(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                 cleat__uuid *ids);

/* Whether such a run could be started now. */
cleat_status cleat__trigger_check(cleat__core *core, int64_t tenant, const cleat__trigger *item);
/* Whether copies of so many bytes in all may be written together. */
cleat_status cleat__trigger_check_copied(size_t size);

#endif
