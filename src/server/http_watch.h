/*
 * Watches that connections get on: a peer has `timeout_ms` for a whole request, and as long for
 * taking the answer. libmicrohttpd's own timeout begins anew with each byte, so that a peer who
 * sends one every few seconds would never be rid of.
 */
#ifndef CLEAT_SERVER_HTTP_WATCH_H
#define CLEAT_SERVER_HTTP_WATCH_H

#include <cleat/status.h>

typedef struct cleat__http_watch cleat__http_watch;
typedef struct cleat__http_watched cleat__http_watched; /* a connection */

cleat_status cleat__http_watch_start(int64_t timeout_ms, cleat__http_watch **out);
void cleat__http_watch_stop(cleat__http_watch *watch); /* no connection is left; NULL-safe */

/* From now on. NULL on no memory, which all below accept. `descriptor` stays open until it is removed. */
cleat__http_watched *cleat__http_watch_add(cleat__http_watch *watch, int descriptor);
void cleat__http_watch_remove(cleat__http_watch *watch, cleat__http_watched *connection);
/* The time begins anew. */
void cleat__http_watch_restart(cleat__http_watch *watch, cleat__http_watched *connection);
/* It is the server's turn: no time runs. */
void cleat__http_watch_pause(cleat__http_watch *watch, cleat__http_watched *connection);

/* A mark for the owner's use, by the thread of the connections only. */
bool *cleat__http_watched_mark(cleat__http_watched *connection);

#endif
