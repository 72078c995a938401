#include "support/temp_dir.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void temp_dir_make(temp_dir *dir)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(dir->path, sizeof dir->path, "%s/cleat-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir->path));
    (void)snprintf(dir->database, sizeof dir->database, "%s/test.db", dir->path);
}

void temp_dir_remove(const temp_dir *dir)
{
    char file[600];
    DIR *entries = opendir(dir->path);
    for (struct dirent *it; entries != NULL && (it = readdir(entries)) != NULL;) {
        if (strcmp(it->d_name, ".") != 0 && strcmp(it->d_name, "..") != 0) {
            (void)snprintf(file, sizeof file, "%s/%s", dir->path, it->d_name);
            (void)unlink(file);
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    (void)rmdir(dir->path);
}
