/* Workers of the engine's own process, with slots of the type that every task asks for. */
#ifndef CLEAT_TESTS_JOIN_H
#define CLEAT_TESTS_JOIN_H

#include "engine/command.h"

static inline cleat_status join_engine(cleat__engine *engine, const char *action, int32_t slots,
                                       const cleat__worker_sink *sink, cleat__uuid *id)
{
    const cleat_slice name = cleat_slice_of(action);
    const cleat__slots offered = {cleat_slice_of("default"), slots};
    const cleat__worker_spec spec = {.actions = &name, .action_count = 1, .slots = &offered, .slot_count = 1};
    const cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                                    .kind = CLEAT__COMMAND_WORKER_JOIN,
                                    .as.worker_join = {&spec, *sink, id, NULL}};
    return cleat__engine_ask(engine, &command);
}

#endif
