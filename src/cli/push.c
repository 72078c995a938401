#include "args.h"
#include "engine_client.h"
#include "message.h"
#include "verb.h"

#include <cleat/event.h>

#include <stdio.h>

typedef struct pushing {
    cleat__engine_choice choice;
    const char *scope, *metadata;
    int64_t priority;
    bool json;
} pushing;

static int push(const pushing *it, const char *key, const char *payload)
{
    cleat_client *client = NULL;
    cleat_event_id id = {""};
    int code = cleat__engine_client(&it->choice, &client);
    if (code == CLEAT__EXIT_OK) {
        const cleat_event_options *options =
            CLEAT_EVENT_OPTIONS(.metadata = it->metadata, .scope = it->scope, .priority = (int)it->priority);
        cleat_status status = cleat_client_push(client, key, payload, options, &id);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    printf(it->json ? "{\"id\":\"%s\"}\n" : "%s\n", id.text);
    return cleat__finish_output();
}

int cleat__verb_push(const cleat__cli *cli, int argc, char **argv)
{
    pushing it = {
        .choice = {.verb = "push",
                   .asked = "POST /api/v1/tenants/TENANT/events {\"key\":\"KEY\",\"data\":JSON}"},
    };
    const cleat__option options[] = {
        CLEAT__TEXT("scope", "SCOPE", &it.scope, "whose filters count"),
        CLEAT__TEXT("metadata", "JSON", &it.metadata, "metadata of the event and its runs, an object"),
        CLEAT__NUMBER("priority", "N", &it.priority, 1, 3,
                      "of its runs, 1 low .. 3 high; default: the task's own"),
        CLEAT__OPTION_ENGINE(&it.choice.db),
        CLEAT__OPTION_TENANT(&it.choice.tenant),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = it.choice.verb,
        .operands = "KEY [JSON]",
        .summary = "Pushes an event with JSON as its payload; prints its id.",
        .more = "JSON is an object; default {}. A run starts of each task that lists KEY, and\n"
                "workflows that wait for it go on. No other process may have a file open.\n",
        .min_operands = 1,
        .max_operands = 2,
        .surplus = "the payload is one word, in quotes",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code == CLEAT__ARGS_GO ? push(&it, operands[0], operands[1]) : code;
}
