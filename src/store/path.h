/* What can be said about a database's path before SQLite sees it. */
#ifndef CLEAT_STORE_PATH_H
#define CLEAT_STORE_PATH_H

#include <cleat/status.h>

/*
 * The absolute path without symbolic links, so that every name of a file leads to one lock file.
 * The caller frees it. CLEAT_NOT_A_DATABASE: a directory or device; CLEAT_READ_ONLY; CLEAT_IO: its
 * directory does not exist; CLEAT_NOT_FOUND: there is no file, and `must_exist`.
 */
cleat_status cleat__path_resolve(const char *path, bool writable, bool must_exist, char **out, bool *exists);

#endif
