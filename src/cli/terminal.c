#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NARROWEST = 40, WIDEST = 500, WIDTH_OF_FILES = 100, WIDTH_OF_TERMINALS = 80 };

static int environment_columns(void)
{
    const char *text = getenv("COLUMNS");
    return text != NULL ? atoi(text) : 0;
}

static int find_columns(int fd, bool is_terminal)
{
    struct winsize size;
    int columns = 0;
    if (is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0) {
        columns = size.ws_col;
    }
    if (columns == 0) {
        columns = environment_columns();
    }
    if (columns <= 0) {
        columns = is_terminal ? WIDTH_OF_TERMINALS : WIDTH_OF_FILES;
    }
    if (columns < NARROWEST) {
        return NARROWEST;
    }
    return columns < WIDEST ? columns : WIDEST;
}

static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    if (no_colour != NULL && no_colour[0] != '\0') {
        return false;
    }
    return kind != NULL && strcmp(kind, "dumb") != 0;
}

void cleat__terminal_init(cleat__terminal *terminal, int fd)
{
    setlocale(LC_CTYPE, "");
    terminal->is_terminal = isatty(fd) == 1;
    terminal->columns = find_columns(fd, terminal->is_terminal);
    terminal->colour = terminal->is_terminal && wants_colour();
    terminal->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

const char *cleat__style_code(const cleat__terminal *terminal, cleat__style style)
{
    static const char *const codes[] = {
        [CLEAT__STYLE_NONE] = "\033[0m",     [CLEAT__STYLE_BOLD] = "\033[1m",
        [CLEAT__STYLE_DIM] = "\033[2m",      [CLEAT__STYLE_RED] = "\033[31m",
        [CLEAT__STYLE_GREEN] = "\033[32m",   [CLEAT__STYLE_YELLOW] = "\033[33m",
        [CLEAT__STYLE_BLUE] = "\033[34m",    [CLEAT__STYLE_CYAN] = "\033[36m",
        [CLEAT__STYLE_MAGENTA] = "\033[35m",
    };
    return terminal->colour ? codes[style] : "";
}
