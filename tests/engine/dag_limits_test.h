/* Workflows of several tasks with limits: several runs of them at once, told apart by their ids. */
#ifndef CLEAT_TESTS_DAG_LIMITS_TEST_H
#define CLEAT_TESTS_DAG_LIMITS_TEST_H

#include "engine/dag_test.h"

static inline cleat__concurrency by_key(int32_t max_runs, cleat_concurrency_strategy strategy)
{
    return (cleat__concurrency){
        .expression = cleat_slice_of("input.k"), .max_runs = max_runs, .strategy = strategy};
}

static inline void limit_runs(dag_rig *at, const cleat__concurrency *rules, size_t count)
{
    at->workflow.concurrency = rules;
    at->workflow.concurrency_count = count;
}

static inline void limit_task(cleat__workflow_task *task, const cleat__concurrency *rules, size_t count)
{
    task->concurrency = rules;
    task->concurrency_count = count;
}

/* Declares what was added, for a worker that takes all. */
static inline void declare_all(dag_rig *at)
{
    declare_workflow(at);
    hire_all(at);
}

/* Another run, with the key. */
static inline cleat__uuid start(dag_rig *at, const char *key)
{
    char input[64];
    snprintf(input, sizeof(input), "{\"k\":\"%s\"}", key);
    return trigger_workflow(at, input, NULL);
}

/* The newest attempt of that task of the run; NULL: nobody was given one. */
static inline const told_task *told_of(const cleat__uuid *run, const char *name)
{
    for (size_t i = told.count; i > 0; i--) {
        const told_task *task = &told.tasks[i - 1];
        if (cleat__uuid_equals(&task->run_id, run) && strcmp(task->name, name) == 0) {
            return task;
        }
    }
    return NULL;
}

static inline void end_task(dag_rig *at, const cleat__uuid *run, const char *name, cleat_status status)
{
    const told_task *task = told_of(run, name);
    assert_non_null(task);
    assert_int_equal(
        report(&at->core, &task->id, task->retry_count, status, status == CLEAT_OK ? "{}" : "bad"), CLEAT_OK);
}

static inline void check_tasks(dag_rig *at, const cleat__uuid *run, const char *expected)
{
    at->run = *run;
    assert_string_equal(tasks_of(at), expected);
}

static inline void check_run(dag_rig *at, const cleat__uuid *run, const char *expected)
{
    assert_string_equal(state_of(&at->core, run), expected);
}

#endif
