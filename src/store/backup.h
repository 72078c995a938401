/* A copy of a database, also while an engine writes it. */
#ifndef CLEAT_STORE_BACKUP_H
#define CLEAT_STORE_BACKUP_H

#include "store/check.h"

/* Called every so often, also at the end; false: enough, it is not wanted any more. */
typedef bool (*cleat__backup_step)(void *argument, int64_t copied_bytes, int64_t all_bytes);

typedef struct cleat__backup_options {
    const char *from, *to;
    cleat__backup_step step; /* may be NULL */
    void *argument;
    /* Look whether all rules hold in the copy; of one with an older schema, whether its pages are sound. */
    bool is_checked;
    /* Then also these, as cleat__check_tables(); may be NULL. */
    cleat_status (*check)(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules);
} cleat__backup_options;

typedef struct cleat__backup_result {
    int64_t bytes; /* of the copy */
    int schema;    /* the version of both */
    int rules;     /* that were looked at */
} cleat__backup_result;

/*
 * Copies `from`, of any schema that this library knows, as it is now into the new file `to`, which is there only when
 * it is whole and on the disk. CLEAT_ALREADY_EXISTS: there is such a file; CLEAT_BUSY: another backup is making it;
 * CLEAT_CANCELLED: by `step`; CLEAT_CORRUPT: a rule does not hold; else as cleat__store_open().
 */
cleat_status cleat__backup(const cleat__backup_options *options, cleat__backup_result *out);

#endif
