/* Durable runs of "long", a workflow of the first tenant. */
#ifndef CLEAT_TESTS_DURABLE_RUNS_H
#define CLEAT_TESTS_DURABLE_RUNS_H

#include "durable_worker.h"
#include "rest_test.h"

static inline cleat__uuid add_durable_worker(rest_world *it)
{
    return join_durable_worker(it->engine, 1, (cleat__worker_sink){NULL, take_nothing, pass_over});
}

static inline cleat_status ask_durable(rest_world *it, const cleat__uuid *run, int32_t invocation_count,
                                       cleat__durable_request *requests, size_t count)
{
    const cleat__command command = {.kind = CLEAT__COMMAND_DURABLE,
                                    .tenant = 1,
                                    .as.durable = {.run_id = *run,
                                                   .invocation_count = invocation_count,
                                                   .requests = requests,
                                                   .count = count,
                                                   .listener = NULL}};
    return cleat__engine_ask(it->engine, &command);
}

/* A memo, and a wait that never ends. */
static inline void record(rest_world *it, const cleat__uuid *run, int32_t invocation_count)
{
    const cleat__condition condition = {
        .kind = CLEAT__CONDITION_EVENT, .data_key = cleat_slice_of("go"), .key = cleat_slice_of("go")};
    cleat__durable_request requests[] = {
        {.kind = CLEAT__DURABLE_MEMO,
         .as.memo = {.key = cleat_slice_of("key"), .payload = cleat_slice_of("1")}},
        {.kind = CLEAT__DURABLE_WAIT_FOR, .as.wait_for = {.conditions = &condition, .count = 1}},
    };
    assert_int_equal(ask_durable(it, run, invocation_count, requests, 2), CLEAT_OK);
    cleat__durable_request_deinit(&requests[0]);
}

static inline void evict(rest_world *it, const cleat__uuid *run, int32_t invocation_count)
{
    cleat__durable_request request = {.kind = CLEAT__DURABLE_EVICT,
                                      .as.evict = {.reason = cleat_slice_of("it waits")}};
    assert_int_equal(ask_durable(it, run, invocation_count, &request, 1), CLEAT_OK);
}

/* In its first invocation, with a worker. */
static inline cleat__uuid begin(rest_world *it)
{
    cleat__uuid run = trigger_run(it, 1, "long");
    wait_until_running(it, &run);
    record(it, &run, 1);
    return run;
}

#endif
