/* What a program does with runs and workflows that are there: pausing, and what happens to many. Wherever its engine is: see sdk_suite.h. */
#ifndef CLEAT_TESTS_CONTROL_SUITE_H
#define CLEAT_TESTS_CONTROL_SUITE_H

#include "support/sdk_suite.h"

/* Answers what main() shall answer. */
int control_suite_run(const sdk_target *target);

#endif
