#include "args.h"
#include "database.h"
#include "format.h"
#include "link_list.h"
#include "message.h"
#include "text.h"
#include "trace_json.h"
#include "waterfall.h"

enum { ROWS = 50 };

static void append_title(cleat__buffer *out, const cleat__terminal *terminal, const cleat__trace_tree *tree)
{
    char hex[33];
    const cleat__tree_span *root = &tree->spans[tree->first_root];
    cleat_trace_id_to_hex(&tree->trace_id, hex);
    cleat__buffer_append_format(
        out, "%strace %s%s  %s %s  %s", cleat__style_code(terminal, CLEAT__STYLE_BOLD), hex,
        cleat__style_code(terminal, CLEAT__STYLE_NONE), cleat__format_count(tree->count).text,
        tree->count == 1 ? "span" : "spans", cleat__format_duration(tree->end_ns - tree->start_ns).text);
    if (tree->error_count > 0) {
        cleat__buffer_append_format(out, "  %s%s %s%s", cleat__style_code(terminal, CLEAT__STYLE_RED),
                                    cleat__format_count(tree->error_count).text,
                                    tree->error_count == 1 ? "error" : "errors",
                                    cleat__style_code(terminal, CLEAT__STYLE_NONE));
    }
    if (root->service.data != NULL) {
        cleat__buffer_append_format(out, "  %s", cleat__style_code(terminal, CLEAT__STYLE_DIM));
        cleat__text_append(out, terminal, root->service);
        cleat__buffer_append_string(out, cleat__style_code(terminal, CLEAT__STYLE_NONE));
    }
    cleat__buffer_append_string(out, "\n\n");
}

typedef struct trace_options {
    const char *db, *tenant;
    bool all, json;
} trace_options;

static int print_text(const cleat__cli *cli, cleat__store *store, const cleat__trace_tree *tree,
                      const trace_options *chosen)
{
    const cleat__linked of = {tree->tenant, tree->trace_id, chosen->db, chosen->tenant};
    const cleat__waterfall_options options = {.all = chosen->all, .rows = ROWS};
    cleat__buffer out = {0};
    append_title(&out, &cli->terminal, tree);
    cleat__waterfall_append(&out, &cli->terminal, tree, &options);
    if (tree->orphan_count > 0) {
        cleat__buffer_append_format(&out, "%s spans have a parent that is not in this file\n",
                                    cleat__format_count(tree->orphan_count).text);
    }
    cleat_status status = cleat__links_append(&out, cli, store, &of, chosen->all);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&out);
        return cleat__complain_status(status);
    }
    return cleat__print(&out);
}

static int show(const cleat__cli *cli, const trace_options *chosen, const char *text)
{
    cleat__store *store = NULL;
    cleat__trace_tree tree = {0};
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
        cleat_status status = cleat__trace_tree_load(store, tenant, &id, &tree);
        code = status != CLEAT_OK ? cleat__complain_status(status)
               : chosen->json     ? cleat__trace_print_json(store, &tree)
                                  : print_text(cli, store, &tree, chosen);
    }
    cleat__trace_tree_deinit(&tree);
    cleat__store_close(store);
    return code;
}

int cleat__verb_traces_show(const cleat__cli *cli, int argc, char **argv)
{
    trace_options chosen = {.db = NULL};
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&chosen.db),
        CLEAT__TEXT("tenant", "NAME", &chosen.tenant, "whose trace it is; default \"default\""),
        CLEAT__FLAG("all", &chosen.all, "every span and link, nothing folded"),
        CLEAT__OPTION_JSON(&chosen.json),
    };
    const cleat__usage usage = {
        .verb = "traces show",
        .operands = "TRACE",
        .summary = "Draws one trace, by its id or the first digits of it (8 or more).",
        .more = "Many alike spans below one parent are folded into one row; its shaded bar\n"
                "reaches from the first to the last of them. --json is OTLP JSON\n"
                "(resourceSpans) with the trace's links and back-links beside it.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    return code != CLEAT__ARGS_GO ? code : show(cli, &chosen, operands[0]);
}
