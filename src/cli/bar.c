#include "bar.h"

#include <math.h>

enum { STEPS = 8 };

static int position(int64_t at, int64_t total, int steps)
{
    double place = total > 0 ? (double)at / (double)total * steps : 0;
    return place < 0 ? 0 : place > steps ? steps : (int)place;
}

/* What to draw in a column that the bar covers from step `from` to step `to` of 0 .. 8. */
static const char *block(int from, int to)
{
    static const char *const left[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    if (from > 0 && to == STEPS) {
        return from >= STEPS - 2 ? "▕" : from >= STEPS / 2 ? "▐" : "█"; /* there are no others */
    }
    return left[to - from];
}

static const char *cell(const cleat__terminal *terminal, int from, int to, cleat__bar_fill fill)
{
    if (from >= to) {
        return " ";
    }
    if (fill == CLEAT__BAR_SHADED) {
        return terminal->utf8 ? "░" : "-";
    }
    if (!terminal->utf8) {
        return to - from < STEPS / 2 ? "|" : "#";
    }
    return block(from, to);
}

void cleat__bar_append(cleat__buffer *out, const cleat__terminal *terminal, int columns, int64_t start,
                       int64_t end, int64_t total, cleat__bar_fill fill)
{
    int first = position(start, total, columns * STEPS);
    int last = position(end, total, columns * STEPS);
    if (first > columns * STEPS - 1) {
        first = columns * STEPS - 1;
    }
    if (last <= first) {
        last = first + 1;
    }
    for (int column = 0; column < columns; column++) {
        int from = first - column * STEPS;
        int to = last - column * STEPS;
        from = from < 0 ? 0 : from;
        to = to > STEPS ? STEPS : to;
        cleat__buffer_append_string(out, cell(terminal, from, to, fill));
    }
}
