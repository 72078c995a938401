/* Runs at a time over the HTTP side of a server: what is sent, what is taken back, and how lists are read. */
#include "base/thread.h"
#include "support/http_sink.h"
#include "transport/grpc_test.h"

#define TENANT "01890000-0000-7000-8000-0000000000ff"
#define MADE   "{\"metadata\":{\"id\":\"" MOCK_RUN_ID "\"},\"input\":{\"n\":12345678901234567890}}"

static const cleat__schedule schedule = {.workflow = {"a", 1}, .input = {"{}", 2}};
static const int64_t times[] = {4102444800000, 4102444800001, 4102444800002};

/* A transport whose HTTP side is at `url`. */
static void open_http(fixture *it, const char *url)
{
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__free(settings.api_url);
    cleat__free(settings.tenant_id);
    settings.api_url = cleat__strdup(url);
    settings.tenant_id = cleat__strdup(TENANT);
    settings.call_timeout_ms = 300000;
    reopen(it, settings);
}

static void assert_asked(http_sink *sink, size_t index, const char *line)
{
    const char *head = http_sink_request(sink, index).head;
    if (strncmp(head, line, strlen(line)) != 0) {
        fail_msg("request %zu is \"%.60s\" instead of \"%s...\"", index, head, line);
    }
}

static void test_many_go_over_one_connection(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[3], expected = uuid_of(MOCK_RUN_ID);
    const http_answer answer = {.body = cleat_slice_of(MADE)};
    http_sink *sink = http_sink_start();
    http_sink_answer(sink, &answer, 1);
    open_http(it, http_sink_url(sink, ""));
    assert_ok(it->transport->schedule(it->transport, &schedule, times, 3, ids));
    assert_true(cleat__uuid_equals(&ids[2], &expected));
    assert_int_equal(http_sink_requests(sink), 3);
    assert_int_equal(http_sink_connections(sink), 1);
    http_sink_stop(sink);
}

static void test_what_was_made_is_taken_back(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[3];
    const http_answer answers[] = {{.body = cleat_slice_of(MADE)},
                                   {.body = cleat_slice_of(MADE)},
                                   {.status = 429, .body = cleat_slice_of("{}")},
                                   {.status = 204}};
    http_sink *sink = http_sink_start();
    http_sink_answer(sink, answers, 4);
    open_http(it, http_sink_url(sink, ""));
    assert_refused(it->transport->schedule(it->transport, &schedule, times, 3, ids), CLEAT_RESOURCE_EXHAUSTED,
                   "429");
    assert_int_equal(http_sink_requests(sink), 5);
    assert_asked(sink, 3, "DELETE /api/v1/tenants/" TENANT "/workflows/scheduled/" MOCK_RUN_ID);
    assert_asked(sink, 4, "DELETE ");
    http_sink_stop(sink);
}

/* A server that hangs is not asked once more for each of them. */
static void test_taking_back_ends_where_nobody_answers(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[3];
    const http_answer answers[] = {
        {.body = cleat_slice_of(MADE)}, {.body = cleat_slice_of(MADE)}, {.closes = true}};
    http_sink *sink = http_sink_start();
    http_sink_answer(sink, answers, 3);
    open_http(it, http_sink_url(sink, ""));
    assert_refused(it->transport->schedule(it->transport, &schedule, times, 3, ids), CLEAT_UNAVAILABLE,
                   "2 of 2 schedules were made, and could not be taken back");
    assert_true(http_sink_requests(sink) <= 6); /* libcurl may ask twice where a connection is closed */
    http_sink_stop(sink);
}

static void test_nobody_at_the_http_side(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[2];
    cleat_schedule_list list = {0};
    open_http(it, "http://127.0.0.1:1");
    assert_ok(it->transport->schedule(it->transport, &schedule, times, 2, ids));
    Cleat__ScheduleWorkflowRequest *said = mock_message(&it->engine, MOCK_SCHEDULE, 0);
    assert_int_equal(said->n_schedules, 2);
    cleat__message_free(said);
    assert_refused(it->transport->schedules(it->transport, 0, 10, &list), CLEAT_UNAVAILABLE,
                   "HATCHET_CLIENT_API_URL");
    assert_refused(it->transport->unschedule(it->transport, &ids[0]), CLEAT_UNAVAILABLE,
                   "HATCHET_CLIENT_API_URL");
}

static void test_one_that_was_not_made_over_http(void **state)
{
    fixture *it = *state;
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    const http_answer answer = {.status = 403, .body = cleat_slice_of("{\"description\":\"made by code\"}")};
    http_sink *sink = http_sink_start();
    http_sink_answer(sink, &answer, 1);
    open_http(it, http_sink_url(sink, ""));
    assert_refused(it->transport->unschedule(it->transport, &id), CLEAT_FAILED_PRECONDITION, "made by code");
    http_sink_stop(sink);
}

/* Payloads come as they were written, whatever numbers are in them. */
static void test_a_list_keeps_payloads(void **state)
{
    fixture *it = *state;
    cleat_schedule_list list = {0};
    static const char body[] =
        " {\"rows\":[{\"metadata\":{\"id\":\"" MOCK_RUN_ID "\"},\"workflowName\":\"caf\\u00e9\","
        "\"triggerAt\":\"2100-01-01T00:00:00.005Z\",\"priority\":2,"
        "\"input\":{\"n\":12345678901234567890, \"x\":0.1},\"additionalMetadata\":null},"
        "{\"metadata\":{\"id\":\"" MOCK_RUN_ID "\"},\"workflowName\":\"b\","
        "\"triggerAt\":\"2100-01-01T00:00:00Z\"}]}";
    const http_answer answer = {.body = cleat_slice_of(body)};
    http_sink *sink = http_sink_start();
    http_sink_answer(sink, &answer, 1);
    open_http(it, http_sink_url(sink, ""));
    assert_ok(it->transport->schedules(it->transport, 0, 10, &list));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].workflow, "caf\xc3\xa9");
    assert_string_equal(list.items[0].input, "{\"n\":12345678901234567890, \"x\":0.1}");
    assert_string_equal(list.items[0].metadata, "{}");
    assert_true(list.items[0].at_ms == 4102444800005);
    assert_int_equal(list.items[0].priority, 2);
    assert_int_equal(list.items[1].priority, 0);
    cleat_schedule_list_deinit(&list);
    http_sink_stop(sink);
}

static void test_lists_that_are_none(void **state)
{
    fixture *it = *state;
    static const char *const bodies[] = {
        "",
        "[]",
        "{\"rows\":7}",
        "{\"rows\":[7]}",
        "{\"rows\":[{}]}",
        "{\"rows\":[]",
        "{\"rows\":[{\"metadata\":{\"id\":\"" MOCK_RUN_ID
        "\"},\"workflowName\":\"b\",\"triggerAt\":\"noon\"}]}",
    };
    enum { BODIES = sizeof(bodies) / sizeof(bodies[0]) };
    http_answer answers[BODIES + 1] = {{.status = 0}};
    cleat_schedule_list list = {0};
    http_sink *sink = http_sink_start();
    for (size_t i = 0; i < BODIES; i++) {
        answers[i].body = cleat_slice_of(bodies[i]);
    }
    answers[BODIES].body = cleat_slice_of("{\"rows\": null}");
    http_sink_answer(sink, answers, BODIES + 1);
    open_http(it, http_sink_url(sink, ""));
    for (size_t i = 0; i < BODIES; i++) {
        assert_refused(it->transport->schedules(it->transport, 0, 10, &list), CLEAT_INVALID_ARGUMENT,
                       "schedule");
        cleat_schedule_list_deinit(&list);
    }
    assert_ok(it->transport->schedules(it->transport, 0, 10, &list));
    assert_int_equal(list.count, 0);
    cleat_schedule_list_deinit(&list);
    http_sink_stop(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_go_over_one_connection),
        TEST(test_what_was_made_is_taken_back),
        TEST(test_taking_back_ends_where_nobody_answers),
        TEST(test_nobody_at_the_http_side),
        TEST(test_one_that_was_not_made_over_http),
        TEST(test_a_list_keeps_payloads),
        TEST(test_lists_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
