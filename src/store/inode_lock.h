/*
 * The lock on a database itself, beside that on FILE-lock: it holds also where that was removed, or the file has
 * another name. One byte, which SQLite never locks, by the open file and not by the process (OFD lock), so that
 * SQLite's own locks and this one do not meet.
 *
 * Closing any descriptor of a file drops all POSIX locks that the process has on it, SQLite's with them. So it is taken
 * by an engine only, after SQLite has opened the file, and released when SQLite has closed it; and a file that an
 * engine of this process has is not opened another time to find that out.
 */
#ifndef CLEAT_STORE_INODE_LOCK_H
#define CLEAT_STORE_INODE_LOCK_H

#include <cleat/status.h>

#include <sys/types.h>

/* Stays where it is while it is held. */
typedef struct cleat__inode_lock {
    int fd; /* -1: not held */
    dev_t device;
    ino_t inode;
    struct cleat__inode_lock *next; /* of those that are held in this process */
} cleat__inode_lock;

/* CLEAT_BUSY: another engine has the file. Where the system or the file system has no such locks it is held by this
 * process alone. */
cleat_status cleat__inode_lock_take(cleat__inode_lock *lock, const char *database);
/* No-op when not held. */
void cleat__inode_lock_release(cleat__inode_lock *lock);

#endif
