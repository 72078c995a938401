/* Requests of peers: what is taken, what is left out and counted, what is refused. */
#include "otlp/received.h"

#include "otlp/json.h"
#include "support/wire.h"
#include "trace/propagation_test.h"

enum { RESOURCE_SPANS = 1, CONTEXT = 1, MEMBERS = 2, URL = 3, ATTRIBUTES = 9, EVENTS = 11, LINKS = 13 };

/* ---- Making requests ---- */

/* A request of one resource and one scope. Takes the spans' messages. */
static cleat__buffer request_of(cleat__buffer *spans, size_t count)
{
    cleat__buffer request = {0}, resource_spans = {0}, resource = {0}, scope_spans = {0}, scope = {0};
    wire_attribute(&resource, 1, "service.name", "shop");
    wire_text(&scope, 1, "lib");
    wire_text(&scope, 2, "1.0");
    wire_attribute(&scope, 3, "tier", "gold");
    wire_message(&scope_spans, CONTEXT, &scope);
    for (size_t i = 0; i < count; i++) {
        wire_message(&scope_spans, MEMBERS, &spans[i]);
    }
    wire_text(&scope_spans, URL, "https://scope.test/1");
    /* The resource behind its spans: the order of fields is free. */
    wire_message(&resource_spans, MEMBERS, &scope_spans);
    wire_message(&resource_spans, CONTEXT, &resource);
    wire_text(&resource_spans, URL, "https://resource.test/1");
    wire_message(&request, RESOURCE_SPANS, &resource_spans);
    return request;
}

static cleat__otlp_received *receive(cleat__buffer *spans, size_t count, const cleat__otlp_limits *limits)
{
    cleat__otlp_received *received = NULL;
    cleat__buffer request = request_of(spans, count);
    assert_int_equal(cleat__otlp_received_new(&request, limits, &received), CLEAT_OK);
    assert_null(request.data);
    return received;
}

static cleat_status refuse(cleat__buffer *body, const cleat__otlp_limits *limits)
{
    cleat__otlp_received *received = NULL;
    cleat_status status = cleat__otlp_received_new(body, limits, &received);
    assert_null(received);
    assert_null(body->data);
    return status;
}

static void assert_text(cleat_slice actual, const char *expected)
{
    assert_int_equal(actual.size, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.size);
}

static void assert_json(const cleat__otlp_received *received, const char *expected)
{
    cleat__buffer json = {0};
    cleat__json_batch(&json, &received->batch);
    cleat_slice text = cleat__buffer_slice(&json);
    text.size -= text.size != 0 && text.data[text.size - 1] == '\n';
    assert_text(text, expected);
    cleat__buffer_deinit(&json);
}

/* ---- Taken ---- */

static void test_a_span_comes_through_unchanged(void **state)
{
    cleat__buffer span = wire_span(1, 2, "buy"), event = {0}, link = {0}, status = {0};
    uint8_t id[16] = {7};
    (void)state;
    wire_text(&span, 3, "vendor=1,other=2");
    wire_bytes(&span, 4, (uint8_t[8]){9}, 8);
    wire_number(&span, 6, 5);
    wire_fixed64(&span, 7, 1000);
    wire_fixed64(&span, 8, 2000);
    wire_attribute(&span, ATTRIBUTES, "key", "value");
    wire_fixed64(&event, 1, 1500);
    wire_text(&event, 2, "exception");
    wire_message(&span, EVENTS, &event);
    wire_bytes(&link, 1, id, 16);
    wire_bytes(&link, 2, id, 8);
    wire_message(&span, LINKS, &link);
    wire_text(&status, 2, "it broke");
    wire_number(&status, 3, 2);
    wire_message(&span, 15, &status);
    wire_number(&span, 900, 1); /* of a later version */
    cleat__buffer copy = {0};
    cleat__buffer_append(&copy, span.data, span.size);

    cleat__otlp_received *received = receive(&span, 1, NULL);
    cleat_span_view view;
    size_t cursor = 0;
    assert_int_equal(received->rejected_spans, 0);
    assert_null(received->error_message);
    assert_int_equal(cleat_span_batch_count(&received->batch), 1);
    assert_true(cleat_span_batch_next(&received->batch, &cursor, &view));
    assert_int_equal(view.record.size, copy.size);
    assert_memory_equal(view.record.data, copy.data, copy.size);
    assert_text(view.trace_state, "vendor=1,other=2");
    assert_int_equal(view.parent_span_id.bytes[0], 9);
    assert_int_equal(view.link_count, 1);
    assert_int_equal(view.event_count, 1);
    cleat__buffer_deinit(&copy);
    cleat__otlp_received_release(received);
}

static void test_spans_know_what_they_come_from(void **state)
{
    cleat__buffer spans[] = {wire_span(1, 2, "a"), wire_span(1, 3, "b")};
    (void)state;
    cleat__otlp_received *received = receive(spans, 2, NULL);
    assert_json(
        received,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1.0\","
        "\"attributes\":[{\"key\":\"tier\",\"value\":{\"stringValue\":\"gold\"}}]},\"spans\":["
        "{\"traceId\":\"00000000000000000000000000000001\",\"spanId\":\"0000000000000002\","
        "\"name\":\"a\",\"kind\":0,\"startTimeUnixNano\":\"0\",\"endTimeUnixNano\":\"0\",\"status\":{}},"
        "{\"traceId\":\"00000000000000000000000000000001\",\"spanId\":\"0000000000000003\","
        "\"name\":\"b\",\"kind\":0,\"startTimeUnixNano\":\"0\",\"endTimeUnixNano\":\"0\",\"status\":{}}],"
        "\"schemaUrl\":\"https://scope.test/1\"}],"
        "\"schemaUrl\":\"https://resource.test/1\"}]}");
    cleat__otlp_received_release(received);
}

static void test_nothing_is_a_request(void **state)
{
    cleat__buffer body = {0};
    cleat__otlp_received *received = NULL;
    (void)state;
    assert_int_equal(cleat__otlp_received_new(&body, NULL, &received), CLEAT_OK);
    assert_int_equal(cleat_span_batch_count(&received->batch), 0);
    cleat__otlp_received_release(received);
}

static void test_it_lives_as_long_as_somebody_needs_it(void **state)
{
    cleat__buffer span = wire_span(1, 2, "a");
    cleat_span_view view;
    size_t cursor = 0;
    (void)state;
    cleat__otlp_received *received = receive(&span, 1, NULL);
    cleat__otlp_received *other = cleat__otlp_received_retain(received);
    cleat__otlp_received_release(received);
    assert_true(cleat_span_batch_next(&other->batch, &cursor, &view));
    assert_text(view.name, "a");
    assert_text(view.scope->name, "lib");
    cleat__otlp_received_release(other);
}

/* ---- Left out, each alone ---- */

static void assert_rejected(cleat__buffer *bad, const cleat__otlp_limits *limits, const char *why)
{
    cleat__buffer spans[] = {wire_span(1, 1, "before"), *bad, wire_span(1, 3, "behind")};
    cleat__otlp_received *received = receive(spans, 3, limits);
    assert_int_equal(received->rejected_spans, 1);
    assert_string_equal(received->error_message, why);
    assert_int_equal(cleat_span_batch_count(&received->batch), 2);
    cleat__otlp_received_release(received);
}

static void test_bad_ids_cost_one_span(void **state)
{
    static const struct {
        size_t trace, span, parent;
        const char *why;
    } cases[] = {
        {0, 8, 0, "a span has an invalid trace id"},        {15, 8, 0, "a span has an invalid trace id"},
        {17, 8, 0, "a span has an invalid trace id"},       {16, 0, 0, "a span has an invalid span id"},
        {16, 7, 0, "a span has an invalid span id"},        {16, 16, 0, "a span has an invalid span id"},
        {16, 8, 7, "a span has an invalid parent span id"},
    };
    const uint8_t id[32] = {1, 1, 1};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer span = {0};
        wire_bytes(&span, 1, id, cases[i].trace);
        wire_bytes(&span, 2, id, cases[i].span);
        wire_bytes(&span, 4, id, cases[i].parent);
        assert_rejected(&span, NULL, cases[i].why);
    }
}

static void test_zero_ids_cost_one_span(void **state)
{
    cleat__buffer no_trace = wire_span(0, 0, "x"), no_span = wire_span(1, 0, "x");
    no_trace.data[no_trace.size - 4] = 1; /* the last byte of the span id */
    (void)state;
    assert_rejected(&no_trace, NULL, "a span has an invalid trace id");
    assert_rejected(&no_span, NULL, "a span has an invalid span id");
}

static void test_a_link_with_a_bad_id_costs_one_span(void **state)
{
    cleat__buffer span = wire_span(1, 2, "x"), link = {0};
    (void)state;
    wire_bytes(&link, 1, "123", 3);
    wire_message(&span, LINKS, &link);
    assert_rejected(&span, NULL, "a span has a link with an invalid id");
}

/* A back end that it is forwarded to would refuse the whole request. */
static void test_texts_are_utf8(void **state)
{
    static const uint32_t texts[] = {3, 5}, inner_of[] = {EVENTS, LINKS, 15}, inner_texts[] = {2, 3, 2};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cleat__buffer span = wire_span(1, 2, "gr\xc3\xbcn");
        wire_text(&span, texts[i], "gr\xfcn");
        assert_rejected(&span, NULL, "a span has a text that is not UTF-8");
    }
    for (size_t i = 0; i < 3; i++) {
        cleat__buffer span = wire_span(1, 2, "x"), inner = {0};
        wire_text(&inner, inner_texts[i], "\xed\xa0\x80");
        wire_message(&span, inner_of[i], &inner);
        assert_rejected(&span, NULL, "a span has a text that is not UTF-8");
    }
    cleat__buffer key = wire_span(1, 2, "x"), value = wire_span(1, 2, "x");
    wire_attribute(&key, ATTRIBUTES, "\xff", "value");
    assert_rejected(&key, NULL, "a span has a text that is not UTF-8");
    wire_attribute(&value, ATTRIBUTES, "key", "cut \xc3");
    assert_rejected(&value, NULL, "a span has a text that is not UTF-8");
}

static void add_attributes(cleat__buffer *out, uint32_t field, int count)
{
    for (int i = 0; i < count; i++) {
        wire_attribute(out, field, "key", "value");
    }
}

static void test_attributes_have_a_limit_everywhere(void **state)
{
    const cleat__otlp_limits limits = {.max_attributes = 5};
    cleat__buffer fine = wire_span(1, 2, "x"), span = wire_span(1, 2, "x");
    (void)state;
    add_attributes(&fine, ATTRIBUTES, 5);
    cleat__otlp_received *received = receive(&fine, 1, &limits);
    assert_int_equal(received->rejected_spans, 0);
    cleat__otlp_received_release(received);
    add_attributes(&span, ATTRIBUTES, 6);
    assert_rejected(&span, &limits, "a span has too many attributes");
    for (uint32_t field = EVENTS; field <= LINKS; field += 2) {
        cleat__buffer inner = {0};
        span = wire_span(1, 2, "x");
        add_attributes(&inner, field == EVENTS ? 3 : 4, 6);
        wire_message(&span, field, &inner);
        assert_rejected(&span, &limits, "a span has too many attributes");
    }
}

/* An attribute with `depth` lists in each other, or maps and lists by turns. */
static cleat__buffer nested_span(unsigned depth, bool with_maps)
{
    cleat__buffer span = wire_span(1, 2, "x"), value = {0}, pair = {0};
    wire_text(&value, 1, "ground");
    for (unsigned i = 0; i < depth; i++) {
        bool is_map = with_maps && i % 2 != 0;
        cleat__buffer list = {0};
        if (is_map) {
            wire_text(&pair, 1, "key");
            wire_message(&pair, 2, &value);
            wire_message(&list, 1, &pair);
        } else {
            wire_message(&list, 1, &value);
        }
        wire_message(&value, is_map ? 6 : 5, &list);
    }
    wire_text(&pair, 1, "key");
    wire_message(&pair, 2, &value);
    wire_message(&span, ATTRIBUTES, &pair);
    return span;
}

static void test_values_have_a_depth(void **state)
{
    (void)state;
    for (int with_maps = 0; with_maps < 2; with_maps++) {
        cleat__buffer fine = nested_span(16, with_maps), span = nested_span(17, with_maps);
        cleat__buffer deepest = nested_span(2000, with_maps);
        cleat__otlp_received *received = receive(&fine, 1, NULL);
        assert_int_equal(received->rejected_spans, 0);
        cleat__otlp_received_release(received);
        assert_rejected(&span, NULL, "a span has a value that is nested too deep");
        assert_rejected(&deepest, NULL, "a span has a value that is nested too deep");
    }
}

static void test_more_spans_than_the_limit(void **state)
{
    const cleat__otlp_limits limits = {.max_spans = 3};
    cleat__buffer spans[5];
    (void)state;
    for (uint8_t i = 0; i < 5; i++) {
        spans[i] = wire_span(i == 0 ? 0 : 1, (uint8_t)(i + 1), "x"); /* the first is bad */
    }
    cleat__otlp_received *received = receive(spans, 5, &limits);
    assert_int_equal(cleat_span_batch_count(&received->batch), 3);
    assert_int_equal(received->rejected_spans, 2);
    assert_string_equal(received->error_message, "batch size exceeded maximum limit");
    cleat__otlp_received_release(received);
}

static void test_a_resource_beyond_the_limit_costs_its_spans(void **state)
{
    const cleat__otlp_limits limits = {.max_attributes = 3};
    cleat__buffer request = {0}, spans = {0}, scope_spans = {0}, resource = {0}, span = wire_span(1, 2, "x");
    cleat__otlp_received *received = NULL;
    (void)state;
    add_attributes(&resource, 1, 4);
    wire_message(&scope_spans, MEMBERS, &span);
    wire_message(&spans, CONTEXT, &resource);
    wire_message(&spans, MEMBERS, &scope_spans);
    wire_message(&request, RESOURCE_SPANS, &spans);
    assert_int_equal(cleat__otlp_received_new(&request, &limits, &received), CLEAT_OK);
    assert_int_equal(received->rejected_spans, 1);
    assert_int_equal(cleat_span_batch_count(&received->batch), 0);
    cleat__otlp_received_release(received);
}

/* ---- Refused ---- */

static void test_no_cut_request_is_taken(void **state)
{
    cleat__buffer span = wire_span(1, 2, "x");
    (void)state;
    wire_attribute(&span, ATTRIBUTES, "key", "value");
    cleat__buffer whole = request_of(&span, 1);
    for (size_t size = 1; size < whole.size; size++) {
        cleat__buffer cut = {0};
        cleat__buffer_append(&cut, whole.data, size);
        assert_int_equal(refuse(&cut, NULL), CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), "no OTLP trace request"));
    }
    cleat__buffer_deinit(&whole);
}

static void test_malformed_inside_a_span(void **state)
{
    static const uint32_t fields[] = {ATTRIBUTES, EVENTS, LINKS, 15};
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        cleat__buffer spans[] = {wire_span(1, 1, "fine"), wire_span(1, 2, "x")};
        wire_bytes(&spans[1], fields[i], "\x0a\x7f", 2);
        cleat__buffer request = request_of(spans, 2);
        assert_int_equal(refuse(&request, NULL), CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), "malformed Span"));
    }
}

static void test_too_large(void **state)
{
    const cleat__otlp_limits limits = {.max_bytes = 10};
    cleat__buffer span = wire_span(1, 2, "x");
    (void)state;
    cleat__buffer request = request_of(&span, 1);
    assert_int_equal(refuse(&request, &limits), CLEAT_TOO_LARGE);
}

/* Each of these is a few bytes that would become a hundred. */
static void test_attributes_of_resources_are_bounded_in_all(void **state)
{
    cleat__buffer request = {0};
    (void)state;
    for (int i = 0; i < 200; i++) {
        cleat__buffer spans = {0}, scope_spans = {0}, resource = {0}, span = wire_span(1, 2, "x");
        for (int j = 0; j < 1000; j++) {
            wire_bytes(&resource, 1, "", 0);
        }
        wire_message(&scope_spans, MEMBERS, &span);
        wire_message(&spans, CONTEXT, &resource);
        wire_message(&spans, MEMBERS, &scope_spans);
        wire_message(&request, RESOURCE_SPANS, &spans);
    }
    assert_int_equal(refuse(&request, NULL), CLEAT_TOO_LARGE);
}

/* ---- Answers ---- */

static void test_answers(void **state)
{
    cleat__buffer out = {0};
    (void)state;
    cleat__otlp_response_put(&out, false, 0, NULL);
    assert_int_equal(out.size, 0);
    cleat__otlp_response_put(&out, true, 0, NULL);
    assert_text(cleat__buffer_slice(&out), "{}");
    cleat__buffer_clear(&out);
    cleat__otlp_response_put(&out, true, 3, "a \"quoted\" reason");
    assert_text(
        cleat__buffer_slice(&out),
        "{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"a \\\"quoted\\\" reason\"}}");
    cleat__buffer_clear(&out);
    cleat__otlp_response_put(&out, false, 300, "why");
    assert_text(cleat__buffer_slice(&out), "\x0a\x08\x08\xac\x02\x12\x03why");
    cleat__buffer_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_comes_through_unchanged),
        cmocka_unit_test(test_spans_know_what_they_come_from),
        cmocka_unit_test(test_nothing_is_a_request),
        cmocka_unit_test(test_it_lives_as_long_as_somebody_needs_it),
        cmocka_unit_test(test_bad_ids_cost_one_span),
        cmocka_unit_test(test_zero_ids_cost_one_span),
        cmocka_unit_test(test_a_link_with_a_bad_id_costs_one_span),
        cmocka_unit_test(test_texts_are_utf8),
        cmocka_unit_test(test_attributes_have_a_limit_everywhere),
        cmocka_unit_test(test_values_have_a_depth),
        cmocka_unit_test(test_more_spans_than_the_limit),
        cmocka_unit_test(test_a_resource_beyond_the_limit_costs_its_spans),
        cmocka_unit_test(test_no_cut_request_is_taken),
        cmocka_unit_test(test_malformed_inside_a_span),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_attributes_of_resources_are_bounded_in_all),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
