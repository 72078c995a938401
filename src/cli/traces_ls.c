#include "args.h"
#include "base/clock.h"
#include "database.h"
#include "message.h"
#include "trace_rows.h"

#include <stdio.h>
#include <strings.h>

enum { LIMIT = 20 };

typedef struct trace_options {
    const char *db, *tenant, *run, *name, *task, *status, *before;
    int64_t limit;
    bool json;
} trace_options;

typedef struct listing {
    const cleat__cli *cli;
    const trace_options *options;
    cleat__table table;
    cleat__json_writer *json; /* NULL: the table */
    int64_t now_ms;
    int64_t count;
    cleat_trace_id last;
} listing;

static bool add_row(void *argument, const cleat__trace_row *row)
{
    listing *list = argument;
    if (list->json != NULL) {
        cleat__trace_row_to_json(list->json, row);
    } else {
        cleat__trace_table_add(&list->table, row, list->now_ms);
    }
    list->count++;
    list->last = row->trace_id;
    return true;
}

/* The same list from where this one ended. */
static void append_next(cleat__buffer *out, const listing *list, const char *last)
{
    const trace_options *options = list->options;
    char limit[24];
    snprintf(limit, sizeof(limit), "%lld", (long long)options->limit);
    cleat__buffer_append_string(out, "older ones: ");
    cleat__database_append_command(out, list->cli, "traces ls", options->db);
    cleat__database_append_option(out, "tenant", options->tenant);
    cleat__database_append_option(out, "run", options->run);
    cleat__database_append_option(out, "name", options->name);
    cleat__database_append_option(out, "task", options->task);
    cleat__database_append_option(out, "status", options->status);
    cleat__database_append_option(out, "limit", options->limit != LIMIT ? limit : NULL);
    cleat__database_append_option(out, "before", last);
    cleat__buffer_append_byte(out, '\n');
}

static int print_table(listing *list, cleat__store *store, const cleat__trace_filter *filter)
{
    char hex[33];
    cleat__buffer out = {0};
    cleat_status status = cleat__trace_list(store, filter, add_row, list);
    if (status != CLEAT_OK || list->count == 0) {
        cleat__buffer_deinit(&list->table.cells);
        if (status != CLEAT_OK) {
            return cleat__complain_status(status);
        }
        cleat__buffer_append_string(&out, "no traces\n");
        return cleat__print(&out);
    }
    cleat__table_append(&list->table, &out, 0);
    if (list->count == filter->limit) {
        cleat_trace_id_to_hex(&list->last, hex);
        hex[CLEAT__TRACE_ID_SHOWN] = '\0';
        append_next(&out, list, hex);
    }
    return cleat__print(&out);
}

static int print_json(listing *list, cleat__store *store, const cleat__trace_filter *filter)
{
    cleat__json_writer writer = {0};
    char hex[33];
    list->json = &writer;
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "traces");
    cleat_status status = cleat__trace_list(store, filter, add_row, list);
    cleat__writer_end_array(&writer);
    cleat_trace_id_to_hex(&list->last, hex);
    cleat__writer_string(&writer, "next_before", list->count == filter->limit ? hex : NULL);
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}

static bool parse_status(const char *text, cleat__trace_status *out)
{
    *out = strcasecmp(text, "error") == 0 ? CLEAT__TRACE_ERROR : CLEAT__TRACE_OK;
    return *out == CLEAT__TRACE_ERROR || strcasecmp(text, "ok") == 0;
}

/* Resolves ids and names; the filter borrows from the other arguments. */
static int make_filter(const trace_options *options, cleat__store *store, cleat__uuid *run,
                       cleat_trace_id *before, cleat__trace_filter *filter)
{
    *filter = (cleat__trace_filter){.name = cleat_slice_of(options->name),
                                    .task = cleat_slice_of(options->task),
                                    .limit = options->limit};
    if (options->status != NULL && !parse_status(options->status, &filter->status)) {
        return cleat__complain_usage("traces ls", "--status must be error or ok, not \"%s\"",
                                     options->status);
    }
    int code = cleat__database_find_tenant(store, options->tenant, CLEAT__TENANT_DEFAULT, &filter->tenant);
    if (code == CLEAT__EXIT_OK && options->run != NULL) {
        code = cleat__database_find_run(store, options->run, run);
        filter->run_id = run;
    }
    if (code == CLEAT__EXIT_OK && options->run != NULL && options->tenant == NULL) {
        cleat__run_row row = {0};
        code = cleat__run_get(store, run, &row) == CLEAT_OK ? CLEAT__EXIT_OK
                                                            : cleat__complain("%s", cleat_error_message());
        filter->tenant = row.tenant;
    }
    if (code == CLEAT__EXIT_OK && options->before != NULL) {
        code = cleat__database_find_trace(store, filter->tenant, options->before, before);
        filter->before = before;
    }
    return code;
}

static int list_traces(const cleat__cli *cli, const trace_options *options)
{
    cleat__store *store = NULL;
    cleat__trace_filter filter;
    cleat__uuid run;
    cleat_trace_id before;
    listing list = {.cli = cli, .options = options, .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    int code = cleat__database_open(options->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = make_filter(options, store, &run, &before, &filter);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat__trace_table_init(&list.table, &cli->terminal);
        code = options->json ? print_json(&list, store, &filter) : print_table(&list, store, &filter);
    }
    cleat__store_close(store);
    return code;
}

int cleat__verb_traces_ls(const cleat__cli *cli, int argc, char **argv)
{
    trace_options chosen = {.limit = LIMIT};
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&chosen.db),
        CLEAT__TEXT("tenant", "NAME", &chosen.tenant, "whose traces; default \"default\""),
        CLEAT__TEXT("run", "RUN", &chosen.run, "traces with a span of this run"),
        CLEAT__TEXT("name", "NAME", &chosen.name, "traces whose root span is called so"),
        CLEAT__TEXT("task", "TASK", &chosen.task, "traces that begin with this task, such as archive:pack"),
        CLEAT__TEXT("status", "STATUS", &chosen.status, "error: traces with a span that failed; ok: others"),
        CLEAT__TEXT("before", "TRACE", &chosen.before, "traces older than this one"),
        CLEAT__NUMBER("limit", "N", &chosen.limit, 1, 1000000, "at most N traces; default 20"),
        CLEAT__OPTION_JSON(&chosen.json),
    };
    const cleat__usage usage = {
        .verb = "traces ls",
        .operands = "",
        .summary = "Lists traces, newest first. LINKS counts links out of and into the trace.",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code != CLEAT__ARGS_GO ? code : list_traces(cli, &chosen);
}
