/* Queries of URLs as they may be recorded: without what is known to be secret. */
#ifndef CLEAT_HTTP_QUERY_H
#define CLEAT_HTTP_QUERY_H

#include "base/buffer.h"

#define CLEAT__HTTP_REDACTED "REDACTED"

/* Appends `query` (without the `?`); the values of signatures and keys are REDACTED. */
void cleat__http_query_append(cleat__buffer *out, cleat_slice query);

/* Appends one decoded argument to a query, encoding it; an absent `value` has no `=`. */
void cleat__http_argument_append(cleat__buffer *out, cleat_slice name, cleat_slice value);

#endif
