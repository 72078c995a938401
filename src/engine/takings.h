/* What a run takes of rate limits: found out when it is triggered, and the lane of its like. */
#ifndef CLEAT_ENGINE_TAKINGS_H
#define CLEAT_ENGINE_TAKINGS_H

#include "engine/core_parts.h"

struct json_t;

/* Appends ,"rates":[["key",units], ..], and makes the limits that the run declares. CLEAT_INVALID_ARGUMENT or
 * CLEAT_RESOURCE_EXHAUSTED: an expression has no value of its type, which cleat_error_message() tells. */
cleat_status cleat__takings_describe(cleat__core *core, const cleat__run *run,
                                     const cleat__expression_variables *variables, cleat__buffer *text);
/* Puts the run into its lane by that array, with what it desires. */
cleat_status cleat__takings_join(cleat__core *core, cleat__run *run, cleat_slice desired,
                                 const struct json_t *rates);
/* Every limit that it takes of without an expression must be there: CLEAT_FAILED_PRECONDITION. */
cleat_status cleat__takings_check(cleat__core *core, int64_t tenant, const cleat__workflow *workflow);

#endif
