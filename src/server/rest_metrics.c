/* GET .../task-metrics, .../task-point-metrics, .../queue-metrics, .../step-run-queue-metrics, .../task-stats,
 * .../prometheus-metrics: counts of runs */
#include "rest_parts.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/rfc3339.h"
#include "metrics.h"
#include "model/workflow.h"

#include <stdio.h>

/* ---- By status ---- */

static void write_counts(cleat__json_writer *writer, const uint64_t by_status[CLEAT__RUN_SHOWN_STATES])
{
    static const cleat_run_status order[] = {CLEAT_RUN_QUEUED, CLEAT_RUN_RUNNING, CLEAT_RUN_COMPLETED,
                                             CLEAT_RUN_CANCELLED, CLEAT_RUN_FAILED};
    uint64_t evicted = by_status[CLEAT_RUN_EVICTED];
    cleat__writer_begin_array(writer, NULL);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        bool is_running = order[i] == CLEAT_RUN_RUNNING;
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_string(writer, "status", cleat_run_status_name(order[i]));
        cleat__writer_int(writer, "count", (int64_t)(by_status[order[i]] + (is_running ? evicted : 0)));
        if (is_running) {
            cleat__writer_begin_object(writer, "runningDetailCount");
            cleat__writer_int(writer, "evicted", (int64_t)evicted);
            cleat__writer_int(writer, "onWorker", (int64_t)by_status[order[i]]);
            cleat__writer_end_object(writer);
        }
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

typedef struct counting {
    cleat__http_call *call;
    cleat__rest_filter filter;
} counting;

static cleat_status write_task_metrics(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const counting *self = argument;
    uint64_t by_status[CLEAT__RUN_SHOWN_STATES];
    cleat_status status =
        cleat__rest_query_run_counts(store, self->call->identity.tenant, &self->filter, by_status);
    if (status == CLEAT_OK) {
        write_counts(writer, by_status);
    }
    return status;
}

void cleat__rest_task_metrics(cleat__http_call *call)
{
    counting self = {.call = call};
    if (cleat__rest_read_filter(call, &self.filter)) {
        cleat__rest_answer(call, write_task_metrics, &self);
    }
    cleat__rest_filter_deinit(&self.filter);
}

/* ---- Over time: how many ended well and badly in each part of a span of time ---- */

enum { POINTS_WANTED = 30, POINTS_MAX = 32 }; /* one more for what a division leaves */
#define MINUTE_MS INT64_C(60000)
#define DAY_MS    (24 * 60 * MINUTE_MS)

typedef struct points {
    cleat__http_call *call;
    cleat__rest_span span;
    int64_t completed[POINTS_MAX], failed[POINTS_MAX];
} points;

static void note_ends(void *argument, const cleat__rest_ends *row)
{
    points *self = argument;
    self->completed[row->index] = row->completed;
    self->failed[row->index] = row->failed;
}

static cleat_status write_points(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    points *self = argument;
    const cleat__rest_span *span = &self->span;
    cleat_status status =
        cleat__rest_query_run_ends(store, self->call->identity.tenant, span, note_ends, self);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "results");
    for (int64_t i = 0; span->from_ms + i * span->width_ms < span->to_ms; i++) {
        cleat__writer_begin_object(writer, NULL);
        cleat__rest_write_time(writer, "time", span->from_ms + i * span->width_ms);
        cleat__writer_int(writer, "SUCCEEDED", self->completed[i]);
        cleat__writer_int(writer, "FAILED", self->failed[i]);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
    return status;
}

/* The day that ends now, unless the query says otherwise. */
static bool read_span(points *self)
{
    cleat__http_call *call = self->call;
    cleat__rest_span *span = &self->span;
    span->to_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    if (!cleat__http_call_time(call, "finishedBefore", &span->to_ms)) {
        return false;
    }
    span->from_ms = span->to_ms - DAY_MS;
    if (!cleat__http_call_time(call, "createdAfter", &span->from_ms)) {
        return false;
    }
    int64_t length = span->to_ms - span->from_ms;
    if (length <= 0 || length > 366 * DAY_MS) {
        cleat__http_call_fail(call, 400, "createdAfter must be before finishedBefore, by a year at most");
        return false;
    }
    span->width_ms = length / POINTS_WANTED > MINUTE_MS ? length / POINTS_WANTED : MINUTE_MS;
    return true;
}

void cleat__rest_point_metrics(cleat__http_call *call)
{
    points self = {.call = call};
    if (read_span(&self)) {
        cleat__rest_answer(call, write_points, &self);
    }
}

/* ---- By queue ---- */

typedef struct queues {
    cleat__http_call *call;
    cleat__json_writer *writer;
    int64_t queued, running;
} queues;

#define KEY_SIZE (CLEAT__ACTION_MAX + 1)

static const char *key_of(cleat_slice text, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%.*s", CLEAT_SLICE_ARGS(text));
    return key;
}

static bool write_queue(void *argument, const cleat__queue_row *row)
{
    queues *self = argument;
    char key[KEY_SIZE];
    self->queued += row->queued;
    self->running += row->running;
    if (row->queued != 0) {
        cleat__writer_int(self->writer, key_of(row->action, key), row->queued);
    }
    return true;
}

static cleat_status write_queues(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    queues *self = argument;
    self->writer = writer;
    cleat__writer_begin_object(writer, "queues");
    cleat_status status = cleat__queue_count(store, self->call->identity.tenant, write_queue, self);
    cleat__writer_end_object(writer);
    return status;
}

static cleat_status write_step_run_queues(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    cleat__writer_begin_object(writer, NULL);
    cleat_status status = write_queues(argument, store, writer);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_step_queue_metrics(cleat__http_call *call)
{
    queues self = {.call = call};
    cleat__rest_answer(call, write_step_run_queues, &self);
}

static cleat_status write_tenant_queues(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const queues *self = argument;
    cleat__writer_begin_object(writer, NULL);
    cleat_status status = write_queues(argument, store, writer);
    cleat__writer_begin_object(writer, "total");
    cleat__writer_int(writer, "numQueued", self->queued);
    cleat__writer_int(writer, "numRunning", self->running);
    cleat__writer_int(writer, "numPending", 0);
    cleat__writer_end_object(writer);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_queue_metrics(cleat__http_call *call)
{
    queues self = {.call = call};
    cleat__rest_answer(call, write_tenant_queues, &self);
}

/* ---- By task ---- */

typedef struct stats {
    cleat__http_call *call;
    json_t *tasks; /* the answer */
} stats;

/* The object of that name in another one, made when there is none; NULL on no memory. */
static json_t *member(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);
    if (found == NULL) {
        found = json_object();
        found = json_object_set_new(object, key, found) == 0 ? found : NULL;
    }
    return found;
}

/* The earlier one of what is there and of `unix_ms`. */
static void note_oldest(json_t *object, const char *key, int64_t unix_ms)
{
    char text[CLEAT__RFC3339_SIZE];
    const char *former = json_string_value(json_object_get(object, key));
    cleat__rfc3339_format(unix_ms, text);
    if (unix_ms != 0 && (former == NULL || strcmp(text, former) < 0)) {
        json_object_set_new(object, key, json_string(text));
    }
}

/* Of one queue: two workflows may have tasks of one name. */
static void note_oldest_of(json_t *object, const cleat__queue_row *row, int64_t unix_ms)
{
    char key[KEY_SIZE];
    if (object != NULL) {
        note_oldest(member(object, "oldestOfQueues"), key_of(row->action, key), unix_ms);
    }
}

static json_t *note_count(json_t *task, const char *status, const cleat__queue_row *row, int64_t count)
{
    char key[KEY_SIZE];
    if (count == 0) {
        return NULL;
    }
    json_t *object = member(task, status);
    json_int_t total = json_integer_value(json_object_get(object, "total"));
    json_object_set_new(object, "total", json_integer(total + count));
    json_object_set_new(member(object, "queues"), key_of(row->action, key), json_integer(count));
    return object;
}

static bool note_queue(void *argument, const cleat__queue_row *row)
{
    stats *self = argument;
    char key[KEY_SIZE];
    if (!cleat__rest_is_wanted(self->call, "taskNames", row->task_name)) {
        return true;
    }
    json_t *task = member(self->tasks, key_of(row->task_name, key));
    json_t *queued = note_count(task, "queued", row, row->queued);
    json_t *running = note_count(task, "running", row, row->running);
    note_oldest_of(queued, row, row->oldest_queued_at_ms);
    note_oldest_of(running, row, row->oldest_started_at_ms);
    note_oldest(queued, "oldest", row->oldest_queued_at_ms);
    note_oldest(queued, "oldestExcludingRetries", row->oldest_first_queued_at_ms);
    note_oldest(running, "oldest", row->oldest_started_at_ms);
    return true;
}

/* What is counted of that rule; made when there is nothing yet. NULL on no memory. */
static json_t *rule_of(json_t *object, const cleat__rest_claim *row)
{
    const char *strategy = cleat__concurrency_strategy_name(row->strategy);
    json_t *rules = json_object_get(object, "concurrency"), *rule;
    size_t i;
    json_array_foreach(rules, i, rule)
    {
        const json_t *expression = json_object_get(rule, "expression");
        const cleat_slice text = {json_string_value(expression), json_string_length(expression)};
        if (cleat_slice_equals(text, row->expression) &&
            strcmp(json_string_value(json_object_get(rule, "type")), strategy) == 0) {
            return rule;
        }
    }
    if (rules == NULL) {
        rules = json_array();
        rules = json_object_set_new(object, "concurrency", rules) == 0 ? rules : NULL;
    }
    rule = json_pack("{s:s%, s:s, s:{}}", "expression", row->expression.data, row->expression.size, "type",
                     strategy, "keys");
    return json_array_append_new(rules, rule) == 0 ? rule : NULL;
}

static void note_claim(void *argument, const cleat__rest_claim *row)
{
    stats *self = argument;
    char name[KEY_SIZE], key[CLEAT__CONCURRENCY_KEY_MAX + 1];
    json_t *task = json_object_get(self->tasks, key_of(row->task_name, name));
    json_t *object = json_object_get(task, row->is_running ? "running" : "queued");
    json_t *rule = object != NULL ? rule_of(object, row) : NULL; /* else it was not asked for */
    (void)snprintf(key, sizeof(key), "%.*s", CLEAT_SLICE_ARGS(row->key));
    json_object_set_new(json_object_get(rule, "keys"), key, json_integer(row->count));
}

static cleat_status write_stats(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    stats *self = argument;
    int64_t tenant = self->call->identity.tenant;
    cleat_status status = cleat__queue_count(store, tenant, note_queue, self);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_claims(store, tenant, note_claim, self);
    }
    char *text = status == CLEAT_OK ? json_dumps(self->tasks, JSON_COMPACT) : NULL;
    if (status == CLEAT_OK && text == NULL) {
        status = cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        cleat__writer_raw(writer, NULL, cleat_slice_of(text));
    }
    free(text);
    return status;
}

void cleat__rest_task_stats(cleat__http_call *call)
{
    stats self = {call, json_object()};
    cleat__rest_answer(call, write_stats, &self);
    json_decref(self.tasks);
}

/* ---- For Prometheus ---- */

typedef struct scrape {
    cleat__metrics_text text;
    enum { QUEUED, RUNNING, EVICTED } family; /* that is written */
} scrape;

static bool write_sample(void *argument, const cleat__queue_row *row)
{
    scrape *self = argument;
    char action[KEY_SIZE], task[KEY_SIZE];
    int64_t value = self->family == QUEUED    ? row->queued
                    : self->family == RUNNING ? row->running
                                              : row->evicted;
    cleat__metrics_text_int(
        &self->text,
        CLEAT__METRIC_LABELS({"action", key_of(row->action, action)}, {"task", key_of(row->task_name, task)}),
        (uint64_t)value);
    return true;
}

void cleat__rest_prometheus(cleat__http_call *call)
{
    cleat__buffer out = {0};
    cleat__store *store = NULL;
    scrape self = {.text = {.out = &out}};
    cleat_status status = cleat__rest_take(call, &store);
    cleat__metrics_text_begin(&self.text, "cleat_tenant_queued_runs", "gauge",
                              "Runs of the tenant that wait for a worker.");
    if (status == CLEAT_OK) {
        status = cleat__queue_count(store, call->identity.tenant, write_sample, &self);
    }
    cleat__metrics_text_begin(&self.text, "cleat_tenant_running_runs", "gauge",
                              "Runs of the tenant that are with a worker.");
    self.family = RUNNING;
    if (status == CLEAT_OK) {
        status = cleat__queue_count(store, call->identity.tenant, write_sample, &self);
    }
    cleat__metrics_text_begin(&self.text, "cleat_tenant_evicted_runs", "gauge",
                              "Runs of the tenant that wait, and that no worker has.");
    self.family = EVICTED;
    if (status == CLEAT_OK) {
        status = cleat__queue_count(store, call->identity.tenant, write_sample, &self);
    }
    cleat__rest_give(call, store);
    if (status == CLEAT_OK) {
        cleat__http_call_answer(call, 200, CLEAT__METRICS_CONTENT_TYPE, &out);
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__buffer_deinit(&out);
}
