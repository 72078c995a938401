#include "address.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_MAX = 65535 };

/* False: it is no number. One that is too large is PORT_MAX + 1. */
static bool parse_port(const char *text, int *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0') {
        return false;
    }
    long port = digits <= 5 ? strtol(text, NULL, 10) : PORT_MAX + 1;
    *out = (int)(port > PORT_MAX ? PORT_MAX + 1 : port);
    return true;
}

cleat_status cleat__address_parse(const char *text, cleat__address *out)
{
    static const char wanted[] = "an address is HOST:PORT or [IPV6]:PORT";
    *out = (cleat__address){0};
    const char *colon = text != NULL ? strrchr(text, ':') : NULL;
    if (colon == NULL || !parse_port(colon + 1, &out->port)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%s\": %s", text != NULL ? text : "", wanted);
    }
    if (out->port > PORT_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "\"%s\": an address is HOST:PORT, with a port of at most %d", text, PORT_MAX);
    }
    cleat_slice host = {text, (size_t)(colon - text)};
    out->is_ipv6 = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (out->is_ipv6) {
        host = (cleat_slice){host.data + 1, host.size - 2};
    }
    if (host.size == 0 || (!out->is_ipv6 && memchr(host.data, ':', host.size) != NULL) ||
        memchr(host.data, '[', host.size) != NULL || memchr(host.data, ']', host.size) != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%s\": %s", text, wanted);
    }
    out->host = cleat__slice_dup(host);
    return out->host != NULL ? CLEAT_OK : cleat__fail_memory();
}

char *cleat__address_format(const cleat__address *address, int port)
{
    cleat__buffer text = {0};
    cleat__buffer_append_format(&text, address->is_ipv6 ? "[%s]:%d" : "%s:%d", address->host, port);
    char *taken = cleat__buffer_take_string(&text);
    cleat__buffer_deinit(&text);
    return taken;
}

/* 0, or the errno of binding there. */
static int try_bind(const struct addrinfo *info)
{
    const int on = 1;
    int descriptor = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    if (descriptor < 0) {
        return errno;
    }
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int error =
        bind(descriptor, info->ai_addr, info->ai_addrlen) != 0 || listen(descriptor, 1) != 0 ? errno : 0;
    close(descriptor);
    return error;
}

cleat_status cleat__address_probe(const cleat__address *address, const char *text)
{
    char port[16];
    snprintf(port, sizeof(port), "%d", address->port);
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(address->host, port, &hints, &found);
    if (code != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cannot listen on %s: %s", text, gai_strerror(code));
    }
    int error = 0;
    for (const struct addrinfo *info = found; info != NULL && error == 0; info = info->ai_next) {
        error = try_bind(info);
    }
    freeaddrinfo(found);
    if (error == EADDRINUSE) {
        return cleat__fail(
            CLEAT_BUSY, "%s is in use: another program listens there; stop it or choose another port", text);
    }
    return error == 0 ? CLEAT_OK
                      : cleat__fail(CLEAT_INVALID_ARGUMENT, "cannot listen on %s: %s", text, strerror(error));
}
