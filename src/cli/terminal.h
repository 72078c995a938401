/* What standard output can show: how wide, whether in colour, which characters. */
#ifndef CLEAT_CLI_TERMINAL_H
#define CLEAT_CLI_TERMINAL_H

#include <stdbool.h>

typedef struct cleat__terminal {
    int columns;      /* at least 40 */
    bool is_terminal; /* else a file or pipe */
    bool colour;      /* on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb says no */
    bool utf8;        /* the locale's character set */
} cleat__terminal;

/* Looks at a file descriptor. A file is as wide as COLUMNS says, else 100. */
void cleat__terminal_init(cleat__terminal *terminal, int fd);

typedef enum cleat__style {
    CLEAT__STYLE_NONE,
    CLEAT__STYLE_BOLD,
    CLEAT__STYLE_DIM,
    CLEAT__STYLE_RED,
    CLEAT__STYLE_GREEN,
    CLEAT__STYLE_YELLOW,
    CLEAT__STYLE_BLUE,
    CLEAT__STYLE_CYAN,
    CLEAT__STYLE_MAGENTA,
} cleat__style;

/* The escape sequence that begins a style and, for NONE, ends all; "" without colour. */
const char *cleat__style_code(const cleat__terminal *terminal, cleat__style style);

#endif
