#define _GNU_SOURCE /* F_OFD_SETLK, O_CLOEXEC */
#include "store/inode_lock.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's are the 512 bytes from the first GiB on. */
enum { LOCKED_BYTE = 0x40000000 + 4096 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cleat__inode_lock *held;

static bool is_held(const struct stat *file)
{
    for (const cleat__inode_lock *it = held; it != NULL; it = it->next) {
        if (it->device == file->st_dev && it->inode == file->st_ino) {
            return true;
        }
    }
    return false;
}

/* False: another process has it. */
static bool lock_byte(int fd)
{
#ifdef F_OFD_SETLK
    struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKED_BYTE, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &byte) == 0 || (errno != EAGAIN && errno != EACCES);
#else
    (void)fd;
    return true;
#endif
}

static cleat_status fail_io(const char *database)
{
    return cleat__fail(CLEAT_IO, "cannot open %s: %s; use another file", database, strerror(errno));
}

static cleat_status take(cleat__inode_lock *lock, const char *database)
{
    struct stat file;
    if (stat(database, &file) != 0) {
        return fail_io(database);
    }
    if (is_held(&file)) {
        return cleat__fail(CLEAT_BUSY,
                           "%s is in use by another client in this process, under another name; use that one",
                           database);
    }
    int fd = open(database, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return fail_io(database);
    }
    if (!lock_byte(fd)) {
        close(fd);
        return cleat__fail(CLEAT_BUSY,
                           "%s is in use by another process, which knows it by another name, or whose file "
                           "%s-lock was removed; stop that process, or use another file",
                           database, database);
    }
    *lock = (cleat__inode_lock){.fd = fd, .device = file.st_dev, .inode = file.st_ino, .next = held};
    held = lock;
    return CLEAT_OK;
}

cleat_status cleat__inode_lock_take(cleat__inode_lock *lock, const char *database)
{
    pthread_mutex_lock(&mutex);
    cleat_status status = take(lock, database);
    pthread_mutex_unlock(&mutex);
    return status;
}

void cleat__inode_lock_release(cleat__inode_lock *lock)
{
    if (lock->fd < 0) {
        return;
    }
    pthread_mutex_lock(&mutex);
    cleat__inode_lock **place = &held;
    while (*place != lock) {
        place = &(*place)->next;
    }
    *place = lock->next;
    close(lock->fd);
    pthread_mutex_unlock(&mutex);
    lock->fd = -1;
}
