/* The life of a worker of another process: what it is told, what it says, and what becomes of runs. */
#include "server/service_test.h"

/* ---- An assignment ---- */

static void an_assignment_says_all(void **state)
{
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    declare(it, (task_declaration){.name = "greet"});
    id_text worker = register_worker(it, "greet", 1);
    rpc_stream *stream = listen_as(it, worker);
    rpc_accepted(stream);
    request.name = text_("greet");
    request.input = text_("{\"n\":12345678901234567890}");
    request.has_additional_metadata_case =
        CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
    request.additional_metadata = text_("{\"k\":\"v\"}");
    request.has_priority_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PRIORITY_PRIORITY;
    request.priority = 3;
    Cleat__TriggerWorkflowResponse *reply = ask(it, "/WorkflowService/TriggerWorkflow", &request.base,
                                                &cleat__trigger_workflow_response__descriptor);
    heartbeat(it, worker); /* on a machine that took its time */
    Cleat__AssignedAction *action = next_action(stream);
    assert_int_equal(action->action_type, CLEAT__ACTION_TYPE__START_STEP_RUN);
    assert_string_equal(action->tenant_id, it->tenant);
    assert_string_equal(action->workflow_run_id, reply->workflow_run_id);
    assert_string_equal(action->task_run_external_id, reply->workflow_run_id);
    assert_string_equal(action->job_run_id, reply->workflow_run_id);
    assert_string_equal(action->get_group_key_run_id, "");
    assert_string_equal(action->action_id, "greet:greet");
    assert_string_equal(action->task_name, "greet");
    assert_string_equal(action->job_name, "greet");
    assert_string_equal(action->action_payload,
                        "{\"input\":{\"n\":12345678901234567890},\"triggered_by\":\"manual\",\"parents\":{},"
                        "\"triggers\":{\"filter_payload\":null},\"user_data\":null,\"overrides\":null}");
    static const char metadata[] = "{\"k\":\"v\",\"traceparent\":\"00-"; /* nobody gave it one */
    assert_memory_equal(action->additional_metadata, metadata, sizeof(metadata) - 1);
    assert_int_equal(action->retry_count, 0);
    assert_int_equal(action->priority, 3);
    assert_int_equal(strlen(action->workflow_id), 36);
    assert_int_equal(strlen(action->workflow_version_id), 36);
    assert_int_equal(strlen(action->task_id), 36);
    assert_int_equal(action->has_parent_workflow_run_id_case, 0);
    assert_int_equal(action->has_durable_task_invocation_count_case, 0);
    cleat__message_free(action);
    cleat__message_free(reply);
    stop_listening(stream);
}

static void a_child_is_known_by_its_parent(void **state)
{
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    declare(it, (task_declaration){.name = "tree"});
    rpc_stream *stream = stay_as(it, register_worker(it, "tree", 2));
    id_text parent = trigger(it, "tree", "{}");
    cleat__message_free(next_action(stream));
    request.name = text_("tree");
    request.input = text_("[1]"); /* no object: null for the task */
    request.has_parent_id_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PARENT_ID_PARENT_ID;
    request.parent_id = parent.text;
    request.has_parent_task_run_external_id_case =
        CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PARENT_TASK_RUN_EXTERNAL_ID_PARENT_TASK_RUN_EXTERNAL_ID;
    request.parent_task_run_external_id = parent.text;
    request.has_child_index_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_CHILD_INDEX_CHILD_INDEX;
    request.child_index = 7;
    Cleat__TriggerWorkflowResponse *first = ask(it, "/WorkflowService/TriggerWorkflow", &request.base,
                                                &cleat__trigger_workflow_response__descriptor);
    Cleat__TriggerWorkflowResponse *again = ask(it, "/WorkflowService/TriggerWorkflow", &request.base,
                                                &cleat__trigger_workflow_response__descriptor);
    assert_string_equal(first->workflow_run_id, again->workflow_run_id);
    Cleat__AssignedAction *action = next_action(stream);
    assert_string_equal(action->parent_workflow_run_id, parent.text);
    assert_int_equal(action->child_workflow_index, 7);
    assert_int_equal(action->has_child_workflow_key_case, 0);
    assert_non_null(strstr(action->action_payload, "{\"input\":null,"));
    assert_non_null(strstr(action->additional_metadata, parent.text)); /* hatchet__parent_workflow_run_id */
    request.parent_id = request.parent_task_run_external_id = text_(NO_ID);
    refused(it, "/WorkflowService/TriggerWorkflow", &request.base, GRPC_STATUS_NOT_FOUND, "parent");
    cleat__message_free(action);
    cleat__message_free(first);
    cleat__message_free(again);
    stop_listening(stream);
}

/* ---- Ends ---- */

static void a_task_completes(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "well"});
    rpc_stream *stream = stay_as(it, register_worker(it, "well", 1));
    id_text run = trigger(it, "well", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    send_event(it, action, STARTED, "\"\"", false);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__RUNNING);
    send_event(it, action, COMPLETED, "{\"ok\":1}", false);
    send_event(it, action, COMPLETED, "{\"ok\":2}", false); /* too late */
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
    assert_int_equal(details->status, CLEAT__V1__RUN_STATUS__COMPLETED);
    assert_true(details->done);
    assert_int_equal(details->n_task_runs, 1);
    assert_string_equal(details->task_runs[0]->key, "well");
    assert_memory_equal(details->task_runs[0]->value->output.data, "{\"ok\":1}", 8);
    assert_string_equal(details->task_runs[0]->value->external_id, run.text);
    cleat__message_free(details);
    cleat__message_free(action);
    stop_listening(stream);
}

static void a_failure_is_retried_and_then_stays(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "again", .retries = 1});
    rpc_stream *stream = stay_as(it, register_worker(it, "again", 1));
    id_text run = trigger(it, "again", "{}");
    for (int attempt = 0; attempt < 2; attempt++) {
        Cleat__AssignedAction *action = next_action(stream);
        assert_int_equal(action->retry_count, attempt);
        assert_string_equal(action->task_run_external_id, run.text);
        send_event(it, action, FAILED_, "{\"message\":\"no\",\"stack\":\"s\"}", false);
        cleat__message_free(action);
    }
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
    assert_int_equal(details->status, CLEAT__V1__RUN_STATUS__FAILED);
    assert_string_equal(details->task_runs[0]->value->error, "{\"message\":\"no\",\"stack\":\"s\"}");
    cleat__message_free(details);
    stop_listening(stream);
}

static void what_must_not_be_retried_is_not(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "never", .retries = 5});
    rpc_stream *stream = stay_as(it, register_worker(it, "never", 1));
    id_text run = trigger(it, "never", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    send_event(it, action, FAILED_, "no", true);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__FAILED);
    cleat__message_free(action);
    stop_listening(stream);
}

static void an_output_that_is_no_json_is_a_failure(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "odd"});
    rpc_stream *stream = stay_as(it, register_worker(it, "odd", 1));
    id_text run = trigger(it, "odd", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    send_event(it, action, COMPLETED, "{", false);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__FAILED);
    cleat__message_free(action);
    stop_listening(stream);
}

static void assert_cancels(Cleat__AssignedAction *told, const Cleat__AssignedAction *start)
{
    assert_int_equal(told->action_type, CLEAT__ACTION_TYPE__CANCEL_STEP_RUN);
    assert_string_equal(told->task_run_external_id, start->task_run_external_id);
    assert_string_equal(told->workflow_run_id, start->workflow_run_id);
    assert_string_equal(told->action_id, start->action_id);
    assert_string_equal(told->task_id, start->task_id);
    assert_string_equal(told->task_name, start->task_name);
    assert_string_equal(told->tenant_id, start->tenant_id);
    assert_string_equal(told->workflow_version_id, start->workflow_version_id);
    assert_int_equal(told->retry_count, start->retry_count);
    assert_int_equal(told->priority, start->priority);
    cleat__message_free(told);
}

static void a_timeout_ends_it_and_tells_the_worker(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "slow", .timeout = "20ms"});
    rpc_stream *stream = stay_as(it, register_worker(it, "slow", 1));
    id_text run = trigger(it, "slow", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    assert_cancels(next_action(stream), action);
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
    assert_int_equal(details->status, CLEAT__V1__RUN_STATUS__FAILED);
    assert_string_equal(details->task_runs[0]->value->error, "Task exceeded timeout of 20ms");
    cleat__message_free(details);
    cleat__message_free(action);
    stop_listening(stream);
}

static void a_longer_timeout_is_granted(void **state)
{
    service_world *it = *state;
    Cleat__RefreshTimeoutRequest request = CLEAT__REFRESH_TIMEOUT_REQUEST__INIT;
    declare(it, (task_declaration){.name = "longer"});
    rpc_stream *stream = stay_as(it, register_worker(it, "longer", 1));
    int64_t before_s = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_S;
    id_text run = trigger(it, "longer", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    request.task_run_external_id = run.text;
    request.increment_timeout_by = text_("1h");
    request.has_retry_count_case = CLEAT__REFRESH_TIMEOUT_REQUEST__HAS_RETRY_COUNT_RETRY_COUNT;
    request.retry_count = 1; /* another attempt */
    refused(it, "/Dispatcher/RefreshTimeout", &request.base, GRPC_STATUS_NOT_FOUND, "attempt 1");
    request.retry_count = 0;
    Cleat__RefreshTimeoutResponse *reply =
        ask(it, "/Dispatcher/RefreshTimeout", &request.base, &cleat__refresh_timeout_response__descriptor);
    int64_t after_s = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_S;
    assert_in_range(reply->timeout_at->seconds, before_s + 3659, after_s + 3661);
    request.increment_timeout_by = text_("soon");
    refused(it, "/Dispatcher/RefreshTimeout", &request.base, GRPC_STATUS_INVALID_ARGUMENT,
            "increment_timeout_by");
    send_event(it, action, COMPLETED, "{}", false);
    request.increment_timeout_by = text_("1h");
    refused(it, "/Dispatcher/RefreshTimeout", &request.base, GRPC_STATUS_NOT_FOUND, "not running");
    cleat__message_free(reply);
    cleat__message_free(action);
    stop_listening(stream);
}

static void a_cancelled_run_is_told_to_its_worker(void **state)
{
    service_world *it = *state;
    Cleat__V1__CancelTasksRequest request = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    declare(it, (task_declaration){.name = "gone"});
    rpc_stream *stream = stay_as(it, register_worker(it, "gone", 1));
    id_text run = trigger(it, "gone", "{}"), queued = trigger(it, "gone", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    char *ids[] = {queued.text, run.text, text_(NO_ID)};
    request.external_ids = ids;
    request.n_external_ids = 3;
    Cleat__V1__CancelTasksResponse *reply =
        ask(it, "/v1.AdminService/CancelTasks", &request.base, &cleat__v1__cancel_tasks_response__descriptor);
    assert_int_equal(reply->n_cancelled_tasks, 2);
    assert_string_equal(reply->cancelled_tasks[0], queued.text);
    assert_string_equal(reply->cancelled_tasks[1], run.text);
    assert_cancels(next_action(stream), action);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__CANCELLED);
    assert_status(it, queued, CLEAT__V1__RUN_STATUS__CANCELLED);
    send_event(it, action, FAILED_, "too late", false);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__CANCELLED);
    cleat__message_free(reply);
    cleat__message_free(action);
    stop_listening(stream);
}

/* ---- Slots and workers ---- */

static void a_released_slot_takes_the_next(void **state)
{
    service_world *it = *state;
    Cleat__ReleaseSlotRequest request = CLEAT__RELEASE_SLOT_REQUEST__INIT;
    declare(it, (task_declaration){.name = "slot"});
    rpc_stream *stream = stay_as(it, register_worker(it, "slot", 1));
    id_text first = trigger(it, "slot", "{}"), second = trigger(it, "slot", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    assert_string_equal(action->workflow_run_id, first.text);
    request.task_run_external_id = first.text;
    request.has_retry_count_case = CLEAT__RELEASE_SLOT_REQUEST__HAS_RETRY_COUNT_RETRY_COUNT;
    request.retry_count = 1;
    refused(it, "/Dispatcher/ReleaseSlot", &request.base, GRPC_STATUS_NOT_FOUND, "attempt 1");
    request.retry_count = 0;
    cleat__message_free(
        ask(it, "/Dispatcher/ReleaseSlot", &request.base, &cleat__release_slot_response__descriptor));
    Cleat__AssignedAction *next = next_action(stream);
    assert_string_equal(next->workflow_run_id, second.text);
    send_event(it, action, COMPLETED, "{}", false);
    assert_status(it, first, CLEAT__V1__RUN_STATUS__COMPLETED);
    refused(it, "/Dispatcher/ReleaseSlot", &request.base, GRPC_STATUS_NOT_FOUND, "not running");
    cleat__message_free(action);
    cleat__message_free(next);
    stop_listening(stream);
}

static void two_workers_share(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "shared"});
    rpc_stream *one = stay_as(it, register_worker(it, "shared", 1));
    rpc_stream *two = stay_as(it, register_worker(it, "shared", 1));
    rpc_accepted(one);
    rpc_accepted(two);
    for (int i = 0; i < 4; i++) {
        trigger(it, "shared", "{}");
    }
    for (int i = 0; i < 2; i++) { /* one each at a time */
        Cleat__AssignedAction *first = next_action(one), *second = next_action(two);
        assert_string_not_equal(first->workflow_run_id, second->workflow_run_id);
        send_event(it, first, COMPLETED, "{}", false);
        send_event(it, second, COMPLETED, "{}", false);
        cleat__message_free(first);
        cleat__message_free(second);
    }
    stop_listening(one);
    stop_listening(two);
}

static void a_worker_comes_back_to_what_it_holds(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "back"});
    id_text worker = register_worker(it, "back", 1);
    rpc_stream *stream = stay_as(it, worker);
    id_text first = trigger(it, "back", "{}"), second = trigger(it, "back", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    send_event(it, action, STARTED, "\"\"", false);
    stop_listening(stream);
    stream = listen_as(it, worker);
    rpc_accepted(stream);
    assert_status(it, first, CLEAT__V1__RUN_STATUS__RUNNING);
    send_event(it, action, COMPLETED, "{}", false);
    heartbeat(it, worker);
    Cleat__AssignedAction *next = next_action(stream);
    assert_string_equal(next->workflow_run_id, second.text);
    assert_int_equal(next->retry_count, 0);
    cleat__message_free(action);
    cleat__message_free(next);
    stop_listening(stream);
}

static void a_worker_listens_once(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "twice"});
    id_text worker = register_worker(it, "twice", 1);
    rpc_stream *first = stay_as(it, worker);
    rpc_accepted(first);
    rpc_stream *second = stay_as(it, worker);
    rpc_result result = rpc_end(first);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    assert_string_equal(result.text, "the worker listens on another stream");
    rpc_result_deinit(&result);
    id_text run = trigger(it, "twice", "{}");
    Cleat__AssignedAction *action = next_action(second);
    assert_string_equal(action->workflow_run_id, run.text);
    cleat__message_free(action);
    stop_listening(second);
}

static void a_worker_that_left_gets_nothing(void **state)
{
    service_world *it = *state;
    Cleat__WorkerUnsubscribeRequest request = CLEAT__WORKER_UNSUBSCRIBE_REQUEST__INIT;
    Cleat__HeartbeatRequest beat = CLEAT__HEARTBEAT_REQUEST__INIT;
    declare(it, (task_declaration){.name = "left"});
    id_text worker = register_worker(it, "left", 2);
    rpc_stream *stream = stay_as(it, worker);
    trigger(it, "left", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    request.worker_id = worker.text;
    Cleat__WorkerUnsubscribeResponse *reply =
        ask(it, "/Dispatcher/Unsubscribe", &request.base, &cleat__worker_unsubscribe_response__descriptor);
    assert_string_equal(reply->worker_id, worker.text);
    assert_string_equal(reply->tenant_id, it->tenant);
    id_text second = trigger(it, "left", "{}");
    beat.worker_id = worker.text;
    refused(it, "/Dispatcher/Heartbeat", &beat.base, GRPC_STATUS_FAILED_PRECONDITION, "listen");
    send_event(it, action, COMPLETED, "{}", false); /* what it says still counts */
    assert_status(it, second, CLEAT__V1__RUN_STATUS__QUEUED);
    cleat__message_free(reply);
    cleat__message_free(action);
    stop_listening(stream);
}

static void the_older_form_of_listening_works(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "older"});
    rpc_stream *stream = stay_as(it, register_worker(it, "older", 1));
    id_text run = trigger(it, "older", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    assert_string_equal(action->workflow_run_id, run.text);
    cleat__message_free(action);
    stop_listening(stream);
}

/* ---- More than the server's queue of 4 MiB ---- */

enum { BIG_RUNS = 12, BIG_SIZE = 1 << 20 };

typedef struct big_runs {
    id_text ids[BIG_RUNS];
} big_runs;

static big_runs trigger_big_runs(service_world *it)
{
    big_runs all;
    char *input = malloc(BIG_SIZE + 3);
    memset(input, 'x', BIG_SIZE);
    memcpy(input, "{\"text\":\"", 9);
    memcpy(input + BIG_SIZE, "\"}", 3);
    for (int i = 0; i < BIG_RUNS; i++) {
        all.ids[i] = trigger(it, "big", input);
    }
    free(input);
    return all;
}

/* The one that no stream has taken yet, when nobody reads: the last that the engine handed over. */
static id_text the_last_begun(service_world *it, const big_runs *all)
{
    int count = 0;
    bool is_running = true;
    while (is_running && count < BIG_RUNS) {
        Cleat__V1__GetRunDetailsResponse *details = details_of(it, all->ids[count]);
        is_running = details->status == CLEAT__V1__RUN_STATUS__RUNNING;
        count += is_running;
        cleat__message_free(details);
    }
    assert_in_range(count, 1, BIG_RUNS - 1); /* the others stay in the file */
    return all->ids[count - 1];
}

static void a_worker_may_read_slowly(void **state)
{
    service_world *it = *state;
    skip_under_tsan();
    declare(it, (task_declaration){.name = "big"});
    rpc_stream *stream = stay_as(it, register_worker(it, "big", BIG_RUNS));
    rpc_accepted(stream);
    trigger_big_runs(it);
    for (int i = 0; i < BIG_RUNS; i++) {
        Cleat__AssignedAction *action = next_action(stream);
        assert_int_equal(action->retry_count, 0);
        assert_true(strlen(action->action_payload) > BIG_SIZE);
        cleat__message_free(action);
    }
    stop_listening(stream);
}

/* A backlog that is larger than all that may wait for a worker. */
static void a_backlog_of_large_runs_is_begun_once(void **state)
{
    enum { RUNS = 20, SIZE = 7 << 19 };
    service_world *it = *state;
    skip_under_tsan();
    char *input = malloc(SIZE + 3);
    memset(input, 'x', SIZE);
    memcpy(input, "{\"text\":\"", 9);
    memcpy(input + SIZE, "\"}", 3);
    declare(it, (task_declaration){.name = "big"});
    for (int i = 0; i < RUNS; i++) {
        trigger(it, "big", input);
    }
    free(input);
    rpc_stream *stream = stay_as(it, register_worker(it, "big", RUNS));
    for (int i = 0; i < RUNS; i++) {
        Cleat__AssignedAction *action = next_action(stream);
        assert_int_equal(action->retry_count, 0);
        cleat__message_free(action);
    }
    stop_listening(stream);
}

/* What was in the server's hands when the stream ended; what had left it stays with the worker. */
static void what_a_worker_does_not_take_goes_to_another(void **state)
{
    service_world *it = *state;
    skip_under_tsan();
    declare(it, (task_declaration){.name = "big"});
    rpc_client *deaf = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
    rpc_stream *stuck = listen_by(it, deaf, "/Dispatcher/Listen", register_worker(it, "big", BIG_RUNS));
    rpc_accepted(stuck);
    big_runs all = trigger_big_runs(it);
    id_text last = the_last_begun(it, &all);
    stop_listening(stuck);
    rpc_stream *stream = stay_as(it, register_worker(it, "big", BIG_RUNS));
    Cleat__AssignedAction *action = next_action(stream);
    while (strcmp(action->workflow_run_id, last.text) != 0) {
        cleat__message_free(action);
        action = next_action(stream);
    }
    assert_int_equal(action->retry_count, 1);
    cleat__message_free(action);
    stop_listening(stream);
    rpc_client_free(deaf);
}

/* A cancellation does not overtake the start. */
static void what_waits_keeps_its_order(void **state)
{
    service_world *it = *state;
    skip_under_tsan();
    Cleat__V1__CancelTasksRequest request = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    declare(it, (task_declaration){.name = "big"});
    rpc_stream *stream = stay_as(it, register_worker(it, "big", BIG_RUNS));
    rpc_accepted(stream);
    big_runs all = trigger_big_runs(it);
    id_text last = the_last_begun(it, &all);
    char *ids[] = {last.text};
    request.external_ids = ids;
    request.n_external_ids = 1;
    cleat__message_free(ask(it, "/v1.AdminService/CancelTasks", &request.base,
                            &cleat__v1__cancel_tasks_response__descriptor));
    Cleat__AssignedAction *action = next_action(stream);
    while (strcmp(action->workflow_run_id, last.text) != 0) {
        cleat__message_free(action);
        action = next_action(stream);
    }
    assert_int_equal(action->action_type, CLEAT__ACTION_TYPE__START_STEP_RUN);
    assert_cancels(next_action(stream), action);
    cleat__message_free(action);
    stop_listening(stream);
}

/* It would end the stream, and be the first on the next one. */
static void what_the_worker_does_not_take_fails(void **state)
{
    service_world *it = *state;
    char input[2000];
    memset(input, 'x', sizeof(input));
    memcpy(input, "{\"text\":\"", 9);
    memcpy(input + sizeof(input) - 3, "\"}", 3);
    declare(it, (task_declaration){.name = "whale"});
    rpc_stream *stream =
        listen_for(it, it->client, "/Dispatcher/Listen", register_worker(it, "whale", 1), 1500);
    rpc_stream *results = subscribe(it);
    id_text run = trigger(it, "whale", input), next_run = trigger(it, "whale", "{}");
    ask_for_run(results, run.text);
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_non_null(strstr(event->results[0]->error, "too large"));
    Cleat__AssignedAction *action = next_action(stream);
    assert_string_equal(action->workflow_run_id, next_run.text);
    cleat__message_free(action);
    cleat__message_free(event);
    stop_listening(stream);
    stop_listening(results);
}

/* The envelope makes the action larger than a message may be, though its input came in one. */
static void what_no_message_can_hold_fails(void **state)
{
    enum { SIZE = (4 << 20) - 150 };
    service_world *it = *state;
    skip_under_tsan();
    char *input = malloc(SIZE + 1);
    memset(input, 'x', SIZE);
    memcpy(input, "{\"text\":\"", 9);
    memcpy(input + SIZE - 2, "\"}", 3);
    declare(it, (task_declaration){.name = "whale"});
    rpc_stream *stream = stay_as(it, register_worker(it, "whale", 1)), *results = subscribe(it);
    id_text run = trigger(it, "whale", input), next_run = trigger(it, "whale", "{}");
    ask_for_run(results, run.text);
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_non_null(strstr(event->results[0]->error, "too large"));
    Cleat__AssignedAction *action = next_action(stream); /* the stream goes on */
    assert_string_equal(action->workflow_run_id, next_run.text);
    cleat__message_free(action);
    cleat__message_free(event);
    stop_listening(stream);
    stop_listening(results);
    free(input);
}

/* ---- The server's end ---- */

static void a_task_outlives_its_server(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "outlive"});
    id_text worker = register_worker(it, "outlive", 1);
    rpc_stream *stream = stay_as(it, worker);
    id_text run = trigger(it, "outlive", "{}"), next_run = trigger(it, "outlive", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    send_event(it, action, STARTED, "\"\"", false);
    cleat__server_stop(it->server, 300000);
    rpc_result result = rpc_end(stream);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE); /* so it comes back */
    rpc_result_deinit(&result);
    rpc_client_free(it->client);
    world_serve(it);
    stream = listen_as(it, worker);
    rpc_accepted(stream);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__RUNNING);
    send_event(it, action, COMPLETED, "{\"still\":true}", false);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__COMPLETED);
    heartbeat(it, worker);
    Cleat__AssignedAction *next = next_action(stream);
    assert_string_equal(next->workflow_run_id, next_run.text);
    cleat__message_free(action);
    cleat__message_free(next);
    stop_listening(stream);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(an_assignment_says_all),
        TEST(a_child_is_known_by_its_parent),
        TEST(a_task_completes),
        TEST(a_failure_is_retried_and_then_stays),
        TEST(what_must_not_be_retried_is_not),
        TEST(an_output_that_is_no_json_is_a_failure),
        TEST(a_timeout_ends_it_and_tells_the_worker),
        TEST(a_longer_timeout_is_granted),
        TEST(a_cancelled_run_is_told_to_its_worker),
        TEST(a_released_slot_takes_the_next),
        TEST(two_workers_share),
        TEST(a_worker_comes_back_to_what_it_holds),
        TEST(a_worker_listens_once),
        TEST(a_worker_that_left_gets_nothing),
        TEST(the_older_form_of_listening_works),
        TEST(a_worker_may_read_slowly),
        TEST(a_backlog_of_large_runs_is_begun_once),
        TEST(what_a_worker_does_not_take_goes_to_another),
        TEST(what_waits_keeps_its_order),
        TEST(what_no_message_can_hold_fails),
        TEST(what_the_worker_does_not_take_fails),
        TEST(a_task_outlives_its_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
