#define _GNU_SOURCE /* SOCK_CLOEXEC, SOCK_NONBLOCK */
#include "http_listener.h"

#include "base/error.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static cleat_status fail_form(const char *address)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT,
                       "\"%s\" is no address to listen on: write HOST:PORT, such as 127.0.0.1:8733", address);
}

/* Splits "[::1]:80" and "localhost:80". */
static cleat_status split(const char *address, char host[256], char port[8])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || strlen(colon + 1) > 5 || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        colon[1] == '\0') {
        return fail_form(address);
    }
    snprintf(port, 8, "%s", colon + 1);
    const char *from = address;
    size_t size = (size_t)(colon - address);
    if (size >= 2 && address[0] == '[' && colon[-1] == ']') {
        from++;
        size -= 2;
    } else if (memchr(address, ':', size) != NULL) {
        return fail_form(address); /* an IPv6 address without brackets */
    }
    if (size >= 256) {
        return fail_form(address);
    }
    memcpy(host, from, size);
    host[size] = '\0';
    return CLEAT_OK;
}

static cleat_status fail_errno(const char *address, int error)
{
    if (error == EADDRINUSE) {
        return cleat__fail(CLEAT_BUSY, "%s is in use: another program listens there", address);
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

cleat_status cleat__http_listen(const char *address, int *descriptor, char text[CLEAT__HTTP_ADDRESS_TEXT])
{
    char host[256], port[8];
    cleat_status status = split(address, host, port);
    if (status != CLEAT_OK) {
        return status;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
    if (code != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cannot listen on %s: %s", address, gai_strerror(code));
    }
    int error = 0;
    *descriptor = -1;
    for (const struct addrinfo *at = list; at != NULL && *descriptor < 0; at = at->ai_next) {
        *descriptor = open_socket(at);
        error = *descriptor < 0 ? errno : 0;
    }
    freeaddrinfo(list);
    if (*descriptor < 0) {
        return fail_errno(address, error);
    }
    name_socket(*descriptor, text);
    return CLEAT_OK;
}
