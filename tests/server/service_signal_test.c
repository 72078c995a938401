/* The older form of durable waits, by signal keys: registered once, told to whoever listens. */
#include "server/service_test.h"

#include "wire/v1/dispatcher.pb-c.h"

#define GROUP "0190a000-0000-7000-8000-00000000000a"

typedef struct waiter {
    service_world *it;
    rpc_stream *actions;
    Cleat__AssignedAction *action;
    char task[37];
} waiter;

static waiter begin(service_world *it)
{
    declare(it, (task_declaration){.name = "old", .is_durable = true, .retries = 1});
    waiter self = {.it = it, .actions = stay_as(it, register_durable(it, "old"))};
    (void)trigger(it, "old", "{}");
    self.action = next_action(self.actions);
    snprintf(self.task, sizeof(self.task), "%s", self.action->task_run_external_id);
    return self;
}

static void finish(waiter *self)
{
    cleat__message_free(self->action);
    stop_listening(self->actions);
}

/* A wait for an event, or for a sleep. */
typedef struct asked {
    const char *task, *key, *event, *sleep;
    int code; /* GRPC_STATUS_OK, or how it is refused */
    const char *part;
} asked;

static void register_event(service_world *it, asked what)
{
    Cleat__V1__BaseMatchCondition base = CLEAT__V1__BASE_MATCH_CONDITION__INIT;
    Cleat__V1__SleepMatchCondition sleep = CLEAT__V1__SLEEP_MATCH_CONDITION__INIT, *sleeps[] = {&sleep};
    Cleat__V1__UserEventMatchCondition event = CLEAT__V1__USER_EVENT_MATCH_CONDITION__INIT,
                                       *events[] = {&event};
    Cleat__V1__DurableEventListenerConditions conditions = CLEAT__V1__DURABLE_EVENT_LISTENER_CONDITIONS__INIT;
    Cleat__V1__RegisterDurableEventRequest request = CLEAT__V1__REGISTER_DURABLE_EVENT_REQUEST__INIT;
    base.readable_data_key = text_("data");
    base.or_group_id = text_(GROUP);
    sleep.base_ = event.base_ = &base;
    sleep.sleep_for = text_(what.sleep != NULL ? what.sleep : "");
    event.user_event_key = text_(what.event != NULL ? what.event : "");
    conditions.sleep_conditions = sleeps;
    conditions.n_sleep_conditions = what.sleep != NULL;
    conditions.user_event_conditions = events;
    conditions.n_user_event_conditions = what.event != NULL;
    request.task_id = text_(what.task);
    request.signal_key = text_(what.key);
    request.conditions = &conditions;
    rpc_result result = call_as(it, it->token, "/v1.V1Dispatcher/RegisterDurableEvent", &request.base);
    if (result.code != what.code || strstr(result.text, what.part != NULL ? what.part : "") == NULL) {
        fail_msg("%s: %d \"%s\"", what.key, result.code, result.text);
    }
    rpc_result_deinit(&result);
}

static rpc_stream *open_stream(service_world *it)
{
    return rpc_open(it->client, "/v1.V1Dispatcher/ListenForDurableEvent",
                    (rpc_call_options){.authorization = it->token});
}

static void ask_signal(rpc_stream *stream, const char *task, const char *key)
{
    Cleat__V1__ListenForDurableEventRequest request = CLEAT__V1__LISTEN_FOR_DURABLE_EVENT_REQUEST__INIT;
    request.task_id = text_(task);
    request.signal_key = text_(key);
    cleat__buffer bytes = packed(&request.base);
    assert_true(rpc_write(stream, cleat__buffer_slice(&bytes)));
    cleat__buffer_deinit(&bytes);
}

static void hear(rpc_stream *stream, const char *task, const char *key, const char *data)
{
    cleat__buffer bytes = {0};
    if (!rpc_read(stream, &bytes)) {
        rpc_result result = rpc_end(stream);
        fail_msg("no event: the stream ended with %d \"%s\"", result.code, result.text);
    }
    Cleat__V1__DurableEvent *event = unpacked(&cleat__v1__durable_event__descriptor, &bytes);
    assert_string_equal(event->task_id, task);
    assert_string_equal(event->signal_key, key);
    assert_int_equal(event->data.len, strlen(data));
    assert_memory_equal(event->data.data, data, event->data.len);
    cleat__message_free(event);
    cleat__buffer_deinit(&bytes);
}

static void a_wait_is_told_when_it_ends(void **state)
{
    waiter self = begin(*state);
    rpc_stream *stream = open_stream(self.it);
    register_event(self.it, (asked){.task = self.task, .key = "waitFor-1", .event = "go"});
    register_event(self.it, (asked){.task = self.task, .key = "waitFor-2", .sleep = "10ms"});
    ask_signal(stream, self.task, "waitFor-1");
    ask_signal(stream, self.task, "nothing"); /* is never told */
    ask_signal(stream, NO_ID, "waitFor-1");
    ask_signal(stream, self.task, "waitFor-2");
    hear(stream, self.task, "waitFor-2", "{\"CREATE\":{\"data\":[{\"sleep_duration\":\"10ms\"}]}}");
    push(self.it, "go", "{\"n\":1}");
    hear(stream, self.task, "waitFor-1", "{\"CREATE\":{\"data\":[{\"n\":1}]}}");
    rpc_half_close(stream);
    rpc_result result = rpc_end(stream);
    assert_int_equal(result.code, GRPC_STATUS_OK);
    rpc_result_deinit(&result);
    finish(&self);
}

/* Its key is all that it is known by: asked for again it is the same wait, also in the next attempt. */
static void a_wait_is_known_by_its_key(void **state)
{
    waiter self = begin(*state);
    register_event(self.it, (asked){.task = self.task, .key = "one", .event = "go"});
    push(self.it, "go", "{\"n\":1}");
    rpc_stream *stream = open_stream(self.it);
    register_event(self.it, (asked){.task = self.task, .key = "one", .event = "go"});
    ask_signal(stream, self.task, "one");
    hear(stream, self.task, "one", "{\"CREATE\":{\"data\":[{\"n\":1}]}}");
    send_event(self.it, self.action, FAILED_, "again", false);
    cleat__message_free(self.action);
    self.action = next_action(self.actions);
    assert_int_equal(self.action->retry_count, 1);
    register_event(self.it, (asked){.task = self.task, .key = "one", .event = "go"});
    ask_signal(stream, self.task, "one");
    hear(stream, self.task, "one", "{\"CREATE\":{\"data\":[{\"n\":1}]}}");
    stop_listening(stream);
    finish(&self);
}

static void what_is_wrong_is_refused(void **state)
{
    waiter self = begin(*state);
    register_event(self.it, (asked){.task = "x",
                                    .key = "k",
                                    .event = "go",
                                    .code = GRPC_STATUS_INVALID_ARGUMENT,
                                    .part = "task_id \"x\" is no UUID"});
    register_event(
        self.it,
        (asked){.task = NO_ID, .key = "k", .event = "go", .code = GRPC_STATUS_NOT_FOUND, .part = NO_ID});
    register_event(self.it, (asked){.task = self.task,
                                    .key = "",
                                    .event = "go",
                                    .code = GRPC_STATUS_INVALID_ARGUMENT,
                                    .part = "signal_key"});
    register_event(
        self.it,
        (asked){.task = self.task, .key = "k", .code = GRPC_STATUS_INVALID_ARGUMENT, .part = "0 conditions"});
    char *token = self.it->token;
    self.it->token = self.it->other_token;
    register_event(self.it, (asked){.task = self.task,
                                    .key = "k",
                                    .event = "go",
                                    .code = GRPC_STATUS_NOT_FOUND,
                                    .part = "there is no"});
    self.it->token = token;
    rpc_stream *stream = open_stream(self.it);
    ask_signal(stream, "x", "k");
    rpc_result result = rpc_end(stream);
    assert_int_equal(result.code, GRPC_STATUS_INVALID_ARGUMENT);
    rpc_result_deinit(&result);
    finish(&self);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_wait_is_told_when_it_ends),
        TEST(a_wait_is_known_by_its_key),
        TEST(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
