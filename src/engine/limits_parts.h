/* What the files of limits have in common; for these only. */
#ifndef CLEAT_ENGINE_LIMITS_PARTS_H
#define CLEAT_ENGINE_LIMITS_PARTS_H

#include "engine/core_parts.h"

struct json_t;

/* NULL: the run has no rules. */
cleat__contender *cleat__limits_find(const cleat__core *core, const cleat__run *run);
static inline bool cleat__limits_has_given(const cleat__contender *one, size_t index)
{
    return (one->given >> index & 1) != 0;
}
/* The seat is empty from now on. */
void cleat__limits_leave(cleat__core *core, cleat__seat *seat);
/* The seat, which is empty, holds a slot, whatever the rule says: another one had it before. */
cleat_status cleat__limits_hold(cleat__core *core, cleat__seat *seat);

/* limits_chain.c: what the file says that it has given and has got; its seats are there, and empty. */
cleat_status cleat__limits_read_chain(cleat__core *core, cleat__contender *one, const struct json_t *json);

#endif
