#define _GNU_SOURCE /* O_CLOEXEC, O_DIRECTORY */
#include "store/new_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static cleat_status fail_file(const char *path, const char *doing)
{
    cleat_status status = errno == ENOSPC || errno == EDQUOT ? CLEAT_DISK_FULL : CLEAT_IO;
    return cleat__fail(status, "cannot %s %s: %s; use another file", doing, path, strerror(errno));
}

static cleat_status fail_exists(const char *path)
{
    return cleat__fail(CLEAT_ALREADY_EXISTS, "%s is there already; remove it, or use another name", path);
}

/* With what SQLite may have left beside it. */
static void remove_partial(const cleat__new_file *file)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    size_t size = strlen(file->partial) + sizeof("-wal");
    char *name = cleat__malloc(size);
    for (size_t i = 0; name != NULL && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        snprintf(name, size, "%s%s", file->partial, suffixes[i]);
        (void)unlink(name);
    }
    cleat__free(name);
}

static cleat_status make_partial(cleat__new_file *file)
{
    remove_partial(file);
    int fd = open(file->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_file(file->partial, "create");
    }
    close(fd);
    file->is_making = true;
    return CLEAT_OK;
}

cleat_status cleat__new_file_begin(cleat__new_file *file, const char *path)
{
    bool exists = false;
    cleat_status status = cleat__path_resolve(path, false, false, &file->path, &exists);
    if (status != CLEAT_OK || exists) {
        return status == CLEAT_OK ? fail_exists(path) : status;
    }
    size_t size = strlen(file->path) + sizeof("-partial");
    file->partial = cleat__malloc(size);
    if (file->partial == NULL) {
        return cleat__fail_memory();
    }
    snprintf(file->partial, size, "%s-partial", file->path);
    status = cleat__lock_take(&file->lock, file->path, false);
    return status == CLEAT_OK ? make_partial(file) : status;
}

static cleat_status sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    cleat_status status = fd >= 0 && fsync(fd) == 0 ? CLEAT_OK : fail_file(path, "write");
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static cleat_status sync_directory(const cleat__new_file *file)
{
    char *directory = cleat__strdup(file->path); /* which is absolute */
    if (directory == NULL) {
        return cleat__fail_memory();
    }
    directory[strrchr(directory, '/') - directory + 1] = '\0';
    cleat_status status = sync_path(directory, O_RDONLY | O_DIRECTORY);
    cleat__free(directory);
    return status;
}

/* A link, unlike a rename, replaces nothing; some file systems have none. */
static cleat_status give_name(const cleat__new_file *file)
{
    if (link(file->partial, file->path) == 0) {
        (void)unlink(file->partial);
        return CLEAT_OK;
    }
    if (errno == EEXIST || access(file->path, F_OK) == 0) {
        return fail_exists(file->path);
    }
    return rename(file->partial, file->path) == 0 ? CLEAT_OK : fail_file(file->path, "create");
}

cleat_status cleat__new_file_keep(cleat__new_file *file)
{
    cleat_status status = sync_path(file->partial, O_RDONLY);
    if (status == CLEAT_OK) {
        status = give_name(file);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    file->is_making = false;
    return sync_directory(file);
}

void cleat__new_file_end(cleat__new_file *file)
{
    if (file->is_making) {
        remove_partial(file);
    }
    cleat__lock_release(&file->lock);
    cleat__free(file->partial);
    cleat__free(file->path);
    *file = (cleat__new_file)CLEAT__NEW_FILE_INIT;
}
