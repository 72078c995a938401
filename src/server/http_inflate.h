/* Bodies that come compressed. */
#ifndef CLEAT_SERVER_HTTP_INFLATE_H
#define CLEAT_SERVER_HTTP_INFLATE_H

#include "base/buffer.h"

/*
 * Appends what `packed`, gzip (of one or several members), unpacks to. CLEAT_TOO_LARGE as soon as
 * there would be more than `max` bytes: what a bomb costs is that much. CLEAT_INVALID_ARGUMENT: no
 * gzip, cut, or with something behind it.
 */
cleat_status cleat__http_inflate(cleat_slice packed, size_t max, cleat__buffer *out);

#endif
