/* The query of a path on a server's HTTP side, argument by argument. A failure is the buffer's. */
#ifndef CLEAT_TRANSPORT_REMOTE_QUERY_H
#define CLEAT_TRANSPORT_REMOTE_QUERY_H

#include "base/buffer.h"
#include "base/uuid.h"

/* Each appends "?name=value", or "&name=value" where there is one already; several of a name are a list. */
void cleat__remote_query_text(cleat__buffer *path, const char *name, cleat_slice value);
void cleat__remote_query_int(cleat__buffer *path, const char *name, int64_t value);
void cleat__remote_query_id(cleat__buffer *path, const char *name, const cleat__uuid *id);
/* One beyond the year 9999 is the end of that. */
void cleat__remote_query_time(cleat__buffer *path, const char *name, int64_t unix_ms);

#endif
