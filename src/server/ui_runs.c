/* GET runs and runs/histogram */
#include "base/clock.h"
#include "store/run_search.h"
#include "ui_parts.h"

enum { LIMIT = 50, LIMIT_MOST = 200, BUCKETS = 60, PAIRS_MOST = 16 };

typedef struct search {
    cleat__run_search_filter filter;
    cleat__run_pair metadata[PAIRS_MOST];
    cleat__uuid parent, before;
    int64_t buckets;
    /* While it goes on. */
    cleat__store *store;
    cleat__json_writer *writer;
    cleat_status status;
} search;

/* ---- The question ---- */

static bool read_metadata(cleat__http_call *call, search *self)
{
    cleat__ui_pair pairs[PAIRS_MOST];
    if (!cleat__ui_read_pairs(call, "metadata", ':', PAIRS_MOST, pairs, &self->filter.metadata_count)) {
        return false;
    }
    for (size_t i = 0; i < self->filter.metadata_count; i++) {
        self->metadata[i] = (cleat__run_pair){pairs[i].key, pairs[i].value};
    }
    self->filter.metadata = self->metadata;
    return true;
}

/* A run, or "none". */
static bool read_parent(cleat__http_call *call, search *self)
{
    bool is_there = false;
    if (cleat_slice_equals(cleat__http_call_argument(call, "parent"), cleat_slice_of("none"))) {
        self->filter.without_parent = true;
        return true;
    }
    bool is_good = cleat__http_call_uuid(call, "parent", &self->parent, &is_there);
    self->filter.parent = is_there ? &self->parent : NULL;
    return is_good;
}

static bool read_filter(cleat__http_call *call, search *self)
{
    cleat__run_search_filter *filter = &self->filter;
    *filter = (cleat__run_search_filter){.tenant = call->identity.tenant, .limit = LIMIT};
    return cleat__ui_read_statuses(call, &filter->statuses) &&
           cleat__ui_read_text(call, "workflow", &filter->workflow) &&
           cleat__ui_read_times(call, &filter->since_ms, &filter->until_ms) &&
           cleat__ui_read_text(call, "text", &filter->text) && read_metadata(call, self) &&
           read_parent(call, self);
}

/* ---- The list ---- */

static bool write_found(void *argument, const cleat__uuid *id)
{
    search *self = argument;
    cleat__rest_run run;
    self->status = cleat__rest_query_run(self->store, self->filter.tenant, id, false, &run);
    if (self->status == CLEAT_OK) {
        cleat__ui_write_run(self->writer, NULL, &run);
    }
    return self->status == CLEAT_OK && !cleat__answer_is_full(self->writer);
}

static cleat_status write_runs(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    search *self = argument;
    cleat__run_search_end end;
    self->store = store;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__run_search(store, &self->filter, write_found, self, &end);
    status = status == CLEAT_OK ? self->status : status;
    cleat__writer_end_array(writer);
    if (status == CLEAT_OK && end.has_next) {
        cleat__ui_write_uuid(writer, "next", &end.next);
        cleat__ui_write_time(writer, "searched_to_ms", end.searched_to_ms);
    } else {
        cleat__ui_write_null(writer, "next");
        cleat__ui_write_null(writer, "searched_to_ms");
    }
    cleat__writer_end_object(writer);
    return status;
}

void cleat__ui_run_list(cleat__http_call *call)
{
    search self = {.status = CLEAT_OK};
    bool has_before = false;
    if (read_filter(call, &self) && cleat__http_call_uuid(call, "before", &self.before, &has_before) &&
        cleat__http_call_int(call, "limit", 1, LIMIT_MOST, &self.filter.limit)) {
        self.filter.before = has_before ? &self.before : NULL;
        cleat__ui_answer(call, write_runs, &self);
    }
}

/* ---- The histogram ---- */

/* Those that are not 0, by the names of their statuses. */
static void write_counts(cleat__json_writer *writer, const char *key, const int64_t counts[CLEAT__RUN_STATES])
{
    cleat__writer_begin_object(writer, key);
    for (int i = 0; i < CLEAT__RUN_STATES; i++) {
        if (counts[i] != 0) {
            cleat__writer_int(writer, cleat_run_status_name((cleat_run_status)i), counts[i]);
        }
    }
    cleat__writer_end_object(writer);
}

static cleat_status write_histogram(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const search *self = argument;
    cleat__run_histogram histogram;
    cleat_status status =
        cleat__run_histogram_load(store, &self->filter, (int32_t)self->buckets,
                                  cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS, &histogram);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_time(writer, "from_ms", histogram.from_ms);
    cleat__ui_write_time(writer, "to_ms", histogram.to_ms);
    cleat__ui_write_time(writer, "width_ms", histogram.width_ms);
    cleat__writer_begin_array(writer, "buckets");
    for (int32_t i = 0; i < histogram.bucket_count; i++) {
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_int(writer, "at_ms", histogram.buckets[i].at_ms);
        write_counts(writer, "counts", histogram.buckets[i].counts);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    write_counts(writer, "totals", histogram.totals);
    cleat__writer_int(writer, "counted", histogram.counted);
    cleat__writer_bool(writer, "is_complete", histogram.is_complete);
    cleat__writer_end_object(writer);
    return CLEAT_OK;
}

void cleat__ui_run_histogram(cleat__http_call *call)
{
    search self = {.buckets = BUCKETS};
    if (read_filter(call, &self) &&
        cleat__http_call_int(call, "buckets", 1, CLEAT__RUN_BUCKETS_MAX, &self.buckets)) {
        cleat__ui_answer(call, write_histogram, &self);
    }
}
