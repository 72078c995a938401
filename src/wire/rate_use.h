/* What tasks take of rate limits: v1.CreateTaskRateLimit and cleat__rate_use. */
#ifndef CLEAT_WIRE_RATE_USE_H
#define CLEAT_WIRE_RATE_USE_H

#include "model/rate_use.h"
#include "wire/v1/workflows.pb-c.h"

/* A new list of `count`, borrowing from the messages, to be freed with cleat__free(); NULL when there are none. */
cleat_status cleat__rate_uses_read(Cleat__V1__CreateTaskRateLimit *const *list, size_t count,
                                   cleat__rate_use **out);

/* A client's writing: an array for a field of a message; NULL when there are none. On no memory `*failed` is set; what
 * there is then has `*written` entries. */
Cleat__V1__CreateTaskRateLimit **cleat__rate_uses_write(bool *failed, const cleat__rate_use *uses,
                                                        size_t count, size_t *written);

/* The protocol's RateLimitDuration, SECOND = 0 and so on, as a window; 0: there is no such duration. */
int64_t cleat__rate_duration_read(int duration);
int cleat__rate_duration_write(int64_t window_ms);

#endif
