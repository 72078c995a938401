/* SQLite on a file that is only read: one in use, or one that lies where nothing can be written. */
#ifndef CLEAT_STORE_READING_H
#define CLEAT_STORE_READING_H

#include <cleat/status.h>

#include <sqlite3.h>

/*
 * `path` is one of cleat__path_resolve(). `*is_still`: neither this process nor, so far as can be seen, another one
 * writes there. `*out` is to be closed also after a failure. CLEAT_READ_ONLY: a log lies beside the file that cannot be
 * read without writing.
 */
cleat_status cleat__reading_open(const char *path, sqlite3 **out, bool *is_still);

#endif
