/* A worker that takes the runs of one durable task, long:long. */
#ifndef CLEAT_TESTS_DURABLE_WORKER_H
#define CLEAT_TESTS_DURABLE_WORKER_H

#include "http_fixture.h"

#include "engine/command.h"
#include "engine/engine.h"

static inline cleat__uuid join_durable_worker(cleat__engine *engine, int64_t tenant, cleat__worker_sink sink)
{
    const cleat_slice action = cleat_slice_of("long:long");
    const cleat__workflow_task task = {
        .name = cleat_slice_of("long"),
        .action = action,
        .is_durable = true,
        .policy = {.priority = 1,
                   .backoff_factor = 1,
                   .execution_timeout_ms = 60000,
                   .schedule_timeout_ms = 300000},
    };
    const cleat__workflow workflow = {
        .name = cleat_slice_of("long"),
        .tasks = &task,
        .task_count = 1,
    };
    const cleat__slots slots = {cleat_slice_of("durable"), 10};
    const cleat__worker_spec spec = {.actions = &action, .action_count = 1, .slots = &slots, .slot_count = 1};
    cleat__uuid id;
    const cleat__command join = {
        .kind = CLEAT__COMMAND_WORKER_JOIN, .tenant = tenant, .as.worker_join = {&spec, sink, &id, NULL}};
    assert_int_equal(cleat__engine_put_workflow(engine, tenant, &workflow, NULL), CLEAT_OK);
    assert_int_equal(cleat__engine_ask(engine, &join), CLEAT_OK);
    return id;
}

#endif
