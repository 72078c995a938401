/* A client and a worker for workflows of several tasks, wherever the engine is. */
#ifndef CLEAT_TESTS_DAG_FIXTURE_H
#define CLEAT_TESTS_DAG_FIXTURE_H

#include "support/gate.h"
#include "support/outcome.h"
#include "support/sdk_suite.h"
#include "support/temp_dir.h"

typedef struct dag_fixture {
    const sdk_target *target;
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker; /* with 4 slots */
    cleat_run_result result;
    gate seen;       /* a task has run */
    char text[1024]; /* what the last one was told, before `seen` */
} dag_fixture;

/* For cmocka, whose *state is the target before. At the end the file is as `cleat check` wants it. */
int dag_set_up(void **state);
int dag_tear_down(void **state);
/* The engine ends and starts again with the same file; the worker is a new one, which has not started. */
void dag_restart(dag_fixture *it);

/* Tasks: they return their input, {"n":*(const int *)user_data}, or fail for good with `no "user_data"`. */
cleat_status dag_give_input(cleat_task *task, void *user_data);
cleat_status dag_give_number(cleat_task *task, void *user_data);
cleat_status dag_give_up(cleat_task *task, void *user_data);

/* These (the list ends with NULL) are the workflow "w" of the worker, which starts. */
void dag_start(dag_fixture *it, const cleat_dag_task *const *tasks);
/* Runs "w" to its end, which is as expected. */
void dag_run(dag_fixture *it, const char *input, cleat_run_status expected);
/* The same of a run that was started. */
void dag_wait(dag_fixture *it, const cleat_run_id *id, cleat_run_status expected);
/* The output of the last run has this in it. */
void dag_assert_output(const dag_fixture *it, const char *part);

#endif
