/* Filters of events: handlers of ADD_FILTER, CHANGE_FILTER and DELETE_FILTER, and those that are declared. */
#ifndef CLEAT_ENGINE_FILTERS_H
#define CLEAT_ENGINE_FILTERS_H

#include "engine/core_parts.h"

cleat_status cleat__filters_add(cleat__core *core, cleat__command *command);
cleat_status cleat__filters_change(cleat__core *core, cleat__command *command);
cleat_status cleat__filters_delete(cleat__core *core, cleat__command *command);

/* The workflow's declaration has these, which take the place of those that an earlier one had; none change
 * nothing. A failure has failed the core. */
cleat_status cleat__filters_declare(cleat__core *core, cleat__workflow_entry *workflow,
                                    const cleat__filter *filters, size_t count);
/* All of a workflow that is being deleted. */
cleat_status cleat__filters_forget(cleat__core *core, cleat__workflow_entry *workflow);
/* At the start. */
cleat_status cleat__filters_recover(cleat__core *core);

#endif
