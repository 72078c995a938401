#include "wire/rate_use.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/message.h"

typedef Cleat__V1__CreateTaskRateLimit use;

int64_t cleat__rate_duration_read(int duration)
{
    bool is_one =
        duration >= 0 && duration <= CLEAT__V1__RATE_LIMIT_DURATION__YEAR; /* any number may be sent */
    return is_one ? cleat__rate_duration_ms((cleat_rate_limit_duration)(duration + CLEAT_PER_SECOND)) : 0;
}

int cleat__rate_duration_write(int64_t window_ms)
{
    return cleat__rate_duration_of(window_ms) - CLEAT_PER_SECOND;
}

/* What is not given, or empty, is absent. */
static cleat_slice read_text(bool is_there, const char *text)
{
    return is_there && text != NULL && text[0] != '\0' ? cleat_slice_of(text) : (cleat_slice){NULL, 0};
}

static cleat__rate_use read_use(const use *message)
{
    int duration = message->has_duration_case != 0 ? (int)message->duration
                                                   : (int)CLEAT__V1__RATE_LIMIT_DURATION__MINUTE;
    return (cleat__rate_use){
        .key = read_text(true, message->key),
        .key_expression = read_text(message->has_key_expr_case != 0, message->key_expr),
        .units = message->has_units_case != 0 ? message->units : 1,
        .units_expression = read_text(message->has_units_expr_case != 0, message->units_expr),
        .limit_expression = read_text(message->has_limit_values_expr_case != 0, message->limit_values_expr),
        .window_ms = cleat__rate_duration_read(duration),
    };
}

cleat_status cleat__rate_uses_read(use *const *list, size_t count, cleat__rate_use **out)
{
    *out = NULL;
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat__rate_use *uses = cleat__calloc(count, sizeof(*uses));
    if (uses == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        uses[i] = read_use(list[i]);
    }
    *out = uses;
    return CLEAT_OK;
}

/* Other engines want a key also where an expression makes it, and units where none does. */
static void write_use(bool *failed, const cleat__rate_use *from, use *message)
{
    cleat_slice name = from->key.data != NULL ? from->key : from->key_expression;
    message->key = cleat__message_text(failed, name.data != NULL ? name : cleat_slice_of(""));
    if (from->units_expression.data == NULL) {
        message->has_units_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_UNITS_UNITS;
        message->units = from->units;
    }
    message->has_duration_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_DURATION_DURATION;
    message->duration = (Cleat__V1__RateLimitDuration)cleat__rate_duration_write(from->window_ms);
    if (from->key_expression.data != NULL) {
        message->has_key_expr_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_KEY_EXPR_KEY_EXPR;
        message->key_expr = cleat__message_text(failed, from->key_expression);
    }
    if (from->units_expression.data != NULL) {
        message->has_units_expr_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_UNITS_EXPR_UNITS_EXPR;
        message->units_expr = cleat__message_text(failed, from->units_expression);
    }
    if (from->limit_expression.data != NULL) {
        message->has_limit_values_expr_case =
            CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_LIMIT_VALUES_EXPR_LIMIT_VALUES_EXPR;
        message->limit_values_expr = cleat__message_text(failed, from->limit_expression);
    }
}

use **cleat__rate_uses_write(bool *failed, const cleat__rate_use *uses, size_t count, size_t *written)
{
    if (count == 0) {
        return NULL;
    }
    use **list = cleat__calloc(count, sizeof(*list));
    *failed = *failed || list == NULL;
    while (!*failed && *written < count) {
        use *message = cleat__message_new(&cleat__v1__create_task_rate_limit__descriptor);
        if (message == NULL) {
            *failed = true;
            break;
        }
        list[*written] = message;
        write_use(failed, &uses[(*written)++], message);
    }
    return list;
}
