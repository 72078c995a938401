/*
 * The client: starts runs, waits for them, cancels and replays them.
 *
 *     cleat_client *client = NULL;
 *     cleat_run_result result = {0};
 *     cleat_status status = cleat_client_new(NULL, &client);
 *     if (status == CLEAT_OK)
 *         status = cleat_client_run(client, "greet", "{\"name\":\"Ada\"}", NULL, &result);
 *     if (status != CLEAT_OK)
 *         fprintf(stderr, "%s\n", cleat_error_message());
 *
 * A client with no configuration runs the engine inside the process, on one SQLite file. With a token,
 * in the options or in HATCHET_CLIENT_TOKEN, the engine is `cleat serve` or a Hatchet cluster, and the
 * program is the same. All functions may be called from any thread.
 */
#ifndef CLEAT_CLIENT_H
#define CLEAT_CLIENT_H

#include "cleat/exporter.h"
#include "cleat/run.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_client cleat_client;

typedef struct cleat_client_options {
    size_t struct_size;
    const char *database;          /* file of the embedded engine; NULL: CLEAT_DB, else "./cleat.db" */
    const char *namespace_prefix;  /* before names of workflows, workers and events; NULL:
                                    * HATCHET_CLIENT_NAMESPACE, else none; must be NULL in an embedded engine */
    int64_t trace_retention_ms;    /* spans older than this are removed; 0: 7 days; negative: kept */
    int64_t trace_retention_bytes; /* oldest spans go above this size; 0: 1 GiB; negative: no limit */

    /* An engine elsewhere. What is NULL or 0 is HATCHET_CLIENT_ and the name in the comment, else: */
    const char *token;            /* TOKEN: there is one, so the engine is elsewhere */
    const char *host_port;        /* HOST_PORT: "host:port", else what the token says */
    const char *tls_strategy;     /* TLS_STRATEGY: "tls", "mtls" or "none", else "tls" */
    const char *tls_cert_file;    /* TLS_CERT_FILE: this side's certificate, for "mtls" */
    const char *tls_key_file;     /* TLS_KEY_FILE: its key */
    const char *tls_root_ca_file; /* TLS_ROOT_CA_FILE: who vouches for the server, else the system's */
    const char *tls_server_name;  /* TLS_SERVER_NAME: in the certificate, else the host; not of HTTP */
    int64_t grpc_max_recv_message_length; /* GRPC_MAX_RECV_MESSAGE_LENGTH: bytes, else 4 MiB */
    int64_t grpc_max_send_message_length; /* GRPC_MAX_SEND_MESSAGE_LENGTH: likewise */
    /* How long a server is waited for that is not there; 0: 30 s; negative: no wait. */
    int64_t connect_timeout_ms;
    const char *api_url; /* API_URL, else SERVER_URL: "http(s)://host:port" of the server's HTTP side, else
                          * what the token says */

    /* Of an embedded engine: runs that have ended longer ago are removed, with all that belongs to them, and events,
     * where no other run may ask for them; 0: 30 days; negative: kept. Oldest first also where the file has more in
     * it (spans not counted); 0 or negative: no limit. See docs/operations.md. */
    int64_t run_retention_ms;
    int64_t run_retention_bytes;
} cleat_client_options;
#define CLEAT_CLIENT_OPTIONS(...) CLEAT_OPTIONS(cleat_client_options, __VA_ARGS__)

/*
 * Opens the database file, creates or migrates it, recovers what a former process left, and
 * starts the engine's thread. `options` may be NULL.
 * CLEAT_BUSY: another engine has the file. CLEAT_NEWER_VERSION, CLEAT_NOT_A_DATABASE,
 * CLEAT_CORRUPT, CLEAT_READ_ONLY, CLEAT_IO, CLEAT_DISK_FULL: about the file; it is unchanged.
 *
 * With a token, connects to the server instead. In the options it excludes `database`; of the variables
 * HATCHET_CLIENT_TOKEN and CLEAT_DB the token wins, and `database` in the options wins over both.
 * CLEAT_UNAVAILABLE: no server in time. CLEAT_UNAUTHENTICATED: it does not accept the token.
 * CLEAT_INVALID_ARGUMENT names the option or variable.
 */
CLEAT_API cleat_status cleat_client_new(const cleat_client_options *options, cleat_client **out);
/* Stops the engine after what it has begun and closes the file. Calls that other threads have begun are
 * answered, with CLEAT_UNAVAILABLE if need be; none may begin. Workers must have been freed, and no task
 * have outlived its worker. NULL-safe. */
CLEAT_API void cleat_client_free(cleat_client *client);

/*
 * Starts a run of `task` and waits for its end, however long. `input` is a JSON object; NULL is
 * {}. `options` may be NULL. CLEAT_OK whenever the run ended, in whatever status:
 * `result->status` says how. The caller deinits `result`.
 * CLEAT_ALREADY_EXISTS: another run has its idempotency key; `result->id` is that of the other.
 * CLEAT_NOT_FOUND: no worker ever declared the task. CLEAT_INVALID_ARGUMENT: JSON, priority or
 * metadata are wrong. CLEAT_TOO_LARGE: above CLEAT_PAYLOAD_MAX. CLEAT_UNAVAILABLE, CLEAT_IO,
 * CLEAT_DISK_FULL: the engine could not store it. (What is CLEAT_DISK_FULL in this process comes as
 * CLEAT_RESOURCE_EXHAUSTED from a server, in all calls.)
 */
CLEAT_API cleat_status cleat_client_run(cleat_client *client, const char *task, const char *input,
                                        const cleat_run_options *options, cleat_run_result *result);

/* Starts a run and returns when it is on disk. `id` may be NULL. Statuses as above. CLEAT_ALREADY_EXISTS: another
 * run has its idempotency key (cleat_task_options.idempotency), and `id` is that of the other. */
CLEAT_API cleat_status cleat_client_run_no_wait(cleat_client *client, const char *task, const char *input,
                                                const cleat_run_options *options, cleat_run_id *id);

typedef struct cleat_run_item {
    const char *task;
    const char *input;                /* JSON object; NULL: {} */
    const cleat_run_options *options; /* NULL: defaults */
} cleat_run_item;
/*
 * Starts `count` runs in one transaction: all or none. `ids` (may be NULL) has room for `count`
 * and is filled in the order of `items`. CLEAT_ALREADY_EXISTS: other runs have the idempotency keys of
 * some, and all the rest were started; the ids of the former are those of the other runs. (A Hatchet engine
 * does not say which is which, and a server can say so of some fifty runs only: beyond that the ids are empty.)
 * CLEAT_TOO_LARGE: they do not fit into one message to the server (4 MiB unless said otherwise), or the expressions of their
 * limits take too much together (docs/expressions.md), and none is started: start fewer at a time.
 */
CLEAT_API cleat_status cleat_client_run_many(cleat_client *client, const cleat_run_item *items, size_t count,
                                             cleat_run_id *ids);

/*
 * Waits until a run has ended; of a workflow that goes on as a new run (cleat_continue_as_new()), until the last one
 * has, which the result is of. Negative `timeout_ms`: without limit. CLEAT_TIMEOUT: not yet. (A server may
 * take up to 2 s to say whether it has, however small `timeout_ms` is.)
 * CLEAT_NOT_FOUND: there is no such run. The caller deinits `result`.
 */
CLEAT_API cleat_status cleat_client_wait(cleat_client *client, const cleat_run_id *id, int64_t timeout_ms,
                                         cleat_run_result *result);

/*
 * Cancels a run: a queued one never starts, a running one is told (cleat_task_is_cancelled()).
 * Its status is CANCELLED from then on; of one of several tasks (cleat/dag.h) of which one has failed, FAILED.
 * Of a workflow that has gone on as a new run, the one that lives is meant.
 * CLEAT_FAILED_PRECONDITION: it had ended already.
 * CLEAT_NOT_FOUND: there is no such run.
 */
CLEAT_API cleat_status cleat_client_cancel(cleat_client *client, const cleat_run_id *id);

/*
 * Runs a run again that has ended, however it did: under the same id, with its input, with all its
 * retries, and ahead of what waits. Children that it starts are those that it started before.
 * CLEAT_FAILED_PRECONDITION: it has not ended. CLEAT_NOT_FOUND: there is no such run.
 */
CLEAT_API cleat_status cleat_client_replay(cleat_client *client, const cleat_run_id *id);

/*
 * An exporter that writes spans into the engine's collector; for a processor of the user's own
 * provider. The client must outlive it.
 */
CLEAT_API cleat_status cleat_client_span_exporter_new(cleat_client *client, cleat_span_exporter **out);

#ifdef __cplusplus
}
#endif
#endif
