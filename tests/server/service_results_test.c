/* The stream of results: each id once, in any order, unknown ones never, however slowly it is read. */
#include "server/service_test.h"

/* Triggers a run and completes it with that output. */
static id_text completed(service_world *it, rpc_stream *worker, const char *name, const char *output)
{
    id_text run = trigger(it, name, "{}");
    Cleat__AssignedAction *action = next_action(worker);
    send_event(it, action, COMPLETED, output, false);
    cleat__message_free(action);
    return run;
}

static void a_run_that_ends_is_told_once(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "one"});
    rpc_stream *worker = stay_as(it, register_worker(it, "one", 2)), *results = subscribe(it);
    id_text run = trigger(it, "one", "{}");
    Cleat__AssignedAction *action = next_action(worker);
    ask_for_run(results, "no id");
    ask_for_run(results, NO_ID);
    ask_for_run(results, run.text);
    ask_for_run(results, run.text); /* still one answer */
    send_event(it, action, COMPLETED, "{\"ok\":1}", false);
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_string_equal(event->workflow_run_id, run.text);
    assert_int_equal(event->event_type, CLEAT__WORKFLOW_RUN_EVENT_TYPE__WORKFLOW_RUN_EVENT_TYPE_FINISHED);
    assert_int_equal(event->n_results, 1);
    assert_string_equal(event->results[0]->task_run_external_id, run.text);
    assert_string_equal(event->results[0]->job_run_id, run.text);
    assert_string_equal(event->results[0]->task_name, "one");
    assert_string_equal(event->results[0]->output, "{\"ok\":1}");
    assert_int_equal(event->results[0]->has_error_case, 0);
    cleat__message_free(event);
    /* The next answer is of another run: the first was not told twice, and an unknown one never. */
    id_text second = completed(it, worker, "one", "2");
    ask_for_run(results, second.text);
    event = next_result(results);
    assert_string_equal(event->workflow_run_id, second.text);
    cleat__message_free(event);
    ask_for_run(results, run.text); /* asking again answers again */
    event = next_result(results);
    assert_string_equal(event->workflow_run_id, run.text);
    cleat__message_free(event);
    cleat__message_free(action);
    stop_listening(worker);
    stop_listening(results);
}

static void failures_and_cancellations_are_told(void **state)
{
    service_world *it = *state;
    Cleat__V1__CancelTasksRequest cancel = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    declare(it, (task_declaration){.name = "bad"});
    rpc_stream *worker = stay_as(it, register_worker(it, "bad", 2)), *results = subscribe(it);
    id_text run = trigger(it, "bad", "{}");
    Cleat__AssignedAction *action = next_action(worker);
    send_event(it, action, FAILED_, "plain text", true);
    ask_for_run(results, run.text);
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_string_equal(event->results[0]->error, "plain text");
    assert_int_equal(event->results[0]->has_output_case, 0);
    cleat__message_free(event);
    id_text gone = trigger(it, "bad", "{}");
    char *ids[] = {gone.text};
    ask_for_run(results, gone.text);
    cancel.external_ids = ids;
    cancel.n_external_ids = 1;
    cleat__message_free(
        ask(it, "/v1.AdminService/CancelTasks", &cancel.base, &cleat__v1__cancel_tasks_response__descriptor));
    event = next_result(results);
    assert_string_equal(event->workflow_run_id, gone.text);
    assert_int_not_equal(event->results[0]->has_error_case, 0); /* there, */
    assert_string_equal(event->results[0]->error, "");          /* and empty */
    cleat__message_free(event);
    cleat__message_free(action);
    stop_listening(worker);
    stop_listening(results);
}

static void runs_of_another_tenant_are_never_told(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "mine"});
    rpc_stream *worker = stay_as(it, register_worker(it, "mine", 1));
    id_text run = completed(it, worker, "mine", "1");
    rpc_stream *results = rpc_open(it->client, "/Dispatcher/SubscribeToWorkflowRuns",
                                   (rpc_call_options){.authorization = it->other_token});
    cleat__buffer bytes = {0};
    ask_for_run(results, run.text);
    rpc_half_close(results);
    assert_false(rpc_read(results, &bytes));
    rpc_result result = rpc_end(results);
    assert_int_equal(result.code, GRPC_STATUS_OK); /* half a close ends it */
    rpc_result_deinit(&result);
    cleat__buffer_deinit(&bytes);
    stop_listening(worker);
}

static void streams_end_while_runs_are_waited_for(void **state)
{
    enum { RUNS = 50 };
    service_world *it = *state;
    declare(it, (task_declaration){.name = "long"});
    rpc_stream *one = subscribe(it), *two = subscribe(it);
    for (int i = 0; i < RUNS; i++) {
        id_text run = trigger(it, "long", "{}");
        ask_for_run(one, run.text);
        ask_for_run(two, run.text);
    }
    stop_listening(one); /* the other ends with the server */
    rpc_accepted(two);
    cleat__server_stop(it->server, 300000);
    rpc_result result = rpc_end(two);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    rpc_result_deinit(&result);
    rpc_client_free(it->client);
    world_serve(it);
}

/* 24 MiB of results, of which the server queues 4 at most. */
static void a_slow_reader_gets_everything(void **state)
{
    enum { RUNS = 24, SIZE = 1 << 20 };
    service_world *it = *state;
    skip_under_tsan();
    char *output = malloc(SIZE + 3);
    bool seen[RUNS] = {false};
    id_text runs[RUNS];
    memset(output, 'x', SIZE);
    output[0] = '"';
    memcpy(output + SIZE, "\"", 2);
    declare(it, (task_declaration){.name = "heavy"});
    rpc_stream *worker = stay_as(it, register_worker(it, "heavy", 1)), *results = subscribe(it);
    for (int i = 0; i < RUNS; i++) {
        runs[i] = completed(it, worker, "heavy", output);
        ask_for_run(results, runs[i].text);
    }
    for (int i = 0; i < RUNS; i++) {
        Cleat__WorkflowRunEvent *event = next_result(results);
        assert_int_equal(strlen(event->results[0]->output), SIZE + 1);
        for (int j = 0; j < RUNS; j++) {
            if (strcmp(runs[j].text, event->workflow_run_id) == 0) {
                assert_false(seen[j]);
                seen[j] = true;
            }
        }
        cleat__message_free(event);
    }
    for (int j = 0; j < RUNS; j++) {
        assert_true(seen[j]);
    }
    stop_listening(worker);
    stop_listening(results);
    free(output);
}

static void what_is_too_large_is_told_without_results(void **state)
{
    enum { SIZE = (3 << 20) + 1 };
    service_world *it = *state;
    skip_under_tsan();
    char *output = malloc(SIZE + 3);
    memset(output, 'x', SIZE);
    output[0] = '"';
    memcpy(output + SIZE, "\"", 2);
    declare(it, (task_declaration){.name = "huge"});
    rpc_stream *worker = stay_as(it, register_worker(it, "huge", 1)), *results = subscribe(it);
    id_text run = completed(it, worker, "huge", output);
    ask_for_run(results, run.text);
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_string_equal(event->workflow_run_id, run.text);
    assert_int_equal(event->n_results, 0);
    cleat__message_free(event);
    stop_listening(worker);
    stop_listening(results);
    free(output);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_ends_is_told_once),          TEST(failures_and_cancellations_are_told),
        TEST(runs_of_another_tenant_are_never_told), TEST(streams_end_while_runs_are_waited_for),
        TEST(a_slow_reader_gets_everything),         TEST(what_is_too_large_is_told_without_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
