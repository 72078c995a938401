/* Spans for people to read, several lines each. The format is not meant to be parsed. */
#include "json.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

typedef struct console_exporter {
    cleat_span_exporter base;
    cleat__fork_hook fork_hook;
    FILE *stream;
    pthread_mutex_t mutex; /* guards what follows */
    cleat__buffer text;
    bool is_shut_down;
} console_exporter;

static void append_time(cleat__buffer *text, int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm utc;
    char date[32] = "?";
    if (gmtime_r(&seconds, &utc) != NULL) {
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    }
    cleat__buffer_append_format(text, "%s.%06dZ", date, (int)(time_ns % 1000000000 / 1000));
}

static void append_number(cleat__buffer *text, const cleat_value *value)
{
    switch (value->type) {
    case CLEAT_VALUE_BOOL: cleat__buffer_append_string(text, value->as.boolean ? "true" : "false"); break;
    case CLEAT_VALUE_INT: cleat__buffer_append_format(text, "%" PRId64, value->as.integer); break;
    case CLEAT_VALUE_DOUBLE: cleat__buffer_append_format(text, "%g", value->as.real); break;
    default: cleat__json_value(text, value); break;
    }
}

static void append_value(cleat__buffer *text, const cleat_value *value)
{
    cleat_value element;
    if (value->type == CLEAT_VALUE_STRING) {
        cleat__buffer_append_json(text, value->as.string);
    } else if (value->type < CLEAT_VALUE_STRING_ARRAY) {
        append_number(text, value);
    } else {
        cleat__buffer_append_string(text, "[");
        for (size_t i = 0; cleat_value_element(value, i, &element); i++) {
            cleat__buffer_append_string(text, i != 0 ? ", " : "");
            append_value(text, &element);
        }
        cleat__buffer_append_string(text, "]");
    }
}

/* Text of users and peers: control characters would play tricks on a terminal. */
static void append_plain(cleat__buffer *text, cleat_slice slice)
{
    size_t start = text->size;
    cleat__buffer_append_json(text, slice);
    if (!text->failed) { /* without the quotes */
        memmove(text->data + start, text->data + start + 1, text->size - start - 2);
        text->size -= 2;
    }
}

static void append_attribute(cleat__buffer *text, const char *indent, const cleat_attribute *attribute)
{
    cleat__buffer_append_string(text, indent);
    append_plain(text, attribute->key);
    cleat__buffer_append_string(text, " = ");
    append_value(text, &attribute->value);
    cleat__buffer_append_string(text, "\n");
}

static void append_dropped(cleat__buffer *text, uint32_t count, const char *what)
{
    if (count != 0) {
        cleat__buffer_append_format(text, "    (%" PRIu32 " %s dropped)\n", count, what);
    }
}

static void append_events(cleat__buffer *text, const cleat_span_view *span)
{
    cleat_event_view event;
    cleat_attribute attribute;
    size_t cursor = 0;
    while (cleat_span_view_next_event(span, &cursor, &event)) {
        cleat__buffer_append_string(text, "    event ");
        append_plain(text, event.name);
        cleat__buffer_append_string(text, " at ");
        append_time(text, event.time_ns);
        cleat__buffer_append_string(text, "\n");
        size_t inner = 0;
        while (cleat_event_view_next_attribute(&event, &inner, &attribute)) {
            append_attribute(text, "        ", &attribute);
        }
    }
    append_dropped(text, span->dropped_event_count, "events");
}

static void append_links(cleat__buffer *text, const cleat_span_view *span)
{
    cleat_link_view link;
    cleat_attribute attribute;
    size_t cursor = 0;
    while (cleat_span_view_next_link(span, &cursor, &link)) {
        char trace_id[33], span_id[17];
        cleat_trace_id_to_hex(&link.context.trace_id, trace_id);
        cleat_span_id_to_hex(&link.context.span_id, span_id);
        cleat__buffer_append_format(text, "    link to trace %s span %s\n", trace_id, span_id);
        size_t inner = 0;
        while (cleat_link_view_next_attribute(&link, &inner, &attribute)) {
            append_attribute(text, "        ", &attribute);
        }
    }
    append_dropped(text, span->dropped_link_count, "links");
}

static void append_status(cleat__buffer *text, const cleat_span_view *span)
{
    if (span->status == CLEAT_SPAN_STATUS_UNSET) {
        return;
    }
    cleat__buffer_append_string(text,
                                span->status == CLEAT_SPAN_STATUS_OK ? "    status ok" : "    status error");
    if (span->status_message.size != 0) {
        cleat__buffer_append_string(text, ": ");
        append_plain(text, span->status_message);
    }
    cleat__buffer_append_string(text, "\n");
}

static void append_head(cleat__buffer *text, const cleat_span_view *span)
{
    static const char *const kinds[] = {"", "internal", "server", "client", "producer", "consumer"};
    char trace_id[33], span_id[17], parent_id[17];
    cleat_trace_id_to_hex(&span->trace_id, trace_id);
    cleat_span_id_to_hex(&span->span_id, span_id);
    cleat__buffer_append_string(text, "span ");
    append_plain(text, span->name);
    cleat__buffer_append_format(text, " (%s", kinds[span->kind]);
    if (span->scope != NULL && span->scope->name.size != 0) {
        cleat__buffer_append_string(text, ", ");
        append_plain(text, span->scope->name);
        if (span->scope->version.size != 0) {
            cleat__buffer_append_string(text, " ");
            append_plain(text, span->scope->version);
        }
    }
    cleat__buffer_append_format(text, ")\n    trace %s span %s", trace_id, span_id);
    if (cleat_span_id_is_valid(&span->parent_span_id)) {
        cleat_span_id_to_hex(&span->parent_span_id, parent_id);
        cleat__buffer_append_format(text, " parent %s", parent_id);
    }
    cleat__buffer_append_string(text, "\n    start ");
    append_time(text, span->start_time_ns);
    cleat__buffer_append_format(text, " duration %.3f ms\n",
                                (double)(span->end_time_ns - span->start_time_ns) / 1e6);
}

static void append_span(cleat__buffer *text, const cleat_span_view *span)
{
    cleat_attribute attribute;
    size_t cursor = 0;
    append_head(text, span);
    append_status(text, span);
    while (cleat_span_view_next_attribute(span, &cursor, &attribute)) {
        append_attribute(text, "    ", &attribute);
    }
    append_dropped(text, span->dropped_attribute_count, "attributes");
    append_events(text, span);
    append_links(text, span);
}

static cleat_status export_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    console_exporter *exporter = (console_exporter *)self;
    cleat_status status = CLEAT_OK;
    cleat_span_view span;
    size_t cursor = 0;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    cleat__buffer_clear(&exporter->text);
    while (cleat_span_batch_next(batch, &cursor, &span)) {
        append_span(&exporter->text, &span);
    }
    cleat_slice text = cleat__buffer_slice(&exporter->text);
    if (exporter->is_shut_down) {
        status = cleat__fail(CLEAT_UNAVAILABLE, "the exporter has been shut down");
    } else if (exporter->text.failed) {
        status = cleat__fail_memory();
    } else if (text.size != 0 && (fwrite(text.data, 1, text.size, exporter->stream) != text.size ||
                                  fflush(exporter->stream) != 0)) {
        status = cleat__fail(CLEAT_IO, "cannot write spans: %s", strerror(errno));
    }
    pthread_mutex_unlock(&exporter->mutex);
    return status;
}

static cleat_status shut_down(cleat_span_exporter *self, int64_t timeout_ms)
{
    console_exporter *exporter = (console_exporter *)self;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    exporter->is_shut_down = true;
    pthread_mutex_unlock(&exporter->mutex);
    return CLEAT_OK;
}

static void free_exporter(cleat_span_exporter *self)
{
    console_exporter *exporter = (console_exporter *)self;
    cleat__buffer_deinit(&exporter->text);
    cleat__fork_unregister(&exporter->fork_hook);
    pthread_mutex_destroy(&exporter->mutex);
    cleat__free(exporter);
}

cleat_status cleat_console_exporter_new(FILE *stream, cleat_span_exporter **out)
{
    if (out != NULL) {
        *out = NULL;
    }
    if (stream == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a console exporter needs a stream");
    }
    console_exporter *exporter = cleat__calloc(1, sizeof(*exporter));
    if (exporter == NULL) {
        return cleat__fail_memory();
    }
    exporter->base = (cleat_span_exporter){
        .export_spans = export_spans,
        .shutdown = shut_down,
        .free = free_exporter,
    };
    exporter->stream = stream;
    pthread_mutex_init(&exporter->mutex, NULL);
    exporter->fork_hook = (cleat__fork_hook){
        .rank = CLEAT__FORK_EXPORTER,
        .mutex = &exporter->mutex,
    };
    cleat__fork_register(&exporter->fork_hook);
    *out = &exporter->base;
    return CLEAT_OK;
}
