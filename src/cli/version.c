#include "args.h"
#include "json_writer.h"
#include "message.h"
#include "verb.h"

#include <sqlite3.h>
#include <stdio.h>

int cleat__verb_version(const cleat__cli *cli, int argc, char **argv)
{
    bool json = false;
    const cleat__option options[] = {CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = "version",
        .operands = "",
        .summary = "Prints the versions of the command and of SQLite.",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    (void)cli;
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    if (json) {
        cleat__json_writer writer = {0};
        cleat__writer_begin_object(&writer, NULL);
        cleat__writer_string(&writer, "version", cleat_version());
        cleat__writer_string(&writer, "sqlite", sqlite3_libversion());
        cleat__writer_end_object(&writer);
        return cleat__writer_print(&writer);
    }
    printf("cleat %s (SQLite %s)\n", cleat_version(), sqlite3_libversion());
    return cleat__finish_output();
}
