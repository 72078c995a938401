/* Starting runs. */
#ifndef CLEAT_ENGINE_TRIGGER_H
#define CLEAT_ENGINE_TRIGGER_H

#include "engine/core_parts.h"

#define CLEAT__COPIED_MAX \
    ((size_t)64 * 1024 * 1024) /* bytes that a call need not carry: each run has a copy of them */

/* All or none. Nothing has happened when it fails, unless the core has failed. CLEAT_ALREADY_EXISTS: another run has
 * the idempotency key of one of them; but those of events are left out then, without a word, and their ids nil. */
cleat_status cleat__trigger_runs(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                 cleat__uuid *ids);
/* The same, but for runs whose idempotency keys others have: CLEAT_ALREADY_EXISTS, and all the others are started. Of
 * such a run the id becomes that of who has the key, and `refused` (may be NULL) gets the one that it would have had;
 * that is nil of a run that was started. */
cleat_status cleat__trigger_each(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                 cleat__uuid *ids, cleat__uuid *refused);

/* Whether such a run could be started now. */
cleat_status cleat__trigger_check(cleat__core *core, int64_t tenant, const cleat__trigger *item);
/* Whether copies of so many bytes in all may be written together. */
cleat_status cleat__trigger_check_copied(size_t size);

#endif
