#include "engine/hooks.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/durable_log.h"
#include "model/node.h"
#include "store/load.h"

static bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '~' || c == '-';
}

static cleat_status check_token(cleat_slice token)
{
    if (token.size == 0 || token.size > CLEAT__HOOK_TOKEN_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a hook's token has %zu bytes; it must be 1 .. %d",
                           token.size, CLEAT__HOOK_TOKEN_MAX);
    }
    for (size_t i = 0; i < token.size; i++) {
        if (!is_token_character(token.data[i])) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "a hook's token: character %zu is not allowed; use letters, digits, '.', '_', "
                               "'~' and '-'",
                               i + 1);
        }
    }
    return CLEAT_OK;
}

/* Who has the token, or had it last. CLEAT_EMPTY: nobody ever had it. */
static cleat_status find_owner(cleat__core *core, int64_t tenant, cleat_slice token, cleat__uuid *run_id)
{
    cleat_status status = cleat__hook_get(core->store, tenant, token, run_id);
    return status == CLEAT_EMPTY ? status : cleat__core_check(core, status);
}

cleat_status cleat__hooks_create(cleat__core *core, cleat__durable *durable, cleat_slice token)
{
    int64_t tenant = cleat__durable_tenant(durable);
    cleat__uuid owner;
    cleat_status status = check_token(token);
    if (status == CLEAT_OK) {
        status = find_owner(core, tenant, token, &owner);
    }
    if (status == CLEAT_OK && cleat__uuid_equals(&owner, &durable->run.id)) {
        return CLEAT_OK;
    }
    if (status == CLEAT_OK && cleat__runs_find(&core->runs, &owner) != NULL) {
        char id[37];
        cleat__uuid_format(&owner, id);
        return cleat__fail(CLEAT_ALREADY_EXISTS, "run %s has a hook with the token %.*s...", id,
                           CLEAT_SLICE_ARGS(cleat__hook_shown(token)));
    }
    if (status != CLEAT_OK && status != CLEAT_EMPTY) {
        return status;
    }
    durable->has_hooks = true;
    status = cleat__core_begin(core);
    return status == CLEAT_OK ? cleat__core_check(core, cleat__hook_put(core->store, tenant, token,
                                                                        &durable->run.id, core->now.unix_ms))
                              : status;
}

cleat_status cleat__hooks_check(cleat__core *core, const cleat__durable *durable, cleat_slice token)
{
    cleat__uuid owner;
    cleat_status status = check_token(token);
    if (status == CLEAT_OK) {
        status = find_owner(core, cleat__durable_tenant(durable), token, &owner);
    }
    bool is_another = status == CLEAT_OK && !cleat__uuid_equals(&owner, &durable->run.id);
    return status == CLEAT_EMPTY || is_another
               ? cleat__fail(CLEAT_NOT_FOUND, "the run has no hook with the token %.*s...",
                             CLEAT_SLICE_ARGS(cleat__hook_shown(token)))
               : status;
}

/* ---- Resuming ---- */

/* The first condition of the run that waits for the token; NULL: none does. */
static cleat_status find_waiting(cleat__core *core, cleat__durable *durable, cleat_slice token,
                                 cleat__pending_condition **out)
{
    *out = NULL;
    for (cleat__pending *pending = durable->first; pending != NULL; pending = pending->next) {
        for (size_t i = 0; i < pending->count; i++) {
            cleat__pending_condition *condition = &pending->conditions[i];
            cleat__condition_row row;
            if (condition->kind != CLEAT__PENDING_HOOK || !condition->is_linked) {
                continue;
            }
            cleat_status status = cleat__condition_get(core->store, &durable->run.id,
                                                       cleat__pending_node(pending), condition->number, &row);
            if (cleat__core_check(core, status == CLEAT_EMPTY ? CLEAT_CORRUPT : status) != CLEAT_OK) {
                return cleat__core_failure(core);
            }
            if (cleat_slice_equals(row.key, token)) {
                *out = condition;
                return CLEAT_OK;
            }
        }
    }
    return CLEAT_OK;
}

static cleat_status fail_ended(cleat__core *core, int64_t tenant, const cleat__uuid *run_id,
                               cleat_slice token)
{
    cleat_run_result result;
    cleat_status status = cleat__load_result(core->store, tenant, run_id, &result, NULL);
    if (status == CLEAT_OK) {
        status = cleat__fail(CLEAT_FAILED_PRECONDITION, "the run of the hook %.*s... has ended: %s is %s",
                             CLEAT_SLICE_ARGS(cleat__hook_shown(token)), result.id.text,
                             cleat_run_status_name(result.status));
    } else if (status != CLEAT_NO_MEMORY) {
        status = cleat__core_check(core, status);
    }
    cleat_run_result_deinit(&result);
    return status;
}

/* Nobody waits for it yet. */
static cleat_status keep(cleat__core *core, const cleat__durable *durable, cleat_slice token,
                         cleat_slice payload)
{
    cleat_status status = cleat__hook_push(core->store, &durable->run.id, token, payload);
    if (status == CLEAT_EMPTY) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED,
                           "the hook %.*s... has %d payloads that its run has not looked at",
                           CLEAT_SLICE_ARGS(cleat__hook_shown(token)), CLEAT__HOOK_PAYLOADS_MAX);
    }
    return cleat__core_check(core, status);
}

static cleat_status bring(cleat__core *core, cleat__durable *durable, const cleat__command *command)
{
    cleat_slice token = command->as.resume_hook.token, payload = command->as.resume_hook.payload;
    cleat__pending_condition *condition = NULL;
    bool is_node_met;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = find_waiting(core, durable, token, &condition);
    }
    if (status != CLEAT_OK || condition == NULL) {
        return status == CLEAT_OK ? keep(core, durable, token, payload) : status;
    }
    core->durables.carrier = command->as.resume_hook.carrier;
    status = cleat__durable_meet(core, condition, payload, &is_node_met);
    core->durables.carrier = (cleat_slice){NULL, 0};
    return status;
}

static cleat_status check_resume(const cleat__command *command)
{
    size_t payload = command->as.resume_hook.payload.size, carrier = command->as.resume_hook.carrier.size;
    if (payload == 0 || payload > CLEAT_PAYLOAD_MAX || carrier > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(payload == 0 ? CLEAT_INVALID_ARGUMENT : CLEAT_TOO_LARGE,
                           "a hook's payload has %zu bytes and its carrier %zu; 1 .. %zu are stored", payload,
                           carrier, CLEAT_PAYLOAD_MAX);
    }
    return check_token(command->as.resume_hook.token);
}

/* Of the run, for whoever asked. */
static cleat_status give_metadata(cleat__core *core, const cleat__uuid *run_id, char **out)
{
    cleat__buffer metadata = {0};
    if (out == NULL) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__load_metadata(core->store, run_id, &metadata);
    if (status == CLEAT_OK) {
        cleat__buffer_append_string(&metadata, metadata.size == 0 ? "{}" : "");
        *out = cleat__buffer_take_string(&metadata);
        status = *out != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    cleat__buffer_deinit(&metadata);
    return cleat__core_check_alone(core, status);
}

cleat_status cleat__hooks_resume(cleat__core *core, cleat__command *command)
{
    cleat_slice token = command->as.resume_hook.token;
    cleat__uuid *run_id = command->as.resume_hook.run_id;
    cleat_status status = check_resume(command);
    if (status == CLEAT_OK) {
        status = find_owner(core, command->tenant, token, run_id);
    }
    if (status == CLEAT_EMPTY) {
        return cleat__fail(CLEAT_NOT_FOUND, "there is no hook with the token %.*s...",
                           CLEAT_SLICE_ARGS(cleat__hook_shown(token)));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__run *run = cleat__core_find_run(core, command->tenant, run_id);
    if (run == NULL || !cleat__run_is_durable(run)) {
        return fail_ended(core, command->tenant, run_id, token);
    }
    /* First what may fail alone. */
    status = give_metadata(core, run_id, command->as.resume_hook.metadata);
    return status == CLEAT_OK ? bring(core, cleat__durable_of(run), command) : status;
}
