#include "args.h"
#include "engine_client.h"
#include "message.h"
#include "verb.h"

#include <cleat/workflow.h>

#include <stdio.h>

int cleat__verb_hook_resume(const cleat__cli *cli, int argc, char **argv)
{
    cleat__engine_choice choice = {.verb = "hook resume", .asked = "POST /hooks/TOKEN with the payload"};
    bool json = false;
    const cleat__option options[] = {
        CLEAT__OPTION_ENGINE(&choice.db),
        CLEAT__OPTION_TENANT(&choice.tenant),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = choice.verb,
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
    code = cleat__engine_client(&choice, &client);
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
