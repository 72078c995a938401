/*
 * Waits of the older form (engine.md 21.6): known by a key of the worker's instead of their place in a log. In the file
 * and in memory they are waits like others, of a branch that no log has and with a number that is made of the key.
 */
#include "base/error.h"
#include "engine/durable_log.h"

#include <inttypes.h>

/* FNV-1a, in 31 bits. */
static int64_t number_of(cleat_slice key)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ (uint8_t)key.data[i]) * 16777619U;
    }
    return hash & 0x7fffffffU;
}

static cleat_status fail_unknown(const cleat__uuid *run_id)
{
    char id[37];
    cleat__uuid_format(run_id, id);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no durable run %s that has not ended", id);
}

static cleat__durable_request request_of(const cleat__command *command)
{
    return (cleat__durable_request){.kind = CLEAT__DURABLE_WAIT_FOR,
                                    .as.wait_for = {.conditions = command->as.durable_signal.conditions,
                                                    .count = command->as.durable_signal.count}};
}

static cleat_status make(cleat__core *core, cleat__durable *durable, const cleat__command *command,
                         cleat__entry_row *entry)
{
    const cleat__durable_request request = request_of(command);
    cleat__node node = entry->node;
    if (request.as.wait_for.count == 0) {
        return cleat__fail(CLEAT_NOT_FOUND, "the run waits for no signal of that key");
    }
    cleat_status status = cleat__durable_check_wait(core, durable, &request);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    *entry = (cleat__entry_row){
        .node = node,
        .kind = CLEAT__NODE_WAIT_FOR,
        .hash = cleat__node_hash_wait(request.as.wait_for.conditions, request.as.wait_for.count),
        .label = command->as.durable_signal.key,
        .created_at_ms = core->now.unix_ms,
    };
    status = cleat__core_check(core, cleat__entry_insert(core->store, &durable->run.id, entry));
    return status == CLEAT_OK ? cleat__durable_arm(core, durable, node, core->now.unix_ms, &request) : status;
}

/* What is there already is that wait, whatever its conditions are now. */
static cleat_status find_or_make(cleat__core *core, cleat__durable *durable, const cleat__command *command,
                                 cleat__node node)
{
    cleat__entry_row entry;
    cleat_status status = cleat__core_begin(core);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__entry_look(core->store, &durable->run.id, node, &entry);
    if (status == CLEAT_EMPTY) {
        entry = (cleat__entry_row){.node = node};
        return make(core, durable, command, &entry);
    }
    if (status == CLEAT_OK && !cleat_slice_equals(entry.label, command->as.durable_signal.key)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "signal \"%.*s\" looks like another one of the run: give it another key",
                           CLEAT_SLICE_ARGS(command->as.durable_signal.key));
    }
    bool is_armed = status != CLEAT_OK || entry.met_order != 0 || command->as.durable_signal.count == 0 ||
                    cleat__pending_find(durable, node) != NULL;
    if (is_armed) {
        return cleat__core_check(core, status);
    }
    /* The run had ended and was replayed, so that nothing stands for it. */
    const cleat__durable_request request = request_of(command);
    status = cleat__durable_check_wait(core, durable, &request);
    return status == CLEAT_OK ? cleat__durable_arm(core, durable, node, entry.created_at_ms, &request)
                              : status;
}

/* Who listens is told of what has ended. */
static cleat_status listen(cleat__core *core, cleat__durable *durable,
                           const cleat__durable_listener *listener, cleat__node node)
{
    cleat__entry_row entry;
    cleat_status status = cleat__durable_listen(core, durable, listener);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__entry_look(core->store, &durable->run.id, node, &entry));
    }
    return status == CLEAT_OK && entry.met_order != 0 ? cleat__durable_tell(core, durable, node) : status;
}

cleat_status cleat__durable_signal(cleat__core *core, cleat__command *command)
{
    const cleat__uuid *id = &command->as.durable_signal.run_id;
    const cleat__durable_listener *listener = command->as.durable_signal.listener;
    cleat__node node = {CLEAT__BRANCH_OF_SIGNALS, number_of(command->as.durable_signal.key)};
    cleat__run *run = cleat__core_find_run(core, command->tenant, id);
    if (run == NULL || !cleat__run_is_durable(run)) {
        return fail_unknown(id);
    }
    cleat_status status = cleat__durable_know(core, cleat__durable_of(run));
    if (status == CLEAT_OK) {
        status = find_or_make(core, cleat__durable_of(run), command, node);
    }
    if (status == CLEAT_OK && command->as.durable_signal.node != NULL) {
        *command->as.durable_signal.node = node;
    }
    if (status != CLEAT_OK || listener == NULL) {
        return status;
    }
    return run->state == CLEAT_RUN_RUNNING ? listen(core, cleat__durable_of(run), listener, node)
                                           : fail_unknown(id);
}
