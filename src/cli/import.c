/* `cleat import`: lines of JSON into a file. */
#define _GNU_SOURCE /* getc_unlocked */
#include "store/import.h"

#include "args.h"
#include "base/error.h"
#include "collector/check.h"
#include "database.h"
#include "format.h"
#include "json_writer.h"
#include "message.h"
#include "signals.h"
#include "verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* No row of an export is near it, and what has no ends of lines is none. */
#define LINE_SIZE_MAX ((size_t)1 << 30)

typedef struct lines {
    FILE *file;
    const char *name;
    char *text;
    size_t room;
    int64_t count;
} lines;

static bool make_room(lines *from, size_t size)
{
    if (size < from->room) {
        return true;
    }
    size_t room = from->room < 4096 ? 4096 : 2 * from->room;
    char *text = realloc(from->text, room);
    if (text == NULL) {
        return false;
    }
    from->text = text;
    from->room = room;
    return true;
}

static cleat_status read_line(void *argument, cleat_slice *line)
{
    lines *from = argument;
    size_t size = 0;
    int byte;
    from->count++;
    errno = 0;
    while ((byte = getc_unlocked(from->file)) != EOF && byte != '\n') {
        if (byte == '\0' || size == LINE_SIZE_MAX) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "line %lld: this is not what cleat export writes: it has %s",
                               (long long)from->count, byte == '\0' ? "a NUL" : "more than 1 GiB");
        }
        if (!make_room(from, size)) {
            return cleat__fail_memory();
        }
        from->text[size++] = (char)byte;
    }
    if (cleat__signals_came()) { /* perhaps while it waited for more */
        return cleat__fail(CLEAT_CANCELLED, "the import was broken off");
    }
    if (ferror(from->file)) {
        return cleat__fail(CLEAT_IO, "cannot read %s: %s", from->name, strerror(errno));
    }
    *line = (cleat_slice){from->text != NULL ? from->text : "", size};
    return byte == EOF && size == 0 ? CLEAT_EMPTY : CLEAT_OK;
}

static bool goes_on(void *argument)
{
    (void)argument;
    return !cleat__signals_came();
}

static int print(const char *path, const cleat__import_result *result, bool json)
{
    if (!json) {
        printf("%s: %s rows, %s runs", path, cleat__format_count(result->rows).text,
               cleat__format_count(result->runs).text);
        if (result->copies != 0) {
            printf(", %s of which it had", cleat__format_count(result->copies).text);
        }
        printf("\n");
        return cleat__finish_output();
    }
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "file", path);
    cleat__writer_bool(&writer, "is_new", result->is_new);
    cleat__writer_int(&writer, "rows", result->rows);
    cleat__writer_int(&writer, "runs", result->runs);
    cleat__writer_int(&writer, "copies", result->copies);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

static int import_lines(const char *db, const char *name, bool json)
{
    bool is_input = strcmp(name, "-") == 0;
    lines from = {.file = is_input ? stdin : fopen(name, "r"), .name = is_input ? "standard input" : name};
    if (from.file == NULL) {
        return cleat__complain("cannot open %s: %s", name, strerror(errno));
    }
    const cleat__import_options options = {.path = cleat__database_path(db),
                                           .read = read_line,
                                           .argument = &from,
                                           .goes_on = goes_on,
                                           .check = cleat__check_spans};
    cleat__import_result result;
    cleat__signals_note(fileno(from.file)); /* so that it can remove what it has made */
    cleat_status status = cleat__import(&options, &result);
    int code = status == CLEAT_OK ? print(options.path, &result, json) : cleat__complain_status(status);
    free(from.text);
    if (!is_input) {
        fclose(from.file);
    }
    return code;
}

int cleat__verb_import(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool json = false;
    const cleat__option options[] = {CLEAT__OPTION_DB(&db), CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = "import",
        .operands = "LINES",
        .summary = "Reads what cleat export has written, from a file or, as -, standard input.",
        .more = "All or nothing: each line is checked, and that all holds together. The database\n"
                "is made when it is missing; else what it has not is added. No engine may have\n"
                "it.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code == CLEAT__ARGS_GO ? import_lines(db, operands[0], json) : code;
}
