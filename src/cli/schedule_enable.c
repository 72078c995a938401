/* `cleat schedule enable` and `disable`. */
#include "args.h"
#include "engine_client.h"
#include "message.h"
#include "verb.h"

#include <cleat/schedule.h>

#include <stdio.h>

static int change(const cleat__engine_choice *choice, const char *text, bool is_enabled)
{
    cleat_client *client = NULL;
    cleat_cron_id id = {""};
    (void)snprintf(id.text, sizeof(id.text), "%s", text);
    int code = cleat__engine_client(choice, &client);
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat_client_enable_cron(client, &id, is_enabled);
        if (status == CLEAT_NOT_FOUND) {
            code = cleat__complain("there is no cron %s, or it is of another tenant (--tenant)", text);
        } else {
            code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
        }
    }
    cleat_client_free(client);
    return code;
}

static int run(int argc, char **argv, bool is_enabled)
{
    cleat__engine_choice choice = {.verb = is_enabled ? "schedule enable" : "schedule disable",
                                   .asked = "PATCH /api/v1/tenants/TENANT/workflows/crons/ID"};
    bool json = false;
    const cleat__option options[] = {CLEAT__OPTION_ENGINE(&choice.db), CLEAT__OPTION_TENANT(&choice.tenant),
                                     CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = choice.verb,
        .operands = "ID",
        .summary = is_enabled
                       ? "Lets the cron ID start runs again, from its next time on."
                       : "Lets the cron ID start no runs until it is enabled; those it has started go on.",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    if (strlen(operands[0]) != sizeof(cleat_cron_id) - 1) {
        return cleat__complain_usage(usage.verb, "\"%s\" is no whole id", operands[0]);
    }
    code = change(&choice, operands[0], is_enabled);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    if (json) {
        printf("{\"id\":\"%s\",\"enabled\":%s}\n", operands[0], is_enabled ? "true" : "false");
    } else {
        printf("%s %s\n", is_enabled ? "enabled" : "disabled", operands[0]);
    }
    return cleat__finish_output();
}

int cleat__verb_schedule_enable(const cleat__cli *cli, int argc, char **argv)
{
    (void)cli;
    return run(argc, argv, true);
}

int cleat__verb_schedule_disable(const cleat__cli *cli, int argc, char **argv)
{
    (void)cli;
    return run(argc, argv, false);
}
