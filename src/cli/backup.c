/* `cleat backup`: a copy of the file while it is in use. */
#include "store/backup.h"

#include "args.h"
#include "collector/check.h"
#include "database.h"
#include "format.h"
#include "json_writer.h"
#include "message.h"
#include "progress.h"
#include "signals.h"
#include "verb.h"

#include <stdio.h>

static bool show(void *argument, int64_t copied_bytes, int64_t all_bytes)
{
    cleat__progress_show(argument, copied_bytes, all_bytes);
    return !cleat__signals_came();
}

static int print(const char *to, const cleat__backup_result *result, bool json)
{
    cleat__json_writer writer = {0};
    if (!json) {
        printf("%s: %s", to, cleat__format_bytes(result->bytes).text);
        if (result->rules == 1) {
            printf(", of schema %d: its pages are sound, no other rule is known", result->schema);
        } else if (result->rules != 0) {
            printf(", %d rules, all hold", result->rules);
        }
        printf("\n");
        return cleat__finish_output();
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "file", to);
    cleat__writer_int(&writer, "bytes", result->bytes);
    cleat__writer_int(&writer, "schema", result->schema);
    cleat__writer_int(&writer, "rules", result->rules);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

static int make(const char *db, const char *to, bool is_checked, bool json)
{
    cleat__progress progress;
    cleat__backup_result result;
    cleat__signals_note(-1); /* so that it can remove what it has made */
    cleat__progress_begin(&progress, "copying");
    const cleat__backup_options options = {.from = cleat__database_path(db),
                                           .to = to,
                                           .step = show,
                                           .argument = &progress,
                                           .is_checked = is_checked,
                                           .check = cleat__check_spans};
    cleat_status status = cleat__backup(&options, &result);
    cleat__progress_end(&progress);
    return status == CLEAT_OK ? print(to, &result, json) : cleat__complain_status(status);
}

int cleat__verb_backup(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool is_checked = false, json = false;
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&db),
        CLEAT__FLAG("check", &is_checked, "keep it only where all rules of cleat check hold"),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = "backup",
        .operands = "FILE",
        .summary = "Copies the database as it is now into a new file.",
        .more = "Whoever uses it, an engine too, goes on meanwhile. FILE is there when it is\n"
                "whole: it is a database like the other. The keys of tokens are in it. A damaged\n"
                "database gives a damaged copy, unless it is checked.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code == CLEAT__ARGS_GO && operands[0][0] == '\0') {
        return cleat__complain_usage(usage.verb, "FILE is empty");
    }
    return code == CLEAT__ARGS_GO ? make(db, operands[0], is_checked, json) : code;
}
