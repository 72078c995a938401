/* The lock file beside a database: one engine per file, across and within processes. */
#ifndef CLEAT_STORE_LOCK_H
#define CLEAT_STORE_LOCK_H

#include <cleat/status.h>

typedef struct cleat__lock {
    int fd;     /* -1: not held */
    char *path; /* of the lock file; owned */
} cleat__lock;
#define CLEAT__LOCK_INIT \
    {                    \
        -1, NULL         \
    }

/*
 * Locks `database`-lock, or CLEAT_BUSY, naming the process that has it. Does not wait for an engine,
 * which holds it for long, but for whoever holds it briefly (`is_brief`), to make or migrate the file.
 */
cleat_status cleat__lock_take(cleat__lock *lock, const char *database, bool is_brief);
/* Sleeps for a few milliseconds, between two attempts. */
void cleat__lock_wait(void);
/* Removes the lock file. No-op when not held. */
void cleat__lock_release(cleat__lock *lock);

#endif
