/* The traces of a forest: those of runs, and those that links lead to and come from. */
#include "collector/stitching.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/row.h"

#include <stdlib.h>

static const char reading[] = "reading the traces of a picture";

enum { SEARCHES_MAX = 2 * (CLEAT__STITCHED_RUNS_MAX + CLEAT__STITCHED_TRACES_MAX) };

/* ---- Numbers of traces, found before the traces are read ---- */

typedef struct finding {
    int64_t *numbers;
    int32_t count, capacity;
    int32_t rows; /* looked at */
} finding;

static cleat_status add_number(finding *found, int64_t number)
{
    cleat_status status =
        cleat__stitch_grow((void **)&found->numbers, found->count, &found->capacity, sizeof(number));
    if (status == CLEAT_OK) {
        found->numbers[found->count++] = number;
    }
    return status;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_unique(finding *found)
{
    int32_t kept = 0;
    if (found->count > 0) {
        qsort(found->numbers, (size_t)found->count, sizeof(*found->numbers), compare_numbers);
    }
    for (int32_t i = 0; i < found->count; i++) {
        if (i == 0 || found->numbers[i] != found->numbers[kept - 1]) {
            found->numbers[kept++] = found->numbers[i];
        }
    }
    found->count = kept;
}

/* ---- Reading them ---- */

static cleat_status keep_row(cleat__stitching *it, sqlite3_stmt *stmt, int32_t distance)
{
    cleat_status status =
        cleat__stitch_grow((void **)&it->traces, it->trace_count, &it->trace_capacity, sizeof(*it->traces));
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__stitched_trace *trace = &it->traces[it->trace_count++].trace;
    cleat_slice *const names[] = {&trace->name, &trace->task, &trace->service};
    trace->number = sqlite3_column_int64(stmt, 0);
    trace->distance = distance;
    cleat__column_id(stmt, 1, trace->id.bytes, sizeof(trace->id.bytes));
    for (int i = 0; i < 3 && status == CLEAT_OK; i++) {
        status = cleat__stitch_keep_name(it, cleat__column_text(stmt, 2 + i), names[i]);
    }
    trace->span_count = sqlite3_column_int64(stmt, 5);
    trace->error_count = sqlite3_column_int64(stmt, 6);
    return status;
}

/* One that is another tenant's is passed over. */
static cleat_status add_trace(cleat__stitching *it, int64_t number, int32_t distance)
{
    static const char sql[] =
        "SELECT id, trace_id, root_name, root_task, root_service, span_count, error_count"
        " FROM trace WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *stmt = NULL;
    if (it->trace_count >= CLEAT__STITCHED_TRACES_MAX) {
        it->out->is_complete = false;
        return CLEAT_OK;
    }
    cleat_status status = cleat__store_prepare(it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, number);
    sqlite3_bind_int64(stmt, 2, it->out->tenant);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        status = keep_row(it, stmt, distance);
    }
    cleat_status end = cleat__store_rows_end(it->store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

/* ---- Of runs ---- */

/* From one trace in the index to the next, however many spans of the run each has. */
static cleat_status find_of_run(cleat__stitching *it, const cleat__uuid *run, finding *found)
{
    static const char sql[] = "SELECT min(trace) FROM span WHERE run_id = ?1 AND trace > ?2";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = CLEAT_OK;
    int64_t number = INT64_MIN;
    bool is_there = true;
    while (status == CLEAT_OK && is_there) {
        if (found->rows++ >= SEARCHES_MAX) {
            it->out->is_complete = false;
            return CLEAT_OK;
        }
        status = cleat__store_prepare(it->store, sql, &stmt);
        if (status != CLEAT_OK) {
            return status;
        }
        cleat__bind_uuid(stmt, 1, run);
        sqlite3_bind_int64(stmt, 2, number);
        int code = sqlite3_step(stmt);
        is_there = code == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
        number = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
        status = cleat__store_rows_end(it->store, stmt, code, reading);
        if (status == CLEAT_OK && is_there) {
            status = add_number(found, number);
        }
    }
    return status;
}

cleat_status cleat__stitch_traces_of_runs(cleat__stitching *it)
{
    finding found = {0};
    cleat_status status = CLEAT_OK;
    for (int32_t i = 0; status == CLEAT_OK && i < it->out->run_count; i++) {
        status = find_of_run(it, &it->out->runs[i].id, &found);
    }
    sort_unique(&found);
    for (int32_t i = 0; status == CLEAT_OK && i < found.count; i++) {
        status = add_trace(it, found.numbers[i], 0);
    }
    cleat__free(found.numbers);
    return status;
}

/* ---- Over links ---- */

static cleat_status find_first(cleat__stitching *it, const cleat_trace_id *id)
{
    static const char sql[] = "SELECT id FROM trace WHERE trace_id = ?1 AND tenant = ?2";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, it->out->tenant);
    int code = sqlite3_step(stmt);
    int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    status = cleat__store_rows_end(it->store, stmt, code, reading);
    if (status == CLEAT_OK && code != SQLITE_ROW) {
        return cleat__fail(CLEAT_NOT_FOUND, "the trace has no spans any more");
    }
    return status == CLEAT_OK ? add_trace(it, number, 0) : status;
}

/* Runs a statement about the trace, of whose rows each is a number. */
static cleat_status find_neighbours(cleat__stitching *it, const char *sql, const cleat__stitched_trace *trace,
                                    finding *found)
{
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    int32_t room = CLEAT__STITCHED_LINKS_MAX - found->rows;
    sqlite3_bind_int64(stmt, 1, trace->number);
    cleat__bind_trace_id(stmt, 2, &trace->id);
    sqlite3_bind_int64(stmt, 3, it->out->tenant);
    sqlite3_bind_int64(stmt, 4, room + 1);
    int code = SQLITE_DONE;
    int32_t rows = 0;
    while (status == CLEAT_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW && rows++ < room) {
        status = add_number(found, sqlite3_column_int64(stmt, 0));
    }
    it->out->is_complete &= code != SQLITE_ROW;
    found->rows += rows < room ? rows : room;
    cleat_status end = cleat__store_rows_end(it->store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

static cleat_status find_both_ways(cleat__stitching *it, const cleat__stitched_trace *trace, finding *found)
{
    /* The joins are crossed so that the link comes first: there are indexes for that. */
    static const char to[] = "SELECT t.id FROM span_link l CROSS JOIN trace t ON t.trace_id = l.to_trace_id"
                             " WHERE l.from_trace = ?1 AND ?2 IS NOT NULL AND t.tenant = ?3 LIMIT ?4";
    static const char from[] =
        "SELECT l.from_trace FROM span_link l CROSS JOIN trace f ON f.id = l.from_trace"
        " WHERE ?1 IS NOT NULL AND l.to_trace_id = ?2 AND f.tenant = ?3 LIMIT ?4";
    cleat_status status = find_neighbours(it, to, trace, found);
    return status == CLEAT_OK ? find_neighbours(it, from, trace, found) : status;
}

/* The traces one link further than `first` .., which is one link further than those before. */
static cleat_status add_linked(cleat__stitching *it, int32_t first, finding *found)
{
    finding seen = {0};
    int32_t distance = it->traces[first].trace.distance + 1;
    cleat_status status = CLEAT_OK;
    int32_t end = it->trace_count;
    for (int32_t i = 0; status == CLEAT_OK && i < end; i++) {
        status = add_number(&seen, it->traces[i].trace.number);
        if (status == CLEAT_OK && i >= first) {
            status = find_both_ways(it, &it->traces[i].trace, found);
        }
    }
    sort_unique(&seen);
    sort_unique(found);
    for (int32_t i = 0; status == CLEAT_OK && i < found->count; i++) {
        const int64_t *number = &found->numbers[i];
        if (bsearch(number, seen.numbers, (size_t)seen.count, sizeof(*number), compare_numbers) == NULL) {
            status = add_trace(it, *number, distance);
        }
    }
    cleat__free(seen.numbers);
    return status;
}

cleat_status cleat__stitch_traces_linked(cleat__stitching *it, const cleat_trace_id *id, int32_t follow)
{
    finding found = {0};
    cleat_status status = find_first(it, id);
    int32_t first = 0;
    for (int32_t i = 0; status == CLEAT_OK && i < follow && first < it->trace_count; i++) {
        int32_t next = it->trace_count;
        found.count = 0;
        status = add_linked(it, first, &found);
        first = next;
    }
    cleat__free(found.numbers);
    return status;
}
