/* What the library says in the log, of one matter. */
#ifndef CLEAT_TESTS_OVERHEARD_H
#define CLEAT_TESTS_OVERHEARD_H

#include "support/gate.h"

typedef struct overheard {
    const char *word; /* lines without it are others' */
    gate lines;       /* how many there were */
    char text[4096];  /* these lines, each with its end; to be read when nobody says more */
} overheard;

/* Listens to warnings and errors, until the end: there is one handler in a process. */
void overhear(overheard *it, const char *word);
/* Answers how many lines there were. */
int overheard_end(overheard *it);

#endif
