/* Making the public list of rate limits. */
#ifndef CLEAT_TRANSPORT_RATE_LIST_H
#define CLEAT_TRANSPORT_RATE_LIST_H

#include "model/rate_window.h"

/* Adds a copy. */
cleat_status cleat__rate_list_add(cleat_rate_limit_list *list, cleat_slice key,
                                  const cleat__rate_window *window);

#endif
