#include "args.h"
#include "engine_client.h"
#include "json_writer.h"
#include "message.h"
#include "verb.h"

#include <cleat/limit.h>

#include <stdio.h>

static int delete_one(const cleat__engine_choice *choice, const char *key)
{
    cleat_client *client = NULL;
    int code = cleat__engine_client(choice, &client);
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat_client_delete_rate_limit(client, key);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    return code;
}

static int print(const char *key, bool json)
{
    cleat__json_writer writer = {0};
    if (!json) {
        printf("deleted %s\n", key);
        return cleat__finish_output();
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "key", key);
    cleat__writer_bool(&writer, "deleted", true);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

int cleat__verb_limits_rm(const cleat__cli *cli, int argc, char **argv)
{
    cleat__engine_choice choice = {.verb = "limits rm",
                                   .asked = "DELETE /api/v1/tenants/TENANT/rate-limits?key=KEY"};
    bool json = false;
    const cleat__option options[] = {CLEAT__OPTION_ENGINE(&choice.db), CLEAT__OPTION_TENANT(&choice.tenant),
                                     CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = choice.verb,
        .operands = "KEY",
        .summary = "Deletes the rate limit KEY: runs that take of it wait until there is one again.",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code == CLEAT__ARGS_GO) {
        code = delete_one(&choice, operands[0]);
        return code == CLEAT__EXIT_OK ? print(operands[0], json) : code;
    }
    return code;
}
