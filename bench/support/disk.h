/* What the disk of the current directory allows. */
#ifndef CLEAT_BENCH_DISK_H
#define CLEAT_BENCH_DISK_H

/*
 * The median in milliseconds of a write of three pages and fdatasync, as a commit of one small run, over blocks
 * that exist; `pause_us` between two.
 */
double bench_sync_ms(unsigned pause_us);

/* What this process has waited for the disk so far, in fdatasync, which SQLite commits with. */
typedef struct bench_syncs {
    long count;
    double ms;
} bench_syncs;
bench_syncs bench_syncs_so_far(void);

#endif
