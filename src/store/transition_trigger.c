/* TRIGGER: runs that are started are stored. */
#include "store/transition.h"

#include "base/error.h"
#include "model/state.h"
#include "store/statement.h"

static cleat_status find_child(cleat__store *store, const cleat__trigger *trigger, cleat__uuid *out)
{
    static const char sql[] =
        "SELECT id FROM task WHERE parent_id = ?1 AND "
        "coalesce(child_key, CAST(child_index AS TEXT)) = coalesce(?2, CAST(?3 AS TEXT))";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &trigger->parent_id);
    cleat__bind_text(select, 2, trigger->child_key);
    sqlite3_bind_int64(select, 3, trigger->child_index);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW && cleat__column_uuid(select, 0, out)) {
        status = CLEAT_ALREADY_EXISTS;
    } else {
        status = code == SQLITE_DONE || code == SQLITE_ROW
                     ? cleat__fail(CLEAT_CORRUPT, "a child run is not where the index says")
                     : cleat__store_error(store, "finding a child run");
    }
    sqlite3_reset(select);
    return status;
}

static void bind_child(sqlite3_stmt *insert, const cleat__trigger *trigger)
{
    if (trigger->is_child) {
        cleat__bind_uuid(insert, 5, &trigger->parent_id);
        sqlite3_bind_int64(insert, 6, trigger->child_index);
        cleat__bind_text(insert, 7, trigger->child_key);
    } else {
        sqlite3_bind_null(insert, 5);
        sqlite3_bind_null(insert, 6);
        sqlite3_bind_null(insert, 7);
    }
}

static void bind_event(sqlite3_stmt *insert, const cleat__trigger *trigger)
{
    if (cleat__uuid_is_nil(&trigger->event_id)) {
        sqlite3_bind_null(insert, 11);
        sqlite3_bind_null(insert, 12);
    } else {
        cleat__bind_uuid(insert, 11, &trigger->event_id);
        cleat__bind_text(insert, 12, trigger->event_key);
    }
    if (cleat__uuid_is_nil(&trigger->filter_id)) {
        sqlite3_bind_null(insert, 14);
        sqlite3_bind_null(insert, 15);
    } else {
        cleat__bind_uuid(insert, 14, &trigger->filter_id);
        cleat__bind_text(insert, 15, trigger->filter_payload);
    }
}

/* The first three columns of both tables. */
static void bind_head(sqlite3_stmt *insert, int column, const cleat__new_task *task)
{
    cleat__bind_uuid(insert, column, &task->id);
    sqlite3_bind_int64(insert, column + 1, task->type_id);
    sqlite3_bind_int(insert, column + 2, task->priority);
}

static cleat_status insert_task(cleat__store *store, const cleat__new_task *task)
{
    static const char sql[] =
        "INSERT INTO task (id, type_id, priority, created_at_ms, parent_id, child_index, "
        "child_key, input, metadata, desired, event_id, event_key, scheduled_at_ms, filter_id, "
        "filter_payload, idempotency_key, limits, dag_id) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, nullif(?13, 0), ?14, ?15, ?16, ?17, ?18) "
        "ON CONFLICT DO NOTHING";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    bind_head(insert, 1, task);
    sqlite3_bind_int64(insert, 4, task->created_at_ms);
    bind_child(insert, task->trigger);
    cleat__bind_text(insert, 8, task->trigger->input);
    cleat__bind_text(insert, 9, task->trigger->metadata);
    cleat__bind_text(insert, 10, task->desired);
    bind_event(insert, task->trigger);
    sqlite3_bind_int64(insert, 13, task->trigger->scheduled_at_ms);
    cleat__bind_text(insert, 16, task->idempotency_key);
    cleat__bind_text(insert, 17, task->limits);
    cleat__bind_uuid_or_null(insert, 18, &task->dag_id);
    return cleat__statement_finish(store, insert, "storing a run");
}

static cleat_status insert_live(cleat__store *store, const cleat__new_task *task)
{
    static const char sql[] =
        "INSERT INTO task_live (id, type_id, priority, state, retry_count, internal_retries, "
        "queued_at_ms, has_desired, has_limits, dag_id, is_held) "
        "VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6, ?7, ?8, ?9)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    bind_head(insert, 1, task);
    sqlite3_bind_int(insert, 4, cleat__state_next(CLEAT__STATE_NONE, CLEAT__EVENT_TRIGGER));
    sqlite3_bind_int64(insert, 5, task->created_at_ms);
    sqlite3_bind_int(insert, 6, task->desired.data != NULL);
    sqlite3_bind_int(insert, 7, task->limits.data != NULL);
    cleat__bind_uuid_or_null(insert, 8, &task->dag_id);
    sqlite3_bind_int(insert, 9, task->is_held);
    return cleat__statement_finish(store, insert, "storing a run");
}

/* ---- Many that have nothing but what every run has ---- */

bool cleat__transition_is_plain(const cleat__new_task *task)
{
    const cleat__trigger *trigger = task->trigger;
    return !trigger->is_child && !task->is_held && trigger->scheduled_at_ms == 0 &&
           task->desired.data == NULL && task->limits.data == NULL && task->idempotency_key.data == NULL &&
           cleat__uuid_is_nil(&trigger->event_id) && cleat__uuid_is_nil(&trigger->filter_id) &&
           cleat__uuid_is_nil(&task->dag_id);
}

/* Each statement opens the table and its indexes, also those in which such a run is not: for eight of them once. */
enum { ROWS = 8, TASK_COLUMNS = 6, LIVE_COLUMNS = 5 };
#define EIGHT(row) row ", " row ", " row ", " row ", " row ", " row ", " row ", " row
#define TASK       "INSERT INTO task (id, type_id, priority, created_at_ms, input, metadata) VALUES "
#define TASK_ROW   "(?, ?, ?, ?, ?, ?)"
#define LIVE                                                                                             \
    "INSERT INTO task_live (id, type_id, priority, state, queued_at_ms, retry_count, internal_retries) " \
    "VALUES "
#define LIVE_ROW "(?, ?, ?, ?, ?, 0, 0)"

/* Into one of the tables; `bind` binds a row whose first column is that. */
typedef struct plain_table {
    const char *one, *eight; /* the statements */
    int columns;
    void (*bind)(sqlite3_stmt *insert, int column, const cleat__new_task *task);
} plain_table;

static void bind_plain_task(sqlite3_stmt *insert, int column, const cleat__new_task *task)
{
    bind_head(insert, column, task);
    sqlite3_bind_int64(insert, column + 3, task->created_at_ms);
    cleat__bind_text(insert, column + 4, task->trigger->input);
    cleat__bind_text(insert, column + 5, task->trigger->metadata);
}

static void bind_plain_live(sqlite3_stmt *insert, int column, const cleat__new_task *task)
{
    bind_head(insert, column, task);
    sqlite3_bind_int(insert, column + 3, cleat__state_next(CLEAT__STATE_NONE, CLEAT__EVENT_TRIGGER));
    sqlite3_bind_int64(insert, column + 4, task->created_at_ms);
}

static const plain_table plain_tasks = {
    .one = TASK TASK_ROW, .eight = TASK EIGHT(TASK_ROW), .columns = TASK_COLUMNS, .bind = bind_plain_task};
static const plain_table plain_lives = {
    .one = LIVE LIVE_ROW, .eight = LIVE EIGHT(LIVE_ROW), .columns = LIVE_COLUMNS, .bind = bind_plain_live};

static cleat_status insert_plain(cleat__store *store, const plain_table *into,
                                 const cleat__new_task *const *tasks, int count)
{
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, count == 1 ? into->one : into->eight, &insert);
    for (int i = 0; status == CLEAT_OK && i < count; i++) {
        into->bind(insert, i * into->columns + 1, tasks[i]);
    }
    return status == CLEAT_OK ? cleat__statement_finish(store, insert, "storing a run") : status;
}

cleat_status cleat__transition_trigger_plain(cleat__store *store, const cleat__new_task *const *tasks,
                                             size_t count)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK;) {
        int rows = count - i >= ROWS ? ROWS : 1;
        status = insert_plain(store, &plain_tasks, tasks + i, rows);
        if (status == CLEAT_OK) {
            status = insert_plain(store, &plain_lives, tasks + i, rows);
        }
        i += (size_t)rows;
    }
    return status;
}

cleat_status cleat__transition_trigger(cleat__store *store, const cleat__new_task *task,
                                       cleat__uuid *existing)
{
    if (cleat__transition_is_plain(task)) {
        return cleat__transition_trigger_plain(store, &task, 1);
    }
    cleat_status status = insert_task(store, task);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_changes(cleat__store_db(store)) == 0) {
        return find_child(store, task->trigger, existing);
    }
    return insert_live(store, task);
}
