#define _GNU_SOURCE /* usleep */
#include "disk.h"

#include "bench.h"

#include <fcntl.h>

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
