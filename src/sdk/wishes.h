/* Labels, slots and limits of the public headers, as the engine knows them. */
#ifndef CLEAT_SDK_WISHES_H
#define CLEAT_SDK_WISHES_H

#include <cleat/label.h>
#include <cleat/limit.h>

#include "model/workflow.h"

/* New lists that borrow the texts, to be freed with cleat__free(); NULL when there are none. All are checked:
 * CLEAT_INVALID_ARGUMENT says what is wrong. */
cleat_status cleat__labels_take(const cleat_label *labels, size_t count, cleat__label **out);
cleat_status cleat__desired_labels_take(const cleat_desired_label *labels, size_t count,
                                        cleat__desired_label **out);
cleat_status cleat__concurrency_take(const cleat_concurrency *rules, size_t count, cleat__concurrency **out);
cleat_status cleat__rate_uses_take(const cleat_rate_limit *limits, size_t count, cleat__rate_use **out);
/* `more` units of "default" come first; 0: none do. */
cleat_status cleat__slots_take(int32_t more, const cleat_slots *slots, size_t count, cleat__slots **out,
                               size_t *out_count);

#endif
