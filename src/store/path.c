#define _GNU_SOURCE /* realpath */
#include "store/path.h"

#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static cleat_status fail_path(const char *path)
{
    switch (errno) {
    case EACCES:
        return cleat__fail(CLEAT_READ_ONLY,
                           "cannot open %s: %s; make it and its directory readable and writable", path,
                           strerror(errno));
    case ENOMEM: return cleat__fail_memory();
    default: return cleat__fail(CLEAT_IO, "cannot open %s: %s; use another file", path, strerror(errno));
    }
}

static cleat_status check_file(const char *path, bool writable)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return fail_path(path);
    }
    if (S_ISDIR(info.st_mode)) {
        return cleat__fail(CLEAT_NOT_A_DATABASE, "%s is a directory; give the path of a file", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return cleat__fail(CLEAT_NOT_A_DATABASE, "%s is not a regular file; give the path of a file", path);
    }
    if (access(path, R_OK) != 0) {
        return fail_path(path);
    }
    if (writable && access(path, W_OK) != 0) {
        return cleat__fail(CLEAT_READ_ONLY, "%s is read-only; make it writable, or use another file", path);
    }
    return CLEAT_OK;
}

/* `path` is the absolute one of a directory, `name` what comes behind it. Frees neither. */
static char *join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = cleat__malloc(size);
    if (path != NULL) {
        snprintf(path, size, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, name);
    }
    return path;
}

static cleat_status resolve_new(const char *path, char **out)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (name[0] == '\0') {
        return cleat__fail(CLEAT_NOT_A_DATABASE, "%s is a directory; give the path of a file", path);
    }
    size_t size = slash == NULL ? 0 : (size_t)(slash - path);
    char *directory =
        slash == NULL ? cleat__strdup(".") : cleat__slice_dup((cleat_slice){path, size != 0 ? size : 1});
    if (directory == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = CLEAT_OK;
    char *absolute = realpath(directory, NULL);
    if (absolute == NULL) {
        status = errno == ENOENT || errno == ENOTDIR
                     ? cleat__fail(CLEAT_IO, "cannot create %s: there is no directory %s; create it first",
                                   path, directory)
                     : fail_path(path);
    } else {
        *out = join(absolute, name);
        status = *out != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    free(absolute);
    cleat__free(directory);
    return status;
}

cleat_status cleat__path_resolve(const char *path, bool writable, bool must_exist, char **out, bool *exists)
{
    *out = NULL;
    if (path == NULL || path[0] == '\0') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the path of the database is missing");
    }
    char *absolute = realpath(path, NULL);
    *exists = absolute != NULL;
    if (absolute == NULL) {
        if (errno != ENOENT) {
            return fail_path(path);
        }
        if (must_exist) {
            return cleat__fail(CLEAT_NOT_FOUND, "there is no database %s", path);
        }
        return resolve_new(path, out);
    }
    cleat_status status = check_file(absolute, writable);
    if (status == CLEAT_OK) {
        *out = cleat__strdup(absolute);
        status = *out != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    free(absolute); /* of realpath(), so not of our allocator */
    return status;
}
