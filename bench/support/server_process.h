/*
 * `cleat serve` of the same build in a process of its own, on a file in the current directory, with a
 * token for it. Everything exits with a message on failure.
 */
#ifndef CLEAT_BENCH_SERVER_PROCESS_H
#define CLEAT_BENCH_SERVER_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

typedef struct bench_server {
    pid_t process;
    const char *database;
    char grpc[64], http[64]; /* HOST:PORT */
    char token[2048];
} bench_server;

/* On a new file. */
void bench_server_start(bench_server *server, const char *database);
/* Ends it as an operator would, and removes the file. */
void bench_server_stop(bench_server *server);
double bench_server_resident_mib(const bench_server *server);
/* CPU time of the process, in steps of the system's clock tick. */
int64_t bench_server_cpu_ns(const bench_server *server);

#endif
