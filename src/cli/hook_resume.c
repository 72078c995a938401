#include "args.h"
#include "database.h"
#include "message.h"
#include "transport/settings.h"

#include <cleat/workflow.h>

#include <stdio.h>

/* A file must be there: to resume is no reason to make one. */
static int check_file(const char *db)
{
    cleat__store *store = NULL;
    int code = cleat__database_open(db, &store);
    cleat__store_close(store);
    return code;
}

/* Where the environment says that the engine is, unless a file is named. */
static int open_engine(const char *db, cleat_client **out)
{
    cleat_client_options options = *CLEAT_CLIENT_OPTIONS(.database = db);
    if (db != NULL || !cleat__remote_is_configured(&options)) {
        int code = check_file(db);
        if (code != CLEAT__EXIT_OK) {
            return code;
        }
        options.database = cleat__database_path(db);
    }
    cleat_status status = cleat_client_new(&options, out);
    if (status == CLEAT_BUSY) {
        return cleat__complain("%s; a server is asked with a token in HATCHET_CLIENT_TOKEN, or by "
                               "POST /hooks/TOKEN with the payload",
                               cleat_error_message());
    }
    return status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
}

int cleat__verb_hook_resume(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool json = false;
    const cleat__option options[] = {
        CLEAT__TEXT("db", "FILE", &db, "database; default: as of any client"),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = "hook resume",
        .operands = "TOKEN JSON",
        .summary = "Brings JSON to the workflow that has created the hook TOKEN.",
        .more = "The workflow gets them in order, and goes on where it waits for one. When no\n"
                "process has the file open, it does so as soon as its worker is there.\n",
        .min_operands = 2,
        .max_operands = 2,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    cleat_client *client = NULL;
    cleat_run_id id;
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = open_engine(db, &client);
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat_hook_resume(client, operands[0], operands[1], &id);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    printf(json ? "{\"run_id\":\"%s\"}\n" : "resumed %s\n", id.text);
    return cleat__finish_output();
}
