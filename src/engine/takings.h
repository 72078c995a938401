/* What a run takes of rate limits: found out when it is triggered, and the lane of its like. */
#ifndef CLEAT_ENGINE_TAKINGS_H
#define CLEAT_ENGINE_TAKINGS_H

#include "engine/core_parts.h"

struct json_t;

/* Appends ,"rates":[["key",units], ..], and to `said` the limits that the run declares. CLEAT_INVALID_ARGUMENT or
 * CLEAT_RESOURCE_EXHAUSTED: an expression has no value of its type, which cleat_error_message() tells. */
cleat_status cleat__takings_describe(const cleat__run *run, const cleat__expression_variables *variables,
                                     cleat__buffer *text, cleat__buffer *said);
/* Makes these limits. */
cleat_status cleat__takings_declare(cleat__core *core, const cleat__run *run, cleat_slice said);
/* What it takes by that array, and the same as text, for its like; both are freed by who asks, the text by jansson's free().
 */
cleat_status cleat__takings_read(cleat__core *core, const cleat__run *run, const struct json_t *rates,
                                 cleat__rate_units **units, char **text);
/* Every limit that it takes of without an expression must be there: CLEAT_FAILED_PRECONDITION. */
cleat_status cleat__takings_check(cleat__core *core, int64_t tenant, const cleat__workflow *workflow);
/* They stay from now on. A failure has failed the core. */
cleat_status cleat__takings_keep(cleat__core *core, int64_t tenant, const cleat__workflow *workflow);
/* Says in the log, once of each version, which of its tasks take more of a limit that is there than it ever has. */
void cleat__takings_warn(cleat__core *core, const cleat__task_type *version);

#endif
