/* The chain of interceptors around a batch. */
#include "support/sdk_fixture.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static const cleat_batch_config of_two = {.max_size = 2, .interval_ms = 60000};

/* What happened, as letters. */
typedef struct spy {
    char *journal;
    char letter;
    bool stops;          /* does not proceed */
    cleat_status answer; /* instead of what proceed said, when not OK */
    cleat_status second; /* of a second proceed */
    cleat_status ends[2];
    char error[64]; /* of the second run */
} spy;

static void note(char *journal, char letter)
{
    size_t size = strlen(journal);
    assert_true(size < 30);
    journal[size] = letter;
}

static cleat_status spy_batch(void *user_data, cleat_batch_call *call)
{
    spy *it = user_data;
    note(it->journal, it->letter);
    cleat_status status = it->stops ? it->answer : cleat_batch_call_proceed(call);
    it->second = it->stops ? CLEAT_OK : cleat_batch_call_proceed(call);
    it->ends[0] = cleat_batch_call_status(call, 0);
    it->ends[1] = cleat_batch_call_status(call, 1);
    const char *error = cleat_batch_call_error(call, 1);
    (void)snprintf(it->error, sizeof(it->error), "%s", error != NULL ? error : "");
    note(it->journal, it->letter);
    return it->answer != CLEAT_OK ? it->answer : status;
}

static cleat_status spy_task(void *user_data, cleat_execute_call *call)
{
    note(((spy *)user_data)->journal, '!');
    return cleat_execute_call_proceed(call);
}

static void add_spy(sdk_fixture *it, spy *added)
{
    const cleat_interceptor interceptor = {
        .struct_size = sizeof(interceptor),
        .user_data = added,
        .execute = spy_task,
        .execute_batch = spy_batch,
    };
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
}

static cleat_status fail_second(cleat_batch *batch, void *user_data)
{
    note(user_data, '*');
    (void)cleat_task_fail(cleat_batch_task(batch, 1), CLEAT_FAILED, "no luck");
    return CLEAT_OK;
}

/* Two runs, which end so. */
static void run_two(sdk_fixture *it, cleat_batch_function run, void *user_data, cleat_run_status first,
                    cleat_run_status second, const char *text)
{
    cleat_run_item items[2] = {{"rows", NULL, NULL}, {"rows", NULL, NULL}};
    cleat_run_id ids[2];
    sdk_add_task(
        it, CLEAT_TASK_OPTIONS(.name = "rows", .run_batch = run, .user_data = user_data, .batch = &of_two));
    sdk_start(it);
    assert_int_equal(cleat_client_run_many(it->client, items, 2, ids), CLEAT_OK);
    sdk_wait(it, &ids[0], first, NULL);
    sdk_wait(it, &ids[1], second, text);
    sdk_stop(it);
}

static void test_a_batch_is_one_call_for_all_its_runs(void **state)
{
    sdk_fixture *it = *state;
    char journal[32] = "";
    spy x = {.journal = journal, .letter = 'x'}, y = {.journal = journal, .letter = 'y'};
    add_spy(it, &x);
    add_spy(it, &y);
    run_two(it, fail_second, journal, CLEAT_RUN_COMPLETED, CLEAT_RUN_FAILED, "no luck");
    assert_string_equal(journal, "xy*yx");
    assert_int_equal(x.second, CLEAT_FAILED_PRECONDITION);
    assert_int_equal(x.ends[0], CLEAT_OK);
    assert_int_equal(x.ends[1], CLEAT_FAILED);
    assert_string_equal(x.error, "no luck");
}

static void test_a_hook_may_stop_a_batch(void **state)
{
    sdk_fixture *it = *state;
    char journal[32] = "";
    spy x = {.journal = journal, .letter = 'x', .stops = true, .answer = CLEAT_RESOURCE_EXHAUSTED};
    add_spy(it, &x);
    run_two(it, fail_second, journal, CLEAT_RUN_FAILED, CLEAT_RUN_FAILED,
            cleat_status_text(CLEAT_RESOURCE_EXHAUSTED));
    assert_string_equal(journal, "xx");
}

/* What counts of a hook's own status are the runs that have no end of their own. */
static void test_a_hook_may_answer_for_the_others(void **state)
{
    sdk_fixture *it = *state;
    char journal[32] = "";
    spy x = {.journal = journal, .letter = 'x', .answer = CLEAT_TIMEOUT};
    add_spy(it, &x);
    run_two(it, fail_second, journal, CLEAT_RUN_FAILED, CLEAT_RUN_FAILED, "no luck");
}

/* ---- Contexts ---- */

static const cleat_context_key key = {"test"};

static cleat_status lay_over(void *user_data, cleat_batch_call *call)
{
    char *letters = user_data;
    for (size_t i = 0; i < cleat_batch_count(cleat_batch_call_batch(call)); i++) {
        const cleat_context *there = cleat_batch_call_context(call, i);
        cleat_text_map metadata = cleat_batch_call_metadata(call, i);
        assert_true(metadata.get(metadata.self, "nobody").data == NULL);
        if (there != NULL) {
            note(letters, *(const char *)cleat_context_value(there, &key));
        }
        cleat_context *mine =
            cleat_context_with_value(there, &key, (void *)(uintptr_t)(i == 0 ? "a" : "b"), NULL);
        cleat_batch_call_set_context(call, i, mine);
        cleat_context_release(mine);
    }
    return cleat_batch_call_proceed(call);
}

static cleat_status tell_contexts(cleat_batch *batch, void *user_data)
{
    for (size_t i = cleat_batch_count(batch); i-- > 0;) {
        cleat_scope scope = cleat_task_attach(cleat_batch_task(batch, i));
        note(user_data, *(const char *)cleat_context_value(cleat_context_current(), &key));
        (void)cleat_scope_detach(scope);
    }
    note(user_data, cleat_context_value(cleat_context_current(), &key) != NULL ? '?' : '-');
    return CLEAT_OK;
}

static void test_each_run_has_the_context_that_hooks_lay_over_it(void **state)
{
    sdk_fixture *it = *state;
    char letters[32] = "";
    const cleat_interceptor interceptor = {
        .struct_size = sizeof(interceptor), .user_data = letters, .execute_batch = lay_over};
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
    run_two(it, tell_contexts, letters, CLEAT_RUN_COMPLETED, CLEAT_RUN_COMPLETED, NULL);
    assert_string_equal(letters, "abba-");
}

static void test_null_is_never_more_than_a_mistake(void **state)
{
    (void)state;
    assert_null(cleat_batch_call_batch(NULL));
    assert_int_equal(cleat_batch_call_proceed(NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_batch_call_status(NULL, 0), CLEAT_INVALID_ARGUMENT);
    assert_null(cleat_batch_call_error(NULL, 0));
    assert_null(cleat_batch_call_context(NULL, 0));
    cleat_batch_call_set_context(NULL, 0, NULL);
    cleat_scope scope = cleat_task_attach(NULL);
    assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_batch_is_one_call_for_all_its_runs),
        TEST(test_a_hook_may_stop_a_batch),
        TEST(test_a_hook_may_answer_for_the_others),
        TEST(test_each_run_has_the_context_that_hooks_lay_over_it),
        TEST(test_null_is_never_more_than_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
