#include "args.h"
#include "engine_client.h"
#include "message.h"
#include "verb.h"

#include <cleat/schedule.h>

#include <stdio.h>

/* An id does not say of which kind it is. */
static int delete_one(cleat_client *client, const char *text)
{
    cleat_schedule_id schedule = {""};
    cleat_cron_id cron = {""};
    (void)snprintf(schedule.text, sizeof(schedule.text), "%s", text);
    (void)snprintf(cron.text, sizeof(cron.text), "%s", text);
    cleat_status status = cleat_client_delete_schedule(client, &schedule);
    if (status == CLEAT_NOT_FOUND) {
        status = cleat_client_delete_cron(client, &cron);
    }
    if (status == CLEAT_NOT_FOUND) {
        return cleat__complain(
            "there is no schedule and no cron %s, or it has fired, or it is of another tenant (--tenant)",
            text);
    }
    return status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
}

int cleat__verb_schedule_rm(const cleat__cli *cli, int argc, char **argv)
{
    cleat__engine_choice choice = {
        .verb = "schedule rm",
        .asked = "DELETE /api/v1/tenants/TENANT/workflows/scheduled/ID or .../crons/ID"};
    bool json = false;
    const cleat__option options[] = {CLEAT__OPTION_ENGINE(&choice.db), CLEAT__OPTION_TENANT(&choice.tenant),
                                     CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = choice.verb,
        .operands = "ID",
        .summary = "Deletes the schedule or the cron ID: its runs will not start.",
        .more = "A cron that a task declares is disabled (cleat schedule disable), or leaves the\n"
                "declaration.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    cleat_client *client = NULL;
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    if (strlen(operands[0]) != sizeof(cleat_schedule_id) - 1) {
        return cleat__complain_usage(usage.verb, "\"%s\" is no whole id", operands[0]);
    }
    code = cleat__engine_client(&choice, &client);
    if (code == CLEAT__EXIT_OK) {
        code = delete_one(client, operands[0]);
    }
    cleat_client_free(client);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    printf(json ? "{\"id\":\"%s\",\"deleted\":true}\n" : "deleted %s\n", operands[0]);
    return cleat__finish_output();
}
