/* Who talks to whom: hosts, ports and addresses of a request that is served. */
#ifndef CLEAT_HTTP_ORIGIN_H
#define CLEAT_HTTP_ORIGIN_H

#include "fields.h"

enum { CLEAT__HTTP_ADDRESS_SIZE = 48 };

/* "host", "host:port", "[v6]:port" and "[v6]"; a bare IPv6 address is a host. Port 0 where there is
 * none, or none that is a number. */
void cleat__http_authority_split(cleat_slice authority, cleat_slice *host, int *port);

/* The number of an IPv4 or IPv6 address, one of IPv4 in IPv6 as IPv4; false for other families. */
bool cleat__http_address_read(const struct sockaddr *address, char text[CLEAT__HTTP_ADDRESS_SIZE], int *port);

/* 80, 443; 0 for another scheme. */
int cleat__http_default_port(cleat_slice scheme);

/* What a proxy in front says about a request, absent where it says nothing. */
typedef struct cleat__http_forwarded {
    cleat_slice client; /* without port and brackets */
    cleat_slice scheme;
    cleat_slice authority;
} cleat__http_forwarded;
/* From Forwarded (RFC 7239), else X-Forwarded-For, -Proto and -Host; of several proxies the first,
 * which is next to the client. */
void cleat__http_forwarded_read(cleat__http_fields *headers, cleat__http_forwarded *out);

#endif
