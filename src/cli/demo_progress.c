#include "demo_progress.h"

#include "bar.h"
#include "format.h"

#include <stdio.h>
#include <unistd.h>

enum { LINES = 10, AROUND_THE_BAR = 60, WIDEST_BAR = 40 };

void cleat__demo_progress_begin(cleat__demo_progress *progress, const char *label, int64_t total)
{
    memset(progress, 0, sizeof(*progress));
    cleat__terminal_init(&progress->terminal, STDERR_FILENO);
    progress->label = label;
    progress->total = total > 0 ? total : 1;
}

static void draw_bar(cleat__demo_progress *progress, int64_t done, const char *counts)
{
    const cleat__terminal *terminal = &progress->terminal;
    cleat__buffer bar = {0};
    int columns = terminal->columns - AROUND_THE_BAR;
    columns = columns < 10 ? 10 : columns > WIDEST_BAR ? WIDEST_BAR : columns;
    const cleat__bar place = cleat__bar_place(columns, 0, done, progress->total);
    cleat__bar_append(&bar, terminal, &place, 0, columns, CLEAT__BAR_WORK);
    fprintf(stderr, "\r%-7s %s%.*s%s %s\033[K", progress->label,
            cleat__style_code(terminal, CLEAT__STYLE_CYAN), (int)bar.size, (const char *)bar.data,
            cleat__style_code(terminal, CLEAT__STYLE_NONE), counts);
    fflush(stderr);
    cleat__buffer_deinit(&bar);
    progress->drawn = true;
}

void cleat__demo_progress_show(cleat__demo_progress *progress, int64_t done, int64_t failed, int64_t retried)
{
    char counts[4 * CLEAT__FORMAT_SIZE + 32];
    snprintf(counts, sizeof(counts), "%s of %s, %s retries, %s failed", cleat__format_count(done).text,
             cleat__format_count(progress->total).text, cleat__format_count(retried).text,
             cleat__format_count(failed).text);
    if (progress->terminal.is_terminal) {
        draw_bar(progress, done, counts);
    } else if (done >= progress->next_line) {
        fprintf(stderr, "%s: %s\n", progress->label, counts);
        progress->next_line = done + (progress->total + LINES - 1) / LINES;
    }
}

void cleat__demo_progress_end(cleat__demo_progress *progress)
{
    if (progress->drawn) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
    progress->drawn = false;
}
