/* Each unary method: what it answers, and what it refuses. */
#include "server/service_test.h"

#include "base/base_test.h"

/* ---- Whoever calls ---- */

static void the_version_is_one_that_clients_take(void **state)
{
    service_world *it = *state;
    const Cleat__GetVersionRequest request = CLEAT__GET_VERSION_REQUEST__INIT;
    char expected[64];
    Cleat__GetVersionResponse *reply =
        ask(it, "/Dispatcher/GetVersion", &request.base, &cleat__get_version_response__descriptor);
    snprintf(expected, sizeof(expected), "v0.83.0-cleat.%s", cleat_version());
    assert_string_equal(reply->version, expected);
    cleat__message_free(reply);
}

static void garbage_is_refused(void **state)
{
    service_world *it = *state;
    rpc_result result = rpc_call(it->client, "/v1.AdminService/PutWorkflow", cleat_slice_of("\x0a\xff"),
                                 (rpc_call_options){.authorization = it->token});
    assert_int_equal(result.code, GRPC_STATUS_INVALID_ARGUMENT);
    rpc_result_deinit(&result);
}

/* ---- Declarations ---- */

static void the_same_declaration_is_the_same_version(void **state)
{
    service_world *it = *state;
    Cleat__V1__CreateWorkflowVersionRequest request = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__INIT;
    Cleat__V1__CreateTaskOpts task = CLEAT__V1__CREATE_TASK_OPTS__INIT, *tasks[] = {&task};
    Cleat__V1__CreateWorkflowVersionResponse *replies[3];
    request.name = text_("Mixed");
    request.tasks = tasks;
    request.n_tasks = 1;
    task.readable_id = text_("Step");
    task.action = text_("Mixed:Step");
    for (int i = 0; i < 3; i++) {
        task.retries = i == 2 ? 1 : 0;
        replies[i] = ask(it, "/v1.AdminService/PutWorkflow", &request.base,
                         &cleat__v1__create_workflow_version_response__descriptor);
        assert_string_equal(replies[i]->workflow_id, replies[0]->workflow_id);
    }
    assert_string_equal(replies[0]->id, replies[1]->id);
    assert_string_not_equal(replies[0]->id, replies[2]->id);
    for (int i = 0; i < 3; i++) {
        cleat__message_free(replies[i]);
    }
}

static void wrong_declarations_are_refused(void **state)
{
    static const char path[] = "/v1.AdminService/PutWorkflow";
    service_world *it = *state;
    Cleat__V1__CreateWorkflowVersionRequest request = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__INIT;
    Cleat__V1__CreateTaskOpts task = CLEAT__V1__CREATE_TASK_OPTS__INIT, *tasks[] = {&task, &task};
    char *crons[] = {text_("* * * *")};
    request.name = text_("a");
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "no tasks");
    request.tasks = tasks;
    request.n_tasks = 1;
    task.readable_id = text_("a b");
    task.action = text_("a:a");
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "not allowed");
    task.readable_id = text_("a");
    task.timeout = text_("a while");
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "timeout");
    task.timeout = text_("1s");
    request.cron_triggers = crons;
    request.n_cron_triggers = 1;
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "has 4 fields");
    request.n_cron_triggers = 0;
    request.n_tasks = 2;
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "task \"a\" is there twice");
}

/* ---- Starting runs ---- */

static void unknown_workflows_are_named(void **state)
{
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest known = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT, lost = known,
                                      other = known, *all[] = {&lost, &known, &other};
    Cleat__BulkTriggerWorkflowRequest bulk = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    declare(it, (task_declaration){.name = "known"});
    known.name = text_("known");
    lost.name = text_("lost");
    other.name = text_("Known"); /* names are compared exactly */
    known.input = lost.input = other.input = text_("{}");
    bulk.workflows = all;
    bulk.n_workflows = 3;
    refused(it, "/WorkflowService/BulkTriggerWorkflow", &bulk.base, GRPC_STATUS_INVALID_ARGUMENT,
            "workflow names not found: lost, Known");
    refused(it, "/WorkflowService/TriggerWorkflow", &lost.base, GRPC_STATUS_INVALID_ARGUMENT,
            "workflow names not found: lost");
    refused_as(it, it->other_token, "/WorkflowService/TriggerWorkflow", &known.base,
               GRPC_STATUS_INVALID_ARGUMENT, "workflow names not found: known");
}

static void many_unknown_workflows_are_named_once_and_not_all(void **state)
{
    enum { ITEMS = 40, NAMES = 20 };
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest items[ITEMS], *all[ITEMS];
    Cleat__BulkTriggerWorkflowRequest bulk = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    char names[NAMES][16];
    for (int i = 0; i < ITEMS; i++) {
        snprintf(names[i / 2], sizeof(names[0]), "x%d", i / 2);
        cleat__v1__trigger_workflow_request__init(&items[i]);
        items[i].name = names[i / 2];
        items[i].input = text_("{}");
        all[i] = &items[i];
    }
    bulk.workflows = all;
    bulk.n_workflows = ITEMS;
    rpc_result result = call_as(it, it->token, "/WorkflowService/BulkTriggerWorkflow", &bulk.base);
    assert_int_equal(result.code, GRPC_STATUS_INVALID_ARGUMENT);
    assert_string_equal(result.text, "workflow names not found: x0, x1, x2, x3, x4, x5, x6, x7, x8, x9");
    rpc_result_deinit(&result);
}

static void too_many_runs_at_once_are_refused(void **state)
{
    enum { MOST = 10000 };
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest item = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    Cleat__V1__TriggerWorkflowRequest **all = calloc(MOST + 1, sizeof(void *));
    Cleat__BulkTriggerWorkflowRequest bulk = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    declare(it, (task_declaration){.name = "many"});
    item.name = text_("many");
    item.input = text_("{}");
    for (int i = 0; i <= MOST; i++) {
        all[i] = &item;
    }
    bulk.workflows = all;
    bulk.n_workflows = MOST + 1;
    refused(it, "/WorkflowService/BulkTriggerWorkflow", &bulk.base, GRPC_STATUS_INVALID_ARGUMENT,
            "10001 workflows; no more than 10000 are started together");
    bulk.n_workflows = MOST;
    Cleat__BulkTriggerWorkflowResponse *reply = ask(it, "/WorkflowService/BulkTriggerWorkflow", &bulk.base,
                                                    &cleat__bulk_trigger_workflow_response__descriptor);
    assert_int_equal(reply->n_workflow_run_ids, MOST);
    cleat__message_free(reply);
    free(all);
}

static void many_runs_start_in_their_order(void **state)
{
    enum { RUNS = 600 };
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest items[RUNS], *all[RUNS];
    Cleat__BulkTriggerWorkflowRequest bulk = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    char inputs[RUNS][32];
    declare(it, (task_declaration){.name = "many"});
    for (int i = 0; i < RUNS; i++) {
        cleat__v1__trigger_workflow_request__init(&items[i]);
        snprintf(inputs[i], sizeof(inputs[i]), "{\"n\":%d}", i);
        items[i].name = text_("many");
        items[i].input = inputs[i];
        all[i] = &items[i];
    }
    bulk.workflows = all;
    bulk.n_workflows = RUNS;
    Cleat__BulkTriggerWorkflowResponse *reply = ask(it, "/WorkflowService/BulkTriggerWorkflow", &bulk.base,
                                                    &cleat__bulk_trigger_workflow_response__descriptor);
    assert_int_equal(reply->n_workflow_run_ids, RUNS);
    for (int i = 0; i < RUNS; i += 100) {
        id_text run;
        snprintf(run.text, sizeof(run.text), "%s", reply->workflow_run_ids[i]);
        Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
        assert_int_equal(details->input.len, strlen(inputs[i]));
        assert_memory_equal(details->input.data, inputs[i], details->input.len);
        cleat__message_free(details);
    }
    cleat__message_free(reply);
    items[RUNS - 1].input = text_("{"); /* one is wrong: none is started */
    refused(it, "/WorkflowService/BulkTriggerWorkflow", &bulk.base, GRPC_STATUS_INVALID_ARGUMENT, "input");
    bulk.n_workflows = 0;
    reply = ask(it, "/WorkflowService/BulkTriggerWorkflow", &bulk.base,
                &cleat__bulk_trigger_workflow_response__descriptor);
    assert_int_equal(reply->n_workflow_run_ids, 0);
    cleat__message_free(reply);
}

static void wrong_triggers_are_refused(void **state)
{
    static const char path[] = "/WorkflowService/TriggerWorkflow";
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    declare(it, (task_declaration){.name = "strict"});
    request.input = text_("{}");
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "name");
    request.name = text_("strict");
    request.input = text_("{\"a\":\"\\u0000\"}");
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "input");
    request.input = text_("{}");
    request.has_priority_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PRIORITY_PRIORITY;
    request.priority = 4;
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "priority");
    request.priority = 1;
    request.has_desired_worker_id_case =
        CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_DESIRED_WORKER_ID_DESIRED_WORKER_ID;
    request.desired_worker_id = text_("w");
    refused(it, path, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "desired_worker_id");
}

static void a_run_starts_without_the_fields_of_children(void **state)
{
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRunRequest request = CLEAT__V1__TRIGGER_WORKFLOW_RUN_REQUEST__INIT;
    id_text run;
    declare(it, (task_declaration){.name = "plain"});
    request.workflow_name = text_("plain");
    request.input = (ProtobufCBinaryData){7, (uint8_t *)text_("{\"a\":1}")};
    request.additional_metadata = (ProtobufCBinaryData){9, (uint8_t *)text_("{\"k\":\"v\"}")};
    Cleat__V1__TriggerWorkflowRunResponse *reply =
        ask(it, "/v1.AdminService/TriggerWorkflowRun", &request.base,
            &cleat__v1__trigger_workflow_run_response__descriptor);
    snprintf(run.text, sizeof(run.text), "%s", reply->external_id);
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
    assert_memory_equal(details->input.data, "{\"a\":1}", 7);
    static const char metadata[] = "{\"k\":\"v\",\"traceparent\":\"00-"; /* nobody gave it one */
    assert_memory_equal(details->additional_metadata.data, metadata, sizeof(metadata) - 1);
    assert_false(details->done);
    assert_int_equal(details->status, CLEAT__V1__RUN_STATUS__QUEUED);
    assert_int_equal(details->task_runs[0]->value->has_output_case, 0);
    cleat__message_free(details);
    cleat__message_free(reply);
    request.additional_metadata.len = 3;
    refused(it, "/v1.AdminService/TriggerWorkflowRun", &request.base, GRPC_STATUS_INVALID_ARGUMENT,
            "metadata");
    request.additional_metadata.len = 0;
    request.workflow_name = text_("nobody");
    refused(it, "/v1.AdminService/TriggerWorkflowRun", &request.base, GRPC_STATUS_INVALID_ARGUMENT,
            "workflow names not found: nobody");
}

/* ---- Workers ---- */

static void a_worker_has_slots_in_one_form(void **state)
{
    service_world *it = *state;
    Cleat__WorkerRegisterRequest request = CLEAT__WORKER_REGISTER_REQUEST__INIT;
    Cleat__WorkerRegisterRequest__SlotConfigEntry slots =
                                                      CLEAT__WORKER_REGISTER_REQUEST__SLOT_CONFIG_ENTRY__INIT,
                                                  *all[] = {&slots};
    char *actions[] = {text_("nonsense")};
    request.has_slots_case = CLEAT__WORKER_REGISTER_REQUEST__HAS_SLOTS_SLOTS;
    request.slots = 1;
    request.slot_config = all;
    request.n_slot_config = 1;
    slots.key = text_("default");
    slots.value = 5;
    refused(it, "/Dispatcher/Register", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "either");
    request.has_slots_case = CLEAT__WORKER_REGISTER_REQUEST__HAS_SLOTS__NOT_SET;
    request.actions = actions;
    request.n_actions = 1;
    refused(it, "/Dispatcher/Register", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "action");
}

/* A run that desires a label waits for the worker that gets it. */
static void labels_choose_the_worker(void **state)
{
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    Cleat__V1__TriggerWorkflowRequest__DesiredWorkerLabelsEntry
        wish = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__DESIRED_WORKER_LABELS_ENTRY__INIT,
        *wishes[] = {&wish};
    Cleat__V1__DesiredWorkerLabels wanted = CLEAT__V1__DESIRED_WORKER_LABELS__INIT;
    Cleat__UpsertWorkerLabelsRequest upsert = CLEAT__UPSERT_WORKER_LABELS_REQUEST__INIT;
    Cleat__UpsertWorkerLabelsRequest__LabelsEntry entry =
                                                      CLEAT__UPSERT_WORKER_LABELS_REQUEST__LABELS_ENTRY__INIT,
                                                  *entries[] = {&entry};
    Cleat__WorkerLabels value = CLEAT__WORKER_LABELS__INIT;
    declare(it, (task_declaration){.name = "choosy"});
    id_text plain = register_worker(it, "choosy", 1), special = register_worker(it, "choosy", 1);
    rpc_stream *one = stay_as(it, plain), *two = stay_as(it, special);
    rpc_accepted(one);
    rpc_accepted(two);
    request.name = text_("choosy");
    request.input = text_("{}");
    request.desired_worker_labels = wishes;
    request.n_desired_worker_labels = 1;
    wish.key = text_("gpu");
    refused(it, "/WorkflowService/TriggerWorkflow", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "gpu");
    wish.value = &wanted;
    wanted.has_int_value_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_INT_VALUE_INT_VALUE;
    wanted.int_value = 4;
    wanted.has_required_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_REQUIRED_REQUIRED;
    wanted.required = 1;
    Cleat__TriggerWorkflowResponse *reply = ask(it, "/WorkflowService/TriggerWorkflow", &request.base,
                                                &cleat__trigger_workflow_response__descriptor);
    upsert.worker_id = special.text;
    upsert.labels = entries;
    upsert.n_labels = 1;
    entry.key = text_("gpu");
    refused(it, "/Dispatcher/UpsertWorkerLabels", &upsert.base, GRPC_STATUS_INVALID_ARGUMENT, "gpu");
    entry.value = &value;
    value.has_int_value_case = CLEAT__WORKER_LABELS__HAS_INT_VALUE_INT_VALUE;
    value.int_value = 4;
    Cleat__UpsertWorkerLabelsResponse *labelled = ask(it, "/Dispatcher/UpsertWorkerLabels", &upsert.base,
                                                      &cleat__upsert_worker_labels_response__descriptor);
    assert_string_equal(labelled->worker_id, special.text);
    Cleat__AssignedAction *action = next_action(two);
    assert_string_equal(action->workflow_run_id, reply->workflow_run_id);
    cleat__message_free(action);
    cleat__message_free(labelled);
    cleat__message_free(reply);
    stop_listening(one);
    stop_listening(two);
}

/* ---- Logs ---- */

static void count_line(void *argument, int retry_count, const char *message)
{
    assert_int_equal(retry_count, 1);
    assert_string_equal(message, "hello");
    ++*(int *)argument;
}

/* By a reader beside the engine. */
static int lines_of(service_world *it, id_text run)
{
    cleat__store *store = NULL;
    sqlite3_stmt *select = NULL;
    int count = 0;
    assert_int_equal(cleat__store_open(it->dir.database, CLEAT__STORE_READ, &store), CLEAT_OK);
    assert_int_equal(sqlite3_prepare_v2(cleat__store_db(store),
                                        "SELECT retry_count, message FROM task_log WHERE task_id = ?1", -1,
                                        &select, NULL),
                     SQLITE_OK);
    cleat__uuid id;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(run.text), &id), CLEAT_OK);
    sqlite3_bind_blob(select, 1, id.bytes, sizeof(id.bytes), SQLITE_STATIC);
    while (sqlite3_step(select) == SQLITE_ROW) {
        count_line(&count, sqlite3_column_int(select, 0), (const char *)sqlite3_column_text(select, 1));
    }
    sqlite3_finalize(select);
    cleat__store_close(store);
    return count;
}

static void a_log_line_belongs_to_its_attempt(void **state)
{
    service_world *it = *state;
    Cleat__PutLogRequest line = CLEAT__PUT_LOG_REQUEST__INIT;
    declare(it, (task_declaration){.name = "chatty", .retries = 1});
    rpc_stream *stream = stay_as(it, register_worker(it, "chatty", 1));
    id_text run = trigger(it, "chatty", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    send_event(it, action, FAILED_, "no", false);
    cleat__message_free(action);
    action = next_action(stream);
    line.task_run_external_id = run.text;
    line.message = text_("hello");
    cleat__message_free(ask(it, "/EventsService/PutLog", &line.base, &cleat__put_log_response__descriptor));
    line.has_task_retry_count_case = CLEAT__PUT_LOG_REQUEST__HAS_TASK_RETRY_COUNT_TASK_RETRY_COUNT;
    line.task_retry_count = 1;
    cleat__message_free(ask(it, "/EventsService/PutLog", &line.base, &cleat__put_log_response__descriptor));
    send_event(it, action, COMPLETED, "{}", false);
    line.has_task_retry_count_case = CLEAT__PUT_LOG_REQUEST__HAS_TASK_RETRY_COUNT__NOT_SET;
    cleat__message_free(ask(it, "/EventsService/PutLog", &line.base, &cleat__put_log_response__descriptor));
    assert_int_equal(lines_of(it, run), 3);
    line.message = text_("");
    refused(it, "/EventsService/PutLog", &line.base, GRPC_STATUS_INVALID_ARGUMENT, "empty");
    cleat__message_free(action);
    stop_listening(stream);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(the_version_is_one_that_clients_take),
        TEST(garbage_is_refused),
        TEST(the_same_declaration_is_the_same_version),
        TEST(wrong_declarations_are_refused),
        TEST(unknown_workflows_are_named),
        TEST(many_unknown_workflows_are_named_once_and_not_all),
        TEST(too_many_runs_at_once_are_refused),
        TEST(many_runs_start_in_their_order),
        TEST(wrong_triggers_are_refused),
        TEST(a_run_starts_without_the_fields_of_children),
        TEST(a_worker_has_slots_in_one_form),
        TEST(labels_choose_the_worker),
        TEST(a_log_line_belongs_to_its_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
