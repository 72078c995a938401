/*
 * What is kept in a span context is the header in its shortest form: no blanks, no empty members.
 * Changing it means to collect the members as slices, to edit that list, and to write it down again.
 */
#include "trace/trace_state.h"

#include "base/error.h"
#include "trace/header.h"

enum {
    MEMBERS_MAX = 32,
    KEY_MAX = 256,
    VALUE_MAX = 256,
    LARGE_MEMBER = 128, /* longer ones are the first to go (W3C Trace Context 3.3.1.5) */
};

typedef struct member_list {
    cleat_slice members[MEMBERS_MAX]; /* "key=value" */
    size_t count;
    size_t size; /* of the text they make, commas included */
} member_list;

static bool is_key_character(char character)
{
    return cleat__is_lower(character) || cleat__is_digit(character) || character == '_' || character == '-' ||
           character == '*' || character == '/' || character == '@';
}

bool cleat__trace_state_key_is_valid(cleat_slice key)
{
    if (key.size == 0 || key.size > KEY_MAX ||
        !(cleat__is_lower(key.data[0]) || cleat__is_digit(key.data[0]))) {
        return false;
    }
    for (size_t i = 1; i < key.size; i++) {
        if (!is_key_character(key.data[i])) {
            return false;
        }
    }
    return true;
}

bool cleat__trace_state_value_is_valid(cleat_slice value)
{
    if (value.size == 0 || value.size > VALUE_MAX || value.data[value.size - 1] == ' ') {
        return false;
    }
    for (size_t i = 0; i < value.size; i++) {
        char character = value.data[i];
        if (character < 0x20 || character > 0x7E || character == ',' || character == '=') {
            return false;
        }
    }
    return true;
}

bool cleat__trace_state_next(cleat_slice *rest, cleat_slice *key, cleat_slice *value)
{
    while (rest->data != NULL) {
        cleat_slice member = cleat__trim(cleat__split(*rest, ',', rest));
        if (member.size != 0) {
            *key = cleat__split(member, '=', value);
            return true;
        }
    }
    return false;
}

cleat_slice cleat__trace_state_find(cleat_slice trace_state, cleat_slice key)
{
    cleat_slice name, value;
    while (cleat__trace_state_next(&trace_state, &name, &value)) {
        if (cleat_slice_equals(name, key)) {
            return value;
        }
    }
    return (cleat_slice){NULL, 0};
}

static cleat_slice text_of(const cleat_span_context *context)
{
    size_t size = context->trace_state_size;
    return (cleat_slice){context->trace_state, size < CLEAT_TRACE_STATE_MAX ? size : CLEAT_TRACE_STATE_MAX};
}

/* False when there is no place left. */
static bool list_append(member_list *list, cleat_slice member)
{
    if (list->count == MEMBERS_MAX) {
        return false;
    }
    list->size += member.size + (list->count != 0);
    list->members[list->count++] = member;
    return true;
}

static void list_remove(member_list *list, size_t index)
{
    list->size -= list->members[index].size + (list->count > 1);
    list->count--;
    memmove(&list->members[index], &list->members[index + 1],
            (list->count - index) * sizeof(list->members[0]));
}

static bool list_has(const member_list *list, cleat_slice key)
{
    for (size_t i = 0; i < list->count; i++) {
        cleat_slice value;
        if (cleat_slice_equals(cleat__split(list->members[i], '=', &value), key)) {
            return true;
        }
    }
    return false;
}

/* `key` and `value` lie side by side in one header. */
static cleat_slice member_of(cleat_slice key, cleat_slice value)
{
    return (cleat_slice){key.data, value.data != NULL ? key.size + 1 + value.size : key.size};
}

static void list_store(const member_list *list, cleat_span_context *context)
{
    char text[CLEAT_TRACE_STATE_MAX]; /* the members may lie in the context itself */
    size_t size = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (i != 0) {
            text[size++] = ',';
        }
        memcpy(text + size, list->members[i].data, list->members[i].size);
        size += list->members[i].size;
    }
    memcpy(context->trace_state, text, size);
    context->trace_state_size = (uint16_t)size;
}

/* Drops members until the text has room: large ones first, each kind from the end. */
static void list_shrink(member_list *list)
{
    for (size_t i = list->count; i > 0 && list->size > CLEAT_TRACE_STATE_MAX; i--) {
        if (list->members[i - 1].size > LARGE_MEMBER) {
            list_remove(list, i - 1);
        }
    }
    while (list->size > CLEAT_TRACE_STATE_MAX) {
        list_remove(list, list->count - 1);
    }
}

cleat_status cleat_trace_state_parse(cleat_span_context *context, cleat_slice header)
{
    member_list list = {.count = 0};
    cleat_slice key, value;
    while (cleat__trace_state_next(&header, &key, &value)) {
        bool valid = cleat__trace_state_key_is_valid(key) && cleat__trace_state_value_is_valid(value);
        /* A key given twice is no reason to lose the rest: the first, which is the newest, stays. */
        if (valid && !list_has(&list, key)) {
            valid = list_append(&list, member_of(key, value));
        }
        if (!valid) {
            context->trace_state_size = 0;
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "malformed tracestate (W3C Trace Context 3.3) or more than %d members",
                               MEMBERS_MAX);
        }
    }
    list_shrink(&list);
    list_store(&list, context);
    return CLEAT_OK;
}

cleat_slice cleat_trace_state_get(const cleat_span_context *context, const char *key)
{
    return cleat__trace_state_find(text_of(context), cleat_slice_of(key));
}

/* Appends the members of `context` but `key`, as long as there is room. */
static void append_others(member_list *list, const cleat_span_context *context, cleat_slice key)
{
    cleat_slice rest = text_of(context);
    cleat_slice name, value;
    while (cleat__trace_state_next(&rest, &name, &value)) {
        cleat_slice member = member_of(name, value);
        if (cleat_slice_equals(name, key)) {
            continue;
        }
        size_t comma = list->count != 0;
        if (list->size + comma + member.size > CLEAT_TRACE_STATE_MAX || !list_append(list, member)) {
            break;
        }
    }
}

cleat_status cleat_trace_state_set(cleat_span_context *context, const char *key, cleat_slice value)
{
    char text[KEY_MAX + 1 + VALUE_MAX];
    cleat_slice name = cleat_slice_of(key);
    if (!cleat__trace_state_key_is_valid(name) || !cleat__trace_state_value_is_valid(value)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "W3C forbids this tracestate key or value");
    }
    size_t size = name.size + 1 + value.size;
    if (size > CLEAT_TRACE_STATE_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "a tracestate member has at most %d characters",
                           CLEAT_TRACE_STATE_MAX);
    }
    memcpy(text, name.data, name.size);
    text[name.size] = '=';
    memcpy(text + name.size + 1, value.data, value.size);

    member_list list = {.count = 0};
    list_append(&list, (cleat_slice){text, size});
    append_others(&list, context, name);
    list_store(&list, context);
    return CLEAT_OK;
}

void cleat_trace_state_delete(cleat_span_context *context, const char *key)
{
    member_list list = {.count = 0};
    append_others(&list, context, cleat_slice_of(key));
    list_store(&list, context);
}
