/* What is written beside a span's bar about its links: "→ trace 73ce55c7 +1 ← 12 link here". */
#ifndef CLEAT_CLI_LINK_NOTE_H
#define CLEAT_CLI_LINK_NOTE_H

#include "collector/stitched.h"
#include "terminal.h"

/* The hex digits of a trace id in a picture. */
enum { CLEAT__NOTE_ID_DIGITS = 8, CLEAT__NOTE_SIZE = 96 };

/* "" without links. `is_short`: "→73ce55c7 +1 ←12". Answers the columns it takes. */
int cleat__link_note(char out[CLEAT__NOTE_SIZE], const cleat__terminal *terminal,
                     const cleat__stitched *forest, const cleat__stitched_span *span, bool is_short);

#endif
