#include "args.h"
#include "engine_client.h"
#include "json_writer.h"
#include "message.h"
#include "verb.h"

#include <cleat/client.h>

#include <stdio.h>

typedef struct starting {
    cleat__engine_choice choice;
    const char *metadata;
    int64_t priority;
    bool waits, json;
    const char *task, *input;
    cleat_run_id id;
} starting;

static int print_start(const starting *it)
{
    printf(it->json ? "{\"id\":\"%s\"}\n" : "%s\n", it->id.text);
    return cleat__finish_output();
}

static int print_json(const cleat_run_result *result)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "id", result->id.text);
    cleat__writer_string(&writer, "status", cleat_run_status_name(result->status));
    cleat__writer_raw(&writer, "output", cleat_slice_of(result->output));
    cleat__writer_string(&writer, "error", result->error);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

/* Success is that of the run. */
static int print_end(const starting *it, const cleat_run_result *result)
{
    bool is_good = result->status == CLEAT_RUN_COMPLETED;
    int code = CLEAT__EXIT_OK;
    if (it->json) {
        code = print_json(result);
    } else if (is_good) {
        printf("%s\n", result->output != NULL ? result->output : "null");
        code = cleat__finish_output();
    } else {
        return cleat__complain("run %s is %s%s%s", result->id.text, cleat_run_status_name(result->status),
                               result->error != NULL ? ": " : "", result->error != NULL ? result->error : "");
    }
    return code == CLEAT__EXIT_OK && !is_good ? CLEAT__EXIT_FAILED : code;
}

static int wait_for(const starting *it, cleat_client *client)
{
    cleat_run_result result = {0};
    cleat_status status = cleat_client_wait(client, &it->id, -1, &result);
    int code = status == CLEAT_OK
                   ? print_end(it, &result)
                   : cleat__complain("run %s has been started: %s", it->id.text, cleat_error_message());
    cleat_run_result_deinit(&result);
    return code;
}

static int start(starting *it)
{
    cleat_client *client = NULL;
    int code = cleat__engine_client(&it->choice, &client);
    if (code == CLEAT__EXIT_OK) {
        const cleat_run_options *options =
            CLEAT_RUN_OPTIONS(.metadata = it->metadata, .priority = (int)it->priority);
        cleat_status status = cleat_client_run_no_wait(client, it->task, it->input, options, &it->id);
        code = status != CLEAT_OK ? cleat__complain_status(status)
               : it->waits        ? wait_for(it, client)
                                  : print_start(it);
    }
    cleat_client_free(client);
    return code;
}

int cleat__verb_run(const cleat__cli *cli, int argc, char **argv)
{
    starting it = {
        .choice = {.verb = "run",
                   .asked = "POST /api/v1/stable/tenants/TENANT/workflow-runs/trigger "
                            "{\"workflowName\":\"NAME\",\"input\":JSON}"},
    };
    const cleat__option options[] = {
        CLEAT__FLAG("wait", &it.waits, "until it ends, and print its output; at a server"),
        CLEAT__TEXT("metadata", "JSON", &it.metadata, "metadata of the run, an object"),
        CLEAT__NUMBER("priority", "N", &it.priority, 1, 3, "1 low .. 3 high; default: the task's own"),
        CLEAT__OPTION_ENGINE(&it.choice.db),
        CLEAT__OPTION_TENANT(&it.choice.tenant),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = it.choice.verb,
        .operands = "TASK [JSON]",
        .summary = "Starts a run of TASK, or of a workflow, with JSON as its input; prints its id.",
        .more = "JSON is an object; default {}. The task must have been declared by a worker.\n"
                "In a file, which no other process may have open, the run waits for the program\n"
                "that works on it. With --wait the exit code is 0 when the run has completed, and\n"
                "else 1.\n",
        .min_operands = 1,
        .max_operands = 2,
        .surplus = "the input is one word, in quotes",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    if (it.waits && !cleat__engine_is_remote(it.choice.db)) {
        return cleat__complain_usage(usage.verb,
                                     "--wait is for servers (HATCHET_CLIENT_TOKEN): nobody works on a file "
                                     "meanwhile");
    }
    it.task = operands[0];
    it.input = operands[1];
    return start(&it);
}
