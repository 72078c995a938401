/*
 * Where the engine is that a client talks to, and how: the options of a client, else variables, else what
 * the token says (client.md 2 and 3).
 */
#ifndef CLEAT_TRANSPORT_SETTINGS_H
#define CLEAT_TRANSPORT_SETTINGS_H

#include "base/buffer.h"

#include <cleat/client.h>

typedef enum cleat__tls_strategy {
    CLEAT__TLS,        /* the server shows a certificate */
    CLEAT__TLS_MUTUAL, /* and so does the client */
    CLEAT__TLS_NONE,
} cleat__tls_strategy;

/* Strings are owned; NULL where nothing was said. */
typedef struct cleat__remote_settings {
    char *token;
    char *address; /* host:port */
    cleat__tls_strategy tls;
    char *authorities_file, *certificate_file, *key_file, *server_name;
    char *tenant_id, *api_url;               /* of the HTTP side; NULL: nobody says them */
    char *prefix;                            /* before names, with its '_' behind it; never NULL */
    int64_t max_receive_size, max_send_size; /* bytes of a message */
    int64_t connect_timeout_ms;
    /* Of the spans of requests over HTTP, borrowed; NULL: that of the global provider. Written only while no call
     * is under way. */
    cleat_tracer *tracer;

    /* What the protocol or good manners say; tests change it. */
    int64_t call_timeout_ms;      /* of one try */
    int64_t greeting_ms;          /* how long a server that is there may take to say so */
    int64_t heartbeat_ms;         /* from one to the next */
    int64_t heartbeat_timeout_ms; /* of one */
    int64_t retry_ms;             /* before the second try; doubled for each further one */
    int64_t retry_jitter_ms;
    unsigned tries;
    int64_t reconnect_ms, reconnect_max_ms; /* of a stream, and of what must arrive */
    int64_t durable_reconnect_ms;           /* of the stream of durable tasks, after the first time */
    int64_t durable_grace_ms;               /* how long an engine may take to say that a node has ended */
    int64_t gather_ms;                      /* how long the next member of a batch is waited for */
    int64_t flush_ms;                       /* how long reports are waited for at the end */
} cleat__remote_settings;

/* Whether there is a token, so that the engine is elsewhere. */
bool cleat__remote_is_configured(const cleat_client_options *options);
/* CLEAT_INVALID_ARGUMENT: a server is named, but no token for it; an engine in the process is not meant. */
cleat_status cleat__remote_check_choice(const cleat_client_options *options);
/* CLEAT_INVALID_ARGUMENT names the option or the variable, and its value unless that is the token. On failure
 * nothing needs to be freed. */
cleat_status cleat__remote_settings_read(const cleat_client_options *options, cleat__remote_settings *out);
void cleat__remote_settings_deinit(cleat__remote_settings *settings);

/* Appends the name of a workflow or an action as the server knows it: in lower case and with the prefix, unless
 * it begins with it. */
void cleat__remote_name(const cleat__remote_settings *settings, cleat_slice name, cleat__buffer *out);
/* The same of a worker's name or an event's key, which keep their case. */
void cleat__remote_key(const cleat__remote_settings *settings, cleat_slice key, cleat__buffer *out);

#endif
