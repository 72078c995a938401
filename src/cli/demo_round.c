#include "demo_round.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "collector/collector.h"
#include "demo_runs.h"

#include <stdlib.h>

/* ---- Runs ---- */

static cleat_status start_scan(cleat__demo_engine *engine, const char *directory, int64_t children,
                               cleat__demo_round *round)
{
    char *input = cleat__demo_scan_input(directory, children, round->relation);
    if (input == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status =
        cleat_client_run_no_wait(engine->client, CLEAT__DEMO_SCAN, input,
                                 CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_PARENT), &round->scan_id);
    free(input);
    return status;
}

static cleat_status wait_for_scan(const cleat__demo_waiter *waiter, cleat__demo_round *round)
{
    cleat_run_result result = {0};
    cleat_status status = cleat__demo_wait(waiter, &round->scan_id, &result);
    if (status == CLEAT_OK && result.status != CLEAT_RUN_COMPLETED) {
        status = cleat__fail(CLEAT_FAILED, "the scan ended as %s: %s", cleat_run_status_name(result.status),
                             result.error != NULL ? result.error : "no reason given");
    }
    cleat_run_result_deinit(&result);
    return status;
}

static cleat_status read_children(cleat__demo_engine *engine, const cleat__demo_round *round,
                                  cleat__demo_runs *out)
{
    cleat__uuid id;
    cleat_status status = cleat__uuid_parse(cleat_slice_of(round->scan_id.text), &id);
    const cleat__run_filter filter = {.status = -1, .parent_id = &id, .limit = INT64_MAX};
    return status == CLEAT_OK ? cleat__demo_runs_read(engine, &filter, out) : status;
}

static void count_runs(const cleat__demo_runs *children, cleat__demo_round *round)
{
    round->runs = 1 + (int64_t)children->count;
    round->completed = 1;
    for (size_t i = 0; i < children->count; i++) {
        const cleat__demo_run *run = &children->list[i];
        round->completed += run->status == CLEAT_RUN_COMPLETED;
        round->failed += run->status == CLEAT_RUN_FAILED;
        round->cancelled += run->status == CLEAT_RUN_CANCELLED;
        round->retries += run->retries;
    }
}

static cleat_status wait_for_round(const cleat__demo_waiter *waiter, cleat__demo_round *round)
{
    cleat__demo_runs children = {0};
    cleat_status status = wait_for_scan(waiter, round);
    if (status == CLEAT_OK) {
        status = read_children(waiter->engine, round, &children);
    }
    if (status == CLEAT_OK) {
        status = cleat__demo_wait_all(waiter, &children);
    }
    cleat__demo_runs_deinit(&children);
    return status;
}

/* ---- Traces ---- */

typedef struct trace_set {
    cleat_trace_id *ids;
    size_t count, capacity;
    int64_t largest, end_ns;
    cleat__trace_row last; /* added; its slices are dead */
    bool failed;
} trace_set;

static bool add_trace(void *argument, const cleat__trace_row *row)
{
    trace_set *set = argument;
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 256 : set->capacity * 2;
        cleat_trace_id *ids = cleat__realloc(set->ids, capacity * sizeof(*ids));
        if (ids == NULL) {
            set->failed = true;
            return false;
        }
        set->ids = ids;
        set->capacity = capacity;
    }
    set->ids[set->count++] = row->trace_id;
    set->largest = row->span_count > set->largest ? row->span_count : set->largest;
    set->end_ns = row->end_time_ns > set->end_ns ? row->end_time_ns : set->end_ns;
    set->last = *row;
    return true;
}

static cleat_status traces_of_run(cleat__demo_engine *engine, const cleat__uuid *id, trace_set *set)
{
    const cleat__trace_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .run_id = id, .limit = INT64_MAX};
    cleat_status status = cleat__trace_list(engine->reader, &filter, add_trace, set);
    return status == CLEAT_OK && set->failed ? cleat__fail_memory() : status;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(cleat_trace_id));
}

static int64_t count_different(trace_set *set)
{
    int64_t count = 0;
    if (set->count > 0) {
        qsort(set->ids, set->count, sizeof(*set->ids), by_id);
    }
    for (size_t i = 0; i < set->count; i++) {
        count += i == 0 || by_id(&set->ids[i - 1], &set->ids[i]) != 0;
    }
    return count;
}

static bool find_scan_span(void *argument, const cleat__stored_span *stored)
{
    cleat__demo_round *round = argument;
    if (stored->span.kind == CLEAT_SPAN_KIND_CONSUMER) {
        round->scan_ns = stored->span.end_time_ns - stored->span.start_time_ns;
        return false;
    }
    return true;
}

static cleat_status measure_parent(cleat__demo_engine *engine, cleat__demo_round *round, trace_set *set)
{
    cleat__uuid id;
    cleat_status status = cleat__uuid_parse(cleat_slice_of(round->scan_id.text), &id);
    if (status == CLEAT_OK) {
        status = cleat__spans_of_run(engine->reader, CLEAT__TENANT_DEFAULT, &id, find_scan_span, round);
    }
    if (status == CLEAT_OK) {
        status = traces_of_run(engine, &id, set);
    }
    if (status == CLEAT_OK && set->count == 0) {
        status = cleat__fail(CLEAT_FAILED, "no spans of the scan arrived in the file");
    }
    if (status == CLEAT_OK) {
        round->trace_id = set->last.trace_id;
        round->trace_ns = set->last.end_time_ns - set->last.start_time_ns;
        round->links = set->last.links_in;
    }
    return status;
}

static cleat_status measure(cleat__demo_engine *engine, const cleat__demo_runs *children,
                            cleat__demo_round *round)
{
    trace_set set = {0};
    cleat_status status = measure_parent(engine, round, &set);
    int64_t start_ns = set.last.start_time_ns;
    for (size_t i = 0; i < children->count && status == CLEAT_OK; i++) {
        status = traces_of_run(engine, &children->list[i].id, &set);
        if (i == 0 || children->list[i].status == CLEAT_RUN_COMPLETED) {
            round->child_trace_id = set.last.trace_id;
        }
    }
    round->traces = count_different(&set);
    round->largest = set.largest;
    round->children_ns = set.end_ns - start_ns;
    cleat__free(set.ids);
    return status;
}

cleat_status cleat__demo_round_run(cleat__demo_engine *engine, const char *directory, int64_t children,
                                   cleat_trace_relation relation, const atomic_bool *stop,
                                   cleat__demo_round *out)
{
    cleat__demo_progress progress;
    const cleat__demo_waiter waiter = {engine, &progress, stop};
    cleat__demo_runs runs = {0};
    int64_t start_ns = cleat__clock_monotonic_ns(NULL);
    memset(out, 0, sizeof(*out));
    out->relation = relation;
    atomic_store(&engine->tasks.ended, 0);
    atomic_store(&engine->tasks.failed, 0);
    atomic_store(&engine->tasks.retried, 0);

    cleat__demo_progress_begin(&progress, cleat_trace_relation_name(relation), children);
    cleat_status status = start_scan(engine, directory, children, out);
    if (status == CLEAT_OK) {
        status = wait_for_round(&waiter, out);
    }
    out->seconds = (double)(cleat__clock_monotonic_ns(NULL) - start_ns) / 1e9;
    cleat__demo_progress_end(&progress);
    if (status == CLEAT_OK) {
        status = cleat__demo_engine_flush(engine);
    }
    if (status == CLEAT_OK) {
        status = read_children(engine, out, &runs);
    }
    if (status == CLEAT_OK) {
        count_runs(&runs, out);
        status = measure(engine, &runs, out);
    }
    cleat__demo_runs_deinit(&runs);
    return status;
}
