/*
 * A file that is there only when it is whole. It is made under another name, NAME-partial, and gets its own when it is
 * on the disk: what was broken off, even with the machine, is never taken for one. Two that make the same exclude each
 * other by the lock of that name.
 */
#ifndef CLEAT_STORE_NEW_FILE_H
#define CLEAT_STORE_NEW_FILE_H

#include "store/lock.h"

typedef struct cleat__new_file {
    char *path, *partial; /* absolute */
    cleat__lock lock;
    bool is_making; /* what lies at `partial` is ours */
} cleat__new_file;
#define CLEAT__NEW_FILE_INIT                \
    {                                       \
        NULL, NULL, CLEAT__LOCK_INIT, false \
    }

/* Makes `partial`, empty and for its owner only, in the place of one that was broken off. CLEAT_ALREADY_EXISTS: there
 * is a file of that name; CLEAT_BUSY: somebody is making it. */
cleat_status cleat__new_file_begin(cleat__new_file *file, const char *path);
/* It is whole, and closed: gives it its name. */
cleat_status cleat__new_file_keep(cleat__new_file *file);
/* Removes what was not kept, and frees. */
void cleat__new_file_end(cleat__new_file *file);

#endif
