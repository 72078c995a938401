/* The SDK with its engine elsewhere: the program is the same. */
#include "transport/grpc_test.h"

#include "wire/assignment.h"

#include <cleat/worker.h>

#include <sys/wait.h>
#include <unistd.h>

typedef struct remote {
    mock_engine engine;
    cleat_client *client;
} remote;

static void open_client(remote *it)
{
    assert_ok(
        cleat_client_new(CLEAT_CLIENT_OPTIONS(.token = it->engine.token, .tls_strategy = "none",
                                              .host_port = cleat__rpc_server_address(it->engine.server)),
                         &it->client));
}

static int begin(void **state)
{
    remote *it = calloc(1, sizeof(*it));
    mock_start(&it->engine, (mock_options){0});
    open_client(it);
    *state = it;
    return 0;
}

static int end(void **state)
{
    remote *it = *state;
    cleat_client_free(it->client);
    mock_stop(&it->engine);
    free(it);
    return 0;
}

static cleat_status pack(cleat_task *task, void *user_data)
{
    cleat_run_id id;
    (void)user_data;
    assert_ok(cleat_task_log(task, CLEAT_LOG_INFO, "packing"));
    assert_ok(cleat_task_spawn(task, "archive:pack", NULL, NULL, &id));
    return cleat_task_return(task, cleat_task_input(task).data);
}

static void assign(remote *it, const char *action_id)
{
    const cleat__action_details details = {.priority = 1};
    const cleat__assignment assignment = {.task_id = uuid_of(MOCK_RUN_ID),
                                          .task = cleat_slice_of(action_id),
                                          .input = cleat_slice_of("{\"n\":1}")};
    Cleat__AssignedAction *action = cleat__assignment_write(&assignment, &details);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

static void test_a_task(void **state)
{
    remote *it = *state;
    cleat_worker *worker = NULL;
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2), &worker));
    assert_ok(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "archive:pack", .run = pack)));
    assert_ok(cleat_worker_start(worker));
    assign(it, "archive:pack");
    Cleat__StepActionEvent *event = mock_message(&it->engine, MOCK_EVENT, 0);
    assert_int_equal(event->event_type, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED);
    assert_string_equal(event->event_payload, "{\"n\":1}");
    cleat__message_free(event);
    Cleat__V1__TriggerWorkflowRequest *child = mock_message(&it->engine, MOCK_TRIGGER, 0);
    assert_string_equal(child->name, "archive.pack");
    assert_string_equal(child->parent_id, MOCK_RUN_ID);
    assert_string_equal(child->parent_task_run_external_id, MOCK_RUN_ID);
    assert_int_equal(child->child_index, 0);
    cleat__message_free(child);
    mock_wait(&it->engine, MOCK_LOG, 1);
    cleat_worker_free(worker);
    assert_int_equal(mock_count(&it->engine, MOCK_UNSUBSCRIBE), 1);
    assert_int_equal(mock_count(&it->engine, MOCK_PUT_WORKFLOW), 1);
}

static void test_runs(void **state)
{
    remote *it = *state;
    cleat_run_id ids[2];
    const cleat_run_item items[] = {{.task = "pack"}, {.task = "archive:pack"}};
    assert_ok(cleat_client_run_many(it->client, items, 2, ids));
    assert_string_equal(ids[1].text, MOCK_RUN_ID);
    it->engine.lists_cancelled = true;
    assert_ok(cleat_client_cancel(it->client, &ids[0]));
}

static void test_the_token_in_the_environment(void **state)
{
    remote *it = *state;
    cleat_client *client = NULL;
    assert_int_equal(setenv("HATCHET_CLIENT_TOKEN", it->engine.token, 1), 0);
    assert_int_equal(setenv("HATCHET_CLIENT_HOST_PORT", cleat__rpc_server_address(it->engine.server), 1), 0);
    assert_int_equal(setenv("HATCHET_CLIENT_TLS_STRATEGY", "none", 1), 0);
    assert_int_equal(setenv("CLEAT_DB", "unused.db", 1), 0);
    assert_ok(cleat_client_new(NULL, &client));
    cleat_client_free(client);
    assert_int_equal(mock_count(&it->engine, MOCK_VERSION), 2);
    assert_int_not_equal(access("unused.db", F_OK), 0);
    (void)unsetenv("HATCHET_CLIENT_TOKEN");
    (void)unsetenv("HATCHET_CLIENT_HOST_PORT");
    (void)unsetenv("HATCHET_CLIENT_TLS_STRATEGY");
    (void)unsetenv("CLEAT_DB");
}

/* gRPC does not survive it: a child is told so instead of being left to hang. */
static void test_after_a_fork(void **state)
{
    remote *it = *state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        cleat_client *other = NULL;
        cleat_run_id id;
        bool is_refused =
            cleat_client_run_no_wait(it->client, "pack", NULL, NULL, &id) == CLEAT_UNAVAILABLE &&
            cleat_client_new(CLEAT_CLIENT_OPTIONS(.token = it->engine.token, .host_port = "127.0.0.1:1"),
                             &other) == CLEAT_UNAVAILABLE;
        cleat_client_free(it->client);
        _exit(is_refused ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_task, begin, end),
        cmocka_unit_test_setup_teardown(test_runs, begin, end),
        cmocka_unit_test_setup_teardown(test_the_token_in_the_environment, begin, end),
        cmocka_unit_test_setup_teardown(test_after_a_fork, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
