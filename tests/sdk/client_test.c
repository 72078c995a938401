/* Starting, awaiting and cancelling runs, and all the ways to ask for that wrongly. */
#include "support/gate.h"
#include "support/sdk_fixture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cleat_status echo(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_slice input = cleat_task_input(task);
    return cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(input));
}

static cleat_status echo_metadata(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, cleat_task_metadata(task).data);
}

static void start_echo(sdk_fixture *it)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "echo", .run = echo));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "echo:metadata", .run = echo_metadata));
    sdk_start(it);
}

static void test_run(void **state)
{
    sdk_fixture *it = *state;
    start_echo(it);
    sdk_run(it, "echo", "{\"n\":1}", NULL, CLEAT_RUN_COMPLETED, "{\"n\":1}");
    sdk_run(it, "echo", NULL, NULL, CLEAT_RUN_COMPLETED, "{}");
    sdk_run(it, "echo:echo", "{\"long\":\"name\"}", NULL, CLEAT_RUN_COMPLETED, "{\"long\":\"name\"}");
}

/* Metadata arrives as it was written: numbers of any size, blanks, escapes. */
static void test_metadata_is_kept(void **state)
{
    sdk_fixture *it = *state;
    static const char metadata[] =
        "{ \"big\": 123456789012345678901234567890, \"real\": 0.1, \"k\\u0065y\": [1, {}] }";
    start_echo(it);
    sdk_run(it, "echo:metadata", NULL, CLEAT_RUN_OPTIONS(.metadata = metadata), CLEAT_RUN_COMPLETED,
            metadata);
    sdk_run(it, "echo:metadata", NULL, NULL, CLEAT_RUN_COMPLETED, "{}");
}

static void test_run_many(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id ids[50];
    char inputs[50][24];
    cleat_run_item items[50];
    start_echo(it);
    for (int i = 0; i < 50; i++) {
        (void)snprintf(inputs[i], sizeof inputs[i], "{\"n\":%d}", i);
        items[i] = (cleat_run_item){"echo", inputs[i], NULL};
    }
    assert_int_equal(cleat_client_run_many(it->client, items, 50, ids), CLEAT_OK);
    for (int i = 0; i < 50; i++) {
        sdk_wait(it, &ids[i], CLEAT_RUN_COMPLETED, inputs[i]);
    }
    assert_int_equal(cleat_client_run_many(it->client, items, 3, NULL), CLEAT_OK);
}

static void test_bad_item_of_many_starts_nothing(void **state)
{
    sdk_fixture *it = *state;
    const cleat_run_item items[] = {{"echo", "{}", NULL}, {"echo", "[]", NULL}};
    start_echo(it);
    assert_refused(cleat_client_run_many(it->client, items, 2, NULL), CLEAT_INVALID_ARGUMENT,
                   "item 1: input");
    const cleat_run_item unknown[] = {{"echo", "{}", NULL}, {"no:such", "{}", NULL}};
    assert_refused(cleat_client_run_many(it->client, unknown, 2, NULL), CLEAT_NOT_FOUND, "no:such");
}

static void test_wait_and_cancel(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    cleat_run_result result = {0};
    start_echo(it);
    sdk_stop(it); /* declared, but nobody works */
    assert_int_equal(cleat_client_run_no_wait(it->client, "echo", NULL, NULL, &id), CLEAT_OK);
    assert_int_equal(cleat_client_wait(it->client, &id, 0, &result), CLEAT_TIMEOUT);
    assert_int_equal(cleat_client_cancel(it->client, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_CANCELLED, NULL);
    assert_int_equal(cleat_client_cancel(it->client, &id), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_client_run_no_wait(it->client, "echo", NULL, NULL, NULL), CLEAT_OK);
}

typedef struct bad_run {
    const char *task, *input;
    cleat_run_options options;
    cleat_status status;
    const char *word;
} bad_run;

static char *large_object(void)
{
    char *text = malloc(CLEAT_PAYLOAD_MAX + 64);
    assert_non_null(text);
    memset(text, ' ', CLEAT_PAYLOAD_MAX + 32);
    text[0] = '{';
    text[CLEAT_PAYLOAD_MAX + 31] = '}';
    text[CLEAT_PAYLOAD_MAX + 32] = '\0';
    return text;
}

static void test_bad_runs(void **state)
{
    sdk_fixture *it = *state;
    char *large = large_object();
    const size_t size = sizeof(cleat_run_options);
    const bad_run table[] = {
        {NULL, "{}", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "task is NULL"},
        {"", "{}", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "name"},
        {"Echo", "{}", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "Echo"},
        {"a:b:c", "{}", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "a:b:c"},
        {"no:such", "{}", {.struct_size = size}, CLEAT_NOT_FOUND, "no:such"},
        {"echo", "", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "input"},
        {"echo", "{", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "input"},
        {"echo", "[1]", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "object"},
        {"echo", "{} {}", {.struct_size = size}, CLEAT_INVALID_ARGUMENT, "input"},
        {"echo", large, {.struct_size = size}, CLEAT_TOO_LARGE, "input"},
        {"echo", "{}", {.struct_size = size, .metadata = "3"}, CLEAT_INVALID_ARGUMENT, "metadata"},
        {"echo", "{}", {.struct_size = size, .metadata = large}, CLEAT_TOO_LARGE, "metadata"},
        {"echo", "{}", {.struct_size = size, .priority = 4}, CLEAT_INVALID_ARGUMENT, "priority"},
        {"echo", "{}", {.struct_size = size, .priority = -1}, CLEAT_INVALID_ARGUMENT, "priority"},
        {"echo",
         "{}",
         {.struct_size = size, .trace = (cleat_trace_relation)4},
         CLEAT_INVALID_ARGUMENT,
         "trace"},
        {"echo", "{}", {.struct_size = size, .child_key = "k"}, CLEAT_INVALID_ARGUMENT, "child_key"},
        {"echo", "{}", {.priority = 1}, CLEAT_INVALID_ARGUMENT, "struct_size"},
    };
    start_echo(it);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cleat_run_result result = {0};
        assert_refused(
            cleat_client_run(it->client, table[i].task, table[i].input, &table[i].options, &result),
            table[i].status, table[i].word);
        assert_refused(
            cleat_client_run_no_wait(it->client, table[i].task, table[i].input, &table[i].options, NULL),
            table[i].status, table[i].word);
        assert_null(result.output);
    }
    free(large);
}

static void test_null_arguments(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_result result = {0};
    cleat_run_id id = {""};
    const cleat_run_item item = {"echo", NULL, NULL};
    cleat_span_exporter *exporter = NULL;
    cleat_client_free(NULL);
    assert_refused(cleat_client_new(NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_refused(cleat_client_run(NULL, "echo", NULL, NULL, &result), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_run(it->client, "echo", NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "result");
    assert_refused(cleat_client_run_no_wait(NULL, "echo", NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT,
                   "client");
    assert_refused(cleat_client_run_many(NULL, &item, 1, NULL), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_run_many(it->client, &item, 0, NULL), CLEAT_INVALID_ARGUMENT, "count is 0");
    assert_refused(cleat_client_run_many(it->client, NULL, 1, NULL), CLEAT_INVALID_ARGUMENT, "items is NULL");
    assert_refused(cleat_client_wait(NULL, &id, 0, &result), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_wait(it->client, NULL, 0, &result), CLEAT_INVALID_ARGUMENT, "id");
    assert_refused(cleat_client_wait(it->client, &id, 0, NULL), CLEAT_INVALID_ARGUMENT, "result");
    assert_refused(cleat_client_wait(it->client, &id, 0, &result), CLEAT_INVALID_ARGUMENT, "no run id");
    assert_refused(cleat_client_cancel(it->client, NULL), CLEAT_INVALID_ARGUMENT, "id");
    assert_refused(cleat_client_cancel(NULL, &id), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_span_exporter_new(NULL, &exporter), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_span_exporter_new(it->client, NULL), CLEAT_INVALID_ARGUMENT, "out");
    memset(id.text, 'x', sizeof id.text); /* not even ended */
    assert_refused(cleat_client_cancel(it->client, &id), CLEAT_INVALID_ARGUMENT, "no run id");
}

/* Options of a caller that was built with older or newer headers. */
static void test_options_of_other_versions(void **state)
{
    sdk_fixture *it = *state;
    struct {
        cleat_run_options known;
        void *later;
    } newer = {.known = {.struct_size = sizeof newer}};
    cleat_run_options older = {.struct_size = offsetof(cleat_run_options, trace),
                               .priority = 2,
                               .trace = (cleat_trace_relation)77,
                               .child_key = "garbage"};
    start_echo(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "echo", NULL, &older, NULL), CLEAT_OK);
    assert_int_equal(cleat_client_run_no_wait(it->client, "echo", NULL, &newer.known, NULL), CLEAT_OK);
    newer.later = it;
    assert_refused(cleat_client_run_no_wait(it->client, "echo", NULL, &newer.known, NULL),
                   CLEAT_INVALID_ARGUMENT, "version");
}

static void test_new_fails_cleanly(void **state)
{
    sdk_fixture *it = *state;
    cleat_client *second = it->client;
    assert_int_equal(cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = it->dir.database), &second),
                     CLEAT_BUSY);
    assert_null(second);
    assert_true(strlen(cleat_error_message()) > 0);
    assert_refused(cleat_client_new(&(cleat_client_options){.database = "x"}, &second),
                   CLEAT_INVALID_ARGUMENT, "struct_size");
    assert_refused(cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = "x", .namespace_prefix = "p"), &second),
                   CLEAT_INVALID_ARGUMENT, "namespace_prefix");
}

static void test_two_clients_in_one_process(void **state)
{
    sdk_fixture *it = *state;
    sdk_fixture *other = NULL;
    cleat_run_id id;
    cleat_run_result result = {0};
    assert_int_equal(sdk_set_up((void **)&other), 0);
    start_echo(it);
    start_echo(other);
    sdk_run(it, "echo", "{\"of\":1}", NULL, CLEAT_RUN_COMPLETED, "{\"of\":1}");
    sdk_run(other, "echo", "{\"of\":2}", NULL, CLEAT_RUN_COMPLETED, "{\"of\":2}");
    assert_int_equal(cleat_client_run_no_wait(it->client, "echo", NULL, NULL, &id), CLEAT_OK);
    assert_int_equal(cleat_client_wait(other->client, &id, 0, &result), CLEAT_NOT_FOUND);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "{}");
    assert_int_equal(sdk_tear_down((void **)&other), 0);
}

/* What was queued when the process went is run by the next one. */
static void test_restart_recovers_queued_runs(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id ids[3];
    start_echo(it);
    sdk_stop(it);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cleat_client_run_no_wait(it->client, "echo", "{\"n\":1}", NULL, &ids[i]), CLEAT_OK);
    }
    sdk_close(it);
    sdk_reopen(it);
    start_echo(it);
    for (int i = 0; i < 3; i++) {
        sdk_wait(it, &ids[i], CLEAT_RUN_COMPLETED, "{\"n\":1}");
    }
}

/* The first look is a second after the start. */
static void test_old_runs_go(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    cleat_run_result result = {0};
    cleat_status status = CLEAT_OK;
    start_echo(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "echo", NULL, NULL, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "{}");
    sdk_stop(it);
    sdk_close(it);
    assert_int_equal(
        cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = it->dir.database, .run_retention_ms = 1),
                         &it->client),
        CLEAT_OK);
    while (status == CLEAT_OK) {
        status = cleat_client_wait(it->client, &id, 0, &result);
        cleat_run_result_deinit(&result);
    }
    assert_int_equal(status, CLEAT_NOT_FOUND);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_run),
        TEST(test_metadata_is_kept),
        TEST(test_run_many),
        TEST(test_bad_item_of_many_starts_nothing),
        TEST(test_wait_and_cancel),
        TEST(test_bad_runs),
        TEST(test_null_arguments),
        TEST(test_options_of_other_versions),
        TEST(test_new_fails_cleanly),
        TEST(test_two_clients_in_one_process),
        TEST(test_restart_recovers_queued_runs),
        TEST(test_old_runs_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
