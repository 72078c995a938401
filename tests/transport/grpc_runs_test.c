/* The transport over gRPC: connecting, declaring, starting, cancelling, spans; what is tried again. */
#include "transport/grpc_test.h"

#include "support/one_task.h"
#include "support/overheard.h"
#include "support/sanitizer.h"

#include "cleat/trace.h"

static cleat__trigger trigger_of(const char *input)
{
    return (cleat__trigger){
        .workflow = cleat_slice_of("A.b"), .input = cleat_slice_of(input), .child_index = -1};
}

static const cleat__policy policy = {
    .retries = 2,
    .priority = 3,
    .backoff_initial_ms = 250,
    .backoff_factor = 2,
    .backoff_max_ms = 1500,
    .execution_timeout_ms = 90000,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

static cleat__workflow workflow_of(cleat__policy of)
{
    return one_task(
        cleat_slice_of("a.b"),
        (cleat__workflow_task){.name = cleat_slice_of("b"), .action = cleat_slice_of("a:b"), .policy = of});
}

/* ---- Connecting ---- */

static void test_the_version_is_asked_first(void **state)
{
    fixture *it = *state;
    assert_int_equal(mock_count(&it->engine, MOCK_VERSION), 1);
    mock_fail(&it->engine, MOCK_VERSION, CLEAT_UNSUPPORTED, NULL, 1); /* of an old server */
    reopen(it, mock_settings(&it->engine));
    assert_int_equal(mock_count(&it->engine, MOCK_VERSION), 2);
}

static void assert_warns(fixture *it, const char *version, const char *part)
{
    overheard log;
    it->engine.version = version;
    overhear(&log, "");
    reopen(it, mock_settings(&it->engine));
    (void)overheard_end(&log);
    if (part == NULL ? log.text[0] != '\0' : strstr(log.text, part) == NULL) {
        fail_msg("of %s it says \"%s\"", version, log.text);
    }
}

static void test_versions(void **state)
{
    fixture *it = *state;
    assert_warns(it, "v0.80.0", NULL);
    assert_warns(it, "v0.83.0-cleat.0.1.0", NULL);
    assert_warns(it, "v0.79.9", "older than v0.80.0");
    assert_warns(it, "v1.0.0", "newer than this client");
    assert_warns(it, "latest", "\"latest\"");
}

static void test_a_wrong_token(void **state)
{
    fixture *it = *state;
    cleat__transport *other = NULL;
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.token[strlen(settings.token) - 1] ^= 1;
    assert_refused(cleat__transport_grpc_new(&settings, &other), CLEAT_UNAUTHENTICATED,
                   "does not accept the token");
    assert_null(other);
    assert_int_equal(mock_count(&it->engine, MOCK_VERSION), 1);
}

static void test_no_server(void **state)
{
    fixture *it = *state;
    cleat__transport *other = NULL;
    cleat__remote_settings settings = mock_settings(&it->engine);
    char address[64];
    snprintf(address, sizeof(address), "%s", settings.address);
    it->transport->free(it->transport);
    it->transport = NULL;
    cleat__rpc_server_stop(it->engine.server, 0);
    settings.connect_timeout_ms = 50;
    assert_refused(cleat__transport_grpc_new(&settings, &other), CLEAT_UNAVAILABLE, address);
    assert_null(other);
}

/* One that is there and says nothing is not waited for any longer. */
static void test_a_server_that_says_nothing(void **state)
{
    enum { CALL_MS = UNDER_THREAD_SANITIZER ? 3000 : 500 };
    fixture *it = *state;
    cleat__transport *other = NULL;
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.connect_timeout_ms = -1;
    settings.greeting_ms = 3 * CALL_MS;
    settings.call_timeout_ms = CALL_MS;
    int versions = mock_count(&it->engine, MOCK_VERSION);
    mock_be_silent(&it->engine, MOCK_VERSION, true);
    assert_refused(cleat__transport_grpc_new(&settings, &other), CLEAT_TIMEOUT, "does not answer in time");
    int asked = mock_count(&it->engine, MOCK_VERSION) - versions;
    assert_true(asked >= 1 && asked <= 3); /* in the time there is, and not 8 times */
}

typedef struct late {
    cleat__remote_settings settings;
    cleat__transport *transport;
    cleat_status status;
} late;

static void *open_late(void *argument)
{
    late *it = argument;
    it->status = cleat__transport_grpc_new(&it->settings, &it->transport);
    return NULL;
}

/* It is waited for, and that is said once, where nobody has asked for more than warnings. */
static void test_a_server_that_comes_late(void **state)
{
    fixture *it = *state;
    late client = {.settings = mock_settings(&it->engine)};
    char address[64];
    pthread_t thread;
    overheard log;
    snprintf(address, sizeof(address), "%s", client.settings.address);
    it->transport->free(it->transport);
    it->transport = NULL;
    mock_stop(&it->engine);
    overhear(&log, "cannot reach the server at");
    assert_int_equal(pthread_create(&thread, NULL, open_late, &client), 0);
    gate_wait(&log.lines, 1);
    mock_start(&it->engine, (mock_options){.address = address});
    pthread_join(thread, NULL);
    assert_int_equal(overheard_end(&log), 1);
    assert_int_equal(client.status, CLEAT_OK);
    it->transport = client.transport;
}

/* ---- Declaring ---- */

static void test_put_workflow(void **state)
{
    fixture *it = *state;
    cleat__workflow workflow = workflow_of(policy);
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    Cleat__V1__CreateWorkflowVersionRequest *said = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 0);
    assert_string_equal(said->name, "a.b");
    assert_int_equal(said->default_priority, 3);
    assert_int_equal(said->n_tasks, 1);
    const Cleat__V1__CreateTaskOpts *task = said->tasks[0];
    assert_string_equal(task->readable_id, "b");
    assert_string_equal(task->action, "a:b");
    assert_string_equal(task->timeout, "1m30s");
    assert_string_equal(task->schedule_timeout, "87600h0m0s");
    assert_string_equal(task->inputs, "{}");
    assert_int_equal(task->retries, 2);
    assert_true(task->backoff_factor == 2);
    assert_int_equal(task->backoff_max_seconds, 2);
    assert_int_equal(task->backoff_initial_ms, 250);
    assert_int_equal(task->backoff_max_ms, 1500);
    assert_int_equal(task->n_slot_requests, 1);
    assert_string_equal(task->slot_requests[0]->key, "default");
    assert_int_equal(task->slot_requests[0]->value, 1);
    cleat__message_free(said);
}

static void test_all_that_a_workflow_may_say(void **state)
{
    fixture *it = *state;
    static const cleat_slice events[] = {{"Order:sent", 10}};
    static const cleat__slots slots[] = {{{"gpu", 3}, 2}, {{"default", 7}, 1}};
    static const cleat__desired_label labels[] = {
        {.key = {"model", 5}, .value = {.text = {"a100", 4}}, .weight = 7, .is_required = true},
        {.key = {"memory", 6},
         .value = {.is_number = true, .number = 64},
         .comparator = CLEAT__COMPARATOR_GREATER_THAN,
         .weight = 100},
    };
    cleat__workflow workflow = workflow_of(policy);
    workflow.event_keys = events;
    workflow.event_key_count = 1;
    workflow.sticky = CLEAT__STICKY_HARD;
    task_of(&workflow)->slots = slots;
    task_of(&workflow)->slot_count = 2;
    task_of(&workflow)->labels = labels;
    task_of(&workflow)->label_count = 2;
    task_of(&workflow)->is_durable = true;
    workflow.input_json_schema = cleat_slice_of("{}");
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    Cleat__V1__CreateWorkflowVersionRequest *said = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 0);
    assert_int_equal(said->n_event_triggers, 1);
    assert_string_equal(said->event_triggers[0], "Order:sent");
    assert_int_equal(said->sticky, CLEAT__V1__STICKY_STRATEGY__HARD);
    assert_int_equal(said->input_json_schema.len, 2);
    const Cleat__V1__CreateTaskOpts *task = said->tasks[0];
    assert_true(task->is_durable);
    assert_int_equal(task->n_slot_requests, 2);
    assert_string_equal(task->slot_requests[0]->key, "gpu");
    assert_int_equal(task->slot_requests[0]->value, 2);
    assert_int_equal(task->n_worker_labels, 2);
    assert_string_equal(task->worker_labels[0]->key, "model");
    assert_string_equal(task->worker_labels[0]->value->str_value, "a100");
    assert_true(task->worker_labels[0]->value->required);
    assert_int_equal(task->worker_labels[0]->value->weight, 7);
    assert_int_equal(task->worker_labels[1]->value->int_value, 64);
    assert_int_equal(task->worker_labels[1]->value->comparator, CLEAT__COMPARATOR_GREATER_THAN);
    cleat__message_free(said);
}

static void test_limits_of_a_workflow(void **state)
{
    fixture *it = *state;
    cleat__workflow workflow = workflow_of(policy);
    const cleat__concurrency rule = {.expression = cleat_slice_of("input.a"),
                                     .max_runs = 3,
                                     .strategy = CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST};
    workflow.concurrency = task_of(&workflow)->concurrency = &rule;
    workflow.concurrency_count = task_of(&workflow)->concurrency_count = 1;
    const cleat__rate_use uses[] = {
        {.key = cleat_slice_of("calls"), .units = 2, .window_ms = 60000},
        {.key_expression = cleat_slice_of("input.a"),
         .units = 1,
         .units_expression = cleat_slice_of("3"),
         .limit_expression = cleat_slice_of("9"),
         .window_ms = 1000},
    };
    task_of(&workflow)->rate_limits = uses;
    task_of(&workflow)->rate_limit_count = 2;
    const cleat__batch_config batch = {
        .max_size = 7, .interval_ms = 250, .group_key = cleat_slice_of("input.a"), .group_max_runs = 4};
    task_of(&workflow)->batch = &batch;
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    Cleat__V1__CreateWorkflowVersionRequest *said = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 0);
    const Cleat__V1__CreateTaskOpts *task = said->tasks[0];
    assert_int_equal(task->n_rate_limits, 2);
    assert_string_equal(task->rate_limits[0]->key, "calls");
    assert_int_equal(task->rate_limits[0]->units, 2);
    assert_int_equal(task->rate_limits[0]->duration, CLEAT__V1__RATE_LIMIT_DURATION__MINUTE);
    assert_true(task->rate_limits[0]->has_key_expr_case == 0);
    assert_string_equal(task->rate_limits[1]->key_expr, "input.a");
    assert_string_equal(task->rate_limits[1]->units_expr, "3");
    assert_string_equal(task->rate_limits[1]->limit_values_expr, "9");
    assert_int_equal(task->rate_limits[1]->duration, CLEAT__V1__RATE_LIMIT_DURATION__SECOND);
    assert_int_equal(task->batch->batch_max_size, 7);
    assert_int_equal(task->batch->batch_max_interval_ms, 250);
    assert_string_equal(task->batch->batch_group_key, "input.a");
    assert_int_equal(task->batch->batch_group_max_runs, 4);
    assert_int_equal(said->n_concurrency_arr, 1);
    assert_int_equal(task->n_concurrency, 1);
    assert_string_equal(task->concurrency[0]->expression, "input.a");
    assert_int_equal(task->concurrency[0]->max_runs, 3);
    assert_int_equal(task->concurrency[0]->limit_strategy, 5);
    cleat__message_free(said);
}

static void test_back_off_that_all_engines_know(void **state)
{
    fixture *it = *state;
    cleat__policy other = policy;
    other.backoff_initial_ms = other.backoff_max_ms = 2000;
    cleat__workflow workflow = workflow_of(other);
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    other.backoff_initial_ms = 0;
    workflow = workflow_of(other);
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    Cleat__V1__CreateWorkflowVersionRequest *said = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 0);
    assert_true(said->tasks[0]->has_backoff_factor_case != 0);
    assert_true(said->tasks[0]->has_backoff_initial_ms_case == 0);
    assert_true(said->tasks[0]->has_backoff_max_ms_case == 0);
    cleat__message_free(said);
    said = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 1);
    assert_true(said->tasks[0]->has_backoff_factor_case == 0);
    assert_true(said->tasks[0]->has_backoff_initial_ms_case == 0);
    cleat__message_free(said);
}

/* ---- What is tried again ---- */

static void test_idempotent_calls_are_tried_again(void **state)
{
    fixture *it = *state;
    cleat__workflow workflow = workflow_of(policy);
    mock_fail(&it->engine, MOCK_PUT_WORKFLOW, CLEAT_UNAVAILABLE, "soon", 7);
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    assert_int_equal(mock_count(&it->engine, MOCK_PUT_WORKFLOW), 8);
    mock_fail(&it->engine, MOCK_PUT_WORKFLOW, CLEAT_RESOURCE_EXHAUSTED, "slower", 8);
    assert_refused(it->transport->put_workflow(it->transport, &workflow), CLEAT_RESOURCE_EXHAUSTED, "slower");
    assert_int_equal(mock_count(&it->engine, MOCK_PUT_WORKFLOW), 16);
}

static void test_what_is_wrong_is_not_tried_again(void **state)
{
    fixture *it = *state;
    static const cleat_status failures[] = {CLEAT_INVALID_ARGUMENT, CLEAT_NOT_FOUND,
                                            CLEAT_FAILED_PRECONDITION, CLEAT_UNAUTHENTICATED,
                                            CLEAT_UNSUPPORTED};
    cleat__workflow workflow = workflow_of(policy);
    for (int i = 0; i < (int)(sizeof(failures) / sizeof(failures[0])); i++) {
        mock_fail(&it->engine, MOCK_PUT_WORKFLOW, failures[i], "because", -1);
        assert_refused(it->transport->put_workflow(it->transport, &workflow), failures[i], "because");
        assert_int_equal(mock_count(&it->engine, MOCK_PUT_WORKFLOW), i + 1);
    }
}

static void test_a_server_that_does_not_answer(void **state)
{
    fixture *it = *state;
    cleat__workflow workflow = workflow_of(policy);
    open_impatient(it, (impatience){.call_ms = 700, .tries = 2});
    mock_be_silent(&it->engine, MOCK_PUT_WORKFLOW, true);
    assert_refused(it->transport->put_workflow(it->transport, &workflow), CLEAT_TIMEOUT,
                   "does not answer in time");
}

static void *put_in_vain(void *self)
{
    cleat__transport *transport = self;
    cleat__workflow workflow = workflow_of(policy);
    return (void *)(intptr_t)transport->put_workflow(transport, &workflow);
}

/* Whoever frees the client waits for who is in it. */
static void test_a_call_when_the_client_is_freed(void **state)
{
    enum { CALLERS = 8 };
    fixture *it = *state;
    pthread_t callers[CALLERS];
    mock_be_silent(&it->engine, MOCK_PUT_WORKFLOW, true);
    for (int i = 0; i < CALLERS; i++) {
        assert_ok(cleat__thread_start(&callers[i], "caller", put_in_vain, it->transport));
    }
    mock_wait(&it->engine, MOCK_PUT_WORKFLOW, CALLERS);
    it->transport->free(it->transport);
    it->transport = NULL;
    for (int i = 0; i < CALLERS; i++) {
        void *status = NULL;
        assert_int_equal(pthread_join(callers[i], &status), 0);
        assert_int_equal((intptr_t)status, CLEAT_UNAVAILABLE);
    }
}

typedef struct leaving {
    cleat__link *link;
    gate calls, freed; /* a call is between two tries; the link is gone */
    bool was_early;
} leaving;

static void on_unreachable(void *user_data, cleat_log_level level, const char *message)
{
    leaving *it = user_data;
    if (level == CLEAT_LOG_WARN && strstr(message, "cannot reach") != NULL) {
        gate_add(&it->calls);
        it->was_early = gate_try(&it->freed, 1, 100);
    }
}

static void *call_nobody(void *self)
{
    static const cleat__method method = {"/Dispatcher/GetVersion", NULL, true, NULL};
    leaving *it = self;
    cleat__buffer reply = {0};
    return (void *)(intptr_t)cleat__link_call_bytes(it->link, &method, (cleat_slice){"", 0}, INT64_MAX,
                                                    &reply);
}

/* Also for one that is between two tries, where it holds nothing. */
static void test_a_call_that_waits_when_the_client_is_freed(void **state)
{
    fixture *it = *state;
    leaving of = {.was_early = false};
    cleat__remote_settings settings = mock_settings(&it->engine);
    pthread_t caller;
    void *status = NULL;
    cleat__free(settings.address);
    settings.address = cleat__strdup("127.0.0.1:1");
    settings.connect_timeout_ms = 300000;
    gate_init(&of.calls);
    gate_init(&of.freed);
    assert_ok(cleat__link_new(&settings, &of.link));
    cleat_log_set_handler(on_unreachable, &of, CLEAT_LOG_WARN);
    assert_ok(cleat__thread_start(&caller, "caller", call_nobody, &of));
    gate_wait(&of.calls, 1);
    cleat__link_close(of.link);
    cleat__link_stop(of.link);
    gate_add(&of.freed);
    assert_int_equal(pthread_join(caller, &status), 0);
    assert_false(of.was_early);
    assert_int_equal((intptr_t)status, CLEAT_UNAVAILABLE);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    cleat__link_free(of.link);
    gate_deinit(&of.calls);
    gate_deinit(&of.freed);
}

/* A trigger that the server may have taken is not sent twice. */
static void test_triggers_are_not_doubled(void **state)
{
    fixture *it = *state;
    cleat__trigger trigger = trigger_of("{}");
    cleat__uuid id;
    mock_fail(&it->engine, MOCK_TRIGGER, CLEAT_UNAVAILABLE, "going down", 1);
    assert_refused(it->transport->trigger(it->transport, &trigger, 1, &id), CLEAT_UNAVAILABLE, "going down");
    assert_int_equal(mock_count(&it->engine, MOCK_TRIGGER), 1);
    mock_fail(&it->engine, MOCK_TRIGGER, CLEAT_RESOURCE_EXHAUSTED, "slower", 1); /* it has said no */
    assert_ok(it->transport->trigger(it->transport, &trigger, 1, &id));
    assert_int_equal(mock_count(&it->engine, MOCK_TRIGGER), 3);
    trigger.is_child = true; /* started once however often it is asked for */
    trigger.child_index = 0;
    mock_fail(&it->engine, MOCK_TRIGGER, CLEAT_UNAVAILABLE, "going down", 1);
    assert_ok(it->transport->trigger(it->transport, &trigger, 1, &id));
    assert_int_equal(mock_count(&it->engine, MOCK_TRIGGER), 5);
}

/* ---- Starting ---- */

static void test_trigger(void **state)
{
    fixture *it = *state;
    cleat__trigger trigger = trigger_of("{\"n\":1}");
    cleat__uuid id, expected = uuid_of(MOCK_RUN_ID);
    trigger.metadata = cleat_slice_of("{\"k\":2}");
    trigger.priority = 2;
    assert_ok(it->transport->trigger(it->transport, &trigger, 1, &id));
    assert_true(cleat__uuid_equals(&id, &expected));
    Cleat__V1__TriggerWorkflowRequest *said = mock_message(&it->engine, MOCK_TRIGGER, 0);
    assert_string_equal(said->name, "a.b");
    assert_string_equal(said->input, "{\"n\":1}");
    assert_string_equal(said->additional_metadata, "{\"k\":2}");
    assert_int_equal(said->priority, 2);
    assert_true(said->has_parent_id_case == 0);
    cleat__message_free(said);
}

static void test_unknown_workflow(void **state)
{
    fixture *it = *state;
    cleat__trigger trigger = trigger_of("{}");
    cleat__uuid id;
    mock_fail(&it->engine, MOCK_TRIGGER, CLEAT_INVALID_ARGUMENT, "workflow names not found: a.b", 1);
    assert_refused(it->transport->trigger(it->transport, &trigger, 1, &id), CLEAT_NOT_FOUND, "a.b");
}

/* All or none, so it is one message, or none. */
static void test_many(void **state)
{
    enum { COUNT = 1201 };
    fixture *it = *state;
    cleat__trigger *triggers = calloc(COUNT, sizeof(*triggers));
    cleat__uuid *ids = calloc(COUNT, sizeof(*ids)), expected = uuid_of(MOCK_RUN_ID);
    for (size_t i = 0; i < COUNT; i++) {
        triggers[i] = trigger_of("{}");
    }
    assert_ok(it->transport->trigger(it->transport, triggers, COUNT, ids));
    assert_int_equal(mock_count(&it->engine, MOCK_BULK), 1);
    Cleat__BulkTriggerWorkflowRequest *said = mock_message(&it->engine, MOCK_BULK, 0);
    assert_int_equal(said->n_workflows, COUNT);
    cleat__message_free(said);
    assert_true(cleat__uuid_equals(&ids[COUNT - 1], &expected));
    mock_fail(&it->engine, MOCK_BULK, CLEAT_INVALID_ARGUMENT, "workflow names not found: x", 1);
    assert_refused(it->transport->trigger(it->transport, triggers, 2, ids), CLEAT_NOT_FOUND,
                   "there is no task \"x\": no worker has declared it");
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.max_send_size = 10000;
    reopen(it, settings);
    assert_refused(it->transport->trigger(it->transport, triggers, COUNT, ids), CLEAT_TOO_LARGE, "10000");
    assert_int_equal(mock_count(&it->engine, MOCK_BULK), 2);
    free(triggers);
    free(ids);
}

static void test_namespace(void **state)
{
    fixture *it = *state;
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__trigger trigger = trigger_of("{}");
    cleat__workflow workflow = workflow_of(policy);
    cleat__uuid id;
    cleat__free(settings.prefix);
    settings.prefix = cleat__strdup("acme_");
    reopen(it, settings);
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    assert_ok(it->transport->trigger(it->transport, &trigger, 1, &id));
    Cleat__V1__CreateWorkflowVersionRequest *put = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 0);
    assert_string_equal(put->name, "acme_a.b");
    assert_string_equal(put->tasks[0]->action, "acme_a:b");
    assert_string_equal(put->tasks[0]->readable_id, "b");
    cleat__message_free(put);
    Cleat__V1__TriggerWorkflowRequest *said = mock_message(&it->engine, MOCK_TRIGGER, 0);
    assert_string_equal(said->name, "acme_a.b");
    cleat__message_free(said);
}

/* ---- Cancelling ---- */

static void test_cancel(void **state)
{
    fixture *it = *state;
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    it->engine.lists_cancelled = true;
    assert_ok(it->transport->cancel(it->transport, &id));
    Cleat__V1__CancelTasksRequest *said = mock_message(&it->engine, MOCK_CANCEL, 0);
    assert_int_equal(said->n_external_ids, 1);
    assert_string_equal(said->external_ids[0], MOCK_RUN_ID);
    cleat__message_free(said);
    it->engine.is_run_done = true;
    assert_refused(it->transport->cancel(it->transport, &id), CLEAT_FAILED_PRECONDITION, MOCK_RUN_ID);
    it->engine.is_run_done = false;
    /* What the server lists is there, also when it is not to be seen yet. */
    mock_fail(&it->engine, MOCK_DETAILS, CLEAT_NOT_FOUND, "no", -1);
    assert_ok(it->transport->cancel(it->transport, &id));
    it->engine.lists_cancelled = false;
    assert_refused(it->transport->cancel(it->transport, &id), CLEAT_NOT_FOUND, MOCK_RUN_ID);
}

/* The server takes it well when a run ends by itself just before it is to be cancelled. */
static void test_ended_before_it_is_cancelled(void **state)
{
    fixture *it = *state;
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    it->engine.lists_cancelled = true;
    it->engine.ends_as = CLEAT__V1__RUN_STATUS__COMPLETED;
    assert_refused(it->transport->cancel(it->transport, &id), CLEAT_EMPTY, "has ended before");
    assert_int_equal(mock_count(&it->engine, MOCK_CANCEL), 1);
    it->engine.is_run_done = false;
    it->engine.ends_as = CLEAT__V1__RUN_STATUS__CANCELLED;
    assert_ok(it->transport->cancel(it->transport, &id));
}

/* What a run took and gave may be more than is asked for at once: whether it has ended is not known then. */
static void test_large_runs(void **state)
{
    static const struct {
        cleat_status status;
        const char *text;
    } answers[] = {{CLEAT_RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 8)"},
                   {CLEAT_TOO_LARGE, "it is too large"}};
    fixture *it = *state;
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    for (int i = 0; i < 2; i++) {
        mock_fail(&it->engine, MOCK_DETAILS, answers[i].status, answers[i].text, -1);
        it->engine.lists_cancelled = true;
        assert_ok(it->transport->cancel(it->transport, &id));
        it->engine.lists_cancelled = false;
        assert_refused(it->transport->cancel(it->transport, &id), CLEAT_FAILED_PRECONDITION,
                       "has ended already");
        assert_refused(it->transport->replay(it->transport, &id), CLEAT_FAILED_PRECONDITION, "not replayed");
        assert_int_equal(mock_count(&it->engine, MOCK_REPLAY), i + 1);
    }
}

/* ---- Spans ---- */

typedef struct forwarder {
    cleat_span_exporter base; /* first */
    cleat__transport *transport;
    cleat_status status;
} forwarder;

static cleat_status forward(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    forwarder *it = (forwarder *)self;
    it->status = it->transport->export_spans(it->transport, batch, timeout_ms);
    return it->status;
}

static bool has_text(cleat_slice bytes, const char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i + size <= bytes.size; i++) {
        if (memcmp(bytes.data + i, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static void *end_a_span(void *tracer)
{
    (void)cleat_span_end(cleat_span_start(tracer, "loading", NULL));
    return NULL;
}

static void test_spans(void **state)
{
    fixture *it = *state;
    forwarder exporter = {.base = {.export_spans = forward}, .transport = it->transport};
    cleat_span_processor *processor = NULL;
    pthread_t thread;
    cleat_tracer_provider *provider = NULL;
    assert_ok(cleat_simple_processor_new(&exporter.base, &processor));
    assert_ok(cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_always_on()),
                                        &provider));
    assert_ok(cleat_tracer_provider_add_processor(provider, processor));
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "test", NULL);
    (void)end_a_span(tracer);
    assert_int_equal(exporter.status, CLEAT_OK);
    assert_int_equal(mock_count(&it->engine, MOCK_EXPORT), 1);
    cleat_slice bytes = cleat__buffer_slice(&it->engine.slots[MOCK_EXPORT].messages[0]);
    assert_true(has_text(bytes, "loading"));
    /* As long as the client wants none, also what is under way ends. */
    mock_be_silent(&it->engine, MOCK_EXPORT, true);
    assert_int_equal(pthread_create(&thread, NULL, end_a_span, tracer), 0);
    mock_wait(&it->engine, MOCK_EXPORT, 2);
    it->transport->refuse_spans(it->transport, true);
    pthread_join(thread, NULL);
    assert_int_equal(exporter.status, CLEAT_UNAVAILABLE);
    (void)end_a_span(tracer);
    assert_int_equal(exporter.status, CLEAT_UNAVAILABLE);
    it->transport->refuse_spans(it->transport, false);
    /* A server without a collector is left alone, which is nobody's failure. */
    mock_fail(&it->engine, MOCK_EXPORT, CLEAT_UNSUPPORTED, NULL, -1);
    (void)end_a_span(tracer);
    assert_int_equal(exporter.status, CLEAT_OK);
    (void)end_a_span(tracer);
    assert_int_equal(exporter.status, CLEAT_OK);
    assert_int_equal(mock_count(&it->engine, MOCK_EXPORT), 3);
    cleat_tracer_provider_free(provider);
}

static void test_two_clients(void **state)
{
    fixture *it = *state;
    cleat__transport *other = NULL;
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__trigger trigger = trigger_of("{}");
    cleat__uuid id;
    assert_ok(cleat__transport_grpc_new(&settings, &other));
    assert_ok(other->trigger(other, &trigger, 1, &id));
    other->free(other);
    assert_ok(it->transport->trigger(it->transport, &trigger, 1, &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_version_is_asked_first),
        TEST(test_versions),
        TEST(test_a_wrong_token),
        TEST(test_no_server),
        TEST(test_a_server_that_says_nothing),
        TEST(test_a_server_that_comes_late),
        TEST(test_put_workflow),
        TEST(test_all_that_a_workflow_may_say),
        TEST(test_limits_of_a_workflow),
        TEST(test_back_off_that_all_engines_know),
        TEST(test_idempotent_calls_are_tried_again),
        TEST(test_what_is_wrong_is_not_tried_again),
        TEST(test_a_server_that_does_not_answer),
        TEST(test_a_call_when_the_client_is_freed),
        TEST(test_a_call_that_waits_when_the_client_is_freed),
        TEST(test_triggers_are_not_doubled),
        TEST(test_trigger),
        TEST(test_unknown_workflow),
        TEST(test_many),
        TEST(test_namespace),
        TEST(test_cancel),
        TEST(test_ended_before_it_is_cancelled),
        TEST(test_large_runs),
        TEST(test_spans),
        TEST(test_two_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
