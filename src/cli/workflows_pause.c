/* `cleat workflows pause` and `resume`. */
#include "args.h"
#include "engine_client.h"
#include "json_writer.h"
#include "lifetime.h"
#include "message.h"
#include "verb.h"

#include <cleat/pause.h>

#include <stdio.h>

typedef struct pausing {
    cleat__engine_choice choice;
    bool crons, schedules, json;
    const char *ttl;
} pausing;

/* NULL: it goes on. */
static int change(const cleat__engine_choice *choice, const char *name, const cleat_pause_options *pause)
{
    cleat_client *client = NULL;
    int code = cleat__engine_client(choice, &client);
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = pause != NULL ? cleat_client_pause_workflow(client, name, pause)
                                            : cleat_client_resume_workflow(client, name);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    return code;
}

static int print(const pausing *it, const char *name, bool is_paused)
{
    cleat__json_writer writer = {0};
    if (!it->json) {
        printf("%s %s\n", is_paused ? "paused" : "resumed", name);
        return cleat__finish_output();
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "name", name);
    cleat__writer_bool(&writer, "paused", is_paused);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

int cleat__verb_workflows_pause(const cleat__cli *cli, int argc, char **argv)
{
    pausing it = {.choice = {.verb = "workflows pause",
                             .asked = "PATCH /api/v1/workflows/ID {\"pause\":{\"action\":\"pause\"}}"}};
    const cleat__option options[] = {
        CLEAT__FLAG("queue-crons", &it.crons, "its crons make runs that wait; else they start none"),
        CLEAT__FLAG("queue-schedules", &it.schedules, "the same of its schedules; else they are gone"),
        CLEAT__TEXT("ttl", "TIME", &it.ttl, "runs that have waited so long are given up: 2h, 7d"),
        CLEAT__OPTION_ENGINE(&it.choice.db),
        CLEAT__OPTION_TENANT(&it.choice.tenant),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = it.choice.verb,
        .operands = "NAME",
        .summary = "Pauses the task or workflow NAME: no worker gets its runs until it goes on.",
        .more = "Runs are started and stored meanwhile, and what a worker has goes on.\n"
                "Of one that is paused, the options are the new ones.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int64_t ttl_ms = 0;
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    if (it.ttl != NULL && !cleat__lifetime_parse(it.ttl, &ttl_ms)) {
        return cleat__complain_usage(usage.verb, "--ttl must be 30s, 2h or 7d, not \"%s\"", it.ttl);
    }
    code = change(
        &it.choice, operands[0],
        CLEAT_PAUSE_OPTIONS(.queue_crons = it.crons, .queue_schedules = it.schedules, .ttl_ms = ttl_ms));
    return code == CLEAT__EXIT_OK ? print(&it, operands[0], true) : code;
}

int cleat__verb_workflows_resume(const cleat__cli *cli, int argc, char **argv)
{
    pausing it = {.choice = {.verb = "workflows resume",
                             .asked = "PATCH /api/v1/workflows/ID {\"pause\":{\"action\":\"unpause\"}}"}};
    const cleat__option options[] = {CLEAT__OPTION_ENGINE(&it.choice.db),
                                     CLEAT__OPTION_TENANT(&it.choice.tenant), CLEAT__OPTION_JSON(&it.json)};
    const cleat__usage usage = {
        .verb = it.choice.verb,
        .operands = "NAME",
        .summary = "Lets the task or workflow NAME go on that was paused.",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code == CLEAT__ARGS_GO) {
        code = change(&it.choice, operands[0], NULL);
        return code == CLEAT__EXIT_OK ? print(&it, operands[0], false) : code;
    }
    return code;
}
