#include "store/dag.h"

#include "base/error.h"
#include "store/statement.h"

static cleat_status read_row(sqlite3_stmt *select, cleat__dag_row *row)
{
    *row = (cleat__dag_row){
        .type_id = sqlite3_column_int64(select, 1),
        .has_ended = sqlite3_column_type(select, 2) != SQLITE_NULL,
        .state = (cleat_run_status)sqlite3_column_int(select, 2),
        .retry_count = sqlite3_column_int(select, 3),
        .finished_at_ms = sqlite3_column_int64(select, 4),
        .output = cleat__column_text(select, 5),
        .error = cleat__column_text(select, 6),
        .name = cleat__column_text(select, 7),
    };
    return cleat__column_uuid(select, 0, &row->id)
               ? CLEAT_OK
               : cleat__fail(CLEAT_CORRUPT, "a task of a run has no valid id");
}

cleat_status cleat__dag_list(cleat__store *store, const cleat__uuid *dag_id,
                             cleat_status (*visit)(void *argument, const cleat__dag_row *row), void *argument)
{
    static const char sql[] =
        "SELECT t.id, t.type_id, e.state, e.retry_count, e.finished_at_ms, e.output, e.error, "
        "y.task_name FROM task t JOIN task_type y ON y.id = t.type_id LEFT JOIN task_end e ON e.id = t.id "
        "WHERE t.dag_id = ?1 ORDER BY t.type_id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, dag_id, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__dag_row row;
        status = read_row(select, &row);
        if (status == CLEAT_OK) {
            status = visit(argument, &row);
        }
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading the tasks of a run");
    }
    sqlite3_reset(select);
    return status;
}

static cleat_status add_result(void *argument, const cleat__dag_row *row)
{
    char id[37];
    cleat__uuid_format(&row->id, id);
    cleat_slice text = row->state == CLEAT_RUN_COMPLETED ? row->output : row->error;
    return cleat__task_results_add(argument, id, row->name, row->state, text);
}

cleat_status cleat__dag_results(cleat__store *store, const cleat__uuid *dag_id, cleat__task_results *out)
{
    return cleat__dag_list(store, dag_id, add_result, out);
}

/* The UUID that a statement finds; nil: it finds none. */
static cleat_status read_uuid(cleat__store *store, const char *sql, const cleat__uuid *id, cleat__uuid *out)
{
    sqlite3_stmt *select = NULL;
    *out = (cleat__uuid){{0}};
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__column_uuid(select, 0, out);
    } else if (code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading a task of a run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__dag_of(cleat__store *store, const cleat__uuid *id, cleat__uuid *out)
{
    return read_uuid(store, "SELECT dag_id FROM task WHERE id = ?1", id, out);
}

cleat_status cleat__dag_worker(cleat__store *store, const cleat__uuid *id, cleat__uuid *out)
{
    return read_uuid(store, "SELECT worker_id FROM task_end WHERE id = ?1", id, out);
}

/* Appends the text that a statement finds. CLEAT_EMPTY: it finds none. */
static cleat_status read_text(cleat__store *store, const char *sql, const cleat__uuid *id, cleat__buffer *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW && sqlite3_column_type(select, 0) != SQLITE_NULL) {
        cleat__buffer_append_slice(out, cleat__column_text(select, 0));
        status = out->failed ? cleat__fail_memory() : CLEAT_OK;
    } else {
        status = code == SQLITE_ROW || code == SQLITE_DONE
                     ? CLEAT_EMPTY
                     : cleat__store_error(store, "reading a task of a run");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__dag_output(cleat__store *store, const cleat__uuid *id, cleat__buffer *out)
{
    return read_text(store, "SELECT output FROM task_end WHERE id = ?1 AND state = 2", id, out);
}

cleat_status cleat__dag_error(cleat__store *store, const cleat__uuid *id, cleat__buffer *out)
{
    return read_text(store, "SELECT error FROM task_end WHERE id = ?1 AND state = 3", id, out);
}

cleat_status cleat__dag_desired(cleat__store *store, const cleat__uuid *id, cleat__buffer *out)
{
    cleat_status status = read_text(store, "SELECT desired FROM task WHERE id = ?1", id, out);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

cleat_status cleat__task_trigger_put(cleat__store *store, const cleat__uuid *id, cleat_slice data)
{
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__statement_of_run(
        store, "INSERT INTO task_trigger (task_id, data) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET data = ?2",
        id, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(insert, 2, data);
    return cleat__statement_finish(store, insert, "storing what a task has waited for");
}

cleat_status cleat__task_trigger_get(cleat__store *store, const cleat__uuid *id, cleat__buffer *out)
{
    cleat_status status = read_text(store, "SELECT data FROM task_trigger WHERE task_id = ?1", id, out);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}
