/* HOST:PORT, as servers are told where to listen. */
#ifndef CLEAT_SERVER_ADDRESS_H
#define CLEAT_SERVER_ADDRESS_H

#include <cleat/status.h>

typedef struct cleat__address {
    char *host; /* without brackets */
    bool is_ipv6;
    int port;
} cleat__address;
/* CLEAT_INVALID_ARGUMENT, saying what is wrong. Freed with cleat__free(address->host). */
cleat_status cleat__address_parse(const char *text, cleat__address *out);
/* "host:port" with another port; NULL: no memory. The caller frees it. */
char *cleat__address_format(const cleat__address *address, int port);
/* Why nobody can listen there, at `text`; CLEAT_OK when somebody can. */
cleat_status cleat__address_probe(const cleat__address *address, const char *text);

#endif
