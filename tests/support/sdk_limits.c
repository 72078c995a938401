#define _GNU_SOURCE /* memmem */
#include "support/sdk_limits.h"

#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const sdk_target *target;

typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker;
    gate begun, go;
    pthread_mutex_t mutex;
    int running[2], most[2]; /* of keys "a" and "b" */
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->begun);
    gate_init(&it->go);
    pthread_mutex_init(&it->mutex, NULL);
    assert_ok(target->open(it->dir.database, &it->client));
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 8), &it->worker));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    target->close(it->client);
    pthread_mutex_destroy(&it->mutex);
    gate_deinit(&it->begun);
    gate_deinit(&it->go);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static void count(fixture *it, const cleat_task *task, int by)
{
    cleat_slice input = cleat_task_input(task);
    size_t key = memmem(input.data, input.size, "\"b\"", 3) != NULL;
    pthread_mutex_lock(&it->mutex);
    it->running[key] += by;
    it->most[key] = it->running[key] > it->most[key] ? it->running[key] : it->most[key];
    pthread_mutex_unlock(&it->mutex);
}

/* How many of a key went on at once. */
static int most_of(fixture *it, size_t key)
{
    pthread_mutex_lock(&it->mutex);
    int most = it->most[key];
    pthread_mutex_unlock(&it->mutex);
    return most;
}

/* Until the gate opens, or it is cancelled. */
static cleat_status work(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    count(it, task, 1);
    gate_add(&it->begun);
    while (!gate_try(&it->go, 1, 1) && !cleat_task_is_cancelled(task)) {
    }
    count(it, task, -1);
    return CLEAT_OK;
}

static void start_worker(fixture *it, const cleat_concurrency *rules, size_t rule_count)
{
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "work:do", .run = work,
                                                                   .user_data = it, .concurrency = rules,
                                                                   .concurrency_count = rule_count)));
    assert_ok(cleat_worker_start(it->worker));
}

static cleat_run_id start(fixture *it, const char *key)
{
    char input[64];
    cleat_run_id id;
    snprintf(input, sizeof(input), "{\"key\":\"%s\"}", key);
    assert_ok(cleat_client_run_no_wait(it->client, "work:do", input, NULL, &id));
    return id;
}

static void assert_ends(fixture *it, const cleat_run_id *id, cleat_run_status status, const char *word)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, id, 300000, &result));
    assert_int_equal(result.status, status);
    if (word != NULL) {
        assert_non_null(result.error);
        assert_non_null(strstr(result.error, word));
    }
    cleat_run_result_deinit(&result);
}

static void test_so_many_runs_of_a_key_go_on_at_once(void **state)
{
    static const cleat_concurrency rule = {
        .expression = "input.key", .max_runs = 2, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    fixture *it = *state;
    cleat_run_id ids[6];
    start_worker(it, &rule, 1);
    for (size_t i = 0; i < 6; i++) {
        ids[i] = start(it, i < 4 ? "a" : "b");
    }
    gate_wait(&it->begun, 4); /* two of each */
    gate_add(&it->go);
    for (size_t i = 0; i < 6; i++) {
        assert_ends(it, &ids[i], CLEAT_RUN_COMPLETED, NULL);
    }
    assert_int_equal(most_of(it, 0), 2);
    assert_int_equal(most_of(it, 1), 2);
}

static void test_a_run_says_how_many_go_on_at_once(void **state)
{
    static const cleat_concurrency rule = {.expression = "input.key",
                                           .max_runs_expression = "input.key == 'a' ? 3 : 1",
                                           .strategy = CLEAT_GROUP_ROUND_ROBIN};
    fixture *it = *state;
    cleat_run_id ids[6];
    start_worker(it, &rule, 1);
    for (size_t i = 0; i < 6; i++) {
        ids[i] = start(it, i < 4 ? "a" : "b");
    }
    gate_wait(&it->begun, 4);
    gate_add(&it->go);
    for (size_t i = 0; i < 6; i++) {
        assert_ends(it, &ids[i], CLEAT_RUN_COMPLETED, NULL);
    }
    assert_int_equal(most_of(it, 0), 3);
    assert_int_equal(most_of(it, 1), 1);
}

static void test_tasks_share_a_rule(void **state)
{
    static const cleat_concurrency rule = {.expression = "input.key",
                                           .strategy = CLEAT_GROUP_ROUND_ROBIN,
                                           .name = "both",
                                           .is_tenant_scoped = true};
    fixture *it = *state;
    cleat_run_id other;
    assert_ok(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "other", .run = work, .user_data = it,
                                                             .concurrency = &rule, .concurrency_count = 1)));
    start_worker(it, &rule, 1);
    cleat_run_id first = start(it, "a");
    gate_wait(&it->begun, 1);
    assert_ok(cleat_client_run_no_wait(it->client, "other", "{\"key\":\"a\"}", NULL, &other));
    assert_false(gate_try(&it->begun, 2, 30));
    gate_add(&it->go);
    assert_ends(it, &first, CLEAT_RUN_COMPLETED, NULL);
    assert_ends(it, &other, CLEAT_RUN_COMPLETED, NULL);
    assert_int_equal(most_of(it, 0), 1);
}

static void test_a_newer_run_cancels_an_older_one(void **state)
{
    static const cleat_concurrency rule = {.expression = "input.key"}; /* one run, CLEAT_CANCEL_IN_PROGRESS */
    fixture *it = *state;
    start_worker(it, &rule, 1);
    cleat_run_id first = start(it, "a");
    gate_wait(&it->begun, 1);
    cleat_run_id second = start(it, "a");
    assert_ends(it, &first, CLEAT_RUN_CANCELLED, NULL);
    gate_wait(&it->begun, 2);
    gate_add(&it->go);
    assert_ends(it, &second, CLEAT_RUN_COMPLETED, NULL);
}

static void test_a_run_without_a_key_fails(void **state)
{
    static const cleat_concurrency rule = {.expression = "input.other"};
    fixture *it = *state;
    start_worker(it, &rule, 1);
    cleat_run_id id = start(it, "a");
    assert_ends(it, &id, CLEAT_RUN_FAILED, "failed to parse step expression");
}

static void test_bad_rules(void **state)
{
    static const struct {
        cleat_concurrency rule;
        const char *word;
    } cases[] = {
        {{.expression = "input."}, "concurrency: "},
        {{.expression = NULL}, "concurrency: "},
        {{.expression = "input.key", .max_runs = -1}, "max_runs is -1"},
        {{.expression = "input.key", .is_tenant_scoped = true}, "(is_tenant_scoped) needs a name"},
        {{.expression = "input.key", .max_runs_expression = "1 +"}, "concurrency: max_runs_expression: "},
        {{.expression = "input.key", .strategy = (cleat_concurrency_strategy)2}, "strategy 2"},
    };
    fixture *it = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat_status status = cleat_worker_add_task(
            it->worker, CLEAT_TASK_OPTIONS(.name = "work:do", .run = work, .concurrency = &cases[i].rule,
                                           .concurrency_count = 1));
        assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), cases[i].word));
    }
    assert_int_equal(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "work:do", .run = work,
                                                                          .concurrency_count = 1)),
                     CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "concurrency is NULL"));
}

/* ---- Rate limits ---- */

static cleat_status note(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    (void)task;
    gate_add(&it->begun);
    return CLEAT_OK;
}

static void test_so_many_begin_in_a_window(void **state)
{
    static const cleat_rate_limit calls = {.key = "calls", .units = 2};
    fixture *it = *state;
    assert_ok(cleat_client_put_rate_limit(it->client, "calls", 5, CLEAT_PER_HOUR));
    assert_ok(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "work:do", .run = note, .user_data = it,
                                                             .rate_limits = &calls, .rate_limit_count = 1)));
    assert_ok(cleat_worker_start(it->worker));
    cleat_run_id ids[3];
    for (size_t i = 0; i < 3; i++) {
        ids[i] = start(it, "a");
    }
    assert_ends(it, &ids[0], CLEAT_RUN_COMPLETED, NULL);
    assert_ends(it, &ids[1], CLEAT_RUN_COMPLETED, NULL);
    assert_false(gate_try(&it->begun, 3, 30));
    assert_ok(cleat_client_cancel(it->client, &ids[2]));
    assert_ends(it, &ids[2], CLEAT_RUN_CANCELLED, NULL);
}

static void test_a_run_says_its_own_limit(void **state)
{
    static const cleat_rate_limit own = {
        .key_expression = "input.key", .limit_expression = "1", .duration = CLEAT_PER_DAY};
    fixture *it = *state;
    assert_ok(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "work:do", .run = note, .user_data = it,
                                                             .rate_limits = &own, .rate_limit_count = 1)));
    assert_ok(cleat_worker_start(it->worker));
    cleat_run_id first = start(it, "a"), waiting = start(it, "a"), other = start(it, "b");
    assert_ends(it, &first, CLEAT_RUN_COMPLETED, NULL);
    assert_ends(it, &other, CLEAT_RUN_COMPLETED, NULL);
    assert_false(gate_try(&it->begun, 3, 30));
    assert_ok(cleat_client_cancel(it->client, &waiting));
}

static void test_bad_limits(void **state)
{
    static const struct {
        cleat_rate_limit use;
        const char *word;
    } cases[] = {
        {{.key = NULL}, "the key of a rate limit has 0 bytes"},
        {{.key = "k", .units = -1}, "units is -1"},
        {{.key_expression = "input."}, "rate_limits: "},
        {{.key = "k", .units_expression = "1 +"}, "rate_limits: "},
        {{.key = "k", .duration = (cleat_rate_limit_duration)8}, "duration"},
    };
    fixture *it = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "work:do", .run = note,
                                                                              .rate_limits = &cases[i].use,
                                                                              .rate_limit_count = 1)),
                         CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), cases[i].word));
    }
    assert_int_equal(cleat_client_put_rate_limit(it->client, "", 1, CLEAT_PER_HOUR), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_client_put_rate_limit(it->client, NULL, 1, CLEAT_PER_HOUR),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_client_put_rate_limit(it->client, "k", -1, CLEAT_PER_HOUR),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_client_put_rate_limit(it->client, "k", 1, (cleat_rate_limit_duration)0),
                     CLEAT_INVALID_ARGUMENT);
}

static void test_a_limit_that_is_not_there(void **state)
{
    static const cleat_rate_limit calls = {.key = "calls"};
    fixture *it = *state;
    assert_ok(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "work:do", .run = note, .user_data = it,
                                                             .rate_limits = &calls, .rate_limit_count = 1)));
    assert_true(cleat_worker_start(it->worker) != CLEAT_OK);
    assert_non_null(strstr(cleat_error_message(), "\"calls\""));
}

/* ---- Workflows of several tasks ---- */

static const char *const after_do[] = {"do", NULL};

static void start_several(fixture *it, const cleat_concurrency *of_runs, const cleat_dag_task *then)
{
    const cleat_dag_task *const tasks[] = {CLEAT_DAG_TASK(.name = "do", .run = note, .user_data = it), then,
                                           NULL};
    assert_ok(cleat_worker_add_dag(
        it->worker, CLEAT_DAG_OPTIONS(.name = "several", .tasks = tasks, .concurrency = of_runs,
                                      .concurrency_count = of_runs != NULL ? 1 : 0)));
    assert_ok(cleat_worker_start(it->worker));
}

static cleat_run_id start_one(fixture *it, const char *key)
{
    char input[64];
    cleat_run_id id;
    snprintf(input, sizeof(input), "{\"key\":\"%s\"}", key);
    assert_ok(cleat_client_run_no_wait(it->client, "several", input, NULL, &id));
    return id;
}

static void test_so_many_runs_of_several_tasks_go_on_at_once(void **state)
{
    static const cleat_concurrency rule = {
        .expression = "input.key", .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    fixture *it = *state;
    cleat_run_id ids[4];
    start_several(it, &rule,
                  CLEAT_DAG_TASK(.name = "then", .run = work, .user_data = it, .parents = after_do));
    for (size_t i = 0; i < 4; i++) {
        ids[i] = start_one(it, i % 2 == 0 ? "a" : "b");
    }
    gate_wait(&it->begun, 4); /* both tasks of two runs; of the others none begins */
    assert_false(gate_try(&it->begun, 5, 30));
    gate_add(&it->go);
    for (size_t i = 0; i < 4; i++) {
        assert_ends(it, &ids[i], CLEAT_RUN_COMPLETED, NULL);
    }
    assert_int_equal(most_of(it, 0), 1);
    assert_int_equal(most_of(it, 1), 1);
}

static void test_a_task_among_others_has_limits(void **state)
{
    static const cleat_concurrency rule = {
        .expression = "input.key", .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    static const cleat_rate_limit calls = {.key = "calls", .units = 2};
    fixture *it = *state;
    cleat_run_id ids[3];
    assert_ok(cleat_client_put_rate_limit(it->client, "calls", 5, CLEAT_PER_HOUR));
    start_several(it, NULL,
                  CLEAT_DAG_TASK(.name = "then", .run = work, .user_data = it, .parents = after_do,
                                 .concurrency = &rule, .concurrency_count = 1, .rate_limits = &calls,
                                 .rate_limit_count = 1));
    for (size_t i = 0; i < 3; i++) {
        ids[i] = start_one(it, "a");
    }
    gate_wait(&it->begun, 4); /* all of the first ones, and one behind them */
    assert_false(gate_try(&it->begun, 5, 30));
    gate_add(&it->go);
    gate_wait(&it->begun, 5);
    assert_false(gate_try(&it->begun, 6, 30)); /* the last one has no units left */
    assert_int_equal(most_of(it, 0), 1);
    for (size_t i = 0; i < 3; i++) {
        (void)cleat_client_cancel(it->client, &ids[i]);
    }
}

static void test_bad_limits_among_others(void **state)
{
    static const cleat_concurrency rule = {.expression = "input."};
    static const cleat_rate_limit use = {.key = "k", .units = -1};
    fixture *it = *state;
    const cleat_dag_task *const bad[] = {
        CLEAT_DAG_TASK(.name = "do", .run = note),
        CLEAT_DAG_TASK(.name = "then", .run = note, .rate_limits = &use, .rate_limit_count = 1), NULL};
    assert_int_equal(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = bad)),
                     CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "units is -1"));
    const cleat_dag_task *const good[] = {CLEAT_DAG_TASK(.name = "do", .run = note), NULL};
    assert_int_equal(
        cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = good, .concurrency = &rule,
                                                           .concurrency_count = 1)),
        CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "concurrency: "));
}

int sdk_limits_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_so_many_runs_of_a_key_go_on_at_once),
        TEST(test_a_run_says_how_many_go_on_at_once),
        TEST(test_tasks_share_a_rule),
        TEST(test_a_newer_run_cancels_an_older_one),
        TEST(test_a_run_without_a_key_fails),
        TEST(test_bad_rules),
        TEST(test_so_many_begin_in_a_window),
        TEST(test_a_run_says_its_own_limit),
        TEST(test_bad_limits),
        TEST(test_a_limit_that_is_not_there),
        TEST(test_so_many_runs_of_several_tasks_go_on_at_once),
        TEST(test_a_task_among_others_has_limits),
        TEST(test_bad_limits_among_others),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
