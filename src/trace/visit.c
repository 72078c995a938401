#define _GNU_SOURCE /* syscall */
#include "visit.h"

#include "base/thread.h"
#include "counts.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { POLL_NS = 100000 };

bool cleat__visit_needs_fence;

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

__attribute__((constructor)) static void register_barrier(void)
{
    cleat__visit_needs_fence = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0;
}

/* What this thread has written is seen by all visits from now on, and theirs by this thread. */
static void barrier(void)
{
    __sync_synchronize();
    if (!cleat__visit_needs_fence) {
        (void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    }
}

/* Odd: inside. */
static void await(cleat__local *local, void *argument)
{
    uint32_t count = atomic_load_explicit(&local->visit_count, memory_order_acquire);
    (void)argument;
    local->awaited_visit = local != cleat__local_of_thread && count % 2 != 0 ? count : 0;
}

static void count_awaited(cleat__local *local, void *argument)
{
    size_t *awaited = argument;
    *awaited += local->awaited_visit != 0 &&
                local->awaited_visit == atomic_load_explicit(&local->visit_count, memory_order_acquire);
}

bool cleat__visits_wait(int64_t deadline_ns)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    size_t awaited;
    barrier();
    cleat__locals_each(await, NULL);
    for (;;) {
        awaited = 0;
        cleat__locals_each(count_awaited, &awaited);
        if (awaited == 0 || cleat__remaining_ms(deadline_ns) == 0) {
            return awaited == 0;
        }
        nanosleep(&pause, NULL);
    }
}
