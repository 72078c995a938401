/* The EventsService: events that start runs, and what it refuses. */
#include "service_test.h"

static Cleat__PushEventRequest event_of(const char *key, const char *payload)
{
    Cleat__PushEventRequest request = CLEAT__PUSH_EVENT_REQUEST__INIT;
    request.key = text_(key);
    request.payload = text_(payload);
    return request;
}

static void set_metadata(Cleat__PushEventRequest *request, const char *json)
{
    request->has_additional_metadata_case =
        CLEAT__PUSH_EVENT_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
    request->additional_metadata = text_(json);
}

static void an_event_starts_who_waits_for_it(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "hear", .event = "order:paid"});
    rpc_stream *stream = stay_as(it, register_worker(it, "hear", 5));
    Cleat__PushEventRequest request = event_of("order:paid", "{\"id\":7}");
    set_metadata(&request, "{\"mine\":\"yes\"}");
    Cleat__Event *event = ask(it, "/EventsService/Push", &request.base, &cleat__event__descriptor);
    assert_string_equal(event->tenant_id, it->tenant);
    assert_string_equal(event->key, "order:paid");
    assert_string_equal(event->payload, "{\"id\":7}");
    assert_string_equal(event->additional_metadata, "{\"mine\":\"yes\"}");
    assert_non_null(event->event_timestamp);
    Cleat__AssignedAction *action = next_action(stream);
    assert_non_null(strstr(action->action_payload, "{\"id\":7}"));
    assert_non_null(strstr(action->additional_metadata, "\"mine\":\"yes\""));
    assert_non_null(strstr(action->additional_metadata, event->event_id));
    assert_string_equal(action->triggering_event_external_id, event->event_id);
    assert_string_equal(action->triggering_event_key, "order:paid");
    cleat__message_free(action);
    cleat__message_free(event);
    stop_listening(stream);
}

static void events_in_one_call_keep_their_order(void **state)
{
    service_world *it = *state;
    Cleat__PushEventRequest first = event_of("a", "{\"n\":1}"), second = event_of("b", "{\"n\":2}");
    Cleat__PushEventRequest *both[] = {&first, &second};
    Cleat__BulkPushEventRequest request = CLEAT__BULK_PUSH_EVENT_REQUEST__INIT;
    request.events = both;
    request.n_events = 2;
    Cleat__Events *events = ask(it, "/EventsService/BulkPush", &request.base, &cleat__events__descriptor);
    assert_int_equal(events->n_events, 2);
    assert_string_equal(events->events[0]->key, "a");
    assert_string_equal(events->events[1]->key, "b");
    assert_string_not_equal(events->events[0]->event_id, events->events[1]->event_id);
    cleat__message_free(events);
}

static void another_tenants_workflows_do_not_hear(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "hear", .event = "mine"});
    rpc_stream *stream = stay_as(it, register_worker(it, "hear", 5));
    Cleat__PushEventRequest request = event_of("mine", "{\"of\":\"the other\"}");
    rpc_result result = call_as(it, it->other_token, "/EventsService/Push", &request.base);
    assert_int_equal(result.code, GRPC_STATUS_OK);
    rpc_result_deinit(&result);
    request = event_of("mine", "{\"of\":\"this one\"}");
    cleat__message_free(ask(it, "/EventsService/Push", &request.base, &cleat__event__descriptor));
    Cleat__AssignedAction *action = next_action(stream); /* the first that comes is the own one */
    assert_non_null(strstr(action->action_payload, "this one"));
    cleat__message_free(action);
    stop_listening(stream);
}

static void what_is_wrong_is_refused(void **state)
{
    static const struct {
        const char *key, *payload;
    } cases[] = {{"", "{}"}, {"a", "no json"}, {"a", "[1]"}, {"a", "{\"x\":\"\\u0000\"}"}};
    service_world *it = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Cleat__PushEventRequest request = event_of(cases[i].key, cases[i].payload);
        refused(it, "/EventsService/Push", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "");
    }
    Cleat__PushEventRequest request = event_of("a", "{}");
    set_metadata(&request, "[]");
    refused(it, "/EventsService/Push", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "");
    Cleat__BulkPushEventRequest none = CLEAT__BULK_PUSH_EVENT_REQUEST__INIT;
    refused(it, "/EventsService/BulkPush", &none.base, GRPC_STATUS_INVALID_ARGUMENT, "1 to 1000");
    Cleat__PutStreamEventRequest chunk = CLEAT__PUT_STREAM_EVENT_REQUEST__INIT;
    chunk.task_run_external_id = text_("nonsense");
    refused(it, "/EventsService/PutStreamEvent", &chunk.base, GRPC_STATUS_INVALID_ARGUMENT, "");
    chunk.task_run_external_id = text_(NO_ID);
    refused(it, "/EventsService/PutStreamEvent", &chunk.base, GRPC_STATUS_NOT_FOUND, "");
}

/* The answer repeats the event: one that is too large for clients must not be found out when it is stored. */
static void an_event_whose_answer_would_be_too_large_is_refused(void **state)
{
    enum { LIMIT = 4 << 20, SPARE = 150 };
    service_world *it = *state;
    skip_under_tsan();
    char *payload = malloc(LIMIT);
    memset(payload, 'x', LIMIT);
    memcpy(payload, "{\"text\":\"", 9);
    memcpy(payload + LIMIT - SPARE, "\"}", 3);
    Cleat__PushEventRequest request = event_of("a", payload), *one[] = {&request};
    refused(it, "/EventsService/Push", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "the answer");
    Cleat__BulkPushEventRequest bulk = CLEAT__BULK_PUSH_EVENT_REQUEST__INIT;
    bulk.events = one;
    bulk.n_events = 1;
    refused(it, "/EventsService/BulkPush", &bulk.base, GRPC_STATUS_INVALID_ARGUMENT, "the answer");
    memcpy(payload + LIMIT - 2 * SPARE, "\"}", 3);
    cleat__message_free(ask(it, "/EventsService/Push", &request.base, &cleat__event__descriptor));
    free(payload);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_starts_who_waits_for_it),
        TEST(events_in_one_call_keep_their_order),
        TEST(another_tenants_workflows_do_not_hear),
        TEST(what_is_wrong_is_refused),
        TEST(an_event_whose_answer_would_be_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
