#include "support/control_suite.h"

#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const sdk_target *target;

typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker;
    gate sent;         /* "mail:send" has run */
    atomic_bool fails; /* it does */
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->sent);
    assert_ok(target->open(it->dir.database, &it->client));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    target->close(it->client);
    gate_deinit(&it->sent);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static cleat_status send_mail(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    gate_add(&it->sent);
    return atomic_load(&it->fails) ? CLEAT_FAILED : cleat_task_return(task, "{\"sent\":true}");
}

static cleat_status pass(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{}");
}

static void start_worker(fixture *it)
{
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2), &it->worker));
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "mail:send", .run = send_mail, .user_data = it)));
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "other", .run = pass)));
    assert_ok(cleat_worker_start(it->worker));
}

/* What was queued before and may run has begun. */
static void run_another(const fixture *it)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_run(it->client, "other", NULL, NULL, &result));
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    cleat_run_result_deinit(&result);
}

static void assert_ends_as(const fixture *it, const cleat_run_id *id, cleat_run_status status)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, id, -1, &result));
    assert_int_equal(result.status, status);
    cleat_run_result_deinit(&result);
}

/* ---- Pausing ---- */

static void test_runs_of_a_paused_workflow_wait(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    start_worker(it);
    assert_ok(cleat_client_resume_workflow(it->client, "mail:send"));
    assert_ok(cleat_client_pause_workflow(it->client, "mail:send", NULL));
    assert_ok(cleat_client_run_no_wait(it->client, "mail:send", NULL, NULL, &id));
    run_another(it);
    assert_int_equal(gate_count(&it->sent), 0);
    assert_ok(cleat_client_resume_workflow(it->client, "mail:send"));
    assert_ends_as(it, &id, CLEAT_RUN_COMPLETED);
    assert_int_equal(gate_count(&it->sent), 1);
}

static void test_runs_are_given_up_after_the_time_of_a_pause(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    start_worker(it);
    assert_ok(cleat_client_pause_workflow(it->client, "mail:send", NULL));
    assert_ok(cleat_client_run_no_wait(it->client, "mail:send", NULL, NULL, &id));
    assert_ok(cleat_client_pause_workflow(it->client, "mail:send",
                                          CLEAT_PAUSE_OPTIONS(.ttl_ms = INT64_MAX / 1000000)));
    run_another(it);
    assert_ok(cleat_client_pause_workflow(it->client, "mail:send", CLEAT_PAUSE_OPTIONS(.ttl_ms = 1)));
    assert_ends_as(it, &id, CLEAT_RUN_CANCELLED);
    assert_int_equal(gate_count(&it->sent), 0);
}

static void test_schedules_of_a_paused_workflow(void **state)
{
    fixture *it = *state;
    cleat_schedule_list list = {0};
    start_worker(it);
    assert_ok(cleat_client_pause_workflow(it->client, "mail:send", CLEAT_PAUSE_OPTIONS(.queue_crons = true)));
    assert_ok(cleat_client_schedule(it->client, "mail:send", 1000, NULL, NULL, NULL));
    do { /* until it has fired */
        cleat_schedule_list_deinit(&list);
        run_another(it);
        assert_ok(cleat_client_list_schedules(it->client, NULL, &list));
    } while (list.count != 0);
    assert_ok(
        cleat_client_pause_workflow(it->client, "mail:send", CLEAT_PAUSE_OPTIONS(.queue_schedules = true)));
    assert_ok(cleat_client_schedule(it->client, "mail:send", 1000, NULL, NULL, NULL));
    do {
        cleat_schedule_list_deinit(&list);
        run_another(it);
        assert_ok(cleat_client_list_schedules(it->client, NULL, &list));
    } while (list.count != 0);
    assert_int_equal(gate_count(&it->sent), 0);
    assert_ok(cleat_client_resume_workflow(it->client, "mail:send"));
    gate_wait(&it->sent, 1);
    run_another(it);
    assert_int_equal(gate_count(&it->sent), 1); /* the first was gone */
}

static void test_bad_pauses(void **state)
{
    fixture *it = *state;
    const cleat_pause_options sizeless = {.ttl_ms = 1};
    assert_refused(cleat_client_pause_workflow(it->client, "no:body", NULL), CLEAT_NOT_FOUND,
                   "there is no task \"no:body\": no worker has declared it");
    assert_refused(cleat_client_resume_workflow(it->client, "nobodys"), CLEAT_NOT_FOUND, "nobodys");
    assert_refused(cleat_client_pause_workflow(it->client, "x", CLEAT_PAUSE_OPTIONS(.ttl_ms = -1)),
                   CLEAT_INVALID_ARGUMENT, "ttl_ms");
    assert_refused(cleat_client_pause_workflow(it->client, "x", CLEAT_PAUSE_OPTIONS(.ttl_ms = INT64_MAX)),
                   CLEAT_INVALID_ARGUMENT, "ttl_ms");
    assert_refused(cleat_client_pause_workflow(it->client, "x", &sizeless), CLEAT_INVALID_ARGUMENT,
                   "CLEAT_PAUSE_OPTIONS");
    assert_refused(cleat_client_pause_workflow(it->client, NULL, NULL), CLEAT_INVALID_ARGUMENT, "task");
    assert_refused(cleat_client_pause_workflow(NULL, "x", NULL), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_resume_workflow(NULL, "x"), CLEAT_INVALID_ARGUMENT, "client");
}

/* ---- Many runs ---- */

static cleat_run_id start_run(const fixture *it, const char *task, const char *metadata)
{
    cleat_run_id id;
    assert_ok(cleat_client_run_no_wait(it->client, task, NULL, CLEAT_RUN_OPTIONS(.metadata = metadata), &id));
    return id;
}

static void assert_cancels(const fixture *it, const cleat_run_filter *filter, size_t expected)
{
    size_t count = 99;
    assert_ok(cleat_client_cancel_many(it->client, filter, &count));
    assert_int_equal(count, expected);
}

static void assert_replays(const fixture *it, const cleat_run_filter *filter, size_t expected)
{
    size_t count = 99;
    assert_ok(cleat_client_replay_many(it->client, filter, &count));
    assert_int_equal(count, expected);
}

static void test_runs_that_a_filter_chooses_are_cancelled(void **state)
{
    fixture *it = *state;
    static const char *const customers[] = {"customer:7", "customer:9", NULL};
    static const char *const mails[] = {"mail:send", NULL}, *const all[] = {"other", "mail:send", NULL};
    start_worker(it);
    run_another(it);
    assert_ok(cleat_client_pause_workflow(it->client, "mail:send", NULL));
    assert_ok(cleat_client_pause_workflow(it->client, "other", NULL));
    const cleat_run_id ids[] = {
        start_run(it, "mail:send", "{\"customer\":7}"), start_run(it, "other", "{\"customer\":\"7\"}"),
        start_run(it, "mail:send", "{\"customer\":\"8\"}"), start_run(it, "mail:send", NULL)};
    assert_cancels(it, CLEAT_RUN_FILTER(.since_ms = INT64_C(4102444800000)), 0);
    assert_cancels(it, CLEAT_RUN_FILTER(.statuses = 1U << CLEAT_RUN_RUNNING), 0);
    assert_cancels(it, CLEAT_RUN_FILTER(.tasks = mails, .metadata = customers), 1);
    assert_ends_as(it, &ids[0], CLEAT_RUN_CANCELLED);
    assert_cancels(it, CLEAT_RUN_FILTER(.tasks = all, .metadata = customers, .until_ms = 1), 1);
    assert_ends_as(it, &ids[1], CLEAT_RUN_CANCELLED);
    assert_cancels(it, NULL, 2);
    assert_ends_as(it, &ids[2], CLEAT_RUN_CANCELLED);
    assert_ends_as(it, &ids[3], CLEAT_RUN_CANCELLED);
    assert_cancels(it, NULL, 0);
    assert_ok(cleat_client_cancel_many(it->client, NULL, NULL));
}

static void test_runs_that_a_filter_chooses_are_replayed(void **state)
{
    fixture *it = *state;
    static const char *const pairs[] = {"customer:7", NULL};
    start_worker(it);
    atomic_store(&it->fails, true);
    const cleat_run_id ids[] = {start_run(it, "mail:send", "{\"customer\":7}"),
                                start_run(it, "mail:send", NULL)};
    assert_ends_as(it, &ids[0], CLEAT_RUN_FAILED);
    assert_ends_as(it, &ids[1], CLEAT_RUN_FAILED);
    run_another(it);
    atomic_store(&it->fails, false);
    assert_replays(it, CLEAT_RUN_FILTER(.until_ms = 1000), 0);
    assert_replays(it, CLEAT_RUN_FILTER(.statuses = 1U << CLEAT_RUN_FAILED, .metadata = pairs), 1);
    assert_ends_as(it, &ids[0], CLEAT_RUN_COMPLETED);
    assert_replays(it, CLEAT_RUN_FILTER(.statuses = 1U << CLEAT_RUN_FAILED), 1);
    assert_ends_as(it, &ids[1], CLEAT_RUN_COMPLETED);
    assert_int_equal(gate_count(&it->sent), 4);
    assert_replays(it, NULL, 3);
}

static void test_bad_filters_of_runs(void **state)
{
    fixture *it = *state;
    cleat_client *client = it->client;
    static const char *const tasks[] = {"no:body", NULL}, *const pairs[] = {"customer", NULL};
    static const char *const wrong[] = {"a:\xff", NULL};
    size_t count = 99;
    assert_refused(cleat_client_cancel_many(client, CLEAT_RUN_FILTER(.tasks = tasks), &count),
                   CLEAT_NOT_FOUND, "there is no task \"no:body\"");
    assert_int_equal(count, 0);
    assert_refused(
        cleat_client_cancel_many(client, CLEAT_RUN_FILTER(.statuses = 1U << CLEAT_RUN_FAILED), &count),
        CLEAT_INVALID_ARGUMENT, "not ended");
    assert_refused(
        cleat_client_replay_many(client, CLEAT_RUN_FILTER(.statuses = 1U << CLEAT_RUN_QUEUED), &count),
        CLEAT_INVALID_ARGUMENT, "ended");
    assert_refused(cleat_client_replay_many(client, CLEAT_RUN_FILTER(.statuses = 1U << 6), &count),
                   CLEAT_INVALID_ARGUMENT, "statuses");
    assert_refused(cleat_client_cancel_many(client, CLEAT_RUN_FILTER(.metadata = pairs), &count),
                   CLEAT_INVALID_ARGUMENT, "\"customer\"");
    assert_refused(cleat_client_cancel_many(client, CLEAT_RUN_FILTER(.metadata = wrong), &count),
                   CLEAT_INVALID_ARGUMENT, "metadata");
    assert_refused(cleat_client_cancel_many(client, CLEAT_RUN_FILTER(.since_ms = -1), &count),
                   CLEAT_INVALID_ARGUMENT, "since_ms");
    assert_refused(cleat_client_cancel_many(client, &(cleat_run_filter){.since_ms = 1}, &count),
                   CLEAT_INVALID_ARGUMENT, "CLEAT_RUN_FILTER");
    assert_refused(cleat_client_cancel_many(NULL, NULL, &count), CLEAT_INVALID_ARGUMENT, "client");
}

/* ---- The tasks of a run ---- */

static cleat_status lose(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_fail(task, CLEAT_FAILED, "the line was cut");
}

static void start_dag(fixture *it)
{
    static const char *const first[] = {"first", NULL}, *const second[] = {"second", NULL};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = send_mail, .user_data = it),
        CLEAT_DAG_TASK(.name = "second", .run = lose, .parents = first),
        CLEAT_DAG_TASK(.name = "third", .run = pass, .parents = second),
        NULL,
    };
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2), &it->worker));
    assert_ok(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "mails", .tasks = tasks)));
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "other", .run = pass)));
    assert_ok(cleat_worker_start(it->worker));
}

static void assert_task(const cleat_task_entry *task, const char *name, cleat_run_status status)
{
    assert_string_equal(task->name, name);
    assert_int_equal(task->status, status);
    assert_int_equal(strlen(task->id.text), 36);
    assert_true((task->output != NULL) == (status == CLEAT_RUN_COMPLETED));
    assert_true((task->error != NULL) == (status == CLEAT_RUN_FAILED));
}

static void test_the_tasks_of_a_run_are_listed(void **state)
{
    fixture *it = *state;
    cleat_task_list list = {0};
    start_dag(it);
    assert_ok(cleat_client_pause_workflow(it->client, "mails", NULL));
    const cleat_run_id id = start_run(it, "mails", NULL);
    run_another(it);
    assert_ok(cleat_client_list_tasks(it->client, &id, &list));
    assert_int_equal(list.count, 3);
    assert_task(&list.items[0], "first", CLEAT_RUN_QUEUED);
    assert_task(&list.items[1], "second", CLEAT_RUN_QUEUED);
    assert_task(&list.items[2], "third", CLEAT_RUN_QUEUED);
    const cleat_run_id first = list.items[0].id;
    cleat_task_list_deinit(&list);

    assert_ok(cleat_client_resume_workflow(it->client, "mails"));
    assert_ends_as(it, &id, CLEAT_RUN_FAILED);
    assert_ok(cleat_client_list_tasks(it->client, &id, &list));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].id.text, first.text);
    assert_task(&list.items[0], "first", CLEAT_RUN_COMPLETED);
    assert_string_equal(list.items[0].output, "{\"sent\":true}");
    assert_task(&list.items[1], "second", CLEAT_RUN_FAILED);
    assert_string_equal(list.items[1].error, "the line was cut");
    assert_task(&list.items[2], "third", CLEAT_RUN_CANCELLED);
    cleat_task_list_deinit(&list);
}

static void test_a_run_of_one_task_has_that(void **state)
{
    fixture *it = *state;
    cleat_task_list list = {0};
    const cleat_run_id none = {"01890000-0000-7000-8000-000000000001"}, nonsense = {"nonsense"};
    start_worker(it);
    const cleat_run_id id = start_run(it, "mail:send", NULL);
    assert_ends_as(it, &id, CLEAT_RUN_COMPLETED);
    assert_ok(cleat_client_list_tasks(it->client, &id, &list));
    assert_int_equal(list.count, 1);
    assert_task(&list.items[0], "send", CLEAT_RUN_COMPLETED);
    assert_string_equal(list.items[0].id.text, id.text);
    cleat_task_list_deinit(&list);
    assert_refused(cleat_client_list_tasks(it->client, &none, &list), CLEAT_NOT_FOUND,
                   "there is no run 01890000-0000-7000-8000-000000000001");
    assert_refused(cleat_client_list_tasks(it->client, &nonsense, &list), CLEAT_INVALID_ARGUMENT, "nonsense");
    assert_refused(cleat_client_list_tasks(it->client, NULL, &list), CLEAT_INVALID_ARGUMENT, "id");
    assert_refused(cleat_client_list_tasks(it->client, &id, NULL), CLEAT_INVALID_ARGUMENT, "out");
    cleat_task_list_deinit(NULL);
}

int control_suite_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_runs_of_a_paused_workflow_wait),
        TEST(test_runs_are_given_up_after_the_time_of_a_pause),
        TEST(test_schedules_of_a_paused_workflow),
        TEST(test_bad_pauses),
        TEST(test_runs_that_a_filter_chooses_are_cancelled),
        TEST(test_runs_that_a_filter_chooses_are_replayed),
        TEST(test_bad_filters_of_runs),
        TEST(test_the_tasks_of_a_run_are_listed),
        TEST(test_a_run_of_one_task_has_that),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
