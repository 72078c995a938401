/* What concurrency rules are that workflows of a tenant share, where that has changed since the first one. */
#ifndef CLEAT_STORE_SHARED_RULE_H
#define CLEAT_STORE_SHARED_RULE_H

#include "store/store.h"

cleat_status cleat__shared_rule_put(cleat__store *store, int64_t tenant, cleat_slice name, cleat_slice text);
/* The first status of `visit` that is not CLEAT_OK ends the visit and is returned. */
cleat_status cleat__shared_rule_load(cleat__store *store,
                                     cleat_status (*visit)(void *argument, int64_t tenant, cleat_slice text),
                                     void *argument);

#endif
