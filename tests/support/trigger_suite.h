/* What starts runs by itself, with the public headers, wherever the engine is: filters of events. */
#ifndef CLEAT_TESTS_TRIGGER_SUITE_H
#define CLEAT_TESTS_TRIGGER_SUITE_H

#include "support/sdk_suite.h"

/* Answers what main() shall answer. */
int trigger_suite_run(const sdk_target *target);

#endif
