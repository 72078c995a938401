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

static int print_text(const cleat__cli *cli, cleat__store *store, const cleat__trace_tree *tree,
                      const char *db, bool all)
{
    const cleat__waterfall_options options = {.all = all, .rows = ROWS};
    cleat__buffer out = {0};
    append_title(&out, &cli->terminal, tree);
    cleat__waterfall_append(&out, &cli->terminal, tree, &options);
    if (tree->orphan_count > 0) {
        cleat__buffer_append_format(&out, "%s spans have a parent that is not in this file\n",
                                    cleat__format_count(tree->orphan_count).text);
    }
    cleat_status status = cleat__links_append(&out, cli, store, &tree->trace_id, db, all);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&out);
        return cleat__complain_status(status);
    }
    return cleat__print(&out);
}

int cleat__verb_traces_show(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool all = false, json = false;
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&db),
        CLEAT__FLAG("all", &all, "every span and link, nothing folded"),
        CLEAT__OPTION_JSON(&json),
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
    cleat__store *store = NULL;
    cleat__trace_tree tree = {0};
    cleat_trace_id id;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = cleat__database_open(db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_trace(store, operands[0], &id);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat__trace_tree_load(store, &id, &tree);
        code = status != CLEAT_OK ? cleat__complain_status(status)
               : json             ? cleat__trace_print_json(store, &tree)
                                  : print_text(cli, store, &tree, db, all);
    }
    cleat__trace_tree_deinit(&tree);
    cleat__store_close(store);
    return code;
}
