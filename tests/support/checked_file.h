/* The rules of `cleat check` in tests. */
#ifndef CLEAT_TESTS_CHECKED_FILE_H
#define CLEAT_TESTS_CHECKED_FILE_H

/* NULL when all rules about tables hold in the file; else the first thing that is wrong, until the next call. */
const char *checked_file(const char *path);

#endif
