/* Where a server is, as people write it. */
#ifndef CLEAT_CLI_ADDRESS_H
#define CLEAT_CLI_ADDRESS_H

#include <stdbool.h>

enum { CLEAT__ADDRESS_ROOM = 300 };

/* http:// or https://, a host, and a port and a path at most. `out` is without the slash at its end, so that paths
 * can be put behind it, and so that it is one URL with and without. */
bool cleat__address_read_url(const char *text, char out[CLEAT__ADDRESS_ROOM]);
/* HOST:PORT. */
bool cleat__address_is_grpc(const char *text);

#endif
