/* Waiting for times and events, and the interceptors around it. */
#include "sdk/invocation.h"

#include "base/error.h"
#include "model/duration.h"
#include "model/event.h"
#include "model/expression.h"
#include "model/json_members.h"

#include <inttypes.h>
#include <stdio.h>

#define SLEEP_MAX_MS (INT64_C(3653) * 24 * 3600 * 1000) /* 10 years */
#define LABEL_SIZE   300

/* ---- The call ---- */

struct cleat_wait_call {
    cleat__chain chain;
    cleat__invocation *invocation;
    const cleat__condition *conditions;
    size_t count;
    cleat__logged_kind kind;
    const char *label;
    bool is_made;
};

cleat_task *cleat_wait_call_task(cleat_wait_call *call)
{
    return call != NULL ? call->invocation->task : NULL;
}

const char *cleat_wait_call_label(const cleat_wait_call *call)
{
    return call != NULL ? call->label : NULL;
}

/* A payload of a hook may be there before it is waited for; times and events come later. */
static cleat_status make_wait(cleat_wait_call *call)
{
    cleat__invocation *it = call->invocation;
    call->is_made = true;
    cleat_status status = cleat__invocation_want_conditions(it, call->kind, call->conditions, call->count,
                                                            cleat_slice_of(call->label));
    int64_t number = (int64_t)it->node_count;
    return status == CLEAT_OK
               ? cleat__invocation_await(it, &number, 1, true, call->kind == CLEAT__LOGGED_HOOK)
               : status;
}

cleat_status cleat_wait_call_proceed(cleat_wait_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, wait));
    status = next != NULL ? next->wait(next->user_data, call) : make_wait(call);
    call->chain.spent = true;
    return status;
}

cleat_status cleat__invocation_wait(cleat__invocation *it, const cleat__condition *conditions, size_t count,
                                    cleat__logged_kind kind, const char *label, int64_t *number)
{
    cleat_wait_call call = {
        .chain = {.client = it->task->worker->client},
        .invocation = it,
        .conditions = conditions,
        .count = count,
        .kind = kind,
        .label = label,
    };
    *number = cleat__invocation_next(it);
    if (cleat__invocation_is_old(it, *number)) {
        return make_wait(&call);
    }
    cleat_status status = cleat_wait_call_proceed(&call);
    status = cleat__chain_end(status, call.is_made);
    /* What was recorded counts, whatever interceptors have made of it. */
    if (call.is_made) {
        return it->stopped != CLEAT_OK ? cleat__invocation_again(it) : CLEAT_OK;
    }
    return cleat__invocation_refuse(it, status);
}

bool cleat__invocation_find_data(const cleat__invocation *it, int64_t number, const char *data_key,
                                 cleat_slice *out)
{
    const cleat__node_end *end = &cleat__invocation_node(it, number)->end;
    cleat_slice create, data;
    cleat__json_cursor cursor;
    if (end->payload == NULL || !cleat__json_find_member(cleat_slice_of(end->payload), "CREATE", &create) ||
        !cleat__json_find_member(create, data_key, &data)) {
        return false;
    }
    cleat__json_items(data, &cursor);
    return cleat__json_next_item(&cursor, out);
}

/* ---- Times ---- */

cleat_status cleat__wait_duration(const char *field, const char *text, int64_t *ms)
{
    if (text == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL: \"24h\", \"1h30m\", \"500ms\"", field);
    }
    cleat_status status = cleat__duration_parse(field, cleat_slice_of(text), ms);
    if (status == CLEAT_OK && *ms > SLEEP_MAX_MS) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "%s \"%s\" is longer than 10 years", field, text);
    }
    return status;
}

cleat__condition cleat__sleep_condition(const char *data_key, int64_t ms, cleat_slice text)
{
    return (cleat__condition){
        .kind = CLEAT__CONDITION_SLEEP,
        .data_key = cleat_slice_of(data_key),
        .sleep_ms = ms,
        .sleep_text = text,
    };
}

cleat_status cleat__invocation_sleep(cleat__invocation *it, int64_t ms, cleat_slice text, const char *label)
{
    int64_t number;
    const cleat__condition condition = cleat__sleep_condition("sleep", ms, text);
    /* The same in every replay, since the program says how long. */
    return ms > 0 ? cleat__invocation_wait(it, &condition, 1, CLEAT__LOGGED_TIME, label, &number) : CLEAT_OK;
}

static cleat_status sleep_for(cleat__invocation *it, const char *duration)
{
    char label[LABEL_SIZE];
    int64_t ms;
    cleat_status status = cleat__wait_duration("duration", duration, &ms);
    if (status != CLEAT_OK) {
        return status;
    }
    (void)snprintf(label, sizeof(label), "sleep %s", duration);
    return cleat__invocation_sleep(it, ms, cleat_slice_of(duration), label);
}

cleat_status cleat_sleep(cleat_task *task, const char *duration)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_sleep", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, sleep_for(it, duration)) : status;
}

/* From a time that is recorded, so that a replay asks for the same. */
static cleat_status sleep_until(cleat__invocation *it, int64_t unix_ms)
{
    char label[LABEL_SIZE], text[CLEAT__DURATION_TEXT];
    int64_t now_ms;
    cleat_status status = cleat__invocation_now(it, &now_ms);
    if (status != CLEAT_OK || unix_ms <= now_ms) {
        return status;
    }
    if (unix_ms - now_ms > SLEEP_MAX_MS) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "unix_ms %" PRId64 " is more than 10 years away", unix_ms);
    }
    cleat__duration_format(unix_ms - now_ms, text);
    (void)snprintf(label, sizeof(label), "sleep until %" PRId64, unix_ms);
    return cleat__invocation_sleep(it, unix_ms - now_ms, cleat_slice_of(text), label);
}

cleat_status cleat_sleep_until(cleat_task *task, int64_t unix_ms)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_sleep_until", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, sleep_until(it, unix_ms)) : status;
}

static cleat_status want_timer(cleat__invocation *it, const char *duration, cleat_future *future)
{
    char label[LABEL_SIZE];
    int64_t ms;
    cleat_status status = future != NULL ? cleat__wait_duration("duration", duration, &ms)
                                         : cleat__fail(CLEAT_INVALID_ARGUMENT, "future is NULL");
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__condition condition = cleat__sleep_condition("sleep", ms, cleat_slice_of(duration));
    (void)snprintf(label, sizeof(label), "timer %s", duration);
    *future = (cleat_future){cleat__invocation_next(it)};
    return cleat__invocation_want_conditions(it, CLEAT__LOGGED_TIME, &condition, 1, cleat_slice_of(label));
}

cleat_status cleat_timer(cleat_task *task, const char *duration, cleat_future *future)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_timer", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, want_timer(it, duration, future)) : status;
}

/* ---- Events ---- */

static cleat_status check_key(const char *key)
{
    if (key == NULL || key[0] == '\0') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "key is %s", key == NULL ? "NULL" : "empty");
    }
    const cleat__user_event event = {.key = cleat_slice_of(key)};
    return cleat__user_event_check_sizes(&event);
}

static cleat_status wait_event(cleat__invocation *it, const char *key, const char *expression,
                               const char *timeout, cleat_slice *payload)
{
    char label[CLEAT__EVENT_KEY_MAX + 20];
    int64_t ms = 0, number;
    cleat_slice data = {NULL, 0};
    cleat_status status = check_key(key);
    if (status == CLEAT_OK && expression != NULL) {
        status = cleat__expression_check_for(cleat_slice_of(expression), CLEAT__EXPRESSION_CONDITION);
    }
    if (status == CLEAT_OK && timeout != NULL) {
        status = cleat__wait_duration("timeout", timeout, &ms);
    }
    if (status != CLEAT_OK) {
        return cleat__invocation_check_given(it, status);
    }
    cleat__condition conditions[2] = {
        {.kind = CLEAT__CONDITION_EVENT,
         .data_key = cleat_slice_of("event"),
         .key = cleat_slice_of(key),
         .expression = cleat_slice_of(expression)},
        cleat__sleep_condition("timeout", ms, cleat_slice_of(timeout)),
    };
    conditions[0].group = conditions[1].group = cleat_slice_of(it->task->id.text);
    (void)snprintf(label, sizeof(label), "event %s", key);
    status =
        cleat__invocation_wait(it, conditions, timeout != NULL ? 2 : 1, CLEAT__LOGGED_TIME, label, &number);
    if (status != CLEAT_OK) {
        return status;
    }
    if (!cleat__invocation_find_data(it, number, "event", &data)) {
        return cleat__fail(CLEAT_TIMEOUT, "no event \"%s\" came in time", key);
    }
    if (payload != NULL) {
        *payload = data;
    }
    return CLEAT_OK;
}

cleat_status cleat_wait_event(cleat_task *task, const char *key, const char *expression, const char *timeout,
                              cleat_slice *payload)
{
    cleat__invocation *it;
    if (payload != NULL) {
        *payload = (cleat_slice){NULL, 0};
    }
    cleat_status status = cleat__invocation_enter(task, "cleat_wait_event", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, wait_event(it, key, expression, timeout, payload))
                              : status;
}
