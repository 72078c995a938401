#include "engine/durable_events.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "engine/durable_log.h"
#include "model/expression.h"
#include "model/metadata.h"
#include "model/node.h"

#include <stdlib.h>

cleat_status cleat__durable_check_expression(cleat_slice expression)
{
    return expression.size == 0 ? CLEAT_OK
                                : cleat__expression_check_for(expression, CLEAT__EXPRESSION_CONDITION);
}

/* An event, and the last expression that was asked of it: those who wait for one key often ask the same. */
typedef struct looking {
    cleat__durables *all;
    const cleat__event_row *event;
    cleat__expression_parsed parsed; /* of the event: once for all who look at it */
    char *text;                      /* of the expression, owned; NULL: it is not known */
    cleat__expression *expression;   /* owned; NULL: it does not compile */
    bool is_judged, is_true;         /* what it says of the event */
} looking;

static void forget_expression(looking *state)
{
    cleat__expression_free(state->expression);
    cleat__free(state->text);
    state->expression = NULL;
    state->text = NULL;
    state->is_judged = false;
}

static void look_at(looking *state, const cleat__event_row *event)
{
    cleat__expression_parsed_deinit(&state->parsed);
    state->event = event;
    state->is_judged = false;
}

static void end_looking(looking *state)
{
    cleat__expression_parsed_deinit(&state->parsed);
    forget_expression(state);
}

/* Once for each, as far as is remembered: a wrong member would look as if no event came. */
static void warn(const looking *state)
{
    enum { SHOWN_MAX = 200 };
    static cleat__log_site site;
    cleat_slice text = cleat_slice_of(state->text), key = state->event->key;
    uint64_t hash = (uint64_t)cleat__node_hash_memo(key) * 31 + (uint64_t)cleat__node_hash_memo(text);
    uint64_t *known = &state->all->warned_of[hash % CLEAT__DURABLES_WARNED];
    if (*known == hash) {
        return;
    }
    bool is_cut = text.size > SHOWN_MAX;
    text.size = is_cut ? cleat__utf8_valid_prefix(text.data, SHOWN_MAX) : text.size;
    if (cleat__log_limited(&site, CLEAT_LOG_WARN,
                           "an event \"%.*s\" counts as no match for who waits for it with \"%.*s%s\": %s",
                           CLEAT_SLICE_ARGS(key), CLEAT_SLICE_ARGS(text), is_cut ? ".." : "",
                           cleat_error_message())) {
        *known = hash;
    }
}

static cleat_status evaluate(looking *state)
{
    const cleat__expression_variables variables = {
        .parsed = &state->parsed, .input = state->event->payload, .output = state->event->payload};
    cleat_status status = CLEAT_OK;
    state->is_true = false;
    if (state->expression != NULL) {
        status = cleat__expression_test(state->expression, &variables, &state->is_true);
    }
    /* What has no value for this event, say for want of a member, is not true of it. */
    state->is_true = state->is_true && status == CLEAT_OK;
    state->is_judged = status != CLEAT_NO_MEMORY;
    if (status != CLEAT_OK && state->is_judged && state->text != NULL) {
        warn(state);
    }
    return status == CLEAT_NO_MEMORY ? status : CLEAT_OK;
}

static cleat_status ask(looking *state, cleat_slice text, bool *out)
{
    cleat_status status = CLEAT_OK;
    if (state->text == NULL || !cleat_slice_equals(cleat_slice_of(state->text), text)) {
        forget_expression(state);
        status = cleat__expression_compile(text, &state->expression);
        state->text = cleat__slice_dup(text); /* NULL: it is compiled again */
    }
    if (status != CLEAT_NO_MEMORY) {
        status = state->is_judged ? CLEAT_OK : evaluate(state);
    }
    *out = status == CLEAT_OK && state->is_true;
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

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(cleat__uuid));
}

static bool is_of(cleat__pending_condition *condition, const cleat__uuid *runs, size_t count)
{
    const cleat__uuid *id = &cleat__pending_of(condition)->durable->run.id;
    return count != 0 && bsearch(id, runs, count, sizeof(*runs), compare_ids) != NULL;
}

cleat_status cleat__durable_match_event(cleat__core *core, const cleat__event_row *event,
                                        const cleat__uuid *later, size_t later_count)
{
    cleat__pendings *pendings = &core->durables.pendings;
    cleat__pending_topic *topic = cleat__pendings_topic(pendings, event->tenant, event->key);
    cleat__buffer carrier = {0};
    looking state = {.all = &core->durables};
    if (topic == NULL) {
        return CLEAT_OK;
    }
    look_at(&state, event);
    cleat__metadata_carrier(event->metadata, &carrier);
    cleat_status status = cleat__core_check(core, carrier.failed ? cleat__fail_memory() : CLEAT_OK);
    core->durables.carrier = carrier.size != 0 ? cleat__buffer_slice(&carrier) : (cleat_slice){NULL, 0};
    cleat__pending_condition *condition;
    cleat__pending_topic_begin(topic);
    while ((condition = cleat__pending_topic_next(pendings, topic)) != NULL && status == CLEAT_OK) {
        status = is_of(condition, later, later_count) ? CLEAT_OK : offer(core, condition, &state);
    }
    core->durables.carrier = (cleat_slice){NULL, 0};
    cleat__buffer_deinit(&carrier);
    end_looking(&state);
    return status;
}

/* ---- What has happened ---- */

/* Nobody else is answered while it is searched for. */
enum { SEARCHED_MAX = 1000, SEARCHED_BYTES_MAX = 16 << 20 };

typedef struct searching {
    const cleat__condition *condition;
    cleat__buffer *payload;
    looking at;
    size_t bytes; /* that were looked at */
    bool is_found;
    cleat_status status;
} searching;

static bool visit(void *argument, const cleat__event_row *event)
{
    searching *state = argument;
    look_at(&state->at, event);
    state->status = look(&state->at, state->condition->scope, state->condition->expression, &state->is_found);
    if (state->is_found) {
        cleat__buffer_append_slice(state->payload, event->payload);
    }
    state->bytes += event->payload.size;
    return state->status == CLEAT_OK && !state->is_found && state->bytes < SEARCHED_BYTES_MAX;
}

cleat_status cleat__durable_find_event(cleat__core *core, int64_t tenant, const cleat__condition *condition,
                                       cleat__buffer *payload)
{
    searching state = {.condition = condition, .payload = payload, .at = {.all = &core->durables}};
    if (condition->since_ms <= 0 || condition->scope.size == 0) {
        return CLEAT_EMPTY;
    }
    const cleat__event_search search = {.tenant = tenant,
                                        .key = condition->key,
                                        .scope = condition->scope,
                                        .since_ms = condition->since_ms,
                                        .limit = SEARCHED_MAX};
    cleat_status status = cleat__event_list_since(core->store, &search, visit, &state);
    end_looking(&state.at);
    if (status == CLEAT_OK) {
        status = payload->failed ? cleat__fail_memory() : state.status;
    }
    return status == CLEAT_OK && !state.is_found ? CLEAT_EMPTY : status;
}
