/* GET traces/{trace}/spans/{span}: a span with all that is stored of it, and who links to it. */
#include "base/alloc.h"
#include "collector/span_detail.h"
#include "otlp/json.h"
#include "ui_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { EVENTS_MOST = 1000 };

/* What JavaScript's numbers hold. */
#define EXACT_MOST (INT64_C(1) << 53)

/* ---- Attributes ---- */

static void write_integer(cleat__json_writer *writer, const char *key, int64_t value)
{
    char text[24];
    if (value >= -EXACT_MOST && value <= EXACT_MOST) {
        cleat__writer_int(writer, key, value);
        return;
    }
    snprintf(text, sizeof(text), "%" PRId64, value);
    cleat__writer_string(writer, key, text);
}

/* What JSON has no number for is a text. */
static void write_real(cleat__json_writer *writer, const char *key, double value)
{
    char text[32];
    snprintf(text, sizeof(text), "%.17g", value);
    if (isfinite(value)) {
        cleat__writer_raw(writer, key, cleat_slice_of(text));
    } else {
        cleat__writer_string(writer, key, text);
    }
}

/* Bytes and maps are OTLP's AnyValue. */
static void write_other(cleat__json_writer *writer, const char *key, const cleat_value *value)
{
    cleat__buffer json = {0};
    cleat__json_value(&json, value);
    cleat__writer_raw(writer, key, cleat__buffer_slice(&json));
    writer->out.failed = writer->out.failed || json.failed;
    cleat__buffer_deinit(&json);
}

static bool write_plain(cleat__json_writer *writer, const char *key, const cleat_value *value)
{
    switch (value->type) {
    case CLEAT_VALUE_STRING: cleat__writer_slice(writer, key, value->as.string); return true;
    case CLEAT_VALUE_BOOL: cleat__writer_bool(writer, key, value->as.boolean); return true;
    case CLEAT_VALUE_INT: write_integer(writer, key, value->as.integer); return true;
    case CLEAT_VALUE_DOUBLE: write_real(writer, key, value->as.real); return true;
    default: return false;
    }
}

static void write_value(cleat__json_writer *writer, const char *key, const cleat_value *value)
{
    cleat_value element;
    if (write_plain(writer, key, value)) {
        return;
    }
    if (value->type == CLEAT_VALUE_NONE) {
        write_other(writer, key, value);
        return;
    }
    cleat__writer_begin_array(writer, key);
    for (size_t i = 0; i < value->count && cleat_value_element(value, i, &element); i++) {
        write_plain(writer, NULL, &element);
    }
    cleat__writer_end_array(writer);
}

static void write_attribute(cleat__json_writer *writer, const cleat_attribute *attribute)
{
    char *key = cleat__slice_dup(attribute->key);
    writer->out.failed = writer->out.failed || key == NULL;
    if (key != NULL) {
        write_value(writer, key, &attribute->value);
    }
    cleat__free(key);
}

/* ---- The span ---- */

static void write_ids(cleat__json_writer *writer, const cleat_trace_id *trace_id,
                      const cleat_span_id *span_id)
{
    char trace[33], span[17];
    cleat_trace_id_to_hex(trace_id, trace);
    cleat_span_id_to_hex(span_id, span);
    cleat__writer_string(writer, "trace_id", trace);
    cleat__writer_string(writer, "span_id", span);
}

static void write_main(cleat__json_writer *writer, const cleat__stored_span *stored)
{
    static const cleat_span_id none;
    const cleat_span_view *span = &stored->span;
    bool is_root = memcmp(&span->parent_span_id, &none, sizeof(none)) == 0;
    char text[24];
    write_ids(writer, &span->trace_id, &span->span_id);
    cleat_span_id_to_hex(&span->parent_span_id, text);
    cleat__writer_string(writer, "parent_span_id", is_root ? NULL : text);
    cleat__writer_slice(writer, "name", span->name.data != NULL ? span->name : cleat_slice_of(""));
    cleat__writer_int(writer, "kind",
                      span->kind == CLEAT_SPAN_KIND_DEFAULT ? CLEAT_SPAN_KIND_INTERNAL : span->kind);
    cleat__writer_int(writer, "status", span->status);
    cleat__writer_slice(writer, "status_message",
                        span->status_message.size != 0 ? span->status_message : (cleat_slice){NULL, 0});
    snprintf(text, sizeof(text), "%" PRId64, span->start_time_ns);
    cleat__writer_string(writer, "start_ns", text);
    cleat__writer_int(writer, "duration_ns", cleat__span_duration_ns(span->start_time_ns, span->end_time_ns));
    cleat__writer_int(writer, "dropped_attributes", span->dropped_attribute_count);
    cleat__writer_int(writer, "dropped_events", span->dropped_event_count);
    cleat__writer_int(writer, "dropped_links", span->dropped_link_count);
}

static void write_origin(cleat__json_writer *writer, const cleat__stored_span *stored)
{
    const cleat_resource *resource = stored->span.resource;
    const cleat_instrumentation_scope *scope = stored->span.scope;
    const cleat_attribute *attributes = resource != NULL ? cleat_resource_attributes(resource) : NULL;
    size_t count = resource != NULL ? cleat_resource_count(resource) : 0;
    cleat__writer_slice(writer, "service", stored->service_name);
    cleat__writer_begin_object(writer, "scope");
    cleat__writer_slice(writer, "name", scope != NULL ? scope->name : (cleat_slice){NULL, 0});
    cleat__writer_slice(writer, "version", scope != NULL ? scope->version : (cleat_slice){NULL, 0});
    cleat__writer_end_object(writer);
    cleat__writer_begin_object(writer, "resource");
    for (size_t i = 0; i < count; i++) {
        write_attribute(writer, &attributes[i]);
    }
    cleat__writer_end_object(writer);
}

static void write_attributes(cleat__json_writer *writer, const cleat_span_view *span)
{
    cleat_attribute attribute;
    size_t cursor = 0;
    cleat__writer_begin_object(writer, "attributes");
    while (cleat_span_view_next_attribute(span, &cursor, &attribute)) {
        write_attribute(writer, &attribute);
    }
    cleat__writer_end_object(writer);
}

/* Since the span's start; times are a peer's, and may be as far apart as can be. */
static int64_t offset_of(const cleat_event_view *event, const cleat_span_view *span)
{
    int64_t start_ns = span->start_time_ns, time_ns = event->time_ns;
    return time_ns >= start_ns ? cleat__span_duration_ns(start_ns, time_ns)
                               : -cleat__span_duration_ns(time_ns, start_ns);
}

static void write_events(cleat__json_writer *writer, const cleat_span_view *span)
{
    cleat_event_view event;
    size_t cursor = 0;
    cleat__writer_begin_array(writer, "events");
    for (int i = 0; i < EVENTS_MOST && cleat_span_view_next_event(span, &cursor, &event); i++) {
        cleat_attribute attribute;
        size_t at = 0;
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_slice(writer, "name", event.name.data != NULL ? event.name : cleat_slice_of(""));
        cleat__writer_int(writer, "offset_ns", offset_of(&event, span));
        cleat__writer_begin_object(writer, "attributes");
        while (cleat_event_view_next_attribute(&event, &at, &attribute)) {
            write_attribute(writer, &attribute);
        }
        cleat__writer_end_object(writer);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    cleat__writer_int(writer, "event_count", span->event_count);
}

/* ---- Links both ways ---- */

static void write_links(cleat__json_writer *writer, const cleat__span_detail *detail)
{
    cleat__writer_begin_array(writer, "links");
    for (int32_t i = 0; i < detail->link_count; i++) {
        const cleat__detail_link *it = &detail->links[i];
        cleat_attribute attribute;
        size_t at = 0;
        cleat__writer_begin_object(writer, NULL);
        write_ids(writer, &it->link.context.trace_id, &it->link.context.span_id);
        cleat__writer_slice(writer, "name", it->name);
        cleat__writer_slice(writer, "task", it->task);
        cleat__writer_slice(writer, "kind", it->kind);
        cleat__writer_begin_object(writer, "attributes");
        while (cleat_link_view_next_attribute(&it->link, &at, &attribute)) {
            write_attribute(writer, &attribute);
        }
        cleat__writer_end_object(writer);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    cleat__writer_int(writer, "link_count", detail->stored.span.link_count);
}

static void write_back_links(cleat__json_writer *writer, const cleat__span_detail *detail)
{
    char next[24];
    snprintf(next, sizeof(next), "%" PRId64, detail->next);
    cleat__writer_begin_object(writer, "back_links");
    cleat__writer_int(writer, "total", detail->back_link_total);
    cleat__writer_bool(writer, "is_complete", detail->is_total_complete);
    cleat__writer_begin_array(writer, "rows");
    for (int32_t i = 0; i < detail->back_link_count; i++) {
        const cleat__link_row *row = &detail->back_links[i];
        cleat__writer_begin_object(writer, NULL);
        write_ids(writer, &row->from_trace_id, &row->from_span_id);
        cleat__writer_slice(writer, "name", row->from_name);
        cleat__writer_slice(writer, "task", row->from_task);
        cleat__writer_slice(writer, "kind", row->kind);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    cleat__writer_string(writer, "next", detail->has_next ? next : NULL);
    cleat__writer_end_object(writer);
}

static cleat_status write_detail(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    static const cleat__uuid nil;
    cleat__span_detail detail;
    cleat_status status = cleat__span_detail_load(store, argument, &detail);
    if (status == CLEAT_OK) {
        const cleat__stored_span *stored = &detail.stored;
        cleat__writer_begin_object(writer, NULL);
        write_main(writer, stored);
        write_origin(writer, stored);
        write_attributes(writer, &stored->span);
        write_events(writer, &stored->span);
        write_links(writer, &detail);
        write_back_links(writer, &detail);
        cleat__ui_write_uuid(writer, "run_id", stored->has_run ? &stored->run_id : &nil);
        cleat__ui_write_uuid(writer, "task_run_id", detail.has_task_run ? &detail.task_run_id : &nil);
        cleat__writer_end_object(writer);
    }
    cleat__span_detail_deinit(&detail);
    return status;
}

void cleat__ui_span_get(cleat__http_call *call)
{
    cleat__span_detail_filter filter = {.tenant = call->identity.tenant,
                                        .back_limit = CLEAT__BACK_LINKS_LIMIT};
    if (cleat__ui_read_trace(call, &filter.trace_id) && cleat__ui_read_span(call, &filter.span_id) &&
        cleat__http_call_int(call, "back_before", 1, INT64_MAX, &filter.back_before) &&
        cleat__http_call_int(call, "back_limit", 1, CLEAT__BACK_LINKS_MAX, &filter.back_limit)) {
        cleat__ui_answer(call, write_detail, &filter);
    }
}
