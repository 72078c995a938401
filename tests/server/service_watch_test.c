/* The stream of happenings: of one run and of those with a word in their metadata, until the last one hangs up. */
#include "server/service_test.h"

#define WATCH_PATH "/Dispatcher/SubscribeToWorkflowEvents"

typedef Cleat__SubscribeToWorkflowEventsRequest watch_request;
typedef Cleat__WorkflowEvent happening;

static watch_request of_run(id_text *run)
{
    watch_request request = CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__INIT;
    request.has_workflow_run_id_case =
        CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__HAS_WORKFLOW_RUN_ID_WORKFLOW_RUN_ID;
    request.workflow_run_id = run->text;
    return request;
}

static watch_request of_metadata(const char *key, const char *value)
{
    watch_request request = CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__INIT;
    request.has_additional_meta_key_case =
        CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__HAS_ADDITIONAL_META_KEY_ADDITIONAL_META_KEY;
    request.additional_meta_key = text_(key);
    if (value != NULL) {
        request.has_additional_meta_value_case =
            CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__HAS_ADDITIONAL_META_VALUE_ADDITIONAL_META_VALUE;
        request.additional_meta_value = text_(value);
    }
    return request;
}

/* It is accepted when the engine looks. */
static rpc_stream *watch_as(service_world *it, const char *token, watch_request request)
{
    cleat__buffer bytes = packed(&request.base);
    rpc_stream *stream = rpc_begin(it->client, WATCH_PATH, cleat__buffer_slice(&bytes),
                                   (rpc_call_options){.authorization = token});
    cleat__buffer_deinit(&bytes);
    rpc_accepted(stream);
    return stream;
}

static rpc_stream *watch(service_world *it, watch_request request)
{
    return watch_as(it, it->token, request);
}

static happening *next_happening(rpc_stream *stream)
{
    cleat__buffer bytes = {0};
    if (!rpc_read(stream, &bytes)) {
        rpc_result result = rpc_end(stream);
        fail_msg("nothing happened: the stream ended with %d \"%s\"", result.code, result.text);
    }
    happening *event = unpacked(&cleat__workflow_event__descriptor, &bytes);
    cleat__buffer_deinit(&bytes);
    return event;
}

static const char *name_of(Cleat__ResourceEventType type)
{
    static const char *const names[] = {"UNKNOWN",   "STARTED",   "COMPLETED", "FAILED",
                                        "CANCELLED", "TIMED_OUT", "STREAM"};
    return names[type];
}

/* "task COMPLETED {}", "run COMPLETED hangup". */
static void assert_next(rpc_stream *stream, id_text run, const char *expected)
{
    char text[256];
    happening *event = next_happening(stream);
    bool is_of_run = event->resource_type == CLEAT__RESOURCE_TYPE__RESOURCE_TYPE_WORKFLOW_RUN;
    snprintf(text, sizeof(text), "%s %s%s%s%s", is_of_run ? "run" : "task", name_of(event->event_type),
             event->event_payload[0] != '\0' ? " " : "", event->event_payload,
             event->hangup ? " hangup" : "");
    assert_string_equal(text, expected);
    assert_string_equal(event->workflow_run_id, run.text);
    assert_string_equal(event->resource_id, run.text);
    assert_non_null(event->event_timestamp);
    assert_int_equal(event->has_retry_count_case != 0, !is_of_run);
    cleat__message_free(event);
}

static void assert_end(rpc_stream *stream, int code, const char *part)
{
    cleat__buffer bytes = {0};
    assert_false(rpc_read(stream, &bytes));
    cleat__buffer_deinit(&bytes);
    rpc_result result = rpc_end(stream);
    if (result.code != code || strstr(result.text, part) == NULL) {
        fail_msg("the stream ended with %d \"%s\" instead of %d \"%s\"", result.code, result.text, code,
                 part);
    }
    rpc_result_deinit(&result);
}

static id_text trigger_with(service_world *it, const char *workflow, const char *metadata)
{
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    id_text id;
    request.name = text_(workflow);
    request.input = text_("{}");
    request.has_additional_metadata_case =
        CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
    request.additional_metadata = text_(metadata);
    Cleat__TriggerWorkflowResponse *reply = ask(it, "/WorkflowService/TriggerWorkflow", &request.base,
                                                &cleat__trigger_workflow_response__descriptor);
    snprintf(id.text, sizeof(id.text), "%s", reply->workflow_run_id);
    cleat__message_free(reply);
    return id;
}

static void put_chunk(service_world *it, id_text run, int64_t index, cleat_slice text)
{
    Cleat__PutStreamEventRequest chunk = CLEAT__PUT_STREAM_EVENT_REQUEST__INIT;
    chunk.task_run_external_id = run.text;
    chunk.message = (ProtobufCBinaryData){text.size, (uint8_t *)text_(text.data)};
    chunk.has_event_index_case = CLEAT__PUT_STREAM_EVENT_REQUEST__HAS_EVENT_INDEX_EVENT_INDEX;
    chunk.event_index = index;
    cleat__message_free(
        ask(it, "/EventsService/PutStreamEvent", &chunk.base, &cleat__put_stream_event_response__descriptor));
}

static void cancel_run(service_world *it, id_text run)
{
    Cleat__V1__CancelTasksRequest request = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    char *ids[] = {run.text};
    request.external_ids = ids;
    request.n_external_ids = 1;
    cleat__message_free(ask(it, "/v1.AdminService/CancelTasks", &request.base,
                            &cleat__v1__cancel_tasks_response__descriptor));
}

/* ---- Tests ---- */

static void a_run_is_watched_to_its_end(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "seen", .retries = 2});
    rpc_stream *worker = stay_as(it, register_worker(it, "seen", 1));
    id_text run = trigger(it, "seen", "{}");
    Cleat__AssignedAction *action = next_action(worker);
    rpc_stream *one = watch(it, of_run(&run)), *two = watch(it, of_run(&run));
    put_chunk(it, run, 1, cleat_slice_of("b"));
    put_chunk(it, run, 0, cleat_slice_of("a"));
    put_chunk(it, run, 2, (cleat_slice){"c\0\xff", 3}); /* no text: peers would refuse it as it is */
    send_event(it, action, COMPLETED, "{\"ok\":1}", false);
    for (int i = 0; i < 2; i++) {
        rpc_stream *stream = i == 0 ? one : two;
        happening *first = next_happening(stream);
        assert_int_equal(first->event_index, 0);
        assert_int_equal(first->task_retries, 2);
        assert_int_equal(first->retry_count, 0);
        assert_string_equal(first->event_payload, "a");
        cleat__message_free(first);
        assert_next(stream, run, "task STREAM b");
        assert_next(stream, run, "task STREAM c\xEF\xBF\xBD\xEF\xBF\xBD");
        assert_next(stream, run, "task COMPLETED {\"ok\":1}");
        assert_next(stream, run, "run COMPLETED hangup");
        assert_end(stream, GRPC_STATUS_OK, "");
    }
    cleat__message_free(action);
    stop_listening(worker);
}

static void failures_and_cancellations_hang_up_too(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "bad"});
    rpc_stream *worker = stay_as(it, register_worker(it, "bad", 2));
    id_text run = trigger(it, "bad", "{}");
    Cleat__AssignedAction *action = next_action(worker);
    rpc_stream *stream = watch(it, of_run(&run));
    send_event(it, action, FAILED_, "no luck", true);
    assert_next(stream, run, "task FAILED no luck");
    assert_next(stream, run, "run FAILED hangup");
    assert_end(stream, GRPC_STATUS_OK, "");
    id_text other = trigger(it, "bad", "{}");
    stream = watch(it, of_run(&other));
    cancel_run(it, other);
    assert_next(stream, other, "task CANCELLED");
    assert_next(stream, other, "run CANCELLED hangup");
    assert_end(stream, GRPC_STATUS_OK, "");
    /* What has ended is over at once; what is not there is not waited for. */
    assert_end(watch(it, of_run(&run)), GRPC_STATUS_OK, "");
    id_text nobody = {NO_ID};
    assert_end(watch(it, of_run(&nobody)), GRPC_STATUS_NOT_FOUND, "there is no run");
    cleat__message_free(action);
    stop_listening(worker);
}

static void runs_are_watched_by_their_metadata(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "many"});
    rpc_stream *stream = watch(it, of_metadata("batch", "7"));
    rpc_stream *foreign = watch_as(it, it->other_token, of_metadata("batch", "7"));
    trigger_with(it, "many", "{\"batch\":\"8\"}");
    id_text one = trigger_with(it, "many", "{\"batch\":\"7\"}"),
            two = trigger_with(it, "many", "{\"batch\":\"7\"}");
    assert_next(stream, one, "task STARTED");
    assert_next(stream, two, "task STARTED");
    rpc_stream *worker = stay_as(it, register_worker(it, "many", 3));
    for (int i = 0; i < 3; i++) {
        Cleat__AssignedAction *action = next_action(worker);
        send_event(it, action, COMPLETED, "{}", false);
        cleat__message_free(action);
    }
    assert_next(stream, one, "task COMPLETED {}");
    assert_next(stream, one, "run COMPLETED");
    assert_next(stream, two, "task COMPLETED {}");
    assert_next(stream, two, "run COMPLETED hangup"); /* the last of those that were told */
    assert_end(stream, GRPC_STATUS_OK, "");
    rpc_cancel(foreign); /* which has heard nothing */
    assert_end(foreign, GRPC_STATUS_CANCELLED, "");
    stop_listening(worker);
}

static void what_is_asked_must_be_clear(void **state)
{
    service_world *it = *state;
    watch_request requests[] = {of_metadata("", "v"), of_metadata("k", NULL)};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        refused(it, WATCH_PATH, &requests[i].base, GRPC_STATUS_INVALID_ARGUMENT, "additional_meta_key");
    }
    id_text nil = {"00000000-0000-0000-0000-000000000000"};
    watch_request request = of_run(&nil);
    refused(it, WATCH_PATH, &request.base, GRPC_STATUS_INVALID_ARGUMENT, "is no UUID");
}

/* A run whose worker has streamed `count` chunks of `size`, each told to who watches, who has read none. */
typedef struct loud_run {
    rpc_stream *worker, *stream;
    Cleat__AssignedAction *action;
    id_text id;
} loud_run;

static loud_run be_loud(service_world *it, int count, size_t size)
{
    loud_run loud;
    char *text = malloc(size);
    memset(text, 'x', size);
    declare(it, (task_declaration){.name = "loud"});
    loud.worker = stay_as(it, register_worker(it, "loud", 1));
    loud.id = trigger(it, "loud", "{}");
    loud.action = next_action(loud.worker);
    loud.stream = watch(it, of_run(&loud.id));
    for (int i = 0; i < count; i++) {
        put_chunk(it, loud.id, i, (cleat_slice){text, size});
    }
    free(text);
    return loud;
}

static void end_loud(service_world *it, loud_run *loud)
{
    send_event(it, loud->action, COMPLETED, "{}", false);
    cleat__message_free(loud->action);
    stop_listening(loud->worker);
}

/* A burst is more than the stream's queue takes. */
static void a_burst_is_told_in_full(void **state)
{
    enum { SIZE = 3 << 19, CHUNKS = 20 };
    service_world *it = *state;
    skip_under_tsan();
    loud_run loud = be_loud(it, CHUNKS, SIZE);
    send_event(it, loud.action, COMPLETED, "{}", false);
    for (int i = 0; i < CHUNKS; i++) {
        happening *event = next_happening(loud.stream);
        assert_int_equal(event->event_index, i);
        assert_int_equal(strlen(event->event_payload), SIZE);
        cleat__message_free(event);
    }
    assert_next(loud.stream, loud.id, "task COMPLETED {}");
    assert_next(loud.stream, loud.id, "run COMPLETED hangup");
    assert_end(loud.stream, GRPC_STATUS_OK, "");
    cleat__message_free(loud.action);
    stop_listening(loud.worker);
}

/* The server's memory is bounded: who does not read loses the stream, and nobody else is held up. */
static void who_does_not_read_is_told_so(void **state)
{
    enum { SIZE = 3 << 20, CHUNKS = 26 }; /* 78 MiB: the queue's 4, and 64 behind it */
    service_world *it = *state;
    skip_under_tsan();
    loud_run loud = be_loud(it, CHUNKS, SIZE);
    int count = 0;
    cleat__buffer bytes = {0};
    while (rpc_read(loud.stream, &bytes)) { /* what was queued still comes */
        count++;
        cleat__buffer_clear(&bytes);
    }
    cleat__buffer_deinit(&bytes);
    assert_in_range(count, 1, CHUNKS - 1);
    rpc_result result = rpc_end(loud.stream);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    assert_non_null(strstr(result.text, "does not read"));
    assert_true(result.is_too_slow);
    rpc_result_deinit(&result);
    end_loud(it, &loud);
}

/* ---- What is stored ---- */

static void put_chunks(service_world *it, id_text run, int64_t index, const char *const *texts, size_t count)
{
    ProtobufCBinaryData more[8];
    Cleat__PutStreamEventRequest request = CLEAT__PUT_STREAM_EVENT_REQUEST__INIT;
    request.task_run_external_id = run.text;
    request.message = (ProtobufCBinaryData){strlen(texts[0]), (uint8_t *)text_(texts[0])};
    request.has_event_index_case = CLEAT__PUT_STREAM_EVENT_REQUEST__HAS_EVENT_INDEX_EVENT_INDEX;
    request.event_index = index;
    for (size_t i = 1; i < count; i++) {
        more[i - 1] = (ProtobufCBinaryData){strlen(texts[i]), (uint8_t *)text_(texts[i])};
    }
    request.cleat_more = more;
    request.n_cleat_more = count - 1;
    cleat__message_free(ask(it, "/EventsService/PutStreamEvent", &request.base,
                            &cleat__put_stream_event_response__descriptor));
}

static void chunks_of_durable_runs_are_told_from_the_first(void **state)
{
    static const char *const texts[] = {"a", "b", "c"};
    service_world *it = *state;
    declare(it, (task_declaration){.name = "kept", .is_durable = true});
    id_text run = trigger(it, "kept", "{}");
    rpc_stream *early = watch(it, of_run(&run));
    put_chunks(it, run, 0, texts, 3);
    put_chunks(it, run, 1, texts, 2); /* these are there already */
    put_chunk(it, run, 3, cleat_slice_of("d"));
    rpc_stream *late = watch(it, of_run(&run));
    cancel_run(it, run);
    for (int i = 0; i < 3; i++) {
        rpc_stream *stream = i == 0 ? early : i == 1 ? late : watch(it, of_run(&run)); /* after its end */
        assert_next(stream, run, "task STREAM a");
        assert_next(stream, run, "task STREAM b");
        assert_next(stream, run, "task STREAM c");
        assert_next(stream, run, "task STREAM d");
        assert_next(stream, run, "task CANCELLED");
        assert_next(stream, run, "run CANCELLED hangup");
        assert_end(stream, GRPC_STATUS_OK, "");
    }
}

/* Far more than the stream's queue and what may wait behind it. */
static void who_does_not_read_stored_chunks_is_waited_for(void **state)
{
    enum { CHUNKS = 26, SIZE = 3 << 20 };
    service_world *it = *state;
    skip_under_tsan();
    declare(it, (task_declaration){.name = "much", .is_durable = true});
    id_text run = trigger(it, "much", "{}");
    rpc_stream *stream = watch(it, of_run(&run));
    char *text = malloc(SIZE + 1);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    for (int i = 0; i < CHUNKS; i++) {
        put_chunk(it, run, i, (cleat_slice){text, SIZE});
    }
    free(text);
    cancel_run(it, run);
    for (int i = 0; i < CHUNKS; i++) {
        happening *event = next_happening(stream);
        assert_int_equal(event->event_index, i);
        assert_true(event->cleat_is_stored);
        assert_int_equal(strlen(event->event_payload), SIZE);
        cleat__message_free(event);
    }
    assert_next(stream, run, "task CANCELLED");
    assert_next(stream, run, "run CANCELLED hangup");
    assert_end(stream, GRPC_STATUS_OK, "");
}

/* Who is gone while chunks wait for room. */
static void who_goes_without_reading_is_forgotten(void **state)
{
    enum { CHUNKS = 5, SIZE = 2000000 };
    service_world *it = *state;
    skip_under_tsan();
    declare(it, (task_declaration){.name = "left", .is_durable = true});
    id_text run = trigger(it, "left", "{}");
    char *text = malloc(SIZE + 1);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    for (int i = 0; i < CHUNKS; i++) {
        put_chunk(it, run, i, (cleat_slice){text, SIZE});
    }
    free(text);
    for (int i = 0; i < 5; i++) {
        rpc_stream *stream = watch(it, of_run(&run));
        for (int read = 0; read < i; read++) {
            cleat__message_free(next_happening(stream));
        }
        stop_listening(stream);
    }
    rpc_stream *stream = watch(it, of_run(&run));
    for (int i = 0; i < CHUNKS; i++) {
        happening *event = next_happening(stream);
        assert_int_equal(event->event_index, i);
        cleat__message_free(event);
    }
    stop_listening(stream);
}

static void streams_end_with_the_server(void **state)
{
    enum { STREAMS = 20 };
    service_world *it = *state;
    declare(it, (task_declaration){.name = "long"});
    id_text run = trigger(it, "long", "{}");
    rpc_stream *streams[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        streams[i] = watch(it, i % 2 == 0 ? of_run(&run) : of_metadata("k", "v"));
    }
    for (int i = 0; i < STREAMS / 2; i++) {
        stop_listening(streams[i]);
    }
    cleat__server_stop(it->server, 300000);
    for (int i = STREAMS / 2; i < STREAMS; i++) {
        assert_end(streams[i], GRPC_STATUS_UNAVAILABLE, "");
    }
    rpc_client_free(it->client);
    world_serve(it);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_run_is_watched_to_its_end),
        TEST(failures_and_cancellations_hang_up_too),
        TEST(runs_are_watched_by_their_metadata),
        TEST(what_is_asked_must_be_clear),
        TEST(a_burst_is_told_in_full),
        TEST(who_does_not_read_is_told_so),
        TEST(chunks_of_durable_runs_are_told_from_the_first),
        TEST(who_does_not_read_stored_chunks_is_waited_for),
        TEST(who_goes_without_reading_is_forgotten),
        TEST(streams_end_with_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
