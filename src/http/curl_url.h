/* URLs as libcurl reads them, without what is secret. */
#ifndef CLEAT_HTTP_CURL_URL_H
#define CLEAT_HTTP_CURL_URL_H

#include <cleat/status.h>

typedef struct cleat__curl_url {
    char *full;       /* url.full; libcurl's memory, as the other two */
    char *host;       /* "[::1]" with its brackets */
    char *scheme;     /* lower case */
    cleat_slice name; /* the host without them */
    int port;         /* that of the scheme where there is none */
} cleat__curl_url;

/* False where it cannot be read, or on no memory; deinit is harmless then. */
bool cleat__curl_url_read(cleat__curl_url *url, const char *text);
void cleat__curl_url_deinit(cleat__curl_url *url);
/* Whether requests to it are HTTP's: http, https, ws, wss. */
bool cleat__curl_url_is_http(const cleat__curl_url *url);

#endif
