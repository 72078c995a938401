#define _GNU_SOURCE /* SOCK_CLOEXEC, SOCK_NONBLOCK */
#include "http_listener.h"

#include "address.h"
#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static cleat_status fail_errno(const char *address, int error)
{
    if (error == EADDRINUSE) {
        return cleat__fail(CLEAT_BUSY,
                           "%s is in use: another program listens there; stop it or choose another port",
                           address);
    }
    return cleat__fail(CLEAT_FAILED_PRECONDITION, "cannot listen on %s: %s", address, strerror(error));
}

/* A socket for one of the addresses; -1 with errno. */
static int open_socket(const struct addrinfo *info)
{
    int made = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) {
        return -1;
    }
    int yes = 1, no = 0;
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (info->ai_family == AF_INET6) {
        setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
    }
    if (bind(made, info->ai_addr, info->ai_addrlen) == 0 && listen(made, BACKLOG) == 0) {
        return made;
    }
    int error = errno;
    close(made);
    errno = error;
    return -1;
}

static void name_socket(int descriptor, char text[CLEAT__HTTP_ADDRESS_TEXT])
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    char host[64] = "?", port[8] = "?";
    if (getsockname(descriptor, (struct sockaddr *)&name, &size) == 0) {
        getnameinfo((struct sockaddr *)&name, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    }
    snprintf(text, CLEAT__HTTP_ADDRESS_TEXT, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

static cleat_status listen_on(const cleat__address *parsed, const char *address, int *descriptor)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)parsed->port % 65536);
    int code = getaddrinfo(parsed->host, port, &hints, &list);
    if (code != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cannot listen on %s: %s", address, gai_strerror(code));
    }
    int error = 0;
    for (const struct addrinfo *at = list; at != NULL && *descriptor < 0; at = at->ai_next) {
        *descriptor = open_socket(at);
        error = *descriptor < 0 ? errno : 0;
    }
    freeaddrinfo(list);
    return *descriptor >= 0 ? CLEAT_OK : fail_errno(address, error);
}

cleat_status cleat__http_listen(const char *address, int *descriptor, char text[CLEAT__HTTP_ADDRESS_TEXT])
{
    cleat__address parsed;
    *descriptor = -1;
    cleat_status status = cleat__address_parse(address, &parsed);
    if (status == CLEAT_OK) {
        status = listen_on(&parsed, address, descriptor);
    }
    if (status == CLEAT_OK) {
        name_socket(*descriptor, text);
    }
    cleat__free(parsed.host);
    return status;
}
