/*
 * Text from runs and spans on its way to a terminal: it may hold anything, so control characters
 * (escape sequences and what turns the direction of text among them) and invalid UTF-8 are replaced, and width is counted in columns.
 */
#ifndef CLEAT_CLI_TEXT_H
#define CLEAT_CLI_TEXT_H

#include "base/buffer.h"
#include "terminal.h"

typedef enum cleat__align {
    CLEAT__ALIGN_LEFT,
    CLEAT__ALIGN_RIGHT,
} cleat__align;

/* Columns the text takes once it is cleaned. */
int cleat__text_columns(const cleat__terminal *terminal, cleat_slice text);
/* All of it, on one line. */
void cleat__text_append(cleat__buffer *out, const cleat__terminal *terminal, cleat_slice text);
/* Exactly `columns` columns: filled with blanks or cut with an ellipsis. */
void cleat__text_append_fit(cleat__buffer *out, const cleat__terminal *terminal, cleat_slice text,
                            int columns, cleat__align align);
void cleat__text_append_blanks(cleat__buffer *out, int count);

#endif
