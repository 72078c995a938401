#include "engine/durable_events.h"

#include "base/error.h"
#include "engine/durable_log.h"
#include "model/metadata.h"

cleat_status cleat__durable_check_expression(cleat_slice expression)
{
    return expression.size == 0
               ? CLEAT_OK
               : cleat__fail(CLEAT_UNSUPPORTED, "expressions over events are not supported: \"%.*s\"",
                             expression.size < 100 ? (int)expression.size : 100, expression.data);
}

/* An event without a scope is of none; a condition without one is met by any. */
static bool is_of_scope(cleat_slice wanted, cleat_slice scope)
{
    return wanted.size == 0 || cleat_slice_equals(wanted, scope);
}

static bool meets(cleat_slice scope, cleat_slice expression, const cleat__event_row *event)
{
    return is_of_scope(scope, event->scope) && expression.size == 0;
}

/* ---- What happens now ---- */

static cleat_status offer(cleat__core *core, cleat__pending_condition *condition,
                          const cleat__event_row *event)
{
    const cleat__pending *pending = cleat__pending_of(condition);
    cleat__condition_row row;
    bool is_node_met;
    cleat_status status = cleat__condition_get(core->store, &pending->durable->run.id,
                                               cleat__pending_node(pending), condition->number, &row);
    if (status == CLEAT_EMPTY) {
        status = cleat__fail(CLEAT_CORRUPT, "what a run waits for is missing");
    }
    if (cleat__core_check(core, status) != CLEAT_OK || !meets(row.scope, row.expression, event)) {
        return status;
    }
    return cleat__durable_meet(core, condition, event->payload, &is_node_met);
}

cleat_status cleat__durable_match_event(cleat__core *core, const cleat__event_row *event)
{
    cleat__pendings *pendings = &core->durables.pendings;
    cleat__pending_topic *topic = cleat__pendings_topic(pendings, event->tenant, event->key);
    cleat__buffer carrier = {0};
    if (topic == NULL) {
        return CLEAT_OK;
    }
    cleat__metadata_carrier(event->metadata, &carrier);
    cleat_status status = cleat__core_check(core, carrier.failed ? cleat__fail_memory() : CLEAT_OK);
    core->durables.carrier = carrier.size != 0 ? cleat__buffer_slice(&carrier) : (cleat_slice){NULL, 0};
    cleat__pending_condition *condition;
    cleat__pending_topic_begin(topic);
    while ((condition = cleat__pending_topic_next(pendings, topic)) != NULL && status == CLEAT_OK) {
        status = offer(core, condition, event);
    }
    core->durables.carrier = (cleat_slice){NULL, 0};
    cleat__buffer_deinit(&carrier);
    return status;
}

/* ---- What has happened ---- */

typedef struct looking {
    const cleat__condition *condition;
    cleat__buffer *payload;
    bool is_found;
} looking;

static bool look(void *argument, const cleat__event_row *event)
{
    looking *state = argument;
    state->is_found = meets(state->condition->scope, state->condition->expression, event);
    if (state->is_found) {
        cleat__buffer_append_slice(state->payload, event->payload);
    }
    return !state->is_found;
}

cleat_status cleat__durable_find_event(cleat__core *core, int64_t tenant, const cleat__condition *condition,
                                       cleat__buffer *payload)
{
    looking state = {.condition = condition, .payload = payload};
    if (condition->since_ms <= 0 || condition->scope.size == 0) {
        return CLEAT_EMPTY;
    }
    cleat_status status =
        cleat__event_list_since(core->store, tenant, condition->key, condition->since_ms, look, &state);
    if (status == CLEAT_OK && payload->failed) {
        status = cleat__fail_memory();
    }
    return status == CLEAT_OK && !state.is_found ? CLEAT_EMPTY : status;
}
