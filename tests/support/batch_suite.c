#include "support/batch_suite.h"

#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RUNS_MAX = 8, LONG_MS = 60000 };

static const sdk_target *target;

typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker;
    cleat_run_result results[RUNS_MAX];
    gate began;       /* batches */
    gate may_end;     /* opened by the test, where the function waits for it */
    gate cancelled;   /* runs whose function was told */
    atomic_int count; /* of the runs of the last one */
    char text[200];   /* what the last one was told, before `began`; under its mutex */
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->began);
    gate_init(&it->may_end);
    gate_init(&it->cancelled);
    assert_ok(target->open(it->dir.database, &it->client));
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 1), &it->worker));
    *state = it;
    return 0;
}

static void forget_results(fixture *it)
{
    for (size_t i = 0; i < RUNS_MAX; i++) {
        cleat_run_result_deinit(&it->results[i]);
    }
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    forget_results(it);
    target->close(it->client);
    gate_deinit(&it->began);
    gate_deinit(&it->may_end);
    gate_deinit(&it->cancelled);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* ---- Tasks and runs ---- */

static void declare(fixture *it, cleat_batch_function run, const cleat_batch_config *config)
{
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "rows:insert", .run_batch = run,
                                                                   .user_data = it, .batch = config)));
    assert_ok(cleat_worker_start(it->worker));
}

/* Starts one run for each input, all at once. */
static void start(fixture *it, const char *const *inputs, size_t count, cleat_run_id *ids)
{
    cleat_run_item items[RUNS_MAX];
    assert_true(count <= RUNS_MAX);
    for (size_t i = 0; i < count; i++) {
        items[i] = (cleat_run_item){"rows:insert", inputs[i], NULL};
    }
    assert_ok(cleat_client_run_many(it->client, items, count, ids));
}

static void await(fixture *it, const cleat_run_id *ids, size_t count)
{
    forget_results(it);
    for (size_t i = 0; i < count; i++) {
        assert_ok(cleat_client_wait(it->client, &ids[i], LONG_MS, &it->results[i]));
    }
}

/* To their end. */
static void run_all(fixture *it, cleat_batch_function run, const cleat_batch_config *config,
                    const char *const *inputs, size_t count)
{
    cleat_run_id ids[RUNS_MAX];
    declare(it, run, config);
    start(it, inputs, count, ids);
    await(it, ids, count);
}

static void assert_ended(const fixture *it, size_t index, cleat_run_status status, const char *text)
{
    const cleat_run_result *result = &it->results[index];
    const char *found = result->output != NULL ? result->output : result->error;
    if (result->status != status || found == NULL || strcmp(found, text) != 0) {
        fail_msg("%zu: %s \"%s\" instead of %s \"%s\"", index, cleat_run_status_name(result->status), found,
                 cleat_run_status_name(status), text);
    }
}

static const char *const three[] = {"{\"n\":1,\"k\":\"a\"}", "{\"n\":2,\"k\":\"b\"}",
                                    "{\"n\":3,\"k\":\"a\"}"};

/* Gives each run its input and how many there are. */
static cleat_status give_input(cleat_batch *batch, void *user_data)
{
    fixture *it = user_data;
    for (size_t i = 0; i < cleat_batch_count(batch); i++) {
        cleat_task *task = cleat_batch_task(batch, i);
        cleat_slice input = cleat_task_input(task);
        cleat_status status = cleat_task_return_format(task, "{\"of\":%zu,\"in\":%.*s}",
                                                       cleat_batch_count(batch), CLEAT_SLICE_ARGS(input));
        if (status != CLEAT_OK) {
            return status;
        }
    }
    pthread_mutex_lock(&it->began.mutex); /* two batches may run at once */
    (void)snprintf(it->text, sizeof(it->text), "%s|%s|%d", cleat_batch_key(batch), cleat_batch_reason(batch),
                   (int)strlen(cleat_batch_id(batch)));
    pthread_mutex_unlock(&it->began.mutex);
    gate_add(&it->began);
    return CLEAT_OK;
}

/* ---- What a batch is ---- */

static void test_as_many_runs_as_there_may_be_come_together(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 3, .interval_ms = LONG_MS};
    run_all(it, give_input, &config, three, 3);
    assert_ended(it, 0, CLEAT_RUN_COMPLETED, "{\"of\":3,\"in\":{\"n\":1,\"k\":\"a\"}}");
    assert_ended(it, 1, CLEAT_RUN_COMPLETED, "{\"of\":3,\"in\":{\"n\":2,\"k\":\"b\"}}");
    assert_ended(it, 2, CLEAT_RUN_COMPLETED, "{\"of\":3,\"in\":{\"n\":3,\"k\":\"a\"}}");
    assert_string_equal(it->text, "|batch size threshold 3 reached|36");
    assert_int_equal(gate_count(&it->began), 1);
}

static void test_fewer_come_when_the_first_has_waited(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 10, .interval_ms = 50};
    run_all(it, give_input, &config, three, 2);
    assert_ended(it, 1, CLEAT_RUN_COMPLETED, "{\"of\":2,\"in\":{\"n\":2,\"k\":\"b\"}}");
    assert_string_equal(it->text, "|batch max interval 50ms elapsed|36");
}

static void test_no_batch_has_runs_of_two_groups(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2, .interval_ms = 100, .group_key = "input.k"};
    run_all(it, give_input, &config, three, 3);
    assert_ended(it, 0, CLEAT_RUN_COMPLETED, "{\"of\":2,\"in\":{\"n\":1,\"k\":\"a\"}}");
    assert_ended(it, 2, CLEAT_RUN_COMPLETED, "{\"of\":2,\"in\":{\"n\":3,\"k\":\"a\"}}");
    assert_ended(it, 1, CLEAT_RUN_COMPLETED, "{\"of\":1,\"in\":{\"n\":2,\"k\":\"b\"}}");
    assert_string_equal(it->text, "b|batch max interval 100ms elapsed|36");
}

static void test_a_run_without_a_key_fails_when_it_is_started(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2, .group_key = "input.k"};
    const char *const inputs[] = {"{\"k\":17}"};
    run_all(it, give_input, &config, inputs, 1);
    assert_int_equal(it->results[0].status, CLEAT_RUN_FAILED);
    assert_int_equal(gate_count(&it->began), 0);
}

static cleat_status wait_for_all(cleat_batch *batch, void *user_data)
{
    fixture *it = user_data;
    atomic_store(&it->count, (int)cleat_batch_count(batch));
    gate_add(&it->began);
    gate_wait(&it->may_end, 1);
    return CLEAT_OK;
}

/* The worker has one slot, and the batch takes that; the next one waits. */
static void test_a_batch_has_the_slot_of_one_run(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2, .interval_ms = 1};
    cleat_run_id ids[5];
    const char *const inputs[] = {"{}", "{}", "{}", "{}", "{}"};
    declare(it, wait_for_all, &config);
    start(it, inputs, 5, ids);
    gate_wait(&it->began, 1);
    assert_int_equal(gate_count(&it->began), 1);
    assert_int_equal(atomic_load(&it->count), 2);
    gate_add(&it->may_end);
    await(it, ids, 5);
    assert_int_equal(gate_count(&it->began), 3);
    assert_ended(it, 4, CLEAT_RUN_COMPLETED, "null");
}

static cleat_status give_slot_away(cleat_batch *batch, void *user_data)
{
    fixture *it = user_data;
    cleat_task *first = cleat_batch_task(batch, 0), *second = cleat_batch_task(batch, 1);
    cleat_status status = cleat_task_release_slot(second);
    if (status == CLEAT_OK) {
        status = cleat_task_release_slot(first);
    }
    gate_add(&it->began);
    gate_wait(&it->began, 2); /* the other batch is on the same slot, at the same time */
    return status;
}

static void test_one_of_a_batch_gives_its_slot_away(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2, .interval_ms = LONG_MS};
    const char *const inputs[] = {"{}", "{}", "{}", "{}"};
    run_all(it, give_slot_away, &config, inputs, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_ended(it, i, CLEAT_RUN_COMPLETED, "null");
    }
}

/* ---- How its runs end ---- */

/* The first says how it ends, the second fails, and of the third nothing is said. */
static cleat_status end_each_by_itself(cleat_batch *batch, void *user_data)
{
    (void)user_data;
    (void)cleat_task_fail(cleat_batch_task(batch, 0), CLEAT_FAILED, "not yet");
    (void)cleat_task_return(cleat_batch_task(batch, 0), "{\"a\":1}");
    (void)cleat_task_return(cleat_batch_task(batch, 1), "{\"a\":2}");
    (void)cleat_task_fail(cleat_batch_task(batch, 1), CLEAT_NON_RETRYABLE, "no %s", "luck");
    return CLEAT_OK;
}

static void test_each_run_ends_as_was_said_of_it_last(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 3, .interval_ms = LONG_MS};
    run_all(it, end_each_by_itself, &config, three, 3);
    assert_ended(it, 0, CLEAT_RUN_COMPLETED, "{\"a\":1}");
    assert_ended(it, 1, CLEAT_RUN_FAILED, "no luck");
    assert_ended(it, 2, CLEAT_RUN_COMPLETED, "null");
}

/* An output that is refused is the end of its run, too; the rest fails as the function does. */
static cleat_status fail_all_others(cleat_batch *batch, void *user_data)
{
    (void)user_data;
    if (cleat_task_return(cleat_batch_task(batch, 0), "{a}") != CLEAT_INVALID_ARGUMENT) {
        return CLEAT_OK;
    }
    (void)cleat_task_return(cleat_batch_task(batch, 1), "2");
    return cleat_batch_fail(batch, CLEAT_FAILED, "the table is gone");
}

static void test_a_run_without_an_end_of_its_own_fails_with_its_batch(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 3, .interval_ms = LONG_MS};
    run_all(it, fail_all_others, &config, three, 3);
    assert_int_equal(it->results[0].status, CLEAT_RUN_FAILED);
    assert_non_null(strstr(it->results[0].error, "output is not JSON"));
    assert_ended(it, 1, CLEAT_RUN_COMPLETED, "2");
    assert_ended(it, 2, CLEAT_RUN_FAILED, "the table is gone");
}

static cleat_status give_all_the_same(cleat_batch *batch, void *user_data)
{
    (void)user_data;
    (void)cleat_task_return(cleat_batch_task(batch, 1), "\"own\"");
    if (cleat_batch_return(batch, "{") != CLEAT_INVALID_ARGUMENT) {
        return CLEAT_FAILED;
    }
    return cleat_batch_return(batch, "{\"sum\":6}");
}

static void test_one_output_for_all(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 3, .interval_ms = LONG_MS};
    run_all(it, give_all_the_same, &config, three, 3);
    assert_ended(it, 0, CLEAT_RUN_COMPLETED, "{\"sum\":6}");
    assert_ended(it, 1, CLEAT_RUN_COMPLETED, "\"own\"");
    assert_ended(it, 2, CLEAT_RUN_COMPLETED, "{\"sum\":6}");
}

static void on_cancel(void *user_data)
{
    gate_add(user_data);
}

/* Goes on until its second run is cancelled. */
static cleat_status wait_for_cancellation(cleat_batch *batch, void *user_data)
{
    fixture *it = user_data;
    cleat_task_on_cancel(cleat_batch_task(batch, 1), on_cancel, &it->cancelled);
    gate_add(&it->began);
    gate_wait(&it->cancelled, 1);
    bool is_right = cleat_task_is_cancelled(cleat_batch_task(batch, 1)) &&
                    !cleat_task_is_cancelled(cleat_batch_task(batch, 0)) && !cleat_batch_is_cancelled(batch);
    return is_right ? CLEAT_OK : CLEAT_FAILED;
}

static void test_one_run_of_a_batch_is_cancelled(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2, .interval_ms = LONG_MS};
    cleat_run_id ids[2];
    declare(it, wait_for_cancellation, &config);
    start(it, three, 2, ids);
    gate_wait(&it->began, 1);
    assert_ok(cleat_client_cancel(it->client, &ids[1]));
    await(it, ids, 2);
    assert_ended(it, 0, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(it->results[1].status, CLEAT_RUN_CANCELLED);
}

static void test_a_run_that_is_cancelled_in_time_is_in_no_batch(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 3, .interval_ms = LONG_MS};
    cleat_run_id first, ids[3];
    declare(it, give_input, &config);
    start(it, three, 1, &first);
    assert_ok(cleat_client_cancel(it->client, &first));
    start(it, three, 3, ids);
    await(it, ids, 3);
    assert_ended(it, 0, CLEAT_RUN_COMPLETED, "{\"of\":3,\"in\":{\"n\":1,\"k\":\"a\"}}");
}

/* ---- What its runs can do ---- */

static cleat_status note(cleat_task *task, void *user_data)
{
    cleat_run_id parent;
    (void)user_data;
    (void)cleat_task_parent_run_id(task, &parent);
    return cleat_task_return_format(task, "\"%s\"", parent.text);
}

static cleat_status spawn_each(cleat_batch *batch, void *user_data)
{
    fixture *it = user_data;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < cleat_batch_count(batch) && status == CLEAT_OK; i++) {
        cleat_task *task = cleat_batch_task(batch, i);
        cleat_run_id child;
        status = cleat_task_log(task, CLEAT_LOG_INFO, "row %zu", i);
        if (status == CLEAT_OK) {
            status = cleat_task_spawn(task, "note", "{}", NULL, &child);
        }
        if (status == CLEAT_OK) {
            status = cleat_task_return_format(task, "\"%s\"", child.text);
        }
    }
    cleat_task *first = cleat_batch_task(batch, 0);
    (void)snprintf(it->text, sizeof(it->text), "%s|%d|%s", cleat_task_name(first),
                   cleat_task_retry_count(first),
                   cleat_batch_task(batch, cleat_batch_count(batch)) == NULL ? "no more" : "more");
    return status;
}

static void test_each_run_has_children_of_its_own(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2, .interval_ms = LONG_MS};
    cleat_run_id ids[2];
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "note", .run = note)));
    declare(it, spawn_each, &config);
    start(it, three, 2, ids);
    await(it, ids, 2);
    assert_string_equal(it->text, "rows:insert|0|no more");
    for (size_t i = 0; i < 2; i++) {
        cleat_run_id child;
        char expected[80];
        cleat_run_result result = {0};
        assert_int_equal(it->results[i].status, CLEAT_RUN_COMPLETED);
        assert_int_equal(sscanf(it->results[i].output, "\"%36s", child.text), 1);
        assert_ok(cleat_client_wait(it->client, &child, LONG_MS, &result));
        (void)snprintf(expected, sizeof(expected), "\"%s\"", ids[i].text);
        assert_string_equal(result.output, expected);
        cleat_run_result_deinit(&result);
    }
}

/* What the task before it has made, and of which run it is. */
static cleat_status give_parents(cleat_batch *batch, void *user_data)
{
    fixture *it = user_data;
    for (size_t i = 0; i < cleat_batch_count(batch); i++) {
        cleat_task *task = cleat_batch_task(batch, i);
        cleat_slice output;
        cleat_status status = cleat_task_parent_output(task, "first", &output);
        if (status != CLEAT_OK) {
            return status;
        }
        (void)cleat_task_return_format(task, "{\"all\":%zu,\"of\":\"%s\",\"first\":%.*s}",
                                       cleat_batch_count(batch), cleat_task_workflow_run_id(task).text,
                                       CLEAT_SLICE_ARGS(output));
    }
    gate_add(&it->began);
    return CLEAT_OK;
}

static cleat_status give_own_input(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, cleat_task_input(task).data);
}

static void test_tasks_of_several_workflows_come_together(void **state)
{
    fixture *it = *state;
    static const char *const after_first[] = {"first", NULL};
    const cleat_batch_config config = {.max_size = 2, .interval_ms = LONG_MS};
    const cleat_dag_task *const tasks[] = {CLEAT_DAG_TASK(.name = "first", .run = give_own_input),
                                           CLEAT_DAG_TASK(.name = "second", .run_batch = give_parents,
                                                          .user_data = it, .batch = &config,
                                                          .parents = after_first),
                                           NULL};
    const cleat_run_item items[] = {{"w", "{\"n\":1}", NULL}, {"w", "{\"n\":2}", NULL}};
    cleat_run_id ids[2];
    assert_ok(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks)));
    assert_ok(cleat_worker_start(it->worker));
    assert_ok(cleat_client_run_many(it->client, items, 2, ids));
    await(it, ids, 2);
    for (size_t i = 0; i < 2; i++) {
        char expected[160];
        (void)snprintf(expected, sizeof(expected),
                       "\"second\":{\"all\":2,\"of\":\"%s\",\"first\":{\"n\":%zu}}", ids[i].text, i + 1);
        assert_non_null(it->results[i].output);
        assert_non_null(strstr(it->results[i].output, expected));
    }
    assert_int_equal(gate_count(&it->began), 1);
}

/* ---- The worker ---- */

/* What has not been begun goes to another worker. */
static void test_a_worker_that_stops_gives_its_batches_back(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2, .interval_ms = LONG_MS};
    const char *const inputs[] = {"{}", "{}", "{}", "{}", "{}", "{}"};
    cleat_run_id ids[6];
    cleat_worker *other = NULL;
    cleat_worker_free(it->worker); /* 3 slots on one thread: two batches wait inside */
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 3, .threads = 1), &it->worker));
    declare(it, wait_for_all, &config);
    start(it, inputs, 6, ids);
    gate_wait(&it->began, 1);
    assert_refused(cleat_worker_stop(it->worker, 0), CLEAT_TIMEOUT, "1 tasks still run");
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 3), &other));
    assert_ok(cleat_worker_add_task(other, CLEAT_TASK_OPTIONS(.name = "rows:insert", .run_batch = give_input,
                                                              .user_data = it, .batch = &config)));
    assert_ok(cleat_worker_start(other));
    gate_wait(&it->began, 3);
    gate_add(&it->may_end);
    await(it, ids, 6);
    assert_ended(it, 0, CLEAT_RUN_COMPLETED, "null");
    assert_ended(it, 2, CLEAT_RUN_COMPLETED, "{\"of\":2,\"in\":{}}");
    assert_ended(it, 5, CLEAT_RUN_COMPLETED, "{\"of\":2,\"in\":{}}");
    cleat_worker_free(other);
}

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

static void test_mistakes_are_named(void **state)
{
    fixture *it = *state;
    const cleat_batch_config config = {.max_size = 2}, none = {.max_size = 0},
                             bad = {.max_size = 2, .group_key = "input."};
    const cleat_status wrong = CLEAT_INVALID_ARGUMENT;
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "a", .batch = &config)),
                   wrong, "run is NULL");
    assert_refused(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "a", .run = nothing, .batch = &config)),
        wrong, "run_batch is NULL");
    assert_refused(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "a", .run_batch = give_input)), wrong,
        "batch is NULL");
    assert_refused(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "a", .run = nothing,
                                                             .run_batch = give_input, .batch = &config)),
        wrong, "both run and run_batch");
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "a", .run_batch = give_input,
                                                                        .batch = &config, .retries = 1)),
                   wrong, "retries is 1");
    assert_refused(cleat_worker_add_task(
                       it->worker, CLEAT_TASK_OPTIONS(.name = "a", .run_batch = give_input, .batch = &none)),
                   wrong, "max_size is 0");
    assert_refused(cleat_worker_add_task(
                       it->worker, CLEAT_TASK_OPTIONS(.name = "a", .run_batch = give_input, .batch = &bad)),
                   wrong, "group_key");
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run_batch = give_input, .batch = &config, .is_durable = true), NULL};
    assert_refused(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks)), wrong,
                   "it cannot be both");
    /* NULL is never more than a mistake. */
    assert_int_equal(cleat_batch_count(NULL), 0);
    assert_null(cleat_batch_task(NULL, 0));
    assert_false(cleat_batch_is_cancelled(NULL));
    assert_null(cleat_batch_id(NULL));
    assert_int_equal(cleat_batch_return(NULL, "1"), wrong);
    assert_int_equal(cleat_batch_fail(NULL, CLEAT_OK, "no"), CLEAT_FAILED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int batch_suite_run(const sdk_target *of)
{
    const struct CMUnitTest tests[] = {
        TEST(test_as_many_runs_as_there_may_be_come_together),
        TEST(test_fewer_come_when_the_first_has_waited),
        TEST(test_no_batch_has_runs_of_two_groups),
        TEST(test_a_run_without_a_key_fails_when_it_is_started),
        TEST(test_a_batch_has_the_slot_of_one_run),
        TEST(test_one_of_a_batch_gives_its_slot_away),
        TEST(test_each_run_ends_as_was_said_of_it_last),
        TEST(test_a_run_without_an_end_of_its_own_fails_with_its_batch),
        TEST(test_one_output_for_all),
        TEST(test_one_run_of_a_batch_is_cancelled),
        TEST(test_a_run_that_is_cancelled_in_time_is_in_no_batch),
        TEST(test_each_run_has_children_of_its_own),
        TEST(test_tasks_of_several_workflows_come_together),
        TEST(test_a_worker_that_stops_gives_its_batches_back),
        TEST(test_mistakes_are_named),
    };
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
