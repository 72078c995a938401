#include "engine/durable_events.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/durable_log.h"
#include "model/expression.h"
#include "model/metadata.h"

cleat_status cleat__durable_check_expression(cleat_slice expression)
{
    return expression.size == 0 ? CLEAT_OK : cleat__expression_check(expression);
}

/* One event, and what the last expression said of it: those who wait for one key often ask the same. */
typedef struct looking {
    const cleat__event_row *event;
    char *expression; /* owned; NULL: none yet */
    bool is_true;
} looking;

static cleat_status evaluate(const cleat__event_row *event, cleat_slice text, bool *out)
{
    const cleat__expression_variables variables = {.input = event->payload, .output = event->payload};
    cleat__expression *expression = NULL;
    *out = false;
    cleat_status status = cleat__expression_compile(text, &expression);
    if (status == CLEAT_OK) {
        status = cleat__expression_test(expression, &variables, out);
        cleat__expression_free(expression);
    }
    /* What has no value for this event, say for want of a member, is not true of it. */
    *out = *out && status == CLEAT_OK;
    return status == CLEAT_NO_MEMORY ? status : CLEAT_OK;
}

static cleat_status ask(looking *state, cleat_slice text, bool *out)
{
    if (state->expression != NULL && cleat_slice_equals(cleat_slice_of(state->expression), text)) {
        *out = state->is_true;
        return CLEAT_OK;
    }
    cleat__free(state->expression);
    state->expression = cleat__slice_dup(text); /* NULL: it is evaluated again */
    cleat_status status = evaluate(state->event, text, out);
    state->is_true = *out;
    return status;
}

/* An event without a scope is of none; a condition without one is met by any. */
static cleat_status look(looking *state, cleat_slice scope, cleat_slice expression, bool *is_met)
{
    *is_met = scope.size == 0 || cleat_slice_equals(scope, state->event->scope);
    return *is_met && expression.size != 0 ? ask(state, expression, is_met) : CLEAT_OK;
}

/* ---- What happens now ---- */

static cleat_status offer(cleat__core *core, cleat__pending_condition *condition, looking *state)
{
    const cleat__pending *pending = cleat__pending_of(condition);
    cleat__condition_row row;
    bool is_met = false;
    cleat_status status = cleat__condition_get(core->store, &pending->durable->run.id,
                                               cleat__pending_node(pending), condition->number, &row);
    if (status == CLEAT_EMPTY) {
        status = cleat__fail(CLEAT_CORRUPT, "what a run waits for is missing");
    }
    if (status == CLEAT_OK) {
        status = look(state, row.scope, row.expression, &is_met);
    }
    status = cleat__core_check(core, status);
    return is_met ? cleat__durable_meet(core, condition, state->event->payload, &is_met) : status;
}

cleat_status cleat__durable_match_event(cleat__core *core, const cleat__event_row *event)
{
    cleat__pendings *pendings = &core->durables.pendings;
    cleat__pending_topic *topic = cleat__pendings_topic(pendings, event->tenant, event->key);
    cleat__buffer carrier = {0};
    looking state = {.event = event};
    if (topic == NULL) {
        return CLEAT_OK;
    }
    cleat__metadata_carrier(event->metadata, &carrier);
    cleat_status status = cleat__core_check(core, carrier.failed ? cleat__fail_memory() : CLEAT_OK);
    core->durables.carrier = carrier.size != 0 ? cleat__buffer_slice(&carrier) : (cleat_slice){NULL, 0};
    cleat__pending_condition *condition;
    cleat__pending_topic_begin(topic);
    while ((condition = cleat__pending_topic_next(pendings, topic)) != NULL && status == CLEAT_OK) {
        status = offer(core, condition, &state);
    }
    core->durables.carrier = (cleat_slice){NULL, 0};
    cleat__buffer_deinit(&carrier);
    cleat__free(state.expression);
    return status;
}

/* ---- What has happened ---- */

typedef struct searching {
    const cleat__condition *condition;
    cleat__buffer *payload;
    bool is_found;
    cleat_status status;
} searching;

static bool visit(void *argument, const cleat__event_row *event)
{
    searching *state = argument;
    looking at = {.event = event};
    state->status = look(&at, state->condition->scope, state->condition->expression, &state->is_found);
    cleat__free(at.expression);
    if (state->is_found) {
        cleat__buffer_append_slice(state->payload, event->payload);
    }
    return state->status == CLEAT_OK && !state->is_found;
}

cleat_status cleat__durable_find_event(cleat__core *core, int64_t tenant, const cleat__condition *condition,
                                       cleat__buffer *payload)
{
    searching state = {.condition = condition, .payload = payload};
    if (condition->since_ms <= 0 || condition->scope.size == 0) {
        return CLEAT_EMPTY;
    }
    cleat_status status =
        cleat__event_list_since(core->store, tenant, condition->key, condition->since_ms, visit, &state);
    if (status == CLEAT_OK) {
        status = payload->failed ? cleat__fail_memory() : state.status;
    }
    return status == CLEAT_OK && !state.is_found ? CLEAT_EMPTY : status;
}
