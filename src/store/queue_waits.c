/*
 * A run waits once for each attempt, and once more for each invocation of a durable run. When the newest attempt of a
 * run that lives was due is stored; of all others it follows from the end of the one before, as in attempt.c.
 * Runs are read that were made in the time, or shortly before: as long as their tasks let runs wait for their first
 * attempt. Of older ones those that live are read; one that waited for a later attempt or invocation and has
 * ended since is not.
 */
#include "store/queue_waits.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "store/note.h"
#include "store/run_choice.h"
#include "store/statement.h"

static const char reading[] = "reading what the queue was like";

enum {
    CLOCK_STEP_MS = 60 * 1000,        /* as in run_walk.c */
    LONGEST_MS = 24 * 60 * 60 * 1000, /* of those that may wait for ever, as far as they are asked for */
};

typedef struct load {
    cleat__store *store;
    const cleat__queue_history_filter *filter;
    cleat__queue_waits *out;
    int64_t work;
} load;

/* A run while its attempts are gone through. */
typedef struct run {
    cleat__uuid id;
    int64_t type_id;
    int64_t due_at_ms;           /* of the attempt that is next, or is gone through */
    int32_t retry_count, number; /* of that; the number counts for the back-off */
    bool is_durable;
    bool was_held;         /* or may have been: a task of a run of several, and what a run goes on as */
    int32_t over_retry;    /* of the newest invocation while it is over and its attempt is not .. */
    int64_t over_began_ms; /* .. 0: there is none */
    cleat__policy policy;
} run;

/* ---- Waits ---- */

static cleat_status add_wait(load *self, int64_t from_ms, int64_t to_ms)
{
    cleat__queue_waits *out = self->out;
    if (from_ms >= to_ms || from_ms >= self->filter->until_ms || to_ms <= self->filter->since_ms) {
        return CLEAT_OK;
    }
    if (out->count == out->capacity) {
        size_t capacity = out->capacity != 0 ? 2 * out->capacity : 256;
        cleat__queue_wait *items = cleat__realloc(out->items, capacity * sizeof(*items));
        if (items == NULL) {
            return cleat__fail_memory();
        }
        out->items = items;
        out->capacity = capacity;
    }
    out->items[out->count++] = (cleat__queue_wait){from_ms, to_ms};
    return CLEAT_OK;
}

void cleat__queue_waits_deinit(cleat__queue_waits *waits)
{
    cleat__free(waits->items);
    *waits = (cleat__queue_waits){.items = NULL};
}

/* ---- An attempt ---- */

/* Those of the run's attempt, each with the beginning of the one before. */
static cleat_status add_invocations(load *self, run *it)
{
    static const char sql[] = "SELECT began_at_ms, queued_at_ms FROM durable_invocation "
                              "WHERE run_id = ?1 AND retry_count = ?2 ORDER BY number";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(self->store, sql, &it->id, &select);
    int code = SQLITE_DONE;
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(select, 2, it->retry_count);
    while (status == CLEAT_OK && self->work > 0 && (code = sqlite3_step(select)) == SQLITE_ROW) {
        self->work--;
        status = add_wait(self, it->due_at_ms, sqlite3_column_int64(select, 0));
        it->due_at_ms = sqlite3_column_int64(select, 1);
    }
    cleat_status end = cleat__store_rows_end(self->store, select, code, reading);
    return status == CLEAT_OK ? end : status;
}

/* `to_ms` 0: nothing is known of its end in the queue. */
static cleat_status add_attempt(load *self, run *it, int64_t to_ms)
{
    cleat_status status = it->is_durable ? add_invocations(self, it) : CLEAT_OK;
    bool is_cut = it->is_durable && self->work <= 0;
    return status == CLEAT_OK && to_ms != 0 && !is_cut ? add_wait(self, it->due_at_ms, to_ms) : status;
}

/* ---- Attempts before the newest one ---- */

static cleat_status load_policy(load *self, run *it)
{
    static const char sql[] =
        "SELECT backoff_initial_ms, backoff_factor, backoff_max_ms FROM task_type WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, it->type_id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        it->policy.backoff_initial_ms = sqlite3_column_int64(select, 0);
        it->policy.backoff_factor = sqlite3_column_double(select, 1);
        it->policy.backoff_max_ms = sqlite3_column_int64(select, 2);
    }
    return cleat__store_rows_end(self->store, select, code, reading);
}

static bool says(cleat_slice text, const char *word)
{
    return cleat_slice_equals(text, cleat_slice_of(word));
}

/* What is held waits in no queue before it is let go. */
static cleat_status look_at_release(load *self, run *it)
{
    int64_t at_ms = 0;
    cleat_status status =
        it->was_held ? cleat__note_queued_at(self->store, &it->id, it->retry_count, &at_ms) : CLEAT_OK;
    it->due_at_ms = at_ms != 0 ? at_ms : it->due_at_ms;
    return status;
}

/* Goes on to the attempt that follows a row of attempt. */
static void go_on(sqlite3_stmt *select, run *it)
{
    cleat_slice outcome = cleat__column_text(select, 3);
    bool was_replayed = sqlite3_column_type(select, 4) != SQLITE_NULL;
    bool was_lost = says(outcome, "LOST") || says(outcome, "UNDELIVERED");
    it->retry_count = sqlite3_column_int(select, 0) + 1;
    it->due_at_ms = sqlite3_column_int64(select, was_replayed ? 4 : 2);
    it->number = was_replayed ? 0 : it->number + !was_lost;
    if (!was_replayed && !was_lost) {
        it->due_at_ms =
            cleat__saturating_add(it->due_at_ms, cleat__policy_backoff_ms(&it->policy, it->number));
    }
}

static cleat_status add_former(load *self, run *it)
{
    static const char sql[] = "SELECT retry_count, started_at_ms, finished_at_ms, outcome, replayed_at_ms "
                              "FROM attempt WHERE task_id = ?1 ORDER BY retry_count";
    sqlite3_stmt *select = NULL;
    cleat_status status = load_policy(self, it);
    int code = SQLITE_DONE;
    if (status == CLEAT_OK) {
        status = cleat__statement_of_run(self->store, sql, &it->id, &select);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    while (status == CLEAT_OK && self->work > 0 && (code = sqlite3_step(select)) == SQLITE_ROW) {
        bool has_started = sqlite3_column_type(select, 1) != SQLITE_NULL;
        self->work--;
        it->retry_count = sqlite3_column_int(select, 0);
        status = look_at_release(self, it);
        if (status == CLEAT_OK && (has_started || !it->was_held)) {
            status = add_attempt(self, it, sqlite3_column_int64(select, has_started ? 1 : 2));
        }
        go_on(select, it);
    }
    cleat_status end = cleat__store_rows_end(self->store, select, code, reading);
    return status == CLEAT_OK ? end : status;
}

/* ---- A run ---- */

enum {
    COLUMN_ID,
    COLUMN_TYPE,
    COLUMN_CREATED,
    COLUMN_ENDED,
    COLUMN_RETRY,
    COLUMN_STARTED,
    COLUMN_STATE,
    COLUMN_QUEUED,
    COLUMN_IS_DURABLE,
    COLUMN_OVER_RETRY,
    COLUMN_OVER_BEGAN,
    COLUMN_TENANT,
    COLUMN_WAS_HELD,
    COLUMN_IS_HELD,
    COLUMN_NOT_TAKEN,
};
#define COLUMNS                                                                                           \
    "SELECT t.id, t.type_id, t.created_at_ms, e.finished_at_ms, coalesce(e.retry_count, l.retry_count), " \
    "coalesce(e.started_at_ms, l.started_at_ms), coalesce(e.state, l.state), l.queued_at_ms, "            \
    "d.id IS NOT NULL, d.retry_count, d.began_at_ms, y.tenant, t.dag_id IS NOT NULL OR t.child_key GLOB " \
    "'cleat>*', l.is_held, " CLEAT__RUN_WAS_NOT_TAKEN " "
#define JOINED                                                                  \
    "JOIN task_type y ON y.id = t.type_id LEFT JOIN task_end e ON e.id = t.id " \
    "LEFT JOIN durable_run d ON d.id = t.id "

static cleat_status add_newest(load *self, run *it, sqlite3_stmt *select)
{
    int64_t ended_ms = sqlite3_column_int64(select, COLUMN_ENDED);
    int64_t started_ms = sqlite3_column_int64(select, COLUMN_STARTED);
    bool is_over = it->over_began_ms != 0 && it->over_retry == it->retry_count;
    bool is_queued = ended_ms == 0 && sqlite3_column_int(select, COLUMN_STATE) == CLEAT_RUN_QUEUED;
    int64_t to_ms = is_over ? it->over_began_ms : is_queued ? 0 : started_ms != 0 ? started_ms : ended_ms;
    bool was_never_let_go =
        it->was_held && ended_ms != 0 && started_ms == 0 && sqlite3_column_int(select, COLUMN_NOT_TAKEN) == 0;
    if (was_never_let_go) {
        return CLEAT_OK;
    }
    cleat_status status = look_at_release(self, it);
    status = status == CLEAT_OK ? add_attempt(self, it, to_ms) : status;
    return status == CLEAT_OK && is_queued
               ? add_wait(self, sqlite3_column_int64(select, COLUMN_QUEUED), INT64_MAX)
               : status;
}

static cleat_status add_run(load *self, sqlite3_stmt *select)
{
    run it = {
        .type_id = sqlite3_column_int64(select, COLUMN_TYPE),
        .due_at_ms = sqlite3_column_int64(select, COLUMN_CREATED),
        .is_durable = sqlite3_column_int(select, COLUMN_IS_DURABLE) != 0,
        .was_held = sqlite3_column_int(select, COLUMN_WAS_HELD) != 0,
        .over_retry = sqlite3_column_int(select, COLUMN_OVER_RETRY),
        .over_began_ms = sqlite3_column_int64(select, COLUMN_OVER_BEGAN),
    };
    int32_t newest = sqlite3_column_int(select, COLUMN_RETRY);
    cleat_status status = CLEAT_OK;
    cleat__column_uuid(select, COLUMN_ID, &it.id);
    if (newest > 0) {
        status = add_former(self, &it);
    }
    bool is_cut = newest > 0 && self->work <= 0;
    it.retry_count = newest;
    return status == CLEAT_OK && !is_cut ? add_newest(self, &it, select) : status;
}

/* ---- All ---- */

static cleat_status walk(load *self, const char *sql, const cleat__uuid *low, const cleat__uuid *high)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    int code = SQLITE_DONE;
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, low);
    cleat__bind_uuid(select, 2, high);
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        if (self->work <= 0) {
            self->out->is_complete = false;
            break;
        }
        self->work--;
        bool is_held = sqlite3_column_int(select, COLUMN_IS_HELD) != 0;
        if (sqlite3_column_int64(select, COLUMN_TENANT) == self->filter->tenant && !is_held) {
            status = add_run(self, select);
        }
    }
    cleat_status end =
        cleat__store_rows_end(self->store, select, status == CLEAT_OK ? code : SQLITE_ROW, reading);
    return status == CLEAT_OK ? end : status;
}

/* How long runs of the tenant may wait for their first attempt. */
static cleat_status load_longest(load *self, int64_t *out)
{
    static const char sql[] = "SELECT coalesce(max(CASE WHEN schedule_timeout_ms < 0 THEN ?2 ELSE "
                              "min(schedule_timeout_ms, ?2) END), 0) FROM task_type WHERE tenant = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, self->filter->tenant);
    sqlite3_bind_int64(select, 2, LONGEST_MS);
    return cleat__statement_number(self->store, select, out, reading);
}

/* The lowest id of that time or a later one that there can be. */
static cleat__uuid id_of(int64_t at_ms)
{
    const int64_t most_ms = (INT64_C(1) << 48) - 1;
    return cleat__uuid_first(at_ms < 0 ? 0 : at_ms > most_ms ? most_ms : at_ms);
}

cleat_status cleat__queue_waits_load(cleat__store *store, const cleat__queue_history_filter *filter,
                                     cleat__queue_waits *out)
{
    static const char newer[] =
        COLUMNS "FROM task t " JOINED "LEFT JOIN task_live l ON l.id = CASE WHEN e.id IS NULL "
                "THEN t.id END WHERE t.id >= ?1 AND t.id < ?2 AND y.dag_type IS NOT 0 ORDER BY t.id DESC";
    static const char older[] =
        COLUMNS "FROM task_live l CROSS JOIN task t ON t.id = l.id " JOINED
                "WHERE l.id >= ?1 AND l.id < ?2 AND y.dag_type IS NOT 0 ORDER BY l.id DESC";
    load self = {store, filter, out, filter->work > 0 ? filter->work : CLEAT__QUEUE_HISTORY_WORK};
    int64_t longest_ms = 0;
    out->is_complete = true;
    cleat_status status = load_longest(&self, &longest_ms);
    const cleat__uuid none = {{0}}, low = id_of(filter->since_ms - longest_ms),
                      high = id_of(cleat__saturating_add(filter->until_ms, CLOCK_STEP_MS));
    if (status == CLEAT_OK) {
        status = walk(&self, older, &none, &low);
    }
    if (status == CLEAT_OK) {
        status = walk(&self, newer, &low, &high);
    }
    out->is_complete = out->is_complete && self.work > 0;
    return status;
}
