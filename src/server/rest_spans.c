/*
 * GET .../traces: the spans of the trace that a run's newest attempt is in, for a waterfall. Spans of traces that
 * are only linked to it are not among them.
 */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/collector.h"
#include "otlp/json.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- Attributes: all values are texts here ---- */

static void write_value(cleat__json_writer *writer, const char *key, const cleat_value *value)
{
    char text[32];
    cleat__buffer json = {0};
    switch (value->type) {
    case CLEAT_VALUE_STRING: cleat__writer_slice(writer, key, value->as.string); return;
    case CLEAT_VALUE_BOOL: cleat__writer_string(writer, key, value->as.boolean ? "true" : "false"); return;
    case CLEAT_VALUE_INT:
        snprintf(text, sizeof(text), "%" PRId64, value->as.integer);
        cleat__writer_string(writer, key, text);
        return;
    case CLEAT_VALUE_DOUBLE:
        snprintf(text, sizeof(text), "%.17g", value->as.real);
        cleat__writer_string(writer, key, text);
        return;
    default:
        cleat__json_value(&json, value);
        cleat__writer_slice(writer, key, cleat__buffer_slice(&json));
        cleat__buffer_deinit(&json);
    }
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

static void write_resource(cleat__json_writer *writer, const cleat_resource *resource)
{
    const cleat_attribute *attributes = resource != NULL ? cleat_resource_attributes(resource) : NULL;
    size_t count = resource != NULL ? cleat_resource_count(resource) : 0;
    cleat__writer_begin_object(writer, "resourceAttributes");
    for (size_t i = 0; i < count; i++) {
        write_attribute(writer, &attributes[i]);
    }
    cleat__writer_end_object(writer);
}

static void write_attributes(cleat__json_writer *writer, const cleat_span_view *span)
{
    cleat_attribute attribute;
    size_t cursor = 0;
    cleat__writer_begin_object(writer, "spanAttributes");
    while (cleat_span_view_next_attribute(span, &cursor, &attribute)) {
        write_attribute(writer, &attribute);
    }
    cleat__writer_end_object(writer);
}

/* ---- Spans ---- */

static int64_t retry_count_of(const cleat_span_view *span)
{
    cleat_value value;
    bool is_there = cleat_span_view_attribute(span, "hatchet.retry_count", &value);
    return is_there && value.type == CLEAT_VALUE_INT ? value.as.integer : 0;
}

static void write_ids(cleat__json_writer *writer, const cleat_span_view *span)
{
    char trace_id[33], span_id[17];
    cleat_trace_id_to_hex(&span->trace_id, trace_id);
    cleat_span_id_to_hex(&span->span_id, span_id);
    cleat__writer_string(writer, "traceId", trace_id);
    cleat__writer_string(writer, "spanId", span_id);
    if (cleat_span_id_is_valid(&span->parent_span_id)) {
        cleat_span_id_to_hex(&span->parent_span_id, span_id);
        cleat__writer_string(writer, "parentSpanId", span_id);
    }
}

static void write_span(cleat__json_writer *writer, const cleat__stored_span *stored)
{
    static const char *const kinds[] = {"UNSPECIFIED", "INTERNAL", "SERVER",
                                        "CLIENT",      "PRODUCER", "CONSUMER"};
    static const char *const statuses[] = {"UNSET", "OK", "ERROR"};
    const cleat_span_view *span = &stored->span;
    cleat__writer_begin_object(writer, NULL);
    write_ids(writer, span);
    cleat__writer_slice(writer, "spanName", span->name);
    cleat__writer_string(writer, "spanKind",
                         kinds[(unsigned)span->kind < sizeof(kinds) / sizeof(kinds[0]) ? span->kind : 0]);
    cleat__writer_slice(writer, "serviceName",
                        stored->service_name.data != NULL ? stored->service_name : cleat_slice_of(""));
    cleat__writer_string(
        writer, "statusCode",
        statuses[(unsigned)span->status < sizeof(statuses) / sizeof(statuses[0]) ? span->status : 0]);
    if (span->status_message.size != 0) {
        cleat__writer_slice(writer, "statusMessage", span->status_message);
    }
    cleat__writer_int(writer, "durationNs", span->end_time_ns - span->start_time_ns);
    cleat__rest_write_time(writer, "createdAt", span->start_time_ns / 1000000);
    write_resource(writer, span->resource);
    write_attributes(writer, span);
    if (span->scope != NULL) {
        cleat__writer_slice(writer, "scopeName", span->scope->name);
        cleat__writer_slice(writer, "scopeVersion",
                            span->scope->version.data != NULL ? span->scope->version : cleat_slice_of(""));
    }
    cleat__writer_int(writer, "retryCount", retry_count_of(span));
    cleat__writer_end_object(writer);
}

/* ---- The trace ---- */

typedef struct list {
    cleat__http_call *call;
    cleat__json_writer *writer;
    cleat__uuid run_id;
    cleat__rest_page page;
    cleat_trace_id trace_id; /* of the run's newest attempt so far */
    int64_t retry_count;     /* of that; -1: none yet */
} list;

static bool note_trace(void *argument, const cleat__stored_span *span)
{
    list *self = argument;
    int64_t retry_count = retry_count_of(&span->span);
    if (retry_count >= self->retry_count) {
        self->retry_count = retry_count;
        self->trace_id = span->span.trace_id;
    }
    return true;
}

static bool write_row(void *argument, const cleat__stored_span *span)
{
    list *self = argument;
    if (cleat__rest_page_take(&self->page)) {
        write_span(self->writer, span);
    }
    return cleat__rest_page_goes_on(&self->page) && !cleat__answer_is_full(self->writer);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    int64_t tenant = self->call->identity.tenant;
    self->writer = writer;
    cleat_status status = cleat__spans_of_run(store, tenant, &self->run_id, note_trace, self);
    if (status == CLEAT_OK && self->retry_count < 0) {
        cleat__http_call_fail(self->call, 404, "trace not found"); /* the first answer counts */
        return cleat__fail(CLEAT_NOT_FOUND, "the run has no spans");
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    if (status == CLEAT_OK) {
        status = cleat__spans_of_trace(store, tenant, &self->trace_id, write_row, self);
    }
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_span_list(cleat__http_call *call)
{
    list self = {.call = call, .retry_count = -1};
    bool has_run = false;
    if (!cleat__rest_read_page(call, &self.page) ||
        !cleat__http_call_uuid(call, "run_external_id", &self.run_id, &has_run)) {
        return;
    }
    if (!has_run) {
        cleat__http_call_refuse(call, 400,
                                "parameter \"run_external_id\" in query has an error: value is required");
        return;
    }
    if (cleat__http_call_argument(call, "limit").data == NULL) {
        self.page.limit = 1000;
    }
    cleat__rest_answer(call, write_list, &self);
}
