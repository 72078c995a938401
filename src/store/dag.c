#include "store/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/statement.h"

#include <stdlib.h>

/* ---- The tasks of a run ---- */

typedef struct row_list {
    cleat__dag_row *items; /* of each the id and the type, until more is read */
    size_t count, capacity;
} row_list;

static cleat_status add_row(row_list *list, sqlite3_stmt *select)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? 2 * list->capacity : 16;
        cleat__dag_row *items = cleat__realloc(list->items, capacity * sizeof(*items));
        if (items == NULL) {
            return cleat__fail_memory();
        }
        list->items = items;
        list->capacity = capacity;
    }
    cleat__dag_row *row = &list->items[list->count++];
    *row = (cleat__dag_row){.type_id = sqlite3_column_int64(select, 1)};
    return cleat__column_uuid(select, 0, &row->id)
               ? CLEAT_OK
               : cleat__fail(CLEAT_CORRUPT, "a task of a run has no valid id");
}

/* To be freed, also after a failure. */
static cleat_status list_rows(cleat__store *store, const cleat__uuid *dag_id, row_list *list)
{
    static const char sql[] = "SELECT id, type_id FROM task WHERE dag_id = ?1 ORDER BY type_id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, dag_id, &select);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        status = add_row(list, select);
    }
    if (select != NULL) {
        cleat_status last = cleat__store_rows_end(store, select, code, "listing the tasks of a run");
        status = status == CLEAT_OK ? last : status;
    }
    return status;
}

cleat_status cleat__dag_ids(cleat__store *store, const cleat__uuid *dag_id, cleat__uuid **out, size_t *count)
{
    row_list list = {NULL, 0, 0};
    cleat_status status = list_rows(store, dag_id, &list);
    *out = NULL;
    *count = 0;
    if (status == CLEAT_OK && list.count != 0) {
        *out = cleat__malloc(list.count * sizeof(**out));
        status = *out != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    for (; *out != NULL && *count < list.count; ++*count) {
        (*out)[*count] = list.items[*count].id;
    }
    cleat__free(list.items);
    return status;
}

static int compare_ids(const cleat__uuid *one, const cleat__uuid *other)
{
    return memcmp(one->bytes, other->bytes, sizeof(one->bytes));
}

/* Without an upper bound in the statement: SQLite would read a row as a whole to compare it. */
cleat_status cleat__dag_ends(cleat__store *store, const cleat__uuid *first, const cleat__uuid *last,
                             cleat__dag_parts parts,
                             cleat_status (*visit)(void *argument, const cleat__dag_row *row), void *argument)
{
    static const char bare[] = "SELECT id, state, retry_count, finished_at_ms, NULL, NULL FROM task_end "
                               "WHERE id >= ?1 ORDER BY id";
    static const char whole[] = "SELECT id, state, retry_count, finished_at_ms, output, error FROM task_end "
                                "WHERE id >= ?1 ORDER BY id";
    const char *sql = parts == CLEAT__DAG_WITH_RESULTS ? whole : bare;
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, first, &select);
    int code = SQLITE_DONE;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__dag_row row = {.has_ended = true,
                              .state = (cleat_run_status)sqlite3_column_int(select, 1),
                              .retry_count = sqlite3_column_int(select, 2),
                              .finished_at_ms = sqlite3_column_int64(select, 3),
                              .output = cleat__column_text(select, 4),
                              .error = cleat__column_text(select, 5)};
        if (cleat__column_uuid(select, 0, &row.id) && compare_ids(&row.id, last) > 0) {
            break;
        }
        status = visit(argument, &row);
    }
    if (status == CLEAT_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
        status = cleat__store_error(store, "reading how tasks have ended");
    }
    sqlite3_reset(select);
    return status;
}

/* ---- Without what they have made ---- */

static int by_id(const void *a, const void *b)
{
    const cleat__dag_row *one = a, *other = b;
    return compare_ids(&one->id, &other->id);
}

static int by_type(const void *a, const void *b)
{
    const cleat__dag_row *one = a, *other = b;
    return one->type_id < other->type_id ? -1 : one->type_id > other->type_id;
}

/* Into the row of its task, if it is one of them. */
static cleat_status take_end(void *argument, const cleat__dag_row *end)
{
    row_list *list = argument;
    cleat__dag_row *row = bsearch(end, list->items, list->count, sizeof(*end), by_id);
    if (row != NULL) {
        int64_t type_id = row->type_id;
        *row = *end;
        row->type_id = type_id;
    }
    return CLEAT_OK;
}

/* Ids of a run's tasks follow upon each other. Each row that is looked up by its id is compared with others, which
 * are read as a whole, outputs and all; reading on from the first does not do that. */
static cleat_status read_ends(cleat__store *store, row_list *list)
{
    qsort(list->items, list->count, sizeof(*list->items), by_id);
    cleat_status status = cleat__dag_ends(store, &list->items[0].id, &list->items[list->count - 1].id,
                                          CLEAT__DAG_WITHOUT_RESULTS, take_end, list);
    qsort(list->items, list->count, sizeof(*list->items), by_type);
    return status;
}

static cleat_status visit_bare(cleat__store *store, cleat__dag_row *row,
                               cleat_status (*visit)(void *argument, const cleat__dag_row *row),
                               void *argument)
{
    static const char sql[] = "SELECT y.task_name, l.state, l.retry_count FROM task_type y "
                              "LEFT JOIN task_live l ON l.id = ?1 WHERE y.id = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, &row->id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, row->type_id);
    int code = sqlite3_step(select);
    if (code != SQLITE_ROW) {
        status = cleat__store_rows_end(store, select, code, "reading a task of a run");
        return status != CLEAT_OK ? status : cleat__fail(CLEAT_CORRUPT, "a task of a run has no declaration");
    }
    row->name = cleat__column_text(select, 0);
    if (!row->has_ended) {
        row->state = (cleat_run_status)sqlite3_column_int(select, 1);
        row->retry_count = sqlite3_column_int(select, 2);
    }
    status = visit(argument, row);
    sqlite3_reset(select);
    return status;
}

/* ---- With it ---- */

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

static cleat_status visit_whole(cleat__store *store, const cleat__uuid *id,
                                cleat_status (*visit)(void *argument, const cleat__dag_row *row),
                                void *argument)
{
    static const char sql[] =
        "SELECT t.type_id, e.state, coalesce(e.retry_count, l.retry_count), e.finished_at_ms, y.task_name, "
        "coalesce(e.state, l.state), e.output, e.error "
        "FROM task t JOIN task_type y ON y.id = t.type_id LEFT JOIN task_live l ON l.id = t.id "
        "LEFT JOIN task_end e ON e.id = t.id WHERE t.id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
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
    bool is_whole = parts == CLEAT__DAG_WITH_RESULTS;
    row_list list = {NULL, 0, 0};
    cleat_status status = list_rows(store, dag_id, &list);
    if (status == CLEAT_OK && !is_whole && list.count != 0) {
        status = read_ends(store, &list);
    }
    for (size_t i = 0; i < list.count && status == CLEAT_OK; i++) {
        status = is_whole ? visit_whole(store, &list.items[i].id, visit, argument)
                          : visit_bare(store, &list.items[i], visit, argument);
    }
    cleat__free(list.items);
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
