#include "span_check.h"

#include "base/utf8.h"
#include "trace/any_value.h"
#include "trace/protobuf.h"
#include "trace/record.h"

static const char too_deep[] = "a span has a value that is nested too deep";
static const char too_many[] = "a span has too many attributes";
static const char bad_trace_id[] = "a span has an invalid trace id";
static const char bad_span_id[] = "a span has an invalid span id";
static const char bad_parent_id[] = "a span has an invalid parent span id";
static const char bad_link_id[] = "a span has a link with an invalid id";
static const char bad_text[] = "a span has a text that is not UTF-8";

static bool is_bytes(const cleat__wire_field *field, uint32_t number)
{
    return field->number == number && field->wire == CLEAT__WIRE_BYTES;
}

static void set_fault(const char **fault, const char *what)
{
    *fault = *fault != NULL ? *fault : what;
}

/* Whoever gets the span later may refuse all that comes with it for such a text. */
static void check_text(cleat_slice text, const char **fault)
{
    if (cleat__utf8_valid_prefix(text.data, text.size) != text.size) {
        set_fault(fault, bad_text);
    }
}

/* ---- Values ---- */

static bool check_value(const cleat__span_check *check, cleat_slice message, unsigned depth,
                        const char **fault);

static bool check_key_value(const cleat__span_check *check, cleat_slice message, unsigned depth,
                            const char **fault)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (is_bytes(&field, CLEAT__KEY_VALUE_KEY)) {
            check_text(field.bytes, fault);
        } else if (is_bytes(&field, CLEAT__KEY_VALUE_VALUE) &&
                   !check_value(check, field.bytes, depth, fault)) {
            return false;
        }
    }
    return !reader.malformed;
}

/* An ArrayValue or a KeyValueList: both have their elements in field 1. */
static bool check_list(const cleat__span_check *check, cleat_slice message, bool has_keys, unsigned depth,
                       const char **fault)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    if (depth > check->max_depth) {
        set_fault(fault, too_deep);
        return true; /* it is rejected whatever is in there */
    }
    while (cleat__wire_next(&reader, &field)) {
        if (!is_bytes(&field, CLEAT__ARRAY_VALUES)) {
            continue;
        }
        if (!(has_keys ? check_key_value : check_value)(check, field.bytes, depth, fault)) {
            return false;
        }
    }
    return !reader.malformed;
}

static bool check_value(const cleat__span_check *check, cleat_slice message, unsigned depth,
                        const char **fault)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        bool has_keys = is_bytes(&field, CLEAT__ANY_KVLIST);
        if (is_bytes(&field, CLEAT__ANY_STRING)) {
            check_text(field.bytes, fault);
        }
        if ((has_keys || is_bytes(&field, CLEAT__ANY_ARRAY)) &&
            !check_list(check, field.bytes, has_keys, depth + 1, fault)) {
            return false;
        }
    }
    return !reader.malformed;
}

/* ---- Messages with attributes ---- */

bool cleat__span_check_message(const cleat__span_check *check, cleat_slice message, uint32_t attributes,
                               uint32_t texts, const char **fault)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    size_t count = 0;
    while (cleat__wire_next(&reader, &field)) {
        if (field.wire == CLEAT__WIRE_BYTES && field.number < 32 && (texts >> field.number & 1) != 0) {
            check_text(field.bytes, fault);
        }
        if (!is_bytes(&field, attributes)) {
            continue;
        }
        if (++count > check->max_attributes) {
            set_fault(fault, too_many);
        }
        if (!check_key_value(check, field.bytes, 0, fault)) {
            return false;
        }
    }
    return !reader.malformed;
}

static bool check_link(const cleat__span_check *check, cleat_slice message, const char **fault)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        bool is_trace_id = is_bytes(&field, CLEAT__LINK_TRACE_ID);
        if ((is_trace_id || is_bytes(&field, CLEAT__LINK_SPAN_ID)) && field.bytes.size != 0 &&
            field.bytes.size != (is_trace_id ? sizeof(cleat_trace_id) : sizeof(cleat_span_id))) {
            set_fault(fault, bad_link_id);
        }
    }
    return !reader.malformed && cleat__span_check_message(check, message, CLEAT__LINK_ATTRIBUTES,
                                                          1u << CLEAT__LINK_TRACE_STATE, fault);
}

/* ---- The span ---- */

typedef struct seen {
    cleat_slice trace_id, span_id;
    size_t attributes;
    bool has_bad_id, has_bad_parent; /* any of them, also one that a later one replaces */
} seen;

static bool is_id(cleat_slice bytes, size_t size)
{
    static const char zero[sizeof(cleat_trace_id)];
    return bytes.size == size && memcmp(bytes.data, zero, size) != 0;
}

static bool check_field(const cleat__span_check *check, const cleat__wire_field *field, seen *all,
                        const char **fault)
{
    size_t size = field->bytes.size;
    switch (field->number) {
    case CLEAT__SPAN_TRACE_ID:
        all->trace_id = field->bytes;
        all->has_bad_id |= size != 0 && size != sizeof(cleat_trace_id);
        return true;
    case CLEAT__SPAN_SPAN_ID:
        all->span_id = field->bytes;
        all->has_bad_id |= size != 0 && size != sizeof(cleat_span_id);
        return true;
    case CLEAT__SPAN_PARENT_SPAN_ID:
        all->has_bad_parent |= size != 0 && size != sizeof(cleat_span_id);
        return true;
    case CLEAT__SPAN_ATTRIBUTES: all->attributes++; return check_key_value(check, field->bytes, 0, fault);
    case CLEAT__SPAN_EVENTS:
        return cleat__span_check_message(check, field->bytes, CLEAT__EVENT_ATTRIBUTES,
                                         1u << CLEAT__EVENT_NAME, fault);
    case CLEAT__SPAN_LINKS: return check_link(check, field->bytes, fault);
    case CLEAT__SPAN_STATUS:
        return cleat__span_check_message(check, field->bytes, 0, 1u << CLEAT__STATUS_MESSAGE, fault);
    case CLEAT__SPAN_TRACE_STATE:
    case CLEAT__SPAN_NAME: check_text(field->bytes, fault); return true;
    default: return true;
    }
}

bool cleat__span_check_run(const cleat__span_check *check, cleat_slice span, const char **fault)
{
    cleat__wire_reader reader = cleat__wire_reader_of(span);
    cleat__wire_field field;
    seen all = {.attributes = 0};
    const char *inner = NULL;
    while (cleat__wire_next(&reader, &field)) {
        if (field.wire == CLEAT__WIRE_BYTES && !check_field(check, &field, &all, &inner)) {
            return false;
        }
    }
    if (reader.malformed) {
        return false;
    }
    if (!is_id(all.trace_id, sizeof(cleat_trace_id))) {
        set_fault(fault, bad_trace_id);
    } else if (all.has_bad_id || !is_id(all.span_id, sizeof(cleat_span_id))) {
        set_fault(fault, bad_span_id);
    } else if (all.has_bad_parent) {
        set_fault(fault, bad_parent_id);
    } else if (all.attributes > check->max_attributes) {
        set_fault(fault, too_many);
    } else if (inner != NULL) {
        set_fault(fault, inner);
    }
    return true;
}
