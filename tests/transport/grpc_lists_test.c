/* Lists over the HTTP side of a server: what is asked, and how what is answered is read. */
#include "support/http_sink.h"
#include "transport/grpc_test.h"

#define TENANT "01890000-0000-7000-8000-0000000000ff"
#define ROW    "{\"metadata\":{\"id\":\"" MOCK_RUN_ID "\"}"

/* A transport whose HTTP side gives these answers. */
static http_sink *open_http(fixture *it, const http_answer *answers, size_t count, const char *prefix)
{
    http_sink *sink = http_sink_start();
    cleat__remote_settings settings = mock_settings(&it->engine);
    http_sink_answer(sink, answers, count);
    cleat__free(settings.api_url);
    cleat__free(settings.tenant_id);
    settings.api_url = cleat__strdup(http_sink_url(sink, ""));
    settings.tenant_id = cleat__strdup(TENANT);
    cleat__free(settings.prefix);
    settings.prefix = cleat__strdup(prefix);
    settings.call_timeout_ms = 300000;
    reopen(it, settings);
    return sink;
}

static void assert_asked(http_sink *sink, size_t index, const char *line)
{
    const char *head = http_sink_request(sink, index).head;
    if (strncmp(head, line, strlen(line)) != 0) {
        fail_msg("request %zu is \"%.400s\" instead of \"%s...\"", index, head, line);
    }
}

/* ---- Runs ---- */

static void test_runs_are_asked_for(void **state)
{
    fixture *it = *state;
    static const char *const pairs[] = {"a b:c&d=+%", "n:7"};
    const cleat__uuid id = uuid_of(MOCK_RUN_ID);
    const cleat__run_page page = {.what = {.statuses = 1U << CLEAT_RUN_RUNNING | 1U << CLEAT_RUN_EVICTED,
                                           .since_ms = 1,
                                           .until_ms = INT64_MAX - 1,
                                           .metadata = pairs,
                                           .metadata_count = 2},
                                  .parent = &id,
                                  .event = &id,
                                  .offset = 3,
                                  .limit = 4};
    cleat_run_list list = {0};
    const http_answer answer = {.body = cleat_slice_of("{\"rows\":[]}")};
    http_sink *sink = open_http(it, &answer, 1, "");
    assert_ok(it->transport->runs(it->transport, &page, &list));
    assert_int_equal(list.count, 0);
    assert_asked(sink, 0,
                 "GET /api/v1/stable/tenants/" TENANT "/workflow-runs?only_tasks=false&offset=3&limit=4"
                 "&parent_task_external_id=" MOCK_RUN_ID "&triggering_event_external_id=" MOCK_RUN_ID
                 "&since=1970-01-01T00%3A00%3A00.001Z&until=9999-12-31T23%3A59%3A59.999Z&statuses=RUNNING"
                 "&additional_metadata=a%20b%3Ac%26d%3D%2B%25&additional_metadata=n%3A7 ");
    http_sink_stop(sink);
}

static void test_runs_are_read(void **state)
{
    fixture *it = *state;
    const cleat__run_page page = {.what = {.until_ms = INT64_MAX}, .limit = 9};
    cleat_run_list list = {0};
    const http_answer answer = {
        .body = cleat_slice_of(
            "{\"rows\":[" ROW ",\"workflowName\":\"caf\\u00e9\",\"status\":\"FAILED\",\"retryCount\":2,"
            "\"createdAt\":\"1970-01-01T00:00:01Z\",\"startedAt\":\"1970-01-01T00:00:02.5+00:00\","
            "\"finishedAt\":\"1970-01-01T00:00:03.123456Z\",\"additionalMetadata\":{\"n\":"
            "12345678901234567890},"
            "\"errorMessage\":\"{\\\"message\\\":\\\"lost\\\"}\",\"parentTaskExternalId\":\"" MOCK_RUN_ID
            "\"}," ROW ",\"workflowName\":\"b\",\"status\":\"RUNNING\",\"isEvicted\":true,"
            "\"createdAt\":\"1970-01-01T00:00:01Z\",\"startedAt\":\"0001-01-01T00:00:00Z\","
            "\"finishedAt\":null}]}")};
    http_sink *sink = open_http(it, &answer, 1, "");
    assert_ok(it->transport->runs(it->transport, &page, &list));
    assert_int_equal(list.count, 2);
    const cleat_run_entry *entry = &list.items[0];
    assert_string_equal(entry->id.text, MOCK_RUN_ID);
    assert_string_equal(entry->parent.text, MOCK_RUN_ID);
    assert_string_equal(entry->workflow, "caf\xc3\xa9");
    assert_int_equal(entry->status, CLEAT_RUN_FAILED);
    assert_int_equal(entry->retry_count, 2);
    assert_int_equal(entry->created_at_ms, 1000);
    assert_int_equal(entry->started_at_ms, 2500);
    assert_int_equal(entry->finished_at_ms, 3123);
    assert_string_equal(entry->metadata, "{\"n\":12345678901234567890}");
    assert_string_equal(entry->error, "lost");
    entry = &list.items[1];
    assert_int_equal(entry->status, CLEAT_RUN_EVICTED);
    assert_int_equal(entry->started_at_ms, 0);
    assert_int_equal(entry->finished_at_ms, 0);
    assert_string_equal(entry->metadata, "{}");
    assert_string_equal(entry->parent.text, "");
    assert_null(entry->error);
    cleat_run_list_deinit(&list);
    http_sink_stop(sink);
}

/* ---- Events ---- */

static void test_events_are_asked_for(void **state)
{
    fixture *it = *state;
    static const char *const keys[] = {"Order paid", "ns_b", NULL}, *const scopes[] = {"a/b", NULL};
    static const char *const pairs[] = {"n:7", NULL};
    const cleat__uuid id = uuid_of(MOCK_RUN_ID);
    const cleat__event_page page = {.keys = keys,
                                    .scopes = scopes,
                                    .metadata = pairs,
                                    .ids = &id,
                                    .id_count = 1,
                                    .statuses = 1U << CLEAT_RUN_FAILED,
                                    .until_ms = 5,
                                    .offset = 3,
                                    .limit = 4};
    cleat_event_list list = {0};
    const http_answer answer = {
        .body = cleat_slice_of("{\"rows\":[" ROW ",\"key\":\"ns_a\"}," ROW ",\"key\":\"b\"}]}")};
    http_sink *sink = open_http(it, &answer, 1, "ns_");
    assert_ok(it->transport->events(it->transport, &page, &list));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].key, "a");
    assert_string_equal(list.items[1].key, "b");
    cleat_event_list_deinit(&list);
    assert_asked(sink, 0,
                 "GET /api/v1/stable/tenants/" TENANT
                 "/events?offset=3&limit=4&since=1970-01-01T00%3A00%3A00.000Z"
                 "&until=1970-01-01T00%3A00%3A00.005Z&keys=ns_Order%20paid&keys=ns_b&scopes=a%2Fb"
                 "&additionalMetadata=n%3A7&eventIds=" MOCK_RUN_ID "&workflowRunStatuses=FAILED ");
    http_sink_stop(sink);
}

static void test_events_are_read(void **state)
{
    fixture *it = *state;
    const cleat__event_page page = {.until_ms = INT64_MAX, .limit = 9};
    cleat_event_list list = {0};
    const http_answer answer = {
        .body = cleat_slice_of(
            "{\"rows\":[" ROW
            ",\"key\":\"caf\\u00e9\",\"scope\":\"s\",\"payload\":{\"n\":12345678901234567890},"
            "\"seenAt\":\"1970-01-01T00:00:01Z\",\"triggeredRuns\":[{\"workflowRunId\":\"" MOCK_RUN_ID "\"},"
            "{\"workflowRunId\":\"" TENANT "\",\"filterId\":\"" TENANT "\"}]}," ROW
            ",\"key\":\"b\",\"scope\":null,\"triggeredRuns\":null}]}")};
    http_sink *sink = open_http(it, &answer, 1, "");
    assert_ok(it->transport->events(it->transport, &page, &list));
    assert_int_equal(list.count, 2);
    const cleat_event_entry *entry = &list.items[0];
    assert_string_equal(entry->id.text, MOCK_RUN_ID);
    assert_string_equal(entry->key, "caf\xc3\xa9");
    assert_string_equal(entry->scope, "s");
    assert_string_equal(entry->payload, "{\"n\":12345678901234567890}");
    assert_string_equal(entry->metadata, "{}");
    assert_int_equal(entry->pushed_at_ms, 1000);
    assert_int_equal(entry->run_count, 2);
    assert_string_equal(entry->runs[0].text, MOCK_RUN_ID);
    assert_string_equal(entry->runs[1].text, TENANT);
    assert_null(list.items[1].scope);
    assert_int_equal(list.items[1].run_count, 0);
    cleat_event_list_deinit(&list);
    http_sink_stop(sink);
}

/* ---- Log lines ---- */

static void test_log_lines_are_asked_for_and_read(void **state)
{
    fixture *it = *state;
    const cleat__uuid id = uuid_of(MOCK_RUN_ID);
    const cleat__log_page page = {.since_ms = 1,
                                  .until_ms = 2,
                                  .levels = 1U << CLEAT_LOG_ERROR | 1U << CLEAT_LOG_DEBUG,
                                  .attempt = 3,
                                  .search = {"a b", 3},
                                  .is_newest_first = true,
                                  .offset = 1,
                                  .limit = 2};
    const cleat__log_page too_many = {.until_ms = INT64_MAX, .offset = 9001, .limit = 1000};
    cleat_log_list list = {0};
    const http_answer answer = {
        .body = cleat_slice_of("{\"rows\":[{\"message\":\"left out\"},"
                               "{\"message\":\"caf\\u00e9\",\"level\":\"DEBUG\",\"retryCount\":2,"
                               "\"createdAt\":\"1970-01-01T00:00:01Z\",\"metadata\":{\"n\":7}},"
                               "{\"message\":\"\"}]}")};
    http_sink *sink = open_http(it, &answer, 1, "");
    assert_ok(it->transport->logs(it->transport, &id, &page, &list));
    assert_asked(sink, 0,
                 "GET /api/v1/stable/tasks/" MOCK_RUN_ID "/logs?limit=3&order_by_direction=DESC"
                 "&since=1970-01-01T00%3A00%3A00.001Z&until=1970-01-01T00%3A00%3A00.002Z&levels=ERROR"
                 "&levels=DEBUG&attempt=3&search=a%20b ");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].message, "caf\xc3\xa9");
    assert_int_equal(list.items[0].level, CLEAT_LOG_DEBUG);
    assert_int_equal(list.items[0].attempt, 3);
    assert_int_equal(list.items[0].time_ms, 1000);
    assert_string_equal(list.items[0].metadata, "{\"n\":7}");
    assert_int_equal(list.items[1].level, CLEAT_LOG_INFO);
    assert_int_equal(list.items[1].attempt, 1);
    cleat_log_list_deinit(&list);
    assert_refused(it->transport->logs(it->transport, &id, &too_many, &list), CLEAT_INVALID_ARGUMENT,
                   "10000");
    http_sink_stop(sink);
}

/* ---- Figures ---- */

static void test_counts_of_runs_are_read(void **state)
{
    fixture *it = *state;
    const cleat__many_runs any = {.until_ms = INT64_MAX};
    cleat_run_metrics found = {0};
    const http_answer answers[] = {
        {.body =
             cleat_slice_of("[{\"status\":\"QUEUED\",\"count\":1},{\"status\":\"RUNNING\",\"count\":7,"
                            "\"runningDetailCount\":{\"evicted\":5,\"onWorker\":2}},"
                            "{\"status\":\"COMPLETED\",\"count\":3},{\"status\":\"CANCELLED\",\"count\":4},"
                            "{\"status\":\"FAILED\",\"count\":6}]")},
        {.body = cleat_slice_of("[{\"status\":\"RUNNING\",\"count\":7}]")}};
    http_sink *sink = open_http(it, answers, 2, "");
    assert_ok(it->transport->run_metrics(it->transport, &any, &found));
    assert_asked(sink, 0,
                 "GET /api/v1/stable/tenants/" TENANT "/task-metrics?since=1970-01-01T00%3A00%3A00.000Z ");
    assert_int_equal(found.queued, 1);
    assert_int_equal(found.running, 2);
    assert_int_equal(found.evicted, 5);
    assert_int_equal(found.completed, 3);
    assert_int_equal(found.cancelled, 4);
    assert_int_equal(found.failed, 6);
    found = (cleat_run_metrics){0};
    assert_ok(it->transport->run_metrics(it->transport, &any, &found));
    assert_int_equal(found.running, 7);
    assert_int_equal(found.evicted, 0);
    http_sink_stop(sink);
}

static void test_counts_of_queues_are_read(void **state)
{
    fixture *it = *state;
    cleat_queue_metrics found = {0};
    const http_answer answer = {
        .body = cleat_slice_of(
            "{\"send\":{\"queued\":{\"total\":3,\"queues\":{\"ns_sms:send\":1,\"mail:send\":2},"
            "\"oldestOfQueues\":{\"mail:send\":\"1970-01-01T00:00:02Z\"},"
            "\"oldest\":\"1970-01-01T00:00:01Z\"},"
            "\"running\":{\"total\":1,\"queues\":{\"mail:send\":1,\"none\":0},"
            "\"oldest\":\"1970-01-01T00:00:03Z\"}},\"quiet\":{}}")};
    http_sink *sink = open_http(it, &answer, 1, "ns_");
    assert_ok(it->transport->queue_metrics(it->transport, &found));
    assert_asked(sink, 0, "GET /api/v1/tenants/" TENANT "/task-stats ");
    assert_int_equal(found.count, 2);
    assert_string_equal(found.items[0].task, "mail:send");
    assert_int_equal(found.items[0].queued, 2);
    assert_int_equal(found.items[0].running, 1);
    assert_int_equal(found.items[0].oldest_queued_at_ms, 2000);
    assert_int_equal(found.items[0].oldest_running_at_ms, 3000);
    assert_string_equal(found.items[1].task, "sms:send");
    assert_int_equal(found.items[1].queued, 1);
    assert_int_equal(found.items[1].oldest_queued_at_ms, 1000);
    cleat_queue_metrics_deinit(&found);
    http_sink_stop(sink);
}

/* ---- Rate limits ---- */

static void test_rate_limits_are_asked_for_and_read(void **state)
{
    fixture *it = *state;
    cleat_rate_limit_list list = {0};
    const http_answer answers[] = {
        {.body = cleat_slice_of("{\"rows\":[{\"key\":\"caf\\u00e9\",\"limitValue\":9,\"value\":4,"
                                "\"window\":\"1 HOUR\",\"lastRefill\":\"1970-01-01T00:00:01Z\"},"
                                "{\"key\":\"b\",\"limitValue\":1,\"value\":0,\"window\":\"3 HOURS\"}]}")},
        {.status = 204}};
    http_sink *sink = open_http(it, answers, 2, "");
    assert_ok(it->transport->rate_limits(it->transport, cleat_slice_of("a b"), 3, 4, &list));
    assert_asked(sink, 0,
                 "GET /api/v1/tenants/" TENANT "/rate-limits?offset=3&limit=4&orderByField=key"
                 "&orderByDirection=asc&search=a%20b ");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].key, "caf\xc3\xa9");
    assert_int_equal(list.items[0].limit, 9);
    assert_int_equal(list.items[0].value, 4);
    assert_int_equal(list.items[0].duration, CLEAT_PER_HOUR);
    assert_int_equal(list.items[0].refilled_at_ms, 1000);
    assert_int_equal(list.items[1].duration, 0);
    cleat_rate_limit_list_deinit(&list);
    assert_ok(it->transport->delete_rate_limit(it->transport, cleat_slice_of("a&b")));
    assert_asked(sink, 1, "DELETE /api/v1/tenants/" TENANT "/rate-limits?key=a%26b ");
    http_sink_stop(sink);
}

/* ---- What is none ---- */

static cleat_status count_runs(cleat__transport *transport)
{
    const cleat__many_runs any = {.until_ms = INT64_MAX};
    cleat_run_metrics found = {0};
    return transport->run_metrics(transport, &any, &found);
}

static cleat_status count_queues(cleat__transport *transport)
{
    cleat_queue_metrics found = {0};
    cleat_status status = transport->queue_metrics(transport, &found);
    cleat_queue_metrics_deinit(&found);
    return status;
}

static cleat_status list_limits(cleat__transport *transport)
{
    cleat_rate_limit_list list = {0};
    cleat_status status = transport->rate_limits(transport, (cleat_slice){NULL, 0}, 0, 9, &list);
    cleat_rate_limit_list_deinit(&list);
    return status;
}

static cleat_status list_logs(cleat__transport *transport)
{
    const cleat__log_page page = {.until_ms = INT64_MAX, .limit = 9};
    const cleat__uuid id = uuid_of(MOCK_RUN_ID);
    cleat_log_list list = {0};
    cleat_status status = transport->logs(transport, &id, &page, &list);
    cleat_log_list_deinit(&list);
    return status;
}

static cleat_status list_events(cleat__transport *transport)
{
    const cleat__event_page page = {.until_ms = INT64_MAX, .limit = 9};
    cleat_event_list list = {0};
    cleat_status status = transport->events(transport, &page, &list);
    cleat_event_list_deinit(&list);
    return status;
}

static cleat_status list_runs(cleat__transport *transport)
{
    const cleat__run_page page = {.what = {.until_ms = INT64_MAX}, .limit = 9};
    cleat_run_list list = {0};
    cleat_status status = transport->runs(transport, &page, &list);
    cleat_run_list_deinit(&list);
    return status;
}

#define RUN ROW ",\"workflowName\":\"b\",\"status\":\"QUEUED\""

static const struct {
    cleat_status (*list)(cleat__transport *transport);
    const char *body;
} nones[] = {
    {list_runs, ""},
    {list_runs, "[]"},
    {list_runs, "{\"rows\":7}"},
    {list_runs, "{\"rows\":[7]}"},
    {list_runs, "{\"rows\":[{}]}"},
    {list_runs, "{\"rows\":[" ROW ",\"workflowName\":\"b\"}]}"},
    {list_runs, "{\"rows\":[" ROW ",\"workflowName\":\"b\",\"status\":\"ASLEEP\"}]}"},
    {list_runs, "{\"rows\":[" ROW ",\"status\":\"QUEUED\"}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"createdAt\":\"noon\"}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"startedAt\":7}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"retryCount\":-1}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"retryCount\":1.5}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"retryCount\":9999999999}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"retryCount\":9999999999999999999}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"additionalMetadata\":[]}]}"},
    {list_runs, "{\"rows\":[" RUN ",\"parentTaskExternalId\":\"mother\"}]}"},
    {list_events, "{\"rows\":{}}"},
    {list_events, "{\"rows\":[{\"key\":\"a\"}]}"},
    {list_events, "{\"rows\":[" ROW "}]}"},
    {list_events, "{\"rows\":[" ROW ",\"key\":\"a\",\"payload\":7}]}"},
    {list_events, "{\"rows\":[" ROW ",\"key\":\"a\",\"seenAt\":\"noon\"}]}"},
    {list_events, "{\"rows\":[" ROW ",\"key\":\"a\",\"triggeredRuns\":{}}]}"},
    {list_events, "{\"rows\":[" ROW ",\"key\":\"a\",\"triggeredRuns\":[{}]}]}"},
    {list_events, "{\"rows\":[" ROW ",\"key\":\"a\",\"triggeredRuns\":[{\"workflowRunId\":\"b\"}]}]}"},
    {count_runs, ""},
    {count_runs, "{}"},
    {count_runs, "[7]"},
    {count_runs, "[{\"status\":\"ASLEEP\",\"count\":1}]"},
    {count_runs, "[{\"status\":\"QUEUED\",\"count\":\"1\"}]"},
    {count_runs, "[{\"status\":\"RUNNING\",\"count\":1,\"runningDetailCount\":{\"evicted\":-1}}]"},
    {count_queues, "[]"},
    {count_queues, "{\"a\":{\"queued\":{\"queues\":{\"a:a\":-1}}}}"},
    {count_queues, "{\"a\":{\"running\":{\"queues\":{\"a:a\":1},\"oldest\":\"noon\"}}}"},
    {list_limits, "{\"rows\":7}"},
    {list_limits, "{\"rows\":[{}]}"},
    {list_limits, "{\"rows\":[{\"key\":\"a\",\"limitValue\":1,\"value\":1}]}"},
    {list_limits, "{\"rows\":[{\"key\":\"a\",\"limitValue\":2147483648,\"window\":\"1 DAY\"}]}"},
    {list_limits, "{\"rows\":[{\"key\":\"a\",\"value\":-1,\"window\":\"1 DAY\"}]}"},
    {list_limits, "{\"rows\":[{\"key\":\"a\",\"window\":\"1 DAY\",\"lastRefill\":\"noon\"}]}"},
    {list_logs, "{\"rows\":\"none\"}"},
    {list_logs, "{\"rows\":[{}]}"},
    {list_logs, "{\"rows\":[{\"message\":7}]}"},
    {list_logs, "{\"rows\":[{\"message\":\"a\",\"level\":\"LOUD\"}]}"},
    {list_logs, "{\"rows\":[{\"message\":\"a\",\"level\":3}]}"},
    {list_logs, "{\"rows\":[{\"message\":\"a\",\"createdAt\":\"noon\"}]}"},
    {list_logs, "{\"rows\":[{\"message\":\"a\",\"retryCount\":2147483647}]}"},
    {list_logs, "{\"rows\":[{\"message\":\"a\",\"metadata\":7}]}"},
};
enum { NONES = sizeof(nones) / sizeof(nones[0]) };

static void test_lists_that_are_none(void **state)
{
    fixture *it = *state;
    http_answer answers[NONES] = {{.status = 0}};
    for (size_t i = 0; i < NONES; i++) {
        answers[i].body = cleat_slice_of(nones[i].body);
    }
    http_sink *sink = open_http(it, answers, NONES, "");
    for (size_t i = 0; i < NONES; i++) {
        if (nones[i].list(it->transport) != CLEAT_INVALID_ARGUMENT) {
            fail_msg("%s is taken", nones[i].body);
        }
    }
    http_sink_stop(sink);
}

static void test_a_question_that_is_too_long(void **state)
{
    fixture *it = *state;
    const cleat__run_page page = {.what = {.until_ms = INT64_MAX}, .limit = 9};
    cleat_run_list list = {0};
    const http_answer answer = {
        .status = 414, .body = cleat_slice_of("{\"errors\":[{\"description\":\"too many arguments\"}]}")};
    http_sink *sink = open_http(it, &answer, 1, "");
    assert_refused(it->transport->runs(it->transport, &page, &list), CLEAT_TOO_LARGE, "too many arguments");
    assert_int_equal(list.count, 0);
    http_sink_stop(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_runs_are_asked_for),
        TEST(test_runs_are_read),
        TEST(test_events_are_asked_for),
        TEST(test_events_are_read),
        TEST(test_log_lines_are_asked_for_and_read),
        TEST(test_counts_of_runs_are_read),
        TEST(test_counts_of_queues_are_read),
        TEST(test_rate_limits_are_asked_for_and_read),
        TEST(test_lists_that_are_none),
        TEST(test_a_question_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
