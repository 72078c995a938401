/*
 * When an attempt was due is stored only while it lives; afterwards it follows from the end of the one before
 * and the policy of the run's version, as the engine had it from there. An attempt that begins with a replay
 * waits from that on, and is the first of those that are counted. A task of a run of several waits from when it
 * was let go.
 */
#include "store/attempt.h"

#include "base/error.h"
#include "model/duration.h"
#include "store/bind.h"
#include "store/note.h"

static const char reading[] = "reading what an attempt waited for";

static const char sql[] =
    "SELECT t.created_at_ms, t.scheduled_at_ms,"
    " coalesce((SELECT started_at_ms FROM attempt WHERE task_id = t.id AND retry_count = ?3),"
    " (SELECT started_at_ms FROM task_live WHERE id = t.id AND retry_count = ?3),"
    " (SELECT started_at_ms FROM task_end WHERE id = t.id AND retry_count = ?3)),"
    " coalesce(p.replayed_at_ms, p.finished_at_ms),"
    " p.outcome IN ('LOST', 'UNDELIVERED') OR p.replayed_at_ms IS NOT NULL,"
    " ?3 - f.retry_count - (SELECT count(*) FROM attempt WHERE task_id = t.id AND outcome IN ('LOST', "
    "'UNDELIVERED')"
    " AND retry_count >= f.retry_count AND retry_count < ?3),"
    " y.backoff_initial_ms, y.backoff_factor, y.backoff_max_ms,"
    " y.action, y.task_name, y.version_id, w.uuid, w.name,"
    " EXISTS (SELECT 1 FROM durable_run WHERE id = t.id),"
    " (SELECT max(at_ms) FROM task_note WHERE task_id = t.id AND retry_count = ?3 AND kind = "
    "'" CLEAT__NOTE_QUEUED "') "
    "FROM task t JOIN task_type y ON y.id = t.type_id JOIN workflow w ON w.id = y.workflow_id "
    "JOIN (SELECT coalesce(1 + max(retry_count), 0) AS retry_count FROM attempt"
    " WHERE task_id = ?1 AND retry_count < ?3 AND replayed_at_ms IS NOT NULL) f "
    "LEFT JOIN attempt p ON p.task_id = t.id AND p.retry_count = ?3 - 1 "
    "WHERE t.id = ?1 AND y.tenant = ?2";

enum {
    TRIGGERED,
    SCHEDULED,
    STARTED,
    BEFORE_ENDED, /* or was replayed */
    IS_AT_ONCE,   /* behind that */
    RETRY_NUMBER,
    BACKOFF_INITIAL,
    BACKOFF_FACTOR,
    BACKOFF_MAX,
    ACTION,
    TASK_NAME,
    VERSION_ID,
    WORKFLOW_ID,
    WORKFLOW,
    IS_DURABLE,
    RELEASED, /* it was held until then */
};

static int64_t back_off_ms(sqlite3_stmt *row)
{
    const cleat__policy policy = {
        .backoff_initial_ms = sqlite3_column_int64(row, BACKOFF_INITIAL),
        .backoff_factor = sqlite3_column_double(row, BACKOFF_FACTOR),
        .backoff_max_ms = sqlite3_column_int64(row, BACKOFF_MAX),
    };
    return sqlite3_column_int(row, IS_AT_ONCE)
               ? 0
               : cleat__policy_backoff_ms(&policy, sqlite3_column_int(row, RETRY_NUMBER));
}

static void read_times(sqlite3_stmt *row, int32_t retry_count, cleat__attempt_wait *out)
{
    out->triggered_at_ms = out->since_ms = out->due_at_ms = sqlite3_column_int64(row, TRIGGERED);
    out->started_at_ms = sqlite3_column_int64(row, STARTED);
    if (retry_count > 0) {
        out->since_ms = sqlite3_column_int64(row, BEFORE_ENDED);
        out->due_at_ms = cleat__saturating_add(out->since_ms, back_off_ms(row));
    } else if (sqlite3_column_type(row, SCHEDULED) != SQLITE_NULL) {
        out->since_ms = sqlite3_column_int64(row, SCHEDULED);
    }
    if (sqlite3_column_type(row, RELEASED) != SQLITE_NULL) {
        out->since_ms = out->due_at_ms = sqlite3_column_int64(row, RELEASED);
    }
}

static void read_names(sqlite3_stmt *row, cleat__attempt_wait *out)
{
    out->action = cleat__column_text(row, ACTION);
    out->task_name = cleat__column_text(row, TASK_NAME);
    out->workflow = cleat__column_text(row, WORKFLOW);
    (void)cleat__column_uuid(row, VERSION_ID, &out->version_id);
    (void)cleat__column_uuid(row, WORKFLOW_ID, &out->workflow_id);
}

static cleat_status read_invocation(cleat__store *store, const cleat__invocation_key *key,
                                    cleat__attempt_wait *out)
{
    cleat__invocation_wait *invocation = &out->invocation;
    cleat_status status = cleat__invocation_load(store, key, invocation);
    if (status != CLEAT_OK) {
        return status;
    }
    if (invocation->number != 0) {
        out->since_ms = out->due_at_ms = invocation->queued_at_ms;
    }
    if (invocation->began_at_ms != 0) {
        out->started_at_ms = invocation->began_at_ms;
    }
    return CLEAT_OK;
}

/* CLEAT_NOT_FOUND: nobody got that attempt. */
static cleat_status read_row(cleat__store *store, sqlite3_stmt *row, const cleat__invocation_key *key,
                             cleat__attempt_wait *out)
{
    cleat_status status = CLEAT_OK;
    *out = (cleat__attempt_wait){.started_at_ms = 0};
    read_names(row, out);
    read_times(row, key->retry_count, out);
    if (sqlite3_column_int(row, IS_DURABLE)) {
        status = read_invocation(store, key, out);
    }
    bool has_begun = sqlite3_column_type(row, STARTED) != SQLITE_NULL || out->invocation.began_at_ms != 0;
    bool is_complete =
        has_begun && (key->retry_count == 0 || sqlite3_column_type(row, BEFORE_ENDED) != SQLITE_NULL);
    return status == CLEAT_OK && !is_complete ? cleat__fail(CLEAT_NOT_FOUND, "there is no such attempt")
                                              : status;
}

cleat_status cleat__attempt_wait_load(cleat__store *store, int64_t tenant, const cleat__invocation_key *key,
                                      cleat_status (*visit)(void *argument, const cleat__attempt_wait *wait),
                                      void *argument)
{
    sqlite3_stmt *select = NULL;
    cleat__attempt_wait wait;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &key->run_id);
    sqlite3_bind_int64(select, 2, tenant);
    sqlite3_bind_int(select, 3, key->retry_count);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = read_row(store, select, key, &wait);
    } else {
        status = code == SQLITE_DONE ? cleat__fail(CLEAT_NOT_FOUND, "there is no such attempt")
                                     : cleat__store_error(store, reading);
    }
    if (status == CLEAT_OK) {
        status = visit(argument, &wait);
    }
    sqlite3_reset(select);
    return status;
}
