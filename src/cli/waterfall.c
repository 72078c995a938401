#include "waterfall_parts.h"

#include "base/alloc.h"
#include "format.h"

enum { ROWS_MIN = 3 }; /* of a trace: its heading, its root, and what is left out */

/* ---- Which rows ---- */

static void draw_spans(cleat__drawing *drawing, const uint8_t *folded)
{
    const cleat__stitched *forest = drawing->forest;
    const cleat__stitched_trace *trace = &forest->traces[drawing->trace];
    int32_t end = trace->first_span + trace->shown;
    int32_t before = drawing->shown;
    int32_t index = trace->first_span;
    while (index < end && cleat__drawing_has_room(drawing)) {
        if (folded == NULL || !folded[index]) {
            cleat__drawing_span(drawing, index++);
            continue;
        }
        cleat__fold group;
        int32_t last = cleat__fold_read(forest, folded, index, &group);
        cleat__drawing_fold(drawing, index, &group);
        index = cleat__stitched_skip(forest, last);
    }
    if (index < end && drawing->has_bands) {
        cleat__drawing_rest(drawing, trace->shown - (drawing->shown - before));
    }
}

/* Rows that the traces behind this one should have: one that is long leaves something for them. */
static int32_t reserve(const cleat__drawing *drawing, const cleat__trace_folds *folds)
{
    int32_t wanted = 0;
    int32_t left = drawing->options->rows - drawing->rows;
    for (int32_t i = drawing->trace + 1; i < drawing->forest->trace_count && wanted < left; i++) {
        const cleat__stitched_trace *trace = &drawing->forest->traces[i];
        int32_t rows = trace->shown + 1 < ROWS_MIN ? trace->shown + 1 : ROWS_MIN;
        wanted += folds->groups[i] < 0 ? rows : 0;
    }
    return wanted < left / 2 ? wanted : left / 2;
}

/* The row of a group is where the first trace of it would be, and no second time. */
static void draw_folded(cleat__drawing *drawing, cleat__fold *group)
{
    if (group->count > 0) {
        cleat__drawing_trace_fold(drawing, group);
        group->count = 0;
    }
}

static void draw_traces(cleat__drawing *drawing, const uint8_t *folded, const cleat__trace_folds *folds)
{
    const cleat__waterfall_options *options = drawing->options;
    for (int32_t i = 0; i < drawing->forest->trace_count; i++) {
        drawing->trace = i;
        drawing->rows_max = options->rows;
        if (!cleat__drawing_has_room(drawing)) {
            return;
        }
        if (folds != NULL && folds->groups[i] >= 0) {
            draw_folded(drawing, &folds->folds[folds->groups[i]]);
            continue;
        }
        drawing->rows_max -= folds != NULL ? reserve(drawing, folds) : 0;
        if (drawing->has_bands) {
            cleat__drawing_heading(drawing);
        }
        draw_spans(drawing, folded);
    }
}

/* ---- What is not there ---- */

static void end_drawing(cleat__drawing *drawing)
{
    const cleat__stitched *forest = drawing->forest;
    const cleat__waterfall_options *options = drawing->options;
    int64_t left = (options->all ? forest->span_count : forest->total_spans) - drawing->shown;
    cleat__buffer_append_string(drawing->out, cleat__style_code(drawing->terminal, CLEAT__STYLE_DIM));
    if (left > 0) {
        cleat__buffer_append_format(drawing->out, "%*s%s more %s: --all shows %s\n", options->indent, "",
                                    cleat__format_count(left).text, left == 1 ? "span" : "spans",
                                    left == 1 ? "it" : "them");
    }
    if (!forest->is_complete) {
        cleat__buffer_append_format(drawing->out, "%*sthere is more than was looked at\n", options->indent,
                                    "");
    }
    cleat__buffer_append_string(drawing->out, cleat__style_code(drawing->terminal, CLEAT__STYLE_NONE));
}

void cleat__waterfall_append(cleat__buffer *out, const cleat__terminal *terminal,
                             const cleat__stitched *forest, const cleat__waterfall_options *options)
{
    cleat__drawing drawing = {.out = out, .terminal = terminal, .forest = forest, .options = options};
    uint8_t *folded = options->all ? NULL : cleat__fold_spans(forest);
    cleat__trace_folds folds = {.group_count = 0};
    bool is_folded = !options->all && cleat__fold_traces(forest, &folds);
    drawing.has_bands = options->headings || forest->trace_count > 1;
    cleat__drawing_lay_out(&drawing);
    cleat__drawing_header(&drawing);
    draw_traces(&drawing, folded, is_folded ? &folds : NULL);
    end_drawing(&drawing);
    cleat__free(folded);
    cleat__trace_folds_deinit(&folds);
}
