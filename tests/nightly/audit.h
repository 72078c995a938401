/* What is in the file, and whether it is what the clients were told. */
#ifndef CLEAT_TESTS_NIGHTLY_AUDIT_H
#define CLEAT_TESTS_NIGHTLY_AUDIT_H

#include "tickets.h"

#include <stddef.h>

typedef struct audit_sums {
    int64_t runs, by_status[5]; /* cleat_run_status */
    int64_t children, parts, ticks, attempts, lost;
    int64_t extra;            /* runs of calls that nobody answered */
    int64_t key_runs;         /* the most of one key at the same time */
    int64_t batches, batched; /* and the runs of these */
} audit_sums;

/* Runs and schedules that have not ended, and how far they are, to see whether anything goes on; the file may have an
 * engine. */
void audit_look(const char *database, int64_t *live, int64_t *ended);
/* Tells each fault on stderr, the first ones of many; how many there are. */
int64_t audit_file(const char *database, const nightly_tenant *tenants, size_t tenant_count,
                   audit_sums *sums);

#endif
