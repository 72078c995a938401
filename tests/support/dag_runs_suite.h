/*
 * What becomes of runs of several tasks and of each of their tasks: cancelled, replayed, logged, looked at, with children
 * of their own, and found again by another process, wherever the engine is.
 */
#ifndef CLEAT_TESTS_DAG_RUNS_SUITE_H
#define CLEAT_TESTS_DAG_RUNS_SUITE_H

#include "support/sdk_suite.h"

/* Answers what main() shall answer. */
int dag_runs_suite_run(const sdk_target *target);

#endif
