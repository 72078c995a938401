/* What becomes of a workflow's invocation when its server is stopped and started again, and its worker lives on. */
#include "support/gate.h"
#include "support/outcome.h"
#include "support/grpc_suppressions.h"
#include "support/mock_engine.h"
#include "support/temp_dir.h"

#include "sdk/client.h"
#include "server/server.h"
#include "transport/grpc.h"

#include <cleat/cleat.h>

#include <setjmp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct fixture {
    temp_dir dir;
    char address[64]; /* "": not known yet */
    cleat__server *server;
    cleat_client *client;
    cleat_worker *worker;
    gate calls, charges; /* of the workflow's function and of its step */
    gate go;             /* what that step waits for */
    bool fails;          /* the first charge does */
    bool was_restarted;  /* in the second invocation of a race */
} fixture;

/* ---- The workflow ---- */

static cleat_status pack(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "\"packed\"");
}

static cleat_status charge(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    int number = gate_add(&it->charges);
    gate_wait(&it->go, 1);
    return it->fails && number == 1 ? cleat_task_fail(task, CLEAT_FAILED, "no money")
                                    : cleat_task_return_format(task, "%d", number);
}

static cleat_status order(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_slice receipt;
    gate_add(&it->calls);
    cleat_status status = cleat_step(task, "pack", pack, NULL, NULL);
    if (status == CLEAT_OK) {
        status =
            cleat_step_run(task,
                           CLEAT_STEP_OPTIONS(.name = "charge", .run = charge, .user_data = it, .retries = 1,
                                              .backoff_initial_ms = 1, .backoff_max_ms = 1),
                           &receipt);
    }
    if (status == CLEAT_OK) {
        status = cleat_step(task, "ship", pack, NULL, NULL);
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(receipt)) : status;
}

/* ---- The server and its worker ---- */

/* The second time at the address of the first. */
static void start_server(fixture *it)
{
    const char *address = it->address[0] != '\0' ? it->address : "127.0.0.1:0";
    const cleat__server_options options = {.database = it->dir.database,
                                           .grpc_address = address,
                                           .http_address = "127.0.0.1:0",
                                           .is_open = true};
    assert_ok(cleat__server_start(&options, &it->server));
    snprintf(it->address, sizeof(it->address), "%s", cleat__server_grpc_address(it->server));
}

static void restart_server(fixture *it)
{
    cleat__server_stop(it->server, 10000);
    start_server(it);
}

/* Of two timers that are over the second was the first. The server is restarted when the replay is between them. */
static cleat_status race(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_future timers[2];
    size_t winner = 2;
    cleat_status status = cleat_timer(task, "300ms", &timers[0]);
    if (status == CLEAT_OK) {
        status = cleat_step(task, "pack", pack, NULL, NULL);
    }
    if (status == CLEAT_OK && cleat_task_invocation(task) == 2 && !it->was_restarted) {
        it->was_restarted = true;
        restart_server(it);
    }
    if (status == CLEAT_OK) {
        status = cleat_timer(task, "1ms", &timers[1]);
    }
    if (status == CLEAT_OK) {
        status = cleat_step(task, "ship", pack, NULL, NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_await(task, &timers[0], NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_await_any(task, timers, 2, &winner, NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_step(task, winner == 0 ? "long" : "short", pack, NULL, NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "1ms"); /* and another invocation finds the same */
    }
    return status == CLEAT_OK ? cleat_task_return(task, "\"over\"") : status;
}

/* One that comes back at once. */
static void open_client(fixture *it)
{
    cleat__remote_settings settings;
    char *token = mock_token(it->address);
    const cleat_client_options *options = CLEAT_CLIENT_OPTIONS(.token = token, .tls_strategy = "none");
    assert_ok(cleat_client_new(options, &it->client));
    assert_ok(cleat__remote_settings_read(options, &settings));
    free(token);
    settings.reconnect_ms = settings.retry_ms = 1;
    settings.reconnect_max_ms = settings.durable_reconnect_ms = 20;
    it->client->transport->free(it->client->transport);
    assert_ok(cleat__transport_grpc_new(&settings, &it->client->transport));
}

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    grpc_suppressions_use();
    temp_dir_make(&it->dir);
    gate_init(&it->calls);
    gate_init(&it->charges);
    gate_init(&it->go);
    start_server(it);
    open_client(it);
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2), &it->worker));
    assert_ok(cleat_worker_add_workflow(
        it->worker, CLEAT_WORKFLOW_OPTIONS(.run = order, .name = "order", .version = "1", .user_data = it)));
    assert_ok(cleat_worker_add_workflow(
        it->worker, CLEAT_WORKFLOW_OPTIONS(.run = race, .name = "race", .user_data = it)));
    assert_ok(cleat_worker_start(it->worker));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    cleat_client_free(it->client);
    cleat__server_stop(it->server, 10000);
    gate_deinit(&it->calls);
    gate_deinit(&it->charges);
    gate_deinit(&it->go);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* In the middle of the step. */
static cleat_run_id run_over_a_restart(fixture *it)
{
    cleat_run_id id;
    assert_ok(cleat_client_run_no_wait(it->client, "order", NULL, NULL, &id));
    gate_wait(&it->charges, 1);
    restart_server(it);
    gate_add(&it->go);
    return id;
}

static void assert_completes(fixture *it, const cleat_run_id *id, const char *output)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, id, 20000, &result));
    if (result.status != CLEAT_RUN_COMPLETED || strcmp(result.output, output) != 0) {
        fail_msg("%s: %s", cleat_run_status_name(result.status),
                 result.output != NULL ? result.output : result.error);
    }
    cleat_run_result_deinit(&result);
}

static int count(fixture *it, const char *query)
{
    sqlite3 *file;
    sqlite3_stmt *select;
    assert_int_equal(sqlite3_open_v2(it->dir.database, &file, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(file, query, -1, &select, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    int found = sqlite3_column_int(select, 0);
    sqlite3_finalize(select);
    sqlite3_close(file);
    return found;
}

/* ---- Tests ---- */

static void test_a_step_in_progress_is_recorded(void **state)
{
    fixture *it = *state;
    cleat_run_id id = run_over_a_restart(it);
    assert_completes(it, &id, "1");
    assert_int_equal(gate_count(&it->charges), 1);
    assert_int_equal(gate_count(&it->calls), 1);
    assert_int_equal(count(it, "SELECT count(*) FROM durable_entry"), 4); /* with the version */
}

/* And its next attempt is in order, behind a wait. */
static void test_a_step_in_progress_fails(void **state)
{
    fixture *it = *state;
    it->fails = true;
    cleat_run_id id = run_over_a_restart(it);
    assert_completes(it, &id, "2");
    assert_int_equal(gate_count(&it->charges), 2);
    assert_int_equal(count(it, "SELECT count(*) FROM durable_entry"), 6);
}

/* The server ends several times in one invocation. */
static void test_a_server_that_is_restarted_again(void **state)
{
    fixture *it = *state;
    for (int i = 1; i <= 3; i++) {
        cleat_run_id id;
        assert_ok(cleat_client_run_no_wait(it->client, "order", NULL, NULL, &id));
        gate_wait(&it->charges, i);
        restart_server(it);
        restart_server(it);
        if (i == 1) {
            gate_add(&it->go);
        }
        char output[2] = {(char)('0' + i), '\0'};
        assert_completes(it, &id, output);
        assert_int_equal(gate_count(&it->calls), i);
    }
}

static void test_the_first_of_several_stays_the_first(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    assert_ok(cleat_client_run_no_wait(it->client, "race", NULL, NULL, &id));
    assert_completes(it, &id, "\"over\"");
    assert_true(it->was_restarted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_step_in_progress_is_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_step_in_progress_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_server_that_is_restarted_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_first_of_several_stays_the_first, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
