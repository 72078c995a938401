/* A workflow "flow" with rules, whose runs go on as new ones. */
#ifndef CLEAT_TESTS_CHAIN_TEST_H
#define CLEAT_TESTS_CHAIN_TEST_H

#include "durable_test.h"

#include "engine/core_parts.h"
#include "model/continued.h"

static inline cleat__concurrency rule_of(const char *expression, int32_t max_runs,
                                         cleat_concurrency_strategy strategy)
{
    return (cleat__concurrency){
        .expression = cleat_slice_of(expression), .max_runs = max_runs, .strategy = strategy};
}

static inline void declare_ruled(rig *at, const cleat__concurrency *rules, size_t count)
{
    cleat__workflow flow = workflow_of("flow:flow", &durable_policy);
    task_of(&flow)->is_durable = true;
    task_of(&flow)->concurrency = rules;
    task_of(&flow)->concurrency_count = count;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &flow, NULL), CLEAT_OK);
}

static inline void declare_one(rig *at, int32_t max_runs, cleat_concurrency_strategy strategy)
{
    const cleat__concurrency rule = rule_of("input.k", max_runs, strategy);
    declare_ruled(at, &rule, 1);
}

static inline cleat__uuid join(rig *at)
{
    cleat__uuid id;
    const cleat_slice action = cleat_slice_of("flow:flow");
    const cleat__slots offered = {cleat_slice_of("durable"), 100};
    const cleat__worker_spec spec = {
        .actions = &action, .action_count = 1, .slots = &offered, .slot_count = 1};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_JOIN,
                              .as.worker_join = {&spec, {&at->ears, hear_assign, hear_cancel}, &id, NULL}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return id;
}

/* A child of the workflow's own kind, with the key (NULL: none). */
static inline cleat_status ask_flow(rig *at, const cleat__uuid *run, int invocation, const char *input,
                                    const char *key, cleat__uuid *id)
{
    cleat__node node;
    cleat__trigger item = {.workflow = cleat_slice_of("flow"),
                           .input = cleat_slice_of(input),
                           .child_index = -1,
                           .child_key = cleat_slice_of(key)};
    cleat__durable_request request = {.kind = CLEAT__DURABLE_TRIGGER};
    request.as.trigger.items = &item;
    request.as.trigger.count = 1;
    request.as.trigger.ids = id;
    request.as.trigger.nodes = &node;
    return ask_durable(at, run, invocation, &request);
}

/* The run that it is to go on as. */
static inline cleat__uuid begin_next(rig *at, const cleat__uuid *run, int invocation, const char *input)
{
    cleat__uuid id;
    assert_int_equal(ask_flow(at, run, invocation, input, CLEAT__CONTINUED_KEY, &id), CLEAT_OK);
    return id;
}

static inline void end_as(rig *at, const cleat__uuid *run, int invocation, const cleat__uuid *next)
{
    char output[CLEAT__CONTINUED_SIZE];
    cleat__continued_format(next, output);
    assert_int_equal(end_run(at, run, invocation, CLEAT_OK, output), CLEAT_OK);
}

static inline cleat__uuid go_on(rig *at, const cleat__uuid *run, int invocation, const char *input)
{
    cleat__uuid next = begin_next(at, run, invocation, input);
    end_as(at, run, invocation, &next);
    return next;
}

#endif
