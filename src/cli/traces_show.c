#include "args.h"
#include "server/stitched_json.h"
#include "database.h"
#include "format.h"
#include "link_list.h"
#include "message.h"
#include "text.h"
#include "trace_json.h"
#include "waterfall.h"

enum { ROWS = 50 };

typedef struct trace_options {
    const char *db, *tenant;
    bool all, json, follow_links;
    int64_t depth; /* 0: not said */
} trace_options;

static int32_t follow_of(const trace_options *chosen)
{
    return chosen->depth > 0 ? (int32_t)chosen->depth : chosen->follow_links;
}

/* ---- Text ---- */

/* The trace that was asked for: others of the picture are further away. */
static const cleat__stitched_trace *asked_for(const cleat__stitched *forest)
{
    int32_t nearest = 0;
    for (int32_t i = 0; i < forest->trace_count; i++) {
        nearest = forest->traces[i].distance < forest->traces[nearest].distance ? i : nearest;
    }
    return &forest->traces[nearest];
}

static void append_title(cleat__buffer *out, const cleat__terminal *terminal, const cleat__stitched *forest)
{
    char hex[33];
    const cleat__stitched_trace *trace = asked_for(forest);
    const cleat__stitched_span *root = &forest->spans[trace->first_span];
    cleat_trace_id_to_hex(&trace->id, hex);
    cleat__buffer_append_format(
        out, "%strace %s%s  %s %s  %s", cleat__style_code(terminal, CLEAT__STYLE_BOLD), hex,
        cleat__style_code(terminal, CLEAT__STYLE_NONE), cleat__format_count(trace->span_count).text,
        trace->span_count == 1 ? "span" : "spans",
        cleat__format_duration(trace->end_ns - trace->start_ns).text);
    if (trace->error_count > 0) {
        cleat__buffer_append_format(out, "  %s%s %s%s", cleat__style_code(terminal, CLEAT__STYLE_RED),
                                    cleat__format_count(trace->error_count).text,
                                    trace->error_count == 1 ? "error" : "errors",
                                    cleat__style_code(terminal, CLEAT__STYLE_NONE));
    }
    if (root->service >= 0) {
        cleat__buffer_append_format(out, "  %s", cleat__style_code(terminal, CLEAT__STYLE_DIM));
        cleat__text_append(out, terminal, forest->services[root->service]);
        cleat__buffer_append_string(out, cleat__style_code(terminal, CLEAT__STYLE_NONE));
    }
    cleat__buffer_append_byte(out, '\n');
}

static void append_company(cleat__buffer *out, const cleat__stitched *forest)
{
    if (forest->total_traces > 1) {
        cleat__buffer_append_format(out, "with %s %s that it is linked with, and %s spans in all\n",
                                    cleat__format_count(forest->total_traces - 1).text,
                                    forest->total_traces == 2 ? "trace" : "traces",
                                    cleat__format_count(forest->total_spans).text);
    }
    cleat__buffer_append_byte(out, '\n');
}

static int print_text(const cleat__cli *cli, cleat__store *store, const cleat__stitched *forest,
                      const trace_options *chosen)
{
    const cleat__linked of = {forest->tenant, asked_for(forest)->id, chosen->db, chosen->tenant};
    const cleat__waterfall_options options = {.all = chosen->all, .rows = ROWS};
    cleat__buffer out = {0};
    cleat_status status = CLEAT_OK;
    append_title(&out, &cli->terminal, forest);
    append_company(&out, forest);
    cleat__waterfall_append(&out, &cli->terminal, forest, &options);
    if (forest->orphan_count > 0) {
        cleat__buffer_append_format(&out, "%s %s a parent that is not in this file\n",
                                    cleat__format_count(forest->orphan_count).text,
                                    forest->orphan_count == 1 ? "span has" : "spans have");
    }
    if (follow_of(chosen) > 0) {
        cleat__links_append_outside(&out, cli, forest, &of, chosen->all);
    } else {
        status = cleat__links_append(&out, cli, store, &of, chosen->all);
    }
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&out);
        return cleat__complain_status(status);
    }
    return cleat__print(&out);
}

/* ---- The verb ---- */

static int print_json(cleat__store *store, const cleat__stitched *forest, const trace_options *chosen)
{
    cleat__json_writer writer = {0};
    if (follow_of(chosen) == 0) {
        return cleat__trace_print_json(store, forest);
    }
    cleat__stitched_to_json(&writer, NULL, forest);
    return cleat__writer_print(&writer);
}

static int show_in(cleat__store *store, const cleat__cli *cli, int64_t tenant, const cleat_trace_id *id,
                   const trace_options *chosen)
{
    cleat__stitched forest = {.tenant = tenant};
    bool is_whole = chosen->all || (chosen->json && follow_of(chosen) == 0);
    cleat_status status = cleat__store_begin(store); /* what is told together was there together */
    if (status == CLEAT_OK) {
        status = cleat__stitched_load_trace(store, tenant, id, follow_of(chosen),
                                            is_whole ? CLEAT__STITCHED_LIMIT_MAX : 0, &forest);
    }
    int code = status != CLEAT_OK ? cleat__complain_status(status)
               : chosen->json     ? print_json(store, &forest, chosen)
                                  : print_text(cli, store, &forest, chosen);
    cleat__stitched_deinit(&forest);
    return code;
}

static int show(const cleat__cli *cli, const trace_options *chosen, const char *text)
{
    cleat__store *store = NULL;
    cleat_trace_id id;
    int64_t tenant = 0;
    int code = cleat__database_open(chosen->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_tenant(store, chosen->tenant, CLEAT__TENANT_DEFAULT, &tenant);
    }
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_trace(store, tenant, text, &id);
    }
    if (code == CLEAT__EXIT_OK) {
        code = show_in(store, cli, tenant, &id, chosen);
    }
    cleat__store_close(store);
    return code;
}

int cleat__verb_traces_show(const cleat__cli *cli, int argc, char **argv)
{
    trace_options chosen = {.db = NULL};
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&chosen.db),
        CLEAT__TEXT("tenant", "NAME", &chosen.tenant, "whose trace it is; default \"default\""),
        CLEAT__FLAG("follow-links", &chosen.follow_links,
                    "with the traces that it links to and is linked from"),
        CLEAT__NUMBER("depth", "N", &chosen.depth, 1, CLEAT__STITCHED_FOLLOW_MAX,
                      "follow links over N traces, not over 1"),
        CLEAT__FLAG("all", &chosen.all, "every span and link, nothing folded"),
        CLEAT__OPTION_JSON(&chosen.json),
    };
    const cleat__usage usage = {
        .verb = "traces show",
        .operands = "TRACE",
        .summary = "Draws one trace, by its id or the first digits of it (8 or more).",
        .more = "Waiting for a worker and sleeping are drawn lighter than work. Many alike\n"
                "spans below one parent are folded into one row, whose line reaches from the\n"
                "first to the last of them; so are many alike traces.\n"
                "\n"
                "--json is OTLP JSON (resourceSpans) with the trace's links and back-links\n"
                "beside it; with --follow-links it is what the viewer draws of.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code != CLEAT__ARGS_GO ? code : show(cli, &chosen, operands[0]);
}
