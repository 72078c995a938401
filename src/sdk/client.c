#include "sdk/client.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "sdk/options.h"
#include "sdk/trigger.h"
#include "transport/grpc.h"

static cleat_status open_transport(const cleat_client_options *options, int64_t tenant,
                                   cleat__transport **out)
{
    cleat__remote_settings settings;
    if (options->token != NULL && options->database != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "database and token are both set: the engine is either in a file or at a server");
    }
    cleat_status status = cleat__remote_check_choice(options);
    if (status != CLEAT_OK) {
        return status;
    }
    if (!cleat__remote_is_configured(options)) {
        return cleat__transport_embedded_new(options, tenant, out);
    }
    status = cleat__remote_settings_read(options, &settings);
    return status == CLEAT_OK ? cleat__transport_grpc_new(&settings, out) : status;
}

cleat_status cleat__client_new_for(int64_t tenant, const cleat_client_options *options, cleat_client **out)
{
    cleat_client_options known;
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "out is NULL");
    }
    *out = NULL;
    cleat_status status = cleat__options_read("CLEAT_CLIENT_OPTIONS", options, &known, sizeof known);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat_client *client = cleat__calloc(1, sizeof *client);
    if (client == NULL) {
        return cleat__fail_memory();
    }
    cleat__client_init_known(client);
    status = open_transport(&known, tenant, &client->transport);
    if (status != CLEAT_OK) {
        cleat__client_deinit_known(client);
        cleat__free(client);
        return status;
    }
    *out = client;
    return CLEAT_OK;
}

cleat_status cleat_client_new(const cleat_client_options *options, cleat_client **out)
{
    return cleat__client_new_for(CLEAT__TENANT_DEFAULT, options, out);
}

void cleat_client_free(cleat_client *client)
{
    if (client != NULL) {
        client->transport->free(client->transport);
        cleat__client_deinit_known(client);
        cleat__free(client);
    }
}

static cleat_status start_one(cleat_client *client, const char *task, const char *input,
                              const cleat_run_options *options, cleat_run_id *id)
{
    const cleat_run_item item = {task, input, options};
    const cleat__trigger_request request = {.client = client, .items = &item, .count = 1, .ids = id};
    return cleat__client_trigger(&request);
}

cleat_status cleat_client_run(cleat_client *client, const char *task, const char *input,
                              const cleat_run_options *options, cleat_run_result *result)
{
    cleat_run_id id;
    if (result == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "result is NULL: cleat_client_run_no_wait() starts without one");
    }
    memset(result, 0, sizeof *result);
    cleat_status status = start_one(client, task, input, options, &id);
    if (status == CLEAT_ALREADY_EXISTS) {
        result->id = id;
    }
    return status == CLEAT_OK ? cleat_client_wait(client, &id, -1, result) : status;
}

cleat_status cleat_client_run_no_wait(cleat_client *client, const char *task, const char *input,
                                      const cleat_run_options *options, cleat_run_id *id)
{
    return start_one(client, task, input, options, id);
}

cleat_status cleat_workflow_start(cleat_client *client, const char *name, const char *input,
                                  const cleat_run_options *options, cleat_run_id *id)
{
    const cleat_run_item item = {name, input, options};
    const cleat__trigger_request request = {
        .client = client, .is_workflow = true, .items = &item, .count = 1, .ids = id};
    return cleat__client_trigger(&request);
}

cleat_status cleat_client_run_many(cleat_client *client, const cleat_run_item *items, size_t count,
                                   cleat_run_id *ids)
{
    const cleat__trigger_request request = {
        .client = client, .many = true, .items = items, .count = count, .ids = ids};
    return cleat__client_trigger(&request);
}

cleat_status cleat__id_parse(const cleat_client *client, const char *text, size_t room, const char *what,
                             cleat__uuid *out)
{
    if (client == NULL || text == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "id");
    }
    const cleat_slice id = {text, strnlen(text, room)};
    return cleat__uuid_parse(id, out) == CLEAT_OK
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is no %s", CLEAT_SLICE_ARGS(id), what);
}

cleat_status cleat__run_id_parse(const cleat_client *client, const cleat_run_id *id, cleat__uuid *out)
{
    return cleat__id_parse(client, id != NULL ? id->text : NULL, sizeof(id->text), "run id", out);
}

/* ---- Runs that go on as others ---- */

void cleat__patience_begin(cleat__patience *patience, int64_t timeout_ms)
{
    *patience = (cleat__patience){.timeout_ms = timeout_ms, .deadline_ns = cleat__deadline_ns(timeout_ms)};
}

int64_t cleat__patience_left_ms(const cleat__patience *patience)
{
    return patience->timeout_ms < 0 ? patience->timeout_ms : cleat__remaining_ms(patience->deadline_ns);
}

bool cleat__patience_is_over(cleat__patience *patience)
{
    enum { LATE_MOST = 256 }; /* for which a server takes some tenths of a second */
    return cleat__patience_left_ms(patience) == 0 && ++patience->late > LATE_MOST;
}

/* From the run that was asked for to that which the result is of, and on from there. */
static bool go_on(cleat__continued_way *way, const cleat_run_result *result)
{
    cleat__uuid id;
    if (cleat__uuid_parse(cleat_slice_of(result->id.text), &id) == CLEAT_OK) {
        way->at = id;
    }
    return cleat__continued_go(way, cleat_slice_of(result->output));
}

cleat_status cleat_client_wait(cleat_client *client, const cleat_run_id *id, int64_t timeout_ms,
                               cleat_run_result *result)
{
    cleat__uuid run_id;
    cleat__continued_way way;
    cleat__patience patience;
    if (result == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "result is NULL");
    }
    memset(result, 0, sizeof *result);
    cleat__patience_begin(&patience, timeout_ms);
    cleat_status status = cleat__run_id_parse(client, id, &run_id);
    cleat__continued_begin(&way, &run_id);
    while (status == CLEAT_OK) {
        cleat__transport *transport = client->transport;
        status = transport->wait(transport, &way.at, cleat__patience_left_ms(&patience), result);
        if (status != CLEAT_OK || !go_on(&way, result)) {
            break;
        }
        cleat_run_result_deinit(result);
        if (cleat__patience_is_over(&patience)) {
            status = cleat__fail(CLEAT_TIMEOUT, "what run %s goes on as has not ended in time", id->text);
        }
    }
    return status;
}

cleat_status cleat_client_replay(cleat_client *client, const cleat_run_id *id)
{
    cleat__uuid run_id;
    cleat_status status = cleat__run_id_parse(client, id, &run_id);
    return status == CLEAT_OK ? client->transport->replay(client->transport, &run_id) : status;
}

cleat_status cleat__client_next_run(cleat_client *client, int64_t timeout_ms, cleat__continued_way *way)
{
    cleat_run_result result = {0};
    cleat__transport *transport = client->transport;
    cleat_status status = transport->wait_for_next(transport, &way->at, timeout_ms, &result);
    bool goes_on = status == CLEAT_OK && go_on(way, &result);
    cleat_run_result_deinit(&result);
    return status == CLEAT_OK && !goes_on ? cleat__fail(CLEAT_EMPTY, "the run does not go on as another one")
                                          : status;
}

/* Of a run that has ended; CLEAT_EMPTY: it was the last one, and `*ended` says how. */
static cleat_status find_living(cleat_client *client, cleat__continued_way *way, cleat_run_status *ended)
{
    enum { SAID_WITHIN_MS = 10000 };
    cleat_run_result result = {0};
    cleat_status status = client->transport->wait(client->transport, &way->at, SAID_WITHIN_MS, &result);
    bool goes_on = status == CLEAT_OK && go_on(way, &result);
    *ended = result.status;
    cleat_run_result_deinit(&result);
    switch (status) {
    case CLEAT_OK: return goes_on ? CLEAT_OK : CLEAT_EMPTY;
    case CLEAT_NOT_FOUND: return CLEAT_EMPTY; /* it is gone by now */
    case CLEAT_TIMEOUT:
        return cleat__fail(CLEAT_UNAVAILABLE,
                           "the server does not say how a run that was to be cancelled has ended");
    default: return status;
    }
}

cleat_status cleat_client_cancel(cleat_client *client, const cleat_run_id *id)
{
    cleat__uuid run_id;
    cleat__continued_way way;
    cleat_run_status ended = CLEAT_RUN_QUEUED;
    bool was_told = false; /* of one that lived, and ended meanwhile: what it had gone on as was cancelled */
    cleat_status status = cleat__run_id_parse(client, id, &run_id), found = CLEAT_OK;
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__continued_begin(&way, &run_id);
    do {
        status = client->transport->cancel(client->transport, &way.at);
        was_told = was_told || status == CLEAT_EMPTY;
        bool has_ended = status == CLEAT_EMPTY || status == CLEAT_FAILED_PRECONDITION;
        found = has_ended ? find_living(client, &way, &ended) : status;
    } while (found == CLEAT_OK && status != CLEAT_OK);
    if (found != CLEAT_EMPTY) {
        return found;
    }
    if (was_told && ended == CLEAT_RUN_CANCELLED) {
        return CLEAT_OK;
    }
    char text[37];
    cleat__uuid_format(&way.at, text);
    return cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has ended already", text);
}
