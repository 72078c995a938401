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
    static const char *const utf8[] = {
        [CLEAT__BAR_QUEUE] = "░", [CLEAT__BAR_SLEEP] = "·", [CLEAT__BAR_EXTENT] = "─"};
    static const char *const ascii[] = {
        [CLEAT__BAR_QUEUE] = ":", [CLEAT__BAR_SLEEP] = ".", [CLEAT__BAR_EXTENT] = "-"};
    if (from >= to) {
        return " ";
    }
    if (fill != CLEAT__BAR_WORK) {
        return terminal->utf8 ? utf8[fill] : ascii[fill];
    }
    if (!terminal->utf8) {
        return to - from < STEPS / 2 ? "|" : "#";
    }
    return block(from, to);
}

cleat__bar cleat__bar_place(int columns, int64_t start, int64_t end, int64_t total)
{
    cleat__bar bar = {.columns = columns};
    bar.first_step = position(start, total, columns * STEPS);
    bar.end_step = position(end, total, columns * STEPS);
    if (bar.first_step > columns * STEPS - 1) {
        bar.first_step = columns * STEPS - 1;
    }
    if (bar.end_step <= bar.first_step) {
        bar.end_step = bar.first_step + 1;
    }
    bar.first = bar.first_step / STEPS;
    bar.end = (bar.end_step + STEPS - 1) / STEPS;
    return bar;
}

void cleat__bar_append(cleat__buffer *out, const cleat__terminal *terminal, const cleat__bar *bar, int from,
                       int to, cleat__bar_fill fill)
{
    for (int column = from; column < to; column++) {
        int first = bar->first_step - column * STEPS;
        int end = bar->end_step - column * STEPS;
        first = first < 0 ? 0 : first;
        end = end > STEPS ? STEPS : end;
        cleat__buffer_append_string(out, cell(terminal, first, end, fill));
    }
}
