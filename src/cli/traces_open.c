/* `cleat traces open`: the viewer of a file. */
#include "args.h"
#include "database.h"
#include "message.h"
#include "server/viewer.h"
#include "signals.h"
#include "store/tenant.h"

#include <stdio.h>

enum { STOP_TIMEOUT_MS = 2000 };

typedef struct open_options {
    const char *db, *tenant;
    int64_t port;
} open_options;

static int find_tenant(const open_options *options, int64_t *out)
{
    cleat__store *store = NULL;
    int code = cleat__database_open(options->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_tenant(store, options->tenant, CLEAT__TENANT_DEFAULT, out);
    }
    cleat__store_close(store);
    return code;
}

static int serve(const open_options *options)
{
    cleat__viewer *viewer = NULL;
    cleat__viewer_options chosen = {.database = cleat__database_path(options->db),
                                    .port = (uint16_t)options->port};
    int code = find_tenant(options, &chosen.tenant);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    sigset_t set = cleat__signals_hold();
    cleat_status status = cleat__viewer_start(&chosen, &viewer);
    if (status != CLEAT_OK) {
        return cleat__complain_status(status);
    }
    cleat__begin_log();
    printf("cleat: open http://%s/\n", cleat__viewer_address(viewer));
    code = cleat__finish_output();
    if (code == CLEAT__EXIT_OK) {
        cleat__signals_wait(&set);
    }
    cleat__viewer_stop(viewer, STOP_TIMEOUT_MS);
    return code;
}

int cleat__verb_traces_open(const cleat__cli *cli, int argc, char **argv)
{
    open_options chosen = {.port = 0};
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&chosen.db),
        CLEAT__TEXT("tenant", "NAME", &chosen.tenant, "whose runs and traces; default \"default\""),
        CLEAT__NUMBER("port", "N", &chosen.port, 0, 65535, "of 127.0.0.1; default 0, which picks one"),
    };
    const cleat__usage usage = {
        .verb = "traces open",
        .operands = "",
        .summary = "Serves pages that show the file's runs and traces, until it is interrupted.",
        .more = "Only this machine can open them, and they change nothing. The file may be in\n"
                "use. Where a server has it, that has the same pages at its own HTTP address.\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code != CLEAT__ARGS_GO ? code : serve(&chosen);
}
