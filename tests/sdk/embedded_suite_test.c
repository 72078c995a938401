/* What a program does with the public headers, with its engine in the process. */
#include "support/sdk_suite.h"

#include "support/sdk_fixture.h"

#include <setjmp.h>

#include <cmocka.h>

static cleat_status open_embedded(const char *database, cleat_client **out)
{
    return cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = database), out);
}

/* A server says so too, but only when it has waited for the run for 10 s. */
static void test_a_stream_of_no_run(void **state)
{
    sdk_fixture *it = *state;
    const cleat_run_id id = {"01890000-0000-7000-8000-000000000001"}, nonsense = {"nonsense"};
    cleat_stream *stream = NULL;
    cleat_slice chunk;
    assert_int_equal(cleat_client_stream(it->client, &id, &stream), CLEAT_OK);
    assert_refused(cleat_stream_next(stream, 300000, &chunk), CLEAT_NOT_FOUND, "run");
    cleat_stream_free(stream);
    assert_refused(cleat_client_stream(it->client, &nonsense, &stream), CLEAT_INVALID_ARGUMENT, "nonsense");
    assert_null(stream);
    cleat_stream_free(NULL);
}

int main(void)
{
    static const sdk_target target = {"embedded", open_embedded, cleat_client_free};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_stream_of_no_run, sdk_set_up, sdk_tear_down),
    };
    int failed = sdk_suite_run(&target);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
