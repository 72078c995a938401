/*
 * The whole server: the engine on its file, the collector, gRPC and HTTP, tokens, numbers. What
 * `cleat serve` runs; any number of them in one process, on files of their own.
 */
#ifndef CLEAT_SERVER_SERVER_H
#define CLEAT_SERVER_SERVER_H

#include "base/clock.h"
#include "internal_traces.h"

typedef struct cleat__server cleat__server;

typedef struct cleat__server_options {
    const char *database;
    const char *grpc_address; /* HOST:PORT; port 0 picks one */
    const char *http_address;
    /* PEM files, for both; NULL: no TLS. With an authority, clients need a certificate of it. */
    const char *certificate_file, *key_file, *client_authorities_file;
    bool is_plaintext_public;        /* without TLS, also addresses that other machines may reach */
    bool is_open;                    /* asks for no tokens: everybody is the default tenant */
    const char *url;                 /* that tokens are for (their `iss` and `aud`); NULL: any */
    uint32_t rate_limit;             /* gRPC calls per second and token, see rate_limit.h; 0: no limit */
    const char *otlp_forward;        /* URL of an OTLP back end that spans go to as well; NULL: none */
    const char *otlp_forward_header; /* "Name: value", sent with them; NULL: none */
    cleat__internal_traces_options internal_traces;
    int64_t run_retention_ms;               /* since their end; 0: 30 days; negative: kept */
    int64_t run_retention_bytes;            /* of the file but for spans; 0: no limit */
    int64_t trace_retention_ms;             /* of spans; 0: 7 days; negative: kept */
    int64_t trace_retention_bytes;          /* of spans; 0: 1 GiB; negative: no limit */
    int keepalive_ms, keepalive_timeout_ms; /* of gRPC's connections; 0: see rpc.h */
    const cleat_clock *clock;               /* the engine's; to outlive the server; NULL: system */
} cleat__server_options;

/* CLEAT_INVALID_ARGUMENT for what no file and no other process can make good: a mistake on the command line. */
cleat_status cleat__server_options_check(const cleat__server_options *options);
/* Failures name the file, the address or the option. CLEAT_BUSY: the file or an address is in use. */
cleat_status cleat__server_start(const cleat__server_options *options, cleat__server **out);
/* With their ports; as long as the server. */
const char *cleat__server_grpc_address(const cleat__server *server);
const char *cleat__server_http_address(const cleat__server *server);
/* A write has failed: it takes no work any more, until the next server has the file. */
bool cleat__server_has_failed(const cleat__server *server);
/*
 * Takes no new calls, ends streams so that workers come back to whoever is there next, answers what has
 * begun as far as `timeout_ms` lets it, stores what was handed in, closes the file, and frees it.
 * NULL-safe.
 */
void cleat__server_stop(cleat__server *server, int64_t timeout_ms);

#endif
