/* The socket a server listens on. */
#ifndef CLEAT_SERVER_HTTP_LISTENER_H
#define CLEAT_SERVER_HTTP_LISTENER_H

#include <cleat/status.h>

#define CLEAT__HTTP_ADDRESS_TEXT 80

/*
 * Listens on "HOST:PORT": a name, an IPv4 address or an IPv6 address in brackets; port 0 is a free one.
 * Of the addresses that a name has, the first that can be had. `text` says what it became, "127.0.0.1:8733". CLEAT_INVALID_ARGUMENT: not of
 * that form, or no such host. CLEAT_BUSY: somebody else listens there. CLEAT_FAILED_PRECONDITION:
 * the port is not allowed, or the address not of this machine.
 */
cleat_status cleat__http_listen(const char *address, int *descriptor, char text[CLEAT__HTTP_ADDRESS_TEXT]);

#endif
