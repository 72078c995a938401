/* The log of one run, node by node; for the files of durable runs only. */
#ifndef CLEAT_ENGINE_DURABLE_LOG_H
#define CLEAT_ENGINE_DURABLE_LOG_H

#include "engine/core_parts.h"
#include "engine/durable.h"
#include "model/node.h"

/* What an invocation asks for. */
typedef struct cleat__log_question {
    cleat__node_kind kind;
    int64_t hash;
    cleat_slice label;
    int32_t ahead; /* nodes of the same request that come before it */
} cleat__log_question;

/* The next node. CLEAT_OK: it is in the log, `*entry`, without payload and error if it is no memo; CLEAT_EMPTY: it is new,
 * and to be added as `*node`; CLEAT_NON_DETERMINISTIC: something else is in the log. */
cleat_status cleat__log_next(cleat__core *core, cleat__durable *durable, const cleat__log_question *asked,
                             cleat__node *node, cleat__entry_row *entry);
/* The node as the newest branch sees it, unless the branch is said. */
cleat_status cleat__log_see(cleat__core *core, const cleat__durable *durable, cleat__node *node);
/* A node that is asked for by its number. CLEAT_NOT_FOUND: the log has none. */
cleat_status cleat__log_get(cleat__core *core, cleat__durable *durable, cleat__node node,
                            cleat__entry_row *entry);
/* The same without payload and error. */
cleat_status cleat__log_look(cleat__core *core, cleat__durable *durable, cleat__node node,
                             cleat__entry_row *entry);
/* A new one at the end. */
cleat_status cleat__log_add(cleat__core *core, cleat__durable *durable, const cleat__log_question *asked,
                            cleat__entry_row *entry);

/* How the node has ended, in memory of its own. */
cleat_status cleat__node_end_read(const cleat__entry_row *entry, cleat__node_end *out);

static inline int64_t cleat__durable_tenant(const cleat__durable *durable)
{
    return durable->run.type->workflow->tenant;
}

/* ---- What is asked for, each in a file of its own: all or nothing of it is done ---- */

cleat_status cleat__durable_trigger(cleat__core *core, cleat__durable *durable,
                                    cleat__durable_request *request);
cleat_status cleat__durable_wait_for(cleat__core *core, cleat__durable *durable,
                                     cleat__durable_request *request);
cleat_status cleat__durable_evict_now(cleat__core *core, cleat__durable *durable,
                                      cleat__durable_request *request);

/* ---- A wait, for those that are known by something else than a number ---- */

/* Whether its conditions are such as may be waited for. */
cleat_status cleat__durable_check_wait(cleat__core *core, const cleat__durable *durable,
                                       const cleat__durable_request *request);
/* The conditions of a node that is in the file and that nothing stands for yet. Sleeps count from `since_ms`. */
cleat_status cleat__durable_arm(cleat__core *core, cleat__durable *durable, cleat__node node,
                                int64_t since_ms, const cleat__durable_request *request);

#endif
