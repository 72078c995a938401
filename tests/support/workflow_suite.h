/*
 * What workflows do, wherever their engine is. The test of each place runs the same suite over its own way to
 * open a client.
 */
#ifndef CLEAT_TESTS_WORKFLOW_SUITE_H
#define CLEAT_TESTS_WORKFLOW_SUITE_H

#include "support/gate.h"
#include "support/outcome.h"
#include "support/sdk_suite.h"
#include "support/temp_dir.h"

/* A client on a file of its own, a worker, and what workflows and steps of the test have seen. */
typedef struct workflow_fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker; /* NULL until something is added */
    gate calls;           /* of the workflow's function */
    gate steps;           /* of steps */
    gate seen;            /* whatever the test waits for */
    gate go;              /* what the test's tasks wait for */
    int64_t numbers[16];
    char text[1024];
    char token[256];
} workflow_fixture;

/* For cmocka, with the target of the suite that runs. */
int workflow_set_up(void **state);
int workflow_tear_down(void **state);
void workflow_use(const sdk_target *target);

/* Declares on the fixture's worker, which has 4 slots; user_data is the fixture. */
void workflow_add(workflow_fixture *it, const char *name, cleat_task_function run);
void workflow_add_options(workflow_fixture *it, const cleat_workflow_options *options);
void workflow_add_task(workflow_fixture *it, const char *name, cleat_task_function run);
void workflow_start(workflow_fixture *it);
void workflow_stop(workflow_fixture *it);
cleat_run_id workflow_run(workflow_fixture *it, const char *name, const char *input);
/* How it ends; `text` is its output or a part of its error. */
void workflow_ends(workflow_fixture *it, const cleat_run_id *id, cleat_run_status status, const char *text);
void workflow_runs(workflow_fixture *it, const char *name, const char *input, cleat_run_status status,
                   const char *text);

/* Of a run that has ended: what it did from that node on it does anew. Afterwards there is no worker. */
void workflow_branch(workflow_fixture *it, const cleat_run_id *id, int64_t branch, int64_t node);

/* Answers what main() shall answer. */
int workflow_suite_run(const sdk_target *target);
int workflow_waits_run(const sdk_target *target); /* of times, events and hooks */
int workflow_streams_run(const sdk_target *target);
int workflow_chains_run(const sdk_target *target); /* of runs that go on as new ones */

#endif
