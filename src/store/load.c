#include "store/load.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/bind.h"

/* ---- Declarations ---- */

static cleat_status read_type(sqlite3_stmt *select, cleat__type_row *row)
{
    row->id = sqlite3_column_int64(select, 0);
    row->action = cleat__column_text(select, 1);
    row->policy = (cleat__policy){
        .retries = sqlite3_column_int(select, 2),
        .priority = sqlite3_column_int(select, 3),
        .backoff_initial_ms = sqlite3_column_int64(select, 4),
        .backoff_factor = sqlite3_column_double(select, 5),
        .backoff_max_ms = sqlite3_column_int64(select, 6),
        .execution_timeout_ms = sqlite3_column_int64(select, 7),
        .schedule_timeout_ms = sqlite3_column_int64(select, 8),
    };
    row->tenant = sqlite3_column_int64(select, 9);
    row->workflow_row = sqlite3_column_int64(select, 10);
    row->task_name = cleat__column_text(select, 11);
    row->declaration = cleat__column_text(select, 12);
    row->workflow = cleat__column_text(select, 13);
    row->is_deleted = sqlite3_column_int(select, 16) != 0;
    row->dag_type = sqlite3_column_int64(select, 17);
    row->is_dag = row->dag_type == 0 && sqlite3_column_type(select, 17) != SQLITE_NULL;
    row->pause = (cleat__pause){
        .is_paused = sqlite3_column_type(select, 18) != SQLITE_NULL,
        .queues_crons = sqlite3_column_int(select, 19) != 0,
        .queues_schedules = sqlite3_column_int(select, 20) != 0,
        .ttl_ms = sqlite3_column_int64(select, 21),
    };
    bool has_ids = cleat__column_uuid(select, 14, &row->version_id);
    has_ids = cleat__column_uuid(select, 15, &row->workflow_id) && has_ids;
    return has_ids ? CLEAT_OK : cleat__fail(CLEAT_CORRUPT, "a version of a workflow has no valid id");
}

cleat_status cleat__load_types(cleat__store *store,
                               cleat_status (*visit)(void *argument, const cleat__type_row *row),
                               void *argument)
{
    static const char sql[] =
        "SELECT y.id, y.action, y.retries, y.priority, y.backoff_initial_ms, y.backoff_factor, "
        "y.backoff_max_ms, y.execution_timeout_ms, y.schedule_timeout_ms, y.tenant, y.workflow_id, "
        "y.task_name, y.declaration, w.name, y.version_id, w.uuid, w.deleted_at_ms IS NOT NULL, "
        "y.dag_type, w.paused_at_ms, w.paused_crons, w.paused_schedules, w.paused_ttl_ms "
        "FROM task_type y JOIN workflow w ON w.id = y.workflow_id ORDER BY y.id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__type_row row;
        status = read_type(select, &row);
        if (status == CLEAT_OK) {
            status = visit(argument, &row);
        }
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading task declarations");
    }
    sqlite3_reset(select);
    return status;
}

static cleat_status insert_workflow(cleat__store *store, cleat__type_row *row)
{
    static const char sql[] = "INSERT INTO workflow (tenant, name, uuid) VALUES (?1, ?2, ?3)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(insert, 1, row->tenant);
    cleat__bind_text(insert, 2, row->workflow);
    cleat__bind_uuid(insert, 3, &row->workflow_id);
    if (sqlite3_step(insert) == SQLITE_DONE) {
        row->workflow_row = sqlite3_last_insert_rowid(cleat__store_db(store));
    } else {
        status = cleat__store_error(store, "storing a workflow");
    }
    sqlite3_reset(insert);
    return status;
}

static void bind_type(sqlite3_stmt *insert, const cleat__type_row *row)
{
    cleat__bind_text(insert, 1, row->action);
    sqlite3_bind_int(insert, 2, row->policy.retries);
    sqlite3_bind_int(insert, 3, row->policy.priority);
    sqlite3_bind_int64(insert, 4, row->policy.backoff_initial_ms);
    sqlite3_bind_double(insert, 5, row->policy.backoff_factor);
    sqlite3_bind_int64(insert, 6, row->policy.backoff_max_ms);
    sqlite3_bind_int64(insert, 7, row->policy.execution_timeout_ms);
    sqlite3_bind_int64(insert, 8, row->policy.schedule_timeout_ms);
    sqlite3_bind_int64(insert, 9, row->tenant);
    sqlite3_bind_int64(insert, 10, row->workflow_row);
    cleat__bind_text(insert, 11, row->task_name);
    cleat__bind_text(insert, 12, row->declaration);
    cleat__bind_uuid(insert, 13, &row->version_id);
    if (row->dag_type != 0 || row->is_dag) {
        sqlite3_bind_int64(insert, 14, row->dag_type);
    } else {
        sqlite3_bind_null(insert, 14);
    }
}

cleat_status cleat__type_insert(cleat__store *store, cleat__type_row *row)
{
    static const char sql[] =
        "INSERT INTO task_type (action, retries, priority, backoff_initial_ms, backoff_factor, "
        "backoff_max_ms, execution_timeout_ms, schedule_timeout_ms, tenant, workflow_id, task_name, "
        "declaration, version_id, dag_type) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = row->workflow_row == 0 ? insert_workflow(store, row) : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(store, sql, &insert);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    bind_type(insert, row);
    if (sqlite3_step(insert) == SQLITE_DONE) {
        row->id = sqlite3_last_insert_rowid(cleat__store_db(store));
    } else {
        status = cleat__store_error(store, "storing a task declaration");
    }
    sqlite3_reset(insert);
    return status;
}

cleat_status cleat__workflow_delete(cleat__store *store, int64_t row, int64_t now_ms)
{
    static const char sql[] = "UPDATE workflow SET deleted_at_ms = ?2, paused_at_ms = NULL, "
                              "paused_crons = 0, paused_schedules = 0, paused_ttl_ms = -1 WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(update, 1, row);
    sqlite3_bind_int64(update, 2, now_ms);
    if (sqlite3_step(update) != SQLITE_DONE) {
        status = cleat__store_error(store, "deleting a workflow");
    }
    sqlite3_reset(update);
    return status;
}

cleat_status cleat__workflow_pause(cleat__store *store, int64_t row, const cleat__pause *pause,
                                   int64_t now_ms)
{
    static const char sql[] = "UPDATE workflow SET paused_at_ms = ?2, paused_crons = ?3, "
                              "paused_schedules = ?4, paused_ttl_ms = ?5 WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(update, 1, row);
    if (pause->is_paused) {
        sqlite3_bind_int64(update, 2, now_ms);
    } else {
        sqlite3_bind_null(update, 2);
    }
    sqlite3_bind_int(update, 3, pause->is_paused && pause->queues_crons);
    sqlite3_bind_int(update, 4, pause->is_paused && pause->queues_schedules);
    sqlite3_bind_int64(update, 5, pause->is_paused ? pause->ttl_ms : CLEAT__NO_TIMEOUT);
    if (sqlite3_step(update) != SQLITE_DONE) {
        status = cleat__store_error(store, "pausing a workflow");
    }
    sqlite3_reset(update);
    return status;
}

cleat_status cleat__type_compare(cleat__store *store, int64_t id, cleat_slice declaration)
{
    static const char sql[] = "SELECT 1 FROM task_type WHERE id = ?1 AND declaration = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, id);
    cleat__bind_text(select, 2, declaration);
    int code = sqlite3_step(select);
    if (code == SQLITE_DONE) {
        status = CLEAT_EMPTY;
    } else if (code != SQLITE_ROW) {
        status = cleat__store_error(store, "comparing a declaration");
    }
    sqlite3_reset(select);
    return status;
}

/* ---- Live runs ---- */

static cleat_status read_live(sqlite3_stmt *select, cleat__live_row *row)
{
    if (!cleat__column_uuid(select, 0, &row->id)) {
        return cleat__fail(CLEAT_CORRUPT, "a live run has no valid id");
    }
    row->type_id = sqlite3_column_int64(select, 1);
    row->priority = sqlite3_column_int(select, 2);
    row->state = (cleat_run_status)sqlite3_column_int(select, 3);
    row->retry_count = sqlite3_column_int(select, 4);
    row->internal_retries = sqlite3_column_int(select, 5);
    row->queued_at_ms = sqlite3_column_int64(select, 6);
    row->started_at_ms = sqlite3_column_int64(select, 7);
    cleat__column_uuid(select, 8, &row->worker_id);
    row->desired = cleat__column_text(select, 9);
    row->first_retry = sqlite3_column_int(select, 10);
    row->timeout_at_ms = sqlite3_column_int64(select, 11);
    row->has_released = sqlite3_column_int(select, 12) != 0;
    row->limits = cleat__column_text(select, 13);
    cleat__column_uuid(select, 14, &row->dag_id);
    row->is_held = sqlite3_column_int(select, 15) != 0;
    row->batch_id = (cleat__uuid){{0}};
    cleat__column_uuid(select, 16, &row->batch_id);
    cleat__column_uuid(select, 17, &row->former_id);
    return CLEAT_OK;
}

cleat_status cleat__load_live(cleat__store *store,
                              cleat_status (*visit)(void *argument, const cleat__live_row *row),
                              void *argument)
{
    static const char sql[] =
        "SELECT id, type_id, priority, state, retry_count, internal_retries, queued_at_ms, "
        "started_at_ms, worker_id, "
        "CASE has_desired WHEN 0 THEN NULL ELSE (SELECT t.desired FROM task t WHERE t.id = l.id) END, "
        "first_retry, timeout_at_ms, has_released, "
        "CASE has_limits WHEN 0 THEN NULL ELSE (SELECT t.limits FROM task t WHERE t.id = l.id) END, "
        "dag_id, is_held, batch_id, "
        "CASE WHEN is_held = 1 AND dag_id IS NULL THEN (SELECT t.parent_id FROM task t WHERE t.id = l.id) "
        "END "
        "FROM task_live l ORDER BY id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__live_row row;
        status = read_live(select, &row);
        if (status == CLEAT_OK) {
            status = visit(argument, &row);
        }
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading live runs");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__load_last_id(cleat__store *store, cleat__uuid *out)
{
    static const char sql[] =
        "SELECT max(coalesce((SELECT max(id) FROM task), x'00'), coalesce((SELECT max(id) FROM event), "
        "x'00'), coalesce((SELECT max(id) FROM schedule), x'00'), "
        "coalesce((SELECT max(id) FROM event_filter), x'00'), coalesce((SELECT max(id) FROM cron), x'00'), "
        "coalesce((SELECT max(id) FROM webhook), x'00'))";
    *out = (cleat__uuid){{0}};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_step(select) == SQLITE_ROW) {
        cleat__column_uuid(select, 0, out);
    } else {
        status = cleat__store_error(store, "reading the newest id");
    }
    sqlite3_reset(select);
    return status;
}

/* ---- One run ---- */

static cleat_status fail_not_found(const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", text);
}

cleat_status cleat__load_exists(cleat__store *store, int64_t tenant, const cleat__uuid *id)
{
    static const char sql[] = "SELECT 1 FROM task t JOIN task_type y ON y.id = t.type_id "
                              "WHERE t.id = ?1 AND y.tenant = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    int code = sqlite3_step(select);
    if (code == SQLITE_DONE) {
        status = fail_not_found(id);
    } else if (code != SQLITE_ROW) {
        status = cleat__store_error(store, "looking for a run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__load_is_child(cleat__store *store, const cleat__uuid *parent_id, const cleat__uuid *id)
{
    sqlite3_stmt *select = NULL;
    cleat_status status =
        cleat__store_prepare(store, "SELECT 1 FROM task WHERE id = ?1 AND parent_id = ?2", &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    cleat__bind_uuid(select, 2, parent_id);
    int code = sqlite3_step(select);
    if (code != SQLITE_ROW) {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "looking for a child run");
    }
    sqlite3_reset(select);
    return status;
}

static cleat_status read_ended(sqlite3_stmt *row, cleat__ended_row *out)
{
    out->type_id = sqlite3_column_int64(row, 0);
    out->priority = sqlite3_column_int(row, 1);
    out->state = (cleat_run_status)sqlite3_column_int(row, 2);
    out->retry_count = sqlite3_column_int(row, 3);
    cleat__buffer_append_slice(&out->desired, cleat__column_text(row, 4));
    return out->desired.failed ? cleat__fail_memory() : CLEAT_OK;
}

cleat_status cleat__load_ended(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                               cleat__ended_row *out)
{
    static const char sql[] =
        "SELECT t.type_id, t.priority, e.state, e.retry_count, t.desired "
        "FROM task_end e JOIN task t ON t.id = e.id JOIN task_type y ON y.id = t.type_id "
        "WHERE e.id = ?1 AND y.tenant = ?2";
    *out = (cleat__ended_row){0};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = read_ended(select, out);
    } else {
        status = code == SQLITE_DONE ? fail_not_found(id) : cleat__store_error(store, "reading a run's end");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__load_child_input(cleat__store *store, const cleat__trigger *trigger, bool *is_same)
{
    static const char sql[] =
        "SELECT t.input = ?3 AND w.name = ?4 FROM task t JOIN task_type y ON y.id = t.type_id "
        "JOIN workflow w ON w.id = y.workflow_id WHERE t.parent_id = ?1 AND "
        "coalesce(t.child_key, CAST(t.child_index AS TEXT)) = CAST(?2 AS TEXT)";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &trigger->parent_id);
    sqlite3_bind_int64(select, 2, trigger->child_index);
    cleat__bind_text(select, 3, trigger->input.data != NULL ? trigger->input : cleat_slice_of("{}"));
    cleat__bind_text(select, 4, trigger->workflow);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        *is_same = sqlite3_column_int(select, 0) != 0;
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "finding a child run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__load_payloads(cleat__store *store, const cleat__uuid *id, cleat__buffer *input,
                                  cleat__buffer *metadata)
{
    static const char sql[] = "SELECT input, metadata FROM task WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__buffer_append_slice(input, cleat__column_text(select, 0));
        cleat__buffer_append_slice(metadata, cleat__column_text(select, 1));
        status = input->failed || metadata->failed ? cleat__fail_memory() : CLEAT_OK;
    } else {
        status = code == SQLITE_DONE ? fail_not_found(id) : cleat__store_error(store, "reading an input");
    }
    sqlite3_reset(select);
    return status;
}

static cleat_status load_text(cleat__store *store, const char *sql, const cleat__uuid *id, cleat__buffer *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__buffer_append_slice(out, cleat__column_text(select, 0));
        status = out->failed ? cleat__fail_memory() : CLEAT_OK;
    } else {
        status = code == SQLITE_DONE ? fail_not_found(id) : cleat__store_error(store, "reading a run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__load_metadata(cleat__store *store, const cleat__uuid *id, cleat__buffer *out)
{
    return load_text(store, "SELECT metadata FROM task WHERE id = ?1", id, out);
}

cleat_status cleat__load_parent(cleat__store *store, const cleat__uuid *id, cleat__uuid *run_id,
                                cleat__buffer *metadata)
{
    static const char sql[] = "SELECT dag_id FROM task WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__load_metadata(store, id, metadata);
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(store, sql, &select);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code = sqlite3_step(select);
    if (code != SQLITE_ROW || !cleat__column_uuid(select, 0, run_id)) {
        *run_id = *id;
    }
    return cleat__store_rows_end(store, select, code, "reading a run");
}

cleat_status cleat__load_desired(cleat__store *store, const cleat__uuid *id, cleat__buffer *out)
{
    return load_text(store, "SELECT desired FROM task WHERE id = ?1", id, out);
}

static cleat_status new_assignment(sqlite3_stmt *row, const cleat__uuid *id, const cleat__type_names *names,
                                   cleat__assignment **out)
{
    cleat__assignment borrowed = {
        .task_id = *id,
        .created_at_ms = sqlite3_column_int64(row, 0),
        .task = names->action,
        .workflow = names->workflow,
        .task_name = names->task,
        .child_key = cleat__column_text(row, 3),
        .input = cleat__column_text(row, 4),
        .metadata = cleat__column_text(row, 5),
        .event_key = cleat__column_text(row, 7),
        .filter_payload = cleat__column_text(row, 8),
    };
    borrowed.is_child = cleat__column_uuid(row, 1, &borrowed.parent_id);
    borrowed.child_index = borrowed.is_child ? sqlite3_column_int64(row, 2) : -1;
    cleat__column_uuid(row, 6, &borrowed.event_id);
    *out = cleat__assignment_copy(&borrowed);
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

cleat_status cleat__load_assignment(cleat__store *store, const cleat__uuid *id,
                                    const cleat__type_names *names, cleat__assignment **out)
{
    static const char sql[] =
        "SELECT created_at_ms, parent_id, child_index, child_key, input, metadata, event_id, event_key, "
        "filter_payload FROM task WHERE id = ?1";
    *out = NULL;
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = new_assignment(select, id, names, out);
    } else if (code == SQLITE_DONE) {
        status = cleat__fail(CLEAT_CORRUPT, "a live run is not among the runs");
    } else {
        status = cleat__store_error(store, "reading a run's input");
    }
    sqlite3_reset(select);
    return status;
}

static cleat_status copy_text(sqlite3_stmt *row, int column, char **out)
{
    cleat_slice text = cleat__column_text(row, column);
    if (text.data == NULL) {
        return CLEAT_OK;
    }
    *out = cleat__slice_dup(text);
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status read_result(sqlite3_stmt *row, cleat_run_result *out, char **task_name)
{
    if (sqlite3_column_type(row, 0) == SQLITE_NULL) {
        return CLEAT_EMPTY;
    }
    out->status = (cleat_run_status)sqlite3_column_int(row, 0);
    cleat_status status = CLEAT_OK;
    if (out->status == CLEAT_RUN_COMPLETED) {
        status = copy_text(row, 1, &out->output);
    } else if (out->status == CLEAT_RUN_FAILED) {
        status = copy_text(row, 2, &out->error);
    }
    return status == CLEAT_OK && task_name != NULL ? copy_text(row, 3, task_name) : status;
}

cleat_status cleat__load_result(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                cleat_run_result *out, char **task_name)
{
    static const char sql[] =
        "SELECT e.state, e.output, e.error, y.task_name FROM task t JOIN task_type y ON y.id = t.type_id "
        "LEFT JOIN task_end e ON e.id = t.id WHERE t.id = ?1 AND y.tenant = ?2";
    *out = (cleat_run_result){0};
    cleat__uuid_format(id, out->id.text);
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = read_result(select, out, task_name);
    } else if (code == SQLITE_DONE) {
        status = fail_not_found(id);
    } else {
        status = cleat__store_error(store, "reading a run's result");
    }
    sqlite3_reset(select);
    return status;
}
