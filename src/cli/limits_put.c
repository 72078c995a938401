#include "args.h"
#include "duration_name.h"
#include "engine_client.h"
#include "json_writer.h"
#include "message.h"
#include "verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct putting {
    cleat__engine_choice choice;
    const char *per;
    bool json;
    const char *key;
    int32_t units;
    cleat_rate_limit_duration duration;
} putting;

static bool read_units(const char *text, int32_t *out)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    *out = (int32_t)value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value <= INT32_MAX;
}

static int print(const putting *it)
{
    cleat__json_writer writer = {0};
    if (!it->json) {
        printf("%s: %d per %s\n", it->key, (int)it->units, it->per);
        return cleat__finish_output();
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "key", it->key);
    cleat__writer_int(&writer, "limit", it->units);
    cleat__writer_string(&writer, "per", it->per);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

static int put(const putting *it)
{
    cleat_client *client = NULL;
    int code = cleat__engine_client(&it->choice, &client);
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat_client_put_rate_limit(client, it->key, it->units, it->duration);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    return code == CLEAT__EXIT_OK ? print(it) : code;
}

int cleat__verb_limits_put(const cleat__cli *cli, int argc, char **argv)
{
    putting it = {.choice = {.verb = "limits put", .asked = "PutRateLimit of gRPC"}, .per = "minute"};
    const cleat__option options[] = {
        CLEAT__TEXT("per", "WINDOW", &it.per, "second, minute (default), hour, day, week, month or year"),
        CLEAT__OPTION_ENGINE(&it.choice.db),
        CLEAT__OPTION_TENANT(&it.choice.tenant),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = it.choice.verb,
        .operands = "KEY UNITS",
        .summary = "Makes the rate limit KEY of UNITS per window of time, or changes it.",
        .more = "A lower limit counts at once; what a higher one adds is there from the next\n"
                "window on.\n",
        .min_operands = 2,
        .max_operands = 2,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    it.key = operands[0];
    if (!read_units(operands[1], &it.units)) {
        return cleat__complain_usage(usage.verb, "UNITS must be a number from 0 to %d, not \"%s\"", INT32_MAX,
                                     operands[1]);
    }
    if (!cleat__duration_find(it.per, &it.duration)) {
        return cleat__complain_usage(usage.verb,
                                     "--per must be second, minute, hour, day, week, month or year, not "
                                     "\"%s\"",
                                     it.per);
    }
    return put(&it);
}
