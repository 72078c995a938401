#include "args.h"
#include "base/clock.h"
#include "database.h"
#include "message.h"
#include "trace_rows.h"

#include <stdio.h>

typedef struct listing {
    cleat__table table;
    cleat__json_writer *json; /* NULL: the table */
    int64_t now_ms;
    int64_t count;
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
    return true;
}

static int print_table(listing *list, cleat__store *store, const cleat__trace_filter *filter)
{
    cleat_status status = cleat__trace_list(store, filter, add_row, list);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&list->table.cells);
        return cleat__complain_status(status);
    }
    if (list->count == 0) {
        cleat__buffer_deinit(&list->table.cells);
        printf("no traces\n");
        return cleat__finish_output();
    }
    cleat__table_print(&list->table, 0);
    if (list->count == filter->limit) {
        printf("the newest %lld: --limit N shows more\n", (long long)list->count);
    }
    return cleat__finish_output();
}

static int print_json(listing *list, cleat__store *store, const cleat__trace_filter *filter)
{
    cleat__json_writer writer = {0};
    list->json = &writer;
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "traces");
    cleat_status status = cleat__trace_list(store, filter, add_row, list);
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}

int cleat__verb_traces_ls(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL, *run = NULL, *name = NULL, *task = NULL;
    int64_t limit = 20;
    bool json = false;
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&db),
        CLEAT__TEXT("run", "RUN", &run, "traces with a span of this run"),
        CLEAT__TEXT("name", "NAME", &name, "traces whose root span is called so"),
        CLEAT__TEXT("task", "TASK", &task, "traces that begin with this task, such as archive:pack"),
        CLEAT__NUMBER("limit", "N", &limit, 1, 1000000, "at most N traces; default 20"),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = "traces ls",
        .operands = "",
        .summary = "Lists traces, newest first. LINKS counts links out of and into the trace.",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    cleat__store *store = NULL;
    cleat__uuid run_id;
    listing list = {.now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};

    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = cleat__database_open(db, &store);
    if (code == CLEAT__EXIT_OK && run != NULL) {
        code = cleat__database_find_run(store, run, &run_id);
    }
    if (code == CLEAT__EXIT_OK) {
        const cleat__trace_filter filter = {.name = cleat_slice_of(name),
                                            .task = cleat_slice_of(task),
                                            .run_id = run != NULL ? &run_id : NULL,
                                            .limit = limit};
        cleat__trace_table_init(&list.table, &cli->terminal);
        code = json ? print_json(&list, store, &filter) : print_table(&list, store, &filter);
    }
    cleat__store_close(store);
    return code;
}
