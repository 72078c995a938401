/* `cleat serve`: the engine for other processes. */
#include "address.h"
#include "args.h"
#include "byte_count.h"
#include "database.h"
#include "lifetime.h"
#include "message.h"
#include "server/rate_limit.h"
#include "server/server.h"
#include "signals.h"
#include "store/token.h"
#include "verb.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { STOP_TIMEOUT_MS = 10000 };

typedef struct serve_options {
    const char *db;
    int64_t rate_limit;
    const char *ratio; /* of the internal traces */
    /* NULL: the default */
    const char *retain_runs, *retain_runs_bytes, *retain_spans, *retain_spans_bytes;
    cleat__server_options server;
} serve_options;

/* What is no number is NaN, which the server refuses. */
static double read_ratio(const char *text)
{
    char *end = NULL;
    double ratio = text != NULL ? strtod(text, &end) : 1;
    return text == NULL || (end != text && *end == '\0') ? ratio : NAN;
}

/* Of the options "retain-WHAT" and "retain-WHAT-bytes", which may be absent. */
static int read_limits(const char *what, const char *age, const char *bytes, int64_t *age_ms,
                       int64_t *most_bytes)
{
    if (age != NULL && strcmp(age, "forever") == 0) {
        *age_ms = -1;
    } else if (age != NULL && !cleat__lifetime_parse(age, age_ms)) {
        return cleat__complain_usage(
            "serve", "--retain-%s must be such as 30d or 12h, or forever, not \"%s\"", what, age);
    }
    if (bytes != NULL && strcmp(bytes, "unlimited") == 0) {
        *most_bytes = -1;
    } else if (bytes != NULL && !cleat__byte_count_parse(bytes, most_bytes)) {
        return cleat__complain_usage(
            "serve", "--retain-%s-bytes must be such as 10G or 500M, or unlimited, not \"%s\"", what, bytes);
    }
    return CLEAT__EXIT_OK;
}

static int read_retention(serve_options *options)
{
    cleat__server_options *server = &options->server;
    int code = read_limits("runs", options->retain_runs, options->retain_runs_bytes,
                           &server->run_retention_ms, &server->run_retention_bytes);
    return code == CLEAT__EXIT_OK ? read_limits("spans", options->retain_spans, options->retain_spans_bytes,
                                                &server->trace_retention_ms, &server->trace_retention_bytes)
                                  : code;
}

/* Else it refuses all tokens: `token create` makes none with such a one. */
static int read_url(cleat__server_options *server, char room[CLEAT__ADDRESS_ROOM])
{
    if (server->url != NULL && !cleat__address_read_url(server->url, room)) {
        return cleat__complain_usage(
            "serve", "--url must be such as https://jobs.example.org:8733, not \"%s\"", server->url);
    }
    server->url = server->url != NULL ? room : NULL;
    return CLEAT__EXIT_OK;
}

static int check(const serve_options *options)
{
    const cleat__internal_traces_options *traces = &options->server.internal_traces;
    bool says_more = options->ratio != NULL || traces->service_name != NULL || traces->header != NULL;
    if (traces->url == NULL && says_more) {
        return cleat__complain_usage("serve",
                                     "where the internal traces go to is missing: --internal-traces URL");
    }
    if (options->server.otlp_forward == NULL && options->server.otlp_forward_header != NULL) {
        return cleat__complain_usage("serve", "where the spans go to is missing: --otlp-forward URL");
    }
    if (isnan(read_ratio(options->ratio))) {
        return cleat__complain_usage("serve", "--internal-traces-ratio must be 0 to 1, not \"%s\"",
                                     options->ratio);
    }
    cleat_status status = cleat__server_options_check(&options->server);
    return status == CLEAT_OK                 ? CLEAT__EXIT_OK
           : status == CLEAT_INVALID_ARGUMENT ? cleat__complain_usage("serve", "%s", cleat_error_message())
                                              : cleat__complain_status(status);
}

/* Each worker is a connection, and the usual limit is a thousand files. */
static void allow_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool see_token(void *argument, const cleat__token_row *row)
{
    (void)row;
    *(bool *)argument = true;
    return false;
}

/* Without one nobody can do anything, which otherwise shows only as refusals. */
static void warn_without_tokens(const cleat__server_options *options, const cleat__server *server)
{
    cleat__store *store = NULL;
    bool has_one = false;
    if (options->is_open || cleat__store_open(options->database, CLEAT__STORE_READ, &store) != CLEAT_OK) {
        return;
    }
    if (cleat__token_list(store, 0, see_token, &has_one) == CLEAT_OK && !has_one) {
        const char *scheme = options->certificate_file != NULL ? "https" : "http";
        fprintf(
            stderr,
            "cleat: there are no tokens yet: cleat token create --db %s --grpc %s --url %s://%s makes one\n",
            options->database, cleat__server_grpc_address(server), scheme,
            cleat__server_http_address(server));
    }
    cleat__store_close(store);
}

static int serve(const serve_options *options)
{
    cleat__server *server = NULL;
    cleat__server_options chosen = options->server;
    chosen.rate_limit = (uint32_t)options->rate_limit;
    chosen.database = cleat__database_path(options->db);
    chosen.internal_traces.ratio = read_ratio(options->ratio);
    if (chosen.internal_traces.header == NULL) {
        chosen.internal_traces.header = getenv("CLEAT_INTERNAL_TRACES_HEADER");
    }
    if (chosen.otlp_forward_header == NULL) {
        chosen.otlp_forward_header = getenv("CLEAT_OTLP_FORWARD_HEADER");
    }
    sigset_t set = cleat__signals_hold();
    umask(S_IRWXG | S_IRWXO);       /* a file that is new is for its owner only */
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is as good as a full disk */
    allow_connections();
    cleat_status status = cleat__server_start(&chosen, &server);
    if (status != CLEAT_OK) {
        return cleat__complain_status(status);
    }
    cleat__begin_log(); /* why it did not start is one sentence */
    printf("cleat: ready grpc=%s http=%s\n", cleat__server_grpc_address(server),
           cleat__server_http_address(server));
    int code = cleat__finish_output();
    warn_without_tokens(&chosen, server);
    if (code == CLEAT__EXIT_OK) {
        cleat__signals_wait(&set);
        code = cleat__server_has_failed(server) ? CLEAT__EXIT_FAILED : CLEAT__EXIT_OK;
    }
    cleat__server_stop(server, STOP_TIMEOUT_MS);
    return code;
}

static const char more[] = "Clients need a token (cleat token create), which tells them where the server\n"
                           "is and whose they are. One process has the file; cleat runs ls, runs show,\n"
                           "traces and token work meanwhile; runs are cancelled over HTTP.\n"
                           "\n"
                           "SIGTERM and SIGINT end it: nothing new is taken, what has begun is finished,\n"
                           "workers keep what they are at and come back to the next server. A second\n"
                           "signal ends it at once, which loses nothing that a client was told is done.\n"
                           "\n"
                           "The headers may also be in the variables CLEAT_OTLP_FORWARD_HEADER and\n"
                           "CLEAT_INTERNAL_TRACES_HEADER, which other users of the machine do not see.\n";

int cleat__verb_serve(const cleat__cli *cli, int argc, char **argv)
{
    serve_options chosen = {.server = {.grpc_address = "127.0.0.1:7077", .http_address = "127.0.0.1:8733"}};
    cleat__server_options *server = &chosen.server;
    char url[CLEAT__ADDRESS_ROOM];
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&chosen.db),
        CLEAT__TEXT("grpc", "ADDRESS", &server->grpc_address, "HOST:PORT, 0 picks one; 127.0.0.1:7077"),
        CLEAT__TEXT("http", "ADDRESS", &server->http_address, "likewise; 127.0.0.1:8733"),
        CLEAT__TEXT("tls-cert", "FILE", &server->certificate_file, "certificate of the server, PEM"),
        CLEAT__TEXT("tls-key", "FILE", &server->key_file, "its key, PEM"),
        CLEAT__TEXT("tls-client-ca", "FILE", &server->client_authorities_file,
                    "clients need a certificate of this authority"),
        CLEAT__FLAG("plaintext-on-the-network", &server->is_plaintext_public,
                    "other machines may connect without TLS"),
        CLEAT__FLAG("no-auth", &server->is_open, "no tokens: everybody is the default tenant"),
        CLEAT__TEXT("url", "URL", &server->url, "only tokens made with this --url are good"),
        CLEAT__NUMBER("rate-limit", "N", &chosen.rate_limit, 1, CLEAT__RATE_LIMIT_MAX,
                      "gRPC calls a second for each token; no limit"),
        CLEAT__TEXT("retain-runs", "TIME", &chosen.retain_runs, "runs go after that: 12h, forever...; 30d"),
        CLEAT__TEXT("retain-runs-bytes", "SIZE", &chosen.retain_runs_bytes,
                    "oldest first above that: 10G...; unlimited"),
        CLEAT__TEXT("retain-spans", "TIME", &chosen.retain_spans, "spans go after that; 7d"),
        CLEAT__TEXT("retain-spans-bytes", "SIZE", &chosen.retain_spans_bytes, "oldest first above that; 1G"),
        CLEAT__TEXT("otlp-forward", "URL", &server->otlp_forward, "spans also go to this OTLP back end"),
        CLEAT__TEXT("otlp-forward-header", "HEADER", &server->otlp_forward_header,
                    "\"Authorization: Bearer KEY\", for these"),
        CLEAT__TEXT("internal-traces", "URL", &server->internal_traces.url,
                    "spans of the server itself go to this one"),
        CLEAT__TEXT("internal-traces-service", "NAME", &server->internal_traces.service_name,
                    "their service.name; cleat"),
        CLEAT__TEXT("internal-traces-ratio", "RATIO", &chosen.ratio, "how many of them, 0 to 1; 1"),
        CLEAT__TEXT("internal-traces-header", "HEADER", &server->internal_traces.header,
                    "\"Authorization: Bearer KEY\", for these"),
    };
    const cleat__usage usage = {
        .verb = "serve",
        .operands = "",
        .summary = "Runs the engine for other processes, over gRPC and HTTP.",
        .more = more,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code == CLEAT__ARGS_GO) {
        code = read_url(server, url);
        code = code == CLEAT__EXIT_OK ? read_retention(&chosen) : code;
        code = code == CLEAT__EXIT_OK ? check(&chosen) : code;
        code = code == CLEAT__EXIT_OK ? serve(&chosen) : code;
    }
    return code;
}
