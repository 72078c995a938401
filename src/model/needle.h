/*
 * A text that is looked for in others. Capital letters of ASCII are small ones. The time it takes is that of going once
 * through either, whatever they are (Knuth, Morris, Pratt): both come from peers.
 */
#ifndef CLEAT_MODEL_NEEDLE_H
#define CLEAT_MODEL_NEEDLE_H

#include <cleat/status.h>

typedef struct cleat__needle { /* zero-initialised: it is everywhere */
    char *text;                /* in small letters */
    size_t *falls; /* where characters 0 .. i match and the next does not: how many of them still do */
    size_t size;
} cleat__needle;

/* CLEAT_NO_MEMORY. To be deinited on every path. */
cleat_status cleat__needle_init(cleat__needle *needle, cleat_slice text);
void cleat__needle_deinit(cleat__needle *needle);
/* False for the absent slice, unless the needle is empty. */
bool cleat__needle_is_in(const cleat__needle *needle, cleat_slice haystack);

#endif
