/* One row of a waterfall. */
#include "waterfall_parts.h"

#include "bar.h"
#include "format.h"
#include "link_note.h"
#include "span_label.h"
#include "text.h"

#include <stdio.h>

enum {
    KIND_COLUMNS = 8,
    DURATION_COLUMNS = 8,
    STATUS_COLUMNS = 6,
    NAME_COLUMNS_MIN = 12,
    NAME_COLUMNS_MAX = 64,
    DEPTH_MAX = 10,      /* deeper rows are not indented further */
    NARROW = 64,         /* below this width the kind has no column */
    NARROW_HEADING = 24, /* below this width it has no word before the id */
    LONG_NAMES = 46,     /* name columns from which names are written in full */
};

static void put(cleat__drawing *drawing, const char *text)
{
    cleat__buffer_append_string(drawing->out, text);
}

static void style(cleat__drawing *drawing, cleat__style code)
{
    put(drawing, cleat__style_code(drawing->terminal, code));
}

/* ---- Layout ---- */

void cleat__drawing_lay_out(cleat__drawing *drawing)
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

bool cleat__drawing_has_room(const cleat__drawing *drawing)
{
    return drawing->options->all || drawing->rows < drawing->rows_max;
}

void cleat__drawing_header(cleat__drawing *drawing)
{
    cleat__text total = cleat__format_duration(drawing->forest->end_ns - drawing->forest->start_ns);
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

/* ---- Colours ---- */

/* Red is for errors. */
static cleat__style band_style(const cleat__drawing *drawing, int32_t trace)
{
    static const cleat__style styles[] = {CLEAT__STYLE_CYAN, CLEAT__STYLE_YELLOW, CLEAT__STYLE_GREEN,
                                          CLEAT__STYLE_MAGENTA, CLEAT__STYLE_BLUE};
    return drawing->has_bands ? styles[(size_t)trace % (sizeof(styles) / sizeof(*styles))]
                              : CLEAT__STYLE_NONE;
}

static cleat__style bar_style(const cleat__drawing *drawing, const cleat__stitched_span *span)
{
    if (span->view.status == CLEAT_SPAN_STATUS_ERROR) {
        return CLEAT__STYLE_RED;
    }
    if (cleat__span_pace_of(&span->view) != CLEAT__SPAN_WORKS) {
        return CLEAT__STYLE_DIM;
    }
    if (drawing->has_bands) {
        return band_style(drawing, span->trace);
    }
    if (span->view.kind == CLEAT_SPAN_KIND_PRODUCER) {
        return CLEAT__STYLE_YELLOW;
    }
    return span->view.kind == CLEAT_SPAN_KIND_CONSUMER ? CLEAT__STYLE_CYAN : CLEAT__STYLE_GREEN;
}

/* ---- The parts of a row ---- */

/* Answers the columns left for the name. */
static int begin_row(cleat__drawing *drawing)
{
    cleat__text_append_blanks(drawing->out, drawing->options->indent);
    if (!drawing->has_bands) {
        return drawing->name_columns;
    }
    if (drawing->terminal->colour) {
        style(drawing, band_style(drawing, drawing->trace));
        put(drawing, drawing->terminal->utf8 ? "▎ " : "| ");
        style(drawing, CLEAT__STYLE_NONE);
    } else {
        cleat__text_append_blanks(drawing->out, CLEAT__BAND_COLUMNS);
    }
    return drawing->name_columns - CLEAT__BAND_COLUMNS;
}

static const char *const *lines_of(const cleat__drawing *drawing)
{
    static const char *const utf8[] = {"  ", "│ ", "└ ", "├ "};
    static const char *const ascii[] = {"  ", "| ", "`-", "|-"};
    return drawing->terminal->utf8 ? utf8 : ascii;
}

/* The lines that lead to a span, or past it: for each ancestor below the root, whether more siblings follow. */
static int draw_branches(cleat__drawing *drawing, int32_t index, bool more_below, bool is_past)
{
    const char *const *lines = lines_of(drawing);
    const cleat__stitched_span *spans = drawing->forest->spans;
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
        bool leads_here = i == drawn - 1 && !is_past;
        put(drawing, lines[(leads_here ? 2 : 0) + more[i]]);
    }
    return 2 * drawn;
}

/* Appends `text` as far as `*room` columns allow. */
static void draw_part(cleat__drawing *drawing, cleat_slice text, cleat__style code, int *room)
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

static void draw_string(cleat__drawing *drawing, const char *text, cleat__style code, int *room)
{
    draw_part(drawing, cleat_slice_of(text), code, room);
}

static void draw_attempt(cleat__drawing *drawing, int64_t attempt, int *room)
{
    char text[32];
    (void)snprintf(text, sizeof(text), " #%lld", (long long)attempt);
    draw_string(drawing, text, CLEAT__STYLE_YELLOW, room);
}

static void draw_name(cleat__drawing *drawing, const cleat__stitched_span *span, int room)
{
    cleat__span_label label;
    bool failed = span->view.status == CLEAT_SPAN_STATUS_ERROR;
    cleat__span_label_read(&span->view, drawing->short_names, &label);
    draw_part(drawing, label.name, failed ? CLEAT__STYLE_RED : CLEAT__STYLE_NONE, &room);
    if (label.attempt > 0) {
        draw_attempt(drawing, label.attempt, &room);
    }
    if (label.task[0] != '\0') {
        draw_string(drawing, " ", CLEAT__STYLE_NONE, &room);
        draw_string(drawing, label.task, CLEAT__STYLE_CYAN, &room);
    }
    if (label.key.data != NULL) {
        draw_string(drawing, " ", CLEAT__STYLE_NONE, &room);
        draw_part(drawing, label.key, CLEAT__STYLE_DIM, &room);
    }
    cleat__text_append_blanks(drawing->out, room);
}

static void draw_kind(cleat__drawing *drawing, cleat_span_kind kind)
{
    if (drawing->with_kind) {
        cleat__buffer_append_format(drawing->out, " %-*s", KIND_COLUMNS, cleat__span_kind_name(kind));
    }
}

/* What has no kind may write into its column. */
static int kind_room(const cleat__drawing *drawing)
{
    return drawing->with_kind ? KIND_COLUMNS + 1 : 0;
}

static void draw_duration(cleat__drawing *drawing, int64_t duration_ns)
{
    cleat__buffer_append_format(drawing->out, " %*s  ", DURATION_COLUMNS,
                                cleat__format_duration(duration_ns).text);
}

static cleat__bar place(const cleat__drawing *drawing, int64_t start_ns, int64_t end_ns)
{
    const cleat__stitched *forest = drawing->forest;
    return cleat__bar_place(drawing->bar_columns, start_ns - forest->start_ns, end_ns - forest->start_ns,
                            forest->end_ns - forest->start_ns);
}

static void draw_bar(cleat__drawing *drawing, const cleat__bar *bar, int from, int to, cleat__bar_fill fill,
                     cleat__style code)
{
    style(drawing, code);
    cleat__bar_append(drawing->out, drawing->terminal, bar, from, to, fill);
    style(drawing, CLEAT__STYLE_NONE);
}

/* That of the trace which a link leads to, when it is in the picture. */
static cleat__style note_style(const cleat__drawing *drawing, const cleat__stitched_span *span)
{
    const cleat__stitched *forest = drawing->forest;
    int32_t to = span->link_count > 0 ? forest->links[span->first_link].to : CLEAT__STITCHED_NONE;
    return to >= 0 && drawing->has_bands ? band_style(drawing, forest->spans[to].trace) : CLEAT__STYLE_DIM;
}

static void draw_note(cleat__drawing *drawing, const char *note, const cleat__stitched_span *span)
{
    style(drawing, note_style(drawing, span));
    put(drawing, note);
    style(drawing, CLEAT__STYLE_NONE);
}

static void end_row(cleat__drawing *drawing, const char *status, bool failed)
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

static void end_row_of_many(cleat__drawing *drawing, int32_t error_count)
{
    char errors[16] = "";
    if (error_count > 0) {
        (void)snprintf(errors, sizeof(errors), error_count < 10 ? "%d err" : "error", (int)error_count);
    }
    end_row(drawing, errors, true);
}

/* ---- Spans ---- */

static cleat__bar_fill fill_of(const cleat_span_view *span)
{
    cleat__span_pace pace = cleat__span_pace_of(span);
    return pace == CLEAT__SPAN_QUEUED   ? CLEAT__BAR_QUEUE
           : pace == CLEAT__SPAN_ASLEEP ? CLEAT__BAR_SLEEP
                                        : CLEAT__BAR_WORK;
}

/* Beside the bar, in the columns that it leaves free; false when they are too few. */
static bool draw_bar_and_note(cleat__drawing *drawing, const cleat__bar *bar,
                              const cleat__stitched_span *span, const char *note, int needed)
{
    cleat__bar_fill fill = fill_of(&span->view);
    cleat__style code = bar_style(drawing, span);
    if (bar->columns - bar->end > needed) {
        draw_bar(drawing, bar, 0, bar->end, fill, code);
        put(drawing, " ");
        draw_note(drawing, note, span);
        cleat__text_append_blanks(drawing->out, bar->columns - bar->end - 1 - needed);
        return true;
    }
    if (bar->first > needed) {
        cleat__text_append_blanks(drawing->out, bar->first - 1 - needed);
        draw_note(drawing, note, span);
        put(drawing, " ");
        draw_bar(drawing, bar, bar->first, bar->columns, fill, code);
        return true;
    }
    return false;
}

/* In a row of its own, between the span and what is below it. */
static void draw_note_row(cleat__drawing *drawing, int32_t index, const char *note)
{
    const cleat__stitched_span *span = &drawing->forest->spans[index];
    int room = drawing->terminal->columns - drawing->options->indent;
    room -= drawing->name_columns - begin_row(drawing);
    style(drawing, CLEAT__STYLE_DIM);
    room -= draw_branches(drawing, index, span->next >= 0, true);
    put(drawing, lines_of(drawing)[span->first_child >= 0]);
    room -= 2;
    style(drawing, CLEAT__STYLE_NONE);
    draw_string(drawing, note, note_style(drawing, span), &room);
    end_row(drawing, "", false);
}

void cleat__drawing_span(cleat__drawing *drawing, int32_t index)
{
    const cleat__stitched_span *span = &drawing->forest->spans[index];
    const cleat_span_view *view = &span->view;
    const cleat__bar bar = place(drawing, view->start_time_ns, view->end_time_ns);
    char note[CLEAT__NOTE_SIZE], short_note[CLEAT__NOTE_SIZE];
    int room = begin_row(drawing);
    style(drawing, CLEAT__STYLE_DIM);
    room -= draw_branches(drawing, index, span->next >= 0, false);
    style(drawing, CLEAT__STYLE_NONE);
    draw_name(drawing, span, room);
    draw_kind(drawing, view->kind);
    draw_duration(drawing, view->end_time_ns - view->start_time_ns);
    int needed = cleat__link_note(note, drawing->terminal, drawing->forest, span, false);
    int short_needed = cleat__link_note(short_note, drawing->terminal, drawing->forest, span, true);
    bool is_noted = needed > 0 && (draw_bar_and_note(drawing, &bar, span, note, needed) ||
                                   draw_bar_and_note(drawing, &bar, span, short_note, short_needed));
    if (!is_noted) {
        draw_bar(drawing, &bar, 0, bar.columns, fill_of(view), bar_style(drawing, span));
    }
    end_row(drawing, cleat__span_status_name(view->status), view->status == CLEAT_SPAN_STATUS_ERROR);
    if (needed > 0 && !is_noted) {
        draw_note_row(drawing, index, note);
    }
    drawing->shown++;
}

/* ---- Several in one row ---- */

/* The text of a folded row, and its line from the first to the last. */
static void draw_many(cleat__drawing *drawing, const char *text, int room, const cleat__fold *group)
{
    const cleat__bar bar = place(drawing, group->start_ns, group->end_ns);
    cleat__text_append_fit(drawing->out, drawing->terminal, cleat_slice_of(text), room + kind_room(drawing),
                           CLEAT__ALIGN_LEFT);
    draw_duration(drawing, group->end_ns - group->start_ns);
    draw_bar(drawing, &bar, 0, bar.columns, CLEAT__BAR_EXTENT, CLEAT__STYLE_DIM);
    end_row_of_many(drawing, group->errors);
    drawing->shown += group->spans;
}

static void name_many(const cleat__drawing *drawing, const cleat__fold *group, const char *what, char *out,
                      size_t size)
{
    char spans[CLEAT__FORMAT_SIZE + 16] = "";
    if (group->spans > group->count) {
        (void)snprintf(spans, sizeof(spans), " (%s spans)", cleat__format_count(group->spans).text);
    }
    (void)snprintf(out, size, "%s %s more%s%s", drawing->terminal->utf8 ? "⋮" : ":",
                   cleat__format_count(group->count).text, what, spans);
}

void cleat__drawing_fold(cleat__drawing *drawing, int32_t index, const cleat__fold *group)
{
    char text[128];
    int room = begin_row(drawing);
    style(drawing, CLEAT__STYLE_DIM);
    room -= draw_branches(drawing, index, true, false);
    name_many(drawing, group, "", text, sizeof(text));
    draw_many(drawing, text, room, group);
}

void cleat__drawing_trace_fold(cleat__drawing *drawing, const cleat__fold *group)
{
    char text[128];
    cleat__text_append_blanks(drawing->out, drawing->options->indent);
    style(drawing, CLEAT__STYLE_DIM);
    name_many(drawing, group, " traces like this", text, sizeof(text));
    draw_many(drawing, text, drawing->name_columns, group);
}

void cleat__drawing_rest(cleat__drawing *drawing, int32_t count)
{
    char text[64];
    int room = begin_row(drawing);
    (void)snprintf(text, sizeof(text), "%s %s more %s", drawing->terminal->utf8 ? "⋮" : ":",
                   cleat__format_count(count).text, count == 1 ? "span" : "spans");
    draw_string(drawing, text, CLEAT__STYLE_DIM, &room);
    end_row(drawing, "", false);
}

/* "trace 73ce55c7 archive:pack #2  4 spans", and a line as long as the trace. */
void cleat__drawing_heading(cleat__drawing *drawing)
{
    const cleat__stitched_trace *trace = &drawing->forest->traces[drawing->trace];
    const cleat__bar bar = place(drawing, trace->start_ns, trace->end_ns);
    cleat__style code = band_style(drawing, drawing->trace);
    char hex[33];
    char text[64];
    int room = drawing->name_columns + kind_room(drawing);
    cleat_slice name = drawing->short_names ? cleat__span_name_shorten(trace->name) : trace->name;
    cleat_trace_id_to_hex(&trace->id, hex);
    cleat__text_append_blanks(drawing->out, drawing->options->indent);
    (void)snprintf(text, sizeof(text), "%s%.*s", room < NARROW_HEADING ? "" : "trace ", CLEAT__NOTE_ID_DIGITS,
                   hex);
    style(drawing, CLEAT__STYLE_BOLD);
    draw_string(drawing, text, code, &room);
    draw_string(drawing, " ", CLEAT__STYLE_NONE, &room);
    draw_part(drawing, trace->task.data != NULL ? trace->task : name, CLEAT__STYLE_BOLD, &room);
    if (trace->attempt > 1) {
        draw_attempt(drawing, trace->attempt, &room);
    }
    (void)snprintf(text, sizeof(text), "  %s %s", cleat__format_count(trace->shown).text,
                   trace->shown == 1 ? "span" : "spans");
    draw_string(drawing, text, CLEAT__STYLE_DIM, &room);
    cleat__text_append_blanks(drawing->out, room);
    draw_duration(drawing, trace->end_ns - trace->start_ns);
    draw_bar(drawing, &bar, 0, bar.columns, CLEAT__BAR_EXTENT, code);
    end_row_of_many(drawing, cleat__fold_trace_errors(drawing->forest, trace));
}
