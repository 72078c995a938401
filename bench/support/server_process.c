#include "server_process.h"

#include "bench.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

static void give_up(const char *what)
{
    fprintf(stderr, "bench: cleat %s failed\n", what);
    exit(1);
}

static void remove_files(const char *database)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-lock"};
    char path[256];
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", database, endings[i]);
        unlink(path);
    }
}

/* Beside the directory of this program. */
static void find_command(char path[512])
{
    ssize_t size = readlink("/proc/self/exe", path, 400);
    for (int up = 0; size > 0 && up < 2; up++) {
        path[size] = '\0';
        char *slash = strrchr(path, '/');
        size = slash != NULL ? slash - path : 0;
    }
    if (size <= 0) {
        give_up("in the directory of the build");
    }
    strcpy(path + size, "/cleat");
}

/* Its first line of output, without the line's end. */
static pid_t run(const char *const *arguments, char *line, size_t size)
{
    char path[512];
    int output[2];
    find_command(path);
    fflush(stdout);
    pid_t child = pipe(output) == 0 ? fork() : -1;
    if (child == 0) {
        dup2(output[1], STDOUT_FILENO);
        close(output[0]);
        close(output[1]);
        execv(path, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    if (child < 0) {
        give_up(arguments[1]);
    }
    close(output[1]);
    FILE *file = fdopen(output[0], "r");
    if (file == NULL || fgets(line, (int)size, file) == NULL) {
        give_up(arguments[1]);
    }
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return child;
}

static void wait_for(pid_t process, const char *what)
{
    int status = 0;
    if (waitpid(process, &status, 0) != process || status != 0) {
        give_up(what);
    }
}

void bench_server_start(bench_server *server, const char *database)
{
    char line[256];
    const char *create[] = {"cleat", "token", "create", "--db", database, NULL};
    const char *serve[] = {"cleat",       "serve",  "--db",        database, "--grpc",
                           "127.0.0.1:0", "--http", "127.0.0.1:0", NULL};
    memset(server, 0, sizeof(*server));
    server->database = database;
    remove_files(database);
    wait_for(run(create, server->token, sizeof(server->token)), "token create");
    server->process = run(serve, line, sizeof(line));
    if (sscanf(line, "cleat: ready grpc=%63s http=%63s", server->grpc, server->http) != 2) {
        give_up("serve");
    }
}

void bench_server_stop(bench_server *server)
{
    kill(server->process, SIGTERM);
    wait_for(server->process, "serve");
    remove_files(server->database);
}

double bench_server_resident_mib(const bench_server *server)
{
    char path[64], text[64];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)server->process);
    bench_proc_field(path, "VmRSS", text, sizeof(text));
    return strtod(text, NULL) / 1024.0;
}

int64_t bench_server_cpu_ns(const bench_server *server)
{
    char path[64], text[512] = "";
    unsigned long long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)server->process);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, sizeof(text), file) == NULL) {
        give_up("serve");
    }
    fclose(file);
    /* After the name, which is in parentheses: state and ten numbers, then these. */
    const char *at = strrchr(text, ')');
    if (at == NULL ||
        sscanf(at + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2) {
        give_up("serve");
    }
    return (int64_t)(user + system) * (1000000000 / sysconf(_SC_CLK_TCK));
}
