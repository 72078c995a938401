#include "support/spans.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static bool has_name(const cleat_span_view *span, const char *name)
{
    return cleat_slice_equals(span->name, cleat_slice_of(name));
}

cleat_span_view spans_get(cleat_span_exporter *spans, const char *name, size_t index)
{
    cleat_span_view view = {0};
    size_t seen = 0;
    for (size_t i = 0; cleat_memory_exporter_at(spans, i, &view); i++) {
        if (has_name(&view, name) && seen++ == index) {
            return view;
        }
    }
    fail_msg("no span %s number %zu, only %zu", name, index, seen);
    return view;
}

size_t spans_count(cleat_span_exporter *spans, const char *name)
{
    cleat_span_view view;
    size_t count = 0;
    for (size_t i = 0; cleat_memory_exporter_at(spans, i, &view); i++) {
        count += has_name(&view, name);
    }
    return count;
}

bool spans_find(cleat_span_exporter *spans, const cleat_span_id *id, cleat_span_view *out)
{
    for (size_t i = 0; cleat_memory_exporter_at(spans, i, out); i++) {
        if (memcmp(&out->span_id, id, sizeof *id) == 0) {
            return true;
        }
    }
    return false;
}

const char *span_string(const cleat_span_view *span, const char *key, char *buffer, size_t size)
{
    cleat_value value;
    buffer[0] = '\0';
    if (cleat_span_view_attribute(span, key, &value)) {
        assert_int_equal(value.type, CLEAT_VALUE_STRING);
        (void)snprintf(buffer, size, "%.*s", CLEAT_SLICE_ARGS(value.as.string));
    }
    return buffer;
}

void span_assert_string(const cleat_span_view *span, const char *key, const char *expected)
{
    cleat_value value;
    bool found = cleat_span_view_attribute(span, key, &value);
    if (found != (expected != NULL)) {
        fail_msg("%.*s: %s is %s", CLEAT_SLICE_ARGS(span->name), key, found ? "there" : "missing");
    }
    if (found && (value.type != CLEAT_VALUE_STRING ||
                  !cleat_slice_equals(value.as.string, cleat_slice_of(expected)))) {
        fail_msg("%.*s: %s is \"%.*s\", not \"%s\"", CLEAT_SLICE_ARGS(span->name), key,
                 CLEAT_SLICE_ARGS(value.as.string), expected);
    }
}

void span_assert_int(const cleat_span_view *span, const char *key, int64_t expected)
{
    cleat_value value;
    if (!cleat_span_view_attribute(span, key, &value)) {
        fail_msg("%.*s: %s is missing", CLEAT_SLICE_ARGS(span->name), key);
    }
    assert_int_equal(value.type, CLEAT_VALUE_INT);
    assert_int_equal(value.as.integer, expected);
}

bool span_is_root(const cleat_span_view *span)
{
    return !cleat_span_id_is_valid(&span->parent_span_id);
}

void span_assert_child(const cleat_span_view *span, const cleat_span_view *parent)
{
    assert_memory_equal(&span->trace_id, &parent->trace_id, sizeof span->trace_id);
    assert_memory_equal(&span->parent_span_id, &parent->span_id, sizeof span->span_id);
}

void span_assert_link(const cleat_span_view *span, size_t index, const cleat_span_view *to, const char *kind)
{
    cleat_link_view link;
    cleat_attribute attribute;
    size_t cursor = 0;
    size_t attributes = 0;
    for (size_t i = 0; i <= index; i++) {
        assert_true(cleat_span_view_next_link(span, &cursor, &link));
    }
    assert_memory_equal(&link.context.trace_id, &to->trace_id, sizeof to->trace_id);
    assert_memory_equal(&link.context.span_id, &to->span_id, sizeof to->span_id);
    assert_true(cleat_link_view_next_attribute(&link, &attributes, &attribute));
    assert_true(cleat_slice_equals(attribute.key, cleat_slice_of("cleat.link.kind")));
    assert_true(cleat_slice_equals(attribute.value.as.string, cleat_slice_of(kind)));
    assert_false(cleat_link_view_next_attribute(&link, &attributes, &attribute));
}

static void assert_event_attribute(const cleat_event_view *event, const char *key, const char *expected)
{
    cleat_attribute attribute;
    for (size_t cursor = 0; cleat_event_view_next_attribute(event, &cursor, &attribute);) {
        if (cleat_slice_equals(attribute.key, cleat_slice_of(key))) {
            if (!cleat_slice_equals(attribute.value.as.string, cleat_slice_of(expected))) {
                fail_msg("%s is \"%.*s\"", key, CLEAT_SLICE_ARGS(attribute.value.as.string));
            }
            return;
        }
    }
    fail_msg("the event has no %s", key);
}

void span_assert_exception(const cleat_span_view *span, const char *type, const char *message)
{
    cleat_event_view event;
    for (size_t cursor = 0; cleat_span_view_next_event(span, &cursor, &event);) {
        if (cleat_slice_equals(event.name, cleat_slice_of("exception"))) {
            assert_event_attribute(&event, "exception.type", type);
            assert_event_attribute(&event, "exception.message", message);
            return;
        }
    }
    fail_msg("%.*s has no exception", CLEAT_SLICE_ARGS(span->name));
}
