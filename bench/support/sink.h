/*
 * A collector in a process of its own, for benchmarks: takes HTTP/1.1 posts on a loopback port as
 * fast as it can, counts the spans in their bodies and answers 200; or accepts and never answers. One
 * thread a connection.
 */
#ifndef CLEAT_BENCH_SINK_H
#define CLEAT_BENCH_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct bench_sink {
    pid_t process;
    int report; /* a pipe on which the sink says what it has seen when it is told to stop */
    int stop;
    char url[64]; /* http://127.0.0.1:PORT/v1/traces */
    uint16_t port;
} bench_sink;

typedef struct bench_sink_report {
    uint64_t spans;
    uint64_t bytes;
    uint64_t requests;
    int64_t cpu_ns;
} bench_sink_report;

/* Forks: before there are threads. Exits with a message on failure. */
bench_sink bench_sink_start(bool answers);
bench_sink_report bench_sink_stop(bench_sink *sink);

#endif
