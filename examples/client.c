/*
 * A client: asks for work that examples/worker.c does, and waits for it.
 *
 *     client             starts a run, waits for its end, and reads the stream of another one
 *     client start       starts a run and prints its id
 *     client wait ID     waits for that run's end
 *
 * An embedded engine is one process at a time: there `client start`, then the worker on the same file, then
 * `client wait`. With HATCHET_CLIENT_TOKEN client and worker run at the same time; a server without TLS needs
 * HATCHET_CLIENT_TLS_STRATEGY=none as well.
 */
#include <cleat/cleat.h>

#include <stdio.h>

/* What the library has to say outside of a call, such as that it cannot reach the server yet. */
static void on_log(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    (void)level;
    fprintf(stderr, "%s\n", message);
}

static cleat_status start(cleat_client *client, cleat_run_id *id)
{
    return cleat_client_run_no_wait(
        client, "greet", "{\"name\":\"Ada\"}",
        CLEAT_RUN_OPTIONS(.metadata = "{\"customer\":\"7\"}", .priority = CLEAT_PRIORITY_HIGH), id);
}

/* Ten minutes at most. */
static cleat_status wait_for(cleat_client *client, const cleat_run_id *id)
{
    cleat_run_result result = {0};
    fprintf(stderr, "waiting for %s, which needs a worker\n", id->text);
    cleat_status status = cleat_client_wait(client, id, 600000, &result);
    if (status == CLEAT_OK) {
        printf("%s %s\n", cleat_run_status_name(result.status),
               result.output != NULL  ? result.output
               : result.error != NULL ? result.error
                                      : "");
        if (result.status != CLEAT_RUN_COMPLETED) {
            status = CLEAT_FAILED;
        }
    }
    cleat_run_result_deinit(&result);
    return status;
}

/* What the task sent before this looked is not seen, so it may be less than all. */
static cleat_status listen_to_story(cleat_client *client)
{
    cleat_run_id id;
    cleat_stream *stream = NULL;
    cleat_slice chunk;
    cleat_status status = cleat_client_run_no_wait(client, "story:tell", NULL, NULL, &id);
    if (status == CLEAT_OK) {
        status = cleat_client_stream(client, &id, &stream);
    }
    while (status == CLEAT_OK && (status = cleat_stream_next(stream, 60000, &chunk)) == CLEAT_OK) {
        printf("%.*s", CLEAT_SLICE_ARGS(chunk));
    }
    printf("\n");
    cleat_stream_free(stream);
    return status == CLEAT_EMPTY ? wait_for(client, &id) : status; /* empty: the run has ended */
}

static cleat_status run(cleat_client *client, int count, char **arguments)
{
    cleat_run_id id = {""};
    if (count == 3 && strcmp(arguments[1], "wait") == 0) {
        (void)snprintf(id.text, sizeof id.text, "%s", arguments[2]);
        return wait_for(client, &id);
    }
    cleat_status status = start(client, &id);
    if (status == CLEAT_OK) {
        printf("%s\n", id.text);
    }
    if (status != CLEAT_OK || (count == 2 && strcmp(arguments[1], "start") == 0)) {
        return status;
    }
    status = wait_for(client, &id);
    return status == CLEAT_OK ? listen_to_story(client) : status;
}

static bool is_known(int count, char **arguments)
{
    return count == 1 || (count == 2 && strcmp(arguments[1], "start") == 0) ||
           (count == 3 && strcmp(arguments[1], "wait") == 0);
}

int main(int count, char **arguments)
{
    cleat_client *client = NULL;
    cleat_instrumentor *instrumentor = NULL;
    if (!is_known(count, arguments)) {
        fprintf(stderr, "usage: client [start | wait ID]\n");
        return 2;
    }
    cleat_log_set_handler(on_log, NULL, CLEAT_LOG_WARN);
    cleat_status status = cleat_client_new(NULL, &client);
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(client, NULL, &instrumentor);
    }
    if (status == CLEAT_OK) {
        status = run(client, count, arguments);
    }
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s\n", cleat_error_message());
    }
    cleat_instrumentor_free(instrumentor);
    cleat_client_free(client);
    return status == CLEAT_OK ? 0 : 1;
}
