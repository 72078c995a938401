#include "demo_report.h"

#include "base/clock.h"
#include "database.h"
#include "format.h"
#include "json_writer.h"
#include "link_list.h"
#include "message.h"
#include "waterfall.h"

#include <stdio.h>

enum { LABEL = 40, COLUMN = 12, PARENT_ROWS = 24, CHILD_ROWS = 8 };

typedef struct page {
    const cleat__demo_report *report;
    cleat__buffer out;
} page;

static const char *style(const page *p, cleat__style code)
{
    return cleat__style_code(&p->report->cli->terminal, code);
}

/* ---- Figures ---- */

static void add_row(page *p, const char *label, const char *parent, const char *link, cleat__style code)
{
    cleat__buffer_append_format(&p->out, "  %-*s%*s%s%*s%s\n", LABEL, label, COLUMN, parent, style(p, code),
                                COLUMN, link, style(p, CLEAT__STYLE_NONE));
}

static void add_counts(page *p, const char *label, int64_t parent, int64_t link)
{
    add_row(p, label, cleat__format_count(parent).text, cleat__format_count(link).text, CLEAT__STYLE_NONE);
}

static void add_durations(page *p, const char *label, int64_t parent_ns, int64_t link_ns, cleat__style code)
{
    add_row(p, label, cleat__format_duration(parent_ns).text, cleat__format_duration(link_ns).text, code);
}

static int64_t per_second(const cleat__demo_round *round)
{
    return round->seconds > 0 ? (int64_t)((double)round->runs / round->seconds) : 0;
}

static void add_figures(page *p)
{
    const cleat__demo_round *parent = &p->report->rounds[0];
    const cleat__demo_round *link = &p->report->rounds[1];
    cleat__buffer_append_format(&p->out, "\n%s  %-*s%*s%*s%s\n", style(p, CLEAT__STYLE_BOLD), LABEL,
                                "children are traced by", COLUMN, "parent", COLUMN, "link",
                                style(p, CLEAT__STYLE_NONE));
    add_counts(p, "runs", parent->runs, link->runs);
    add_counts(p, "  completed", parent->completed, link->completed);
    add_counts(p, "  failed, for good after their retries", parent->failed, link->failed);
    if (parent->cancelled + link->cancelled > 0) {
        add_counts(p, "  cancelled", parent->cancelled, link->cancelled);
    }
    add_counts(p, "retries", parent->retries, link->retries);
    add_counts(p, "runs per second", per_second(parent), per_second(link));
    cleat__buffer_append_byte(&p->out, '\n');
    add_counts(p, "traces", parent->traces, link->traces);
    add_counts(p, "spans of the largest trace", parent->largest, link->largest);
    add_durations(p, "the scan itself took", parent->scan_ns, link->scan_ns, CLEAT__STYLE_NONE);
    add_durations(p, "its trace was open for", parent->trace_ns, link->trace_ns, CLEAT__STYLE_BOLD);
    add_durations(p, "the last child ended after", parent->children_ns, link->children_ns, CLEAT__STYLE_NONE);
}

static void add_moral(page *p)
{
    const cleat__demo_round *link = &p->report->rounds[1];
    int64_t before_ns = link->children_ns - link->trace_ns;
    if (before_ns > 0) {
        cleat__buffer_append_format(
            &p->out,
            "\nWith links the scan's trace ended %s before its last child did;\n"
            "with parents it stays open for as long as any child runs, is retried or waits.\n",
            cleat__format_duration(before_ns).text);
    }
    if (p->report->dropped_spans > 0) {
        cleat__buffer_append_format(
            &p->out, "\n%s%s spans were dropped: the traces have gaps.%s\n", style(p, CLEAT__STYLE_RED),
            cleat__format_count(p->report->dropped_spans).text, style(p, CLEAT__STYLE_NONE));
    }
}

/* ---- Pictures ---- */

static cleat_status add_waterfall(page *p, cleat__store *store, const cleat_trace_id *id, int32_t rows,
                                  const char *title)
{
    const cleat__terminal *terminal = &p->report->cli->terminal;
    const cleat__waterfall_options options = {.rows = rows, .indent = 2};
    cleat__stitched forest;
    cleat__buffer_append_format(&p->out, "\n%s%s%s\n", style(p, CLEAT__STYLE_BOLD), title,
                                style(p, CLEAT__STYLE_NONE));
    cleat_status status = cleat__stitched_load_trace(store, CLEAT__TENANT_DEFAULT, id, 0, 0, &forest);
    if (status == CLEAT_OK) {
        cleat__waterfall_append(&p->out, terminal, &forest, &options);
    }
    cleat__stitched_deinit(&forest);
    return status;
}

static void add_command(page *p, const char *verb, const char *id, const char *meaning)
{
    char words[96];
    cleat__buffer command = {0};
    snprintf(words, sizeof(words), "%s%s%s", verb, id[0] != '\0' ? " " : "", id);
    cleat__database_append_command(&command, p->report->cli, words, p->report->database);
    cleat__buffer_append_format(&p->out, "  %s%s%s\n    ", style(p, CLEAT__STYLE_DIM), meaning,
                                style(p, CLEAT__STYLE_NONE));
    cleat__buffer_append_slice(&p->out, cleat__buffer_slice(&command));
    cleat__buffer_append_byte(&p->out, '\n');
    cleat__buffer_deinit(&command);
}

static void add_trace_command(page *p, const cleat_trace_id *id, const char *meaning)
{
    char hex[33];
    cleat_trace_id_to_hex(id, hex);
    hex[12] = '\0';
    add_command(p, "traces show", hex, meaning);
}

static void add_commands(page *p)
{
    const cleat__demo_round *rounds = p->report->rounds;
    cleat__buffer_append_format(&p->out, "\n%sto look further%s\n", style(p, CLEAT__STYLE_BOLD),
                                style(p, CLEAT__STYLE_NONE));
    add_trace_command(p, &rounds[0].trace_id, "the trace with all children in it");
    add_trace_command(p, &rounds[1].trace_id, "the linked scan, with the way to its children");
    add_command(p, "runs show", rounds[1].scan_id.text, "the run of the linked scan");
    add_command(p, "runs ls --status failed", "", "what failed, and then runs show ID for why");
    add_command(p, "traces ls --task archive:pack", "", "the newest traces of children");
}

static void add_leftovers(page *p)
{
    const cleat__demo_leftovers *left = &p->report->leftovers;
    if (left->before > 0) {
        cleat__buffer_append_format(
            &p->out,
            "%s run%s of an earlier demo had not ended; resumed first: %s completed, %s failed, in %s\n",
            cleat__format_count(left->before).text, left->before == 1 ? "" : "s",
            cleat__format_count(left->completed).text, cleat__format_count(left->failed).text,
            cleat__format_duration((int64_t)(left->seconds * 1e9)).text);
    }
}

int cleat__demo_report_print(const cleat__demo_report *report, cleat__store *store)
{
    const cleat__demo_round *rounds = report->rounds;
    page p = {.report = report};
    add_leftovers(&p);
    add_figures(&p);
    add_moral(&p);
    cleat_status status = add_waterfall(&p, store, &rounds[0].trace_id, PARENT_ROWS,
                                        "by parent: one trace, open until its last child has ended");
    if (status == CLEAT_OK) {
        status = add_waterfall(&p, store, &rounds[1].trace_id, CHILD_ROWS,
                               "by link: the scan's trace ends with the spawn loop");
    }
    if (status == CLEAT_OK) {
        status = add_waterfall(&p, store, &rounds[1].child_trace_id, CHILD_ROWS,
                               "by link: a child's own trace, and its link back");
    }
    if (status == CLEAT_OK) {
        const cleat__linked of = {CLEAT__TENANT_DEFAULT, rounds[1].child_trace_id, report->database, NULL};
        status = cleat__links_append(&p.out, report->cli, store, &of, false);
    }
    add_commands(&p);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&p.out);
        return cleat__complain_status(status);
    }
    return cleat__print(&p.out);
}

/* ---- JSON ---- */

static void trace_id_to_json(cleat__json_writer *writer, const char *key, const cleat_trace_id *id)
{
    char hex[33];
    cleat_trace_id_to_hex(id, hex);
    cleat__writer_string(writer, key, hex);
}

static void round_to_json(cleat__json_writer *writer, const cleat__demo_round *round)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_string(writer, "relation", cleat_trace_relation_name(round->relation));
    cleat__writer_string(writer, "scan_run_id", round->scan_id.text);
    cleat__writer_int(writer, "runs", round->runs);
    cleat__writer_int(writer, "completed", round->completed);
    cleat__writer_int(writer, "failed", round->failed);
    cleat__writer_int(writer, "cancelled", round->cancelled);
    cleat__writer_int(writer, "retries", round->retries);
    cleat__writer_double(writer, "seconds", round->seconds);
    cleat__writer_int(writer, "runs_per_second", per_second(round));
    cleat__writer_int(writer, "traces", round->traces);
    cleat__writer_int(writer, "largest_trace_spans", round->largest);
    cleat__writer_int(writer, "links", round->links);
    cleat__writer_int(writer, "scan_ns", round->scan_ns);
    cleat__writer_int(writer, "trace_ns", round->trace_ns);
    cleat__writer_int(writer, "children_ns", round->children_ns);
    trace_id_to_json(writer, "trace_id", &round->trace_id);
    trace_id_to_json(writer, "child_trace_id", &round->child_trace_id);
    cleat__writer_end_object(writer);
}

int cleat__demo_report_print_json(const cleat__demo_report *report)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "directory", report->directory);
    cleat__writer_string(&writer, "database", report->database);
    cleat__writer_int(&writer, "children", report->children);
    cleat__writer_int(&writer, "unreadable", report->unreadable);
    cleat__writer_int(&writer, "dropped_spans", report->dropped_spans);
    cleat__writer_begin_object(&writer, "resumed");
    cleat__writer_int(&writer, "runs", report->leftovers.before);
    cleat__writer_int(&writer, "completed", report->leftovers.completed);
    cleat__writer_int(&writer, "failed", report->leftovers.failed);
    cleat__writer_end_object(&writer);
    cleat__writer_begin_array(&writer, "relations");
    for (int i = 0; i < 2; i++) {
        round_to_json(&writer, &report->rounds[i]);
    }
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}
