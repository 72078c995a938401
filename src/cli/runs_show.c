#include "args.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "database.h"
#include "format.h"
#include "link_list.h"
#include "message.h"
#include "run_detail.h"
#include "run_rows.h"
#include "run_tasks.h"
#include "run_waits.h"
#include "store/tenant.h"
#include "trace_rows.h"
#include "waterfall.h"

#include <stdio.h>

enum {
    LABEL = 10,
    PAYLOAD_SHOWN = 1000,
    TRACES_SHOWN = 20,
    LOG_SHOWN = 50,
    WAITS_SHOWN = 5,
    ROWS_SHOWN = 50
};

typedef struct page {
    const cleat__cli *cli;
    cleat__store *store;
    const cleat__run_detail *run;
    const cleat__stitched *forest;
    const char *db;
    const char *tenant; /* that commands have to name; NULL: none */
    bool full, all;
    int64_t now_ms;
    cleat__buffer out;
} page;

static const char *code(const page *p, cleat__style style)
{
    return cleat__style_code(&p->cli->terminal, style);
}

static void add_heading(page *p, const char *title)
{
    cleat__buffer_append_format(&p->out, "\n%s%s%s\n", code(p, CLEAT__STYLE_BOLD), title,
                                code(p, CLEAT__STYLE_NONE));
}

static void add_field(page *p, const char *label, const char *value)
{
    cleat__buffer_append_format(&p->out, "  %s%-*s%s  %s\n", code(p, CLEAT__STYLE_DIM), LABEL, label,
                                code(p, CLEAT__STYLE_NONE), value);
}

/* ---- Sections ---- */

static void add_title(page *p)
{
    const cleat__run_row *row = &p->run->row;
    char id[37];
    cleat__uuid_format(&row->id, id);
    cleat__buffer_append_format(&p->out, "%s%s%s  ", code(p, CLEAT__STYLE_BOLD), id,
                                code(p, CLEAT__STYLE_NONE));
    cleat__text_append(&p->out, &p->cli->terminal, row->task);
    cleat__buffer_append_format(&p->out, "  %s%s%s\n", code(p, cleat__run_status_style(row->status)),
                                cleat_run_status_name(row->status), code(p, CLEAT__STYLE_NONE));
}

static void add_reason(page *p)
{
    cleat_slice reason = cleat__run_end_reason(&p->run->row);
    if (p->run->reason.size > 0) {
        reason = cleat__buffer_slice(&p->run->reason);
    }
    if (reason.data != NULL) {
        cleat__buffer_append_format(&p->out, "  %s%-*s%s  ", code(p, CLEAT__STYLE_DIM), LABEL, "because",
                                    code(p, CLEAT__STYLE_NONE));
        cleat__text_append(&p->out, &p->cli->terminal, reason);
        cleat__buffer_append_byte(&p->out, '\n');
    }
}

static void add_waits(page *p)
{
    cleat__buffer text = {0};
    if (p->run->waits.size == 0) {
        return;
    }
    cleat__run_waits_append_text(cleat__buffer_slice(&p->run->waits), p->full ? SIZE_MAX : WAITS_SHOWN,
                                 &text);
    cleat__buffer_append_format(&p->out, "  %s%-*s%s  ", code(p, CLEAT__STYLE_DIM), LABEL, "waits for",
                                code(p, CLEAT__STYLE_NONE));
    cleat__text_append(&p->out, &p->cli->terminal, cleat__buffer_slice(&text));
    cleat__buffer_append_byte(&p->out, '\n');
    cleat__buffer_deinit(&text);
}

static void add_times(page *p)
{
    static const char *const priorities[] = {"?", "low", "medium", "high"};
    const cleat__run_row *row = &p->run->row;
    char text[4 * CLEAT__FORMAT_SIZE];
    cleat__text age = cleat__format_age(row->created_at_ms, p->now_ms);
    snprintf(text, sizeof(text), "%s  %s%s", cleat__format_time(row->created_at_ms).text, age.text,
             strcmp(age.text, "now") == 0 ? "" : " ago");
    add_field(p, "created", text);
    if (row->started_at_ms != 0) {
        int64_t waited_ms = row->started_at_ms - row->created_at_ms;
        snprintf(text, sizeof(text), "%s  %s after it was created%s",
                 cleat__format_time(row->started_at_ms).text, cleat__format_ms(waited_ms).text,
                 row->retry_count > 0 ? " (the last attempt)" : "");
        add_field(p, "started", text);
    }
    if (row->finished_at_ms != 0) {
        int64_t took_ms = cleat__run_duration_ms(row, p->now_ms);
        snprintf(text, sizeof(text), "%s%s%s", cleat__format_time(row->finished_at_ms).text,
                 took_ms >= 0 ? "  took " : "", took_ms >= 0 ? cleat__format_ms(took_ms).text : "");
        add_field(p, "finished", text);
    }
    add_reason(p);
    add_waits(p);
    add_field(p, "priority", priorities[row->priority >= 1 && row->priority <= 3 ? row->priority : 0]);
}

static void add_parent(page *p)
{
    const cleat__run_row *row = &p->run->row;
    char id[37];
    char words[64];
    cleat__buffer command = {0};
    if (!row->is_child) {
        return;
    }
    cleat__uuid_format(&row->parent_id, id);
    snprintf(words, sizeof(words), "runs show %s", id);
    cleat__database_append_command(&command, p->cli, words, p->db);
    char *text = cleat__buffer_take_string(&command);
    add_field(p, "parent", text != NULL ? text : id);
    cleat__free(text);
    cleat__buffer_append_format(&p->out, "  %s%-*s%s  ", code(p, CLEAT__STYLE_DIM), LABEL, "child",
                                code(p, CLEAT__STYLE_NONE));
    cleat__buffer_append_format(&p->out, "number %lld", (long long)row->child_index);
    if (row->child_key.data != NULL) {
        cleat__buffer_append_string(&p->out, ", key ");
        cleat__text_append(&p->out, &p->cli->terminal, row->child_key);
    }
    cleat__buffer_append_byte(&p->out, '\n');
}

static void add_attempt(page *p, int32_t retry_count, const char *outcome, int64_t started_at_ms,
                        int64_t finished_at_ms, cleat_slice error)
{
    const cleat__terminal *terminal = &p->cli->terminal;
    bool began = started_at_ms != 0, done = finished_at_ms != 0;
    int64_t since_ms = began ? started_at_ms - p->run->row.created_at_ms : -1;
    int64_t took_ms = began ? finished_at_ms - started_at_ms : -1;
    cleat__buffer_append_format(&p->out, "  %-3d %-10s %9s  %s%-8s%s  ", (int)retry_count + 1, outcome,
                                done ? cleat__format_ms(took_ms).text : "", code(p, CLEAT__STYLE_DIM),
                                cleat__format_ms(since_ms).text, code(p, CLEAT__STYLE_NONE));
    cleat__buffer_append_string(&p->out, code(p, CLEAT__STYLE_RED));
    cleat__text_append(&p->out, terminal, error);
    cleat__buffer_append_string(&p->out, code(p, CLEAT__STYLE_NONE));
    cleat__buffer_append_byte(&p->out, '\n');
}

static void add_attempts(page *p)
{
    const cleat__run_detail *run = p->run;
    if (run->attempt_count == 0 && run->row.started_at_ms == 0) {
        return;
    }
    add_heading(p, "attempts");
    cleat__buffer_append_format(&p->out, "  %s%-3s %-10s %9s  %s%s\n", code(p, CLEAT__STYLE_DIM), "#",
                                "outcome", "took", "after", code(p, CLEAT__STYLE_NONE));
    for (size_t i = 0; i < run->attempt_count; i++) {
        const cleat__run_attempt *attempt = &run->attempts[i];
        add_attempt(p, attempt->retry_count, attempt->outcome, attempt->started_at_ms,
                    attempt->finished_at_ms, cleat_slice_of(attempt->error));
    }
    if (run->row.started_at_ms != 0) {
        add_attempt(p, run->row.retry_count, cleat_run_status_name(run->row.status), run->row.started_at_ms,
                    run->row.finished_at_ms, run->row.error);
    }
}

static void add_payload(page *p, const char *title, cleat_slice payload)
{
    if (payload.data == NULL) {
        return;
    }
    add_heading(p, title);
    bool cut = !p->full && payload.size > PAYLOAD_SHOWN;
    cleat_slice shown = {payload.data, cut ? PAYLOAD_SHOWN : payload.size};
    cleat__buffer_append_string(&p->out, "  ");
    cleat__text_append(&p->out, &p->cli->terminal, shown);
    if (cut) {
        cleat__buffer_append_format(&p->out, " %s(%s more: --full)%s", code(p, CLEAT__STYLE_DIM),
                                    cleat__format_bytes((int64_t)(payload.size - shown.size)).text,
                                    code(p, CLEAT__STYLE_NONE));
    }
    cleat__buffer_append_byte(&p->out, '\n');
}

/* The command that lists what belongs to the run. */
static void add_listing(page *p)
{
    char id[37];
    char words[64];
    cleat__uuid_format(&p->run->row.id, id);
    snprintf(words, sizeof(words), "runs ls --parent %s", id);
    cleat__buffer_append_format(&p->out, "  %s", code(p, CLEAT__STYLE_DIM));
    cleat__database_append_command(&p->out, p->cli, words, p->db);
    cleat__buffer_append_format(&p->out, "%s\n", code(p, CLEAT__STYLE_NONE));
}

static void add_tasks(page *p)
{
    if (p->run->row.is_dag) {
        add_heading(p, "tasks");
        cleat__run_tasks_append(&p->out, &p->cli->terminal, p->run);
        add_listing(p);
    }
}

static void add_children(page *p)
{
    const cleat__run_detail *run = p->run;
    if (run->child_count == 0) {
        return;
    }
    add_heading(p, run->row.is_dag ? "children of its tasks" : "children");
    cleat__run_counts_append(&p->out, &p->cli->terminal, run->children, run->child_count);
    if (!run->row.is_dag) {
        add_listing(p);
    }
}

static void add_log(page *p)
{
    const cleat__run_detail *run = p->run;
    size_t shown = p->full || run->log_count < LOG_SHOWN ? run->log_count : LOG_SHOWN;
    if (run->log_count == 0) {
        return;
    }
    add_heading(p, "log");
    for (size_t i = 0; i < shown; i++) {
        const cleat__run_log *line = &run->log[i];
        int64_t since_ms = line->time_ms - run->row.created_at_ms;
        cleat__buffer_append_format(&p->out, "  %s%9s%s  %-5s  ", code(p, CLEAT__STYLE_DIM),
                                    cleat__format_ms(since_ms).text, code(p, CLEAT__STYLE_NONE),
                                    cleat__log_level_name(line->level));
        cleat__text_append(&p->out, &p->cli->terminal, cleat_slice_of(line->message));
        if (line->metadata != NULL) {
            cleat__buffer_append_format(&p->out, "  %s", code(p, CLEAT__STYLE_DIM));
            cleat__text_append(&p->out, &p->cli->terminal, cleat_slice_of(line->metadata));
            cleat__buffer_append_string(&p->out, code(p, CLEAT__STYLE_NONE));
        }
        cleat__buffer_append_byte(&p->out, '\n');
    }
    if (shown < run->log_count) {
        cleat__buffer_append_format(&p->out, "  %s more: --full shows them\n",
                                    cleat__format_count((int64_t)(run->log_count - shown)).text);
    }
}

typedef struct trace_listing {
    page *page;
    cleat__table table;
    cleat__buffer command; /* of the first one */
    int64_t count;
} trace_listing;

static bool add_trace(void *argument, const cleat__trace_row *row)
{
    trace_listing *list = argument;
    char hex[33];
    char words[64];
    cleat__trace_table_add(&list->table, row, list->page->now_ms);
    if (list->count++ == 0) {
        cleat_trace_id_to_hex(&row->trace_id, hex);
        snprintf(words, sizeof(words), "traces show %.*s", CLEAT__TRACE_ID_SHOWN, hex);
        cleat__database_append_command(&list->command, list->page->cli, words, list->page->db);
        cleat__database_append_option(&list->command, "tenant", list->page->tenant);
    }
    return true;
}

static cleat_status add_traces(page *p)
{
    const cleat__trace_filter filter = {
        .tenant = p->run->row.tenant, .run_id = &p->run->row.id, .limit = p->full ? INT64_MAX : TRACES_SHOWN};
    trace_listing list = {.page = p};
    cleat__trace_table_init(&list.table, &p->cli->terminal);
    cleat_status status = cleat__trace_list(p->store, &filter, add_trace, &list);
    if (status == CLEAT_OK && list.count > 0) {
        add_heading(p, "traces with spans of this run");
        cleat__table_append(&list.table, &p->out, 2);
        cleat__buffer_append_format(&p->out, "  %s", code(p, CLEAT__STYLE_DIM));
        cleat__buffer_append_slice(&p->out, cleat__buffer_slice(&list.command));
        cleat__buffer_append_format(&p->out, "%s\n", code(p, CLEAT__STYLE_NONE));
    }
    cleat__buffer_deinit(&list.table.cells);
    cleat__buffer_deinit(&list.command);
    return status;
}

/* Of the run and all that it started, in whatever traces that is. */
static void add_waterfall(page *p)
{
    const cleat__stitched *forest = p->forest;
    const cleat__linked of = {.db = p->db, .tenant_name = p->tenant};
    const cleat__waterfall_options options = {
        .all = p->all, .rows = ROWS_SHOWN, .indent = 2, .headings = true};
    char title[2 * CLEAT__FORMAT_SIZE + 64];
    if (forest->span_count == 0) {
        return;
    }
    snprintf(title, sizeof(title), "%s %s in %s %s, of this run and what it started",
             cleat__format_count(forest->total_spans).text, forest->total_spans == 1 ? "span" : "spans",
             cleat__format_count(forest->total_traces).text, forest->total_traces == 1 ? "trace" : "traces");
    add_heading(p, title);
    cleat__waterfall_append(&p->out, &p->cli->terminal, forest, &options);
    cleat__links_append_outside(&p->out, p->cli, forest, &of, p->all);
}

static int print_page(page *p)
{
    const cleat__run_row *row = &p->run->row;
    add_title(p);
    add_times(p);
    add_parent(p);
    add_attempts(p);
    add_payload(p, "input", row->input);
    if (p->full) {
        add_payload(p, "metadata", row->metadata);
    }
    add_payload(p, "output", row->output);
    add_tasks(p);
    add_children(p);
    add_log(p);
    cleat__tenant tenant;
    cleat_status status = cleat__tenant_get(p->store, row->tenant, &tenant);
    if (status == CLEAT_OK) {
        p->tenant = tenant.id != CLEAT__TENANT_DEFAULT ? tenant.name : NULL;
        status = add_traces(p);
    }
    if (status == CLEAT_OK) {
        add_waterfall(p);
    }
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&p->out);
        return cleat__complain_status(status);
    }
    return cleat__print(&p->out);
}

static int show(page *p, const cleat__uuid *id, bool json)
{
    cleat__run_detail run = {0};
    cleat__stitched forest = {.tenant = 0};
    cleat_status status = cleat__store_begin(p->store); /* what is told together was there together */
    if (status == CLEAT_OK) {
        status = cleat__run_detail_load(p->store, id, &run);
    }
    if (status == CLEAT_OK) {
        status = cleat__stitched_load_run(p->store, run.row.tenant, id,
                                          p->all ? CLEAT__STITCHED_LIMIT_MAX : 0, &forest);
    }
    p->run = &run;
    p->forest = &forest;
    int exit_code = status != CLEAT_OK ? cleat__complain_status(status)
                    : json             ? cleat__run_detail_print_json(p->store, &run, &forest)
                                       : print_page(p);
    cleat__stitched_deinit(&forest);
    cleat__run_detail_deinit(&run);
    return exit_code;
}

int cleat__verb_runs_show(const cleat__cli *cli, int argc, char **argv)
{
    bool json = false;
    page p = {.cli = cli, .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&p.db),
        CLEAT__FLAG("full", &p.full, "payloads and log uncut, and the metadata"),
        CLEAT__FLAG("all", &p.all, "every span and trace, nothing folded"),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = "runs show",
        .operands = "RUN",
        .summary = "Shows one run, by its id or the first characters of it (8 or more).",
        .more = "Below it the spans of the run and of all that it started, each trace under a\n"
                "heading of its own, on one time axis; the same is in --json as \"view\".\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    cleat__uuid id;
    int exit_code = cleat__args_parse(&usage, argc, argv, operands);
    if (exit_code != CLEAT__ARGS_GO) {
        return exit_code;
    }
    exit_code = cleat__database_open(p.db, &p.store);
    if (exit_code == CLEAT__EXIT_OK) {
        exit_code = cleat__database_find_run(p.store, operands[0], &id);
    }
    if (exit_code == CLEAT__EXIT_OK) {
        exit_code = show(&p, &id, json);
    }
    cleat__store_close(p.store);
    return exit_code;
}
