/* OTLP JSON of peers: what it becomes, seen as the JSON that is written of it. */
#include "collector/json_request.h"

#include "otlp/json.h"
#include "otlp/received.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define TRACE "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"a1a2a3a4a5a6a7a8\""

static cleat_status encode(const char *json, cleat__otlp_received **out)
{
    cleat__buffer body = {0};
    *out = NULL;
    cleat_status status = cleat__json_request_encode(cleat_slice_of(json), &body);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&body);
        return status;
    }
    return cleat__otlp_received_new(&body, NULL, out);
}

static void assert_becomes(const char *json, const char *expected)
{
    cleat__otlp_received *received = NULL;
    cleat__buffer text = {0};
    if (encode(json, &received) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    assert_int_equal(received->rejected_spans, 0);
    cleat__json_batch(&text, &received->batch);
    cleat__buffer_append_byte(&text, 0);
    char *newline = strchr((char *)text.data, '\n');
    if (newline != NULL) {
        *newline = '\0';
    }
    assert_string_equal((char *)text.data, expected);
    cleat__buffer_deinit(&text);
    cleat__otlp_received_release(received);
}

/* A request whose only span has these members besides its ids. */
#define REQUEST(members) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" TRACE members "}]}]}]}"
/* Numbers that are zero are written. */
#define WRITTEN_AS(kind, start, members, status)                                                        \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[]},\"scopeSpans\":[{\"scope\":{\"name\":\"\"}," \
    "\"spans\":[{" TRACE ",\"name\":\"\",\"kind\":" kind ",\"startTimeUnixNano\":\"" start              \
    "\",\"endTimeUnixNano\":\"0\"" members ",\"status\":{" status "}}]}]}]}"
#define WRITTEN(members) WRITTEN_AS("0", "0", members, "")
#define VALUE(value)     ",\"attributes\":[{\"key\":\"k\",\"value\":{" value "}}]"

static void test_what_is_written_is_read(void **state)
{
    static const char all[] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"grün \\u0000 \\\"\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\","
        "\"version\":\"1\",\"attributes\":[{\"key\":\"a\",\"value\":{\"boolValue\":false}}]},"
        "\"spans\":[{" TRACE ",\"traceState\":\"a=1\",\"parentSpanId\":\"b1b2b3b4b5b6b7b8\",\"flags\":769,"
        "\"name\":\"buy\",\"kind\":5,\"startTimeUnixNano\":\"1700000000000000000\","
        "\"endTimeUnixNano\":\"1700000000000000001\",\"attributes\":["
        "{\"key\":\"i\",\"value\":{\"intValue\":\"-9223372036854775808\"}},"
        "{\"key\":\"d\",\"value\":{\"doubleValue\":0.1}},{\"key\":\"n\",\"value\":{\"doubleValue\":\"NaN\"}},"
        "{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"},{\"intValue\":\"1\"}]}"
        "}},"
        "{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"z\",\"value\":"
        "{\"bytesValue\":\"AAECAw==\"}}]}}}],\"droppedAttributesCount\":1,"
        "\"events\":[{\"timeUnixNano\":\"5\",\"name\":\"e\",\"attributes\":[{\"key\":\"k\",\"value\":"
        "{\"stringValue\":\"\"}}],\"droppedAttributesCount\":2}],\"droppedEventsCount\":3,"
        "\"links\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f11\",\"spanId\":\"a1a2a3a4a5a6a7a9\","
        "\"traceState\":\"b=2\",\"attributes\":[{\"key\":\"cleat.link.kind\",\"value\":"
        "{\"stringValue\":\"spawn\"}}],\"droppedAttributesCount\":4,\"flags\":257}],\"droppedLinksCount\":5,"
        "\"status\":{\"message\":\"it broke\",\"code\":2}}],\"schemaUrl\":\"https://s.test\"}],"
        "\"schemaUrl\":\"https://r.test\"}]}";
    (void)state;
    assert_becomes(all, all);
}

static void test_numbers_and_texts_are_alike(void **state)
{
    (void)state;
    assert_becomes(REQUEST(",\"startTimeUnixNano\":1700000000000000000,\"kind\":\"SPAN_KIND_SERVER\","
                           "\"status\":{\"code\":\"STATUS_CODE_OK\"}"),
                   WRITTEN_AS("2", "1700000000000000000", "", "\"code\":1"));
    assert_becomes(REQUEST(VALUE("\"intValue\":-7")), WRITTEN(VALUE("\"intValue\":\"-7\"")));
    assert_becomes(REQUEST(VALUE("\"intValue\":1e3")), WRITTEN(VALUE("\"intValue\":\"1000\"")));
    assert_becomes(REQUEST(VALUE("\"doubleValue\":\"-2.5\"")), WRITTEN(VALUE("\"doubleValue\":-2.5")));
    assert_becomes(REQUEST(VALUE("\"doubleValue\":3")), WRITTEN(VALUE("\"doubleValue\":3")));
    assert_becomes(REQUEST(VALUE("\"doubleValue\":\"-Infinity\"")),
                   WRITTEN(VALUE("\"doubleValue\":\"-Infinity\"")));
}

static void test_ids_in_either_case(void **state)
{
    (void)state;
    assert_becomes("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
                   "\"0102030405060708090A0B0C0D0E0F10\",\"spanId\":\"A1A2A3A4A5A6A7A8\"}]}]}]}",
                   WRITTEN(""));
}

static void test_base64_in_either_alphabet(void **state)
{
    (void)state;
    assert_becomes(REQUEST(VALUE("\"bytesValue\":\"-_-_\"")), WRITTEN(VALUE("\"bytesValue\":\"+/+/\"")));
    assert_becomes(REQUEST(VALUE("\"bytesValue\":\"AQ\"")), WRITTEN(VALUE("\"bytesValue\":\"AQ==\"")));
    assert_becomes(REQUEST(VALUE("\"bytesValue\":\"\"")), WRITTEN(VALUE("\"bytesValue\":\"\"")));
}

static void test_what_nobody_knows_is_passed_over(void **state)
{
    (void)state;
    assert_becomes("{\"later\":[{}],\"resourceSpans\":[{\"entityRefs\":1,\"scopeSpans\":[{\"spans\":[{" TRACE
                   ",\"name\":null,\"start_time_unix_nano\":\"no name of JSON\",\"later\":{\"a\":[1]}}]}]}]}",
                   WRITTEN(""));
}

static void test_ids_that_are_none_cost_one_span(void **state)
{
    static const char *const ids[] = {
        "\"traceId\":\"zz02030405060708090a0b0c0d0e0f10\",\"spanId\":\"a1a2a3a4a5a6a7a8\"",
        "\"traceId\":\"01020304050607080\",\"spanId\":\"a1a2a3a4a5a6a7a8\"",
        "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"\"",
        "\"traceId\":\"AQIDBAUGBwgJCgsMDQ4PEA==\",\"spanId\":\"oaKjpKWmp6g=\"", /* base64, as plain ProtoJSON */
        "\"spanId\":\"a1a2a3a4a5a6a7a8\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        cleat__buffer json = {0};
        cleat__otlp_received *received = NULL;
        cleat__buffer_append_format(
            &json, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{%s},{" TRACE "}]}]}]}", ids[i]);
        cleat__buffer_append_byte(&json, 0);
        assert_int_equal(encode((char *)json.data, &received), CLEAT_OK);
        assert_int_equal(received->rejected_spans, 1);
        assert_int_equal(cleat_span_batch_count(&received->batch), 1);
        cleat__otlp_received_release(received);
        cleat__buffer_deinit(&json);
    }
}

static void test_wrong_types_are_refused_by_name(void **state)
{
    static const struct {
        const char *json, *named;
    } cases[] = {
        {"", "no JSON"},
        {"{", "no JSON"},
        {"[]", "no JSON object"},
        {"{\"resourceSpans\":{}}", "\"resourceSpans\""},
        {"{\"resourceSpans\":[1]}", "\"resourceSpans\""},
        {REQUEST(",\"name\":5"), "\"name\""},
        {REQUEST(",\"kind\":\"SERVER\""), "\"kind\""},
        {REQUEST(",\"kind\":1.5"), "\"kind\""},
        {REQUEST(",\"flags\":4294967296"), "\"flags\""},
        {REQUEST(",\"startTimeUnixNano\":-1"), "\"startTimeUnixNano\""},
        {REQUEST(",\"startTimeUnixNano\":\"18446744073709551616\""), "\"startTimeUnixNano\""},
        {REQUEST(",\"traceId\":5"), "\"traceId\""},
        {REQUEST(VALUE("\"intValue\":\"9223372036854775808\"")), "\"intValue\""},
        {REQUEST(VALUE("\"intValue\":1.5")), "\"intValue\""},
        {REQUEST(VALUE("\"intValue\":1e300")), "\"intValue\""},
        {REQUEST(VALUE("\"intValue\":\"\"")), "\"intValue\""},
        {REQUEST(VALUE("\"boolValue\":\"true\"")), "\"boolValue\""},
        {REQUEST(VALUE("\"doubleValue\":\"inf\"")), "\"doubleValue\""},
        {REQUEST(VALUE("\"bytesValue\":\"A\"")), "\"bytesValue\""},
        {REQUEST(VALUE("\"bytesValue\":\"A*==\"")), "\"bytesValue\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__otlp_received *received = NULL;
        assert_int_equal(encode(cases[i].json, &received), CLEAT_INVALID_ARGUMENT);
        if (strstr(cleat_error_message(), cases[i].named) == NULL) {
            fail_msg("%s: \"%s\"", cases[i].json, cleat_error_message());
        }
    }
}

static void test_deep_values_end(void **state)
{
    cleat__buffer json = {0};
    cleat__otlp_received *received = NULL;
    (void)state;
    cleat__buffer_append_string(&json, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" TRACE
                                       ",\"attributes\":[{\"key\":\"k\",\"value\":");
    for (int i = 0; i < 300; i++) {
        cleat__buffer_append_string(&json, "{\"arrayValue\":{\"values\":[");
    }
    for (int i = 0; i < 300; i++) {
        cleat__buffer_append_string(&json, "]}}");
    }
    cleat__buffer_append_string(&json, "}]}]}]}]}");
    cleat__buffer_append_byte(&json, 0);
    assert_int_equal(encode((char *)json.data, &received), CLEAT_INVALID_ARGUMENT);
    cleat__buffer_deinit(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_numbers_and_texts_are_alike),
        cmocka_unit_test(test_ids_in_either_case),
        cmocka_unit_test(test_base64_in_either_alphabet),
        cmocka_unit_test(test_what_nobody_knows_is_passed_over),
        cmocka_unit_test(test_ids_that_are_none_cost_one_span),
        cmocka_unit_test(test_wrong_types_are_refused_by_name),
        cmocka_unit_test(test_deep_values_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
