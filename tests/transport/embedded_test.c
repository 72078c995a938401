/* The embedded transport: what every transport does, and what belongs to a file. */
#include "support/temp_dir.h"
#include "support/transport_suite.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cleat_status open_embedded(const char *database, cleat__transport **out)
{
    return cleat__transport_embedded_new(CLEAT_CLIENT_OPTIONS(.database = database), CLEAT__TENANT_DEFAULT,
                                         out);
}

static void test_path_by_variable(void **state)
{
    (void)state;
    temp_dir dir;
    cleat__transport *transport = NULL;
    temp_dir_make(&dir);
    assert_int_equal(setenv("CLEAT_DB", dir.database, 1), 0);
    assert_int_equal(cleat__transport_embedded_new(CLEAT_CLIENT_OPTIONS(.database = NULL),
                                                   CLEAT__TENANT_DEFAULT, &transport),
                     CLEAT_OK);
    FILE *file = fopen(dir.database, "r");
    assert_non_null(file);
    (void)fclose(file);
    transport->free(transport);
    (void)unsetenv("CLEAT_DB");
    temp_dir_remove(&dir);
}

static void test_bad_options(void **state)
{
    (void)state;
    cleat__transport *transport = NULL;
    assert_int_equal(open_embedded("", &transport), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__transport_embedded_new(CLEAT_CLIENT_OPTIONS(.namespace_prefix = "x_"),
                                                   CLEAT__TENANT_DEFAULT, &transport),
                     CLEAT_INVALID_ARGUMENT);
    assert_null(transport);
}

static void test_one_engine_per_file(void **state)
{
    (void)state;
    temp_dir dir;
    cleat__transport *first = NULL;
    cleat__transport *second = NULL;
    temp_dir_make(&dir);
    assert_int_equal(open_embedded(dir.database, &first), CLEAT_OK);
    assert_int_equal(open_embedded(dir.database, &second), CLEAT_BUSY);
    first->free(first);
    assert_int_equal(open_embedded(dir.database, &second), CLEAT_OK);
    second->free(second);
    temp_dir_remove(&dir);
}

int main(void)
{
    static const transport_target target = {"embedded", open_embedded};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_by_variable),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_one_engine_per_file),
    };
    int failed = transport_suite_run(&target) + transport_durable_run(&target);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
