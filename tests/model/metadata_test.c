#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/metadata.h"

#define ID     "01020300-0000-0000-0000-000000000000"
#define RUN_ID "09080000-0000-0000-0000-000000000000"
#define TAIL   "\"hatchet__parent_workflow_run_id\":\"" RUN_ID "\",\"hatchet__parent_step_run_id\":\"" ID "\"}"

static void test_what_a_child_inherits(void **state)
{
    (void)state;
    static const struct {
        const char *parent, *own, *expected;
    } cases[] = {
        {NULL, NULL, "{" TAIL},
        {"{}", "{}", "{" TAIL},
        {"{\"a\":1}", NULL, "{\"a\":1," TAIL},
        {NULL, "{\"b\" : [1, {\"c\":2}] }", "{\"b\":[1, {\"c\":2}]," TAIL},
        {"{\"a\":1,\"b\":2}", "{\"b\":3}", "{\"a\":1,\"b\":3," TAIL},
        {"{\"traceparent\":\"p\",\"hatchet__event_id\":\"e\",\"hatchet_\":1}", "{\"hatchet__mine\":1}",
         "{\"traceparent\":\"p\",\"hatchet_\":1,\"hatchet__mine\":1," TAIL},
        {"{\"hatchet__parent_step_run_id\":\"x\"}", "{\"hatchet__parent_workflow_run_id\":\"y\"}", "{" TAIL},
        {"{\"n\":123456789012345678901234567890,\"r\":1.50}", NULL,
         "{\"n\":123456789012345678901234567890,\"r\":1.50," TAIL},
        {"{\"traceparent\":\"p\",\"cleat__trace\":\"link\"}", NULL,
         "{\"traceparent\":\"p\",\"cleat__trace\":\"link\"," TAIL},
        {"{\"traceparent\":\"p\",\"cleat__trace\":\"link\"}", "{\"traceparent\":\"q\"}",
         "{\"traceparent\":\"q\"," TAIL},
        {"{\"traceparent\":\"p\",\"tracestate\":\"s\",\"baggage\":\"b\",\"a\":1}", "{\"a\":2}",
         "{\"traceparent\":\"p\",\"tracestate\":\"s\",\"baggage\":\"b\",\"a\":2," TAIL},
        {"{\"traceparent\":\"p\",\"tracestate\":\"s\",\"baggage\":\"b\",\"a\":1}", "{\"traceparent\":\"q\"}",
         "{\"a\":1,\"traceparent\":\"q\"," TAIL},
        {"{\"traceparent\":\"p\"}", "{\"traceparent\":\"q\",\"tracestate\":\"t\",\"baggage\":\"c\"}",
         "{\"traceparent\":\"q\",\"tracestate\":\"t\",\"baggage\":\"c\"," TAIL},
        {"{\"traceparent\":\"p\",\"tracestate\":\"s\"}", "{\"tracestate\":\"t\"}",
         "{\"traceparent\":\"p\",\"tracestate\":\"s\"," TAIL},
        {"{}", "{\"\\u0074racestate\":\"t\"}", "{" TAIL},
        {"{}", "{\"\\u0068atchet__parent_step_run_id\":\"x\"}", "{" TAIL},
        {"{\"\\u0061\":1}", "{\"a\":12345678901234567890}", "{\"a\":12345678901234567890," TAIL},
    };
    const cleat__uuid run = {{9, 8}}, id = {{1, 2, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer out = {0};
        cleat__metadata_inherit(cleat_slice_of(cases[i].parent), cleat_slice_of(cases[i].own), &run, &id,
                                &out);
        cleat__buffer_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, cases[i].expected);
        cleat__buffer_deinit(&out);
    }
}

#define EVENT_TAIL "\"hatchet__event_id\":\"" ID "\",\"hatchet__event_key\":\"a\\\"b\"}"

static void test_what_an_event_hands_on(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {NULL, "{" EVENT_TAIL},
        {"{}", "{" EVENT_TAIL},
        {"{\"a\":1.50,\"hatchet__x\":1}", "{\"a\":1.50," EVENT_TAIL},
        {"{\"hatchet__event_id\":\"x\",\"hatchet__parent_workflow_run_id\":\"y\"}", "{" EVENT_TAIL},
        {"{\"hatchet__source_workflow_run_id\":\"r\",\"hatchet__source_step_run_id\":\"s\"}",
         "{\"hatchet__source_workflow_run_id\":\"r\",\"hatchet__source_step_run_id\":\"s\"," EVENT_TAIL},
    };
    const cleat__uuid id = {{1, 2, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer out = {0};
        cleat__metadata_of_event(cleat_slice_of(cases[i][0]), &id, cleat_slice_of("a\"b"), &out);
        cleat__buffer_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, cases[i][1]);
        cleat__buffer_deinit(&out);
    }
}

static void test_what_an_invocation_is_delivered_with(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {NULL, NULL, "{}"},
        {"{\"a\":1.50}", NULL, "{\"a\":1.50}"},
        {"{\"a\":1,\"b\":2}", "{\"b\":3}", "{\"a\":1,\"b\":3}"},
        /* The first trace context becomes the origin, with its state, */
        {"{\"traceparent\":\"p\",\"tracestate\":\"s\",\"baggage\":\"b\"}", "{\"traceparent\":\"q\"}",
         "{\"cleat__origin_traceparent\":\"p\",\"cleat__origin_tracestate\":\"s\",\"baggage\":\"b\","
         "\"traceparent\":\"q\"}"},
        {"{\"traceparent\":\"p\"}", "{\"traceparent\":\"q\",\"tracestate\":\"t\",\"baggage\":\"c\"}",
         "{\"cleat__origin_traceparent\":\"p\",\"traceparent\":\"q\",\"tracestate\":\"t\",\"baggage\":"
         "\"c\"}"},
        /* unless it is the same, */
        {"{\"traceparent\":\"p\"}", "{\"traceparent\":\"p\"}", "{\"traceparent\":\"p\"}"},
        /* or the run has an origin, */
        {"{\"traceparent\":\"p\",\"tracestate\":\"s\",\"cleat__origin_traceparent\":\"o\"}",
         "{\"traceparent\":\"q\"}", "{\"cleat__origin_traceparent\":\"o\",\"traceparent\":\"q\"}"},
        /* or the carrier names one. */
        {"{\"traceparent\":\"p\",\"cleat__origin_traceparent\":\"o\",\"cleat__origin_tracestate\":\"s\"}",
         "{\"traceparent\":\"q\",\"cleat__origin_traceparent\":\"n\"}",
         "{\"traceparent\":\"q\",\"cleat__origin_traceparent\":\"n\"}"},
        {"{\"traceparent\":\"p\",\"tracestate\":\"s\"}", "{\"baggage\":\"c\"}",
         "{\"traceparent\":\"p\",\"tracestate\":\"s\",\"baggage\":\"c\"}"},
        {"{}", "{\"traceparent\":\"q\"}", "{\"traceparent\":\"q\"}"},
        /* Baggage of both, the carrier's where both have it. */
        {"{\"baggage\":\"a=1, b = 2;p=q,c=3\"}", "{\"baggage\":\"b=4,d=5\"}",
         "{\"baggage\":\"b=4,d=5,a=1,c=3\"}"},
        {"{\"baggage\":\"a=1\"}", "{\"baggage\":\"\"}", "{\"baggage\":\"a=1\"}"},
        {"{\"baggage\":\"\"}", "{\"baggage\":\"b=1\"}", "{\"baggage\":\"b=1\"}"},
        {"{\"baggage\":7}", "{\"baggage\":\"b=1\"}", "{\"baggage\":\"b=1\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer out = {0};
        cleat__metadata_deliver(cleat_slice_of(cases[i][0]), cleat_slice_of(cases[i][1]), &out);
        cleat__buffer_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, cases[i][2]);
        cleat__buffer_deinit(&out);
    }
}

static void test_a_message_does_not_say_where_the_run_comes_from(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {NULL, "{}", "{}"},
        {NULL, "{\"traceparent\":\"q\",\"cleat__origin_traceparent\":\"n\"}", "{\"traceparent\":\"q\"}"},
        {"{\"traceparent\":\"p\",\"baggage\":\"a=1\"}", "{\"traceparent\":\"q\"}", "{\"traceparent\":\"q\"}"},
        {"{\"traceparent\":\"p\",\"cleat__origin_traceparent\":\"o\",\"cleat__origin_tracestate\":\"s\"}",
         "{\"traceparent\":\"q\",\"cleat__trace\":\"parent\"}",
         "{\"traceparent\":\"q\",\"cleat__origin_traceparent\":\"o\",\"cleat__origin_tracestate\":\"s\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer out = {0};
        cleat__metadata_follow(cleat_slice_of(cases[i][0]), cleat_slice_of(cases[i][1]), &out);
        cleat__buffer_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, cases[i][2]);
        cleat__buffer_deinit(&out);
    }
}

static void test_the_carrier_in_a_message(void **state)
{
    (void)state;
#define CONTEXT "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01"
    static const char *const cases[][2] = {
        {NULL, ""},
        {"{}", ""},
        {"{\"traceparent\":\"p\",\"baggage\":\"b\"}", ""},
        {"{\"a\":1,\"traceparent\":\"" CONTEXT "\",\"cleat__origin_traceparent\":\"o\"}",
         "{\"traceparent\":\"" CONTEXT "\"}"},
        {"{\"baggage\":\"b\",\"tracestate\":\"s\",\"traceparent\":\"" CONTEXT "\"}",
         "{\"traceparent\":\"" CONTEXT "\",\"tracestate\":\"s\",\"baggage\":\"b\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer out = {0};
        cleat__metadata_carrier(cleat_slice_of(cases[i][0]), &out);
        cleat__buffer_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, cases[i][1]);
        cleat__buffer_deinit(&out);
    }
}

#define OTHER_ID "09000000-0000-0000-0000-000000000000"
/* The beginnings of SHA-256 over a text and the bytes of an id, by another implementation. */
#define OWN_TRACE   "53dda9b85bd267dd16fdab14b629f6e0"
#define OTHER_TRACE "b5f16302c28ea4a33c581708fbab601b"
#define SPAN        "2c8bb1982721cbf6"

static void test_a_trace_for_what_has_none(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {NULL, "{\"traceparent\":\"00-" OWN_TRACE "-" SPAN "-01\"}"},
        {"{}", "{\"traceparent\":\"00-" OWN_TRACE "-" SPAN "-01\"}"},
        {"{\"a\":1.50}", "{\"a\":1.50,\"traceparent\":\"00-" OWN_TRACE "-" SPAN "-01\"}"},
        {"{\"traceparent\":\"short\",\"a\":2}", "{\"a\":2,\"traceparent\":\"00-" OWN_TRACE "-" SPAN "-01\"}"},
        {"{\"hatchet__parent_workflow_run_id\":\"" OTHER_ID "\"}",
         "{\"hatchet__parent_workflow_run_id\":\"" OTHER_ID "\",\"traceparent\":\"00-" OTHER_TRACE "-" SPAN
         "-01\"}"},
        {"{\"hatchet__source_workflow_run_id\":\"" OTHER_ID "\"}",
         "{\"hatchet__source_workflow_run_id\":\"" OTHER_ID "\",\"traceparent\":\"00-" OTHER_TRACE "-" SPAN
         "-01\"}"},
        {"{\"hatchet__source_workflow_run_id\":7}",
         "{\"hatchet__source_workflow_run_id\":7,\"traceparent\":\"00-" OWN_TRACE "-" SPAN "-01\"}"},
        {"{\"traceparent\":\"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\"}", ""},
        {"{\"traceparent\":\"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01-x\"}",
         "{\"traceparent\":\"00-" OWN_TRACE "-" SPAN "-01\"}"},
    };
    const cleat__uuid id = {{1, 2, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer out = {0};
        cleat__metadata_add_trace(cleat_slice_of(cases[i][0]), &id, &out);
        cleat__buffer_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, cases[i][1]);
        cleat__buffer_deinit(&out);
    }
}

static void test_looking_for_a_value(void **state)
{
    (void)state;
    static const struct {
        const char *metadata, *key, *value;
        bool expected;
    } cases[] = {
        {NULL, "a", "1", false},
        {"{}", "a", "", false},
        {"{\"a\":\"x\"}", "a", "x", true},
        {"{\"a\":\"x\"}", "a", "\"x\"", false},
        {"{\"a\":\"x\"}", "b", "x", false},
        {"{\"a\":\"\\u0078\"}", "a", "x", true},
        {"{\"a\":7}", "a", "7", true},
        {"{\"a\":true}", "a", "true", true},
        {"{\"a\":\"x\",\"a\":\"y\"}", "a", "y", true},
        {"{\"a\":\"x\",\"a\":\"y\"}", "a", "x", false},
        {"{\"b\":{\"a\":\"x\"}}", "a", "x", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(cleat__metadata_says(cleat_slice_of(cases[i].metadata), cleat_slice_of(cases[i].key),
                                              cleat_slice_of(cases[i].value)),
                         cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_child_inherits),
        cmocka_unit_test(test_what_an_event_hands_on),
        cmocka_unit_test(test_what_an_invocation_is_delivered_with),
        cmocka_unit_test(test_a_message_does_not_say_where_the_run_comes_from),
        cmocka_unit_test(test_the_carrier_in_a_message),
        cmocka_unit_test(test_a_trace_for_what_has_none),
        cmocka_unit_test(test_looking_for_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
