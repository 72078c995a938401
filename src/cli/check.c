/* `cleat check`: what is wrong with a file, if anything is. */
#include "collector/check.h"

#include "args.h"
#include "base/error.h"
#include "database.h"
#include "format.h"
#include "json_writer.h"
#include "message.h"
#include "verb.h"

#include <stdio.h>

typedef struct checking {
    bool json;
    int64_t limit; /* of rows told for a rule */
    cleat__json_writer writer;
    char rule[64];        /* of the last finding */
    int64_t of_rule, all; /* findings */
} checking;

/* After the rule's last finding. */
static void end_rule(const checking *it)
{
    if (!it->json && it->of_rule > it->limit) {
        printf("  and %s more\n", cleat__format_count(it->of_rule - it->limit).text);
    }
}

static void begin_rule(checking *it, const cleat__finding *finding)
{
    end_rule(it);
    snprintf(it->rule, sizeof(it->rule), "%.*s", CLEAT_SLICE_ARGS(finding->rule));
    it->of_rule = 0;
    if (!it->json) {
        printf("%s: not always so: %.*s\n", it->rule, CLEAT_SLICE_ARGS(finding->holds));
    }
}

static void tell(void *argument, const cleat__finding *finding)
{
    checking *it = argument;
    if (finding->rule.size != strlen(it->rule) ||
        memcmp(finding->rule.data, it->rule, finding->rule.size) != 0) {
        begin_rule(it, finding);
    }
    it->all++;
    it->of_rule++;
    if (it->of_rule > it->limit) {
        return;
    }
    if (!it->json) {
        printf("  %.*s\n", CLEAT_SLICE_ARGS(finding->what));
        return;
    }
    cleat__writer_begin_object(&it->writer, NULL);
    cleat__writer_slice(&it->writer, "rule", finding->rule);
    cleat__writer_slice(&it->writer, "holds", finding->holds);
    cleat__writer_slice(&it->writer, "what", finding->what);
    cleat__writer_end_object(&it->writer);
}

/* In a file that is damaged the rest cannot be looked for. */
static cleat_status check(cleat__store *store, checking *it, int *rules)
{
    cleat_status status = cleat__store_begin(store);
    if (status == CLEAT_OK) {
        status = cleat__check_file(store, tell, it, rules);
    }
    if (status == CLEAT_OK && it->all == 0) {
        status = cleat__check_schema(store, tell, it, rules);
    }
    if (status == CLEAT_OK && it->all == 0) {
        status = cleat__check_tables(store, tell, it, rules);
        if (status == CLEAT_OK) {
            status = cleat__check_spans(store, tell, it, rules);
        }
    }
    cleat__store_rollback(store);
    return status;
}

static int conclude(checking *it, const char *path, int rules)
{
    int code = CLEAT__EXIT_OK;
    end_rule(it);
    if (it->json) {
        cleat__writer_end_array(&it->writer);
        cleat__writer_string(&it->writer, "file", path);
        cleat__writer_int(&it->writer, "rules", rules);
        cleat__writer_int(&it->writer, "count", it->all);
        cleat__writer_end_object(&it->writer);
        code = cleat__writer_print(&it->writer);
    } else if (it->all == 0) {
        printf("%s: %d rules, all hold\n", path, rules);
    }
    code = code == CLEAT__EXIT_OK ? cleat__finish_output() : code;
    if (it->all != 0) {
        return cleat__complain("%s: %s wrong: restore a backup, or keep a copy and report it", path,
                               it->all == 1 ? "one thing is" : "some things are");
    }
    return code;
}

static int run(const char *db, bool json, int64_t limit)
{
    cleat__store *store = NULL;
    checking it = {.json = json, .limit = limit};
    int rules = 0;
    int code = cleat__database_open(db, &store);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    if (json) {
        cleat__writer_begin_object(&it.writer, NULL);
        cleat__writer_begin_array(&it.writer, "findings");
    }
    cleat_status status = check(store, &it, &rules);
    if (status == CLEAT_OK) {
        code = conclude(&it, cleat__database_path(db), rules);
    } else {
        code = cleat__complain_status(status);
        cleat__buffer_deinit(&it.writer.out);
    }
    cleat__store_close(store);
    return code;
}

int cleat__verb_check(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool json = false;
    int64_t limit = 10;
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&db),
        CLEAT__NUMBER("limit", "N", &limit, 1, 1000000, "places told of each rule; 10"),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = "check",
        .operands = "",
        .summary = "Looks whether all in the database is as it must be, and says what is not.",
        .more = "It only reads, also beside an engine. Exit 0: all rules hold; 1: one does not.\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code == CLEAT__ARGS_GO ? run(db, json, limit) : code;
}
