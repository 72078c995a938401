/* The transport over gRPC: events, runs at a time, streams, replays. */
#include "support/grpc_sink.h"
#include "transport/grpc_test.h"

#include <stdio.h>
#include "wire/timestamp.h"

/* ---- Events ---- */

static void test_an_event(void **state)
{
    fixture *it = *state;
    cleat__uuid id, expected = uuid_of(MOCK_RUN_ID);
    const cleat__user_event event = {.key = cleat_slice_of("Order:paid"),
                                     .payload = cleat_slice_of("{\"n\":1}"),
                                     .metadata = cleat_slice_of("{\"m\":1}"),
                                     .scope = cleat_slice_of("shop-1"),
                                     .priority = 3};
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__free(settings.prefix);
    settings.prefix = cleat__strdup("acme_");
    reopen(it, settings);
    assert_ok(it->transport->push(it->transport, &event, 1, &id));
    assert_true(cleat__uuid_equals(&id, &expected));
    Cleat__PushEventRequest *said = mock_message(&it->engine, MOCK_PUSH, 0);
    assert_string_equal(said->key, "acme_Order:paid");
    assert_string_equal(said->payload, "{\"n\":1}");
    assert_string_equal(said->additional_metadata, "{\"m\":1}");
    assert_string_equal(said->scope, "shop-1");
    assert_int_equal(said->priority, 3);
    assert_non_null(said->event_timestamp);
    cleat__message_free(said);
}

static void test_many_events(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[2];
    const cleat__user_event events[] = {{.key = cleat_slice_of("a")}, {.key = cleat_slice_of("b")}};
    assert_ok(it->transport->push(it->transport, events, 2, ids));
    Cleat__BulkPushEventRequest *said = mock_message(&it->engine, MOCK_BULK_PUSH, 0);
    assert_int_equal(said->n_events, 2);
    assert_string_equal(said->events[1]->key, "b");
    assert_string_equal(said->events[1]->payload, "{}");
    assert_true(said->events[1]->has_priority_case == 0 && said->events[1]->has_scope_case == 0);
    cleat__message_free(said);
    /* Whether it was stored is not known, so it is not pushed again. */
    mock_fail(&it->engine, MOCK_BULK_PUSH, CLEAT_UNAVAILABLE, "going down", 1);
    assert_refused(it->transport->push(it->transport, events, 2, ids), CLEAT_UNAVAILABLE, "going down");
    assert_int_equal(mock_count(&it->engine, MOCK_BULK_PUSH), 2);
}

/* ---- Schedules ---- */

static void test_schedules_without_an_http_side(void **state)
{
    fixture *it = *state;
    const int64_t times[] = {1000, 4102444800123};
    const cleat__schedule schedule = {.workflow = cleat_slice_of("A.b"),
                                      .input = cleat_slice_of("{\"n\":1}"),
                                      .metadata = cleat_slice_of("{\"m\":1}"),
                                      .priority = 2};
    cleat__uuid ids[2], expected = uuid_of(MOCK_RUN_ID);
    cleat_schedule_list list = {0};
    int64_t at_ms = 0;
    assert_ok(it->transport->schedule(it->transport, &schedule, times, 2, ids));
    assert_true(cleat__uuid_equals(&ids[1], &expected));
    Cleat__ScheduleWorkflowRequest *said = mock_message(&it->engine, MOCK_SCHEDULE, 0);
    assert_string_equal(said->name, "a.b");
    assert_string_equal(said->input, "{\"n\":1}");
    assert_string_equal(said->additional_metadata, "{\"m\":1}");
    assert_int_equal(said->priority, 2);
    assert_int_equal(said->n_schedules, 2);
    assert_ok(cleat__timestamp_read("t", said->schedules[1], &at_ms));
    assert_true(at_ms == times[1]);
    cleat__message_free(said);
    assert_refused(it->transport->unschedule(it->transport, &ids[0]), CLEAT_FAILED_PRECONDITION, "API_URL");
    assert_refused(it->transport->schedules(it->transport, 0, 10, &list), CLEAT_FAILED_PRECONDITION,
                   "API_URL");
}

/* ---- Streams ---- */

static void test_chunks_have_numbers_for_other_engines(void **state)
{
    fixture *it = *state;
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    it->engine.version = "v0.83.0";
    reopen(it, mock_settings(&it->engine));
    assert_ok(it->transport->put_stream(it->transport, &id, 7, cleat_slice_of("text")));
    Cleat__PutStreamEventRequest *said = mock_message(&it->engine, MOCK_STREAM, 0);
    assert_string_equal(said->task_run_external_id, MOCK_RUN_ID);
    assert_true(said->has_event_index_case != 0 && said->event_index == 7);
    assert_int_equal(said->message.len, 4);
    cleat__message_free(said);
    it->engine.version = "v0.83.0-cleat.0.1.0";
    reopen(it, mock_settings(&it->engine));
    assert_ok(it->transport->put_stream(it->transport, &id, 8, cleat_slice_of("text")));
    said = mock_message(&it->engine, MOCK_STREAM, 1);
    assert_true(said->has_event_index_case == 0);
    cleat__message_free(said);
}

/* What came, each in a place of its own: the test looks at one while the next comes. */
typedef struct reader {
    gate chunks, ends;
    char chunk[4][64];
    int count;
    char text[256]; /* of the end */
    cleat_status status;
} reader;

static void on_chunk(void *self, cleat_slice chunk)
{
    reader *it = self;
    assert_true(it->count < 4);
    snprintf(it->chunk[it->count++], sizeof(it->chunk[0]), "%.*s", CLEAT_SLICE_ARGS(chunk));
    gate_add(&it->chunks);
}

static void on_end(void *self, cleat_status status, const char *text)
{
    reader *it = self;
    it->status = status;
    snprintf(it->text, sizeof(it->text), "%s", text);
    gate_add(&it->ends);
}

static void *watch(fixture *it, reader *to)
{
    void *watched = NULL;
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    const cleat__stream_sink sink = {to, on_chunk, on_end, NULL};
    gate_init(&to->chunks);
    gate_init(&to->ends);
    assert_ok(it->transport->watch(it->transport, &id, &sink, &watched));
    return watched;
}

static void unwatch(fixture *it, reader *from, void *watched)
{
    it->transport->unwatch(it->transport, watched);
    gate_deinit(&from->chunks);
    gate_deinit(&from->ends);
}

static void send_event(fixture *it, Cleat__ResourceEventType type, const char *payload, bool hangup)
{
    Cleat__WorkflowEvent event = CLEAT__WORKFLOW_EVENT__INIT;
    event.event_type = type;
    event.event_payload = (char *)(uintptr_t)payload;
    event.hangup = hangup;
    mock_send(&it->engine, MOCK_WATCH, &event);
}

static void test_a_stream_is_opened_again_before_its_run_begins(void **state)
{
    fixture *it = *state;
    reader to = {.status = CLEAT_OK};
    void *watched = watch(it, &to);
    Cleat__SubscribeToWorkflowEventsRequest *said = mock_message(&it->engine, MOCK_WATCH, 0);
    assert_string_equal(said->workflow_run_id, MOCK_RUN_ID);
    cleat__message_free(said);
    mock_end(&it->engine, MOCK_WATCH, CLEAT_UNAVAILABLE, "restarting");
    mock_wait(&it->engine, MOCK_WATCH, 2);
    send_event(it, CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STARTED, "", false);
    send_event(it, CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STREAM, "one", false);
    gate_wait(&to.chunks, 1);
    assert_string_equal(to.chunk[0], "one");
    send_event(it, CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STREAM, "two", false);
    gate_wait(&to.chunks, 2);
    send_event(it, CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_COMPLETED, "", true);
    gate_wait(&to.ends, 1);
    assert_int_equal(to.status, CLEAT_EMPTY);
    mock_end(&it->engine, MOCK_WATCH, CLEAT_OK, NULL);
    unwatch(it, &to, watched);
    assert_int_equal(mock_count(&it->engine, MOCK_WATCH), 2);
}

static void test_an_outage_in_mid_stream_is_told(void **state)
{
    fixture *it = *state;
    reader to = {.status = CLEAT_OK};
    void *watched = watch(it, &to);
    mock_wait(&it->engine, MOCK_WATCH, 1);
    send_event(it, CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STREAM, "one", false);
    gate_wait(&to.chunks, 1);
    mock_end(&it->engine, MOCK_WATCH, CLEAT_UNAVAILABLE, "restarting");
    gate_wait(&to.ends, 1);
    assert_int_equal(to.status, CLEAT_UNAVAILABLE);
    assert_non_null(strstr(to.text, "may be lost"));
    unwatch(it, &to, watched);
    assert_int_equal(mock_count(&it->engine, MOCK_WATCH), 1);
}

static void send_stored(fixture *it, int64_t index, const char *payload)
{
    Cleat__WorkflowEvent event = CLEAT__WORKFLOW_EVENT__INIT;
    event.event_type = CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_STREAM;
    event.event_payload = (char *)(uintptr_t)payload;
    event.has_event_index_case = CLEAT__WORKFLOW_EVENT__HAS_EVENT_INDEX_EVENT_INDEX;
    event.event_index = index;
    event.cleat_is_stored = true;
    mock_send(&it->engine, MOCK_WATCH, &event);
}

static void test_stored_chunks_outlive_an_outage(void **state)
{
    fixture *it = *state;
    reader to = {.status = CLEAT_OK};
    void *watched = watch(it, &to);
    mock_wait(&it->engine, MOCK_WATCH, 1);
    send_stored(it, 0, "one");
    send_stored(it, 1, "two");
    gate_wait(&to.chunks, 2);
    mock_end(&it->engine, MOCK_WATCH, CLEAT_UNAVAILABLE, "restarting");
    mock_wait(&it->engine, MOCK_WATCH, 2);
    send_stored(it, 0, "one"); /* from the beginning */
    send_stored(it, 1, "two");
    send_stored(it, 2, "three");
    gate_wait(&to.chunks, 3);
    send_event(it, CLEAT__RESOURCE_EVENT_TYPE__RESOURCE_EVENT_TYPE_COMPLETED, "", true);
    gate_wait(&to.ends, 1);
    assert_int_equal(to.status, CLEAT_EMPTY);
    assert_int_equal(to.count, 3);
    assert_string_equal(to.chunk[2], "three");
    unwatch(it, &to, watched);
}

/* A server says so with a word of metadata, as other clients know no other end than an outage. */
static void test_a_stream_that_is_read_too_slowly(void **state)
{
    fixture *it = *state;
    reader to = {.status = CLEAT_OK};
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer answers[] = {{.code = 0}, /* to the question for its version */
                                        {.code = 14, .message = "full", .trailer_key = "cleat-too-slow"}};
    grpc_sink_script(sink, answers, 2);
    cleat__remote_settings settings = mock_settings(&it->engine);
    char address[32];
    snprintf(address, sizeof(address), "localhost:%d", grpc_sink_port(sink));
    cleat__free(settings.address);
    settings.address = cleat__strdup(address);
    reopen(it, settings);
    void *watched = watch(it, &to);
    gate_wait(&to.ends, 1);
    assert_int_equal(to.status, CLEAT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(to.text, "too slowly"));
    unwatch(it, &to, watched);
    assert_int_equal(grpc_sink_count(sink), 2);
    assert_null(grpc_sink_metadata(sink, 1, "cleat-may-repeat").data); /* a worker's word */
    grpc_sink_stop(sink);
}

static void test_ends_of_a_stream(void **state)
{
    fixture *it = *state;
    reader to = {.status = CLEAT_OK};
    mock_fail(&it->engine, MOCK_WATCH, CLEAT_NOT_FOUND, "no such run", 1);
    void *watched = watch(it, &to);
    gate_wait(&to.ends, 1);
    assert_int_equal(to.status, CLEAT_NOT_FOUND);
    assert_non_null(strstr(to.text, "no such run"));
    unwatch(it, &to, watched);
    watched = watch(it, &to);
    mock_wait(&it->engine, MOCK_WATCH, 2);
    mock_end(&it->engine, MOCK_WATCH, CLEAT_OK, NULL);
    gate_wait(&to.ends, 1);
    assert_int_equal(to.status, CLEAT_EMPTY);
    unwatch(it, &to, watched);
    watched = watch(it, &to);
    mock_wait(&it->engine, MOCK_WATCH, 3);
    unwatch(it, &to, watched); /* nobody waits for an end */
}

/* ---- Replays ---- */

static void test_a_replay_that_is_passed_over(void **state)
{
    fixture *it = *state;
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    assert_refused(it->transport->replay(it->transport, &id), CLEAT_FAILED_PRECONDITION, "not ended");
    assert_int_equal(mock_count(&it->engine, MOCK_REPLAY), 0);
    it->engine.is_run_done = true;
    assert_refused(it->transport->replay(it->transport, &id), CLEAT_FAILED_PRECONDITION, "not replayed");
    Cleat__V1__ReplayTasksRequest *said = mock_message(&it->engine, MOCK_REPLAY, 0);
    assert_int_equal(said->n_external_ids, 1);
    assert_string_equal(said->external_ids[0], MOCK_RUN_ID);
    cleat__message_free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_event),
        TEST(test_many_events),
        TEST(test_schedules_without_an_http_side),
        TEST(test_chunks_have_numbers_for_other_engines),
        TEST(test_a_stream_is_opened_again_before_its_run_begins),
        TEST(test_an_outage_in_mid_stream_is_told),
        TEST(test_stored_chunks_outlive_an_outage),
        TEST(test_a_stream_that_is_read_too_slowly),
        TEST(test_ends_of_a_stream),
        TEST(test_a_replay_that_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
