#include "wire/condition.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "model/event.h"
#include "wire/timestamp.h"

typedef Cleat__V1__BaseMatchCondition common;

/* `name`: what the data are called where the condition does not say. */
static cleat_status read_common(const common *from, cleat_slice name, cleat__condition *out)
{
    cleat__uuid group;
    out->data_key =
        from != NULL && from->readable_data_key[0] != '\0' ? cleat_slice_of(from->readable_data_key) : name;
    if (from == NULL) {
        return CLEAT_OK;
    }
    if (from->or_group_id[0] == '\0') {
        return CLEAT_OK;
    }
    out->group = cleat_slice_of(from->or_group_id);
    return cleat__uuid_parse(out->group, &group) == CLEAT_OK
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "a condition's or_group_id \"%.64s\" is no UUID",
                             from->or_group_id);
}

static cleat_status read_sleep(const Cleat__V1__SleepMatchCondition *from, cleat__condition *out)
{
    *out = (cleat__condition){.kind = CLEAT__CONDITION_SLEEP, .sleep_text = cleat_slice_of(from->sleep_for)};
    cleat_status status = read_common(from->base_, out->sleep_text, out);
    return status == CLEAT_OK ? cleat__duration_parse("sleep_for", out->sleep_text, &out->sleep_ms) : status;
}

static cleat_status read_hook(cleat_slice token, cleat__condition *out)
{
    out->kind = CLEAT__CONDITION_HOOK;
    out->key = token;
    if (token.size == 0 || token.size > CLEAT__HOOK_TOKEN_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a hook's token has %zu bytes; it must have 1 .. %d",
                           token.size, CLEAT__HOOK_TOKEN_MAX);
    }
    return CLEAT_OK;
}

/* Only those of a scope are looked for among what was stored before. */
static cleat_status read_scope(const Cleat__V1__UserEventMatchCondition *from, cleat__condition *out)
{
    int64_t since_ms = 0;
    cleat_status status =
        cleat__timestamp_read("consider_events_since", from->consider_events_since, &since_ms);
    if (status != CLEAT_OK && status != CLEAT_EMPTY) {
        return status;
    }
    if (from->has_event_scope_case != 0) {
        out->scope = cleat_slice_of(from->event_scope);
        out->since_ms = since_ms;
    }
    return CLEAT_OK;
}

static cleat_status read_event(const Cleat__V1__UserEventMatchCondition *from, cleat__condition *out)
{
    cleat_slice prefix = cleat_slice_of(CLEAT__HOOK_KEY_PREFIX), key = cleat_slice_of(from->user_event_key);
    *out = (cleat__condition){.kind = CLEAT__CONDITION_EVENT, .key = key};
    if (key.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a condition's user_event_key is missing");
    }
    cleat_status status = read_common(from->base_, key, out);
    if (status == CLEAT_OK && key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0) {
        return read_hook((cleat_slice){key.data + prefix.size, key.size - prefix.size}, out);
    }
    if (from->base_ != NULL && from->base_->expression[0] != '\0') {
        out->expression = cleat_slice_of(from->base_->expression);
    }
    return status == CLEAT_OK ? read_scope(from, out) : status;
}

static cleat_status check_action(const common *from)
{
    return from == NULL || from->action == CLEAT__V1__ACTION__CREATE
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "a condition's action is %d; that of a wait must be CREATE", (int)from->action);
}

cleat_status cleat__conditions_read(const Cleat__V1__DurableEventListenerConditions *message,
                                    cleat__condition **out, size_t *count)
{
    size_t sleeps = message != NULL ? message->n_sleep_conditions : 0;
    size_t events = message != NULL ? message->n_user_event_conditions : 0;
    *out = NULL;
    *count = 0;
    if (sleeps + events == 0 || sleeps + events > CLEAT__CONDITIONS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a wait has %zu conditions; it must have 1 .. %d",
                           sleeps + events, CLEAT__CONDITIONS_MAX);
    }
    cleat__condition *list = cleat__calloc(sleeps + events, sizeof(*list));
    cleat_status status = list != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < sleeps && status == CLEAT_OK; i++) {
        status = check_action(message->sleep_conditions[i]->base_);
        status = status == CLEAT_OK ? read_sleep(message->sleep_conditions[i], &list[i]) : status;
    }
    for (size_t i = 0; i < events && status == CLEAT_OK; i++) {
        status = check_action(message->user_event_conditions[i]->base_);
        status =
            status == CLEAT_OK ? read_event(message->user_event_conditions[i], &list[sleeps + i]) : status;
    }
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    *count = sleeps + events;
    return CLEAT_OK;
}

/* ---- Of a task of a workflow ---- */

static cleat_status read_action(const common *from, cleat__step_condition *out)
{
    out->action = CLEAT__STEP_ACTIONS;
    switch (from != NULL ? (int)from->action : -1) {
    case CLEAT__V1__ACTION__QUEUE: out->action = CLEAT__STEP_QUEUE; break;
    case CLEAT__V1__ACTION__CANCEL: out->action = CLEAT__STEP_CANCEL; break;
    case CLEAT__V1__ACTION__SKIP: out->action = CLEAT__STEP_SKIP; break;
    default: break;
    }
    return out->action != CLEAT__STEP_ACTIONS
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "the action of a task's condition must be QUEUE, CANCEL or SKIP");
}

static cleat_status read_parent(const Cleat__V1__ParentOverrideMatchCondition *from,
                                cleat__step_condition *out)
{
    cleat_status status = read_action(from->base_, out);
    out->parent = cleat_slice_of(from->parent_readable_id);
    if (status == CLEAT_OK) {
        status = read_common(from->base_, out->parent, &out->of);
    }
    if (status == CLEAT_OK && from->base_->expression[0] != '\0') {
        out->of.expression = cleat_slice_of(from->base_->expression);
    }
    return status;
}

cleat_status cleat__step_conditions_read(const Cleat__V1__TaskConditions *message,
                                         const cleat__step_condition **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    size_t parents = message != NULL ? message->n_parent_override_conditions : 0;
    size_t sleeps = message != NULL ? message->n_sleep_conditions : 0;
    size_t events = message != NULL ? message->n_user_event_conditions : 0;
    if (parents + sleeps + events == 0) {
        return CLEAT_OK;
    }
    cleat__step_condition *list = cleat__calloc(parents + sleeps + events, sizeof(*list));
    cleat__step_condition *next = list;
    cleat_status status = list != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < parents && status == CLEAT_OK; i++) {
        status = read_parent(message->parent_override_conditions[i], next++);
    }
    for (size_t i = 0; i < sleeps && status == CLEAT_OK; i++, next++) {
        status = read_sleep(message->sleep_conditions[i], &next->of);
        status = status == CLEAT_OK ? read_action(message->sleep_conditions[i]->base_, next) : status;
    }
    for (size_t i = 0; i < events && status == CLEAT_OK; i++, next++) {
        status = read_event(message->user_event_conditions[i], &next->of);
        status = status == CLEAT_OK ? read_action(message->user_event_conditions[i]->base_, next) : status;
    }
    *out = list;
    *count = parents + sleeps + events;
    return status;
}
