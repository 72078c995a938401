#include "args.h"
#include "database.h"
#include "message.h"

#include <cleat/client.h>

#include <stdio.h>

/* Cancelling is the engine's business, so the file must not be in use: the message then names the
 * process that has it, and how a server is asked. */
static int cancel(const char *db, const cleat_run_id *id)
{
    cleat_client *client = NULL;
    cleat_status status =
        cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = cleat__database_path(db)), &client);
    if (status == CLEAT_OK) {
        status = cleat_client_cancel(client, id);
    }
    int code = CLEAT__EXIT_OK;
    if (status == CLEAT_BUSY) {
        code = cleat__complain("%s; a server is asked over HTTP: "
                               "POST /api/v1/stable/tenants/TENANT/tasks/cancel {\"externalIds\":[\"%s\"]}",
                               cleat_error_message(), id->text);
    } else if (status != CLEAT_OK) {
        code = cleat__complain_status(status);
    }
    cleat_client_free(client);
    return code;
}

/* Looked up by a reader first: a wrong id or file must not start an engine, nor create a file. */
static int resolve(const char *db, const char *text, cleat_run_id *out)
{
    cleat__store *store = NULL;
    cleat__uuid id;
    cleat__run_row row = {0};
    int code = cleat__database_open(db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_run(store, text, &id);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat__run_get(store, &id, &row);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat__uuid_format(&id, out->text);
    }
    if (code == CLEAT__EXIT_OK && row.tenant != CLEAT__TENANT_DEFAULT) {
        code = cleat__complain(
            "the run %s is another tenant's: start a server (cleat serve) and ask that with a "
            "token of the tenant: POST /api/v1/stable/tenants/TENANT/tasks/cancel "
            "{\"externalIds\":[\"%s\"]}",
            out->text, out->text);
    }
    cleat__store_close(store);
    return code;
}

int cleat__verb_runs_cancel(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool json = false;
    const cleat__option options[] = {CLEAT__OPTION_DB(&db), CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = "runs cancel",
        .operands = "RUN",
        .summary = "Cancels a run that has not ended. No other process may have the file open.",
        .more = "Where a server has it, ask that: POST /api/v1/stable/tenants/TENANT/tasks/cancel\n"
                "{\"externalIds\":[\"RUN\"]}; .../tasks/replay starts it again.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    cleat_run_id id;
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = resolve(db, operands[0], &id);
    if (code == CLEAT__EXIT_OK) {
        code = cancel(db, &id);
    }
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    printf(json ? "{\"id\":\"%s\",\"status\":\"CANCELLED\"}\n" : "cancelled %s\n", id.text);
    return cleat__finish_output();
}
