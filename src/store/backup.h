/* A copy of a database, also while an engine writes it. */
#ifndef CLEAT_STORE_BACKUP_H
#define CLEAT_STORE_BACKUP_H

#include <cleat/status.h>

typedef struct cleat__backup_result {
    int64_t bytes; /* of the copy */
    int schema;    /* the version of both */
} cleat__backup_result;

/* Called every so often, also at the end; false: enough, it is not wanted any more. */
typedef bool (*cleat__backup_step)(void *argument, int64_t copied_bytes, int64_t all_bytes);

/*
 * Copies `from`, of any schema that this library knows, as it is now into the new file `to`, which is there only when
 * it is whole and on the disk. `step` may be NULL. CLEAT_ALREADY_EXISTS: there is such a file; CLEAT_BUSY: another
 * backup is making it; CLEAT_CANCELLED: by `step`; else as cleat__store_open().
 */
cleat_status cleat__backup(const char *from, const char *to, cleat__backup_step step, void *argument,
                           cleat__backup_result *out);

#endif
