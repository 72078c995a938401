/* Durable tasks of workflows of several, wherever the engine is. */
#ifndef CLEAT_TESTS_DAG_DURABLE_SUITE_H
#define CLEAT_TESTS_DAG_DURABLE_SUITE_H

#include "support/sdk_suite.h"

/* Answers what main() shall answer. */
int dag_durable_suite_run(const sdk_target *target);

#endif
