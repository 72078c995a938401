/* Tasks whose runs come in batches, declared with the public headers, wherever the engine is. */
#ifndef CLEAT_TESTS_BATCH_SUITE_H
#define CLEAT_TESTS_BATCH_SUITE_H

#include "support/sdk_suite.h"

/* Answers what main() shall answer. */
int batch_suite_run(const sdk_target *target);

#endif
