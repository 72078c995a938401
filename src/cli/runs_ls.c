#include "args.h"
#include "base/clock.h"
#include "database.h"
#include "message.h"
#include "run_rows.h"

#include <stdio.h>

enum { LIMIT = 20 };

typedef struct run_options {
    const char *db, *tenant, *task, *status, *parent, *before;
    int64_t limit;
    bool json;
} run_options;

typedef struct listing {
    const cleat__cli *cli;
    const run_options *options;
    cleat__table table;
    cleat__json_writer *json; /* NULL: the table */
    int64_t now_ms;
    int64_t count;
    cleat__uuid last;
} listing;

static bool add_row(void *argument, const cleat__run_row *row)
{
    listing *list = argument;
    if (list->json != NULL) {
        cleat__writer_begin_object(list->json, NULL);
        cleat__run_row_to_json(list->json, row);
        cleat__writer_end_object(list->json);
    } else {
        cleat__run_table_add(&list->table, row, list->now_ms);
    }
    list->count++;
    list->last = row->id;
    return true;
}

/* The same list from where this one ended. */
static void append_next(cleat__buffer *out, const listing *list, const char *last)
{
    const run_options *options = list->options;
    char limit[24];
    snprintf(limit, sizeof(limit), "%lld", (long long)options->limit);
    cleat__buffer_append_string(out, "older ones: ");
    cleat__database_append_command(out, list->cli, "runs ls", options->db);
    cleat__database_append_option(out, "tenant", options->tenant);
    cleat__database_append_option(out, "status", options->status);
    cleat__database_append_option(out, "task", options->task);
    cleat__database_append_option(out, "parent", options->parent);
    cleat__database_append_option(out, "limit", options->limit != LIMIT ? limit : NULL);
    cleat__database_append_option(out, "before", last);
    cleat__buffer_append_byte(out, '\n');
}

static int print_table(listing *list, cleat__store *store, const cleat__run_filter *filter)
{
    char id[37];
    cleat__buffer out = {0};
    cleat_status status = cleat__run_list(store, filter, add_row, list);
    if (status != CLEAT_OK || list->count == 0) {
        cleat__buffer_deinit(&list->table.cells);
        if (status != CLEAT_OK) {
            return cleat__complain_status(status);
        }
        cleat__buffer_append_string(&out, "no runs\n");
        return cleat__print(&out);
    }
    cleat__table_append(&list->table, &out, 0);
    if (list->count == filter->limit) {
        cleat__uuid_format(&list->last, id);
        append_next(&out, list, id);
    }
    return cleat__print(&out);
}

static int print_json(listing *list, cleat__store *store, const cleat__run_filter *filter)
{
    cleat__json_writer writer = {0};
    char id[37];
    list->json = &writer;
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "runs");
    cleat_status status = cleat__run_list(store, filter, add_row, list);
    cleat__writer_end_array(&writer);
    cleat__uuid_format(&list->last, id);
    cleat__writer_string(&writer, "next_before", list->count == filter->limit ? id : NULL);
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}

/* Resolves ids and names; the filter borrows from the other arguments. */
static int make_filter(const run_options *options, cleat__store *store, cleat__uuid ids[2], char action[],
                       cleat__run_filter *filter)
{
    *filter = (cleat__run_filter){.status = -1, .limit = options->limit};
    if (options->task != NULL) {
        if (cleat__action_id(options->task, action) != CLEAT_OK) {
            cleat__complain("--task: %s", cleat_error_message());
            return CLEAT__EXIT_USAGE;
        }
        filter->task = cleat_slice_of(action);
    }
    if (options->status != NULL && !cleat__run_status_parse(options->status, &filter->status)) {
        return cleat__complain_usage("runs ls",
                                     "--status must be queued, running, completed, failed or "
                                     "cancelled, not \"%s\"",
                                     options->status);
    }
    int code = cleat__database_find_tenant(store, options->tenant, 0, &filter->tenant);
    if (code == CLEAT__EXIT_OK && options->parent != NULL) {
        code = cleat__database_find_run(store, options->parent, &ids[0]);
        filter->parent_id = &ids[0];
    }
    if (code == CLEAT__EXIT_OK && options->before != NULL) {
        code = cleat__database_find_run(store, options->before, &ids[1]);
        filter->before = &ids[1];
    }
    return code;
}

static int list_runs(const cleat__cli *cli, const run_options *options)
{
    cleat__store *store = NULL;
    cleat__run_filter filter;
    cleat__uuid ids[2];
    char action[2 * CLEAT__TASK_NAME_MAX + 2];
    listing list = {.cli = cli, .options = options, .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    int code = cleat__database_open(options->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = make_filter(options, store, ids, action, &filter);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat__run_table_init(&list.table, &cli->terminal);
        code = options->json ? print_json(&list, store, &filter) : print_table(&list, store, &filter);
    }
    cleat__store_close(store);
    return code;
}

int cleat__verb_runs_ls(const cleat__cli *cli, int argc, char **argv)
{
    run_options chosen = {.limit = LIMIT};
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&chosen.db),
        CLEAT__TEXT("tenant", "NAME", &chosen.tenant, "runs of this tenant; default all"),
        CLEAT__TEXT("status", "STATUS", &chosen.status, "queued, running, completed, failed or cancelled"),
        CLEAT__TEXT("task", "TASK", &chosen.task, "runs of this task"),
        CLEAT__TEXT("parent", "RUN", &chosen.parent, "children of this run"),
        CLEAT__TEXT("before", "RUN", &chosen.before, "runs older than this one"),
        CLEAT__NUMBER("limit", "N", &chosen.limit, 1, 1000000, "at most N runs; default 20"),
        CLEAT__OPTION_JSON(&chosen.json),
    };
    const cleat__usage usage = {
        .verb = "runs ls",
        .operands = "",
        .summary = "Lists runs, newest first.",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code != CLEAT__ARGS_GO ? code : list_runs(cli, &chosen);
}
