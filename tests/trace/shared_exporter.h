/* An exporter whose spans all processes see: it writes their ids into memory that forks share. */
#ifndef CLEAT_TESTS_SHARED_EXPORTER_H
#define CLEAT_TESTS_SHARED_EXPORTER_H

#include "trace/sdk_test.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARED_IDS = 1 << 22 };

typedef struct shared_ids {
    atomic_size_t count;
    uint64_t ids[SHARED_IDS];
} shared_ids;

typedef struct shared_exporter {
    cleat_span_exporter base;
    shared_ids *shared;
} shared_exporter;

static inline uint64_t id_of(const cleat_span_id *id)
{
    uint64_t number;
    memcpy(&number, id->bytes, sizeof(number));
    return number;
}

static inline cleat_status shared_export(cleat_span_exporter *self, const cleat_span_batch *batch,
                                         int64_t timeout_ms)
{
    shared_ids *shared = ((shared_exporter *)self)->shared;
    cleat_span_view span;
    size_t cursor = 0;
    (void)timeout_ms;
    while (cleat_span_batch_next(batch, &cursor, &span)) {
        size_t at = atomic_fetch_add(&shared->count, 1);
        if (at < SHARED_IDS) {
            shared->ids[at] = id_of(&span.span_id);
        }
    }
    return CLEAT_OK;
}

static inline void shared_free(cleat_span_exporter *self)
{
    munmap(((shared_exporter *)self)->shared, sizeof(shared_ids));
    free(self);
}

static inline shared_exporter *shared_exporter_new(void)
{
    shared_exporter *exporter = calloc(1, sizeof(*exporter));
    exporter->base = (cleat_span_exporter){.export_spans = shared_export, .free = shared_free};
    exporter->shared = mmap(NULL, sizeof(shared_ids), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(exporter->shared != MAP_FAILED);
    return exporter;
}

/* How often a span was exported, by whichever process. */
static inline size_t times_exported(const shared_ids *shared, uint64_t id)
{
    size_t times = 0, count = atomic_load((atomic_size_t *)&shared->count);
    for (size_t i = 0; i < count; i++) {
        times += shared->ids[i] == id;
    }
    return times;
}

/* Runs `work` in a forked child, which has so many seconds for it; how it exited. */
static inline int in_child(int (*work)(void *argument), void *argument)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(300);
        _exit(work(argument));
    }
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#endif
