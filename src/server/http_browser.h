/*
 * What a server on somebody's own machine has to mind about browsers, which take pages of anybody and then send
 * requests from inside. For routes with CLEAT__HTTP_BROWSED.
 */
#ifndef CLEAT_SERVER_HTTP_BROWSER_H
#define CLEAT_SERVER_HTTP_BROWSER_H

#include <cleat/status.h>

/*
 * Whether the header Host names this server by an address or a name that nobody else can make lead here: an
 * address of the loopback interface, "localhost", the name in `configured`, and any address when the server
 * listens for other machines too. Another name may belong to a page that has let it lead here, after
 * it was loaded from elsewhere (DNS rebinding). `configured` is the HOST:PORT to listen on, `address` what that became.
 */
bool cleat__http_host_is_own(const char *host, const char *configured, const char *address);

/* Whether the header Content-Type, which may be NULL, says that it is JSON. */
bool cleat__http_is_json(const char *content_type);

/* Whether the header Accept-Encoding, which may be NULL, allows gzip. */
bool cleat__http_accepts_gzip(const char *accept_encoding);

/* Whether the header If-None-Match, which may be NULL, has the tag, "abc" without its quotes. */
bool cleat__http_has_tag(const char *if_none_match, const char *tag);

/* Headers of each answer; the pages need nothing but what is here. */
extern const char *const cleat__http_browser_headers[][2];
extern const size_t cleat__http_browser_header_count;

#endif
