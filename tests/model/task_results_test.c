/* How the tasks of a run have ended, as far as they can be told together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/task_results.h"

#include <stdlib.h>
#include <string.h>

static const char id[37] = "0190a000-0000-7000-8000-000000000001";

static cleat_status add(cleat__task_results *results, const char *name, cleat_run_status status,
                        cleat_slice text)
{
    return cleat__task_results_add(results, id, cleat_slice_of(name), status, text);
}

/* To be released. */
static cleat_slice text_of(size_t size)
{
    char *text = malloc(size);
    memset(text, '1', size);
    return (cleat_slice){text, size};
}

static void each_has_what_became_of_it(void **state)
{
    cleat__task_results results = {.count = 0};
    (void)state;
    assert_int_equal(add(&results, "a", CLEAT_RUN_COMPLETED, cleat_slice_of("{\"n\":1}")), CLEAT_OK);
    assert_int_equal(add(&results, "b", CLEAT_RUN_FAILED, cleat_slice_of("it broke")), CLEAT_OK);
    assert_int_equal(add(&results, "c", CLEAT_RUN_CANCELLED, cleat_slice_of("why")), CLEAT_OK);
    assert_int_equal(results.count, 3);
    assert_string_equal(results.items[0].name, "a");
    assert_string_equal(results.items[0].result.id.text, id);
    assert_string_equal(results.items[0].result.output, "{\"n\":1}");
    assert_null(results.items[0].result.error);
    assert_string_equal(results.items[1].result.error, "it broke");
    assert_null(results.items[1].result.output);
    assert_int_equal(results.items[2].result.status, CLEAT_RUN_CANCELLED);
    assert_null(results.items[2].result.output);
    cleat__task_results_deinit(&results);
    assert_int_equal(results.count, 0);
}

static void outputs_are_told_all_or_none(void **state)
{
    cleat__task_results results = {.count = 0};
    cleat_slice most = text_of(CLEAT__RESULTS_MAX), one = cleat_slice_of("1");
    (void)state;
    assert_int_equal(add(&results, "a", CLEAT_RUN_COMPLETED, most), CLEAT_OK);
    assert_false(results.is_too_large);
    assert_int_equal(results.count, 1);
    assert_int_equal(add(&results, "b", CLEAT_RUN_COMPLETED, one), CLEAT_OK);
    assert_true(results.is_too_large);
    assert_int_equal(results.count, 0);
    assert_int_equal(add(&results, "c", CLEAT_RUN_COMPLETED, one), CLEAT_OK); /* nor what comes behind it */
    assert_int_equal(results.count, 0);
    cleat__task_results_deinit(&results);
    free((void *)(uintptr_t)most.data);
}

static void an_error_that_is_too_large_is_named(void **state)
{
    cleat__task_results results = {.count = 0};
    cleat_slice large = text_of(CLEAT__RESULTS_MAX), one = cleat_slice_of("1");
    (void)state;
    assert_int_equal(add(&results, "a", CLEAT_RUN_COMPLETED, one), CLEAT_OK);
    assert_int_equal(add(&results, "b", CLEAT_RUN_FAILED, large), CLEAT_OK);
    assert_false(results.is_too_large);
    assert_int_equal(results.count, 2);
    assert_string_equal(results.items[0].result.output, "1");
    assert_non_null(strstr(results.items[1].result.error, "its error is too large to be sent"));
    cleat__task_results_deinit(&results);
    free((void *)(uintptr_t)large.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_what_became_of_it),
        cmocka_unit_test(outputs_are_told_all_or_none),
        cmocka_unit_test(an_error_that_is_too_large_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
