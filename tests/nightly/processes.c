#include "processes.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs("nightly: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(1);
}

/* A child that does not outlive this program, with its standard output there. */
static pid_t start(const char *program, const char *const *arguments, int output)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (output >= 0) {
            dup2(output, STDOUT_FILENO);
        }
        execv(program, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    if (child < 0) {
        give_up("fork failed");
    }
    return child;
}

/* The command, and its first line of output. */
static pid_t run(const processes *all, const char *const *arguments, char *line, size_t size)
{
    int output[2];
    if (pipe(output) != 0) {
        give_up("pipe failed");
    }
    pid_t child = start(all->command, arguments, output[1]);
    close(output[1]);
    FILE *file = fdopen(output[0], "r");
    if (file == NULL || fgets(line, (int)size, file) == NULL) {
        give_up("%s %s says nothing", all->command, arguments[1]);
    }
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return child;
}

static int wait_for(pid_t process)
{
    int status = 0;
    if (waitpid(process, &status, 0) != process) {
        give_up("waitpid failed");
    }
    return status;
}

void token_create(const processes *all, const char *tenant, char token[TOKEN_SIZE])
{
    const char *const arguments[] = {"cleat",       "token",    "create", "--db",
                                     all->database, "--tenant", tenant,   NULL};
    if (wait_for(run(all, arguments, token, TOKEN_SIZE)) != 0) {
        give_up("cleat token create failed");
    }
}

void server_start(processes *all)
{
    char line[256];
    const char *const arguments[] = {"cleat",  "serve",
                                     "--db",   all->database,
                                     "--grpc", all->grpc[0] != '\0' ? all->grpc : "127.0.0.1:0",
                                     "--http", all->http[0] != '\0' ? all->http : "127.0.0.1:0",
                                     NULL};
    all->server = run(all, arguments, line, sizeof(line));
    if (sscanf(line, "cleat: ready grpc=%63s http=%63s", all->grpc, all->http) != 2) {
        give_up("cleat serve is not ready: %s", line);
    }
}

void server_kill(processes *all)
{
    kill(all->server, SIGKILL);
    int status = wait_for(all->server);
    all->server = 0;
    if (!WIFSIGNALED(status)) {
        give_up("the server had ended by itself, with status %d", status);
    }
}

void server_stop(processes *all)
{
    kill(all->server, SIGTERM);
    int status = wait_for(all->server);
    all->server = 0;
    if (status != 0) {
        give_up("the server ended with status %d", status);
    }
}

static void worker_start(processes *all, size_t index)
{
    const char *const arguments[] = {"nightly", "work",    all->workers[index].token,
                                     all->grpc, all->http, NULL};
    all->workers[index].process = start("/proc/self/exe", arguments, -1);
}

void worker_add(processes *all, const char *token)
{
    all->workers[all->worker_count].token = token;
    worker_start(all, all->worker_count++);
}

void worker_kill(processes *all, size_t index)
{
    kill(all->workers[index].process, SIGKILL);
    wait_for(all->workers[index].process);
    worker_start(all, index);
}

size_t workers_look(processes *all)
{
    size_t count = 0;
    for (size_t i = 0; i < all->worker_count; i++) {
        if (waitpid(all->workers[i].process, NULL, WNOHANG) == all->workers[i].process) {
            worker_start(all, i);
            count++;
        }
    }
    return count;
}

void workers_stop(processes *all)
{
    for (size_t i = 0; i < all->worker_count; i++) {
        kill(all->workers[i].process, SIGTERM);
    }
    for (size_t i = 0; i < all->worker_count; i++) {
        int status = wait_for(all->workers[i].process);
        if (status != 0) {
            give_up("a worker ended with status %d", status);
        }
    }
}
