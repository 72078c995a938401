#define _GNU_SOURCE /* usleep, syscall */
#include "disk.h"

#include "bench.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static atomic_long sync_count, sync_ns;

/* Instead of libc's, also for SQLite's library. */
__attribute__((visibility("default"))) int fdatasync(int file)
{
    int64_t start_ns = bench_now_ns();
    int result = (int)syscall(SYS_fdatasync, file);
    atomic_fetch_add(&sync_ns, (long)(bench_now_ns() - start_ns));
    atomic_fetch_add(&sync_count, 1);
    return result;
}

bench_syncs bench_syncs_so_far(void)
{
    return (bench_syncs){atomic_load(&sync_count), (double)atomic_load(&sync_ns) / 1e6};
}

double bench_sync_ms(unsigned pause_us)
{
    enum { WRITES = 200, PAGES = 3, PAGE = 4096 };
    static const char name[] = "bench.sync";
    static char block[PAGES * PAGE];
    double delays[WRITES];
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    for (size_t i = 0; i < 2 * (size_t)WRITES; i++) {
        size_t at = i % WRITES;
        usleep(i < WRITES ? 0 : pause_us);
        int64_t start_ns = bench_now_ns();
        ssize_t written = pwrite(file, block, sizeof(block), (off_t)(at * sizeof(block)));
        if (written != (ssize_t)sizeof(block) || fdatasync(file) != 0) {
            perror(name);
            exit(1);
        }
        delays[at] = (double)(bench_now_ns() - start_ns) / 1e6;
    }
    close(file);
    unlink(name);
    return bench_median(delays, WRITES);
}
