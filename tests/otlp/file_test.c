#include "base/buffer.h"
#include "otlp/json.h"
#include "trace/protobuf.h"
#include "trace/sdk_test.h"

#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH "spans.jsonl"

typedef struct file_sdk {
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
    fake_clock clock;
    uint8_t ids[2];
} file_sdk;

static void start(file_sdk *sdk, const char *path)
{
    const cleat_clock clock = {&sdk->clock, fake_unix_ns, fake_monotonic_ns};
    const cleat_id_generator ids = {sdk->ids, next_trace_id, next_span_id, true};
    const cleat_attribute attribute = cleat_attribute_string("service.name", "files \xc3\xbc");
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    cleat_resource *resource = NULL;
    memset(sdk, 0, sizeof(*sdk));
    sdk->clock.unix_ns = START_UNIX_NS;
    assert_int_equal(cleat_resource_new(&attribute, 1, "https://resource", &resource), CLEAT_OK);
    assert_int_equal(cleat_file_exporter_new(path, &exporter), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(exporter, NULL, &processor), CLEAT_OK);
    assert_int_equal(
        cleat_tracer_provider_new(
            CLEAT_TRACER_PROVIDER_OPTIONS(.resource = resource, .clock = &clock, .id_generator = &ids,
                                          .limits = {.attributes = 20, .events = 1, .links = 1}),
            &sdk->provider),
        CLEAT_OK);
    cleat_resource_release(resource);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk->provider, processor), CLEAT_OK);
    sdk->tracer =
        cleat_tracer_provider_get_tracer(sdk->provider, "file", CLEAT_TRACER_OPTIONS(.version = "2"));
}

/* Line `number` of the file, parsed; NULL when there is none. */
static json_t *read_line(int number)
{
    static char line[1 << 20];
    FILE *file = fopen(PATH, "r");
    assert_non_null(file);
    char *got = NULL;
    for (int i = 0; i <= number; i++) {
        got = fgets(line, sizeof(line), file);
    }
    fclose(file);
    if (got == NULL) {
        return NULL;
    }
    assert_int_equal(line[strlen(line) - 1], '\n');
    json_error_t error;
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        fail_msg("%s in %s", error.text, line);
    }
    return json;
}

static json_t *at(json_t *json, const char *key, size_t index)
{
    json_t *array = json_object_get(json, key);
    assert_true(json_is_array(array));
    json_t *element = json_array_get(array, index);
    assert_non_null(element);
    return element;
}

static void assert_text(json_t *json, const char *key, const char *expected)
{
    json_t *text = json_object_get(json, key);
    if (!json_is_string(text)) {
        fail_msg("no string %s", key);
    }
    assert_string_equal(json_string_value(text), expected);
}

/* The AnyValue of an attribute. */
static json_t *attribute_of(json_t *json, const char *key)
{
    size_t index;
    json_t *attribute;
    json_array_foreach(json_object_get(json, "attributes"), index, attribute)
    {
        if (strcmp(json_string_value(json_object_get(attribute, "key")), key) == 0) {
            return json_object_get(attribute, "value");
        }
    }
    fail_msg("no attribute %s", key);
    return NULL;
}

static cleat_span make_full_span(file_sdk *sdk)
{
    const cleat_slice strings[] = {{"x", 1}, {"y", 1}};
    const double reals[] = {0.1, INFINITY, NAN};
    const cleat_attribute arrays[] = {
        cleat_attribute_strings("strings", strings, 2),
        cleat_attribute_doubles("doubles", reals, 3),
        cleat_attribute_ints("empty", NULL, 0),
    };
    cleat_span_context remote = make_context(0x21, CLEAT_TRACE_FLAG_SAMPLED), to = make_context(0x11, 1);
    remote.is_remote = true;
    cleat_trace_state_parse(&remote, cleat_slice_of("a=b"));
    cleat_trace_state_parse(&to, cleat_slice_of("c=d"));
    cleat_context *parent = cleat_context_with_span_context(NULL, &remote);
    cleat_span span =
        cleat_span_start(sdk->tracer, "na\"me\n\xf0\x9f\x98\x80",
                         CLEAT_SPAN_OPTIONS(.parent = parent, .kind = CLEAT_SPAN_KIND_PRODUCER));
    cleat_context_release(parent);
    cleat_span_set_string(span, "string", "t\tab \x01");
    cleat_span_set_int(span, "int", INT64_MIN);
    cleat_span_set_bool(span, "bool", false);
    cleat_span_set_double(span, "double", 0.1);
    for (size_t i = 0; i < COUNT_OF(arrays); i++) {
        cleat_span_set_attribute(span, &arrays[i]);
    }
    cleat_span_add_event(span, "event", arrays, 1, 12345);
    cleat_span_add_event(span, "lost", NULL, 0, 0);
    cleat_span_add_link(span, &(cleat_link){&to, arrays, 1});
    cleat_span_add_link(span, &(cleat_link){&to, NULL, 0});
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "why");
    return span;
}

static void check_attributes(json_t *span)
{
    assert_text(attribute_of(span, "string"), "stringValue", "t\tab \x01");
    assert_text(attribute_of(span, "int"), "intValue", "-9223372036854775808");
    assert_true(json_is_false(json_object_get(attribute_of(span, "bool"), "boolValue")));
    assert_true(json_real_value(json_object_get(attribute_of(span, "double"), "doubleValue")) == 0.1);
    json_t *array = json_object_get(attribute_of(span, "strings"), "arrayValue");
    assert_text(at(array, "values", 1), "stringValue", "y");
    array = json_object_get(attribute_of(span, "doubles"), "arrayValue");
    assert_text(at(array, "values", 1), "doubleValue", "Infinity");
    assert_text(at(array, "values", 2), "doubleValue", "NaN");
    array = json_object_get(attribute_of(span, "empty"), "arrayValue");
    assert_int_equal(json_array_size(json_object_get(array, "values")), 0);
}

static void check_span(json_t *span)
{
    assert_text(span, "traceId", "21212121212121212121212121212121");
    assert_text(span, "spanId", "bb00000000000001");
    assert_text(span, "parentSpanId", "2222222222222222");
    assert_text(span, "traceState", "a=b");
    assert_text(span, "name", "na\"me\n\xf0\x9f\x98\x80");
    assert_int_equal(json_integer_value(json_object_get(span, "kind")), 4);
    assert_int_equal(json_integer_value(json_object_get(span, "flags")), 0x301);
    assert_text(span, "startTimeUnixNano", "1700000000000000000");
    assert_text(span, "endTimeUnixNano", "1700000000000000250");
    check_attributes(span);
    json_t *event = at(span, "events", 0);
    assert_text(event, "timeUnixNano", "12345");
    assert_text(event, "name", "event");
    assert_non_null(attribute_of(event, "strings"));
    assert_int_equal(json_integer_value(json_object_get(span, "droppedEventsCount")), 1);
    json_t *link = at(span, "links", 0);
    assert_text(link, "traceId", "11111111111111111111111111111111");
    assert_text(link, "spanId", "1212121212121212");
    assert_text(link, "traceState", "c=d");
    assert_int_equal(json_integer_value(json_object_get(link, "flags")), 0x101);
    assert_int_equal(json_integer_value(json_object_get(span, "droppedLinksCount")), 1);
    assert_text(json_object_get(span, "status"), "message", "why");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(span, "status"), "code")), 2);
}

static void span_is_a_line_of_otlp_json(void **state)
{
    file_sdk sdk;
    (void)state;
    start(&sdk, PATH);
    cleat_span span = make_full_span(&sdk);
    fake_clock_advance(&sdk.clock, 250);
    cleat_span_end(span);
    cleat_tracer_provider_free(sdk.provider);

    json_t *json = read_line(0);
    json_t *resource_spans = at(json, "resourceSpans", 0);
    assert_text(resource_spans, "schemaUrl", "https://resource");
    assert_text(attribute_of(json_object_get(resource_spans, "resource"), "service.name"), "stringValue",
                "files \xc3\xbc");
    json_t *scope_spans = at(resource_spans, "scopeSpans", 0);
    assert_text(json_object_get(scope_spans, "scope"), "name", "file");
    assert_text(json_object_get(scope_spans, "scope"), "version", "2");
    assert_null(json_object_get(scope_spans, "schemaUrl"));
    check_span(at(scope_spans, "spans", 0));
    json_decref(json);
    assert_null(read_line(1));
    remove(PATH);
}

static void spans_are_grouped_by_scope(void **state)
{
    file_sdk sdk;
    const cleat_attribute attribute = cleat_attribute_int("k", 1);
    (void)state;
    start(&sdk, PATH);
    cleat_tracer *other = cleat_tracer_provider_get_tracer(
        sdk.provider, "other",
        CLEAT_TRACER_OPTIONS(.schema_url = "https://scope", .attributes = &attribute, .attribute_count = 1));
    for (int i = 0; i < 3; i++) {
        cleat_span_end(cleat_span_start(sdk.tracer, "mine", NULL));
        cleat_span_end(cleat_span_start(other, "theirs", NULL));
    }
    cleat_tracer_provider_force_flush(sdk.provider, 10000);
    cleat_span_end(cleat_span_start(other, "second line", NULL));
    cleat_tracer_provider_free(sdk.provider);

    json_t *json = read_line(0);
    assert_int_equal(json_array_size(json_object_get(json, "resourceSpans")), 1);
    json_t *scopes = json_object_get(at(json, "resourceSpans", 0), "scopeSpans");
    assert_int_equal(json_array_size(scopes), 2);
    json_t *theirs = json_array_get(scopes, 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(scopes, 0), "spans")), 3);
    assert_int_equal(json_array_size(json_object_get(theirs, "spans")), 3);
    assert_text(at(theirs, "spans", 2), "name", "theirs");
    assert_text(theirs, "schemaUrl", "https://scope");
    assert_text(attribute_of(json_object_get(theirs, "scope"), "k"), "intValue", "1");
    json_decref(json);
    json = read_line(1);
    assert_non_null(json);
    json_decref(json);
    remove(PATH);
}

static void lines_are_appended(void **state)
{
    file_sdk sdk;
    (void)state;
    for (int i = 0; i < 3; i++) {
        start(&sdk, PATH);
        cleat_span_end(cleat_span_start(sdk.tracer, "again", NULL));
        cleat_tracer_provider_free(sdk.provider);
    }
    json_t *json = read_line(2);
    assert_non_null(json);
    json_decref(json);
    assert_null(read_line(3));
    remove(PATH);
}

static void files_that_cannot_be_written(void **state)
{
    cleat_span_exporter *exporter = NULL;
    file_sdk sdk;
    (void)state;
    assert_int_equal(cleat_file_exporter_new(NULL, &exporter), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_file_exporter_new("", &exporter), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_file_exporter_new("x", NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_file_exporter_new("no/such/folder/file", &exporter), CLEAT_IO);
    assert_non_null(strstr(cleat_error_message(), "no/such/folder/file"));
    assert_int_equal(cleat_file_exporter_new(".", &exporter), CLEAT_IO);
    assert_null(exporter);
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    start(&sdk, "/dev/full");
    cleat_span_end(cleat_span_start(sdk.tracer, "lost", NULL));
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_DISK_FULL);
    cleat_tracer_provider_free(sdk.provider);
}

static void after_shutdown_nothing_is_written(void **state)
{
    cleat_span_exporter *exporter = NULL;
    (void)state;
    assert_int_equal(cleat_file_exporter_new(PATH, &exporter), CLEAT_OK);
    assert_int_equal(exporter->force_flush(exporter, 0), CLEAT_OK);
    assert_int_equal(exporter->shutdown(exporter, 0), CLEAT_OK);
    assert_int_equal(exporter->shutdown(exporter, 0), CLEAT_OK);
    assert_int_equal(exporter->force_flush(exporter, 0), CLEAT_OK);
    assert_int_equal(exporter->export_spans(exporter, NULL, 0), CLEAT_UNAVAILABLE);
    exporter->free(exporter);
    remove(PATH);
}

/* ---- Values only peers send ---- */

static void assert_value(const char *message, size_t size, const char *expected)
{
    const cleat_value value = {.encoded = {message, size}};
    cleat__buffer json = {0};
    cleat__json_value(&json, &value);
    assert_slice(cleat__buffer_slice(&json), expected);
    cleat__buffer_deinit(&json);
}

static void foreign_values_are_written_too(void **state)
{
    (void)state;
    assert_value("", 0, "{}");
    assert_value("\x3a\x00", 2, "{\"bytesValue\":\"\"}");
    assert_value("\x3a\x01M", 3, "{\"bytesValue\":\"TQ==\"}");
    assert_value("\x3a\x02Ma", 4, "{\"bytesValue\":\"TWE=\"}");
    assert_value("\x3a\x03Man", 5, "{\"bytesValue\":\"TWFu\"}");
    assert_value("\x2a\x08\x0a\x02\x10\x01\x0a\x02\x18\x01", 10,
                 "{\"arrayValue\":{\"values\":[{\"boolValue\":true},{\"intValue\":\"1\"}]}}");
    assert_value(
        "\x32\x0b\x0a\x09\x0a\x01k\x12\x04\x2a\x02\x0a\x00", 13,
        "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"arrayValue\":{\"values\":[{}]}}}]}}");
    assert_value("\x10\x01\x18\x02", 4, "{\"intValue\":\"2\"}"); /* a oneof: the last one counts */
    /* Lists in lists without end do not use up the stack. */
    char deep[4000];
    size_t size = 0;
    for (size_t i = 0; size + 16 < sizeof(deep) / 2; i++) {
        uint8_t inner[sizeof(deep)], *end = inner;
        end = cleat__put_tag(end, 1, CLEAT__WIRE_BYTES);
        end = cleat__put_varint(end, size);
        end = cleat__put_raw(end, deep, size);
        size_t inner_size = (size_t)(end - inner);
        uint8_t *to = cleat__put_tag((uint8_t *)deep, 5, CLEAT__WIRE_BYTES);
        to = cleat__put_varint(to, inner_size);
        to = cleat__put_raw(to, inner, inner_size);
        size = (size_t)(to - (uint8_t *)deep);
    }
    const cleat_value value = {.encoded = {deep, size}};
    cleat__buffer json = {0};
    cleat__json_value(&json, &value);
    assert_false(json.failed);
    cleat__buffer_deinit(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_is_a_line_of_otlp_json),
        cmocka_unit_test(spans_are_grouped_by_scope),
        cmocka_unit_test(lines_are_appended),
        cmocka_unit_test(files_that_cannot_be_written),
        cmocka_unit_test(after_shutdown_nothing_is_written),
        cmocka_unit_test(foreign_values_are_written_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
