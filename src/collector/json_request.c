/*
 * One table per message says what its members are called, which fields they become and how. A
 * message's length stands before its content: one byte is left for it, and where it takes more the
 * content is moved, which only the outer messages need.
 */
#include "collector/json_request.h"

#include "base/error.h"
#include "collector/json_scalar.h"

#include <jansson.h>

/* Messages in messages: protobuf's own limit. */
enum { DEEPEST = 100 };

typedef enum member_type {
    SCALAR,
    MESSAGE,
    REPEATED, /* messages */
} member_type;

typedef struct member {
    const char *name;
    unsigned field;
    member_type type;
    cleat__json_put *put;         /* of a scalar */
    const struct member *message; /* the members of a message; ends with a NULL name */
} member;

#define MEMBER_SCALAR(name, field, put)                  \
    {                                                    \
        name, field, SCALAR, cleat__json_put_##put, NULL \
    }
#define MEMBER_MESSAGE(name, field, message) \
    {                                        \
        name, field, MESSAGE, NULL, message  \
    }
#define MEMBER_LIST(name, field, message)    \
    {                                        \
        name, field, REPEATED, NULL, message \
    }
#define MEMBERS_END                 \
    {                               \
        NULL, 0, SCALAR, NULL, NULL \
    }

/* ---- Source: opentelemetry/proto/{common,resource,trace,collector/trace}/v1 ---- */

enum { ANY_VALUE_MEMBERS = 8 };
static const member any_value[ANY_VALUE_MEMBERS];
static const member array_value[] = {MEMBER_LIST("values", 1, any_value), MEMBERS_END};
static const member key_value[] = {
    MEMBER_SCALAR("key", 1, text),
    MEMBER_MESSAGE("value", 2, any_value),
    MEMBERS_END,
};
static const member key_value_list[] = {MEMBER_LIST("values", 1, key_value), MEMBERS_END};
static const member any_value[ANY_VALUE_MEMBERS] = {
    MEMBER_SCALAR("stringValue", 1, text),
    MEMBER_SCALAR("boolValue", 2, bool),
    MEMBER_SCALAR("intValue", 3, int),
    MEMBER_SCALAR("doubleValue", 4, double),
    MEMBER_MESSAGE("arrayValue", 5, array_value),
    MEMBER_MESSAGE("kvlistValue", 6, key_value_list),
    MEMBER_SCALAR("bytesValue", 7, base64),
    MEMBERS_END,
};
static const member resource[] = {
    MEMBER_LIST("attributes", 1, key_value),
    MEMBER_SCALAR("droppedAttributesCount", 2, count),
    MEMBERS_END,
};
static const member scope[] = {
    MEMBER_SCALAR("name", 1, text),
    MEMBER_SCALAR("version", 2, text),
    MEMBER_LIST("attributes", 3, key_value),
    MEMBER_SCALAR("droppedAttributesCount", 4, count),
    MEMBERS_END,
};
static const member event[] = {
    MEMBER_SCALAR("timeUnixNano", 1, time),
    MEMBER_SCALAR("name", 2, text),
    MEMBER_LIST("attributes", 3, key_value),
    MEMBER_SCALAR("droppedAttributesCount", 4, count),
    MEMBERS_END,
};
static const member link[] = {
    MEMBER_SCALAR("traceId", 1, id),
    MEMBER_SCALAR("spanId", 2, id),
    MEMBER_SCALAR("traceState", 3, text),
    MEMBER_LIST("attributes", 4, key_value),
    MEMBER_SCALAR("droppedAttributesCount", 5, count),
    MEMBER_SCALAR("flags", 6, flags),
    MEMBERS_END,
};
static const member status[] = {
    MEMBER_SCALAR("message", 2, text),
    MEMBER_SCALAR("code", 3, status_code),
    MEMBERS_END,
};
static const member span[] = {
    MEMBER_SCALAR("traceId", 1, id),
    MEMBER_SCALAR("spanId", 2, id),
    MEMBER_SCALAR("traceState", 3, text),
    MEMBER_SCALAR("parentSpanId", 4, id),
    MEMBER_SCALAR("name", 5, text),
    MEMBER_SCALAR("kind", 6, kind),
    MEMBER_SCALAR("startTimeUnixNano", 7, time),
    MEMBER_SCALAR("endTimeUnixNano", 8, time),
    MEMBER_LIST("attributes", 9, key_value),
    MEMBER_SCALAR("droppedAttributesCount", 10, count),
    MEMBER_LIST("events", 11, event),
    MEMBER_SCALAR("droppedEventsCount", 12, count),
    MEMBER_LIST("links", 13, link),
    MEMBER_SCALAR("droppedLinksCount", 14, count),
    MEMBER_MESSAGE("status", 15, status),
    MEMBER_SCALAR("flags", 16, flags),
    MEMBERS_END,
};
static const member scope_spans[] = {
    MEMBER_MESSAGE("scope", 1, scope),
    MEMBER_LIST("spans", 2, span),
    MEMBER_SCALAR("schemaUrl", 3, text),
    MEMBERS_END,
};
static const member resource_spans[] = {
    MEMBER_MESSAGE("resource", 1, resource),
    MEMBER_LIST("scopeSpans", 2, scope_spans),
    MEMBER_SCALAR("schemaUrl", 3, text),
    MEMBERS_END,
};
static const member request[] = {MEMBER_LIST("resourceSpans", 1, resource_spans), MEMBERS_END};

/* ---- Messages ---- */

static bool put_members(cleat__buffer *out, const member *members, const json_t *object, int depth,
                        const member **wrong);

static void set_length(cleat__buffer *out, size_t content)
{
    size_t size = out->size - content;
    size_t more = cleat__varint_size(size) - 1;
    if (more != 0 && cleat__buffer_reserve(out, more) == NULL) {
        return;
    }
    memmove(out->data + content + more, out->data + content, size);
    cleat__put_varint(out->data + content - 1, size);
    out->size += more;
}

static bool put_message(cleat__buffer *out, const member *what, const json_t *value, int depth,
                        const member **wrong)
{
    cleat__buffer_append_byte(out, (uint8_t)CLEAT__TAG(what->field, CLEAT__WIRE_BYTES));
    cleat__buffer_append_byte(out, 0);
    size_t content = out->size;
    if (!put_members(out, what->message, value, depth + 1, wrong)) {
        return false;
    }
    if (!out->failed) {
        set_length(out, content);
    }
    return true;
}

static bool put_list(cleat__buffer *out, const member *what, const json_t *list, int depth,
                     const member **wrong)
{
    if (!json_is_array(list)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!put_message(out, what, json_array_get(list, i), depth, wrong)) {
            return false;
        }
    }
    return true;
}

static bool put_member(cleat__buffer *out, const member *what, const json_t *value, int depth,
                       const member **wrong)
{
    switch (what->type) {
    case SCALAR: return what->put(out, what->field, value);
    case MESSAGE: return put_message(out, what, value, depth, wrong);
    default: return put_list(out, what, value, depth, wrong);
    }
}

/* False where the object is none or a member is not what it should be: then `*wrong`, NULL at first, is
 * the innermost such member. */
static bool put_members(cleat__buffer *out, const member *members, const json_t *object, int depth,
                        const member **wrong)
{
    if (!json_is_object(object) || depth > DEEPEST) {
        return false;
    }
    for (const member *what = members; what->name != NULL; what++) {
        const json_t *value = json_object_get(object, what->name);
        if (value == NULL || json_is_null(value)) {
            continue;
        }
        if (!put_member(out, what, value, depth, wrong)) {
            *wrong = *wrong != NULL ? *wrong : what;
            return false;
        }
    }
    return true;
}

cleat_status cleat__json_request_encode(cleat_slice json, cleat__buffer *out)
{
    json_error_t error;
    json_t *root = json_loadb(json.data != NULL ? json.data : "", json.size, JSON_ALLOW_NUL, &error);
    if (root == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the body is no JSON: line %d, column %d: %s", error.line,
                           error.column, error.text);
    }
    const member *wrong = NULL;
    cleat_status result = CLEAT_OK;
    if (!json_is_object(root)) {
        result =
            cleat__fail(CLEAT_INVALID_ARGUMENT, "the body is no OTLP trace request: it is no JSON object");
    } else if (!put_members(out, request, root, 0, &wrong)) {
        result = cleat__fail(CLEAT_INVALID_ARGUMENT, "the body is no OTLP trace request: malformed \"%s\"",
                             wrong->name);
    } else if (out->failed) {
        result = cleat__fail_memory();
    }
    json_decref(root);
    return result;
}
