/* What the parts of a waterfall share: the drawing, and its rows. */
#ifndef CLEAT_CLI_WATERFALL_PARTS_H
#define CLEAT_CLI_WATERFALL_PARTS_H

#include "fold.h"
#include "waterfall.h"

typedef struct cleat__drawing {
    cleat__buffer *out;
    const cleat__terminal *terminal;
    const cleat__stitched *forest;
    const cleat__waterfall_options *options;
    int name_columns, bar_columns;
    bool with_kind, short_names;
    bool has_bands;   /* headings, and rows set off from them */
    int32_t trace;    /* that is drawn */
    int32_t rows;     /* drawn so far */
    int32_t rows_max; /* of this trace and those before it */
    int32_t shown;    /* spans drawn or counted in a folded row */
} cleat__drawing;

enum { CLEAT__BAND_COLUMNS = 2 }; /* before each row, in the colour of its trace */

/* Sets the widths of the columns. */
void cleat__drawing_lay_out(cleat__drawing *drawing);
/* Whether another row may be drawn. */
bool cleat__drawing_has_room(const cleat__drawing *drawing);

/* One row, and a second one where a note has no place beside the bar. */
void cleat__drawing_header(cleat__drawing *drawing);
void cleat__drawing_heading(cleat__drawing *drawing); /* of the trace */
void cleat__drawing_span(cleat__drawing *drawing, int32_t index);
/* `index` is the first of the folded siblings. */
void cleat__drawing_fold(cleat__drawing *drawing, int32_t index, const cleat__fold *group);
void cleat__drawing_trace_fold(cleat__drawing *drawing, const cleat__fold *group);
/* Spans of the trace for which there was no room. */
void cleat__drawing_rest(cleat__drawing *drawing, int32_t count);

#endif
