#include "support/dag_runs_suite.h"

#include "base/uuid.h"
#include "support/dag_fixture.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>

static const char *const after_first[] = {"first", NULL}, *const after_second[] = {"second", NULL};

/* What a task does, and has done. */
typedef struct part {
    gate begun; /* an attempt, whose id is there */
    gate heard; /* it was cancelled */
    gate go_on; /* what an attempt waits for, as often as one has begun, if `waits` */
    bool waits, is_retryable;
    atomic_int failures; /* that are left */
    cleat_run_id id;
} part;

static part first, second, third;
static part *const parts[] = {&first, &second, &third};
enum { PARTS = 3 };

static int set_up(void **state)
{
    for (size_t i = 0; i < PARTS; i++) {
        *parts[i] = (part){.failures = 0};
        gate_init(&parts[i]->begun);
        gate_init(&parts[i]->heard);
        gate_init(&parts[i]->go_on);
    }
    return dag_set_up(state);
}

static int tear_down(void **state)
{
    int result = dag_tear_down(state);
    for (size_t i = 0; i < PARTS; i++) {
        gate_deinit(&parts[i]->begun);
        gate_deinit(&parts[i]->heard);
        gate_deinit(&parts[i]->go_on);
    }
    return result;
}

static void hear(void *user_data)
{
    part *it = user_data;
    gate_add(&it->heard);
    gate_add(&it->go_on);
}

/* How often it has by now. */
static int begin(part *it, cleat_task *task)
{
    it->id = cleat_task_run_id(task);
    int count = gate_add(&it->begun);
    if (it->waits) {
        cleat_task_on_cancel(task, hear, it);
        gate_wait(&it->go_on, count);
    }
    return count;
}

static cleat_status play(cleat_task *task, void *user_data)
{
    part *it = user_data;
    int count = begin(it, task);
    if (atomic_load(&it->failures) > 0) {
        atomic_fetch_sub(&it->failures, 1);
        return cleat_task_fail(task, it->is_retryable ? CLEAT_FAILED : CLEAT_NON_RETRYABLE, "time %d", count);
    }
    return cleat_task_return_format(task, "{\"time\":%d,\"retry\":%d}", count, cleat_task_retry_count(task));
}

/* With what its parent "first" has made. */
static cleat_status tell_first(cleat_task *task, void *user_data)
{
    cleat_slice made = cleat_slice_of("none");
    begin(user_data, task);
    (void)cleat_task_parent_output(task, "first", &made);
    return cleat_task_return_format(task, "{\"first\":%.*s}", CLEAT_SLICE_ARGS(made));
}

static cleat_run_id start_run(dag_fixture *it)
{
    cleat_run_id id;
    assert_ok(cleat_client_run_no_wait(it->client, "w", "{\"in\":1}", NULL, &id));
    return id;
}

/* One after the other. */
static void start_three(dag_fixture *it)
{
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = play, .user_data = &first),
        CLEAT_DAG_TASK(.name = "second", .run = play, .user_data = &second, .parents = after_first,
                       .retries = 1),
        CLEAT_DAG_TASK(.name = "third", .run = play, .user_data = &third, .parents = after_second), NULL};
    dag_start(it, tasks);
}

/* So many attempts of each. */
static void assert_begun(int of_first, int of_second, int of_third)
{
    const int expected[] = {of_first, of_second, of_third};
    for (size_t i = 0; i < PARTS; i++) {
        assert_int_equal(gate_count(&parts[i]->begun), expected[i]);
    }
}

/* ---- Cancelling ---- */

static void test_a_run_is_cancelled_with_all_its_tasks(void **state)
{
    dag_fixture *it = *state;
    first.waits = true;
    start_three(it);
    const cleat_run_id id = start_run(it);
    gate_wait(&first.begun, 1);
    assert_ok(cleat_client_cancel(it->client, &id));
    gate_wait(&first.heard, 1);
    dag_wait(it, &id, CLEAT_RUN_CANCELLED);
    assert_begun(1, 0, 0);
    assert_refused(cleat_client_cancel(it->client, &id), CLEAT_FAILED_PRECONDITION, "ended already");
}

static void test_a_task_is_cancelled_with_those_behind_it(void **state)
{
    dag_fixture *it = *state;
    first.waits = third.waits = true;
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = play, .user_data = &first),
        CLEAT_DAG_TASK(.name = "second", .run = play, .user_data = &second, .parents = after_first),
        CLEAT_DAG_TASK(.name = "third", .run = play, .user_data = &third), NULL};
    dag_start(it, tasks);
    const cleat_run_id id = start_run(it);
    gate_wait(&first.begun, 1);
    gate_wait(&third.begun, 1);
    assert_ok(cleat_client_cancel(it->client, &first.id));
    gate_wait(&first.heard, 1);
    dag_wait(it, &first.id, CLEAT_RUN_CANCELLED);
    gate_add(&third.go_on); /* which the run waits for */
    dag_wait(it, &id, CLEAT_RUN_CANCELLED);
    dag_wait(it, &third.id, CLEAT_RUN_COMPLETED);
    assert_int_equal(gate_count(&third.heard), 0);
    assert_begun(1, 0, 1);
}

/* ---- Replaying ---- */

static void test_a_run_is_replayed_with_all_its_tasks(void **state)
{
    dag_fixture *it = *state;
    atomic_store(&second.failures, 1);
    start_three(it);
    const cleat_run_id id = start_run(it);
    dag_wait(it, &id, CLEAT_RUN_FAILED);
    assert_string_equal(it->result.error, "time 1");
    assert_begun(1, 1, 0);
    assert_ok(cleat_client_replay(it->client, &id));
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    assert_begun(2, 2, 1);
    dag_assert_output(it, "\"second\":{\"time\":2,\"retry\":1}");
}

static void test_a_task_is_replayed_with_those_behind_it(void **state)
{
    dag_fixture *it = *state;
    start_three(it);
    const cleat_run_id id = start_run(it);
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    const cleat_run_id of_second = second.id;
    assert_ok(cleat_client_replay(it->client, &of_second));
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    assert_begun(1, 2, 2);
    assert_string_equal(second.id.text, of_second.text);
    dag_assert_output(it, "\"first\":{\"time\":1,");
    dag_assert_output(it, "\"third\":{\"time\":2,");
}

static void test_what_has_not_ended_is_not_replayed(void **state)
{
    dag_fixture *it = *state;
    second.waits = true;
    start_three(it);
    const cleat_run_id id = start_run(it);
    gate_wait(&second.begun, 1);
    assert_int_equal(cleat_client_replay(it->client, &id), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_client_replay(it->client, &second.id), CLEAT_FAILED_PRECONDITION);
    gate_add(&second.go_on);
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    assert_begun(1, 1, 1);
}

/* ---- Another process ---- */

/* The second attempt is for a worker of the next one. */
static void test_a_task_is_retried_after_a_restart(void **state)
{
    dag_fixture *it = *state;
    second.waits = second.is_retryable = true;
    atomic_store(&second.failures, 1);
    start_three(it);
    const cleat_run_id id = start_run(it);
    gate_wait(&second.begun, 1);
    assert_int_equal(cleat_worker_stop(it->worker, 0), CLEAT_TIMEOUT); /* it takes nothing more */
    gate_add(&second.go_on);
    assert_ok(cleat_worker_stop(it->worker, -1));
    assert_begun(1, 1, 0);
    dag_restart(it);
    gate_add(&second.go_on);
    start_three(it);
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    assert_begun(1, 2, 1);
    dag_assert_output(it, "\"first\":{\"time\":1,");
    dag_assert_output(it, "\"second\":{\"time\":2,\"retry\":1}");
}

static void test_what_has_failed_is_replayed_after_a_restart(void **state)
{
    dag_fixture *it = *state;
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = play, .user_data = &first),
        CLEAT_DAG_TASK(.name = "second", .run = play, .user_data = &second, .parents = after_first),
        CLEAT_DAG_TASK(.name = "third", .run = tell_first, .user_data = &third, .parents = after_first),
        NULL};
    atomic_store(&second.failures, 1);
    dag_start(it, tasks);
    const cleat_run_id id = start_run(it);
    dag_wait(it, &id, CLEAT_RUN_FAILED);
    assert_begun(1, 1, 1);
    dag_restart(it);
    assert_ok(cleat_client_replay(it->client, &second.id));
    dag_start(it, tasks);
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"second\":{\"time\":2,");
    assert_begun(1, 2, 1);
    dag_restart(it);
    assert_ok(cleat_client_replay(it->client, &third.id)); /* its parent was two processes ago */
    dag_start(it, tasks);
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"third\":{\"first\":{\"time\":1,\"retry\":0}}");
    assert_begun(1, 2, 2);
}

/* ---- Children ---- */

static cleat_status spawn_child(cleat_task *task, void *user_data)
{
    part *it = user_data;
    cleat_run_id id;
    begin(it, task);
    cleat_status status = cleat_task_spawn(task, "child", NULL, NULL, &id);
    if (status == CLEAT_OK && atomic_load(&it->failures) > 0) {
        atomic_fetch_sub(&it->failures, 1);
        return cleat_task_fail(task, CLEAT_FAILED, "once");
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "{\"child\":\"%s\"}", id.text)
                              : cleat_task_fail(task, status, "%s", cleat_error_message());
}

static cleat_status tell_parent(cleat_task *task, void *user_data)
{
    cleat_run_id parent;
    begin(user_data, task);
    return cleat_task_return_format(task, "{\"parent\":\"%s\",\"index\":%lld}",
                                    cleat_task_parent_run_id(task, &parent) ? parent.text : "nobody",
                                    (long long)cleat_task_child_index(task));
}

/* The parent is the task, and what it starts again in its second attempt is the same. */
static void test_a_task_has_children(void **state)
{
    dag_fixture *it = *state;
    char expected[64];
    atomic_store(&second.failures, 1);
    const cleat_dag_task *const tasks[] = {CLEAT_DAG_TASK(.name = "first", .run = play, .user_data = &first),
                                           CLEAT_DAG_TASK(.name = "second", .run = spawn_child,
                                                          .user_data = &second, .parents = after_first,
                                                          .retries = 1),
                                           NULL};
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "child", .run = tell_parent, .user_data = &third)));
    dag_start(it, tasks);
    dag_run(it, NULL, CLEAT_RUN_COMPLETED);
    gate_wait(&third.begun, 1);
    assert_begun(1, 2, 1);
    (void)snprintf(expected, sizeof(expected), "\"second\":{\"child\":\"%s\"}", third.id.text);
    dag_assert_output(it, expected);
    dag_wait(it, &third.id, CLEAT_RUN_COMPLETED);
    (void)snprintf(expected, sizeof(expected), "{\"parent\":\"%s\",\"index\":0}", second.id.text);
    assert_string_equal(it->result.output, expected);
}

/* ---- What it says meanwhile ---- */

static cleat_status put(cleat_task *task, int number)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%s %d", cleat_task_name(task), number);
    return cleat_task_put_stream(task, cleat_slice_of(text));
}

static cleat_status speak(cleat_task *task, void *user_data)
{
    begin(user_data, task);
    cleat_status status = put(task, 1);
    return status == CLEAT_OK ? put(task, 2) : status;
}

/* All that comes, to the end. */
static void assert_heard(cleat_stream *stream, const char *expected)
{
    char text[256] = "";
    size_t size = 0;
    cleat_slice chunk;
    cleat_status status = cleat_stream_next(stream, -1, &chunk);
    while (status == CLEAT_OK && size + chunk.size + 2 < sizeof(text)) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s;", CLEAT_SLICE_ARGS(chunk));
        status = cleat_stream_next(stream, -1, &chunk);
    }
    assert_int_equal(status, CLEAT_EMPTY);
    assert_string_equal(text, expected);
}

static void test_a_run_is_looked_at_and_so_is_a_task(void **state)
{
    dag_fixture *it = *state;
    cleat_stream *of_run = NULL, *of_first = NULL, *of_second = NULL;
    first.waits = second.waits = true;
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = speak, .user_data = &first),
        CLEAT_DAG_TASK(.name = "second", .run = speak, .user_data = &second, .parents = after_first), NULL};
    dag_start(it, tasks);
    const cleat_run_id id = start_run(it);
    gate_wait(&first.begun, 1);
    assert_ok(cleat_client_stream(it->client, &id, &of_run));
    assert_ok(cleat_client_stream(it->client, &first.id, &of_first));
    gate_add(&first.go_on);
    assert_heard(of_first, "w:first 1;w:first 2;");
    gate_wait(&second.begun, 1);
    assert_ok(cleat_client_stream(it->client, &second.id, &of_second));
    gate_add(&second.go_on);
    assert_heard(of_second, "w:second 1;w:second 2;");
    assert_heard(of_run, "w:first 1;w:first 2;w:second 1;w:second 2;");
    cleat_stream_free(of_run);
    cleat_stream_free(of_first);
    cleat_stream_free(of_second);
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
}

static cleat_status write_log(cleat_task *task, void *user_data)
{
    begin(user_data, task);
    cleat_status status = cleat_task_log(task, CLEAT_LOG_WARN, "of %s", cleat_task_name(task));
    return status == CLEAT_OK ? cleat_task_log_metadata(task, CLEAT_LOG_INFO, "{\"k\":1}", "more") : status;
}

/* The lines of a task in the file, in their order. */
static void assert_logged(const dag_fixture *it, const cleat_run_id *id, const char *expected)
{
    sqlite3 *file = NULL;
    sqlite3_stmt *select = NULL;
    cleat__uuid task;
    char text[128] = "";
    size_t size = 0;
    assert_int_equal(sqlite3_open_v2(it->dir.database, &file, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    static const char query[] =
        "SELECT l.message, l.metadata FROM task_log l WHERE l.task_id = ? ORDER BY l.line";
    assert_int_equal(sqlite3_prepare_v2(file, query, -1, &select, NULL), SQLITE_OK);
    assert_ok(cleat__uuid_parse(cleat_slice_of(id->text), &task));
    sqlite3_bind_blob(select, 1, task.bytes, sizeof(task), SQLITE_STATIC);
    while (sqlite3_step(select) == SQLITE_ROW) {
        const void *metadata = sqlite3_column_text(select, 1);
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s %s;",
                                 (const char *)sqlite3_column_text(select, 0),
                                 metadata != NULL ? (const char *)metadata : "-");
    }
    sqlite3_finalize(select);
    sqlite3_close(file);
    assert_string_equal(text, expected);
}

static void test_lines_are_those_of_the_task(void **state)
{
    dag_fixture *it = *state;
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = write_log, .user_data = &first),
        CLEAT_DAG_TASK(.name = "second", .run = write_log, .user_data = &second, .parents = after_first),
        NULL};
    dag_start(it, tasks);
    dag_run(it, NULL, CLEAT_RUN_COMPLETED);
    const cleat_run_id id = it->result.id;
    dag_restart(it); /* all is on disk */
    assert_logged(it, &first.id, "of w:first -;more {\"k\":1};");
    assert_logged(it, &second.id, "of w:second -;more {\"k\":1};");
    assert_logged(it, &id, "");
}

int dag_runs_suite_run(const sdk_target *target)
{
#define TEST(function) \
    cmocka_unit_test_prestate_setup_teardown(function, set_up, tear_down, (void *)(uintptr_t)target)
    const struct CMUnitTest tests[] = {
        TEST(test_a_run_is_cancelled_with_all_its_tasks),
        TEST(test_a_task_is_cancelled_with_those_behind_it),
        TEST(test_a_run_is_replayed_with_all_its_tasks),
        TEST(test_a_task_is_replayed_with_those_behind_it),
        TEST(test_what_has_not_ended_is_not_replayed),
        TEST(test_a_task_is_retried_after_a_restart),
        TEST(test_what_has_failed_is_replayed_after_a_restart),
        TEST(test_a_task_has_children),
        TEST(test_a_run_is_looked_at_and_so_is_a_task),
        TEST(test_lines_are_those_of_the_task),
    };
#undef TEST
    return cmocka_run_group_tests_name(target->name, tests, NULL, NULL);
}
