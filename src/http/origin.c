#include "origin.h"

#include "trace/header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int port_of(cleat_slice text)
{
    int port = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!cleat__is_digit(text.data[i]) || port > 6553) {
            return 0;
        }
        port = port * 10 + (text.data[i] - '0');
    }
    return port <= 65535 ? port : 0;
}

void cleat__http_authority_split(cleat_slice authority, cleat_slice *host, int *port)
{
    cleat_slice rest;
    *port = 0;
    if (authority.size != 0 && authority.data[0] == '[') {
        *host = cleat__split((cleat_slice){authority.data + 1, authority.size - 1}, ']', &rest);
        if (rest.size > 1 && rest.data[0] == ':') {
            *port = port_of((cleat_slice){rest.data + 1, rest.size - 1});
        }
        return;
    }
    *host = cleat__split(authority, ':', &rest);
    if (rest.data != NULL && memchr(rest.data, ':', rest.size) != NULL) {
        *host = authority; /* more than one colon */
        return;
    }
    *port = port_of(rest);
}

bool cleat__http_address_read(const struct sockaddr *address, char text[CLEAT__HTTP_ADDRESS_SIZE], int *port)
{
    if (address == NULL) {
        return false;
    }
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        *port = ntohs(v4.sin_port);
        return inet_ntop(AF_INET, &v4.sin_addr, text, CLEAT__HTTP_ADDRESS_SIZE) != NULL;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        *port = ntohs(v6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            return inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, CLEAT__HTTP_ADDRESS_SIZE) != NULL;
        }
        return inet_ntop(AF_INET6, &v6.sin6_addr, text, CLEAT__HTTP_ADDRESS_SIZE) != NULL;
    }
    return false;
}

int cleat__http_default_port(cleat_slice scheme)
{
    if (cleat__http_name_equals(scheme, cleat_slice_of("https"))) {
        return 443;
    }
    return cleat__http_name_equals(scheme, cleat_slice_of("http")) ? 80 : 0;
}

/* ---- Proxies ---- */

static cleat_slice unquote(cleat_slice value)
{
    bool is_quoted = value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"';
    return is_quoted ? (cleat_slice){value.data + 1, value.size - 2} : value;
}

/* The first element of a comma-separated list; absent where it is empty. */
static cleat_slice first_of(cleat_slice list)
{
    cleat_slice rest;
    cleat_slice first = cleat__trim(cleat__split(list, ',', &rest));
    return first.size != 0 ? first : (cleat_slice){NULL, 0};
}

static cleat_slice client_of(cleat_slice node)
{
    cleat_slice host = {NULL, 0};
    int port;
    if (node.size != 0) {
        cleat__http_authority_split(node, &host, &port);
    }
    return host.size != 0 ? host : (cleat_slice){NULL, 0};
}

static void read_forwarded(cleat_slice header, cleat__http_forwarded *out)
{
    cleat_slice pairs = first_of(header);
    while (pairs.data != NULL) {
        cleat_slice value;
        cleat_slice name = cleat__trim(cleat__split(cleat__split(pairs, ';', &pairs), '=', &value));
        value = unquote(cleat__trim(value));
        if (value.size == 0) {
            continue;
        }
        if (cleat__http_name_equals(name, cleat_slice_of("for"))) {
            out->client = client_of(value);
        } else if (cleat__http_name_equals(name, cleat_slice_of("proto"))) {
            out->scheme = value;
        } else if (cleat__http_name_equals(name, cleat_slice_of("host"))) {
            out->authority = value;
        }
    }
}

void cleat__http_forwarded_read(cleat__http_fields *headers, cleat__http_forwarded *out)
{
    memset(out, 0, sizeof(*out));
    read_forwarded(cleat__http_fields_get(headers, "Forwarded"), out);
    if (out->client.data == NULL) {
        out->client = client_of(first_of(cleat__http_fields_get(headers, "X-Forwarded-For")));
    }
    if (out->scheme.data == NULL) {
        out->scheme = first_of(cleat__http_fields_get(headers, "X-Forwarded-Proto"));
    }
    if (out->authority.data == NULL) {
        out->authority = first_of(cleat__http_fields_get(headers, "X-Forwarded-Host"));
    }
}
