/* The viewer's single span: everything that was stored of it, and its links both ways. */
#include "ui_test.h"

#include "stored_spans.h"

#define CAUSE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define EFFECT "5bf92f3577b34da6a3ce929d0e0e4736"
#define OUT    "6bf92f3577b34da6a3ce929d0e0e4736"
#define ROOT   "00f067aa0ba902b7"
#define BELOW  "00f067aa0ba902b8"
#define RUN_ID "0190a000-0000-7000-8000-000000000011"
#define SPANS  API "traces/%s/spans/%s"

#define BEGIN                                                                                                \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"               \
    "\"stringValue\":\"shop\"}},{\"key\":\"process.pid\",\"value\":{\"intValue\":\"12\"}}]},\"scopeSpans\":" \
    "[{"                                                                                                     \
    "\"scope\":{\"name\":\"hatchet\",\"version\":\"1\"},\"spans\":["
#define END                   "]}]}]}"
#define ATTRIBUTE(key, value) "{\"key\":\"" key "\",\"value\":{" value "}}"

static const char whole[] =
    BEGIN "{\"traceId\":\"" CAUSE "\",\"spanId\":\"" ROOT "\",\"name\":\"order\",\"kind\":4,"
          "\"startTimeUnixNano\":\"1783756800000000000\",\"endTimeUnixNano\":\"1783756800000000007\"},"
          "{\"traceId\":\"" CAUSE "\",\"spanId\":\"" BELOW "\",\"parentSpanId\":\"" ROOT "\","
          "\"name\":\"<img src=x onerror=alert(1)>\",\"kind\":5,\"status\":{\"code\":2,\"message\":\"no "
          "luck\"},"
          "\"startTimeUnixNano\":\"1783756800000000002\",\"endTimeUnixNano\":\"1783756800000000005\","
          "\"droppedAttributesCount\":1,\"droppedEventsCount\":2,\"droppedLinksCount\":3,"
          "\"events\":[{\"name\":\"caught\",\"timeUnixNano\":\"1783756800000000003\",\"attributes\":"
          "[" ATTRIBUTE(
              "why",
              "\"stringValue\":\"late\"") "]}],"
                                          "\"links\":[{\"traceId\":\"" CAUSE "\",\"spanId\":\"" ROOT
                                          "\",\"attributes\":[" ATTRIBUTE(
                                              "cleat.link.kind",
                                              "\"stringValue\""
                                              ":\"origin\"") "," ATTRIBUTE("n", "\"intValue\":\"1\"") "]},"
                                                                                                      "{\"tra"
                                                                                                      "ceId\""
                                                                                                      ":"
                                                                                                      "\"" OUT
                                                                                                      "\","
                                                                                                      "\"span"
                                                                                                      "Id\":"
                                                                                                      "\"" ROOT
                                                                                                      "\"}],"
                                                                                                      "\"attr"
                                                                                                      "ibutes"
                                                                                                      "\":"
                                                                                                      "[" ATTRIBUTE(
                                                                                                          "ha"
                                                                                                          "tc"
                                                                                                          "he"
                                                                                                          "t."
                                                                                                          "wo"
                                                                                                          "rk"
                                                                                                          "fl"
                                                                                                          "ow"
                                                                                                          "_r"
                                                                                                          "un"
                                                                                                          "_i"
                                                                                                          "d",
                                                                                                          "\""
                                                                                                          "st"
                                                                                                          "ri"
                                                                                                          "ng"
                                                                                                          "Va"
                                                                                                          "lu"
                                                                                                          "e"
                                                                                                          "\""
                                                                                                          ":"
                                                                                                          "\"" RUN_ID
                                                                                                          "\"") "," ATTRIBUTE("hatchet.step_"
                                                                                                                              "run_id",
                                                                                                                              "\"stringValue\":"
                                                                                                                              "\"" RUN_ID
                                                                                                                              "\"") "," ATTRIBUTE("cold", "\"boolValue\":true") "," ATTRIBUTE("share", "\"doubleValue\":0.1") "," ATTRIBUTE("odd", "\"doubleValue\":\"NaN\"") "," ATTRIBUTE("small", "\"intValue\":\"-7\"") "," ATTRIBUTE("exact",
                                                                                                                                                                                                                                                                                                                                          "\"intValue\":\"9007199254740992\"") "," ATTRIBUTE("large",
                                                                                                                                                                                                                                                                                                                                                                                             "\"intValue\":\"9007199254740993\"") "," ATTRIBUTE("texts",
                                                                                                                                                                                                                                                                                                                                                                                                                                                "\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{\"stringValue\":\"b\"}]}") "," ATTRIBUTE("numbers",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"intValue\":\"-9223372036854775808\"}]}") "," ATTRIBUTE("bytes",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           "\"bytesValue\":\"AQI=\"") "]}" END;

static void a_span_is_told_in_full(void **state)
{
    ui_world *it = *state;
    store_spans(&it->rest, 1, whole);
    json_t *span = get(&it->rest, URL(SPANS, CAUSE, BELOW));
    assert_string_equal(text_at(span, "trace_id"), CAUSE);
    assert_string_equal(text_at(span, "span_id"), BELOW);
    assert_string_equal(text_at(span, "parent_span_id"), ROOT);
    assert_string_equal(text_at(span, "name"), "<img src=x onerror=alert(1)>");
    assert_int_equal(int_at(span, "kind"), 5);
    assert_int_equal(int_at(span, "status"), 2);
    assert_string_equal(text_at(span, "status_message"), "no luck");
    assert_string_equal(text_at(span, "start_ns"), "1783756800000000002");
    assert_int_equal(int_at(span, "duration_ns"), 3);
    assert_string_equal(text_at(span, "service"), "shop");
    assert_string_equal(text_at(span, "scope.name"), "hatchet");
    assert_string_equal(text_at(span, "scope.version"), "1");
    assert_int_equal(json_integer_value(json_object_get(at(span, "resource"), "process.pid")), 12);
    assert_string_equal(text_at(span, "run_id"), RUN_ID);
    assert_string_equal(text_at(span, "task_run_id"), RUN_ID);
    assert_int_equal(int_at(span, "dropped_attributes"), 1);
    assert_int_equal(int_at(span, "dropped_events"), 2);
    assert_int_equal(int_at(span, "dropped_links"), 3);
    assert_int_equal(count_at(span, "events"), 1);
    assert_int_equal(int_at(span, "event_count"), 1);
    assert_string_equal(text_at(span, "events.0.name"), "caught");
    assert_int_equal(int_at(span, "events.0.offset_ns"), 1);
    assert_string_equal(text_at(span, "events.0.attributes.why"), "late");
    json_decref(span);
}

static void values_keep_their_types(void **state)
{
    ui_world *it = *state;
    store_spans(&it->rest, 1, whole);
    json_t *span = get(&it->rest, URL(SPANS, CAUSE, BELOW));
    const json_t *attributes = at(span, "attributes");
    assert_true(json_is_true(at(attributes, "cold")));
    assert_true(json_real_value(at(attributes, "share")) == 0.1);
    assert_string_equal(text_at(attributes, "odd"), "nan");
    assert_int_equal(int_at(attributes, "small"), -7);
    assert_true(json_integer_value(at(attributes, "exact")) == INT64_C(9007199254740992));
    assert_string_equal(text_at(attributes, "large"), "9007199254740993");
    assert_int_equal(count_at(attributes, "texts"), 2);
    assert_string_equal(text_at(attributes, "texts.1"), "b");
    assert_int_equal(int_at(attributes, "numbers.0"), 1);
    assert_string_equal(text_at(attributes, "numbers.1"), "-9223372036854775808");
    assert_string_equal(text_at(attributes, "bytes.bytesValue"), "AQI=");
    json_decref(span);
}

static void a_root_has_no_parent(void **state)
{
    ui_world *it = *state;
    store_spans(&it->rest, 1, whole);
    json_t *span = get(&it->rest, URL(SPANS, CAUSE, ROOT));
    assert_true(json_is_null(at(span, "parent_span_id")));
    assert_true(json_is_null(at(span, "status_message")));
    assert_true(json_is_null(at(span, "run_id")));
    assert_true(json_is_null(at(span, "task_run_id")));
    assert_int_equal(count_at(span, "attributes"), 0);
    assert_int_equal(count_at(span, "links"), 0);
    json_decref(span);
}

static void its_links_lead_to_spans_by_their_names(void **state)
{
    ui_world *it = *state;
    store_spans(&it->rest, 1, whole);
    json_t *span = get(&it->rest, URL(SPANS, CAUSE, BELOW));
    assert_int_equal(int_at(span, "link_count"), 2);
    assert_int_equal(count_at(span, "links"), 2);
    assert_string_equal(text_at(span, "links.0.trace_id"), CAUSE);
    assert_string_equal(text_at(span, "links.0.span_id"), ROOT);
    assert_string_equal(text_at(span, "links.0.name"), "order");
    assert_string_equal(text_at(span, "links.0.kind"), "origin");
    assert_int_equal(int_at(span, "links.0.attributes.n"), 1);
    assert_string_equal(text_at(span, "links.1.trace_id"), OUT);
    assert_true(json_is_null(at(span, "links.1.name")));
    assert_true(json_is_null(at(span, "links.1.kind")));
    json_decref(span);
}

/* What a linked span is about is told with its name, from either side. */
static void tasks_of_linked_spans_are_named(void **state)
{
    static const char linked[] =
        BEGIN "{\"traceId\":\"" CAUSE "\",\"spanId\":\"" ROOT "\",\"name\":\"hatchet.run_workflow\","
              "\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\",\"attributes\":[" //
        ATTRIBUTE("hatchet.step_name",
                  "\"stringValue\":\"mail:send\"") "]},"
                                                   "{\"traceId\":\"" EFFECT "\",\"spanId\":\"" BELOW
                                                   "\",\"name\":\"hatchet.start_step_run\","
                                                   "\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\","
                                                   "\"attributes\":[" //
        ATTRIBUTE("hatchet.action_name", "\"stringValue\":\"shop:order\"") "],"
                                                                           "\"links\":[{\"traceId\":\"" CAUSE
                                                                           "\",\"spanId\":\"" ROOT
                                                                           "\"}]}" END;
    ui_world *it = *state;
    store_spans(&it->rest, 1, linked);
    json_t *effect = get(&it->rest, URL(SPANS, EFFECT, BELOW));
    assert_string_equal(text_at(effect, "links.0.name"), "hatchet.run_workflow");
    assert_string_equal(text_at(effect, "links.0.task"), "mail:send");
    json_decref(effect);
    json_t *cause = get(&it->rest, URL(SPANS, CAUSE, ROOT));
    assert_string_equal(text_at(cause, "back_links.rows.0.name"), "hatchet.start_step_run");
    assert_string_equal(text_at(cause, "back_links.rows.0.task"), "shop:order");
    json_decref(cause);
    json_t *view = get(&it->rest, API "traces/" EFFECT "/view");
    assert_string_equal(text_at(view, "links_to.0.task"), "mail:send");
    json_decref(view);
}

static void events_may_be_as_far_away_as_can_be(void **state)
{
    static const char far[] =
        BEGIN "{\"traceId\":\"" CAUSE "\",\"spanId\":\"" ROOT "\",\"name\":\"far\","
              "\"startTimeUnixNano\":\"9223372036854775809\",\"endTimeUnixNano\":\"9223372036854775810\","
              "\"events\":[{\"name\":\"late\",\"timeUnixNano\":\"9223372036854775807\"}]},"
              "{\"traceId\":\"" CAUSE "\",\"spanId\":\"" BELOW "\",\"name\":\"near\","
              "\"startTimeUnixNano\":\"9223372036854775807\",\"endTimeUnixNano\":\"9223372036854775807\","
              "\"events\":[{\"name\":\"early\",\"timeUnixNano\":\"9223372036854775809\"}]}" END;
    ui_world *it = *state;
    store_spans(&it->rest, 1, far);
    json_t *span = get(&it->rest, URL(SPANS, CAUSE, ROOT));
    assert_true(json_integer_value(at(span, "events.0.offset_ns")) == INT64_MAX);
    json_decref(span);
    span = get(&it->rest, URL(SPANS, CAUSE, BELOW));
    assert_true(json_integer_value(at(span, "events.0.offset_ns")) == -INT64_MAX);
    json_decref(span);
}

/* Twelve more that link to the root. */
static void store_followers(ui_world *it)
{
    cleat__buffer text = {0};
    cleat__buffer_append_string(&text, BEGIN);
    for (int i = 0; i < 12; i++) {
        cleat__buffer_append_format(
            &text,
            "%s{\"traceId\":\"" EFFECT "\",\"spanId\":\"10f067aa0ba9020%x\",\"name\":\"follower %d\","
            "\"startTimeUnixNano\":\"1783756800000000002\",\"endTimeUnixNano\":\"1783756800000000005\","
            "\"links\":[{\"traceId\":\"" CAUSE "\",\"spanId\":\"" ROOT "\"}]}",
            i == 0 ? "" : ",", (unsigned)i, i);
    }
    cleat__buffer_append_string(&text, END);
    char *json = cleat__buffer_take_string(&text);
    store_spans(&it->rest, 1, json);
    cleat__free(json);
}

static void who_links_to_it_is_told_page_by_page(void **state)
{
    ui_world *it = *state;
    char query[64] = "";
    size_t seen = 0;
    store_spans(&it->rest, 1, whole);
    store_followers(it);
    for (size_t page = 0; page < 3; page++) {
        json_t *span = get(&it->rest, URL(SPANS "?back_limit=5%s", CAUSE, ROOT, query));
        assert_int_equal(int_at(span, "back_links.total"), 13);
        assert_true(json_is_true(at(span, "back_links.is_complete")));
        size_t count = count_at(span, "back_links.rows");
        assert_int_equal(count, page < 2 ? 5 : 3);
        for (size_t i = 0; i < count; i++, seen++) {
            char expected[32];
            snprintf(expected, sizeof(expected), "follower %zu", 11 - seen);
            assert_string_equal(text_at(span, URL("back_links.rows.%zu.name", i)),
                                seen < 12 ? expected : "<img src=x onerror=alert(1)>");
        }
        if (page < 2) {
            snprintf(query, sizeof(query), "&back_before=%s", text_at(span, "back_links.next"));
        } else {
            assert_string_equal(text_at(span, "back_links.rows.2.kind"), "origin");
            assert_string_equal(text_at(span, "back_links.rows.2.span_id"), BELOW);
            assert_true(json_is_null(at(span, "back_links.next")));
        }
        json_decref(span);
    }
}

static void what_is_asked_for_is_checked(void **state)
{
    ui_world *it = *state;
    store_spans(&it->rest, 1, whole);
    expect_400(&it->rest, "GET", URL(SPANS, "x", ROOT), NULL, "trace");
    expect_400(&it->rest, "GET", URL(SPANS, CAUSE, "x"), NULL, "span");
    expect_400(&it->rest, "GET", URL(SPANS, CAUSE, ROOT "0"), NULL, "span");
    expect_400(&it->rest, "GET", URL(SPANS "?back_before=0", CAUSE, ROOT), NULL, "back_before");
    expect_400(&it->rest, "GET", URL(SPANS "?back_before=x", CAUSE, ROOT), NULL, "back_before");
    expect_400(&it->rest, "GET", URL(SPANS "?back_limit=0", CAUSE, ROOT), NULL, "back_limit");
    expect_400(&it->rest, "GET", URL(SPANS "?back_limit=1001", CAUSE, ROOT), NULL, "back_limit");
    json_decref(ask_json(&it->rest, (asking){1, "GET", URL(SPANS, OUT, ROOT), NULL, 404}));
    json_decref(ask_json(&it->rest, (asking){1, "GET", URL(SPANS, CAUSE, "00f067aa0ba902ff"), NULL, 404}));
    json_decref(ask_json(&it->rest, (asking){2, "GET", URL(SPANS, CAUSE, ROOT), NULL, 404}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(a_span_is_told_in_full),
        UI_TEST(values_keep_their_types),
        UI_TEST(a_root_has_no_parent),
        UI_TEST(its_links_lead_to_spans_by_their_names),
        UI_TEST(tasks_of_linked_spans_are_named),
        UI_TEST(events_may_be_as_far_away_as_can_be),
        UI_TEST(who_links_to_it_is_told_page_by_page),
        UI_TEST(what_is_asked_for_is_checked),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
