/* What the REST API reads about workflows and their queues. */
#include "rest_query.h"

#include "base/error.h"
#include "model/workflow.h"
#include "store/bind.h"

/* `chosen` says which version of each workflow. */
#define SELECT_WORKFLOWS(chosen)                                                              \
    "SELECT w.uuid, w.name, y.version_id, y.task_name, y.action, y.declaration, y.priority, " \
    "y.execution_timeout_ms, y.schedule_timeout_ms, "                                         \
    "(SELECT count(*) FROM task_type o WHERE o.workflow_id = w.id AND o.id <= y.id AND "      \
    "coalesce(o.dag_type, 0) = 0), y.retries, w.paused_at_ms IS NOT NULL, w.paused_crons, "   \
    "w.paused_schedules, w.paused_ttl_ms, y.dag_type = 0, y.id "                              \
    "FROM workflow w JOIN task_type y ON y.workflow_id = w.id AND " chosen                    \
    " WHERE w.tenant = ?1 AND w.deleted_at_ms IS NULL "
#define NEWEST \
    "y.id = (SELECT max(n.id) FROM task_type n WHERE n.workflow_id = w.id AND coalesce(n.dag_type, 0) = 0)"

static void read_workflow(sqlite3_stmt *select, cleat__rest_workflow *row)
{
    *row = (cleat__rest_workflow){
        .name = cleat__column_text(select, 1),
        .task_name = cleat__column_text(select, 3),
        .action = cleat__column_text(select, 4),
        .declaration = cleat__column_text(select, 5),
        .priority = sqlite3_column_int(select, 6),
        .execution_timeout_ms = sqlite3_column_int64(select, 7),
        .schedule_timeout_ms = sqlite3_column_int64(select, 8),
        .order = sqlite3_column_int64(select, 9),
        .retries = sqlite3_column_int(select, 10),
        .pause = {.is_paused = sqlite3_column_int(select, 11) != 0,
                  .queues_crons = sqlite3_column_int(select, 12) != 0,
                  .queues_schedules = sqlite3_column_int(select, 13) != 0,
                  .ttl_ms = sqlite3_column_int64(select, 14)},
        .is_dag = sqlite3_column_int(select, 15) != 0,
        .type_id = sqlite3_column_int64(select, 16),
    };
    cleat__column_uuid(select, 0, &row->id);
    cleat__column_uuid(select, 2, &row->version_id);
}

cleat_status cleat__rest_query_workflows(cleat__store *store, int64_t tenant,
                                         bool (*visit)(void *argument, const cleat__rest_workflow *row),
                                         void *argument)
{
    static const char sql[] = SELECT_WORKFLOWS(NEWEST) "ORDER BY w.name";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__rest_workflow row;
        read_workflow(select, &row);
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing workflows");
}

cleat_status cleat__rest_query_workflow(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                        const cleat__uuid *version, cleat__rest_workflow *out)
{
    static const char newest[] = SELECT_WORKFLOWS(NEWEST) "AND w.uuid = ?2";
    static const char given[] =
        SELECT_WORKFLOWS("y.version_id = ?3 AND coalesce(y.dag_type, 0) = 0") "AND w.uuid = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, version != NULL ? given : newest, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_uuid(select, 2, id);
    if (version != NULL) {
        cleat__bind_uuid(select, 3, version);
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_workflow(select, out);
        return CLEAT_OK;
    }
    status = cleat__store_rows_end(store, select, code, "reading a workflow");
    return status != CLEAT_OK ? status : cleat__fail(CLEAT_NOT_FOUND, "there is no such workflow");
}

cleat_status cleat__rest_query_steps(cleat__store *store, const cleat__rest_workflow *workflow,
                                     void (*visit)(void *argument, const cleat__rest_step *row),
                                     void *argument)
{
    /* Their rows are those behind that of the version. */
    static const char sql[] =
        "SELECT task_name, action, retries, execution_timeout_ms, schedule_timeout_ms FROM task_type "
        "WHERE id > ?1 AND id <= ?1 + ?2 AND dag_type = ?1 ORDER BY id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, workflow->type_id);
    sqlite3_bind_int64(select, 2, CLEAT__TASKS_MAX);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        const cleat__rest_step row = {.name = cleat__column_text(select, 0),
                                      .action = cleat__column_text(select, 1),
                                      .retries = sqlite3_column_int(select, 2),
                                      .execution_timeout_ms = sqlite3_column_int64(select, 3),
                                      .schedule_timeout_ms = sqlite3_column_int64(select, 4)};
        visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing the tasks of a workflow");
}
