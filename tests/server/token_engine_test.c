/* Tokens are made by one process while the engine of another writes as fast as it can. */
#include "token_test.h"

#include "engine/engine.h"

#include <sys/wait.h>
#include <unistd.h>

enum { TOKENS = 40, CALLS = 200 };

static cleat_status add_tenant(cleat__store *store, void *argument)
{
    cleat__uuid_generator ids = {.random = cleat__random_thread()};
    cleat__tenant tenant = {.uuid = cleat__uuid_next(&ids, 1)};
    snprintf(tenant.name, sizeof(tenant.name), "t%d", *(int *)argument);
    return cleat__tenant_insert(store, &tenant);
}

static int issue_many(world *self, int ready)
{
    const cleat__token_request request = {.tenant = "default",
                                          .lifetime_ms = 1000,
                                          .server_url = SERVER_URL,
                                          .grpc_address = "h:1",
                                          .now_ms = NOW_S * 1000};
    char byte;
    if (read(ready, &byte, 1) != 1) {
        return 1;
    }
    for (int i = 0; i < TOKENS; i++) {
        cleat__store *store = NULL;
        cleat__token_issued issued;
        cleat_status status = cleat__store_open(self->dir.database, CLEAT__STORE_SHARE, &store);
        if (status == CLEAT_OK) {
            status = cleat__token_issue(store, &request, &issued);
        }
        cleat__store_close(store);
        if (status != CLEAT_OK) {
            fprintf(stderr, "%s: %s\n", cleat_status_name(status), cleat_error_message());
            return 1;
        }
        cleat__token_issued_deinit(&issued);
    }
    return 0;
}

static bool add_row(void *argument, const cleat__token_row *row)
{
    (void)row;
    ++*(int *)argument;
    return true;
}

static void test_two_processes(void **state)
{
    world self = {0};
    int pipes[2], exit_status = -1, count = 0;
    (void)state;
    temp_dir_make(&self.dir);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork(); /* before the engine has threads */
    if (child == 0) {
        _exit(issue_many(&self, pipes[0]));
    }
    const cleat__engine_options options = {.path = self.dir.database};
    cleat__engine *engine = NULL;
    assert_int_equal(cleat__engine_open(&options, &engine), CLEAT_OK);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    for (int i = 0; i < CALLS; i++) {
        if (cleat__engine_call(engine, add_tenant, &i) != CLEAT_OK) {
            fail_msg("engine: %s", cleat_error_message());
        }
    }
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    cleat__engine_close(engine);
    assert_int_equal(cleat__store_open(self.dir.database, CLEAT__STORE_READ, &self.store), CLEAT_OK);
    assert_int_equal(cleat__token_list(self.store, 0, add_row, &count), CLEAT_OK);
    assert_int_equal(count, TOKENS);
    cleat__tenant last;
    assert_int_equal(cleat__tenant_find(self.store, cleat_slice_of("t199"), &last), CLEAT_OK);
    cleat__store_close(self.store);
    close(pipes[0]);
    close(pipes[1]);
    temp_dir_remove(&self.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_processes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
