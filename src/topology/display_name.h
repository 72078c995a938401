/*
 * Short names of workflows and steps for spans (telemetry.md section 6). A machine name is
 * "workflow//./src/jobs/order//processOrder" or "step//..//fn"; on a queue '/' and whatever is neither
 * letter, digit nor '_' has become '-': "workflow----src-jobs-order--processOrder".
 */
#ifndef CLEAT_TOPOLOGY_DISPLAY_NAME_H
#define CLEAT_TOPOLOGY_DISPLAY_NAME_H

#include <cleat/status.h>

/*
 * The innermost function of a machine name, or its module where the function is "default" or "__default"; a part
 * of `name`. In the queue's form the last part without a dash: "process$Order" is there "process-Order", hence "Order".
 * What is no machine name is its own.
 */
cleat_slice cleat__display_name(cleat_slice name);

#endif
