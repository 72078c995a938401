/* The inside of the server: what http_server.c and http_exchange.c share. */
#ifndef CLEAT_SERVER_HTTP_EXCHANGE_H
#define CLEAT_SERVER_HTTP_EXCHANGE_H

#include "base/thread.h"
#include "grpc/credentials.h"
#include "http_listener.h"
#include "http_pool.h"
#include "http_server.h"
#include "http_watch.h"

#include <microhttpd.h>

struct cleat__http_server {
    cleat__http_options options; /* with its defaults filled in */
    struct MHD_Daemon *daemon;   /* NULL once stopped */
    cleat__http_pool *pool;
    cleat__http_watch *watch;
    int listener;
    char *configured; /* the address it was to listen on */
    char address[CLEAT__HTTP_ADDRESS_TEXT];
    cleat__pem pem;
    char start_error[160]; /* the last of libmicrohttpd's complaints while it starts */
    atomic_bool has_started;
    atomic_bool is_cut;        /* stopping, and the time for what had begun is over */
    _Atomic size_t body_bytes; /* of bodies that are here, and of answers that are not taken */
    pthread_mutex_t mutex;     /* guards what follows */
    pthread_cond_t all_answered;
    size_t open; /* requests that have begun and are not answered */
    bool is_stopping;
};

/* libmicrohttpd's callbacks; `self` is the server. */
void *cleat__http_exchange_begin(void *self, const char *uri, struct MHD_Connection *connection);
enum MHD_Result cleat__http_exchange_handle(void *self, struct MHD_Connection *connection, const char *url,
                                            const char *method, const char *version, const char *upload,
                                            size_t *upload_size, void **context);
void cleat__http_exchange_end(void *self, struct MHD_Connection *connection, void **context,
                              enum MHD_RequestTerminationCode code);
void cleat__http_connection_notify(void *self, struct MHD_Connection *connection, void **context,
                                   enum MHD_ConnectionNotificationCode code);
/* The pool's. */
void cleat__http_exchange_run(cleat__http_job *job, bool is_late);

#endif
