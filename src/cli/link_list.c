#include "link_list.h"

#include "base/alloc.h"
#include "format.h"
#include "span_label.h"
#include "text.h"
#include "trace_rows.h"

#include <stdio.h>

enum {
    FEW = 3,
    WIDE = 100, /* columns from which names are written in full */
};

/* ---- Lines, in columns ---- */

/* What it is, its end here, and the end that it leads to or comes from: as they are shown. */
enum { WHAT, HERE, THERE, PARTS };
typedef struct line {
    cleat__buffer parts[PARTS];
    cleat__buffer command; /* how to look at the other trace; empty: it is this one */
} line;

typedef struct listing {
    const cleat__cli *cli;
    const cleat__linked *of;
    bool incoming, all;
    struct listing *own; /* gets links of the trace to itself; NULL: they are left out */
    line *lines;
    size_t line_count, capacity;
    int64_t count; /* also of those that have no line */
    bool has_failed;
} listing;

static void deinit(listing *list)
{
    for (size_t i = 0; i < list->line_count; i++) {
        for (int part = 0; part < PARTS; part++) {
            cleat__buffer_deinit(&list->lines[i].parts[part]);
        }
        cleat__buffer_deinit(&list->lines[i].command);
    }
    cleat__free(list->lines);
}

/* NULL: there is no memory, which the listing remembers. */
static line *add_line(listing *list)
{
    if (list->line_count == list->capacity) {
        size_t capacity = list->capacity != 0 ? 2 * list->capacity : 8;
        line *lines = cleat__realloc(list->lines, capacity * sizeof(*lines));
        if (lines == NULL) {
            list->has_failed = true;
            return NULL;
        }
        list->lines = lines;
        list->capacity = capacity;
    }
    line *made = &list->lines[list->line_count++];
    memset(made, 0, sizeof(*made));
    return made;
}

static int columns_of(const listing *list, const cleat__buffer *text)
{
    return cleat__text_columns(&list->cli->terminal, cleat__buffer_slice(text));
}

typedef struct widths {
    int parts[PARTS], command;
} widths;

static widths measure(const listing *list)
{
    widths most = {{0}, 0};
    for (size_t i = 0; i < list->line_count; i++) {
        const line *it = &list->lines[i];
        for (int part = 0; part < PARTS; part++) {
            int columns = columns_of(list, &it->parts[part]);
            most.parts[part] = columns > most.parts[part] ? columns : most.parts[part];
        }
        int command = columns_of(list, &it->command);
        most.command = command > most.command ? command : most.command;
    }
    return most;
}

static void append_part(cleat__buffer *out, const listing *list, const line *it, int part, int columns)
{
    cleat__text_append_fit(out, &list->cli->terminal, cleat__buffer_slice(&it->parts[part]), columns,
                           CLEAT__ALIGN_LEFT);
    out->failed |= it->parts[part].failed;
}

/* Names that are too long give way, each half of what there is. */
static void fit_names(const listing *list, int taken, widths *most)
{
    int room = list->cli->terminal.columns - taken;
    int here = most->parts[HERE], there = most->parts[THERE];
    if (here + there > room) {
        int half = room > 2 ? room / 2 : 1;
        here = here <= half ? here : there <= half ? room - there : half;
        there = here + there <= room ? there : room - here;
        most->parts[HERE] = here;
        most->parts[THERE] = there > 1 ? there : 1;
    }
}

/* The command stands beside the names where all of them have room there, else each below its line. */
static void append_line(cleat__buffer *out, const listing *list, const line *it, const widths *most,
                        bool is_beside)
{
    const cleat__terminal *terminal = &list->cli->terminal;
    const char *in_arrow = terminal->utf8 ? " ← " : " <- ";
    const char *out_arrow = terminal->utf8 ? " → " : " -> ";
    cleat__buffer_append_string(out, "  ");
    append_part(out, list, it, WHAT, most->parts[WHAT]);
    cleat__buffer_append_string(out, "  ");
    if (most->parts[HERE] > 0) {
        append_part(out, list, it, HERE, most->parts[HERE]);
        cleat__buffer_append_string(out, list->incoming ? in_arrow : out_arrow);
    }
    int there = columns_of(list, &it->parts[THERE]);
    append_part(out, list, it, THERE, is_beside || there > most->parts[THERE] ? most->parts[THERE] : there);
    if (it->command.size > 0) {
        cleat__buffer_append_byte(out, is_beside ? ' ' : '\n');
        cleat__text_append_blanks(out, is_beside ? 1 : 4 + most->parts[WHAT]);
        cleat__buffer_append_string(out, cleat__style_code(terminal, CLEAT__STYLE_DIM));
        cleat__buffer_append_slice(out, cleat__buffer_slice(&it->command));
        cleat__buffer_append_string(out, cleat__style_code(terminal, CLEAT__STYLE_NONE));
        out->failed |= it->command.failed;
    }
    cleat__buffer_append_byte(out, '\n');
}

static void append_section(cleat__buffer *out, const listing *list, const char *title)
{
    const cleat__terminal *terminal = &list->cli->terminal;
    widths most = measure(list);
    int arrow = most.parts[HERE] == 0 ? 0 : terminal->utf8 ? 3 : 4;
    int taken = 2 + most.parts[WHAT] + 2 + arrow;
    int needed = taken + most.parts[HERE] + most.parts[THERE] + 2 + most.command;
    bool is_beside = most.command > 0 && needed <= terminal->columns;
    int64_t left = list->count - (int64_t)list->line_count;
    out->failed |= list->has_failed;
    fit_names(list, taken, &most);
    if (list->count == 0) {
        return;
    }
    cleat__buffer_append_format(out, "\n%s%s%s %s\n", cleat__style_code(terminal, CLEAT__STYLE_BOLD), title,
                                cleat__style_code(terminal, CLEAT__STYLE_NONE),
                                cleat__format_count(list->count).text);
    for (size_t i = 0; i < list->line_count; i++) {
        append_line(out, list, &list->lines[i], &most, is_beside);
    }
    if (left > 0) {
        cleat__buffer_append_format(out, "  %s%s more%s%s\n", cleat__style_code(terminal, CLEAT__STYLE_DIM),
                                    cleat__format_count(left).text, list->all ? "" : ": --all shows them",
                                    cleat__style_code(terminal, CLEAT__STYLE_NONE));
    }
}

/* ---- Links of a trace ---- */

/* "hatchet.start_step_run archive:pack" */
static void append_name(cleat__buffer *out, const listing *list, cleat_slice name, cleat_slice task)
{
    const cleat__terminal *terminal = &list->cli->terminal;
    cleat_slice shown = terminal->columns < WIDE ? cleat__span_name_shorten(name) : name;
    cleat__text_append(out, terminal,
                       name.data != NULL ? shown : cleat_slice_of("(a span that is not in this file)"));
    if (task.data != NULL) {
        cleat__buffer_append_byte(out, ' ');
        cleat__text_append(out, terminal, task);
    }
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

static bool add_row(void *argument, const cleat__link_row *link)
{
    listing *list = argument;
    const cleat_trace_id *other = list->incoming ? &link->from_trace_id : &link->to_trace_id;
    bool is_own = memcmp(&link->from_trace_id, &link->to_trace_id, sizeof(link->from_trace_id)) == 0;
    listing *into = is_own ? list->own : list;
    if (into == NULL) {
        return true;
    }
    into->count++;
    if (!into->all && into->count > FEW) {
        return true; /* the others are still counted */
    }
    line *it = add_line(into);
    if (it == NULL) {
        return false;
    }
    cleat__text_append(&it->parts[WHAT], &list->cli->terminal, link->kind);
    append_name(&it->parts[list->incoming ? THERE : HERE], list, link->from_name, link->from_task);
    append_name(&it->parts[list->incoming ? HERE : THERE], list, link->to_name, link->to_task);
    if (!is_own) {
        append_command(&it->command, list, other);
    }
    return true;
}

cleat_status cleat__links_append(cleat__buffer *out, const cleat__cli *cli, cleat__store *store,
                                 const cleat__linked *of, bool all)
{
    listing own = {.cli = cli, .of = of, .all = all};
    listing from = {.cli = cli, .of = of, .all = all, .own = &own};
    listing to = {.cli = cli, .of = of, .all = all, .incoming = true};
    cleat_status status = cleat__links_from(store, of->tenant, &of->trace_id, NULL, add_row, &from);
    if (status == CLEAT_OK) {
        status = cleat__links_to(store, of->tenant, &of->trace_id, NULL, add_row, &to);
    }
    if (status == CLEAT_OK) {
        append_section(out, &from, "links to other traces:");
        append_section(out, &to, "links from other traces:");
        append_section(out, &own, "links within the trace:");
    }
    deinit(&from);
    deinit(&to);
    deinit(&own);
    return status;
}

/* ---- Of a forest ---- */

static void append_outside(cleat__buffer *out, listing *list, const cleat__stitched_outside *traces,
                           int32_t count, int64_t total, const char *title)
{
    const cleat__terminal *terminal = &list->cli->terminal;
    for (int32_t i = 0; i < count && (list->all || i < FEW); i++) {
        const cleat__stitched_outside *trace = &traces[i];
        line *it = add_line(list);
        if (it == NULL) {
            break;
        }
        cleat__buffer_append_format(&it->parts[WHAT], "%s %s", cleat__format_count(trace->count).text,
                                    trace->count == 1 ? "link" : "links");
        cleat__text_append(&it->parts[THERE], terminal,
                           trace->name.data == NULL   ? cleat_slice_of("(a trace that is not in this file)")
                           : trace->task.data != NULL ? trace->task
                                                      : trace->name);
        append_command(&it->command, list, &trace->trace_id);
    }
    list->count = total;
    append_section(out, list, title);
    deinit(list);
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
