#include "server/stitched_json.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { EVENTS_MOST = 10000 };

static void write_trace_id(cleat__json_writer *writer, const char *key, const cleat_trace_id *id)
{
    char hex[33];
    cleat_trace_id_to_hex(id, hex);
    cleat__writer_string(writer, key, hex);
}

static void write_span_id(cleat__json_writer *writer, const cleat_span_id *id)
{
    char hex[17];
    cleat_span_id_to_hex(id, hex);
    cleat__writer_string(writer, NULL, hex);
}

/* null for a time that is not there. */
static void write_ms(cleat__json_writer *writer, const char *key, int64_t ms)
{
    if (ms != 0) {
        cleat__writer_int(writer, key, ms);
    } else {
        cleat__writer_string(writer, key, NULL);
    }
}

/* ---- What the picture is of ---- */

static void write_totals(cleat__json_writer *writer, const cleat__stitched *stitched)
{
    char start[24];
    (void)snprintf(start, sizeof(start), "%" PRId64, stitched->start_ns);
    if (stitched->total_traces > 0) {
        cleat__writer_int(writer, "start_ms", stitched->start_ns / CLEAT__NS_PER_MS);
        cleat__writer_string(writer, "start_ns", start);
    } else {
        cleat__writer_string(writer, "start_ms", NULL);
        cleat__writer_string(writer, "start_ns", NULL);
    }
    cleat__writer_int(writer, "duration_ns", stitched->end_ns - stitched->start_ns);
    cleat__writer_int(writer, "total_spans", stitched->total_spans);
    cleat__writer_int(writer, "shown_spans", stitched->span_count);
    cleat__writer_int(writer, "total_traces", stitched->total_traces);
    cleat__writer_bool(writer, "is_complete", stitched->is_complete);
}

static void write_runs(cleat__json_writer *writer, const cleat__stitched *stitched)
{
    cleat__writer_begin_array(writer, "runs");
    for (int32_t i = 0; i < stitched->run_count; i++) {
        const cleat__stitched_run *run = &stitched->runs[i];
        char id[37];
        cleat__uuid_format(&run->id, id);
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_string(writer, "id", id);
        cleat__writer_slice(writer, "workflow", run->workflow);
        cleat__writer_slice(writer, "task", run->task);
        cleat__writer_string(writer, "status", cleat_run_status_name(run->status));
        cleat__writer_int(writer, "parent", run->parent);
        write_ms(writer, "created_at_ms", run->created_at_ms);
        write_ms(writer, "started_at_ms", run->started_at_ms);
        write_ms(writer, "finished_at_ms", run->finished_at_ms);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

static void write_services(cleat__json_writer *writer, const cleat__stitched *stitched)
{
    cleat__writer_begin_array(writer, "services");
    for (int32_t i = 0; i < stitched->service_count; i++) {
        cleat__writer_slice(writer, NULL, stitched->services[i]);
    }
    cleat__writer_end_array(writer);
}

static void write_traces(cleat__json_writer *writer, const cleat__stitched *stitched)
{
    cleat__writer_begin_array(writer, "traces");
    for (int32_t i = 0; i < stitched->trace_count; i++) {
        const cleat__stitched_trace *trace = &stitched->traces[i];
        cleat__writer_begin_object(writer, NULL);
        write_trace_id(writer, "id", &trace->id);
        cleat__writer_slice(writer, "name", trace->name);
        cleat__writer_slice(writer, "task", trace->task);
        cleat__writer_int(writer, "start_ns", trace->start_ns - stitched->start_ns);
        cleat__writer_int(writer, "end_ns", trace->end_ns - stitched->start_ns);
        cleat__writer_int(writer, "span_count", trace->span_count);
        cleat__writer_int(writer, "shown", trace->shown);
        cleat__writer_int(writer, "error_count", trace->error_count);
        cleat__writer_int(writer, "run", trace->run);
        cleat__writer_int(writer, "attempt", trace->attempt);
        cleat__writer_int(writer, "distance", trace->distance);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

/* ---- Spans ---- */

static void write_columns(cleat__json_writer *writer)
{
    static const char *const columns[] = {
        "trace",    "span_id",     "parent", "name",    "task",   "kind",  "status",     "service",
        "start_ns", "duration_ns", "run",    "attempt", "events", "links", "back_links",
    };
    cleat__writer_begin_array(writer, "span_columns");
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        cleat__writer_string(writer, NULL, columns[i]);
    }
    cleat__writer_end_array(writer);
}

static void write_span(cleat__json_writer *writer, const cleat__stitched *stitched,
                       const cleat__stitched_span *span)
{
    const cleat_span_view *view = &span->view;
    char task[CLEAT__SPAN_TASK_SIZE];
    cleat__writer_begin_array(writer, NULL);
    cleat__writer_int(writer, NULL, span->trace);
    write_span_id(writer, &view->span_id);
    cleat__writer_int(writer, NULL, span->parent);
    cleat__writer_slice(writer, NULL, view->name.data != NULL ? view->name : cleat_slice_of(""));
    cleat__writer_slice(writer, NULL, cleat__span_task(view, task));
    cleat__writer_int(writer, NULL,
                      view->kind == CLEAT_SPAN_KIND_DEFAULT ? CLEAT_SPAN_KIND_INTERNAL : view->kind);
    cleat__writer_int(writer, NULL, view->status);
    cleat__writer_int(writer, NULL, span->service);
    cleat__writer_int(writer, NULL, view->start_time_ns - stitched->start_ns);
    cleat__writer_int(writer, NULL, view->end_time_ns - view->start_time_ns);
    cleat__writer_int(writer, NULL, span->run);
    cleat__writer_int(writer, NULL, span->attempt);
    cleat__writer_int(writer, NULL, view->event_count);
    cleat__writer_int(writer, NULL, span->link_count);
    cleat__writer_int(writer, NULL, span->back_links);
    cleat__writer_end_array(writer);
}

static void write_spans(cleat__json_writer *writer, const cleat__stitched *stitched)
{
    cleat__writer_begin_array(writer, "spans");
    for (int32_t i = 0; i < stitched->span_count; i++) {
        write_span(writer, stitched, &stitched->spans[i]);
    }
    cleat__writer_end_array(writer);
}

/* ---- Events ---- */

/* Where they are on their span, of as many as a picture can show. */
static void write_events(cleat__json_writer *writer, const cleat__stitched *stitched)
{
    int32_t left = EVENTS_MOST;
    cleat__writer_begin_array(writer, "span_events");
    for (int32_t i = 0; i < stitched->span_count && left > 0; i++) {
        const cleat_span_view *view = &stitched->spans[i].view;
        cleat_event_view event;
        size_t cursor = 0;
        while (left > 0 && cleat_span_view_next_event(view, &cursor, &event)) {
            cleat__writer_begin_array(writer, NULL);
            cleat__writer_int(writer, NULL, i);
            int64_t time_ns = event.time_ns > 0 ? event.time_ns : 0; /* as with those of spans */
            cleat__writer_int(writer, NULL, time_ns - view->start_time_ns);
            cleat__writer_slice(writer, NULL, event.name.data != NULL ? event.name : cleat_slice_of(""));
            cleat__writer_end_array(writer);
            left--;
        }
    }
    cleat__writer_end_array(writer);
}

/* ---- Links ---- */

static void write_links(cleat__json_writer *writer, const cleat__stitched *stitched)
{
    cleat__writer_begin_array(writer, "links");
    for (int32_t i = 0; i < stitched->link_count; i++) {
        const cleat__stitched_link *link = &stitched->links[i];
        cleat__writer_begin_array(writer, NULL);
        cleat__writer_int(writer, NULL, link->from);
        cleat__writer_int(writer, NULL, link->to);
        cleat__writer_slice(writer, NULL, link->kind);
        if (link->to == CLEAT__STITCHED_NONE) {
            write_trace_id(writer, NULL, &link->to_trace_id);
            write_span_id(writer, &link->to_span_id);
        } else {
            cleat__writer_string(writer, NULL, NULL);
            cleat__writer_string(writer, NULL, NULL);
        }
        cleat__writer_end_array(writer);
    }
    cleat__writer_end_array(writer);
}

static void write_outside(cleat__json_writer *writer, const char *key, const cleat__stitched_outside *list,
                          int32_t count)
{
    cleat__writer_begin_array(writer, key);
    for (int32_t i = 0; i < count; i++) {
        cleat__writer_begin_object(writer, NULL);
        write_trace_id(writer, "trace_id", &list[i].trace_id);
        cleat__writer_slice(writer, "name", list[i].name);
        cleat__writer_slice(writer, "task", list[i].task);
        cleat__writer_int(writer, "count", list[i].count);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

/* ---- All ---- */

void cleat__stitched_to_json(cleat__json_writer *writer, const char *key, const cleat__stitched *stitched)
{
    cleat__writer_begin_object(writer, key);
    write_totals(writer, stitched);
    write_runs(writer, stitched);
    write_services(writer, stitched);
    write_traces(writer, stitched);
    write_columns(writer);
    write_spans(writer, stitched);
    write_events(writer, stitched);
    write_links(writer, stitched);
    write_outside(writer, "links_to", stitched->links_to, stitched->links_to_count);
    write_outside(writer, "linked_from", stitched->linked_from, stitched->linked_from_count);
    cleat__writer_int(writer, "links_to_total", stitched->links_to_total);
    cleat__writer_int(writer, "linked_from_total", stitched->linked_from_total);
    cleat__writer_end_object(writer);
}
