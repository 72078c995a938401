#include "args.h"
#include "base/clock.h"
#include "engine_client.h"
#include "format.h"
#include "message.h"
#include "model/cron.h"
#include "model/duration.h"
#include "model/rfc3339.h"
#include "verb.h"

#include <cleat/schedule.h>

#include <stdio.h>

#define ASKED "POST /api/v1/tenants/TENANT/workflows/WORKFLOW/scheduled or .../crons"

typedef struct adding {
    const char *db, *tenant, *input, *metadata, *name;
    int64_t priority;
    bool json;
    const char *task, *when;
    char id[37];
    int64_t at_ms; /* the next */
} adding;

/* "+90m", or a time of RFC 3339. CLEAT_EMPTY: neither. */
static cleat_status read_time(const char *text, int64_t now_ms, int64_t *at_ms)
{
    int64_t ms = 0;
    if (text[0] == '+') {
        cleat_status status = cleat__duration_parse("TIME", cleat_slice_of(text + 1), &ms);
        *at_ms = now_ms + ms;
        return status;
    }
    return cleat__rfc3339_parse(cleat_slice_of(text), at_ms) ? CLEAT_OK : CLEAT_EMPTY;
}

/* A cron has blanks in it, which no time has. */
static bool is_cron(const adding *it)
{
    return strpbrk(it->when, " \t") != NULL;
}

static int check(adding *it)
{
    int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    cleat__cron cron;
    cleat_status status;
    if (it->name != NULL && !is_cron(it)) {
        return cleat__complain_usage("schedule add", "--name is of crons: a run at a time has none");
    }
    if (is_cron(it)) {
        status = cleat__cron_parse(cleat_slice_of(it->when), &cron);
        it->at_ms = status == CLEAT_OK ? cleat__cron_next_ms(&cron, now_ms) : 0;
    } else {
        status = read_time(it->when, now_ms, &it->at_ms);
    }
    if (status == CLEAT_EMPTY) {
        return cleat__complain_usage("schedule add",
                                     "\"%s\" is no time: 2030-01-01T09:00:00Z, +90m, or a cron in quotes, "
                                     "\"30 3 * * *\"",
                                     it->when);
    }
    if (status != CLEAT_OK) {
        return cleat__complain_usage("schedule add", "%s", cleat_error_message());
    }
    return CLEAT__EXIT_OK;
}

/* Those who give no name have one cron of an expression. */
static cleat_status make(cleat_client *client, adding *it)
{
    const char *name = it->name != NULL ? it->name : "cli";
    const cleat_run_options *options =
        CLEAT_RUN_OPTIONS(.metadata = it->metadata, .priority = (int)it->priority);
    cleat_schedule_id schedule = {""};
    cleat_cron_id cron = {""};
    bool recurs = is_cron(it);
    cleat_status status =
        recurs ? cleat_client_create_cron(client, it->task, name, it->when, it->input, options, &cron)
               : cleat_client_schedule(client, it->task, it->at_ms, it->input, options, &schedule);
    (void)snprintf(it->id, sizeof(it->id), "%s", recurs ? cron.text : schedule.text);
    return status;
}

static int add(adding *it)
{
    const cleat__engine_choice choice = {
        .verb = "schedule add", .db = it->db, .tenant = it->tenant, .asked = ASKED};
    cleat_client *client = NULL;
    int code = check(it);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__engine_client(&choice, &client);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = make(client, it);
        if (status == CLEAT_ALREADY_EXISTS) {
            code = cleat__complain("%s: delete that (cleat schedule rm), or give this one another --name",
                                   cleat_error_message());
        } else {
            code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
        }
    }
    cleat_client_free(client);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    if (it->json) {
        printf("{\"id\":\"%s\",\"next_at\":\"%s\"}\n", it->id, cleat__format_rfc3339(it->at_ms).text);
    } else {
        printf("added %s, %s %s\n", it->id, is_cron(it) ? "next" : "at",
               cleat__format_rfc3339(it->at_ms).text);
    }
    return cleat__finish_output();
}

int cleat__verb_schedule_add(const cleat__cli *cli, int argc, char **argv)
{
    adding it = {.name = NULL};
    const cleat__option options[] = {
        CLEAT__OPTION_ENGINE(&it.db),
        CLEAT__OPTION_TENANT(&it.tenant),
        CLEAT__TEXT("input", "JSON", &it.input, "input of the runs, an object; default {}"),
        CLEAT__TEXT("metadata", "JSON", &it.metadata, "metadata of the runs, an object"),
        CLEAT__NUMBER("priority", "N", &it.priority, 1, 3, "1 low .. 3 high; default: the task's own"),
        CLEAT__TEXT("name", "NAME", &it.name, "name of the cron; default cli"),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = "schedule add",
        .operands = "TASK TIME",
        .summary = "Starts a run of TASK at TIME, or at each TIME.",
        .more = "TIME is 2030-01-01T09:00:00Z; +90m from now; or a cron in UTC, as one word:\n"
                "\"30 3 * * MON-FRI\" (minute hour day month weekday; with six fields the first is\n"
                "the second). The task must have been declared by a worker of the tenant.\n",
        .surplus = "a cron is one word, in quotes",
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
    it.task = operands[0];
    it.when = operands[1];
    return add(&it);
}
