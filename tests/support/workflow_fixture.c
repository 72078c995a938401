#include "support/workflow_suite.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const sdk_target *target;

void workflow_use(const sdk_target *of)
{
    target = of;
}

int workflow_set_up(void **state)
{
    workflow_fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->calls);
    gate_init(&it->steps);
    gate_init(&it->seen);
    gate_init(&it->go);
    assert_ok(target->open(it->dir.database, &it->client));
    *state = it;
    return 0;
}

int workflow_tear_down(void **state)
{
    workflow_fixture *it = *state;
    workflow_stop(it);
    target->close(it->client);
    gate_deinit(&it->calls);
    gate_deinit(&it->steps);
    gate_deinit(&it->seen);
    gate_deinit(&it->go);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static void need_worker(workflow_fixture *it)
{
    if (it->worker == NULL) {
        assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
    }
}

void workflow_add_options(workflow_fixture *it, const cleat_workflow_options *options)
{
    need_worker(it);
    assert_ok(cleat_worker_add_workflow(it->worker, options));
}

void workflow_add(workflow_fixture *it, const char *name, cleat_task_function run)
{
    workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = run, .name = name, .user_data = it));
}

void workflow_add_task(workflow_fixture *it, const char *name, cleat_task_function run)
{
    need_worker(it);
    assert_ok(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = name, .run = run, .user_data = it)));
}

void workflow_start(workflow_fixture *it)
{
    assert_ok(cleat_worker_start(it->worker));
}

void workflow_stop(workflow_fixture *it)
{
    cleat_worker_free(it->worker);
    it->worker = NULL;
}

cleat_run_id workflow_run(workflow_fixture *it, const char *name, const char *input)
{
    cleat_run_id id;
    assert_ok(cleat_client_run_no_wait(it->client, name, input, NULL, &id));
    return id;
}

void workflow_ends(workflow_fixture *it, const cleat_run_id *id, cleat_run_status status, const char *text)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, id, 300000, &result));
    const char *found = result.status == CLEAT_RUN_COMPLETED ? result.output : result.error;
    bool is = result.status == status;
    if (is && text != NULL) {
        is = found != NULL &&
             (status == CLEAT_RUN_COMPLETED ? strcmp(found, text) == 0 : strstr(found, text) != NULL);
    }
    if (!is) {
        fail_msg("the run %s: %s, instead of: %s", cleat_run_status_name(result.status),
                 found != NULL ? found : "(nothing)", text != NULL ? text : "");
    }
    cleat_run_result_deinit(&result);
}

void workflow_runs(workflow_fixture *it, const char *name, const char *input, cleat_run_status status,
                   const char *text)
{
    cleat_run_id id = workflow_run(it, name, input);
    workflow_ends(it, &id, status, text);
}

void workflow_branch(workflow_fixture *it, const cleat_run_id *id, int64_t branch, int64_t node)
{
    workflow_stop(it);
    assert_ok(cleat_workflow_branch(it->client, id, branch, node, NULL));
}
