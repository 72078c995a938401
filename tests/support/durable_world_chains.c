#include "support/durable_world.h"

#include "model/continued.h"

#include <stdlib.h>

/* What one of them tells the next. */
#define LINK_INPUT "{\"left\":%d,\"fails\":%d}"

void dw_hold_link(dw_held_child *held, const cleat__assignment *assignment)
{
    int left = 0, fails = 0;
    *held = (dw_held_child){
        .is_used = true,
        .id = assignment->task_id,
        .retry_count = assignment->retry_count,
        .invocation = assignment->invocation_count,
        .left = assignment->is_durable ? assignment->task_id.bytes[14] % 3 : 0,
        .fails = dw_child_fails(&assignment->task_id),
    };
    if (sscanf(assignment->input.data, LINK_INPUT, &left, &fails) == 2) {
        held->left = left;
        held->fails = fails != 0;
    }
}

/* A number is said, so that it may be asked again by whatever comes after a crash. */
static void ask_next(dw_world *it, dw_held_child *held)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_DURABLE);
    snprintf(made->text, sizeof(made->text), LINK_INPUT, held->left - 1, held->fails);
    made->items[0] = (cleat__trigger){.workflow = cleat_slice_of("chain"),
                                      .input = cleat_slice_of(made->text),
                                      .child_index = -1,
                                      .child_key = cleat_slice_of(CLEAT__CONTINUED_KEY)};
    made->requests[0].kind = CLEAT__DURABLE_TRIGGER;
    made->requests[0].number = 1;
    made->requests[0].as.trigger.items = made->items;
    made->requests[0].as.trigger.count = 1;
    made->requests[0].as.trigger.ids = made->ids;
    made->requests[0].as.trigger.nodes = made->nodes;
    made->command.as.durable.run_id = held->id;
    made->command.as.durable.invocation_count = held->invocation;
    made->command.as.durable.requests = made->requests;
    made->command.as.durable.count = 1;
    held->asks = true;
    dw_apply(it, made);
}

void dw_walk_child(dw_world *it, dw_held_child *held)
{
    char output[CLEAT__CONTINUED_SIZE] = CHILD_OUTPUT;
    if (held->asks) {
        return;
    }
    if (held->left != 0 && cleat__uuid_is_nil(&held->next)) {
        ask_next(it, held);
        return;
    }
    if (held->left != 0) {
        cleat__continued_format(&held->next, output);
        it->chained++;
    }
    held->is_used = false;
    dw_report_child(it, held, held->left == 0 && held->fails ? CLEAT_NON_RETRYABLE : CLEAT_OK, output);
}

/* Its worker may be lost meanwhile, or another invocation be there. */
void dw_answered_link(dw_world *it, const dw_slip *said)
{
    cleat_status status = said->command.status;
    DW_CHECK(it, status == CLEAT_OK || status == CLEAT_CANCELLED, "a child that goes on: %s",
             said->command.error);
    for (size_t i = 0; i < HELD; i++) {
        dw_held_child *held = &it->held[i];
        if (held->is_used && cleat__uuid_equals(&held->id, &said->command.as.durable.run_id) &&
            held->invocation == said->command.as.durable.invocation_count) {
            held->is_used = status == CLEAT_OK;
            held->asks = false;
            held->next = said->ids[0];
        }
    }
}
