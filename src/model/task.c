#include "model/task.h"

#include "base/alloc.h"
#include "base/error.h"
#include <cleat/task.h>

#include <inttypes.h>
#include <math.h>

#define DEFAULT_BACKOFF_FACTOR 2.0

/* ---- Names ---- */

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* Checks the characters; *colon is the place of the ':' or NULL. */
static cleat_status check_name(const char *name, size_t size, const char **colon)
{
    *colon = NULL;
    for (size_t i = 0; i < size; i++) {
        if (name[i] == ':' && *colon == NULL) {
            *colon = &name[i];
        } else if (!is_name_character(name[i])) {
            return cleat__fail(
                CLEAT_INVALID_ARGUMENT,
                "task name \"%s\": character %zu is not allowed; use lower-case letters, digits, "
                "'.', '_', '-' and at most one ':'",
                name, i + 1);
        }
    }
    if (*colon == name || (*colon != NULL && *colon == name + size - 1)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "task name \"%s\": there must be a word on both sides of the ':'", name);
    }
    return CLEAT_OK;
}

cleat_status cleat__action_id(const char *name, char *id)
{
    if (name == NULL || name[0] == '\0') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the task's name is missing");
    }
    size_t size = strlen(name);
    if (size > CLEAT__TASK_NAME_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "task name \"%.16s...\" has %zu bytes; at most %d are allowed", name, size,
                           CLEAT__TASK_NAME_MAX);
    }
    const char *colon = NULL;
    cleat_status status = check_name(name, size, &colon);
    if (status != CLEAT_OK) {
        return status;
    }
    memcpy(id, name, size);
    if (colon == NULL) {
        id[size] = ':';
        memcpy(id + size + 1, name, size);
        size = 2 * size + 1;
    }
    id[size] = '\0';
    return CLEAT_OK;
}

static size_t last_colon(cleat_slice action)
{
    size_t at = action.size;
    while (at > 0 && action.data[at - 1] != ':') {
        at--;
    }
    return at; /* one behind it; 0: there is none */
}

cleat_slice cleat__action_workflow(cleat_slice action)
{
    size_t behind = last_colon(action);
    return behind == 0 ? action : (cleat_slice){action.data, behind - 1};
}

cleat_slice cleat__action_task(cleat_slice action)
{
    size_t behind = last_colon(action);
    return (cleat_slice){action.data + behind, action.size - behind};
}

/* ---- Policy ---- */

static cleat_status check_not_negative(const char *field, int64_t value)
{
    if (value < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is %" PRId64 "; it must not be negative", field,
                           value);
    }
    return CLEAT_OK;
}

static cleat_status check_options(const cleat_task_options *options)
{
    cleat_status status = check_not_negative("retries", options->retries);
    if (status == CLEAT_OK) {
        status = check_not_negative("backoff_initial_ms", options->backoff_initial_ms);
    }
    if (status == CLEAT_OK) {
        status = check_not_negative("backoff_max_ms", options->backoff_max_ms);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (options->backoff_max_ms > CLEAT__BACKOFF_MAX_MS) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "backoff_max_ms is %" PRId64 "; at most a day is allowed",
                           options->backoff_max_ms);
    }
    double factor = options->backoff_factor;
    /* Written so that NaN is refused. */
    if (factor != 0 && !(factor >= 1 && factor <= CLEAT__BACKOFF_FACTOR_MAX)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "backoff_factor is %g; it must be 1 .. 1000, or 0 for 2",
                           factor);
    }
    if (options->priority < 0 || options->priority > CLEAT_PRIORITY_HIGH) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "priority is %d; it must be 1 (low) .. 3 (high), or 0 for 1", options->priority);
    }
    return CLEAT_OK;
}

static int64_t timeout_or(int64_t value, int64_t fallback)
{
    if (value < 0) {
        return CLEAT__NO_TIMEOUT;
    }
    return value != 0 ? value : fallback;
}

cleat_status cleat__policy_from_options(const cleat_task_options *options, cleat__policy *out)
{
    cleat_status status = check_options(options);
    if (status != CLEAT_OK) {
        return status;
    }
    *out = (cleat__policy){
        .retries = options->retries,
        .priority = options->priority != 0 ? options->priority : CLEAT_PRIORITY_LOW,
        .backoff_initial_ms = options->backoff_initial_ms,
        .backoff_factor = options->backoff_factor != 0 ? options->backoff_factor : DEFAULT_BACKOFF_FACTOR,
        .backoff_max_ms = options->backoff_max_ms != 0 ? options->backoff_max_ms : CLEAT__BACKOFF_MAX_MS,
        .execution_timeout_ms = timeout_or(options->execution_timeout_ms, CLEAT__EXECUTION_TIMEOUT_MS),
        .schedule_timeout_ms = timeout_or(options->schedule_timeout_ms, CLEAT__SCHEDULE_TIMEOUT_MS),
    };
    return CLEAT_OK;
}

int64_t cleat__policy_backoff_ms(const cleat__policy *policy, int32_t n)
{
    if (policy->backoff_initial_ms <= 0) {
        return 0;
    }
    /* In floating point, where too much is infinity, which is still above the maximum. */
    double delay = (double)policy->backoff_initial_ms * pow(policy->backoff_factor, n > 1 ? n - 1 : 0);
    return delay < (double)policy->backoff_max_ms ? (int64_t)delay : policy->backoff_max_ms;
}

/* ---- Assignments ---- */

/* All texts of an assignment: what is missing here would be borrowed in each copy. */
static const size_t texts[] = {
    offsetof(cleat__assignment, task),         offsetof(cleat__assignment, workflow),
    offsetof(cleat__assignment, task_name),    offsetof(cleat__assignment, input),
    offsetof(cleat__assignment, metadata),     offsetof(cleat__assignment, child_key),
    offsetof(cleat__assignment, event_key),    offsetof(cleat__assignment, filter_payload),
    offsetof(cleat__assignment, parents),      offsetof(cleat__assignment, triggers),
    offsetof(cleat__assignment, step_errors),  offsetof(cleat__assignment, batch_key),
    offsetof(cleat__assignment, batch_reason),
};
enum { TEXT_COUNT = sizeof(texts) / sizeof(texts[0]) };

static cleat_slice *text_of(cleat__assignment *assignment, size_t i)
{
    return (cleat_slice *)(void *)((char *)assignment + texts[i]);
}

cleat__assignment *cleat__assignment_copy(const cleat__assignment *from)
{
    cleat__assignment borrowed = *from;
    size_t size = sizeof(*from);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        size += text_of(&borrowed, i)->size + 1;
    }
    cleat__assignment *copy = cleat__malloc(size);
    if (copy == NULL) {
        return NULL;
    }
    *copy = borrowed;
    char *at = (char *)(copy + 1);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        cleat_slice *text = text_of(copy, i);
        if (text->data != NULL) {
            memcpy(at, text->data, text->size);
            at[text->size] = '\0';
            text->data = at;
            at += text->size + 1;
        }
    }
    return copy;
}
