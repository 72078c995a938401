/* Short names of workflows and steps (telemetry.md section 6), in all the forms they come in. */
#include "topology/display_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct name_case {
    const char *name, *shown;
} name_case;

static void check(const name_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat_slice shown = cleat__display_name(cleat_slice_of(cases[i].name));
        if (!cleat_slice_equals(shown, cleat_slice_of(cases[i].shown))) {
            fail_msg("%s is shown as \"%.*s\", not \"%s\"", cases[i].name, CLEAT_SLICE_ARGS(shown),
                     cases[i].shown);
        }
    }
}
#define CHECK(cases) check(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_a_machine_name_is_shown_as_its_innermost_function(void **state)
{
    static const name_case cases[] = {
        {"workflow//./src/jobs/order//processOrder", "processOrder"},
        {"step//./src/jobs/order//charge", "charge"},
        {"workflow//src/order.c//process_order", "process_order"},
        {"step//./src/jobs/order//outer/inner", "inner"},
        {"step//./src/jobs/order//process$Order", "process$Order"},
    };
    (void)state;
    CHECK(cases);
}

static void test_the_form_of_the_queue_is_shown_the_same(void **state)
{
    static const name_case cases[] = {
        {"workflow----src-jobs-order--processOrder", "processOrder"},
        {"step----src-jobs-order--charge", "charge"},
        {"workflow--src-order-c--process_order", "process_order"},
    };
    (void)state;
    CHECK(cases);
}

static void test_a_default_function_is_shown_as_its_module(void **state)
{
    static const name_case cases[] = {
        {"workflow//./src/jobs/order//default", "order"},
        {"workflow//./src/jobs/order//__default", "order"},
        {"workflow//order//default", "order"},
        {"workflow----src-jobs-order--default", "order"},
        {"step----src-jobs-order--__default", "order"},
    };
    (void)state;
    CHECK(cases);
}

static void test_what_has_become_a_dash_divides_names(void **state)
{
    static const name_case cases[] = {
        {"workflow----src-jobs-order--process-Order", "Order"},
        {"step----src-my-jobs--default", "jobs"},
    };
    (void)state;
    CHECK(cases);
}

static void test_anything_else_is_shown_as_it_is(void **state)
{
    static const name_case cases[] = {
        {"", ""},
        {"order", "order"},
        {"archive:pack", "archive:pack"},
        {"workflow", "workflow"},
        {"workflow//", "workflow//"},
        {"workflow//processOrder", "workflow//processOrder"},
        {"workflow//module//", "workflow//module//"},
        {"workflow////default", "workflow////default"},
        {"workflow--processOrder", "workflow--processOrder"},
        {"workflow----src-jobs--process-", "workflow----src-jobs--process-"},
        {"task//./src/jobs/order//processOrder", "task//./src/jobs/order//processOrder"},
        {"default", "default"},
    };
    (void)state;
    CHECK(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_machine_name_is_shown_as_its_innermost_function),
        cmocka_unit_test(test_the_form_of_the_queue_is_shown_the_same),
        cmocka_unit_test(test_a_default_function_is_shown_as_its_module),
        cmocka_unit_test(test_what_has_become_a_dash_divides_names),
        cmocka_unit_test(test_anything_else_is_shown_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
