#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/metadata.h"

#define ID   "01020300-0000-0000-0000-000000000000"
#define TAIL "\"hatchet__parent_workflow_run_id\":\"" ID "\",\"hatchet__parent_step_run_id\":\"" ID "\"}"

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
        {"{\"\\u0061\":1}", "{\"a\":12345678901234567890}", "{\"a\":12345678901234567890," TAIL},
    };
    const cleat__uuid id = {{1, 2, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer out = {0};
        cleat__metadata_inherit(cleat_slice_of(cases[i].parent), cleat_slice_of(cases[i].own), &id, &out);
        cleat__buffer_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, cases[i].expected);
        cleat__buffer_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_child_inherits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
