/* The server and the workers of the nightly test: processes that are killed and started again. From the main thread. */
#ifndef CLEAT_TESTS_NIGHTLY_PROCESSES_H
#define CLEAT_TESTS_NIGHTLY_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { TOKEN_SIZE = 2048, WORKERS_MAX = 8 };

typedef struct processes {
    const char *command; /* cleat */
    const char *database;
    char grpc[64], http[64]; /* where the server listens: the same after each start */
    pid_t server;            /* 0: none */
    struct {
        pid_t process;
        const char *token;
    } workers[WORKERS_MAX];
    size_t worker_count;
} processes;

/* Prints it and ends the program, and with it all that it has started. */
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

void token_create(const processes *all, const char *tenant, char token[TOKEN_SIZE]);
/* Returns when it is ready. */
void server_start(processes *all);
void server_kill(processes *all);
/* As an operator would. */
void server_stop(processes *all);
void worker_add(processes *all, const char *token);
void worker_kill(processes *all, size_t index); /* and starts another one in its place */
/* Starts those again that have ended by themselves; how many. */
size_t workers_look(processes *all);
void workers_stop(processes *all);

#endif
