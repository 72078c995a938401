#include "json.h"

#include "trace/batch.h"

#include <inttypes.h>

static void append_text(cleat__buffer *json, const char *text)
{
    cleat__buffer_append_string(json, text);
}

static void append_member(cleat__buffer *json, const char *key, cleat_slice value)
{
    cleat__buffer_append_format(json, ",\"%s\":", key);
    cleat__buffer_append_json(json, value);
}

static void append_count(cleat__buffer *json, const char *key, uint32_t count)
{
    if (count != 0) {
        cleat__buffer_append_format(json, ",\"%s\":%" PRIu32, key, count);
    }
}

static void append_attribute(cleat__buffer *json, const cleat_attribute *attribute)
{
    append_text(json, "{\"key\":");
    cleat__buffer_append_json(json, attribute->key);
    append_text(json, ",\"value\":");
    cleat__json_value(json, &attribute->value);
    append_text(json, "}");
}

void cleat__json_attributes(cleat__buffer *json, const cleat_attribute *attributes, size_t count)
{
    append_text(json, "[");
    for (size_t i = 0; i < count; i++) {
        append_text(json, i != 0 ? "," : "");
        append_attribute(json, &attributes[i]);
    }
    append_text(json, "]");
}

/* `,"attributes":[...]` out of an iterator; nothing when there is none. */
typedef bool (*next_attribute)(const void *view, size_t *cursor, cleat_attribute *out);

static bool next_of_span(const void *view, size_t *cursor, cleat_attribute *out)
{
    return cleat_span_view_next_attribute(view, cursor, out);
}

static bool next_of_event(const void *view, size_t *cursor, cleat_attribute *out)
{
    return cleat_event_view_next_attribute(view, cursor, out);
}

static bool next_of_link(const void *view, size_t *cursor, cleat_attribute *out)
{
    return cleat_link_view_next_attribute(view, cursor, out);
}

static void append_attributes(cleat__buffer *json, const void *view, next_attribute next)
{
    cleat_attribute attribute;
    size_t cursor = 0;
    const char *separator = ",\"attributes\":[";
    bool any = false;
    while (next(view, &cursor, &attribute)) {
        append_text(json, separator);
        append_attribute(json, &attribute);
        separator = ",";
        any = true;
    }
    append_text(json, any ? "]" : "");
}

static void append_events(cleat__buffer *json, const cleat_span_view *span)
{
    cleat_event_view event;
    size_t cursor = 0;
    const char *separator = ",\"events\":[";
    bool any = false;
    while (cleat_span_view_next_event(span, &cursor, &event)) {
        append_text(json, separator);
        cleat__buffer_append_format(json, "{\"timeUnixNano\":\"%" PRIu64 "\"", (uint64_t)event.time_ns);
        append_member(json, "name", event.name);
        append_attributes(json, &event, next_of_event);
        append_count(json, "droppedAttributesCount", event.dropped_attribute_count);
        append_text(json, "}");
        separator = ",";
        any = true;
    }
    append_text(json, any ? "]" : "");
}

static void append_link(cleat__buffer *json, const cleat_link_view *link)
{
    char trace_id[33], span_id[17];
    const cleat_span_context *context = &link->context;
    cleat_trace_id_to_hex(&context->trace_id, trace_id);
    cleat_span_id_to_hex(&context->span_id, span_id);
    cleat__buffer_append_format(json, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", trace_id, span_id);
    if (context->trace_state_size != 0) {
        append_member(json, "traceState", (cleat_slice){context->trace_state, context->trace_state_size});
    }
    append_attributes(json, link, next_of_link);
    append_count(json, "droppedAttributesCount", link->dropped_attribute_count);
    append_count(json, "flags", context->trace_flags | 0x100u | (context->is_remote ? 0x200u : 0u));
    append_text(json, "}");
}

static void append_links(cleat__buffer *json, const cleat_span_view *span)
{
    cleat_link_view link;
    size_t cursor = 0;
    const char *separator = ",\"links\":[";
    bool any = false;
    while (cleat_span_view_next_link(span, &cursor, &link)) {
        append_text(json, separator);
        append_link(json, &link);
        separator = ",";
        any = true;
    }
    append_text(json, any ? "]" : "");
}

static void append_status(cleat__buffer *json, const cleat_span_view *span)
{
    append_text(json, ",\"status\":{");
    if (span->status_message.size != 0) {
        append_text(json, "\"message\":");
        cleat__buffer_append_json(json, span->status_message);
        append_text(json, ",");
    }
    if (span->status != CLEAT_SPAN_STATUS_UNSET || span->status_message.size != 0) {
        cleat__buffer_append_format(json, "\"code\":%d", (int)span->status);
    }
    append_text(json, "}");
}

void cleat__json_span(cleat__buffer *json, const cleat_span_view *span)
{
    char trace_id[33], span_id[17];
    cleat_trace_id_to_hex(&span->trace_id, trace_id);
    cleat_span_id_to_hex(&span->span_id, span_id);
    cleat__buffer_append_format(json, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", trace_id, span_id);
    if (span->trace_state.size != 0) {
        append_member(json, "traceState", span->trace_state);
    }
    if (cleat_span_id_is_valid(&span->parent_span_id)) {
        cleat_span_id_to_hex(&span->parent_span_id, span_id);
        cleat__buffer_append_format(json, ",\"parentSpanId\":\"%s\"", span_id);
    }
    append_count(json, "flags", span->flags);
    append_member(json, "name", span->name);
    cleat__buffer_append_format(
        json, ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRIu64 "\",\"endTimeUnixNano\":\"%" PRIu64 "\"",
        (int)span->kind, (uint64_t)span->start_time_ns, (uint64_t)span->end_time_ns);
    append_attributes(json, span, next_of_span);
    append_count(json, "droppedAttributesCount", span->dropped_attribute_count);
    append_events(json, span);
    append_count(json, "droppedEventsCount", span->dropped_event_count);
    append_links(json, span);
    append_count(json, "droppedLinksCount", span->dropped_link_count);
    append_status(json, span);
    append_text(json, "}");
}

void cleat__json_resource(cleat__buffer *json, const cleat_resource *resource)
{
    append_text(json, "{\"attributes\":");
    cleat__json_attributes(json, cleat_resource_attributes(resource), cleat_resource_count(resource));
    append_text(json, "}");
}

void cleat__json_scope(cleat__buffer *json, const cleat_instrumentation_scope *scope)
{
    static const cleat_instrumentation_scope none = {.name = {"", 0}};
    scope = scope != NULL ? scope : &none;
    append_text(json, "{\"name\":");
    cleat__buffer_append_json(json, scope->name);
    if (scope->version.size != 0) {
        append_member(json, "version", scope->version);
    }
    if (scope->attribute_count != 0) {
        append_text(json, ",\"attributes\":");
        cleat__json_attributes(json, scope->attributes, scope->attribute_count);
    }
    append_text(json, "}");
}

/* ---- A batch, in groups: each entry is in the group of the first one that is like it ---- */

static bool is_same_resource(const cleat__batch_entry *a, const cleat__batch_entry *b)
{
    return a->resource == b->resource;
}

static bool is_same_scope(const cleat__batch_entry *a, const cleat__batch_entry *b)
{
    return a->resource == b->resource && a->scope == b->scope;
}

static bool is_first(const cleat_span_batch *batch, size_t index,
                     bool (*is_same)(const cleat__batch_entry *, const cleat__batch_entry *))
{
    for (size_t i = index; i-- > 0;) { /* backwards: the one before is mostly alike */
        if (is_same(&batch->entries[i], &batch->entries[index])) {
            return false;
        }
    }
    return true;
}

static void append_spans(cleat__buffer *json, const cleat_span_batch *batch, size_t first)
{
    const char *separator = "";
    for (size_t i = first; i < batch->count; i++) {
        const cleat__batch_entry *entry = &batch->entries[i];
        cleat_span_view span;
        if (is_same_scope(entry, &batch->entries[first]) &&
            cleat_span_view_read(cleat__batch_record(entry), &span) == CLEAT_OK) {
            append_text(json, separator);
            cleat__json_span(json, &span);
            separator = ",";
        }
    }
}

static void append_schema_url(cleat__buffer *json, cleat_slice url)
{
    if (url.size != 0) {
        append_member(json, "schemaUrl", url);
    }
}

static void append_scopes(cleat__buffer *json, const cleat_span_batch *batch, size_t first)
{
    const char *separator = "";
    for (size_t i = first; i < batch->count; i++) {
        const cleat__batch_entry *entry = &batch->entries[i];
        if (!is_same_resource(entry, &batch->entries[first]) || !is_first(batch, i, is_same_scope)) {
            continue;
        }
        append_text(json, separator);
        append_text(json, "{\"scope\":");
        cleat__json_scope(json, entry->scope);
        append_text(json, ",\"spans\":[");
        append_spans(json, batch, i);
        append_text(json, "]");
        append_schema_url(json, entry->scope != NULL ? entry->scope->schema_url : (cleat_slice){NULL, 0});
        append_text(json, "}");
        separator = ",";
    }
}

void cleat__json_batch(cleat__buffer *json, const cleat_span_batch *batch)
{
    const char *separator = "";
    append_text(json, "{\"resourceSpans\":[");
    for (size_t i = 0; i < batch->count; i++) {
        const cleat_resource *resource = batch->entries[i].resource;
        if (!is_first(batch, i, is_same_resource)) {
            continue;
        }
        append_text(json, separator);
        append_text(json, "{\"resource\":");
        cleat__json_resource(json, resource);
        append_text(json, ",\"scopeSpans\":[");
        append_scopes(json, batch, i);
        append_text(json, "]");
        append_schema_url(json, cleat_resource_schema_url(resource));
        append_text(json, "}");
        separator = ",";
    }
    append_text(json, "]}");
}
