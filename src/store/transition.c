#include "store/transition.h"

#include "base/error.h"
#include "model/state.h"
#include "store/statement.h"

/* Of a statement that must have met its row. */
static cleat_status finish_one(cleat__store *store, sqlite3_stmt *statement, const cleat__attempt_key *key,
                               const char *while_doing)
{
    cleat_status status = cleat__statement_finish(store, statement, while_doing);
    if (status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) != 1) {
        char id[37];
        cleat__uuid_format(&key->id, id);
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "run %s is not where it was expected while %s (attempt %d)", id, while_doing,
                           key->retry_count);
    }
    return status;
}

/* Nil is NULL. */
static void bind_id(sqlite3_stmt *statement, int index, const cleat__uuid *id)
{
    if (cleat__uuid_is_nil(id)) {
        sqlite3_bind_null(statement, index);
    } else {
        cleat__bind_uuid(statement, index, id);
    }
}

/* A statement whose first three parameters compare: the run, its state and its attempt. */
static cleat_status prepare_compare(cleat__store *store, const char *sql, const cleat__attempt_key *key,
                                    cleat_run_status state, sqlite3_stmt **out)
{
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status == CLEAT_OK) {
        cleat__bind_uuid(*out, 1, &key->id);
        sqlite3_bind_int(*out, 2, state);
        sqlite3_bind_int(*out, 3, key->retry_count);
    }
    return status;
}

/* ---- Transitions of live runs ---- */

/* A column of the run, and what its life knows of it. */
static cleat_status set_column(cleat__store *store, const char *const *sql, const cleat__uuid *id,
                               cleat_slice text)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < 2 && status == CLEAT_OK; i++) {
        sqlite3_stmt *update = NULL;
        status = cleat__store_prepare(store, sql[i], &update);
        if (status == CLEAT_OK) {
            cleat__bind_uuid(update, 1, id);
            cleat__bind_text(update, 2, text);
            status = cleat__statement_finish(store, update, "storing what a run asks for");
        }
    }
    return status;
}

cleat_status cleat__transition_unhold(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                      cleat_slice desired, cleat_slice limits)
{
    static const char sql[] = "UPDATE task_live SET is_held = 0, queued_at_ms = ?4 "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3 AND is_held = 1";
    static const char *const set_desired[] = {
        "UPDATE task SET desired = ?2 WHERE id = ?1",
        "UPDATE task_live SET has_desired = ?2 IS NOT NULL WHERE id = ?1"};
    static const char *const set_limits[] = {
        "UPDATE task SET limits = ?2 WHERE id = ?1",
        "UPDATE task_live SET has_limits = ?2 IS NOT NULL WHERE id = ?1"};
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_QUEUED, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(update, 4, now_ms);
    status = finish_one(store, update, key, "queueing it");
    if (status == CLEAT_OK && desired.data != NULL) {
        status = set_column(store, set_desired, &key->id, desired);
    }
    return status == CLEAT_OK && limits.data != NULL ? set_column(store, set_limits, &key->id, limits)
                                                     : status;
}

cleat_status cleat__transition_assign(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms)
{
    static const char sql[] = "UPDATE task_live SET state = ?4, started_at_ms = ?5, worker_id = ?6, "
                              "timeout_at_ms = NULL, has_released = 0, batch_id = ?7 "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_QUEUED, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 4, cleat__state_next(CLEAT_RUN_QUEUED, CLEAT__EVENT_ASSIGN));
    sqlite3_bind_int64(update, 5, now_ms);
    bind_id(update, 6, &key->worker_id);
    bind_id(update, 7, &key->batch_id);
    return finish_one(store, update, key, "assigning it");
}

cleat_status cleat__transition_release(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms)
{
    static const char sql[] = "UPDATE task_live SET state = ?4, queued_at_ms = ?5, started_at_ms = NULL "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_RUNNING, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 4, cleat__state_next(CLEAT_RUN_RUNNING, CLEAT__EVENT_RELEASE));
    sqlite3_bind_int64(update, 5, now_ms);
    return finish_one(store, update, key, "taking it back");
}

cleat_status cleat__transition_evict(cleat__store *store, const cleat__attempt_key *key)
{
    static const char sql[] = "UPDATE task_live SET state = ?4, worker_id = NULL, "
                              "first_retry = first_retry + internal_retries, internal_retries = 0 "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_RUNNING, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 4, cleat__state_next(CLEAT_RUN_RUNNING, CLEAT__EVENT_EVICT));
    return finish_one(store, update, key, "evicting it");
}

cleat_status cleat__transition_restore(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms)
{
    static const char sql[] = "UPDATE task_live SET state = ?4, queued_at_ms = ?5, started_at_ms = NULL "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_EVICTED, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 4, cleat__state_next(CLEAT_RUN_EVICTED, CLEAT__EVENT_RESTORE));
    sqlite3_bind_int64(update, 5, now_ms);
    return finish_one(store, update, key, "restoring it");
}

cleat_status cleat__transition_set_timeout(cleat__store *store, const cleat__attempt_key *key,
                                           int64_t timeout_at_ms)
{
    static const char sql[] = "UPDATE task_live SET timeout_at_ms = ?4 "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_RUNNING, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(update, 4, timeout_at_ms);
    return finish_one(store, update, key, "giving it more time");
}

cleat_status cleat__transition_release_slots(cleat__store *store, const cleat__attempt_key *key)
{
    static const char sql[] = "UPDATE task_live SET has_released = 1 "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_RUNNING, &update);
    return status == CLEAT_OK ? finish_one(store, update, key, "freeing its slots") : status;
}

/* Behind requeue(), which compares. */
static cleat_status record_attempt(cleat__store *store, const cleat__attempt_key *key, const char *outcome,
                                   int64_t now_ms, cleat_slice error)
{
    static const char sql[] =
        "INSERT INTO attempt (task_id, retry_count, started_at_ms, finished_at_ms, outcome, "
        "error) VALUES (?1, ?2, nullif(?3, 0), ?4, ?5, ?6)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &key->id);
    sqlite3_bind_int(insert, 2, key->retry_count);
    sqlite3_bind_int64(insert, 3, key->started_at_ms);
    sqlite3_bind_int64(insert, 4, now_ms);
    sqlite3_bind_text(insert, 5, outcome, -1, SQLITE_STATIC);
    cleat__bind_text(insert, 6, error);
    return cleat__statement_finish(store, insert, "storing the end of an attempt");
}

static cleat_status requeue(cleat__store *store, const cleat__attempt_key *key, cleat__event event,
                            const cleat__requeue *next)
{
    static const char sql[] = "UPDATE task_live SET state = ?4, retry_count = ?5, internal_retries = ?6, "
                              "queued_at_ms = ?7, started_at_ms = NULL "
                              "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare_compare(store, sql, key, CLEAT_RUN_RUNNING, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(update, 4, cleat__state_next(CLEAT_RUN_RUNNING, event));
    sqlite3_bind_int(update, 5, next->retry_count);
    sqlite3_bind_int(update, 6, next->internal_retries);
    sqlite3_bind_int64(update, 7, next->queued_at_ms);
    return finish_one(store, update, key, "queueing it again");
}

static cleat_status end_attempt(cleat__store *store, const cleat__attempt_key *key, cleat__event event,
                                const char *outcome, int64_t now_ms, cleat_slice error,
                                const cleat__requeue *next)
{
    cleat_status status = requeue(store, key, event, next);
    return status == CLEAT_OK ? record_attempt(store, key, outcome, now_ms, error) : status;
}

cleat_status cleat__transition_retry(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                     cleat_slice error, const cleat__requeue *next)
{
    return end_attempt(store, key, CLEAT__EVENT_RETRY, "FAILED", now_ms, error, next);
}

cleat_status cleat__transition_time_out_retry(cleat__store *store, const cleat__attempt_key *key,
                                              int64_t now_ms, cleat_slice error, const cleat__requeue *next)
{
    return end_attempt(store, key, CLEAT__EVENT_TIME_OUT_RETRY, "TIMED_OUT", now_ms, error, next);
}

cleat_status cleat__transition_lose_retry(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                          cleat_slice error, const cleat__requeue *next)
{
    return end_attempt(store, key, CLEAT__EVENT_LOSE_RETRY, "LOST", now_ms, error, next);
}

cleat_status cleat__transition_undelivered_retry(cleat__store *store, const cleat__attempt_key *key,
                                                 int64_t now_ms, cleat_slice error,
                                                 const cleat__requeue *next)
{
    return end_attempt(store, key, CLEAT__EVENT_LOSE_RETRY, "UNDELIVERED", now_ms, error, next);
}

/* ---- Ends ---- */

typedef struct end {
    cleat_run_status from;
    cleat__event event;
    int64_t now_ms;
    cleat_slice output, error;
} end;

/* The compare part: of two ends only the first finds its row. */
static cleat_status delete_live(cleat__store *store, const cleat__attempt_key *key, cleat_run_status from)
{
    static const char sql[] = "DELETE FROM task_live WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *delete = NULL;
    cleat_status status = prepare_compare(store, sql, key, from, &delete);
    return status == CLEAT_OK ? finish_one(store, delete, key, "ending it") : status;
}

/* NULL: the run's state says it. */
static const char *outcome_of(cleat__event event)
{
    switch (event) {
    case CLEAT__EVENT_TIME_OUT_FAIL: return "TIMED_OUT";
    case CLEAT__EVENT_LOSE_FAIL: return "LOST";
    case CLEAT__EVENT_SUPERSEDE: return "SUPERSEDED";
    case CLEAT__EVENT_SKIP: return "SKIPPED";
    default: return NULL;
    }
}

static cleat_status end_task(cleat__store *store, const cleat__attempt_key *key, const end *how)
{
    static const char sql[] =
        "INSERT INTO task_end (id, state, retry_count, started_at_ms, finished_at_ms, output, "
        "error, worker_id, outcome) VALUES (?1, ?2, ?3, nullif(?4, 0), ?5, ?6, ?7, ?8, ?9)";
    cleat_status status = delete_live(store, key, how->from);
    sqlite3_stmt *insert = NULL;
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(store, sql, &insert);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &key->id);
    sqlite3_bind_int(insert, 2, cleat__state_next(how->from, how->event));
    sqlite3_bind_int(insert, 3, key->retry_count);
    sqlite3_bind_int64(insert, 4, how->from != CLEAT_RUN_QUEUED ? key->started_at_ms : 0);
    sqlite3_bind_int64(insert, 5, how->now_ms);
    cleat__bind_text(insert, 6, how->output);
    cleat__bind_text(insert, 7, how->error);
    bind_id(insert, 8, &key->worker_id);
    sqlite3_bind_text(insert, 9, outcome_of(how->event), -1, SQLITE_STATIC);
    return cleat__statement_finish(store, insert, "storing the end of a run");
}

cleat_status cleat__transition_skip(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                    cleat_slice output)
{
    end how = {.from = CLEAT_RUN_QUEUED, .event = CLEAT__EVENT_SKIP, .now_ms = now_ms, .output = output};
    return end_task(store, key, &how);
}

cleat_status cleat__transition_complete(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                        cleat_slice output)
{
    end how = {.from = CLEAT_RUN_RUNNING, .event = CLEAT__EVENT_COMPLETE, .now_ms = now_ms, .output = output};
    return end_task(store, key, &how);
}

cleat_status cleat__transition_fail(cleat__store *store, const cleat__attempt_key *key, cleat__event event,
                                    int64_t now_ms, cleat_slice error)
{
    end how = {.from = CLEAT_RUN_RUNNING, .event = event, .now_ms = now_ms, .error = error};
    return end_task(store, key, &how);
}

cleat_status cleat__transition_schedule_time_out(cleat__store *store, const cleat__attempt_key *key,
                                                 int64_t now_ms, cleat_slice error)
{
    end how = {
        .from = CLEAT_RUN_QUEUED, .event = CLEAT__EVENT_SCHEDULE_TIME_OUT, .now_ms = now_ms, .error = error};
    return end_task(store, key, &how);
}

cleat_status cleat__transition_cancel(cleat__store *store, const cleat__attempt_key *key,
                                      cleat_run_status from, int64_t now_ms)
{
    end how = {.from = from, .event = CLEAT__EVENT_CANCEL, .now_ms = now_ms};
    return end_task(store, key, &how);
}

cleat_status cleat__transition_supersede(cleat__store *store, const cleat__attempt_key *key,
                                         cleat_run_status from, int64_t now_ms)
{
    end how = {.from = from, .event = CLEAT__EVENT_SUPERSEDE, .now_ms = now_ms};
    return end_task(store, key, &how);
}

cleat_status cleat__transition_reject(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                      cleat_slice error)
{
    end how = {.from = CLEAT_RUN_QUEUED, .event = CLEAT__EVENT_REJECT, .now_ms = now_ms, .error = error};
    return end_task(store, key, &how);
}

/* ---- REPLAY ---- */

/* The compare part: of two replays only the first finds its row. */
static cleat_status move_end(cleat__store *store, const cleat__attempt_key *key, cleat_run_status from,
                             int64_t now_ms)
{
    static const char copy[] =
        "INSERT INTO attempt (task_id, retry_count, started_at_ms, finished_at_ms, outcome, error, "
        "replayed_at_ms) SELECT id, retry_count, started_at_ms, finished_at_ms, coalesce(outcome, ?4), "
        "error, "
        "?5 FROM task_end "
        "WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    static const char drop[] = "DELETE FROM task_end WHERE id = ?1 AND state = ?2 AND retry_count = ?3";
    sqlite3_stmt *statement = NULL;
    cleat_status status = prepare_compare(store, copy, key, from, &statement);
    if (status == CLEAT_OK) {
        sqlite3_bind_text(statement, 4, cleat_run_status_name(from), -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 5, now_ms);
        status = finish_one(store, statement, key, "replaying it");
    }
    if (status == CLEAT_OK) {
        status = prepare_compare(store, drop, key, from, &statement);
    }
    return status == CLEAT_OK ? finish_one(store, statement, key, "replaying it") : status;
}

cleat_status cleat__transition_set_limits(cleat__store *store, const cleat__uuid *id, cleat_slice limits)
{
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, "UPDATE task SET limits = ?2 WHERE id = ?1", &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, id);
    cleat__bind_text(update, 2, limits);
    return cleat__statement_finish(store, update, "storing the limits of a run");
}

cleat_status cleat__transition_replay(cleat__store *store, const cleat__attempt_key *key,
                                      cleat_run_status from, int64_t now_ms, bool is_held)
{
    static const char sql[] =
        "INSERT INTO task_live (id, type_id, priority, state, retry_count, first_retry, internal_retries, "
        "queued_at_ms, has_desired, has_limits, dag_id, is_held) "
        "SELECT id, type_id, priority, ?2, ?3, ?3, 0, ?4, desired IS NOT NULL, limits IS NOT NULL, dag_id, "
        "?5 "
        "FROM task WHERE id = ?1";
    sqlite3_stmt *insert = NULL;
    cleat_status status = move_end(store, key, from, now_ms);
    if (status == CLEAT_OK) {
        status = prepare_compare(store, sql, key, from, &insert);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(insert, 2, cleat__state_next(from, CLEAT__EVENT_REPLAY));
    sqlite3_bind_int(insert, 3, key->retry_count + 1);
    sqlite3_bind_int64(insert, 4, now_ms);
    sqlite3_bind_int(insert, 5, is_held);
    return finish_one(store, insert, key, "queueing it again");
}

/* ---- Log lines ---- */

static void bind_log_line(sqlite3_stmt *insert, int64_t tenant, const cleat__log_line *line)
{
    cleat_slice message = {line->message.size != 0 ? line->message.data : "", line->message.size};
    cleat__bind_uuid(insert, 1, &line->task_id);
    sqlite3_bind_int(insert, 2, line->retry_count);
    sqlite3_bind_int(insert, 3, (int)line->level);
    sqlite3_bind_int64(insert, 4, line->time_ms);
    cleat__bind_text(insert, 5, message);
    sqlite3_bind_int64(insert, 6, tenant);
    cleat__bind_text(insert, 7, line->metadata);
}

cleat_status cleat__log_line_insert(cleat__store *store, int64_t tenant, const cleat__log_line *line)
{
    static const char sql[] =
        "INSERT INTO task_log (task_id, line, retry_count, level, time_ms, message, metadata) "
        "SELECT ?1, 1 + coalesce((SELECT max(line) FROM task_log WHERE task_id = ?1), 0), "
        "CASE WHEN ?2 >= 0 THEN ?2 ELSE coalesce((SELECT retry_count FROM task_live WHERE id = ?1), "
        "(SELECT retry_count FROM task_end WHERE id = ?1)) END, ?3, ?4, ?5, ?7 "
        "WHERE EXISTS (SELECT 1 FROM task t JOIN task_type y ON y.id = t.type_id "
        "WHERE t.id = ?1 AND y.tenant = ?6)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    bind_log_line(insert, tenant, line);
    status = cleat__statement_finish(store, insert, "storing a log line");
    if (status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0) {
        char id[37];
        cleat__uuid_format(&line->task_id, id);
        return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", id);
    }
    return status;
}
