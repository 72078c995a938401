#include "link_list.h"

#include "format.h"
#include "text.h"
#include "trace_rows.h"

#include <stdio.h>

enum { FEW = 3 };

typedef struct listing {
    cleat__buffer rows;
    const cleat__cli *cli;
    const cleat__linked *of;
    bool incoming, all;
    int64_t count;
} listing;

/* "  spawn  hatchet.start_step_run ← hatchet.start_step_run" */
static void append_names(cleat__buffer *out, const listing *list, const cleat__link_row *link)
{
    const cleat__terminal *terminal = &list->cli->terminal;
    const char *out_arrow = terminal->utf8 ? "→" : "->";
    const char *in_arrow = terminal->utf8 ? "←" : "<-";
    cleat_slice here = list->incoming ? link->to_name : link->from_name;
    cleat_slice there = list->incoming ? link->from_name : link->to_name;
    const cleat_slice unknown = cleat_slice_of("(a span that is not in this file)");
    cleat__text_append_fit(out, terminal, link->kind, 8, CLEAT__ALIGN_LEFT);
    cleat__text_append(out, terminal, here.data != NULL ? here : unknown);
    cleat__buffer_append_format(out, " %s ", list->incoming ? in_arrow : out_arrow);
    cleat__text_append(out, terminal, there.data != NULL ? there : unknown);
}

static void append_command(cleat__buffer *out, const listing *list, const cleat_trace_id *id)
{
    char hex[33];
    char words[64];
    cleat_trace_id_to_hex(id, hex);
    snprintf(words, sizeof(words), "traces show %.*s", CLEAT__TRACE_ID_SHOWN, hex);
    cleat__database_append_command(out, list->cli, words, list->of->db);
    cleat__database_append_option(out, "tenant", list->of->tenant_name);
}

/* Takes `names`, and says below or beside it how to look at the trace. */
static void append_row(listing *list, cleat__buffer names, const cleat_trace_id *id)
{
    const cleat__terminal *terminal = &list->cli->terminal;
    cleat__buffer command = {0};
    append_command(&command, list, id);
    int used = cleat__text_columns(terminal, cleat__buffer_slice(&names));
    int needed = cleat__text_columns(terminal, cleat__buffer_slice(&command));
    bool fits = 2 + used + 2 + needed <= terminal->columns;
    cleat__buffer_append_string(&list->rows, "  ");
    cleat__buffer_append_slice(&list->rows, cleat__buffer_slice(&names));
    cleat__buffer_append_string(&list->rows, fits ? "  " : "\n          ");
    cleat__buffer_append_string(&list->rows, cleat__style_code(terminal, CLEAT__STYLE_DIM));
    cleat__buffer_append_slice(&list->rows, cleat__buffer_slice(&command));
    cleat__buffer_append_string(&list->rows, cleat__style_code(terminal, CLEAT__STYLE_NONE));
    cleat__buffer_append_byte(&list->rows, '\n');
    cleat__buffer_deinit(&names);
    cleat__buffer_deinit(&command);
}

static bool add_row(void *argument, const cleat__link_row *link)
{
    listing *list = argument;
    cleat__buffer names = {0};
    list->count++;
    if (list->all || list->count <= FEW) { /* the others are still counted */
        append_names(&names, list, link);
        append_row(list, names, list->incoming ? &link->from_trace_id : &link->to_trace_id);
    }
    return true;
}

static void append_section(cleat__buffer *out, const listing *list, const char *title)
{
    const cleat__terminal *terminal = &list->cli->terminal;
    if (list->count == 0) {
        return;
    }
    cleat__buffer_append_format(out, "\n%s%s%s %s\n", cleat__style_code(terminal, CLEAT__STYLE_BOLD), title,
                                cleat__style_code(terminal, CLEAT__STYLE_NONE),
                                cleat__format_count(list->count).text);
    cleat__buffer_append_slice(out, cleat__buffer_slice(&list->rows));
    out->failed |= list->rows.failed;
    if (!list->all && list->count > FEW) {
        cleat__buffer_append_format(
            out, "  %s%s more: --all shows them%s\n", cleat__style_code(terminal, CLEAT__STYLE_DIM),
            cleat__format_count(list->count - FEW).text, cleat__style_code(terminal, CLEAT__STYLE_NONE));
    }
}

cleat_status cleat__links_append(cleat__buffer *out, const cleat__cli *cli, cleat__store *store,
                                 const cleat__linked *of, bool all)
{
    listing from = {.cli = cli, .of = of, .all = all};
    listing to = {.cli = cli, .of = of, .all = all, .incoming = true};
    cleat_status status = cleat__links_from(store, of->tenant, &of->trace_id, NULL, add_row, &from);
    if (status == CLEAT_OK) {
        status = cleat__links_to(store, of->tenant, &of->trace_id, NULL, add_row, &to);
    }
    if (status == CLEAT_OK) {
        append_section(out, &from, "links to other traces:");
        append_section(out, &to, "links from other traces:");
    }
    cleat__buffer_deinit(&from.rows);
    cleat__buffer_deinit(&to.rows);
    return status;
}

/* ---- Of a forest ---- */

static void append_outside(cleat__buffer *out, listing *list, const cleat__stitched_outside *traces,
                           int32_t count, int64_t total, const char *title)
{
    for (int32_t i = 0; i < count && (list->all || i < FEW); i++) {
        cleat__buffer names = {0};
        cleat__buffer_append_format(&names, "%s %s  ", cleat__format_count(traces[i].count).text,
                                    traces[i].count == 1 ? "link" : "links");
        cleat__text_append(&names, &list->cli->terminal,
                           traces[i].name.data != NULL
                               ? traces[i].name
                               : cleat_slice_of("(a trace that is not in this file)"));
        append_row(list, names, &traces[i].trace_id);
    }
    list->count = total;
    append_section(out, list, title);
    cleat__buffer_deinit(&list->rows);
}

void cleat__links_append_outside(cleat__buffer *out, const cleat__cli *cli, const cleat__stitched *forest,
                                 const cleat__linked *of, bool all)
{
    listing to = {.cli = cli, .of = of, .all = all};
    listing from = {.cli = cli, .of = of, .all = all};
    append_outside(out, &to, forest->links_to, forest->links_to_count, forest->links_to_total,
                   "traces outside of the picture that links lead to:");
    append_outside(out, &from, forest->linked_from, forest->linked_from_count, forest->linked_from_total,
                   "traces outside of the picture that link here:");
}

/* ---- JSON ---- */

static void end_to_json(cleat__json_writer *writer, const char *key, const cleat_trace_id *trace_id,
                        const cleat_span_id *span_id, cleat_slice name)
{
    char hex[33];
    cleat__writer_begin_object(writer, key);
    cleat_trace_id_to_hex(trace_id, hex);
    cleat__writer_string(writer, "trace_id", hex);
    cleat_span_id_to_hex(span_id, hex);
    cleat__writer_string(writer, "span_id", hex);
    cleat__writer_slice(writer, "name", name);
    cleat__writer_end_object(writer);
}

static bool link_to_json(void *argument, const cleat__link_row *link)
{
    cleat__json_writer *writer = argument;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_slice(writer, "kind", link->kind);
    end_to_json(writer, "from", &link->from_trace_id, &link->from_span_id, link->from_name);
    end_to_json(writer, "to", &link->to_trace_id, &link->to_span_id, link->to_name);
    cleat__writer_end_object(writer);
    return true;
}

cleat_status cleat__links_to_json(cleat__json_writer *writer, cleat__store *store, int64_t tenant,
                                  const cleat_trace_id *trace_id)
{
    cleat__writer_begin_array(writer, "links");
    cleat_status status = cleat__links_from(store, tenant, trace_id, NULL, link_to_json, writer);
    cleat__writer_end_array(writer);
    cleat__writer_begin_array(writer, "backlinks");
    if (status == CLEAT_OK) {
        status = cleat__links_to(store, tenant, trace_id, NULL, link_to_json, writer);
    }
    cleat__writer_end_array(writer);
    return status;
}
