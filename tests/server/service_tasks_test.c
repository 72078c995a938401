/* Many runs at once, by their ids or by a filter: cancelled, and replayed. */
#include "server/service_test.h"

#include "store/store.h"

#define CANCEL "/v1.AdminService/CancelTasks"
#define REPLAY "/v1.AdminService/ReplayTasks"

typedef struct wanted {
    const char *status;   /* NULL: any */
    const char *workflow; /* the id; NULL: any */
    const char *metadata; /* NULL: any */
} wanted;

/* A filter of everything since the epoch, and less. */
typedef struct filter {
    Cleat__V1__TasksFilter message;
    Cleat__Google__Protobuf__Timestamp since, until;
    char *statuses[1], *workflows[1], *metadata[2];
} filter;

static void filter_init(filter *it, wanted what)
{
    cleat__v1__tasks_filter__init(&it->message);
    cleat__google__protobuf__timestamp__init(&it->since);
    cleat__google__protobuf__timestamp__init(&it->until);
    it->message.since = &it->since;
    it->statuses[0] = text_(what.status);
    it->message.statuses = it->statuses;
    it->message.n_statuses = what.status != NULL;
    it->workflows[0] = text_(what.workflow);
    it->message.workflow_ids = it->workflows;
    it->message.n_workflow_ids = what.workflow != NULL;
    it->metadata[0] = text_("no:match");
    it->metadata[1] = text_(what.metadata);
    it->message.additional_metadata = it->metadata;
    it->message.n_additional_metadata = what.metadata != NULL ? 2 : 0;
}

static Cleat__V1__CancelTasksResponse *cancel_by(service_world *it, wanted what)
{
    filter by;
    Cleat__V1__CancelTasksRequest request = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    filter_init(&by, what);
    request.filter = &by.message;
    return ask(it, CANCEL, &request.base, &cleat__v1__cancel_tasks_response__descriptor);
}

static size_t cancelled_by(service_world *it, wanted what)
{
    Cleat__V1__CancelTasksResponse *reply = cancel_by(it, what);
    size_t count = reply->n_cancelled_tasks;
    cleat__message_free(reply);
    return count;
}

static Cleat__V1__ReplayTasksResponse *replay_by(service_world *it, wanted what)
{
    filter by;
    Cleat__V1__ReplayTasksRequest request = CLEAT__V1__REPLAY_TASKS_REQUEST__INIT;
    filter_init(&by, what);
    request.filter = &by.message;
    return ask(it, REPLAY, &request.base, &cleat__v1__replay_tasks_response__descriptor);
}

static id_text trigger_with(service_world *it, const char *workflow, const char *metadata)
{
    Cleat__V1__TriggerWorkflowRunRequest request = CLEAT__V1__TRIGGER_WORKFLOW_RUN_REQUEST__INIT;
    id_text id;
    request.workflow_name = text_(workflow);
    request.input = (ProtobufCBinaryData){2, (uint8_t *)text_("{}")};
    request.additional_metadata = (ProtobufCBinaryData){strlen(metadata), (uint8_t *)text_(metadata)};
    Cleat__V1__TriggerWorkflowRunResponse *reply =
        ask(it, "/v1.AdminService/TriggerWorkflowRun", &request.base,
            &cleat__v1__trigger_workflow_run_response__descriptor);
    snprintf(id.text, sizeof(id.text), "%s", reply->external_id);
    cleat__message_free(reply);
    return id;
}

/* Of a workflow that is declared as declare() does. */
static id_text workflow_id(service_world *it, const char *name)
{
    Cleat__ScheduleWorkflowRequest request = CLEAT__SCHEDULE_WORKFLOW_REQUEST__INIT;
    Cleat__Google__Protobuf__Timestamp at = CLEAT__GOOGLE__PROTOBUF__TIMESTAMP__INIT, *times[] = {&at};
    id_text id;
    at.seconds = 4000000000;
    request.name = text_(name);
    request.input = text_("{}");
    request.schedules = times;
    request.n_schedules = 1;
    Cleat__WorkflowVersion *reply =
        ask(it, "/WorkflowService/ScheduleWorkflow", &request.base, &cleat__workflow_version__descriptor);
    snprintf(id.text, sizeof(id.text), "%s", reply->workflow_id);
    cleat__message_free(reply);
    return id;
}

/* ---- Tests ---- */

static void a_filter_chooses_what_is_cancelled(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "red"});
    declare(it, (task_declaration){.name = "blue"});
    id_text red = trigger_with(it, "red", "{\"k\":\"1\"}"), blue = trigger_with(it, "blue", "{\"k\":\"2\"}"),
            last = trigger_with(it, "blue", "{}");
    id_text id = workflow_id(it, "red");
    assert_int_equal(cancelled_by(it, (wanted){.status = "COMPLETED"}), 0);
    Cleat__V1__CancelTasksResponse *reply = cancel_by(it, (wanted){.workflow = id.text});
    assert_int_equal(reply->n_cancelled_tasks, 1);
    assert_string_equal(reply->cancelled_tasks[0], red.text);
    cleat__message_free(reply);
    assert_status(it, red, CLEAT__V1__RUN_STATUS__CANCELLED);
    assert_status(it, blue, CLEAT__V1__RUN_STATUS__QUEUED);
    reply = cancel_by(it, (wanted){.status = "QUEUED", .metadata = "k:2"});
    assert_int_equal(reply->n_cancelled_tasks, 1);
    assert_string_equal(reply->cancelled_tasks[0], blue.text);
    cleat__message_free(reply);
    assert_status(it, last, CLEAT__V1__RUN_STATUS__QUEUED);
    assert_int_equal(cancelled_by(it, (wanted){0}), 3); /* those that have ended are accepted */
    assert_status(it, last, CLEAT__V1__RUN_STATUS__CANCELLED);
}

/* More than are looked at in one go. */
static void a_filter_finds_all_of_many(void **state)
{
    enum { RUNS = 1203 };
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest one = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT, *all[RUNS];
    Cleat__BulkTriggerWorkflowRequest many = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    declare(it, (task_declaration){.name = "lots"});
    one.name = text_("lots");
    one.input = text_("{}");
    for (int i = 0; i < RUNS; i++) {
        all[i] = &one;
    }
    many.workflows = all;
    many.n_workflows = RUNS;
    cleat__message_free(ask(it, "/WorkflowService/BulkTriggerWorkflow", &many.base,
                            &cleat__bulk_trigger_workflow_response__descriptor));
    char *token = it->token;
    it->token = it->other_token;
    assert_int_equal(cancelled_by(it, (wanted){0}), 0); /* none of another tenant's */
    it->token = token;
    assert_int_equal(cancelled_by(it, (wanted){.status = "QUEUED"}), RUNS);
    assert_int_equal(cancelled_by(it, (wanted){.status = "QUEUED"}), 0);
    Cleat__V1__ReplayTasksResponse *reply = replay_by(it, (wanted){.status = "CANCELLED"});
    assert_int_equal(reply->n_replayed_tasks, 1000); /* as many as may be at once: the newest */
    cleat__message_free(reply);
    assert_int_equal(cancelled_by(it, (wanted){.status = "CANCELLED"}), RUNS - 1000);
}

static void a_run_is_replayed_by_its_id(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "again"});
    rpc_stream *worker = stay_as(it, register_worker(it, "again", 1));
    id_text run = trigger(it, "again", "{\"n\":1}");
    Cleat__AssignedAction *action = next_action(worker);
    Cleat__V1__ReplayTasksRequest request = CLEAT__V1__REPLAY_TASKS_REQUEST__INIT;
    char *ids[] = {run.text};
    request.external_ids = ids;
    request.n_external_ids = 1;
    /* It has not ended: accepted, and nothing happens. */
    Cleat__V1__ReplayTasksResponse *reply =
        ask(it, REPLAY, &request.base, &cleat__v1__replay_tasks_response__descriptor);
    assert_int_equal(reply->n_replayed_tasks, 1);
    cleat__message_free(reply);
    send_event(it, action, FAILED_, "no", true);
    cleat__message_free(action);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__FAILED);
    reply = ask(it, REPLAY, &request.base, &cleat__v1__replay_tasks_response__descriptor);
    assert_string_equal(reply->replayed_tasks[0], run.text);
    cleat__message_free(reply);
    action = next_action(worker);
    assert_string_equal(action->task_run_external_id, run.text);
    assert_int_equal(action->retry_count, 1);
    assert_non_null(strstr(action->action_payload, "{\"n\":1}"));
    send_event(it, action, COMPLETED, "{}", false);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__COMPLETED);
    cleat__message_free(action);
    stop_listening(worker);
}

/* As it is shown, and as it is over HTTP: nobody cancelled it. */
static void what_no_worker_took_has_failed(void **state)
{
    static const char sql[] = "UPDATE task_end SET error = 'no worker took it within 5m' WHERE state = 4";
    service_world *it = *state;
    cleat__store *store = NULL;
    declare(it, (task_declaration){.name = "late"});
    id_text run = trigger(it, "late", "{}");
    assert_int_equal(cancelled_by(it, (wanted){0}), 1);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__CANCELLED);
    assert_int_equal(cleat__store_open(it->dir.database, CLEAT__STORE_SHARE, &store), CLEAT_OK);
    assert_int_equal(sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL), SQLITE_OK);
    cleat__store_close(store);
    assert_int_equal(cancelled_by(it, (wanted){.status = "CANCELLED"}), 0);
    Cleat__V1__ReplayTasksResponse *reply = replay_by(it, (wanted){.status = "FAILED"});
    assert_int_equal(reply->n_replayed_tasks, 1);
    assert_string_equal(reply->replayed_tasks[0], run.text);
    cleat__message_free(reply);
}

static void wrong_filters_are_refused(void **state)
{
    static const struct {
        wanted what;
        const char *part;
    } cases[] = {
        {{.status = "LATE"}, "filter.statuses"},
        {{.workflow = "w"}, "filter.workflow_ids"},
        {{.metadata = "nothing"}, "filter.additional_metadata"},
    };
    service_world *it = *state;
    Cleat__V1__CancelTasksRequest request = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    filter by;
    request.filter = &by.message;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        filter_init(&by, cases[i].what);
        refused(it, CANCEL, &request.base, GRPC_STATUS_INVALID_ARGUMENT, cases[i].part);
    }
    filter_init(&by, (wanted){0});
    by.until.nanos = -1;
    by.message.until = &by.until;
    refused(it, CANCEL, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "filter.until");
    by.message.until = NULL;
    by.message.since = NULL;
    refused(it, CANCEL, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "filter.since");
    char *ids[] = {text_(NO_ID)};
    filter_init(&by, (wanted){0});
    request.external_ids = ids;
    request.n_external_ids = 1;
    refused(it, CANCEL, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "either");
}

static void there_is_a_limit_of_ids(void **state)
{
    service_world *it = *state;
    Cleat__V1__ReplayTasksRequest request = CLEAT__V1__REPLAY_TASKS_REQUEST__INIT;
    char *ids[1001];
    for (size_t i = 0; i < 1001; i++) {
        ids[i] = text_(NO_ID);
    }
    request.external_ids = ids;
    request.n_external_ids = 1001;
    refused(it, REPLAY, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "1 .. 1000");
    request.n_external_ids = 1000;
    Cleat__V1__ReplayTasksResponse *reply =
        ask(it, REPLAY, &request.base, &cleat__v1__replay_tasks_response__descriptor);
    assert_int_equal(reply->n_replayed_tasks, 0);
    cleat__message_free(reply);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_filter_chooses_what_is_cancelled), TEST(a_filter_finds_all_of_many),
        TEST(a_run_is_replayed_by_its_id),        TEST(what_no_worker_took_has_failed),
        TEST(wrong_filters_are_refused),          TEST(there_is_a_limit_of_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
