/* Finding and checking finished spans in a memory exporter. */
#ifndef CLEAT_TESTS_SPANS_H
#define CLEAT_TESTS_SPANS_H

#include <cleat/trace.h>

/* The number `index` (0, 1 ...) of the spans of this name, in order of ending; fails the test when
 * there is none. */
cleat_span_view spans_get(cleat_span_exporter *spans, const char *name, size_t index);
size_t spans_count(cleat_span_exporter *spans, const char *name);
/* The span with this id; false: there is none. */
bool spans_find(cleat_span_exporter *spans, const cleat_span_id *id, cleat_span_view *out);

/* NULL as value: the span has no such attribute. */
void span_assert_string(const cleat_span_view *span, const char *key, const char *value);
void span_assert_int(const cleat_span_view *span, const char *key, int64_t value);
/* The attribute as text in `buffer`; "" when absent. */
const char *span_string(const cleat_span_view *span, const char *key, char *buffer, size_t size);

bool span_is_root(const cleat_span_view *span);
/* `span` continues the trace of `parent` as its child. */
void span_assert_child(const cleat_span_view *span, const cleat_span_view *parent);
/* The link number `index` of `span` points to `to` and has this cleat.link.kind. */
void span_assert_link(const cleat_span_view *span, size_t index, const cleat_span_view *to, const char *kind);
/* It has an event "exception" with this type and message. */
void span_assert_exception(const cleat_span_view *span, const char *type, const char *message);

#endif
