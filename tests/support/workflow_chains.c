/* Workflows that go on as new runs: what a chain keeps from its first run to its last. */
#include "sdk/client.h"
#include "support/workflow_suite.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PAGES = 4, STRATEGIES = 5 };

/* {"page":7}. */
static long page_of(const cleat_task *task)
{
    const char *at = strstr(cleat_task_input(task).data, "\"page\":");
    return at != NULL ? strtol(at + strlen("\"page\":"), NULL, 10) : 0;
}

static cleat_status go_on(cleat_task *task, long page)
{
    char input[48];
    (void)snprintf(input, sizeof(input), "{\"page\":%ld}", page);
    return cleat_continue_as_new(task, input);
}

static cleat_status turn_pages(cleat_task *task, void *user_data)
{
    (void)user_data;
    long page = page_of(task);
    return page < PAGES ? go_on(task, page + 1) : cleat_task_return_format(task, "%ld", page);
}

/* No strategy takes the one run of a chain for another one than the one before. */
static void test_a_chain_has_one_slot(void **state)
{
    static const char *const names[STRATEGIES] = {"in-progress", "in-turn", "newest", "queued-old",
                                                  "queued-new"};
    static const cleat_concurrency rules[STRATEGIES] = {
        {.expression = "'all'", .max_runs = 1, .strategy = CLEAT_CANCEL_IN_PROGRESS},
        {.expression = "'all'", .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN},
        {.expression = "'all'", .max_runs = 1, .strategy = CLEAT_CANCEL_NEWEST},
        {.expression = "'all'", .max_runs = 1, .strategy = CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST},
        {.expression = "'all'", .max_runs = 1, .strategy = CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST},
    };
    workflow_fixture *it = *state;
    for (size_t i = 0; i < STRATEGIES; i++) {
        workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = turn_pages, .name = names[i], .user_data = it,
                                                        .concurrency = &rules[i], .concurrency_count = 1));
    }
    workflow_start(it);
    for (size_t i = 0; i < STRATEGIES; i++) {
        workflow_runs(it, names[i], NULL, CLEAT_RUN_COMPLETED, "4");
    }
}

/* Adds what it is sent, each run one payload, up to a 3. */
static cleat_status add_up(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_hook hook;
    cleat_slice payload = {NULL, 0};
    cleat_status status = cleat_hook_create(task, "adder", &hook);
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, NULL, &payload);
    }
    if (status != CLEAT_OK) {
        gate_add(&it->seen);
        return status;
    }
    long sum = page_of(task) + payload.data[0] - '0';
    return payload.data[0] != '3' ? go_on(task, sum) : cleat_task_return_format(task, "%ld", sum);
}

static void test_a_hook_is_that_of_the_chain(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "add-up", add_up);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "add-up", NULL);
    gate_wait(&it->seen, 1); /* it waits */
    static const char *const sent[] = {"1", "2", "1", "1", "3"};
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        assert_ok(cleat_hook_resume(it->client, "adder", sent[i], NULL));
    }
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "8");
    assert_refused(cleat_hook_resume(it->client, "adder", "1", NULL), CLEAT_FAILED_PRECONDITION, "has ended");
}

static cleat_status for_ever(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    cleat_status status = cleat_sleep(task, "5ms");
    return status == CLEAT_OK ? go_on(task, 1) : status;
}

static void test_the_id_of_the_first_run_ends_the_chain(void **state)
{
    static const cleat_concurrency rule = {
        .expression = "'all'", .max_runs = 1, .strategy = CLEAT_CANCEL_IN_PROGRESS};
    workflow_fixture *it = *state;
    workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = for_ever, .name = "for-ever", .user_data = it,
                                                    .concurrency = &rule, .concurrency_count = 1));
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "for-ever", NULL);
    gate_wait(&it->calls, 8);
    assert_ok(cleat_client_cancel(it->client, &id));
    workflow_ends(it, &id, CLEAT_RUN_CANCELLED, NULL);
    assert_refused(cleat_client_cancel(it->client, &id), CLEAT_FAILED_PRECONDITION, "has ended");
}

static cleat_status run_away(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    gate_add(&it->calls);
    return go_on(task, 1);
}

/* It is another run whenever somebody asks. */
static void test_a_chain_that_never_waits_is_cancelled(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = run_away, .name = "run-away", .user_data = it));
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "run-away", NULL);
    gate_wait(&it->calls, 8);
    assert_ok(cleat_client_cancel(it->client, &id));
    workflow_ends(it, &id, CLEAT_RUN_CANCELLED, NULL);
}

static cleat_status turn_and_wait(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_hook hook;
    cleat_slice payload = {NULL, 0};
    long page = page_of(task);
    if (page < PAGES) {
        return go_on(task, page + 1);
    }
    cleat_status status = cleat_hook_create(task, "last-page", &hook);
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, NULL, &payload);
    }
    if (status != CLEAT_OK) {
        gate_add(&it->seen);
        return status;
    }
    return cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(payload));
}

/* What the engine answers, asked once: the end of a run that is not the first, and what is in its output. */
static void check_end_from(workflow_fixture *it, const cleat_run_id *first, bool is_for_next,
                           const char *part)
{
    cleat__transport *transport = it->client->transport;
    cleat_run_result result = {0};
    cleat__uuid id;
    assert_ok(cleat__uuid_parse(cleat_slice_of(first->text), &id));
    assert_ok((is_for_next ? transport->wait_for_next : transport->wait)(transport, &id, -1, &result));
    assert_string_not_equal(result.id.text, first->text);
    assert_non_null(strstr(result.output, part));
    cleat_run_result_deinit(&result);
}

/* The engine is asked once, however many there are before. */
static void test_the_last_run_is_found_at_once(void **state)
{
    workflow_fixture *it = *state;
    cleat_run_result result;
    workflow_add(it, "turn-and-wait", turn_and_wait);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "turn-and-wait", NULL);
    gate_wait(&it->seen, 1); /* the last one waits */
    assert_refused(cleat_client_wait(it->client, &id, 0, &result), CLEAT_TIMEOUT, id.text);
    check_end_from(it, &id, true, "cleat:continued_as");
    assert_ok(cleat_hook_resume(it->client, "last-page", "\"read\"", NULL));
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, "\"read\"");
    check_end_from(it, &id, false, "read");
    check_end_from(it, &id, true, "read");
}

int workflow_chains_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, workflow_set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_chain_has_one_slot),
        TEST(test_a_hook_is_that_of_the_chain),
        TEST(test_the_id_of_the_first_run_ends_the_chain),
        TEST(test_a_chain_that_never_waits_is_cancelled),
        TEST(test_the_last_run_is_found_at_once),
    };
#undef TEST
    workflow_use(of);
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
