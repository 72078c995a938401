#include "own_address.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/url_part.h"
#include "address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct place {
    char *host; /* libcurl's; without brackets once it is looked up */
    int port;
} place;

static bool read_url(const char *text, place *out)
{
    CURLU *url = curl_url();
    char *port = NULL;
    *out = (place){NULL, 0};
    if (url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
        out->host = cleat__url_part(url, CURLUPART_HOST, 0);
        port = cleat__url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        out->port = port != NULL ? atoi(port) : 0;
        curl_free(port);
    }
    curl_url_cleanup(url);
    return out->host != NULL;
}

static struct addrinfo *look_up(const char *host)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    char bare[256];
    size_t size = strlen(host);
    if (host[0] == '[' && size > 2 && size < sizeof(bare)) {
        memcpy(bare, host + 1, size - 2);
        bare[size - 2] = '\0';
        host = bare;
    }
    return getaddrinfo(host[0] != '\0' ? host : NULL, "0", &hints, &list) == 0 ? list : NULL;
}

/* Its bytes; the port is not among them. */
static cleat_slice bytes_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct in_addr *ip = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
        return (cleat_slice){(const char *)ip, sizeof(*ip)};
    }
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        return (cleat_slice){(const char *)ip, sizeof(*ip)};
    }
    return (cleat_slice){NULL, 0};
}

static bool is_any(const struct addrinfo *address)
{
    static const char zeros[16];
    cleat_slice bytes = bytes_of(address->ai_addr);
    return bytes.size != 0 && memcmp(bytes.data, zeros, bytes.size) == 0;
}

/* Only an address of this machine can be bound. */
static bool is_local(const struct addrinfo *address)
{
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound = descriptor >= 0 && bind(descriptor, address->ai_addr, address->ai_addrlen) == 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return is_bound;
}

/* Connecting to no address in particular is to connect to this machine. */
static bool meets(const struct addrinfo *target, const struct addrinfo *own)
{
    return cleat_slice_equals(bytes_of(target->ai_addr), bytes_of(own->ai_addr)) ||
           ((is_any(own) || is_any(target)) && is_local(target));
}

static bool any_meets(const struct addrinfo *targets, const struct addrinfo *owns)
{
    for (const struct addrinfo *target = targets; target != NULL; target = target->ai_next) {
        for (const struct addrinfo *own = owns; own != NULL; own = own->ai_next) {
            if (meets(target, own)) {
                return true;
            }
        }
    }
    return false;
}

bool cleat__is_own_address(const char *url, const char *address)
{
    cleat__address own = {.host = NULL};
    place target;
    bool is_own = false;
    if (read_url(url, &target) && cleat__address_parse(address, &own) == CLEAT_OK &&
        target.port == own.port) {
        struct addrinfo *targets = look_up(target.host), *owns = look_up(own.host);
        is_own = any_meets(targets, owns);
        if (targets != NULL) {
            freeaddrinfo(targets);
        }
        if (owns != NULL) {
            freeaddrinfo(owns);
        }
    }
    curl_free(target.host);
    cleat__free(own.host);
    return is_own;
}

cleat_status cleat__own_address_refuse(const char *what, const char *url, const char *address)
{
    if (!cleat__is_own_address(url, address)) {
        return CLEAT_OK;
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT,
                       "%s would come back to this server, which listens on %s: give the address of another "
                       "OTLP endpoint",
                       what, address);
}
