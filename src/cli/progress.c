#include "progress.h"

#include "bar.h"
#include "format.h"

#include <stdio.h>
#include <unistd.h>

enum { COLUMNS = 30 };

void cleat__progress_begin(cleat__progress *progress, const char *label)
{
    *progress = (cleat__progress){.label = label, .drawn = -1};
    cleat__terminal_init(&progress->terminal, STDERR_FILENO);
}

void cleat__progress_show(cleat__progress *progress, int64_t done, int64_t total)
{
    int percent = total > 0 ? (int)((double)done * 100 / (double)total) : 100;
    if (!progress->terminal.is_terminal || percent == progress->drawn) {
        return;
    }
    cleat__buffer bar = {0};
    const cleat__bar place = cleat__bar_place(COLUMNS, 0, percent, 100);
    cleat__bar_append(&bar, &progress->terminal, &place, 0, COLUMNS, CLEAT__BAR_WORK);
    fprintf(stderr, "\r%s %s%.*s%s %d %%\033[K", progress->label,
            cleat__style_code(&progress->terminal, CLEAT__STYLE_CYAN), (int)bar.size, (const char *)bar.data,
            cleat__style_code(&progress->terminal, CLEAT__STYLE_NONE), percent);
    fflush(stderr);
    cleat__buffer_deinit(&bar);
    progress->drawn = percent;
}

void cleat__progress_count(cleat__progress *progress, int64_t done)
{
    if (progress->terminal.is_terminal) {
        fprintf(stderr, "\r%s %s\033[K", progress->label, cleat__format_count(done).text);
        fflush(stderr);
        progress->drawn = 0;
    }
}

void cleat__progress_end(cleat__progress *progress)
{
    if (progress->drawn >= 0) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
}
