/* What a program sees of what is there: lists and figures, wherever its engine is: see sdk_suite.h. */
#ifndef CLEAT_TESTS_LISTS_SUITE_H
#define CLEAT_TESTS_LISTS_SUITE_H

#include "support/sdk_suite.h"

/* Answers what main() shall answer. */
int lists_suite_run(const sdk_target *target);

#endif
