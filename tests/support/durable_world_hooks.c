#include "support/durable_world.h"

#include <stdlib.h>

static void write_token(char *text, size_t size, size_t run)
{
    snprintf(text, size, "hook-%zu", run);
}

void dw_ask_hook(dw_world *it, dw_invocation *by)
{
    dw_slip *made = dw_new_request(it, by, CLEAT__DURABLE_CREATE_HOOK);
    write_token(made->key, sizeof(made->key), dw_index_of(it, by->of));
    made->requests[0].as.create_hook.token = cleat_slice_of(made->key);
    dw_apply(it, made);
}

cleat__condition dw_hook_of(const dw_world *it, const dw_invocation *by, dw_slip *made)
{
    write_token(made->key, sizeof(made->key), dw_index_of(it, by->of));
    return (cleat__condition){.kind = CLEAT__CONDITION_HOOK,
                              .data_key = cleat_slice_of("h"),
                              .group = cleat_slice_of("either"),
                              .key = cleat_slice_of(made->key)};
}

void dw_resume(dw_world *it, size_t run)
{
    dw_plan *of = &it->plans[run];
    if (of->sent + 1 == PAYLOADS) {
        return;
    }
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_RESUME_HOOK);
    write_token(made->key, sizeof(made->key), run);
    snprintf(made->text, sizeof(made->text), "{\"payload\":%zu}", ++of->sent);
    made->of = of;
    made->command.as.resume_hook.token = cleat_slice_of(made->key);
    made->command.as.resume_hook.payload = cleat_slice_of(made->text);
    made->command.as.resume_hook.run_id = &made->id;
    dw_apply(it, made);
}

static size_t number_in(const char *payload)
{
    const char *found = payload != NULL ? strstr(payload, "\"payload\":") : NULL;
    return found != NULL ? (size_t)strtoul(found + strlen("\"payload\":"), NULL, 10) : 0;
}

void dw_answered_resume(dw_world *it, const dw_slip *said)
{
    cleat_status status = said->command.status;
    DW_CHECK(it, status == CLEAT_OK || status == CLEAT_NOT_FOUND || status == CLEAT_FAILED_PRECONDITION,
             "a payload: %s", cleat_status_name(status));
    said->of->is_taken[number_in(said->text)] = status == CLEAT_OK;
    DW_CHECK(it, status != CLEAT_OK || cleat__uuid_equals(&said->id, &said->of->id),
             "a payload went to another run");
}

void dw_learn_payload(dw_world *it, dw_fact *known, const char *payload)
{
    size_t number = number_in(payload);
    DW_CHECK(it, number != 0, "a hook brought %s", payload);
    DW_CHECK(it, known->payload == 0 || known->payload == number, "a hook brought %zu, and brings %zu",
             known->payload, number);
    it->hooked += known->payload == 0;
    known->payload = number;
}

void dw_check_hooks(const dw_world *it)
{
    for (size_t run = 0; run < it->plan_count; run++) {
        const dw_plan *of = &it->plans[run];
        size_t last = 0;
        bool was_stored = of->last_invocation != 0;
        for (size_t op = 0; op < of->op_count && was_stored; op++) {
            size_t number = of->facts[op].payload;
            DW_CHECK(it, of->ops[op].kind != OP_HOOK || number > last, "payload %zu was taken after %zu",
                     number, last);
            for (size_t passed = last + 1; passed < number; passed++) {
                DW_CHECK(it, !of->is_taken[passed], "payload %zu of run %zu was lost", passed, run);
            }
            last = number != 0 ? number : last;
        }
    }
}
