/* A directory for one test. */
#ifndef CLEAT_TESTS_TEMP_DIR_H
#define CLEAT_TESTS_TEMP_DIR_H

typedef struct temp_dir {
    char path[256];
    char database[288]; /* a file in it that is not there yet */
} temp_dir;

void temp_dir_make(temp_dir *dir);
void temp_dir_remove(const temp_dir *dir); /* with its files */

#endif
