/* Reading public option structs, whose first member, `struct_size`, says how much the caller knew. */
#ifndef CLEAT_BASE_OPTIONS_H
#define CLEAT_BASE_OPTIONS_H

#include <cleat/status.h>

/*
 * Copies the options at `from` (NULL: none) into the struct of `size` bytes at `to`; what the caller
 * did not know is zero. A struct_size of 0 is that of this version. Whole words only: a wrong size
 * gives no half pointer.
 */
static inline void cleat__options_copy(void *to, const void *from, size_t size)
{
    size_t known = 0;
    memset(to, 0, size);
    if (from != NULL) {
        memcpy(&known, from, sizeof(known));
        known = known == 0 || known > size ? size : known & ~(sizeof(void *) - 1);
        memcpy(to, from, known);
    }
}

#endif
