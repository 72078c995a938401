/* Making the public list of filters. */
#ifndef CLEAT_TRANSPORT_FILTER_LIST_H
#define CLEAT_TRANSPORT_FILTER_LIST_H

#include "base/uuid.h"
#include <cleat/filter.h>
#include "model/filter.h"

/* Adds a copy. */
cleat_status cleat__filter_list_add(cleat_filter_list *list, const cleat__uuid *id, bool is_declared,
                                    const cleat__filter *filter);

#endif
