/* GET .../workflow-runs, .../task-metrics, .../step-run-queue-metrics */
#include "rest_parts.h"

#include "base/error.h"

#define PAGE_BYTES_MAX ((size_t)64 * 1024 * 1024)

typedef struct page {
    cleat__http_call *call;
    cleat__json_writer writer;
    bool only_tasks;
    bool is_too_large;
} page;

static bool write_row(void *argument, const cleat__rest_run *run)
{
    page *self = argument;
    cleat__rest_write_summary(&self->writer, NULL, self->call, run, self->only_tasks);
    self->is_too_large = self->writer.out.size > PAGE_BYTES_MAX;
    return !self->is_too_large;
}

/* RUNNING runs can be asked for by where they are: with a worker, as all of them are, or evicted. */
static bool read_running_filter(cleat__http_call *call, cleat__rest_filter *out)
{
    cleat_slice value = cleat__http_call_argument(call, "running_filter");
    if (cleat_slice_equals(value, cleat_slice_of("EVICTED"))) {
        const unsigned all = (1U << (CLEAT_RUN_CANCELLED + 1)) - 1;
        out->statuses = (out->statuses != 0 ? out->statuses : all) & ~(1U << CLEAT_RUN_RUNNING);
        out->matches_nothing = out->matches_nothing || out->statuses == 0;
    } else if (value.data != NULL && !cleat_slice_equals(value, cleat_slice_of("ALL")) &&
               !cleat_slice_equals(value, cleat_slice_of("ON_WORKER"))) {
        cleat__http_call_refuse(call, 400, "Invalid format for parameter running_filter");
        return false;
    }
    return true;
}

static bool read_page(cleat__http_call *call, cleat__rest_filter *filter, bool *only_tasks)
{
    if (!cleat__rest_read_filter(call, filter)) {
        return false;
    }
    if (cleat__http_call_argument(call, "only_tasks").data == NULL) {
        cleat__http_call_refuse(call, 400,
                                "parameter \"only_tasks\" in query has an error: value is required");
        return false;
    }
    filter->limit = 50;
    return cleat__http_call_bool(call, "only_tasks", only_tasks) &&
           cleat__http_call_bool(call, "include_payloads", &filter->with_payloads) &&
           cleat__http_call_int(call, "offset", 0, 1000000000, &filter->offset) &&
           cleat__http_call_int(call, "limit", 1, 10000, &filter->limit) && read_running_filter(call, filter);
}

static void write_page(page *self, const cleat__rest_filter *filter)
{
    cleat__rest *rest = self->call->service;
    cleat__store *store = NULL;
    int64_t total = 0;
    cleat__writer_begin_object(&self->writer, NULL);
    cleat__writer_begin_array(&self->writer, "rows");
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status =
            cleat__rest_query_runs(store, self->call->identity.tenant, filter, write_row, self, NULL, &total);
    }
    cleat__rest_give(rest, store);
    cleat__writer_end_array(&self->writer);
    cleat__rest_write_pages(&self->writer, filter->offset, filter->limit, total);
    cleat__writer_end_object(&self->writer);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    } else if (self->is_too_large) {
        cleat__http_call_fail(self->call, 400, "the page is larger than %zu bytes: ask for fewer rows",
                              PAGE_BYTES_MAX);
    } else {
        cleat__http_call_answer_json(self->call, 200, &self->writer);
    }
    cleat__buffer_deinit(&self->writer.out);
}

void cleat__rest_run_list(cleat__http_call *call)
{
    cleat__rest_filter filter = {0};
    page self = {.call = call};
    if (cleat__http_call_argument(call, "worker_id").data != NULL) {
        cleat__http_call_fail(call, 501, "listing runs by worker is not supported yet");
    } else if (read_page(call, &filter, &self.only_tasks)) {
        write_page(&self, &filter);
    }
    cleat__rest_filter_deinit(&filter);
}

/* ---- Counts ---- */

static void write_counts(cleat__http_call *call, const uint64_t by_status[5])
{
    static const cleat_run_status order[] = {CLEAT_RUN_QUEUED, CLEAT_RUN_RUNNING, CLEAT_RUN_COMPLETED,
                                             CLEAT_RUN_CANCELLED, CLEAT_RUN_FAILED};
    cleat__json_writer writer = {0};
    cleat__writer_begin_array(&writer, NULL);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        cleat__writer_begin_object(&writer, NULL);
        cleat__writer_string(&writer, "status", cleat_run_status_name(order[i]));
        cleat__writer_int(&writer, "count", (int64_t)by_status[order[i]]);
        if (order[i] == CLEAT_RUN_RUNNING) {
            cleat__writer_begin_object(&writer, "runningDetailCount");
            cleat__writer_int(&writer, "evicted", 0);
            cleat__writer_int(&writer, "onWorker", (int64_t)by_status[order[i]]);
            cleat__writer_end_object(&writer);
        }
        cleat__writer_end_object(&writer);
    }
    cleat__writer_end_array(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

void cleat__rest_task_metrics(cleat__http_call *call)
{
    cleat__rest *rest = call->service;
    cleat__rest_filter filter = {0};
    cleat__store *store = NULL;
    uint64_t by_status[5];
    int64_t total;
    if (cleat__rest_read_filter(call, &filter)) {
        cleat_status status = cleat__rest_take(rest, &store);
        if (status == CLEAT_OK) {
            status =
                cleat__rest_query_runs(store, call->identity.tenant, &filter, NULL, NULL, by_status, &total);
        }
        if (status == CLEAT_OK) {
            write_counts(call, by_status);
        } else {
            cleat__http_call_fail_status(call, status);
        }
        cleat__rest_give(rest, store);
    }
    cleat__rest_filter_deinit(&filter);
}

static bool write_queue(void *argument, cleat_slice action, int64_t count)
{
    cleat__json_writer *writer = argument;
    char key[2 * CLEAT__TASK_NAME_MAX + 2] = "";
    strncat(key, action.data, action.size < sizeof(key) ? action.size : sizeof(key) - 1);
    cleat__writer_int(writer, key, count);
    return true;
}

void cleat__rest_queue_metrics(cleat__http_call *call)
{
    cleat__rest *rest = call->service;
    cleat__json_writer writer = {0};
    cleat__store *store = NULL;
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_object(&writer, "queues");
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_queues(store, call->identity.tenant, write_queue, &writer);
    }
    cleat__rest_give(rest, store);
    cleat__writer_end_object(&writer);
    cleat__writer_end_object(&writer);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else {
        cleat__http_call_fail_status(call, status);
        cleat__buffer_deinit(&writer.out);
    }
}
