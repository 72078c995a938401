/* The files of a directory tree that the demo packs. */
#ifndef CLEAT_CLI_DEMO_FILES_H
#define CLEAT_CLI_DEMO_FILES_H

#include <cleat/status.h>

typedef struct cleat__demo_files {
    char **paths; /* owned; in an order that is the same each time */
    size_t count;
    size_t capacity;
} cleat__demo_files;

/*
 * Regular files below `directory`, at most `limit`. Symbolic links are not followed, other file
 * systems (/proc, when `directory` is /) not entered; what cannot be listed below `directory` is
 * passed over, and so are names that are not UTF-8, which JSON cannot hold. Failures are about
 * `directory` itself: CLEAT_NOT_FOUND, CLEAT_IO, with a message. Deinit on every path.
 */
cleat_status cleat__demo_files_list(const char *directory, size_t limit, cleat__demo_files *out);
void cleat__demo_files_deinit(cleat__demo_files *files);

#endif
