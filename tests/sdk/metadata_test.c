/* Metadata as text and as a string map. */
#include "model/json_members.h"
#include "sdk/metadata.h"

#include "base/alloc.h"
#include "base/random.h"
#include <cleat/run.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct change {
    const char *key, *value; /* value NULL: remove */
} change;

typedef struct text_case {
    const char *text;
    change changes[3];
    const char *expected;
} text_case;

static const text_case text_cases[] = {
    {NULL, {{NULL, NULL}}, NULL},
    {"{}", {{NULL, NULL}}, "{}"},
    {NULL, {{"a", "1"}}, "{\"a\":\"1\"}"},
    {"{}", {{"a", "1"}, {"b", ""}}, "{\"a\":\"1\",\"b\":\"\"}"},
    {" { \"x\" : 1.50 , \"y\":[1,{\"z\":\"}\"}] } ",
     {{"a", "1"}},
     "{\"x\":1.50,\"y\":[1,{\"z\":\"}\"}],\"a\":\"1\"}"},
    {"{\"a\":{},\"b\":2}", {{"a", "1"}}, "{\"a\":\"1\",\"b\":2}"},
    {"{\"a\":1,\"b\":2}", {{"a", NULL}}, "{\"b\":2}"},
    {"{\"a\":1}", {{"a", NULL}}, "{}"},
    {"{\"a\":1}", {{"b", NULL}}, "{\"a\":1}"},
    {"{\"a\":1,\"a\":2}", {{"a", "3"}}, "{\"a\":1,\"a\":\"3\"}"}, /* the last one counts */
    {"{\"a\":1,\"a\":2}", {{"a", NULL}}, "{}"},
    {"{\"\\u0061\":1}", {{"a", "2"}}, "{\"a\":\"2\"}"},
    {"{\"q\\\"\":\"\\\\\"}", {{"a", "\""}}, "{\"q\\\"\":\"\\\\\",\"a\":\"\\\"\"}"},
    {"{\"n\":123456789012345678901234567890}",
     {{"a", "1"}},
     "{\"n\":123456789012345678901234567890,\"a\":\"1\"}"},
};

static void test_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof text_cases[0]; i++) {
        const text_case *it = &text_cases[i];
        cleat__metadata metadata;
        cleat_slice text;
        cleat__metadata_init(&metadata, cleat_slice_of(it->text));
        cleat_text_map map = cleat__metadata_map(&metadata);
        for (size_t n = 0; n < 3 && it->changes[n].key != NULL; n++) {
            const change *made = &it->changes[n];
            if (made->value == NULL) {
                map.remove(map.self, made->key);
                assert_null(map.get(map.self, made->key).data);
            } else {
                assert_int_equal(map.set(map.self, made->key, cleat_slice_of(made->value)), CLEAT_OK);
                assert_true(cleat_slice_equals(map.get(map.self, made->key), cleat_slice_of(made->value)));
            }
        }
        assert_int_equal(cleat__metadata_text(&metadata, &text), CLEAT_OK);
        if (!cleat_slice_equals(text, cleat_slice_of(it->expected))) {
            fail_msg("%s became %.*s", it->text, CLEAT_SLICE_ARGS(text));
        }
        cleat__metadata_deinit(&metadata);
    }
}

static void test_get(void **state)
{
    (void)state;
    cleat__metadata metadata;
    cleat__metadata_init(
        &metadata,
        cleat_slice_of("{\"s\":\"x\",\"e\":\"\\u00e4\\n\",\"\":\"empty\",\"n\":1,\"o\":{},\"z\":null}"));
    cleat_text_map map = cleat__metadata_reader(&metadata);
    assert_true(cleat_slice_equals(map.get(map.self, "s"), cleat_slice_of("x")));
    assert_true(cleat_slice_equals(map.get(map.self, "e"), cleat_slice_of("\xc3\xa4\n")));
    assert_true(cleat_slice_equals(map.get(map.self, "e"), cleat_slice_of("\xc3\xa4\n"))); /* decoded once */
    assert_true(cleat_slice_equals(map.get(map.self, ""), cleat_slice_of("empty")));
    assert_null(map.get(map.self, "n").data);
    assert_null(map.get(map.self, "o").data);
    assert_null(map.get(map.self, "z").data);
    cleat__metadata_deinit(&metadata);
}

static void test_limits(void **state)
{
    (void)state;
    cleat__metadata metadata;
    cleat_slice text;
    char *large = malloc(CLEAT_PAYLOAD_MAX);
    assert_non_null(large);
    memset(large, 'x', CLEAT_PAYLOAD_MAX);
    cleat__metadata_init(&metadata, cleat_slice_of(NULL));
    cleat_text_map map = cleat__metadata_map(&metadata);
    assert_int_equal(map.set(map.self, "nul", (cleat_slice){"a\0b", 3}), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(map.set(map.self, "large", (cleat_slice){large, CLEAT_PAYLOAD_MAX}), CLEAT_OK);
    assert_int_equal(cleat__metadata_text(&metadata, &text), CLEAT_TOO_LARGE);
    map.remove(map.self, "large");
    assert_int_equal(cleat__metadata_text(&metadata, &text), CLEAT_OK);
    assert_true(cleat_slice_equals(text, cleat_slice_of("{}")));
    cleat__metadata_deinit(&metadata);
    free(large);
}

/* What a child of a run is stored with of its own, and what its interceptors see of it. */
static void assert_child(const char *parent, const char *own, const char *stored, const char *a)
{
    cleat__metadata metadata;
    cleat_slice text;
    char *below = cleat__metadata_for_children(cleat_slice_of(parent), "RUN", "ID");
    assert_non_null(below);
    cleat__metadata_init_child(&metadata, cleat_slice_of(own), below);
    cleat_text_map map = cleat__metadata_map(&metadata);
    assert_true(cleat_slice_equals(map.get(map.self, "a"), cleat_slice_of(a)));
    assert_true(cleat_slice_equals(map.get(map.self, "hatchet__parent_step_run_id"), cleat_slice_of("ID")));
    assert_true(
        cleat_slice_equals(map.get(map.self, "hatchet__parent_workflow_run_id"), cleat_slice_of("RUN")));
    assert_false(cleat_slice_equals(map.get(map.self, "traceparent"), cleat_slice_of("parent's")));
    assert_int_equal(cleat__metadata_text(&metadata, &text), CLEAT_OK);
    assert_true(cleat_slice_equals(text, cleat_slice_of(own)));
    assert_int_equal(map.set(map.self, "set", cleat_slice_of("x")), CLEAT_OK);
    assert_int_equal(cleat__metadata_text(&metadata, &text), CLEAT_OK);
    if (!cleat_slice_equals(text, cleat_slice_of(stored))) {
        fail_msg("%s under %s became %.*s", parent, own, CLEAT_SLICE_ARGS(text));
    }
    cleat__metadata_deinit(&metadata);
    cleat__free(below);
}

static void test_children(void **state)
{
    (void)state;
    assert_child(NULL, NULL, "{\"set\":\"x\"}", NULL);
    assert_child("{\"a\":\"1\",\"set\":3}", NULL, "{\"set\":\"x\"}", "1");
    assert_child("{\"a\":\"1\",\"b\":2}", "{\"b\":[3],\"a\":\"4\"}", "{\"a\":\"4\",\"b\":[3],\"set\":\"x\"}",
                 "4");
    assert_child("{\"hatchet__event_id\":1,\"traceparent\":\"parent's\",\"tracestate\":1,\"baggage\":1}",
                 "{}", "{\"set\":\"x\"}", NULL);
    assert_child("{\"hatchet__parent_step_run_id\":\"grandparent\",\"traceparent\":\"parent's\"}",
                 "{\"hatchet__parent_step_run_id\":\"forged\",\"traceparent\":\"own\"}",
                 "{\"traceparent\":\"own\",\"set\":\"x\"}", NULL);
    assert_child("{\"a\":\"1\"}", "{\"\\u0061\":\"2\",\"a\":\"3\"}",
                 "{\"a\":\"2\",\"a\":\"3\",\"set\":\"x\"}", "3");
}

/* An interceptor that takes back what is inherited takes back nothing that is sent. */
static void test_what_is_taken_from_a_child(void **state)
{
    (void)state;
    cleat__metadata metadata;
    cleat_slice text;
    cleat__metadata_init_child(&metadata, cleat_slice_of("{\"a\":1}"), "{\"b\":2}");
    cleat_text_map map = cleat__metadata_map(&metadata);
    map.remove(map.self, "b");
    assert_int_equal(cleat__metadata_text(&metadata, &text), CLEAT_OK);
    assert_true(cleat_slice_equals(text, cleat_slice_of("{\"a\":1}")));
    map.remove(map.self, "a");
    assert_int_equal(cleat__metadata_text(&metadata, &text), CLEAT_OK);
    assert_true(cleat_slice_equals(text, cleat_slice_of("{}")));
    cleat__metadata_deinit(&metadata);
}

/* Whatever the bytes: members are parts of the text, and reading ends. */
static void test_members_of_garbage(void **state)
{
    (void)state;
    static const char alphabet[] = "{}[]\":,\\ ax1";
    cleat__random random;
    cleat__random_init(&random, 42);
    for (int round = 0; round < 200000; round++) {
        char text[24];
        cleat__json_cursor cursor;
        cleat_slice key, value;
        size_t size = (size_t)cleat__random_below(&random, sizeof text);
        for (size_t i = 0; i < size; i++) {
            text[i] = alphabet[cleat__random_below(&random, sizeof alphabet - 1)];
        }
        text[0] = '{';
        char *exact = malloc(size > 0 ? size : 1); /* so that reading beyond is seen */
        assert_non_null(exact);
        memcpy(exact, text, size);
        cleat__json_members((cleat_slice){exact, size}, &cursor);
        for (size_t members = 0; cleat__json_next_member(&cursor, &key, &value); members++) {
            assert_true(members < sizeof text);
            assert_true(key.data >= exact && key.data + key.size <= exact + size);
            assert_true(value.data >= exact && value.data + value.size <= exact + size);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_what_is_taken_from_a_child),
        cmocka_unit_test(test_members_of_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
