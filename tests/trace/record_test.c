#include "trace/record.h"

#include "sdk_test.h"
#include "trace/any_value.h"
#include "trace/attribute_set.h"
#include "trace/protobuf.h"

/* ---- Wire primitives ---- */

static void varints_have_the_size_they_need(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t size;
    } cases[] = {
        {0, 1},
        {1, 1},
        {127, 1},
        {128, 2},
        {16383, 2},
        {16384, 3},
        {UINT32_MAX, 5},
        {UINT64_MAX, 10},
        {UINT64_C(1) << 62, 9},
        {UINT64_C(1) << 63, 10},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t bytes[10];
        assert_int_equal(cleat__varint_size(cases[i].value), cases[i].size);
        assert_int_equal(cleat__put_varint(bytes, cases[i].value) - bytes, cases[i].size);
        cleat__wire_reader reader = {bytes, bytes + cases[i].size, false};
        uint64_t value = 0;
        assert_true(cleat__wire_varint(&reader, &value));
        assert_true(value == cases[i].value);
    }
}

static void reader_refuses_what_is_cut_off_or_impossible(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x0a", 1}, /* no length */
        {"\x0a\x05"
         "abc",
         5},                                                      /* shorter than it says */
        {"\x08", 1},                                              /* no number */
        {"\x08\x80", 2},                                          /* number goes on */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},     /* above 64 bits */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* eleven bytes */
        {"\x09\x01\x02\x03", 4},                                  /* fixed64 of three bytes */
        {"\x0d\x01\x02", 3},                                      /* fixed32 of two */
        {"\x0b", 1},                                              /* a group */
        {"\x0e", 1},                                              /* wire type 6 */
        {"\x02\x00", 2},                                          /* field 0 */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* length of 2^64 - 1 */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_slice record = {malloc(cases[i].size), cases[i].size};
        memcpy((void *)(uintptr_t)record.data, cases[i].bytes, cases[i].size);
        cleat_span_view view;
        assert_int_equal(cleat_span_view_read(record, &view), CLEAT_INVALID_ARGUMENT);
        assert_null(view.record.data);
        free((void *)(uintptr_t)record.data);
    }
}

/* ---- The record, checked by hand ---- */

static void record_has_the_bytes_that_the_schema_says(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "hi", CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_CLIENT));
    cleat_span_set_string(span, "s", "ab");
    cleat_span_set_bool(span, "b", false);
    cleat_span_set_int(span, "i", -1);
    cleat_span_set_double(span, "d", 1.0);
    const int64_t ints[] = {1, 300};
    cleat_attribute array = cleat_attribute_ints("a", ints, 2);
    cleat_span_set_attribute(span, &array);
    cleat_span_add_event(span, "e", NULL, 0, 2);
    cleat_span_context to = make_context(0x11, 1);
    cleat_span_add_link(span, &(cleat_link){.context = &to});
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "no");
    cleat_span_end_at(span, START_UNIX_NS + 1);

    static const uint8_t expected[] =
        "\x0a\x10\xaa\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01" /* 1 trace_id */
        "\x12\x08\xbb\0\0\0\0\0\0\x01"                 /* 2 span_id */
        "\x2a\x02hi"                                   /* 5 name */
        "\x30\x03"                                     /* 6 kind */
        "\x39\x00\x00\x2a\x36\xfe\x9c\x97\x17"         /* 7 start */
        "\x41\x01\x00\x2a\x36\xfe\x9c\x97\x17"         /* 8 end */
        "\x4a\x09\x0a\x01s\x12\x04\x0a\x02"
        "ab" /* 9 attributes */
        "\x4a\x07\x0a\x01"
        "b\x12\x02\x10\x00"
        "\x4a\x10\x0a\x01i\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        "\x4a\x0e\x0a\x01"
        "d\x12\x09\x21\0\0\0\0\0\0\xf0\x3f"
        "\x4a\x10\x0a\x01"
        "a\x12\x0b\x2a\x09\x0a\x02\x18\x01\x0a\x03\x18\xac\x02"
        "\x5a\x0c\x09\x02\0\0\0\0\0\0\0\x12\x01"
        "e" /* 11 events */
        "\x6a\x21\x0a\x10\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
        "\x12\x08\x12\x12\x12\x12\x12\x12\x12\x12\x35\x01\x01\0\0" /* 13 links */
        "\x7a\x06\x12\x02no\x18\x02"                               /* 15 status */
        "\x85\x01\x03\x01\0\0";                                    /* 16 flags */
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.record.size, sizeof(expected) - 1);
    assert_memory_equal(view.record.data, expected, sizeof(expected) - 1);
    sdk_stop(&sdk);
}

static void defaults_are_left_out(void **state)
{
    (void)state;
    cleat_span_view view = {.trace_id = {{1}}, .span_id = {{2}}};
    cleat__record_parts parts = {.span = &view};
    uint8_t bytes[256];
    assert_true(cleat__record_bound(&parts) <= sizeof(bytes));
    cleat__record_write(&parts, bytes, &view);
    assert_int_equal(view.record.size, 2 + 16 + 2 + 8);
}

static void bound_is_never_passed(void **state)
{
    (void)state;
    cleat_span_view view = {
        .trace_id = {{1}},
        .span_id = {{2}},
        .parent_span_id = {{3}},
        .trace_state = {"a=b", 3},
        .name = {"name", 4},
        .kind = CLEAT_SPAN_KIND_CONSUMER,
        .start_time_ns = -1,
        .end_time_ns = -1,
        .dropped_attribute_count = UINT32_MAX,
        .dropped_event_count = UINT32_MAX,
        .dropped_link_count = UINT32_MAX,
        .status = CLEAT_SPAN_STATUS_ERROR,
        .status_message = {"why", 3},
        .flags = UINT32_MAX,
    };
    cleat__record_parts parts = {.span = &view};
    size_t bound = cleat__record_bound(&parts);
    uint8_t *bytes = malloc(bound);
    cleat_span_view written;
    cleat__record_write(&parts, bytes, &written);
    assert_true(written.record.size <= bound);
    cleat_span_view read;
    assert_int_equal(cleat_span_view_read(written.record, &read), CLEAT_OK);
    assert_int_equal(read.dropped_link_count, UINT32_MAX);
    assert_int_equal(read.flags, UINT32_MAX);
    assert_int_equal(read.kind, CLEAT_SPAN_KIND_CONSUMER);
    assert_slice(read.trace_state, "a=b");
    assert_slice(read.status_message, "why");
    free(bytes);
}

/* ---- The view ---- */

static void view_reads_every_kind_of_value(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    const cleat_slice strings[] = {{"x", 1}, {"", 0}, {"yz", 2}};
    const bool booleans[] = {true, false};
    const int64_t integers[] = {INT64_MIN, 0, INT64_MAX};
    const double reals[] = {-0.5, 1e300};
    const cleat_attribute attributes[] = {
        cleat_attribute_string("string", "text"),     cleat_attribute_string("empty", ""),
        cleat_attribute_bool("bool", true),           cleat_attribute_int("int", INT64_MIN),
        cleat_attribute_double("double", 2.5),        cleat_attribute_strings("strings", strings, 3),
        cleat_attribute_bools("bools", booleans, 2),  cleat_attribute_ints("ints", integers, 3),
        cleat_attribute_doubles("doubles", reals, 2), cleat_attribute_ints("none", NULL, 0),
        cleat_attribute_string("null", NULL),
    };
    cleat_span_end(cleat_span_start(
        sdk.tracer, "values",
        CLEAT_SPAN_OPTIONS(.attributes = attributes, .attribute_count = COUNT_OF(attributes))));
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.attribute_count, COUNT_OF(attributes) - 1);
    assert_false(cleat_span_view_attribute(&view, "null", NULL));
    assert_string_attribute(&view, "empty", "");
    assert_int_attribute(&view, "int", INT64_MIN);
    assert_true(value_of(&view, "bool").as.boolean);
    assert_true(value_of(&view, "double").as.real == 2.5);

    cleat_value array = value_of(&view, "strings"), element;
    assert_int_equal(array.type, CLEAT_VALUE_STRING_ARRAY);
    assert_int_equal(array.count, 3);
    assert_null(array.as.strings);
    assert_true(cleat_value_element(&array, 2, &element));
    assert_slice(element.as.string, "yz");
    assert_false(cleat_value_element(&array, 3, &element));
    array = value_of(&view, "ints");
    assert_true(cleat_value_element(&array, 0, &element));
    assert_true(element.as.integer == INT64_MIN);
    array = value_of(&view, "bools");
    assert_true(cleat_value_element(&array, 1, &element));
    assert_int_equal(element.type, CLEAT_VALUE_BOOL);
    assert_false(element.as.boolean);
    array = value_of(&view, "doubles");
    assert_true(cleat_value_element(&array, 1, &element));
    assert_true(element.as.real == 1e300);
    assert_int_equal(value_of(&view, "none").count, 0);

    /* What was read can be set on another span. */
    array = value_of(&view, "strings");
    cleat_attribute copied = {cleat_slice_of("copy"), array};
    cleat_span span = cleat_span_start(sdk.tracer, "copy", NULL);
    assert_int_equal(cleat_span_set_attribute(span, &copied), CLEAT_OK);
    cleat_span_end(span);
    view = sdk_last(&sdk);
    array = value_of(&view, "copy");
    assert_true(cleat_value_element(&array, 0, &element));
    assert_slice(element.as.string, "x");
    sdk_stop(&sdk);
}

static void elements_of_a_callers_array(void **state)
{
    (void)state;
    const bool booleans[] = {false, true};
    cleat_attribute attribute = cleat_attribute_bools("b", booleans, 2);
    cleat_value element;
    assert_true(cleat_value_element(&attribute.value, 1, &element));
    assert_true(element.as.boolean);
    assert_false(cleat_value_element(&attribute.value, 2, &element));
    assert_false(cleat_value_element(NULL, 0, &element));
    assert_false(cleat_value_element(&attribute.value, 0, NULL));
    attribute = cleat_attribute_int("i", 1);
    assert_false(cleat_value_element(&attribute.value, 0, &element));
}

static void foreign_values_keep_their_bytes(void **state)
{
    (void)state;
    cleat_value value;
    /* bytes_value "ab" */
    assert_true(cleat__any_value_read((cleat_slice){"\x3a\x02"
                                                    "ab",
                                                    4},
                                      &value));
    assert_int_equal(value.type, CLEAT_VALUE_NONE);
    assert_int_equal(value.encoded.size, 4);
    /* array of a bool and an int */
    assert_true(cleat__any_value_read((cleat_slice){"\x2a\x08\x0a\x02\x10\x01\x0a\x02\x18\x01", 10}, &value));
    assert_int_equal(value.type, CLEAT_VALUE_NONE);
    /* array of an array */
    assert_true(cleat__any_value_read((cleat_slice){"\x2a\x06\x0a\x04\x2a\x02\x0a\x00", 8}, &value));
    assert_int_equal(value.type, CLEAT_VALUE_NONE);
    /* a malformed element */
    assert_false(cleat__any_value_read((cleat_slice){"\x2a\x04\x0a\x02\x0a\x05", 6}, &value));
}

static void unknown_fields_are_passed_over(void **state)
{
    (void)state;
    static const char record[] = "\x0a\x10"
                                 "0123456789abcdef"
                                 "\x12\x08"
                                 "01234567"
                                 "\xa2\x06\x01z"      /* field 100, bytes */
                                 "\xa0\x06\x05"       /* field 100, varint */
                                 "\x28\x01"           /* name as a varint: not ours */
                                 "\x2a\x01n\x2a\x01m" /* name twice: the last counts */
                                 "\x30\x63";          /* kind 99 */
    cleat_span_view view;
    assert_int_equal(cleat_span_view_read((cleat_slice){record, sizeof(record) - 1}, &view), CLEAT_OK);
    assert_slice(view.name, "m");
    assert_int_equal(view.kind, CLEAT_SPAN_KIND_DEFAULT);
    /* an id of the wrong size */
    assert_int_equal(cleat_span_view_read((cleat_slice){"\x0a\x02"
                                                        "ab",
                                                        4},
                                          &view),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_view_read((cleat_slice){NULL, 0}, &view), CLEAT_OK);
    assert_int_equal(cleat_span_view_read((cleat_slice){record, 3}, NULL), CLEAT_INVALID_ARGUMENT);
}

/* Every prefix and every flipped byte: nothing may be read outside (a sanitizer's matter). */
static void damaged_records_are_safe_to_read(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    const cleat_slice strings[] = {{"x", 1}, {"yz", 2}};
    const cleat_attribute attribute = cleat_attribute_strings("strings", strings, 2);
    cleat_span_context to = make_context(1, 1);
    cleat_trace_state_parse(&to, cleat_slice_of("a=b"));
    cleat_span span = cleat_span_start(sdk.tracer, "damaged", NULL);
    cleat_span_set_attribute(span, &attribute);
    cleat_span_add_event(span, "event", &attribute, 1, 0);
    cleat_span_add_link(span, &(cleat_link){&to, &attribute, 1});
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "status");
    cleat_span_end(span);
    cleat_span_view whole = sdk_last(&sdk);
    for (size_t i = 0; i < 2 * whole.record.size; i++) {
        bool is_cut = i < whole.record.size;
        size_t size = is_cut ? i : whole.record.size;
        char *bytes = malloc(size != 0 ? size : 1);
        memcpy(bytes, whole.record.data, size);
        if (!is_cut) {
            bytes[i - whole.record.size] ^= 0x41;
        }
        cleat_span_view view;
        if (cleat_span_view_read((cleat_slice){bytes, size}, &view) == CLEAT_OK) {
            cleat_attribute read;
            cleat_event_view event;
            cleat_link_view link;
            cleat_value element;
            size_t cursor = 0, inner = 0;
            while (cleat_span_view_next_attribute(&view, &cursor, &read)) {
                cleat_value_element(&read.value, 1, &element);
            }
            for (cursor = 0; cleat_span_view_next_event(&view, &cursor, &event); inner = 0) {
                while (cleat_event_view_next_attribute(&event, &inner, &read)) {
                }
            }
            for (cursor = 0; cleat_span_view_next_link(&view, &cursor, &link); inner = 0) {
                while (cleat_link_view_next_attribute(&link, &inner, &read)) {
                }
            }
        }
        free(bytes);
    }
    sdk_stop(&sdk);
}

/* ---- Attribute sets ---- */

static void overwriting_keeps_one_of_each_key(void **state)
{
    (void)state;
    static const cleat__attribute_limits limits = {128, CLEAT__NO_LIMIT};
    cleat__attribute_set set = {0};
    cleat__attribute_slot slots[2];
    uint8_t data[16]; /* too small at once: it grows to the heap */
    cleat__attribute_set_init(&set, CLEAT__SPAN_ATTRIBUTES, data, sizeof(data), slots, 2);
    char key[16], text[300];
    memset(text, 'x', sizeof(text));
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 40; i++) {
            snprintf(key, sizeof(key), "key%d", i);
            cleat_attribute attribute =
                cleat_attribute_slice(key, (cleat_slice){text, (size_t)((i * 7 + round * 13) % 300)});
            assert_int_equal(cleat__attribute_set_put(&set, attribute.key, &attribute.value, &limits),
                             CLEAT_OK);
        }
    }
    assert_int_equal(set.count, 40);
    cleat_span_view view = {.record = {(const char *)set.data, set.size}};
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(value_of(&view, key).as.string.size, (i * 7 + 19 * 13) % 300);
        assert_true(cleat__attribute_set_has(&set, cleat_slice_of(key)));
    }
    assert_false(cleat__attribute_set_has(&set, cleat_slice_of("key40")));
    cleat__attribute_set_deinit(&set);
}

static void keys_that_look_alike_are_told_apart(void **state)
{
    (void)state;
    static const cleat__attribute_limits limits = {128, CLEAT__NO_LIMIT};
    static const char *const keys[] = {"abcdXefgh", "abcdYefgh", "a", "b", "ab", "ba", "abcdZefgh"};
    cleat__attribute_set set = {0};
    cleat__attribute_set_init(&set, CLEAT__SPAN_ATTRIBUTES, NULL, 0, NULL, 0);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        cleat_attribute attribute = cleat_attribute_int(keys[i], (int64_t)i);
        cleat__attribute_set_put(&set, attribute.key, &attribute.value, &limits);
    }
    assert_int_equal(set.count, COUNT_OF(keys));
    cleat_span_view view = {.record = {(const char *)set.data, set.size}};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_int_attribute(&view, keys[i], (int64_t)i);
    }
    cleat__attribute_set_deinit(&set);
}

static void text_is_cut_and_repaired(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        uint32_t limit;
    } cases[] = {
        {"plain", "plain", CLEAT__NO_LIMIT},
        {"plain", "pla", 3},
        {"plain", "", 0},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 4}, /* characters, not bytes */
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc", 3},
        {"\xf0\x9f\x98\x80!", "\xf0\x9f\x98\x80", 1},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b",
         CLEAT__NO_LIMIT},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd", 2},
        {"a\xff"
         "b",
         "a", 1},
        {"\xc3", "\xef\xbf\xbd", CLEAT__NO_LIMIT},
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd", CLEAT__NO_LIMIT},
        {"0123456789\xff", "0123456789", 10},
        {"\xff"
         "0123456789\xc3\xbc",
         "\xef\xbf\xbd"
         "012345",
         7},
        {"\xff"
         "\xc3\xbc\xc3\xbc",
         "\xef\xbf\xbd"
         "\xc3\xbc",
         2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_slice from = exact_copy(cases[i].from);
        cleat__text text = cleat__text_of(from, cases[i].limit);
        uint8_t *out = malloc(text.size + 1);
        assert_int_equal(cleat__text_put(out, &text) - out, text.size);
        assert_slice((cleat_slice){(const char *)out, text.size}, cases[i].to);
        free(out);
        free((void *)(uintptr_t)from.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_have_the_size_they_need),
        cmocka_unit_test(reader_refuses_what_is_cut_off_or_impossible),
        cmocka_unit_test(record_has_the_bytes_that_the_schema_says),
        cmocka_unit_test(defaults_are_left_out),
        cmocka_unit_test(bound_is_never_passed),
        cmocka_unit_test(view_reads_every_kind_of_value),
        cmocka_unit_test(elements_of_a_callers_array),
        cmocka_unit_test(foreign_values_keep_their_bytes),
        cmocka_unit_test(unknown_fields_are_passed_over),
        cmocka_unit_test(damaged_records_are_safe_to_read),
        cmocka_unit_test(overwriting_keeps_one_of_each_key),
        cmocka_unit_test(keys_that_look_alike_are_told_apart),
        cmocka_unit_test(text_is_cut_and_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
