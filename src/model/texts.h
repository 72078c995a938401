/* Lists of texts as programs write them: NULL is the last one. */
#ifndef CLEAT_MODEL_TEXTS_H
#define CLEAT_MODEL_TEXTS_H

#include <stddef.h>

/* How many there are before NULL; of NULL none. */
static inline size_t cleat__texts_count(const char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL) {
        count++;
    }
    return count;
}

#endif
