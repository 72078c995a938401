/* What a program sees of limits, wherever its engine is. */
#ifndef CLEAT_TESTS_SDK_LIMITS_H
#define CLEAT_TESTS_SDK_LIMITS_H

#include "support/sdk_suite.h"

/* Answers what main() shall answer. */
int sdk_limits_run(const sdk_target *target);

#endif
