/* `cleat serve` is killed while a thousand runs are under way, and started again: nothing is lost, nothing is
 * there twice, and the worker comes back by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/query.h"
#include "support/gate.h"
#include "support/grpc_suppressions.h"
#include "support/sanitizer.h"
#include "support/temp_dir.h"

#include <cleat/worker.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 1000, SLOTS = 50, KILLS = 3 };

extern char **environ;

typedef struct world {
    temp_dir dir;
    pid_t server;  /* 0: none */
    char grpc[64]; /* where it listens, once it has */
    char token[4096];
    gate handled;
} world;

/* Its first line of output. */
static pid_t run(const char *const arguments[], char *line, size_t size)
{
    int output[2];
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(output), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, output[0]);
    posix_spawn_file_actions_addclose(&actions, output[1]);
    assert_int_equal(
        posix_spawn(&child, getenv("CLEAT"), &actions, NULL, (char *const *)(uintptr_t)arguments, environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    FILE *file = fdopen(output[0], "r");
    assert_non_null(fgets(line, (int)size, file));
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return child;
}

static void serve(world *it)
{
    char line[256];
    const char *const arguments[] = {"cleat",  "serve",       "--db", it->dir.database, "--grpc", it->grpc,
                                     "--http", "127.0.0.1:0", NULL};
    it->server = run(arguments, line, sizeof(line));
    if (sscanf(line, "cleat: ready grpc=%63s", it->grpc) != 1) {
        fail_msg("not ready: %s", line);
    }
}

static void end(world *it, int signal)
{
    int status = 0;
    assert_int_equal(kill(it->server, signal), 0);
    assert_int_equal(waitpid(it->server, &status, 0), it->server);
    it->server = 0;
    assert_true(signal == SIGKILL ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static cleat_status echo(cleat_task *task, void *user_data)
{
    cleat_slice input = cleat_task_input(task);
    char text[64];
    snprintf(text, sizeof(text), "%.*s", (int)input.size, input.data);
    gate_add(&((world *)user_data)->handled);
    return cleat_task_return(task, text);
}

static cleat_client *connect_client(world *it)
{
    cleat_client *client = NULL;
    if (cleat_client_new(
            CLEAT_CLIENT_OPTIONS(.token = it->token, .host_port = it->grpc, .tls_strategy = "none"),
            &client) != CLEAT_OK) {
        fail_msg("client: %s", cleat_error_message());
    }
    return client;
}

static void start_runs(cleat_client *client, cleat_run_id ids[RUNS])
{
    static char inputs[RUNS][32];
    cleat_run_item items[RUNS];
    for (int i = 0; i < RUNS; i++) {
        snprintf(inputs[i], sizeof(inputs[i]), "{\"n\":%d}", i);
        items[i] = (cleat_run_item){.task = "echo", .input = inputs[i]};
    }
    if (cleat_client_run_many(client, items, RUNS, ids) != CLEAT_OK) {
        fail_msg("run_many: %s", cleat_error_message());
    }
}

static void assert_completed(cleat_client *client, const cleat_run_id ids[RUNS])
{
    for (int i = 0; i < RUNS; i++) {
        cleat_run_result result;
        char expected[32];
        if (cleat_client_wait(client, &ids[i], 300000, &result) != CLEAT_OK) {
            fail_msg("run %d: %s", i, cleat_error_message());
        }
        snprintf(expected, sizeof(expected), "{\"n\":%d}", i);
        assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
        assert_string_equal(result.output, expected);
        cleat_run_result_deinit(&result);
    }
}

static void assert_stored(const world *it)
{
    cleat__store *store = NULL;
    uint64_t counts[6] = {0};
    assert_int_equal(cleat__store_open(it->dir.database, CLEAT__STORE_READ, &store), CLEAT_OK);
    assert_int_equal(cleat__run_count(store, counts), CLEAT_OK);
    for (int status = 0; status < 5; status++) {
        assert_int_equal(counts[status], status == CLEAT_RUN_COMPLETED ? RUNS : 0);
    }
    cleat__store_close(store);
}

static void a_killed_server_loses_nothing(void **state)
{
    world *it = *state;
    cleat_run_id ids[RUNS];
    cleat_worker *worker = NULL;
#if UNDER_THREAD_SANITIZER
    end(it, SIGKILL); /* the command does not leave out what the sanitizer says of gRPC's own races */
    skip();
#endif
    cleat_client *client = connect_client(it);
    assert_int_equal(cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = SLOTS, .threads = 4), &worker),
                     CLEAT_OK);
    assert_int_equal(
        cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "echo", .run = echo, .user_data = it)),
        CLEAT_OK);
    assert_int_equal(cleat_worker_start(worker), CLEAT_OK);
    start_runs(client, ids);
    for (int i = 1; i <= KILLS; i++) {
        gate_wait(&it->handled, i * RUNS / (KILLS + 2));
        end(it, SIGKILL);
        serve(it);
    }
    assert_completed(client, ids);
    /* What was on its way to the worker, or had just been done, may be done again. */
    print_message("%d runs were worked on %d times\n", RUNS, gate_count(&it->handled));
    assert_in_range(gate_count(&it->handled), RUNS, RUNS + KILLS * SLOTS);
    assert_int_equal(cleat_worker_stop(worker, 300000), CLEAT_OK);
    cleat_worker_free(worker);
    cleat_client_free(client);
    end(it, SIGTERM);
    assert_stored(it);
}

static int start(void **state)
{
    world *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->dir);
    gate_init(&it->handled);
    grpc_suppressions_use();
    const char *const create[] = {"cleat", "token", "create", "--db", it->dir.database, NULL};
    int status = 0;
    pid_t child = run(create, it->token, sizeof(it->token));
    assert_int_equal(waitpid(child, &status, 0), child);
    snprintf(it->grpc, sizeof(it->grpc), "127.0.0.1:0");
    serve(it);
    *state = it;
    return 0;
}

static int stop(void **state)
{
    world *it = *state;
    if (it->server != 0) { /* the test has failed */
        end(it, SIGKILL);
    }
    gate_deinit(&it->handled);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_server_loses_nothing, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
