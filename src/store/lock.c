/*
 * flock() on a file of its own, FILE-lock, which holds the process id for the message. Not on the
 * database itself: closing a second descriptor of that file would drop the POSIX locks that SQLite
 * holds in this process (inode_lock.h is careful about that, and is for an engine only). flock()
 * belongs to the open file, so two engines in one process exclude each other too, and the kernel
 * drops it with the process, however that ends.
 *
 * The file is removed at the end. Between another's open() and flock() it may have been removed and
 * made anew, so whoever got the lock checks that the name still leads to the locked file.
 *
 * Whoever needs it for a few milliseconds only leaves no process id in it: so others know that it
 * is worth waiting.
 */
#define _GNU_SOURCE /* O_CLOEXEC, flock */
#include "store/lock.h"

#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 5, BRIEF_WAITS = 400 }; /* two seconds in all */

static cleat_status fail_open(const char *path)
{
    switch (errno) {
    case EACCES:
    case EPERM:
    case EROFS:
        return cleat__fail(CLEAT_READ_ONLY, "cannot create %s: %s; make its directory writable", path,
                           strerror(errno));
    case ENOSPC:
    case EDQUOT:
        return cleat__fail(CLEAT_DISK_FULL, "cannot create %s: %s; free some space", path, strerror(errno));
    default:
        return cleat__fail(CLEAT_IO, "cannot create %s: %s; use a file elsewhere", path, strerror(errno));
    }
}

/* 0: whoever has the lock has it briefly, or has not written it yet. */
static long read_pid(int fd)
{
    char text[32] = "";
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    return size > 0 ? strtol(text, NULL, 10) : 0;
}

static cleat_status fail_busy(int fd, const char *database)
{
    long pid = read_pid(fd);
    if (pid == (long)getpid()) {
        return cleat__fail(CLEAT_BUSY, "%s is in use by another client in this process; use that one",
                           database);
    }
    if (pid > 0) {
        return cleat__fail(CLEAT_BUSY, "%s is in use by process %ld; stop it, or use another file", database,
                           pid);
    }
    return cleat__fail(CLEAT_BUSY, "%s is in use by another process; stop it, or use another file", database);
}

static bool is_current(int fd, const char *path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

static void write_pid(int fd, bool is_brief)
{
    char text[32];
    int size = is_brief ? 0 : snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    /* Only for the message of whoever comes second: a full disk must not matter here. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) {
        return;
    }
}

static char *lock_path(const char *database)
{
    size_t size = strlen(database) + sizeof("-lock");
    char *path = cleat__malloc(size);
    if (path != NULL) {
        snprintf(path, size, "%s-lock", database);
    }
    return path;
}

void cleat__lock_wait(void)
{
    nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
}

cleat_status cleat__lock_take(cleat__lock *lock, const char *database, bool is_brief)
{
    lock->path = lock_path(database);
    if (lock->path == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = CLEAT_OK;
    for (int waits = 0;;) {
        lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (lock->fd < 0) {
            status = fail_open(lock->path);
            break;
        }
        if (flock(lock->fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK && read_pid(lock->fd) == 0 && waits++ < BRIEF_WAITS) {
                close(lock->fd);
                cleat__lock_wait();
                continue;
            }
            status = errno == EWOULDBLOCK
                         ? fail_busy(lock->fd, database)
                         : cleat__fail(CLEAT_IO, "cannot lock %s: %s", lock->path, strerror(errno));
            break;
        }
        if (is_current(lock->fd, lock->path)) {
            write_pid(lock->fd, is_brief);
            return CLEAT_OK;
        }
        close(lock->fd);
    }
    if (lock->fd >= 0) {
        close(lock->fd);
    }
    lock->fd = -1;
    cleat__free(lock->path);
    lock->path = NULL;
    return status;
}

void cleat__lock_release(cleat__lock *lock)
{
    if (lock->fd >= 0) {
        unlink(lock->path);
        close(lock->fd);
    }
    lock->fd = -1;
    cleat__free(lock->path);
    lock->path = NULL;
}
