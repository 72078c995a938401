#include "demo_files.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64 }; /* more than any tree people have; keeps the recursion bounded */

static bool is_usable_name(const char *name)
{
    size_t size = strlen(name);
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && cleat__utf8_valid_prefix(name, size) == size;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = cleat__malloc(size);
    const char *slash = directory[0] != '\0' && directory[strlen(directory) - 1] == '/' ? "" : "/";
    if (path != NULL) {
        snprintf(path, size, "%s%s%s", directory, slash, name);
    }
    return path;
}

/* Takes ownership of `path` on every path. */
static cleat_status add(cleat__demo_files *list, char *path)
{
    if (path == NULL) {
        return cleat__fail_memory();
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        char **paths = cleat__realloc(list->paths, capacity * sizeof(*paths));
        if (paths == NULL) {
            cleat__free(path);
            return cleat__fail_memory();
        }
        list->paths = paths;
        list->capacity = capacity;
    }
    list->paths[list->count++] = path;
    return CLEAT_OK;
}

/* Paths of all entries, sorted; none when the directory cannot be read. */
static cleat_status read_entries(const char *directory, cleat__demo_files *entries)
{
    cleat_status status = CLEAT_OK;
    struct dirent *entry = NULL;
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        return CLEAT_OK;
    }
    while (status == CLEAT_OK && (entry = readdir(stream)) != NULL) {
        if (is_usable_name(entry->d_name)) {
            status = add(entries, join(directory, entry->d_name));
        }
    }
    closedir(stream);
    if (entries->count > 0) {
        qsort(entries->paths, entries->count, sizeof(*entries->paths), by_name);
    }
    return status;
}

static cleat_status walk(const char *directory, dev_t device, size_t limit, int depth, cleat__demo_files *out)
{
    cleat__demo_files entries = {0};
    struct stat about;
    cleat_status status = read_entries(directory, &entries);
    for (size_t i = 0; status == CLEAT_OK && i < entries.count && out->count < limit; i++) {
        if (lstat(entries.paths[i], &about) != 0) {
            continue;
        }
        if (S_ISREG(about.st_mode)) {
            status = add(out, entries.paths[i]);
            entries.paths[i] = NULL;
        } else if (S_ISDIR(about.st_mode) && about.st_dev == device && depth < DEPTH_MAX) {
            status = walk(entries.paths[i], device, limit, depth + 1, out);
        }
    }
    cleat__demo_files_deinit(&entries);
    return status;
}

cleat_status cleat__demo_files_list(const char *directory, size_t limit, cleat__demo_files *out)
{
    struct stat about;
    memset(out, 0, sizeof(*out));
    if (stat(directory, &about) != 0) {
        return cleat__fail(errno == ENOENT ? CLEAT_NOT_FOUND : CLEAT_IO,
                           "cannot read %s: %s; give a directory with files in it", directory,
                           strerror(errno));
    }
    if (!S_ISDIR(about.st_mode)) {
        return cleat__fail(CLEAT_IO, "%s is not a directory; give a directory with files in it", directory);
    }
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        return cleat__fail(CLEAT_IO, "cannot read %s: %s; give a directory that you may read", directory,
                           strerror(errno));
    }
    closedir(stream);
    cleat_status status = walk(directory, about.st_dev, limit, 0, out);
    if (status == CLEAT_OK && out->count == 0) {
        return cleat__fail(CLEAT_IO, "there are no files in %s; give a directory that has some", directory);
    }
    return status;
}

void cleat__demo_files_deinit(cleat__demo_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        cleat__free(files->paths[i]);
    }
    cleat__free(files->paths);
    memset(files, 0, sizeof(*files));
}
