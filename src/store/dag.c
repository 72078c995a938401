#include "store/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/statement.h"

/* ---- The tasks of a run ---- */

typedef struct id_list {
    cleat__uuid *items;
    size_t count, capacity;
} id_list;

static cleat_status add_id(id_list *list, sqlite3_stmt *select)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? 2 * list->capacity : 16;
        cleat__uuid *items = cleat__realloc(list->items, capacity * sizeof(*items));
        if (items == NULL) {
            return cleat__fail_memory();
        }
        list->items = items;
        list->capacity = capacity;
    }
    return cleat__column_uuid(select, 0, &list->items[list->count++])
               ? CLEAT_OK
               : cleat__fail(CLEAT_CORRUPT, "a task of a run has no valid id");
}

cleat_status cleat__dag_ids(cleat__store *store, const cleat__uuid *dag_id, cleat__uuid **out, size_t *count)
{
    static const char sql[] = "SELECT id FROM task WHERE dag_id = ?1 ORDER BY type_id";
    sqlite3_stmt *select = NULL;
    id_list list = {NULL, 0, 0};
    cleat_status status = cleat__statement_of_run(store, sql, dag_id, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        status = add_id(&list, select);
    }
    if (select != NULL) {
        cleat_status last = cleat__store_rows_end(store, select, code, "listing the tasks of a run");
        status = status == CLEAT_OK ? last : status;
    }
    if (status != CLEAT_OK) {
        cleat__free(list.items);
        list = (id_list){NULL, 0, 0};
    }
    *out = list.items;
    *count = list.count;
    return status;
}

static void read_row(sqlite3_stmt *select, const cleat__uuid *id, cleat__dag_row *row)
{
    *row = (cleat__dag_row){
        .id = *id,
        .type_id = sqlite3_column_int64(select, 0),
        .has_ended = sqlite3_column_type(select, 1) != SQLITE_NULL,
        .retry_count = sqlite3_column_int(select, 2),
        .finished_at_ms = sqlite3_column_int64(select, 3),
        .name = cleat__column_text(select, 4),
        .state = (cleat_run_status)sqlite3_column_int(select, 5),
        .output = cleat__column_text(select, 6),
        .error = cleat__column_text(select, 7),
    };
}

static cleat_status visit_one(cleat__store *store, const cleat__uuid *id, cleat__dag_parts parts,
                              cleat_status (*visit)(void *argument, const cleat__dag_row *row),
                              void *argument)
{
    static const char sql[] =
        "SELECT t.type_id, e.state, coalesce(e.retry_count, l.retry_count), e.finished_at_ms, y.task_name, "
        "coalesce(e.state, l.state), CASE WHEN ?2 THEN e.output END, CASE WHEN ?2 THEN e.error END "
        "FROM task t JOIN task_type y ON y.id = t.type_id LEFT JOIN task_live l ON l.id = t.id "
        "LEFT JOIN task_end e ON e.id = t.id WHERE t.id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(select, 2, parts == CLEAT__DAG_WITH_RESULTS);
    int code = sqlite3_step(select);
    if (code != SQLITE_ROW) {
        status = cleat__store_rows_end(store, select, code, "reading a task of a run");
        return status != CLEAT_OK ? status : cleat__fail(CLEAT_CORRUPT, "a task of a run has no declaration");
    }
    cleat__dag_row row;
    read_row(select, id, &row);
    status = visit(argument, &row);
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__dag_list(cleat__store *store, const cleat__uuid *dag_id, cleat__dag_parts parts,
                             cleat_status (*visit)(void *argument, const cleat__dag_row *row), void *argument)
{
    cleat__uuid *ids = NULL;
    size_t count = 0;
    cleat_status status = cleat__dag_ids(store, dag_id, &ids, &count);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = visit_one(store, &ids[i], parts, visit, argument);
    }
    cleat__free(ids);
    return status;
}

/* ---- What they have made ---- */

static cleat_status add_result(void *argument, const cleat__dag_row *row)
{
    char id[37];
    cleat__uuid_format(&row->id, id);
    cleat_slice text = row->state == CLEAT_RUN_COMPLETED ? row->output : row->error;
    cleat__task_results *to = argument;
    cleat_status status = cleat__task_results_add(to, id, row->name, row->state, text);
    return status == CLEAT_OK && to->is_too_large ? CLEAT_EMPTY : status; /* the rest need not be read */
}

cleat_status cleat__dag_results(cleat__store *store, const cleat__uuid *dag_id, cleat__task_results *out)
{
    cleat_status status = cleat__dag_list(store, dag_id, CLEAT__DAG_WITH_RESULTS, add_result, out);
    return status == CLEAT_EMPTY && out->is_too_large ? CLEAT_OK : status;
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
