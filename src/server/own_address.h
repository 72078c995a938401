/* Whether a URL leads back to where the server itself listens. */
#ifndef CLEAT_SERVER_OWN_ADDRESS_H
#define CLEAT_SERVER_OWN_ADDRESS_H

#include <cleat/status.h>

/* By the port, and by what the hosts' names resolve to; `address` is HOST:PORT. What is not known, such as a
 * proxy before the server, is not seen. */
bool cleat__is_own_address(const char *url, const char *address);
/* CLEAT_INVALID_ARGUMENT: it does; `what` would come back. */
cleat_status cleat__own_address_refuse(const char *what, const char *url, const char *address);

#endif
