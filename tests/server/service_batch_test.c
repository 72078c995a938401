/* Batches over gRPC: one action with all members, and what is said of several of them together. */
#include "server/service_test.h"

#define CANCELLED CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_CANCELLED
#define REASON    "batch size threshold 2 reached"
#define MAX_ITEMS 8

/* "mail"; the answer is for the caller to deinit. */
static rpc_result declare_batches(service_world *it, Cleat__V1__TaskBatchConfig *batch)
{
    Cleat__V1__CreateWorkflowVersionRequest request = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__INIT;
    Cleat__V1__CreateTaskOpts task = CLEAT__V1__CREATE_TASK_OPTS__INIT, *tasks[] = {&task};
    request.name = text_("mail");
    task.readable_id = text_("mail");
    task.action = text_("mail:mail");
    task.timeout = text_("60s");
    task.batch = batch;
    request.tasks = tasks;
    request.n_tasks = 1;
    cleat__buffer bytes = packed(&request.base);
    rpc_result result = rpc_call(it->client, "/v1.AdminService/PutWorkflow", cleat__buffer_slice(&bytes),
                                 (rpc_call_options){.authorization = it->token});
    cleat__buffer_deinit(&bytes);
    return result;
}

/* "mail", two at a time of those with the same input.k. */
static void declare_pairs(service_world *it)
{
    Cleat__V1__TaskBatchConfig batch = CLEAT__V1__TASK_BATCH_CONFIG__INIT;
    batch.batch_max_size = 2;
    batch.has_batch_max_interval_ms_case =
        CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_MAX_INTERVAL_MS_BATCH_MAX_INTERVAL_MS;
    batch.batch_max_interval_ms = 3600000;
    batch.has_batch_group_key_case = CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_GROUP_KEY_BATCH_GROUP_KEY;
    batch.batch_group_key = text_("input.k");
    rpc_result result = declare_batches(it, &batch);
    assert_int_equal(result.code, GRPC_STATUS_OK);
    rpc_result_deinit(&result);
}

static void trigger_pair(service_world *it, id_text ids[2])
{
    ids[0] = trigger(it, "mail", "{\"k\":\"north\",\"n\":1}");
    ids[1] = trigger(it, "mail", "{\"k\":\"north\",\"n\":2}");
}

/* At a worker that has been told of them. */
static rpc_stream *begin_pair(service_world *it, id_text ids[2])
{
    declare_pairs(it);
    rpc_stream *stream = stay_as(it, register_worker(it, "mail", 1));
    trigger_pair(it, ids);
    cleat__message_free(next_action(stream));
    return stream;
}

/* What a worker says of all of these. */
typedef struct saying {
    Cleat__BatchActionEvent event;
    Cleat__BatchActionEventItem items[MAX_ITEMS], *all[MAX_ITEMS];
} saying;

static void say(saying *it, Cleat__StepActionEventType type)
{
    cleat__batch_action_event__init(&it->event);
    it->event.worker_id = text_("a name");
    it->event.action_id = text_("mail:mail");
    it->event.event_type = type;
    it->event.items = it->all;
}

static void say_of(saying *it, const char *id, const char *payload)
{
    Cleat__BatchActionEventItem *item = &it->items[it->event.n_items];
    cleat__batch_action_event_item__init(item);
    item->task_run_external_id = text_(id);
    item->event_payload = text_(payload);
    it->all[it->event.n_items++] = item;
}

static void send_as(service_world *it, const saying *what, const char *worker)
{
    Cleat__ActionEventResponse *reply = ask(it, "/Dispatcher/SendBatchActionEvent", &what->event.base,
                                            &cleat__action_event_response__descriptor);
    assert_string_equal(reply->tenant_id, it->tenant);
    assert_string_equal(reply->worker_id, worker);
    cleat__message_free(reply);
}

static void send(service_world *it, const saying *what)
{
    send_as(it, what, "a name");
}

/* In the order of the message. */
static void assert_members(const Cleat__AssignedAction *action, const id_text ids[2])
{
    char payload[1024];
    static const char member[] =
        "\"%s\":{\"workflow_run_id\":\"%s\",\"payload\":{\"input\":{\"k\":\"north\",\"n\":%d},"
        "\"triggered_by\":\"manual\",\"parents\":{},\"triggers\":{\"filter_payload\":null},"
        "\"user_data\":null,\"overrides\":null}}";
    payload[0] = '{';
    size_t size = 1;
    for (int i = 0; i < 2; i++) {
        size += (size_t)snprintf(payload + size, sizeof(payload) - size, i != 0 ? "," : "");
        size +=
            (size_t)snprintf(payload + size, sizeof(payload) - size, member, ids[i].text, ids[i].text, i + 1);
    }
    snprintf(payload + size, sizeof(payload) - size, "}");
    assert_string_equal(action->action_payload, payload);
}

static void a_worker_is_told_of_all_members_at_once(void **state)
{
    service_world *it = *state;
    id_text ids[2];
    declare_pairs(it);
    rpc_stream *stream = stay_as(it, register_worker(it, "mail", 1));
    trigger_pair(it, ids);
    Cleat__AssignedAction *action = next_action(stream);
    assert_int_equal(action->action_type, CLEAT__ACTION_TYPE__START_BATCH);
    assert_string_equal(action->tenant_id, it->tenant);
    assert_string_equal(action->action_id, "mail:mail");
    assert_string_equal(action->batchkey, "north");
    assert_int_equal(strlen(action->batchid), 36);
    assert_string_equal(action->batchstartpayload->triggerreason, REASON);
    assert_int_equal(action->batchstartpayload->expectedsize, 2);
    assert_non_null(action->batchstartpayload->triggertime);
    assert_members(action, ids);
    for (int i = 0; i < 2; i++) {
        assert_status(it, ids[i], CLEAT__V1__RUN_STATUS__RUNNING);
    }
    cleat__message_free(action);
    stop_listening(stream);
}

static void what_is_said_of_several_counts_of_each(void **state)
{
    service_world *it = *state;
    id_text ids[4];
    saying what;
    declare_pairs(it);
    rpc_stream *stream = stay_as(it, register_worker(it, "mail", 2));
    trigger_pair(it, ids);
    trigger_pair(it, ids + 2);
    for (int i = 0; i < 2; i++) {
        cleat__message_free(next_action(stream));
    }
    say(&what, STARTED);
    for (int i = 0; i < 4; i++) {
        say_of(&what, ids[i].text, "");
    }
    send(it, &what);
    say(&what, COMPLETED);
    say_of(&what, ids[0].text, "{\"sent\":1}");
    say_of(&what, ids[2].text, "{\"sent\":3}");
    send(it, &what);
    say(&what, FAILED_);
    say_of(&what, ids[1].text, "{\"message\":\"no\"}");
    send(it, &what);
    say(&what, CANCELLED);
    say_of(&what, ids[0].text, ""); /* which is too late */
    say_of(&what, ids[3].text, "");
    send(it, &what);
    static const Cleat__V1__RunStatus ends[] = {
        CLEAT__V1__RUN_STATUS__COMPLETED, CLEAT__V1__RUN_STATUS__FAILED, CLEAT__V1__RUN_STATUS__COMPLETED,
        CLEAT__V1__RUN_STATUS__CANCELLED};
    for (int i = 0; i < 4; i++) {
        assert_status(it, ids[i], ends[i]);
    }
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, ids[2]);
    assert_memory_equal(details->task_runs[0]->value->output.data, "{\"sent\":3}", 10);
    cleat__message_free(details);
    stop_listening(stream);
}

static void an_attempt_that_is_over_says_nothing(void **state)
{
    service_world *it = *state;
    id_text ids[2];
    saying what;
    rpc_stream *stream = begin_pair(it, ids);
    say(&what, COMPLETED);
    say_of(&what, ids[0].text, "1");
    what.items[0].has_retry_count_case = CLEAT__BATCH_ACTION_EVENT_ITEM__HAS_RETRY_COUNT_RETRY_COUNT;
    what.items[0].retry_count = 1;
    send(it, &what);
    assert_status(it, ids[0], CLEAT__V1__RUN_STATUS__RUNNING);
    what.items[0].retry_count = 0;
    send(it, &what);
    assert_status(it, ids[0], CLEAT__V1__RUN_STATUS__COMPLETED);
    stop_listening(stream);
}

static void what_is_wrong_is_refused(void **state)
{
    static const char path[] = "/Dispatcher/SendBatchActionEvent";
    service_world *it = *state;
    id_text ids[2];
    saying what;
    rpc_stream *stream = begin_pair(it, ids);
    say(&what, COMPLETED);
    say_of(&what, ids[0].text, "1");
    say_of(&what, "one", "1");
    refused(it, path, &what.event.base, GRPC_STATUS_INVALID_ARGUMENT, "\"one\" is no UUID");
    assert_status(it, ids[0], CLEAT__V1__RUN_STATUS__RUNNING); /* nothing of it counts */
    say(&what, (Cleat__StepActionEventType)77);
    say_of(&what, ids[0].text, "1");
    refused(it, path, &what.event.base, GRPC_STATUS_INVALID_ARGUMENT, "event_type is 77");
    say(&what, COMPLETED);
    say_of(&what, NO_ID, "1");
    say_of(&what, ids[0].text, "1");
    refused(it, path, &what.event.base, GRPC_STATUS_NOT_FOUND, "no run");
    assert_status(it, ids[0], CLEAT__V1__RUN_STATUS__COMPLETED); /* of one that there is it does */
    refused_as(it, it->other_token, path, &what.event.base, GRPC_STATUS_NOT_FOUND, "no run");
    say(&what, COMPLETED);
    send(it, &what); /* of none */
    stop_listening(stream);
}

/* Those who have lost a run cannot cancel it at whoever has it by now. */
static void a_worker_gives_up_what_it_has_alone(void **state)
{
    service_world *it = *state;
    id_text ids[4];
    saying what;
    rpc_stream *stream = begin_pair(it, ids);
    id_text other = register_worker(it, "other", 1);
    trigger_pair(it, ids + 2); /* nobody has room for these */
    say(&what, CANCELLED);
    say_of(&what, ids[0].text, "");
    what.items[0].has_retry_count_case = CLEAT__BATCH_ACTION_EVENT_ITEM__HAS_RETRY_COUNT_RETRY_COUNT;
    what.items[0].retry_count = 1; /* another attempt */
    say_of(&what, ids[2].text, "");
    send(it, &what);
    assert_status(it, ids[0], CLEAT__V1__RUN_STATUS__RUNNING);
    assert_status(it, ids[2], CLEAT__V1__RUN_STATUS__QUEUED);
    what.items[0].retry_count = 0;
    what.event.worker_id = other.text;
    send_as(it, &what, other.text);
    assert_status(it, ids[0], CLEAT__V1__RUN_STATUS__RUNNING);
    what.event.worker_id = text_("a name"); /* which nobody has; it is the connection's */
    send(it, &what);
    assert_status(it, ids[0], CLEAT__V1__RUN_STATUS__CANCELLED);
    assert_status(it, ids[1], CLEAT__V1__RUN_STATUS__RUNNING);
    stop_listening(stream);
}

/* The worker reads nothing; what was in the server's hands when its stream ended, all of a batch. */
static void what_a_worker_does_not_take_goes_to_another(void **state)
{
    enum { PAIRS = 6, SIZE = 7 << 18 };
    service_world *it = *state;
    id_text ids[2 * PAIRS];
    skip_under_tsan();
    char *input = malloc(SIZE + 64);
    int head = sprintf(input, "{\"k\":\"north\",\"text\":\"");
    memset(input + head, 'x', SIZE);
    memcpy(input + head + SIZE, "\"}", 3);
    declare_pairs(it);
    rpc_client *deaf = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
    rpc_stream *stuck = listen_by(it, deaf, "/Dispatcher/Listen", register_worker(it, "mail", PAIRS));
    rpc_accepted(stuck);
    for (size_t i = 0; i < 2 * (size_t)PAIRS; i++) {
        ids[i] = trigger(it, "mail", input);
    }
    free(input);
    size_t last = 2 * (size_t)PAIRS;
    Cleat__V1__GetRunDetailsResponse *details;
    bool is_running = false;
    while (!is_running) { /* the last of those that it was given */
        last -= 2;
        details = details_of(it, ids[last]);
        is_running = details->status == CLEAT__V1__RUN_STATUS__RUNNING;
        cleat__message_free(details);
    }
    stop_listening(stuck);
    rpc_stream *stream = stay_as(it, register_worker(it, "mail", PAIRS));
    bool has_come[2] = {false, false};
    while (!has_come[0] || !has_come[1]) {
        Cleat__AssignedAction *action = next_action(stream);
        for (size_t i = 0; i < 2; i++) {
            has_come[i] = has_come[i] || strstr(action->action_payload, ids[last + i].text) != NULL;
        }
        cleat__message_free(action);
    }
    stop_listening(stream);
    rpc_client_free(deaf);
}

/* Cleat's own workers say what they take. */
static void workers_of_ones_own_are_told_of_each_member(void **state)
{
    service_world *it = *state;
    id_text ids[2];
    declare_pairs(it);
    rpc_stream *stream =
        listen_for(it, it->client, "/Dispatcher/Listen", register_worker(it, "mail", 1), 1 << 20);
    trigger_pair(it, ids);
    char batch_id[37] = "";
    for (int i = 0; i < 2; i++) {
        Cleat__AssignedAction *action = next_action(stream);
        assert_int_equal(action->action_type, CLEAT__ACTION_TYPE__START_STEP_RUN);
        assert_string_equal(action->task_run_external_id, ids[i].text);
        assert_string_equal(action->batchkey, "north");
        assert_int_equal(action->batchstartpayload->expectedsize, 2);
        assert_true(i == 0 || strcmp(batch_id, action->batchid) == 0);
        snprintf(batch_id, sizeof(batch_id), "%s", action->batchid);
        send_event(it, action, COMPLETED, "1", false);
        assert_status(it, ids[i], CLEAT__V1__RUN_STATUS__COMPLETED);
        cleat__message_free(action);
    }
    stop_listening(stream);
}

static void what_is_declared_wrongly_is_refused(void **state)
{
    service_world *it = *state;
    Cleat__V1__TaskBatchConfig batch = CLEAT__V1__TASK_BATCH_CONFIG__INIT;
    rpc_result result = declare_batches(it, &batch);
    assert_int_equal(result.code, GRPC_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(result.text, "batch: max_size is 0; it must be 1 .. 100000"));
    rpc_result_deinit(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_worker_is_told_of_all_members_at_once),
        TEST(what_is_said_of_several_counts_of_each),
        TEST(a_worker_gives_up_what_it_has_alone),
        TEST(an_attempt_that_is_over_says_nothing),
        TEST(what_is_wrong_is_refused),
        TEST(what_a_worker_does_not_take_goes_to_another),
        TEST(workers_of_ones_own_are_told_of_each_member),
        TEST(what_is_declared_wrongly_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
