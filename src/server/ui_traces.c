/* GET traces */
#include "base/clock.h"
#include "collector/trace_search.h"
#include "rest_parts.h"
#include "ui_parts.h"

enum { LIMIT = 50, LIMIT_MOST = 500 };

typedef struct search {
    cleat__trace_search_filter filter;
    cleat__trace_attribute attributes[CLEAT__TRACE_ATTRIBUTES_MAX];
    cleat__trace_cursor before;
    cleat__json_writer *writer;
} search;

/* ---- The question ---- */

static bool read_attributes(cleat__http_call *call, search *self)
{
    cleat__ui_pair pairs[CLEAT__TRACE_ATTRIBUTES_MAX];
    if (!cleat__ui_read_pairs(call, "attribute", '=', CLEAT__TRACE_ATTRIBUTES_MAX, pairs,
                              &self->filter.attribute_count)) {
        return false;
    }
    for (size_t i = 0; i < self->filter.attribute_count; i++) {
        self->attributes[i] = (cleat__trace_attribute){pairs[i].key, pairs[i].value};
    }
    self->filter.attributes = self->attributes;
    return true;
}

static bool read_status(cleat__http_call *call, cleat__trace_status *out)
{
    static const char *const names[] = {"ok", "error", NULL};
    static const cleat__trace_status statuses[] = {CLEAT__TRACE_ANY, CLEAT__TRACE_OK, CLEAT__TRACE_ERROR,
                                                   CLEAT__TRACE_ANY};
    unsigned chosen = 0;
    bool is_good = cleat__rest_read_choices(call, "status", names, &chosen);
    *out = statuses[chosen];
    return is_good;
}

static bool read_durations(cleat__http_call *call, cleat__trace_search_filter *filter)
{
    return cleat__http_call_int(call, "min_duration_ns", 0, INT64_MAX, &filter->min_duration_ns) &&
           cleat__http_call_int(call, "max_duration_ns", 1, INT64_MAX, &filter->max_duration_ns) &&
           (filter->max_duration_ns == 0 || filter->min_duration_ns <= filter->max_duration_ns ||
            cleat__ui_refuse(call, "max_duration_ns"));
}

static bool read_before(cleat__http_call *call, search *self)
{
    cleat_slice text = cleat__http_call_argument(call, "before");
    if (text.data == NULL) {
        return true;
    }
    self->filter.before = &self->before;
    return cleat__trace_cursor_parse(text, &self->before) == CLEAT_OK || cleat__ui_refuse(call, "before");
}

static bool read_filter(cleat__http_call *call, search *self)
{
    static const char *const sorts[] = {"newest", "longest", NULL};
    cleat__trace_search_filter *filter = &self->filter;
    int64_t since_ms = 0, until_ms = 0;
    int sort = 0;
    *filter = (cleat__trace_search_filter){.tenant = call->identity.tenant, .limit = LIMIT};
    bool is_good = cleat__ui_read_text(call, "service", &filter->service) &&
                   cleat__ui_read_text(call, "name", &filter->name) && read_attributes(call, self) &&
                   read_status(call, &filter->status) && read_durations(call, filter) &&
                   cleat__ui_read_times(call, &since_ms, &until_ms) &&
                   cleat__rest_read_choice(call, "sort", sorts, &sort) && read_before(call, self) &&
                   cleat__http_call_int(call, "limit", 1, LIMIT_MOST, &filter->limit);
    filter->since_ns = since_ms * CLEAT__NS_PER_MS;
    filter->until_ns = until_ms * CLEAT__NS_PER_MS;
    filter->is_longest_first = sort == 1;
    return is_good;
}

/* ---- The answer ---- */

static bool write_trace(void *argument, const cleat__trace_row *row)
{
    const search *self = argument;
    cleat__json_writer *writer = self->writer;
    char id[33];
    cleat_trace_id_to_hex(&row->trace_id, id);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_string(writer, "id", id);
    cleat__writer_slice(writer, "name", row->root_name.data != NULL ? row->root_name : cleat_slice_of(""));
    cleat__writer_slice(writer, "task", row->task);
    cleat__writer_slice(writer, "service", row->service_name);
    cleat__writer_int(writer, "start_ms", row->start_time_ns / CLEAT__NS_PER_MS);
    cleat__writer_int(writer, "duration_ns", cleat__span_duration_ns(row->start_time_ns, row->end_time_ns));
    cleat__writer_int(writer, "span_count", row->span_count);
    cleat__writer_int(writer, "error_count", row->error_count);
    cleat__writer_int(writer, "links_out", row->links_out);
    cleat__writer_int(writer, "links_in", row->links_in);
    cleat__writer_end_object(writer);
    return !cleat__answer_is_full(writer);
}

static cleat_status write_traces(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    search *self = argument;
    cleat__trace_search_end end;
    char cursor[CLEAT__TRACE_CURSOR_SIZE];
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__trace_search(store, &self->filter, write_trace, self, &end);
    cleat__writer_end_array(writer);
    if (status == CLEAT_OK) {
        cleat__trace_cursor_format(&end.next, cursor);
        cleat__writer_string(writer, "next", end.has_next ? cursor : NULL);
        cleat__ui_write_time(writer, "searched_to_ms", end.searched_to_ms);
        cleat__writer_int(writer, "searched_spans", end.searched_spans);
    }
    cleat__writer_end_object(writer);
    return status;
}

void cleat__ui_trace_list(cleat__http_call *call)
{
    search self = {.writer = NULL};
    if (read_filter(call, &self)) {
        cleat__ui_answer(call, write_traces, &self);
    }
}
