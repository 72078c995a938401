/* `cleat backup`: a copy of the file while it is in use. */
#include "store/backup.h"

#include "args.h"
#include "database.h"
#include "format.h"
#include "json_writer.h"
#include "message.h"
#include "progress.h"
#include "verb.h"

#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t is_over;

static void end(int signal)
{
    (void)signal;
    is_over = 1;
}

static bool show(void *argument, int64_t copied_bytes, int64_t all_bytes)
{
    cleat__progress_show(argument, copied_bytes, all_bytes);
    return !is_over;
}

static int make(const char *db, const char *to, bool json)
{
    cleat__progress progress;
    cleat__backup_result result;
    const struct sigaction action = {.sa_handler = end, .sa_flags = (int)SA_RESETHAND};
    /* So that it can remove what it has made; the second signal does not wait for that. */
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    cleat__progress_begin(&progress, "copying");
    cleat_status status = cleat__backup(cleat__database_path(db), to, show, &progress, &result);
    cleat__progress_end(&progress);
    if (status != CLEAT_OK) {
        return cleat__complain_status(status);
    }
    if (!json) {
        printf("%s: %s\n", to, cleat__format_bytes(result.bytes).text);
        return cleat__finish_output();
    }
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "file", to);
    cleat__writer_int(&writer, "bytes", result.bytes);
    cleat__writer_int(&writer, "schema", result.schema);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

int cleat__verb_backup(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool json = false;
    const cleat__option options[] = {CLEAT__OPTION_DB(&db), CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = "backup",
        .operands = "FILE",
        .summary = "Copies the database as it is now into a new file.",
        .more = "Whoever uses it, an engine too, goes on meanwhile. FILE is there when it is\n"
                "whole: it is a database like the other. The keys of tokens are in it. A damaged\n"
                "database gives a damaged copy: cleat check --db FILE tells.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code == CLEAT__ARGS_GO ? make(db, operands[0], json) : code;
}
