/* The REST API's spans of a run: those of the trace that its newest attempt is in. */
#include "stored_spans.h"

#define SPANS  "/api/v1/stable/tenants/{tenant}/traces?run_external_id=%s"
#define RUN_ID "0190a000-0000-7000-8000-000000000011"
#define FIRST  "4bf92f3577b34da6a3ce929d0e0e4736"
#define SECOND "5bf92f3577b34da6a3ce929d0e0e4736"
#define RESOURCE \
    "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]}"
#define SCOPE "\"scope\":{\"name\":\"hatchet\",\"version\":\"1\"}"

/* A trace of a root, and of the span of an attempt of the run, which failed. */
#define TRACE(id, retry)                                                                                     \
    "{\"resourceSpans\":[{" RESOURCE ",\"scopeSpans\":[{" SCOPE ",\"spans\":["                               \
    "{\"traceId\":\"" id "\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"order\",\"kind\":4,"                 \
    "\"startTimeUnixNano\":\"1783756800000000000\",\"endTimeUnixNano\":\"1783756800000000007\"},"            \
    "{\"traceId\":\"" id "\",\"spanId\":\"00f067aa0ba902b8\",\"parentSpanId\":\"00f067aa0ba902b7\","         \
    "\"name\":\"hatchet.start_step_run\",\"kind\":5,\"status\":{\"code\":2,\"message\":\"no luck\"},"        \
    "\"startTimeUnixNano\":\"1783756801000000000\",\"endTimeUnixNano\":\"1783756802000000000\","             \
    "\"attributes\":[{\"key\":\"hatchet.workflow_run_id\",\"value\":{\"stringValue\":\"" RUN_ID "\"}},"      \
    "{\"key\":\"hatchet.retry_count\",\"value\":{\"intValue\":\"" retry "\"}},"                              \
    "{\"key\":\"cold\",\"value\":{\"boolValue\":true}},{\"key\":\"share\",\"value\":{\"doubleValue\":0.5}}," \
    "{\"key\":\"tags\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"}]}}}]}]}]}]}"

static void spans_are_told_in_full(void **state)
{
    rest_world *it = *state;
    store_spans(it, 1, TRACE(FIRST, "0"));
    json_t *list = get(it, URL(SPANS, RUN_ID));
    assert_int_equal(count_at(list, "rows"), 2);
    assert_string_equal(text_at(list, "rows.0.spanName"), "order");
    assert_string_equal(text_at(list, "rows.0.spanKind"), "PRODUCER");
    assert_string_equal(text_at(list, "rows.0.statusCode"), "UNSET");
    assert_string_equal(text_at(list, "rows.0.createdAt"), "2026-07-11T08:00:00.000Z");
    assert_int_equal(int_at(list, "rows.0.durationNs"), 7);
    assert_int_equal(int_at(list, "rows.0.retryCount"), 0);
    assert_null(at(list, "rows.0.parentSpanId"));
    const json_t *span = at(list, "rows.1");
    assert_string_equal(text_at(span, "traceId"), FIRST);
    assert_string_equal(text_at(span, "spanId"), "00f067aa0ba902b8");
    assert_string_equal(text_at(span, "parentSpanId"), "00f067aa0ba902b7");
    assert_string_equal(text_at(span, "spanKind"), "CONSUMER");
    assert_string_equal(text_at(span, "serviceName"), "shop");
    assert_string_equal(text_at(span, "statusCode"), "ERROR");
    assert_string_equal(text_at(span, "statusMessage"), "no luck");
    assert_string_equal(text_at(span, "scopeName"), "hatchet");
    assert_string_equal(text_at(span, "scopeVersion"), "1");
    assert_string_equal(json_string_value(json_object_get(at(span, "resourceAttributes"), "service.name")),
                        "shop");
    assert_string_equal(text_at(span, "spanAttributes.cold"), "true");
    assert_string_equal(text_at(span, "spanAttributes.share"), "0.5");
    assert_non_null(strstr(text_at(span, "spanAttributes.tags"), "\"a\""));
    assert_string_equal(json_string_value(json_object_get(at(span, "spanAttributes"), "hatchet.retry_count")),
                        "0");
    json_decref(list);
    list = get(it, URL(SPANS "&limit=1&offset=1", RUN_ID));
    assert_int_equal(count_at(list, "rows"), 1);
    assert_string_equal(text_at(list, "rows.0.spanId"), "00f067aa0ba902b8");
    assert_int_equal(int_at(list, "pagination.num_pages"), 2);
    json_decref(list);
}

static void of_several_attempts_the_newest_counts(void **state)
{
    rest_world *it = *state;
    store_spans(it, 1, TRACE(SECOND, "1"));
    store_spans(it, 1, TRACE(FIRST, "0"));
    json_t *list = get(it, URL(SPANS, RUN_ID));
    assert_int_equal(count_at(list, "rows"), 2);
    assert_string_equal(text_at(list, "rows.0.traceId"), SECOND);
    assert_int_equal(int_at(list, "rows.1.retryCount"), 1);
    json_decref(list);
}

static void runs_without_spans_and_of_others_have_no_trace(void **state)
{
    rest_world *it = *state;
    store_spans(it, 2, TRACE(FIRST, "0"));
    json_t *answer = ask_json(it, (asking){1, "GET", URL(SPANS, RUN_ID), NULL, 404});
    assert_string_equal(text_at(answer, "errors.0.description"), "trace not found");
    json_decref(answer);
    expect_400(it, "GET", "/api/v1/stable/tenants/{tenant}/traces", NULL, "run_external_id");
    expect_400(it, "GET", URL(SPANS, "x"), NULL, "run_external_id");
    expect_400(it, "GET", URL(SPANS "&limit=0", RUN_ID), NULL, "limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(spans_are_told_in_full),
        REST_TEST(of_several_attempts_the_newest_counts),
        REST_TEST(runs_without_spans_and_of_others_have_no_trace),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
