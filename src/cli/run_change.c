#include "run_change.h"

#include "args.h"
#include "database.h"
#include "message.h"
#include "sdk/client.h"
#include "store/chain.h"

#include <limits.h>
#include <stdio.h>

#define TASKS "POST /api/v1/stable/tenants/TENANT/tasks/"

/* It is the engine's business, so the file must not be in use: the message then names the
 * process that has it, and how a server is asked. */
static int make(const cleat__run_change *change, const char *db, int64_t tenant, const cleat_run_id *id)
{
    cleat_client *client = NULL;
    /* What its owner keeps is not this verb's business. */
    const cleat_client_options *options =
        CLEAT_CLIENT_OPTIONS(.database = cleat__database_path(db), .run_retention_ms = -1,
                             .trace_retention_ms = -1, .trace_retention_bytes = -1);
    cleat_status status = cleat__client_new_for(tenant, options, &client);
    if (status == CLEAT_OK) {
        status = change->make(client, id);
    }
    int code = CLEAT__EXIT_OK;
    if (status == CLEAT_BUSY) {
        code = cleat__complain("%s; a server is asked over HTTP: " TASKS "%s {\"externalIds\":[\"%s\"]}",
                               cleat_error_message(), change->path, id->text);
    } else if (status != CLEAT_OK) {
        code = cleat__complain_status(status);
    }
    cleat_client_free(client);
    return code;
}

/* The run, or the one that it has gone on as. */
static cleat_status get_run(const cleat__run_change *change, cleat__store *store, const cleat__uuid *id,
                            cleat__run_row *row)
{
    const cleat__follow follow = change->follows ? CLEAT__FOLLOW_LAST : CLEAT__FOLLOW_NOT;
    cleat__uuid last = *id;
    cleat_status status = cleat__chain_reach(store, follow, INT_MAX, &last);
    return status == CLEAT_OK ? cleat__run_get(store, &last, row) : status;
}

/* Looked up by a reader first: a wrong id or file must not start an engine, nor create a file. */
static int resolve(const cleat__run_change *change, const char *db, const char *text, cleat_run_id *out,
                   int64_t *tenant)
{
    cleat__store *store = NULL;
    cleat__uuid id;
    cleat__run_row row = {0};
    int code = cleat__database_open(db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_run(store, text, &id);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = get_run(change, store, &id, &row);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat__uuid_format(&row.id, out->text);
    }
    *tenant = row.tenant;
    cleat__store_close(store);
    return code;
}

int cleat__run_change_verb(const cleat__run_change *change, int argc, char **argv)
{
    const char *db = NULL;
    bool json = false;
    char more[256];
    const cleat__option options[] = {CLEAT__OPTION_DB(&db), CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = change->verb,
        .operands = "RUN",
        .summary = change->summary,
        .more = more,
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    cleat_run_id id;
    (void)snprintf(more, sizeof(more),
                   "Where a server has it, ask that: " TASKS "%s\n{\"externalIds\":[\"RUN\"]}\n",
                   change->path);
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    int64_t tenant = CLEAT__TENANT_DEFAULT;
    code = resolve(change, db, operands[0], &id, &tenant);
    if (code == CLEAT__EXIT_OK) {
        code = make(change, db, tenant, &id);
    }
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    if (json) {
        printf("{\"id\":\"%s\",\"status\":\"%s\"}\n", id.text, change->status);
    } else {
        printf("%s %s\n", change->past, id.text);
    }
    return cleat__finish_output();
}
