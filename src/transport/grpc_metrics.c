/* Figures: over HTTP, since the protocol has none. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/queue_list.h"
#include "transport/remote_http.h"
#include "transport/remote_query.h"
#include "transport/remote_rows.h"

static const cleat_slice none = {NULL, 0};

/* ---- Runs ---- */

static cleat_status fail_metrics(const cleat__link *link)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s tells no figures of runs",
                       link->settings.api_url);
}

/* NULL: it is no status. */
static int64_t *count_of(cleat_run_metrics *metrics, cleat_run_status status)
{
    switch (status) {
    case CLEAT_RUN_QUEUED: return &metrics->queued;
    case CLEAT_RUN_RUNNING: return &metrics->running;
    case CLEAT_RUN_COMPLETED: return &metrics->completed;
    case CLEAT_RUN_FAILED: return &metrics->failed;
    case CLEAT_RUN_CANCELLED: return &metrics->cancelled;
    default: return NULL;
    }
}

/* False: it is none. */
static bool read_count(cleat_slice row, cleat_run_metrics *out)
{
    cleat_slice detail = cleat__remote_member(row, "runningDetailCount");
    cleat_run_status status;
    int64_t count = 0, evicted = 0;
    if (!cleat__remote_row_status(row, &status) ||
        !cleat__remote_count(cleat__remote_member(row, "count"), &count) ||
        !cleat__remote_count(cleat__remote_member(detail, "evicted"), &evicted)) {
        return false;
    }
    int64_t *place = count_of(out, status);
    if (status == CLEAT_RUN_RUNNING && evicted <= count) { /* which are counted with them */
        out->evicted = evicted;
        count -= evicted;
    }
    if (place != NULL) {
        *place = count;
    }
    return place != NULL;
}

static cleat_status read_metrics(const cleat__link *link, cleat_slice body, cleat_run_metrics *out)
{
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat_status status = cleat__remote_is_array(body) ? CLEAT_OK : fail_metrics(link);
    cleat__json_items(body, &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_count(row, out) ? CLEAT_OK : fail_metrics(link);
    }
    return status;
}

cleat_status cleat__remote_run_metrics(cleat__link *link, const cleat__many_runs *what,
                                       cleat_run_metrics *out)
{
    cleat__buffer path = {0}, reply = {0};
    cleat__buffer_append_format(&path, "/api/v1/stable/tenants/%s/task-metrics", link->settings.tenant_id);
    cleat_status status = cleat__remote_write_filter(link, what, &path);
    char *text = cleat__buffer_take_string(&path);
    if (status == CLEAT_OK) {
        status = text != NULL ? cleat__remote_http(&link->settings, "GET", text, none, &reply)
                              : cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        status = read_metrics(link, cleat__buffer_slice(&reply), out);
    }
    cleat__free(text);
    cleat__buffer_deinit(&reply);
    return status;
}

/* ---- Queues ---- */

/* Of one task name in one state. */
typedef struct queue_part {
    bool is_running;
    cleat_slice whole; /* {"total":3,"queues":{"mail:send":3},"oldest":".."} */
} queue_part;

/* Where there is no time for each queue, that of all of them. */
static bool read_oldest(const queue_part *part, const char *action, int64_t *out)
{
    cleat_slice of_queues = cleat__remote_member(part->whole, "oldestOfQueues");
    cleat_slice value = cleat__remote_member(of_queues, action);
    return cleat__remote_time(value.data != NULL ? value : cleat__remote_member(part->whole, "oldest"), out);
}

static cleat_status read_queue(const cleat__link *link, const queue_part *part, cleat_slice key,
                               cleat_slice value, cleat_queue_metrics *out)
{
    char *action = cleat__remote_text(key);
    int64_t count = 0, oldest_ms = 0;
    if (action == NULL || !cleat__remote_count(value, &count) || !read_oldest(part, action, &oldest_ms)) {
        cleat__free(action);
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s tells of a queue that is none",
                           link->settings.api_url);
    }
    cleat_queue_entry *entry =
        count != 0 ? cleat__queue_list_find(out, cleat__remote_own_name(&link->settings, action)) : NULL;
    cleat__free(action);
    if (entry != NULL && part->is_running) {
        entry->running = count;
        entry->oldest_running_at_ms = oldest_ms;
    } else if (entry != NULL) {
        entry->queued = count;
        entry->oldest_queued_at_ms = oldest_ms;
    }
    return count == 0 || entry != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status read_part(const cleat__link *link, const queue_part *part, cleat_queue_metrics *out)
{
    cleat__json_cursor cursor;
    cleat_slice key, value;
    cleat_status status = CLEAT_OK;
    cleat__json_members(cleat__remote_member(part->whole, "queues"), &cursor);
    while (status == CLEAT_OK && cleat__json_next_member(&cursor, &key, &value)) {
        status = read_queue(link, part, key, value, out);
    }
    return status;
}

/* {"send":{"queued":{..},"running":{..}}} */
static cleat_status read_queues(const cleat__link *link, cleat_slice body, cleat_queue_metrics *out)
{
    cleat__json_cursor cursor;
    cleat_slice name, task;
    cleat_status status = CLEAT_OK;
    if (!cleat__remote_is_object(body)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s tells no figures of queues",
                           link->settings.api_url);
    }
    cleat__json_members(body, &cursor);
    while (status == CLEAT_OK && cleat__json_next_member(&cursor, &name, &task)) {
        const queue_part queued = {.whole = cleat__remote_member(task, "queued")};
        const queue_part running = {.is_running = true, .whole = cleat__remote_member(task, "running")};
        status = read_part(link, &queued, out);
        status = status == CLEAT_OK ? read_part(link, &running, out) : status;
    }
    return status;
}

cleat_status cleat__remote_queue_metrics(cleat__link *link, cleat_queue_metrics *out)
{
    cleat__buffer reply = {0};
    cleat_status status = cleat__remote_http(&link->settings, "GET", "/task-stats", none, &reply);
    if (status == CLEAT_OK) {
        status = read_queues(link, cleat__buffer_slice(&reply), out);
    }
    cleat__buffer_deinit(&reply);
    cleat__queue_list_sort(out);
    return status;
}
