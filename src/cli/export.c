/* `cleat export`: all of a file as lines of JSON. */
#include "store/export.h"

#include "args.h"
#include "database.h"
#include "message.h"
#include "verb.h"

#include <stdio.h>

/* A full disk is told at the end, by cleat__finish_output(). */
static cleat_status write_line(void *argument, cleat_slice line)
{
    (void)argument;
    return fwrite(line.data, 1, line.size, stdout) == line.size ? CLEAT_OK : CLEAT_CANCELLED;
}

static int export_file(const char *db)
{
    cleat__store *store = NULL;
    int code = cleat__database_open(db, &store);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    cleat_status status = cleat__export(store, write_line, NULL);
    code = status == CLEAT_OK || status == CLEAT_CANCELLED ? cleat__finish_output()
                                                           : cleat__complain_status(status);
    cleat__store_close(store);
    return code;
}

int cleat__verb_export(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    const cleat__option options[] = {CLEAT__OPTION_DB(&db)};
    const cleat__usage usage = {
        .verb = "export",
        .operands = "",
        .summary = "Writes all that is in the database as lines of JSON.",
        .more = "As it is at one moment, also beside an engine. Tokens and their keys stay out.\n"
                "cleat import makes a database of it, or adds it to one.\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code == CLEAT__ARGS_GO ? export_file(db) : code;
}
