#include "support/dag_fixture.h"

#include "support/checked_file.h"

#include <stdlib.h>

static void open_all(dag_fixture *it)
{
    assert_ok(it->target->open(it->dir.database, &it->client));
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
}

static void close_all(dag_fixture *it)
{
    cleat_worker_free(it->worker);
    it->target->close(it->client);
    it->worker = NULL;
    it->client = NULL;
}

int dag_set_up(void **state)
{
    dag_fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    it->target = *state;
    temp_dir_make(&it->dir);
    gate_init(&it->seen);
    open_all(it);
    *state = it;
    return 0;
}

int dag_tear_down(void **state)
{
    dag_fixture *it = *state;
    cleat_run_result_deinit(&it->result);
    close_all(it);
    const char *wrong = checked_file(it->dir.database);
    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
    gate_deinit(&it->seen);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

void dag_restart(dag_fixture *it)
{
    close_all(it);
    open_all(it);
}

cleat_status dag_give_input(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(cleat_task_input(task)));
}

cleat_status dag_give_number(cleat_task *task, void *user_data)
{
    return cleat_task_return_format(task, "{\"n\":%d}", *(const int *)user_data);
}

cleat_status dag_give_up(cleat_task *task, void *user_data)
{
    return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "no \"%s\"", (const char *)user_data);
}

void dag_start(dag_fixture *it, const cleat_dag_task *const *tasks)
{
    assert_ok(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks)));
    assert_ok(cleat_worker_start(it->worker));
}

static void assert_ended(const dag_fixture *it, cleat_run_status expected)
{
    if (it->result.status != expected) {
        fail_msg("%s: %s", cleat_run_status_name(it->result.status),
                 it->result.error != NULL ? it->result.error : it->result.output);
    }
}

void dag_run(dag_fixture *it, const char *input, cleat_run_status expected)
{
    cleat_run_result_deinit(&it->result);
    assert_ok(cleat_client_run(it->client, "w", input, NULL, &it->result));
    assert_ended(it, expected);
}

void dag_wait(dag_fixture *it, const cleat_run_id *id, cleat_run_status expected)
{
    cleat_run_result_deinit(&it->result);
    assert_ok(cleat_client_wait(it->client, id, -1, &it->result));
    assert_ended(it, expected);
}

void dag_assert_output(const dag_fixture *it, const char *part)
{
    if (it->result.output == NULL || strstr(it->result.output, part) == NULL) {
        fail_msg("no %s in %s", part, it->result.output != NULL ? it->result.output : "nothing");
    }
}
