#include "metrics_engine.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/engine.h"
#include "store/store.h"

#include <stdio.h>

struct cleat__metrics_engine {
    cleat__metrics *metrics;
    cleat__engine *engine;
    cleat__store *store; /* a reader, used while the numbers are collected */
};

static void write_gauge(cleat__metrics_text *text, const char *name, const char *help, uint64_t value)
{
    cleat__metrics_text_begin(text, name, "gauge", help);
    cleat__metrics_text_int(text, CLEAT__METRIC_NO_LABELS, value);
}

static void write_counter(cleat__metrics_text *text, const char *name, const char *help, uint64_t value)
{
    cleat__metrics_text_begin(text, name, "counter", help);
    cleat__metrics_text_int(text, CLEAT__METRIC_NO_LABELS, value);
}

static void write_runs(cleat__metrics_text *text, const cleat__engine_stats *stats)
{
    cleat__metrics_text_begin(text, "cleat_runs", "gauge", "Runs that have not ended, by status.");
    cleat__metrics_text_int(text, CLEAT__METRIC_LABELS({"status", "QUEUED"}), stats->queued);
    cleat__metrics_text_int(text, CLEAT__METRIC_LABELS({"status", "RUNNING"}), stats->running);
    cleat__metrics_text_int(text, CLEAT__METRIC_LABELS({"status", "EVICTED"}), stats->evicted);
    cleat__metrics_text_begin(text, "cleat_runs_ended_total", "counter", "Runs that ended, by status.");
    for (int i = CLEAT_RUN_COMPLETED; i <= CLEAT_RUN_CANCELLED; i++) {
        const char *status = cleat_run_status_name((cleat_run_status)i);
        cleat__metrics_text_int(text, CLEAT__METRIC_LABELS({"status", status}), stats->ended[i]);
    }
}

static void write_dispatch(cleat__metrics_text *text, const cleat__engine_stats *stats)
{
    static const double bounds_ms[] = {CLEAT__DISPATCH_BOUNDS_MS};
    double seconds[CLEAT__DISPATCH_BOUND_COUNT];
    for (size_t i = 0; i < CLEAT__DISPATCH_BOUND_COUNT; i++) {
        seconds[i] = bounds_ms[i] / 1000;
    }
    cleat__metrics_text_begin(
        text, "cleat_dispatch_seconds", "histogram",
        "From when an attempt was queued to when a worker was given it, in whole milliseconds: "
        "0 when both were in one commit.");
    cleat__metrics_text_histogram(text, CLEAT__METRIC_NO_LABELS, seconds, CLEAT__DISPATCH_BOUND_COUNT,
                                  stats->dispatched, (double)stats->dispatched_ms / 1000);
}

/* A column of the only row, `now_ms`, which the statement may ask for, when there is none. */
static cleat_status read_int(cleat__store *store, const char *sql, int column, int64_t now_ms, int64_t *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_bind_parameter_count(select) != 0) {
        sqlite3_bind_int64(select, 1, now_ms);
    }
    int code = sqlite3_step(select);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(select, column) : now_ms;
    return cleat__store_rows_end(store, select, code, "reading numbers");
}

/* What only the file knows. */
static cleat_status write_file(cleat__metrics_text *text, cleat__store *store)
{
    static const char spans[] = "SELECT spans, bytes FROM span_total";
    /* What backs off does not wait for a worker. All that live are looked at, some tenths of a second for a million:
     * a run that was replayed keeps its id, so that the order of ids is none of waiting. */
    static const char oldest[] = "SELECT coalesce(min(queued_at_ms), ?1) FROM task_live "
                                 "WHERE state = 0 AND is_held = 0 AND queued_at_ms <= ?1";
    int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    int64_t since_ms, span_count, bytes;
    cleat_status status = read_int(store, oldest, 0, now_ms, &since_ms);
    if (status == CLEAT_OK) {
        status = read_int(store, spans, 0, 0, &span_count);
    }
    if (status == CLEAT_OK) {
        status = read_int(store, spans, 1, 0, &bytes);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__metrics_text_begin(
        text, "cleat_queue_oldest_seconds", "gauge",
        "How long the run that has waited longest for a worker has; 0 when none waits.");
    cleat__metrics_text_double(text, CLEAT__METRIC_NO_LABELS,
                               since_ms < now_ms ? (double)(now_ms - since_ms) / 1000 : 0);
    write_gauge(text, "cleat_spans", "Spans that are stored.", (uint64_t)span_count);
    write_gauge(text, "cleat_span_bytes", "Bytes that spans take in the file.", (uint64_t)bytes);
    return CLEAT_OK;
}

static void collect(void *argument, cleat__metrics_text *text)
{
    static cleat__log_site site;
    cleat__metrics_engine *self = argument;
    cleat__engine_stats stats;
    cleat__engine_get_stats(self->engine, &stats);
    write_runs(text, &stats);
    write_dispatch(text, &stats);
    write_counter(text, "cleat_engine_commands_total", "Commands the engine took.", stats.commands);
    write_counter(text, "cleat_engine_batches_total", "Transactions the engine committed.", stats.batches);
    write_counter(text, "cleat_store_errors_total", "Writes to the file that failed.", stats.store_errors);
    write_gauge(text, "cleat_engine_failed", "1 when a write failed, and the engine stopped.",
                stats.failure != CLEAT_OK);
    if (write_file(text, self->store) != CLEAT_OK) {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "some metrics are missing: %s", cleat_error_message());
    }
}

cleat_status cleat__metrics_engine_new(cleat__metrics *metrics, cleat__engine *engine, const char *path,
                                       cleat__metrics_engine **out)
{
    *out = NULL;
    cleat__metrics_engine *self = cleat__calloc(1, sizeof(*self));
    if (self == NULL) {
        return cleat__fail_memory();
    }
    self->metrics = metrics;
    self->engine = engine;
    cleat_status status = cleat__store_open(path, CLEAT__STORE_READ, &self->store);
    if (status == CLEAT_OK) {
        status = cleat__metrics_add_source(metrics, collect, self);
    }
    if (status != CLEAT_OK) {
        cleat__store_close(self->store);
        cleat__free(self);
        return status;
    }
    *out = self;
    return CLEAT_OK;
}

void cleat__metrics_engine_free(cleat__metrics_engine *self)
{
    if (self != NULL) {
        cleat__metrics_remove_source(self->metrics, self);
        cleat__store_close(self->store);
        cleat__free(self);
    }
}
