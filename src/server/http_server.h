/*
 * The HTTP server: libmicrohttpd with routes, tokens, limits and a graceful end.
 *
 * One thread has all connections (epoll). A request that has arrived whole is put to sleep there and
 * handed to a pool of threads, where its handler may block on the engine or on the disk; then the
 * connection goes on. So a thousand requests may wait while a few are at work.
 */
#ifndef CLEAT_SERVER_HTTP_SERVER_H
#define CLEAT_SERVER_HTTP_SERVER_H

#include "http_call.h"
#include "metrics.h"

#include <cleat/trace.h>

typedef struct cleat__http_server cleat__http_server;

typedef struct cleat__http_options {
    const char *address;  /* HOST:PORT; port 0 picks one */
    const char *tls_cert; /* PEM files; NULL: no TLS */
    const char *tls_key;
    const char *tls_client_ca; /* clients need a certificate of this authority; NULL: none */

    const cleat__http_table *tables; /* borrowed */
    size_t table_count;
    /* CLEAT_UNAUTHENTICATED is a 403 with its sentence, a retryable failure has its own code, others are a
     * 500. Called on the thread of the connections: it must be quick. */
    cleat_status (*authenticate)(void *self, cleat_slice bearer, cleat__identity *out);
    void *authenticate_self;
    bool is_open; /* `authenticate` asks nobody for a token: what is BROWSED looks at Host instead */
    cleat__metrics *metrics; /* NULL: nothing is counted */
    cleat_tracer *tracer;    /* of the spans of requests; NULL: none. Used until the server is freed */

    size_t threads;             /* of the pool; 0: 8 */
    size_t connections_max;     /* more wait in the listen queue; 0: 4096 */
    size_t body_max;            /* bytes of one body, packed and unpacked; 0: 16 MiB */
    size_t bodies_max;          /* of all bodies, and of all answers that are under way; 0: 256 MiB */
    int64_t work_timeout_ms;    /* for a handler, if it asks; 0: 30 s */
    int64_t request_timeout_ms; /* for a whole request, and for taking its answer; 0: 90 s */
    unsigned idle_timeout_s;    /* nothing comes or goes; 0: 60 s */
} cleat__http_options;

/* CLEAT_BUSY, CLEAT_FAILED_PRECONDITION, CLEAT_INVALID_ARGUMENT: about the address, or a file that
 * cannot be read or is no certificate. */
cleat_status cleat__http_server_start(const cleat__http_options *options, cleat__http_server **out);
/* What it listens on: "127.0.0.1:8733". */
const char *cleat__http_server_address(const cleat__http_server *server);
/* Listens no more and refuses new requests with 503, but goes on with those that have begun. */
void cleat__http_server_quiesce(cleat__http_server *server);
/*
 * Listens no more, answers what has begun, and closes. CLEAT_TIMEOUT: at the deadline requests were
 * still open and have been cut off; a handler that runs is told so, and waited for all the same. Again: CLEAT_OK.
 */
cleat_status cleat__http_server_stop(cleat__http_server *server, int64_t timeout_ms);
void cleat__http_server_free(cleat__http_server *server); /* stops it at once; NULL-safe */

#endif
