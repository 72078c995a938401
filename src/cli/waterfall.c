#include "waterfall.h"

#include "bar.h"
#include "base/alloc.h"
#include "fold.h"
#include "format.h"
#include "span_label.h"
#include "text.h"

#include <stdio.h>

enum {
    KIND_COLUMNS = 8,
    DURATION_COLUMNS = 8,
    STATUS_COLUMNS = 6,
    NAME_COLUMNS_MIN = 12,
    NAME_COLUMNS_MAX = 64,
    DEPTH_MAX = 10,  /* deeper rows are not indented further */
    NARROW = 64,     /* below this width the kind has no column */
    LONG_NAMES = 46, /* name columns from which names are written in full */
};

typedef struct waterfall {
    cleat__buffer *out;
    const cleat__terminal *terminal;
    const cleat__trace_tree *tree;
    const cleat__waterfall_options *options;
    int name_columns, bar_columns;
    bool with_kind, short_names;
    int32_t rows;  /* drawn so far */
    int32_t shown; /* spans drawn or counted in a folded row */
    bool full;
} waterfall;

static void put(waterfall *drawing, const char *text)
{
    cleat__buffer_append_string(drawing->out, text);
}

static void style(waterfall *drawing, cleat__style code)
{
    put(drawing, cleat__style_code(drawing->terminal, code));
}

/* ---- Layout ---- */

static void lay_out(waterfall *drawing)
{
    int columns = drawing->terminal->columns - drawing->options->indent;
    int fixed = DURATION_COLUMNS + STATUS_COLUMNS + 4;
    drawing->with_kind = columns >= NARROW;
    if (drawing->with_kind) {
        fixed += KIND_COLUMNS + 1;
    }
    int name = (columns - fixed) * 66 / 100;
    name = name < NAME_COLUMNS_MIN ? NAME_COLUMNS_MIN : name;
    drawing->name_columns = name < NAME_COLUMNS_MAX ? name : NAME_COLUMNS_MAX;
    drawing->bar_columns = columns - fixed - drawing->name_columns;
    drawing->short_names = drawing->name_columns < LONG_NAMES;
}

static void draw_header(waterfall *drawing)
{
    cleat__text total = cleat__format_duration(drawing->tree->end_ns - drawing->tree->start_ns);
    style(drawing, CLEAT__STYLE_DIM);
    cleat__text_append_blanks(drawing->out, drawing->options->indent);
    cleat__buffer_append_format(drawing->out, "%-*s", drawing->name_columns, "span");
    if (drawing->with_kind) {
        cleat__buffer_append_format(drawing->out, " %-*s", KIND_COLUMNS, "kind");
    }
    bool has_room = drawing->bar_columns > (int)strlen(total.text) + 1;
    cleat__buffer_append_format(drawing->out, " %*s  %s%*s status", DURATION_COLUMNS, "duration",
                                has_room ? "0" : "", drawing->bar_columns - has_room, total.text);
    style(drawing, CLEAT__STYLE_NONE);
    put(drawing, "\n");
}

/* ---- One row ---- */

/* The lines that lead to a span: for each ancestor below the root, whether more siblings follow. */
static int draw_branches(waterfall *drawing, int32_t index, bool more_below)
{
    static const char *const utf8[] = {"  ", "│ ", "└ ", "├ "};
    static const char *const ascii[] = {"  ", "| ", "`-", "|-"};
    const char *const *lines = drawing->terminal->utf8 ? utf8 : ascii;
    const cleat__tree_span *spans = drawing->tree->spans;
    int32_t depth = spans[index].depth;
    bool more[DEPTH_MAX];
    int32_t at = index;
    int drawn = depth < DEPTH_MAX ? depth : DEPTH_MAX;
    for (int32_t i = depth - 1; i >= 0; i--) {
        if (i < DEPTH_MAX) {
            more[i] = at == index ? more_below : spans[at].next >= 0;
        }
        at = spans[at].parent;
    }
    for (int i = 0; i < drawn; i++) {
        bool last_level = i == drawn - 1;
        put(drawing, lines[(last_level ? 2 : 0) + more[i]]);
    }
    return 2 * drawn;
}

/* Appends `text` as far as `*room` columns allow. */
static void draw_part(waterfall *drawing, cleat_slice text, cleat__style code, int *room)
{
    int needed = cleat__text_columns(drawing->terminal, text);
    int columns = needed < *room ? needed : *room;
    if (columns <= 0) {
        return;
    }
    style(drawing, code);
    cleat__text_append_fit(drawing->out, drawing->terminal, text, columns, CLEAT__ALIGN_LEFT);
    if (code != CLEAT__STYLE_NONE) {
        style(drawing, CLEAT__STYLE_NONE);
    }
    *room -= columns;
}

static void draw_name(waterfall *drawing, const cleat__tree_span *span, int room)
{
    cleat__span_label label;
    char attempt[32];
    bool failed = span->view.status == CLEAT_SPAN_STATUS_ERROR;
    const cleat_slice blank = {" ", 1};
    cleat__span_label_read(&span->view, drawing->short_names, &label);
    draw_part(drawing, label.name, failed ? CLEAT__STYLE_RED : CLEAT__STYLE_NONE, &room);
    if (label.attempt > 0) {
        snprintf(attempt, sizeof(attempt), " #%lld", (long long)label.attempt);
        draw_part(drawing, cleat_slice_of(attempt), CLEAT__STYLE_YELLOW, &room);
    }
    if (label.task[0] != '\0') {
        draw_part(drawing, blank, CLEAT__STYLE_NONE, &room);
        draw_part(drawing, cleat_slice_of(label.task), CLEAT__STYLE_CYAN, &room);
    }
    if (label.key.data != NULL) {
        draw_part(drawing, blank, CLEAT__STYLE_NONE, &room);
        draw_part(drawing, label.key, CLEAT__STYLE_DIM, &room);
    }
    cleat__text_append_blanks(drawing->out, room);
}

static cleat__style bar_style(const cleat__tree_span *span)
{
    if (span->view.status == CLEAT_SPAN_STATUS_ERROR) {
        return CLEAT__STYLE_RED;
    }
    if (span->view.kind == CLEAT_SPAN_KIND_PRODUCER) {
        return CLEAT__STYLE_YELLOW;
    }
    return span->view.kind == CLEAT_SPAN_KIND_CONSUMER ? CLEAT__STYLE_CYAN : CLEAT__STYLE_GREEN;
}

static void draw_bar(waterfall *drawing, int64_t start_ns, int64_t end_ns, cleat__bar_fill fill,
                     cleat__style code)
{
    const cleat__trace_tree *tree = drawing->tree;
    put(drawing, "  ");
    style(drawing, code);
    cleat__bar_append(drawing->out, drawing->terminal, drawing->bar_columns, start_ns - tree->start_ns,
                      end_ns - tree->start_ns, tree->end_ns - tree->start_ns, fill);
    style(drawing, CLEAT__STYLE_NONE);
}

static void draw_measures(waterfall *drawing, const char *kind, int64_t duration_ns)
{
    if (drawing->with_kind) {
        cleat__buffer_append_format(drawing->out, " %-*s", KIND_COLUMNS, kind);
    }
    cleat__buffer_append_format(drawing->out, " %*s", DURATION_COLUMNS,
                                cleat__format_duration(duration_ns).text);
}

static void end_row(waterfall *drawing, const char *status, bool failed)
{
    if (status[0] != '\0') {
        put(drawing, " ");
        style(drawing, failed ? CLEAT__STYLE_RED : CLEAT__STYLE_GREEN);
        put(drawing, status);
        style(drawing, CLEAT__STYLE_NONE);
    }
    cleat__buffer *out = drawing->out;
    while (out->size > 0 && out->data[out->size - 1] == ' ') {
        out->size--; /* without colour, an empty status leaves blanks behind the bar */
    }
    put(drawing, "\n");
    drawing->rows++;
}

/* False when there is no room for another row. */
static bool begin_row(waterfall *drawing)
{
    drawing->full = !drawing->options->all && drawing->rows >= drawing->options->rows;
    if (!drawing->full) {
        cleat__text_append_blanks(drawing->out, drawing->options->indent);
    }
    return !drawing->full;
}

static void draw_span(waterfall *drawing, int32_t index)
{
    const cleat__tree_span *span = &drawing->tree->spans[index];
    if (!begin_row(drawing)) {
        return;
    }
    style(drawing, CLEAT__STYLE_DIM);
    int used = draw_branches(drawing, index, span->next >= 0);
    style(drawing, CLEAT__STYLE_NONE);
    draw_name(drawing, span, drawing->name_columns - used);
    draw_measures(drawing, cleat__span_kind_name(span->view.kind),
                  span->view.end_time_ns - span->view.start_time_ns);
    draw_bar(drawing, span->view.start_time_ns, span->view.end_time_ns, CLEAT__BAR_SOLID, bar_style(span));
    end_row(drawing, cleat__span_status_name(span->view.status),
            span->view.status == CLEAT_SPAN_STATUS_ERROR);
    drawing->shown++;
}

/* `index` is the first of the folded siblings. */
static void draw_fold(waterfall *drawing, int32_t index, const cleat__fold *group)
{
    char text[96];
    char errors[16] = "";
    if (!begin_row(drawing)) {
        return;
    }
    style(drawing, CLEAT__STYLE_DIM);
    int room = drawing->name_columns - draw_branches(drawing, index, true);
    int size = snprintf(text, sizeof(text), "%s %s more", drawing->terminal->utf8 ? "⋮" : ":",
                        cleat__format_count(group->siblings).text);
    if (group->spans > group->siblings) {
        snprintf(text + size, sizeof(text) - (size_t)size, " (%s spans)",
                 cleat__format_count(group->spans).text);
    }
    cleat__text_append_fit(drawing->out, drawing->terminal, cleat_slice_of(text), room, CLEAT__ALIGN_LEFT);
    draw_measures(drawing, "", group->end_ns - group->start_ns);
    draw_bar(drawing, group->start_ns, group->end_ns, CLEAT__BAR_SHADED, CLEAT__STYLE_DIM);
    if (group->errors > 0) {
        snprintf(errors, sizeof(errors), group->errors < 10 ? "%d err" : "error", (int)group->errors);
    }
    end_row(drawing, errors, true);
    drawing->shown += group->spans;
}

/* ---- All rows ---- */

static void draw_rows(waterfall *drawing, const uint8_t *folded)
{
    const cleat__trace_tree *tree = drawing->tree;
    int32_t index = tree->first_root;
    while (index >= 0 && !drawing->full) {
        if (folded == NULL || !folded[index]) {
            draw_span(drawing, index);
            index = cleat__trace_tree_next(tree, index);
            continue;
        }
        cleat__fold group;
        int32_t last = cleat__fold_read(tree, folded, index, &group);
        draw_fold(drawing, index, &group);
        index = cleat__trace_tree_skip(tree, last);
    }
}

void cleat__waterfall_append(cleat__buffer *out, const cleat__terminal *terminal,
                             const cleat__trace_tree *tree, const cleat__waterfall_options *options)
{
    waterfall drawing = {.out = out, .terminal = terminal, .tree = tree, .options = options};
    uint8_t *folded = options->all ? NULL : cleat__fold_mark(tree);
    lay_out(&drawing);
    draw_header(&drawing);
    draw_rows(&drawing, folded);
    cleat__free(folded);
    if (drawing.shown < tree->count) {
        style(&drawing, CLEAT__STYLE_DIM);
        cleat__text_append_blanks(out, options->indent);
        cleat__buffer_append_format(out, "%s more spans: --all shows them\n",
                                    cleat__format_count(tree->count - drawing.shown).text);
        style(&drawing, CLEAT__STYLE_NONE);
    }
}
